/* The delta archive of a table on its way: rows that are gone, runs of rowids that moved, rows that
 * are new. What is put is also done to the parent's digest, so that in the end it must be the
 * child's. */
#ifndef RF_CAPTURE_DELTA_H
#define RF_CAPTURE_DELTA_H

#include <stddef.h>
#include <stdint.h>

#include "capture/moves.h"
#include "capture/outlet.h"
#include "capture/row_scan.h"
#include "capture/table_job.h"
#include "format/archive.h"
#include "format/error.h"
#include "format/hash.h"

/* Opened by the first row that is put. */
struct rf_delta {
    const struct rf_table_job *job;
    struct rf_outlet outlet;
    struct rf_digest digest; /* the parent's, with what the delta does to it */
};
/* What is kept of rows that are gone; known once the census of the child is, and for
 * RF_KEY_COLUMNS from the start. */
enum rf_gone_form rf_delta_gone_form(const struct rf_table_job *job);
/* Rows of either kind ascend by key. `cells`: what the gone form wants. */
RF_MUST_USE enum rf_code rf_delta_row(struct rf_delta *delta, const struct rf_source_row *row,
                                      struct rf_error *error);
RF_MUST_USE enum rf_code rf_delta_gone(struct rf_delta *delta, int64_t rowid, struct rf_hash hash,
                                       const void *cells, size_t size, struct rf_error *error);
RF_MUST_USE enum rf_code rf_delta_moved(struct rf_delta *delta, const struct rf_moved *run,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_delta_finish(struct rf_delta *delta, struct rf_archive_ref *ref,
                                         struct rf_error *error);
void rf_delta_abort(struct rf_delta *delta); /* twice is fine */

#endif
