/* In which order tables are captured where somebody waits for them (capture.h, table_done).
 *
 * A first load works on several tables at once: those come first that will keep it busy longest, so that
 * it does not end up with one large table. A delta is one transaction: what is ready soonest comes first,
 * so that it has something to do.
 *
 * What a table holds is not known before it is read. It is guessed from the way down to its first leaf,
 * as if all pages were as full as those on it; where pages cannot be read, nothing is guessed. The order
 * has no part in what a snapshot says. */
#ifndef RF_CAPTURE_TABLE_ORDER_H
#define RF_CAPTURE_TABLE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/source.h"
#include "format/error.h"
#include "format/manifest.h"

/* `order` gets the numbers of all tables of the manifest; as they stand where they cost the same. */
RF_MUST_USE enum rf_code rf_table_order(struct rf_source *source,
                                        const struct rf_manifest *manifest, bool first,
                                        uint32_t *order, struct rf_error *error);

/* How many rows each table of the manifest may have, by the same guess; 0: unknown. */
void rf_table_guess_rows(struct rf_source *source, const struct rf_manifest *manifest,
                         uint64_t *rows);

#endif
