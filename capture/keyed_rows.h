/* Rows of either side of a diff, side by side: what tells them apart and what they are worth,
 * without their cells. Rows ascend strictly by key. */
#ifndef RF_CAPTURE_KEYED_ROWS_H
#define RF_CAPTURE_KEYED_ROWS_H

#include <stdint.h>

#include "format/hash.h"

struct rf_keyed_rows {
    uint32_t count;
    const int64_t *rowids; /* or places in the scan; not looked at for RF_KEY_COLUMNS */
    const struct rf_hash *hashes;
    /* Cells of the declared primary key; row i is [key_starts[i], key_starts[i + 1]). Both NULL
     * without such a key, or where it is the rowid. */
    const uint8_t *keys;
    const uint32_t *key_starts;
};

/* One of them. */
struct rf_keyed_row {
    const struct rf_keyed_rows *rows;
    uint32_t at;
};
static inline int64_t rf_keyed_rowid(struct rf_keyed_row row) {
    return row.rows->rowids[row.at];
}
static inline struct rf_hash rf_keyed_hash(struct rf_keyed_row row) {
    return row.rows->hashes[row.at];
}
static inline const uint8_t *rf_keyed_key(struct rf_keyed_row row) {
    return row.rows->keys + row.rows->key_starts[row.at];
}
static inline size_t rf_keyed_key_size(struct rf_keyed_row row) {
    return row.rows->key_starts[row.at + 1] - row.rows->key_starts[row.at];
}

#endif
