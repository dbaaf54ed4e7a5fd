#include "capture/parent_rows.h"

#include <stdlib.h>

#include "capture/index_store.h"
#include "format/block.h"
#include "format/state.h"
#include "format/value.h"

struct rf_parent_rows {
    const struct rf_manifest_table *table;
    struct rf_keyed_rows stretch; /* the last one given */
    uint32_t at;                  /* the row of it that a search goes on from */
    struct rf_index_reader *index;
    uint32_t piece; /* of the index, the next */
    /* From the state: */
    struct rf_state *state;
    struct rf_scan *scan;
    struct rf_span span; /* what the stretch is taken from, or its end */
    uint32_t taken;      /* rows of the span */
    bool cells_wanted;
    bool seeking;            /* rows are given one by one, and not all */
    struct rf_digest digest; /* of those that were */
    int64_t *rowids;         /* RF_BATCH_ROWS of each of these, one more of key_starts */
    struct rf_hash *hashes;
    uint32_t *key_starts;
    struct rf_buffer keys;
    struct rf_buffer cells;
};

/* ---- opening ---- */

static struct rf_parent_rows *rows_new(const struct rf_manifest_table *table) {
    struct rf_parent_rows *rows = calloc(1, sizeof *rows);
    if (rows) {
        rows->table = table;
    }
    return rows;
}

enum rf_code rf_parent_rows_from_index(const struct rf_repository *repository,
                                       const struct rf_manifest_table *table,
                                       struct rf_parent_rows **opened, struct rf_error *error) {
    *opened = NULL;
    struct rf_parent_rows *rows = rows_new(table);
    if (!rows) {
        return rf_fail_memory(error);
    }
    enum rf_code code = rf_index_open(repository, table, &rows->index, error);
    if (code != RF_OK || !rows->index) {
        rf_parent_rows_close(rows);
        return code;
    }
    *opened = rows;
    return RF_OK;
}

static bool allocate(struct rf_parent_rows *rows) {
    uint64_t most = rows->table->digest.rows;
    size_t count = most < RF_BATCH_ROWS ? (size_t)most : RF_BATCH_ROWS;
    rows->rowids = calloc(count + 1, sizeof *rows->rowids);
    rows->hashes = calloc(count + 1, sizeof *rows->hashes);
    rows->key_starts = calloc(count + 1, sizeof *rows->key_starts);
    return rows->rowids && rows->hashes && rows->key_starts;
}

enum rf_code rf_parent_rows_from_state(const struct rf_repository *repository,
                                       const struct rf_manifest_table *table, bool cells,
                                       struct rf_parent_rows **opened, struct rf_error *error) {
    *opened = NULL;
    struct rf_parent_rows *rows = rows_new(table);
    if (!rows || !allocate(rows)) {
        rf_parent_rows_close(rows);
        return rf_fail_memory(error);
    }
    rows->cells_wanted = cells;
    enum rf_code code = rf_state_open(repository, table, &rows->state, error);
    if (code == RF_OK) {
        code = rf_scan_new(rows->state, 0, rf_state_parts(rows->state), &rows->scan, error);
    }
    if (code != RF_OK) {
        rf_parent_rows_close(rows);
        return code;
    }
    *opened = rows;
    return RF_OK;
}

void rf_parent_rows_close(struct rf_parent_rows *rows) {
    if (!rows) {
        return;
    }
    rf_index_reader_close(rows->index);
    rf_scan_free(rows->scan);
    rf_state_close(rows->state);
    free(rows->rowids);
    free(rows->hashes);
    free(rows->key_starts);
    rf_buffer_release(&rows->keys);
    rf_buffer_release(&rows->cells);
    free(rows);
}

struct rf_index_reader *rf_parent_rows_index(const struct rf_parent_rows *rows) {
    return rows->index;
}

uint32_t rf_parent_rows_piece(const struct rf_parent_rows *rows) {
    return rows->piece;
}

void rf_parent_rows_skip_to(struct rf_parent_rows *rows, uint32_t piece) {
    rows->piece = piece;
}

/* ---- from the state ---- */

static enum rf_code does_not_fit(const struct rf_parent_rows *rows, struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "the archives of table \"%.200s\" do not fit the newest snapshot",
            rows->table->table.name);
    rf_hint(error, "run `rowferry verify` to see what is damaged.");
    return RF_CORRUPT;
}

static bool wants_keys(const struct rf_parent_rows *rows) {
    const struct rf_table *table = &rows->table->table;
    return !rows->cells_wanted && table->alias < 0 && table->key_count > 0;
}

/* Into the stretch, that has room for it. */
static void take_row(struct rf_parent_rows *rows) {
    const struct rf_rows *from = rows->span.rows;
    const struct rf_table *table = &rows->table->table;
    uint32_t row = rows->span.first + rows->taken++;
    uint32_t at = rows->stretch.count++;
    rows->rowids[at] = from->shape.rowids
                           ? (int64_t)((uint64_t)from->rowids[row] + (uint64_t)rows->span.shift)
                           : 0;
    rf_buffer_clear(&rows->cells);
    rf_rows_put(from, row, &rows->cells);
    rows->hashes[at] = rf_hash_bytes(rows->cells.bytes, rows->cells.size);
    rf_digest_add(&rows->digest, rows->hashes[at]);
    for (uint32_t i = 0; wants_keys(rows) && i < table->key_count; i++) {
        struct rf_value value = rf_rows_value(from, table->key[i], row);
        rf_row_put(&rows->keys, &value);
    }
    rows->key_starts[at + 1] = (uint32_t)rows->keys.size;
}

/* Spans may be short: a stretch is gathered from as many as fit, unless their cells are wanted. */
static enum rf_code gather(struct rf_parent_rows *rows, struct rf_error *error) {
    uint32_t most = rows->seeking ? 1 : RF_BATCH_ROWS;
    rf_buffer_clear(&rows->keys);
    while (rows->stretch.count < most && rows->keys.size < RF_BATCH_BYTES) {
        if (rows->taken == rows->span.count) {
            if (rows->cells_wanted && rows->stretch.count > 0) {
                break;
            }
            enum rf_code code = rf_scan_next(rows->scan, &rows->span, error);
            rows->taken = 0;
            if (code != RF_OK || rows->span.count == 0) {
                rows->taken = rows->span.count = 0;
                return code;
            }
        }
        if (rows->digest.rows == rows->table->digest.rows) {
            return does_not_fit(rows, error);
        }
        take_row(rows);
        if (rows->cells.failed || rows->keys.failed) {
            return rf_fail_memory(error);
        }
    }
    return RF_OK;
}

static enum rf_code next_of_state(struct rf_parent_rows *rows, struct rf_error *error) {
    rows->stretch = (struct rf_keyed_rows){.rowids = rows->rowids, .hashes = rows->hashes};
    enum rf_code code = gather(rows, error);
    if (wants_keys(rows)) {
        rows->stretch.keys = rows->keys.bytes;
        rows->stretch.key_starts = rows->key_starts;
    }
    bool ended = rows->stretch.count == 0;
    if (code == RF_OK && ended && !rows->seeking &&
        !rf_digest_equal(&rows->digest, &rows->table->digest)) {
        code = does_not_fit(rows, error);
    }
    return code;
}

/* ---- both ---- */

static enum rf_code next_of_index(struct rf_parent_rows *rows, struct rf_error *error) {
    rows->stretch = (struct rf_keyed_rows){0};
    return rows->piece < rf_index_pieces(rows->index)
               ? rf_index_read(rows->index, rows->piece++, &rows->stretch, error)
               : RF_OK;
}

enum rf_code rf_parent_rows_next(struct rf_parent_rows *rows, const struct rf_keyed_rows **stretch,
                                 struct rf_error *error) {
    enum rf_code code = rows->index ? next_of_index(rows, error) : next_of_state(rows, error);
    *stretch = code == RF_OK && rows->stretch.count > 0 ? &rows->stretch : NULL;
    return code;
}

/* The first of rowids [low, high) that is not less; these ascend. */
static uint32_t first_from(const int64_t *rowids, uint32_t low, uint32_t high, int64_t rowid) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rowids[middle] < rowid) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void pass_over(struct rf_parent_rows *rows, int64_t rowid) {
    if (!rows->index) {
        if (rows->taken < rows->span.count) {
            int64_t stored = (int64_t)((uint64_t)rowid - (uint64_t)rows->span.shift);
            const int64_t *rowids = rows->span.rows->rowids + rows->span.first;
            rows->taken = first_from(rowids, rows->taken, rows->span.count, stored);
        }
        rf_scan_skip_to(rows->scan, rowid);
        return;
    }
    while (rows->piece + 1 < rf_index_pieces(rows->index) &&
           rf_index_entry(rows->index, rows->piece + 1)->first <= rowid) {
        rows->piece++;
    }
}

enum rf_code rf_parent_rows_find(struct rf_parent_rows *rows, int64_t rowid,
                                 struct rf_keyed_row *row, struct rf_error *error) {
    *row = (struct rf_keyed_row){0};
    rows->seeking = true;
    while ((rows->at = first_from(rows->stretch.rowids, rows->at, rows->stretch.count, rowid)) ==
           rows->stretch.count) {
        const struct rf_keyed_rows *stretch = NULL;
        pass_over(rows, rowid);
        rows->at = 0;
        enum rf_code code = rf_parent_rows_next(rows, &stretch, error);
        if (code != RF_OK || !stretch) {
            return code;
        }
    }
    *row = (struct rf_keyed_row){&rows->stretch, rows->at};
    return RF_OK;
}

void rf_parent_rows_cells(const struct rf_parent_rows *rows, uint32_t at, struct rf_buffer *cells) {
    uint32_t first = rows->span.first + rows->taken - rows->stretch.count;
    rf_rows_put(rows->span.rows, first + at, cells);
}

void rf_parent_rows_key(const struct rf_parent_rows *rows, struct rf_keyed_row row,
                        struct rf_buffer *key) {
    if (rows->table->table.alias >= 0) {
        rf_row_put_integer(key, rf_keyed_rowid(row));
    } else if (row.rows->keys) {
        rf_buffer_append(key, rf_keyed_key(row), rf_keyed_key_size(row));
    }
}
