/* Batches: rows on their way into a block, and what shape the blocks of a table have. */
#include "format/block.h"

#include <stdlib.h>

struct rf_shape rf_shape_of(const struct rf_table *table, enum rf_block_kind kind,
                            enum rf_gone_form gone) {
    bool by_rowid = table->key_kind != RF_KEY_COLUMNS;
    struct rf_shape shape = {.rowids = by_rowid, .alias = -1};
    bool key_is_rowid = table->alias >= 0;
    switch (kind) {
    case RF_BLOCK_MOVES: return (struct rf_shape){.alias = -1, .columns = 3};
    case RF_BLOCK_GONE:
        shape.hashes = true;
        if (gone == RF_GONE_KEY) {
            shape.columns = table->key_count;
            shape.alias = key_is_rowid ? 0 : -1;
            return shape;
        }
        break;
    case RF_BLOCK_ROWS: break;
    }
    shape.columns = table->column_count;
    shape.alias = table->alias;
    return shape;
}

void rf_batch_begin(struct rf_batch *batch, enum rf_block_kind kind, struct rf_shape shape) {
    batch->kind = kind;
    batch->shape = shape;
    batch->rows = 0;
    rf_buffer_clear(&batch->cells);
    rf_buffer_clear(&batch->rowids);
    rf_buffer_clear(&batch->hashes);
}

void rf_batch_add(struct rf_batch *batch, int64_t rowid, struct rf_hash hash, const void *cells,
                  size_t size) {
    if (batch->shape.rowids) {
        rf_buffer_u64(&batch->rowids, (uint64_t)rowid);
    }
    if (batch->shape.hashes) {
        uint8_t *at = rf_buffer_extend(&batch->hashes, RF_HASH_SIZE);
        if (at) {
            rf_hash_store(at, hash);
        }
    }
    rf_buffer_append(&batch->cells, cells, size);
    batch->rows++;
}

/* How many of the rows make the batch full, or all. */
static uint32_t rows_until_full(const struct rf_batch *batch, const uint32_t *starts,
                                uint32_t rows) {
    uint32_t room = RF_BATCH_ROWS - batch->rows;
    uint32_t low = 0; /* so many leave the batch with room */
    uint32_t high = rows < room ? rows : room;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (batch->cells.size + (starts[middle + 1] - starts[0]) < RF_BATCH_BYTES) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < rows && low < room ? low + 1 : low;
}

uint32_t rf_batch_add_rows(struct rf_batch *batch, const int64_t *rowids,
                           const struct rf_hash *hashes, const uint8_t *cells,
                           const uint32_t *starts, uint32_t rows) {
    _Static_assert(sizeof *hashes == RF_HASH_SIZE, "hashes lie in memory as in a file");
    if (rf_batch_full(batch)) {
        return 0;
    }
    uint32_t taken = rows_until_full(batch, starts, rows);
    if (batch->shape.rowids) {
        rf_buffer_append(&batch->rowids, rowids, taken * sizeof *rowids);
    }
    if (batch->shape.hashes) {
        rf_buffer_append(&batch->hashes, hashes, taken * sizeof *hashes);
    }
    rf_buffer_append(&batch->cells, cells + starts[0], starts[taken] - starts[0]);
    batch->rows += taken;
    return taken;
}

void rf_batch_release(struct rf_batch *batch) {
    rf_buffer_release(&batch->cells);
    rf_buffer_release(&batch->rowids);
    rf_buffer_release(&batch->hashes);
    *batch = (struct rf_batch){0};
}
