#include "capture/index_outlet.h"

#include "format/state.h"

static enum rf_code copy_rows(struct rf_outlet *outlet, const struct rf_rows *rows, uint32_t count,
                              struct rf_buffer *cells, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        rf_buffer_clear(cells);
        rf_rows_put(rows, i, cells);
        if (cells->failed) {
            return rf_fail_memory(error);
        }
        code = rf_outlet_put(outlet, RF_BLOCK_INDEX, rows->shape.rowids ? rows->rowids[i] : 0,
                             rf_hash_load(rows->hashes + (size_t)i * RF_HASH_SIZE), cells->bytes,
                             cells->size, error);
    }
    return code;
}

static enum rf_code copy_index(struct rf_outlet *outlet, struct rf_archive *parent, uint64_t same,
                               bool *damaged, struct rf_error *error) {
    struct rf_block_scan *blocks = NULL;
    struct rf_buffer cells = {0};
    enum rf_code code = rf_block_scan_new(parent, RF_BLOCK_INDEX, &blocks, error);
    while (code == RF_OK && same > 0) {
        const struct rf_rows *rows = NULL;
        code = rf_block_scan_next(blocks, &rows, error);
        if (code == RF_OK && !rows) {
            code = rf_fail(error, RF_CORRUPT, "the index ends early");
        }
        *damaged = code == RF_CORRUPT;
        if (code != RF_OK || !rows) {
            break;
        }
        uint32_t count = rows->count < same ? rows->count : (uint32_t)same;
        code = copy_rows(outlet, rows, count, &cells, error);
        same -= count;
    }
    rf_block_scan_free(blocks);
    rf_buffer_release(&cells);
    return code;
}

enum rf_code rf_index_outlet_open(struct rf_outlet *outlet,
                                  const struct rf_outlet_settings *settings,
                                  const struct rf_table *table, struct rf_archive *parent,
                                  uint64_t same, bool *damaged, struct rf_error *error) {
    struct rf_archive_head head = {.kind = RF_ARCHIVE_INDEX, .table = table};
    enum rf_code code = rf_outlet_open(outlet, settings, &head, error);
    if (code == RF_OK && same > 0 && outlet->writer) {
        code = copy_index(outlet, parent, same, damaged, error);
    }
    return code;
}

enum rf_code rf_index_outlet_put(struct rf_outlet *outlet, const struct rf_table *table,
                                 int64_t rowid, struct rf_hash hash, const struct rf_buffer *key,
                                 struct rf_error *error) {
    bool key_is_rowid = table->alias >= 0;
    return rf_outlet_put(outlet, RF_BLOCK_INDEX, rowid, hash, key->bytes,
                         key_is_rowid ? 0 : key->size, error);
}

enum rf_code rf_index_outlet_finish(struct rf_outlet *outlet, const struct rf_archive_ref *state,
                                    struct rf_error *error) {
    struct rf_archive_ref ref;
    if (outlet->writer) {
        rf_archive_writer_set_parent(outlet->writer, state->digest);
    }
    return rf_outlet_finish(outlet, &ref, error);
}
