/* The pages of a snapshot, from the database file and its WAL.
 *
 *     rf_source_open / BEGIN and a first read     SQLite's transaction
 *     rf_page_pin_take(db, &pin, error)           may begin it anew; pin.unproven: not possible
 *     … the schema is read …
 *     rf_page_file_open(db, &pin, &pages, error)
 *     scans, on any number of threads
 *     rf_page_file_holds(pages, error)            behind the last page that was read
 *     rf_page_source_close(pages)
 *     COMMIT, or closing the connection
 *
 * The transaction is what keeps the pages as they are (page_pin.h says why), so it must stand from
 * the pin to rf_page_file_holds. The connection itself may be used meanwhile, by its own thread. */
#ifndef RF_CAPTURE_PAGE_FILE_H
#define RF_CAPTURE_PAGE_FILE_H

#include <sqlite3.h>

#include "capture/page_pin.h"
#include "capture/page_source.h"
#include "format/error.h"

/* On the thread of the connection, as is rf_page_file_holds. RF_UNUSUAL, also for a pin that is
 * unproven. */
RF_MUST_USE enum rf_code rf_page_file_open(sqlite3 *db, const struct rf_page_pin *pin,
                                           struct rf_page_source **source, struct rf_error *error);
/* Whether the transaction still stands that all pages were read under. Only for sources of this
 * file. */
RF_MUST_USE enum rf_code rf_page_file_holds(const struct rf_page_source *source,
                                            struct rf_error *error);

#endif
