/* The rows that a delta deletes or changes, whole and as they were: what was made of them is found
 * by what was made, which their keys alone may not tell. */
#ifndef RF_REPLAY_COMPUTED_OLD_H
#define RF_REPLAY_COMPUTED_OLD_H

#include "format/archive.h"
#include "format/state.h"
#include "replay/delta_table.h"

struct rf_old_rows {
    struct rf_archive *archive; /* the delta */
    bool by_rowid;              /* its rows have rowids, or places in the scan */
    struct rf_state *state;     /* before it; NULL: the delta has them whole */
    struct rf_block_scan *gone;
    struct rf_scan *scan;
    const struct rf_rows *rows; /* of the delta: the block at hand, */
    uint32_t row;               /* and the next of it */
    struct rf_span span;        /* of the state: what is left of it */
    struct rf_buffer scratch;
};
/* *there is false where the rows are neither in the delta nor in the repository any more. Borrows
 * the archive. */
RF_MUST_USE enum rf_code rf_old_rows_open(struct rf_old_rows *old, struct rf_delta *delta,
                                          const struct rf_manifest_table *source,
                                          struct rf_archive *archive, bool *there,
                                          struct rf_error *error);
void rf_old_rows_close(struct rf_old_rows *old);
/* The next one: rows[row], with all columns, and its hash; *rows is NULL at the end. Valid until the
 * next call. */
RF_MUST_USE enum rf_code rf_old_rows_next(struct rf_old_rows *old, const struct rf_rows **rows,
                                          uint32_t *row, struct rf_hash *hash,
                                          struct rf_error *error);

#endif
