/* The rows on a leaf, as canonical bytes.
 *
 *     rf_page_rows_begin(rows, leaf, 0)
 *     while rf_page_rows_look(rows, &room, error), room > 0:
 *         rf_page_rows_take(rows, &cells, &keys, &row, error)
 *
 * Rows are those that the row scan (row_scan.h) gives, byte for byte. They ascend by rowid, or by
 * key where the layout is `ordered`, from leaf to leaf, too; that is checked. RF_UNUSUAL as in
 * page_scan.h. Any number of threads may each have one of these over the same source and layout. It
 * holds 128 KiB where rows overflow, and the payload of the row that was taken last. */
#ifndef RF_CAPTURE_PAGE_ROWS_H
#define RF_CAPTURE_PAGE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/page_layout.h"
#include "capture/page_scan.h"
#include "capture/page_source.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"

struct rf_page_row {
    int64_t rowid; /* 0 for WITHOUT ROWID */
    size_t size;
    size_t key_size;
    const uint32_t
        *offsets; /* of each cell from the row's start, and their end: column_count + 1 */
};

struct rf_page_rows;
/* Both are borrowed. */
RF_MUST_USE enum rf_code rf_page_rows_new(const struct rf_page_source *source,
                                          const struct rf_page_layout *layout,
                                          struct rf_page_rows **rows, struct rf_error *error);
void rf_page_rows_free(struct rf_page_rows *rows); /* NULL is fine */

/* The whole identity of a leaf. Beside, not within, the reading of its rows. */
RF_MUST_USE enum rf_code rf_page_rows_identify(struct rf_page_rows *rows,
                                               const struct rf_page_leaf *leaf,
                                               struct rf_hash *identity, struct rf_error *error);

/* The leaf is borrowed until the next. Its rows come from number `first` on. */
void rf_page_rows_begin(struct rf_page_rows *rows, const struct rf_page_leaf *leaf, uint32_t first);
/* How many bytes the next row has at most; 0 when there is none. */
RF_MUST_USE enum rf_code rf_page_rows_look(struct rf_page_rows *rows, size_t *room,
                                           struct rf_error *error);
/* Appends the cells of the row that was looked at, and those of its declared key unless that is the
 * rowid. `row` is valid until the next call. */
RF_MUST_USE enum rf_code rf_page_rows_take(struct rf_page_rows *rows, struct rf_buffer *cells,
                                           struct rf_buffer *keys, struct rf_page_row *row,
                                           struct rf_error *error);

#endif
