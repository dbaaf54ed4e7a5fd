/* The old side of a diff: key and row hash of every row that the parent snapshot holds, in the
 * order of their keys.
 *
 * They come from the table's local index; or, where that is missing and nothing may be written (a
 * dry run), from the table's rows themselves. */
#ifndef RF_CAPTURE_PARENT_ROWS_H
#define RF_CAPTURE_PARENT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/diff.h"
#include "format/archive.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/manifest.h"
#include "format/repository.h"

struct rf_parent_rows;
/* `table`, the parent's, is borrowed. *rows is NULL where there is no usable index. */
RF_MUST_USE enum rf_code rf_parent_rows_from_index(const struct rf_repository *repository,
                                                   const struct rf_manifest_table *table,
                                                   struct rf_parent_rows **rows,
                                                   struct rf_error *error);
RF_MUST_USE enum rf_code rf_parent_rows_from_state(const struct rf_repository *repository,
                                                   const struct rf_manifest_table *table,
                                                   struct rf_parent_rows **rows,
                                                   struct rf_error *error);
void rf_parent_rows_close(struct rf_parent_rows *rows); /* NULL is fine */
/* *row is NULL at the end; valid until the next call. Its key is filled for RF_KEY_COLUMNS only. A
 * block of the index that is damaged, and rows that do not sum up to the parent's digest, are
 * RF_CORRUPT and set rf_parent_rows_damaged. */
RF_MUST_USE enum rf_code rf_parent_rows_next(struct rf_parent_rows *rows,
                                             const struct rf_keyed_row **row,
                                             struct rf_error *error);
/* The next row is the first one whose rowid is at least this; only forward. What is passed over is
 * not read where that can be avoided, and the sum not checked. */
void rf_parent_rows_seek(struct rf_parent_rows *rows, int64_t rowid);
/* It is the index that is damaged: made anew, it will serve. */
bool rf_parent_rows_damaged(const struct rf_parent_rows *rows);
/* Appends the cells of the declared primary key of the row last given, in the order of the key. */
void rf_parent_rows_key(const struct rf_parent_rows *rows, struct rf_buffer *key);
/* Appends all cells of the row last given; rows from the state only. */
void rf_parent_rows_cells(const struct rf_parent_rows *rows, struct rf_buffer *cells);
/* The opened index; NULL where rows come from the state. */
struct rf_archive *rf_parent_rows_index(const struct rf_parent_rows *rows);

#endif
