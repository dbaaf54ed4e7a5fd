/* The index of a table's new state, written while its pieces pass by.
 *
 * Whether the table is to have one is known when its archives are: it is begun all the same. In a
 * dry run nothing is written and everything succeeds. */
#ifndef RF_CAPTURE_INDEX_OUTLET_H
#define RF_CAPTURE_INDEX_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/index_file.h"
#include "capture/outlet.h"
#include "capture/row_feed.h"
#include "format/error.h"
#include "format/manifest.h"

struct rf_index_outlet {
    const struct rf_outlet_settings *settings;
    struct rf_index_writer *writer;
    bool open;
};
RF_MUST_USE enum rf_code rf_index_outlet_open(struct rf_index_outlet *outlet,
                                              const struct rf_outlet_settings *settings,
                                              const struct rf_table *table, struct rf_error *error);
RF_MUST_USE enum rf_code rf_index_outlet_put(struct rf_index_outlet *outlet,
                                             const struct rf_piece *piece, struct rf_error *error);
/* The first `count` rows of a stretch of another index; what they were a part of is not known
 * again. */
RF_MUST_USE enum rf_code rf_index_outlet_put_part(struct rf_index_outlet *outlet,
                                                  const struct rf_keyed_rows *rows, uint32_t count,
                                                  struct rf_error *error);
/* Pieces [first, end) of another index, which stays open until all is settled. */
RF_MUST_USE enum rf_code rf_index_outlet_copy(struct rf_index_outlet *outlet,
                                              struct rf_index_reader *reader, uint32_t first,
                                              uint32_t end, struct rf_error *error);
RF_MUST_USE enum rf_code rf_index_outlet_settle(struct rf_index_outlet *outlet,
                                                struct rf_error *error);
/* `table`, with its state. Where that is to have an index, adds it to the pending ones. */
RF_MUST_USE enum rf_code rf_index_outlet_finish(struct rf_index_outlet *outlet,
                                                const struct rf_manifest_table *table,
                                                struct rf_error *error);
void rf_index_outlet_abort(struct rf_index_outlet *outlet); /* open or not; twice is fine */

/* The piece as a diff wants it. */
struct rf_keyed_rows rf_piece_rows(const struct rf_piece *piece);

#endif
