#include "capture/parent_rows.h"

#include <stdlib.h>

#include "format/state.h"
#include "format/value.h"

struct rf_parent_rows {
    const struct rf_manifest_table *table;
    struct rf_archive *index;
    struct rf_block_scan *blocks; /* of the index */
    struct rf_state *state;
    struct rf_scan *scan;
    const struct rf_rows *rows; /* the block that the current row is in */
    uint32_t at, end;           /* rows in it: the next one, and behind the last */
    int64_t shift;
    bool damaged;
    bool seeking; /* some rows are passed over: those less than `wanted` */
    int64_t wanted;
    struct rf_digest digest; /* of the rows given so far */
    struct rf_keyed_row row;
    struct rf_buffer cells;
    struct rf_buffer key;
};

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
    if (code == RF_OK && rows->index) {
        code = rf_block_scan_new(rows->index, RF_BLOCK_INDEX, &rows->blocks, error);
    }
    if (code != RF_OK || !rows->index) {
        rf_parent_rows_close(rows);
        return code;
    }
    *opened = rows;
    return RF_OK;
}

enum rf_code rf_parent_rows_from_state(const struct rf_repository *repository,
                                       const struct rf_manifest_table *table,
                                       struct rf_parent_rows **opened, struct rf_error *error) {
    *opened = NULL;
    struct rf_parent_rows *rows = rows_new(table);
    if (!rows) {
        return rf_fail_memory(error);
    }
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
    rf_block_scan_free(rows->blocks);
    rf_archive_close(rows->index);
    rf_scan_free(rows->scan);
    rf_state_close(rows->state);
    rf_buffer_release(&rows->cells);
    rf_buffer_release(&rows->key);
    free(rows);
}

bool rf_parent_rows_damaged(const struct rf_parent_rows *rows) {
    return rows->damaged;
}

struct rf_archive *rf_parent_rows_index(const struct rf_parent_rows *rows) {
    return rows->index;
}

static enum rf_code next_block(struct rf_parent_rows *rows, struct rf_error *error) {
    if (rows->index) {
        enum rf_code code = rf_block_scan_next(rows->blocks, &rows->rows, error);
        rows->damaged = code == RF_CORRUPT;
        rows->at = 0;
        rows->end = code == RF_OK && rows->rows ? rows->rows->count : 0;
        return code;
    }
    struct rf_span span = {0};
    enum rf_code code = rf_scan_next(rows->scan, &span, error);
    rows->rows = code == RF_OK && span.count > 0 ? span.rows : NULL;
    rows->at = span.first;
    rows->end = span.first + span.count;
    rows->shift = span.shift;
    return code;
}

static enum rf_code at_end(struct rf_parent_rows *rows, struct rf_error *error) {
    if (rows->seeking || rf_digest_equal(&rows->digest, &rows->table->digest)) {
        return RF_OK;
    }
    rows->damaged = rows->index != NULL;
    rf_fail(error, RF_CORRUPT, "the %s of table \"%.200s\" does not fit the newest snapshot",
            rows->index ? "index" : "archives", rows->table->table.name);
    rf_hint(error, "run `rowferry verify` to see what is damaged.");
    return RF_CORRUPT;
}

static struct rf_hash hash_of(struct rf_parent_rows *rows, uint32_t at) {
    if (rows->index) {
        return rf_hash_load(rows->rows->hashes + (size_t)at * RF_HASH_SIZE);
    }
    rf_buffer_clear(&rows->cells);
    rf_rows_put(rows->rows, at, &rows->cells);
    return rf_hash_bytes(rows->cells.bytes, rows->cells.size);
}

void rf_parent_rows_key(const struct rf_parent_rows *rows, struct rf_buffer *key) {
    const struct rf_table *table = &rows->table->table;
    if (table->alias >= 0) {
        rf_row_put_integer(key, rows->row.rowid);
        return;
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        struct rf_value value =
            rf_rows_value(rows->rows, rows->index ? i : table->key[i], rows->at - 1);
        rf_row_put(key, &value);
    }
}

void rf_parent_rows_cells(const struct rf_parent_rows *rows, struct rf_buffer *cells) {
    rf_rows_put(rows->rows, rows->at - 1, cells);
}

static int64_t rowid_at(const struct rf_parent_rows *rows, uint32_t at) {
    return (int64_t)((uint64_t)rows->rows->rowids[at] + (uint64_t)rows->shift);
}

/* Passes over the rows of the block that are less. */
static void seek_in_block(struct rf_parent_rows *rows) {
    uint32_t high = rows->end;
    while (rows->at < high) {
        uint32_t middle = rows->at + (high - rows->at) / 2;
        if (rowid_at(rows, middle) < rows->wanted) {
            rows->at = middle + 1;
        } else {
            high = middle;
        }
    }
}

void rf_parent_rows_seek(struct rf_parent_rows *rows, int64_t rowid) {
    rows->seeking = true;
    rows->wanted = rowid;
    seek_in_block(rows);
    if (rows->at < rows->end) {
        return;
    }
    if (rows->index) {
        rf_block_scan_skip_to(rows->blocks, rowid);
    } else {
        rf_scan_skip_to(rows->scan, rowid);
    }
}

enum rf_code rf_parent_rows_next(struct rf_parent_rows *rows, const struct rf_keyed_row **row,
                                 struct rf_error *error) {
    *row = NULL;
    while (rows->at == rows->end) {
        enum rf_code code = next_block(rows, error);
        if (code != RF_OK) {
            return code;
        }
        if (!rows->rows) {
            return at_end(rows, error);
        }
        if (rows->seeking) {
            seek_in_block(rows);
        }
    }
    uint32_t at = rows->at++;
    rows->row.hash = hash_of(rows, at);
    rf_digest_add(&rows->digest, rows->row.hash);
    if (rows->rows->shape.rowids) {
        rows->row.rowid = rowid_at(rows, at);
    } else {
        rf_buffer_clear(&rows->key);
        rf_parent_rows_key(rows, &rows->key);
        rows->row.key = rows->key.bytes;
        rows->row.key_size = rows->key.size;
    }
    if (rows->cells.failed || rows->key.failed) {
        return rf_fail_memory(error);
    }
    *row = &rows->row;
    return RF_OK;
}
