/* The old side of a diff: key and row hash of every row that the parent snapshot holds, in the
 * order of their keys, a stretch at a time.
 *
 * They come from the table's local index; or, where that is not worth having, or is missing and
 * nothing may be written (a dry run), from the table's rows themselves. */
#ifndef RF_CAPTURE_PARENT_ROWS_H
#define RF_CAPTURE_PARENT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/index_file.h"
#include "capture/keyed_rows.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"

struct rf_parent_rows;
/* `table`, the parent's, is borrowed. *rows is NULL where there is no usable index. */
RF_MUST_USE enum rf_code rf_parent_rows_from_index(const struct rf_repository *repository,
                                                   const struct rf_manifest_table *table,
                                                   struct rf_parent_rows **rows,
                                                   struct rf_error *error);
/* `cells`: whether rf_parent_rows_cells will be called, and no keys are wanted. */
RF_MUST_USE enum rf_code rf_parent_rows_from_state(const struct rf_repository *repository,
                                                   const struct rf_manifest_table *table,
                                                   bool cells, struct rf_parent_rows **rows,
                                                   struct rf_error *error);
void rf_parent_rows_close(struct rf_parent_rows *rows); /* NULL is fine */

/* The next so many rows; *stretch is NULL at the end, and valid until the next call. At the end of
 * archives whose rows do not sum up to the parent's digest: RF_CORRUPT. What of the index is
 * damaged is RF_CORRUPT as well. */
RF_MUST_USE enum rf_code rf_parent_rows_next(struct rf_parent_rows *rows,
                                             const struct rf_keyed_rows **stretch,
                                             struct rf_error *error);
/* The first row whose rowid is at least this; row->rows is NULL where there is none. Only forward,
 * and not together with next. What is passed over is not read where that can be avoided, and the
 * sum not checked. */
RF_MUST_USE enum rf_code rf_parent_rows_find(struct rf_parent_rows *rows, int64_t rowid,
                                             struct rf_keyed_row *row, struct rf_error *error);
/* Appends all cells of a row of the last stretch. */
void rf_parent_rows_cells(const struct rf_parent_rows *rows, uint32_t at, struct rf_buffer *cells);
/* Appends the cells of the declared primary key of the row, in the order of the key. */
void rf_parent_rows_key(const struct rf_parent_rows *rows, struct rf_keyed_row row,
                        struct rf_buffer *key);

/* The opened index, NULL where rows come from the state; and the piece of it that comes next. */
struct rf_index_reader *rf_parent_rows_index(const struct rf_parent_rows *rows);
uint32_t rf_parent_rows_piece(const struct rf_parent_rows *rows);
void rf_parent_rows_skip_to(struct rf_parent_rows *rows, uint32_t piece);

#endif
