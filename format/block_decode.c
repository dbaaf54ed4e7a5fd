/* Decoding blocks. Whatever the bytes are, nothing is read or written past its end. */
#include <stdlib.h>

#include "format/codec.h"
#include "format/column.h"

void rf_rows_release(struct rf_rows *rows) {
    if (rows->memory) {
        rf_buffer_release(&rows->memory->raw);
        rf_buffer_release(&rows->memory->arena);
        free(rows->memory);
    }
    *rows = (struct rf_rows){0};
}

static enum rf_code corrupt(struct rf_error *error, const char *what) {
    return rf_fail(error, RF_CORRUPT, "a block %s", what);
}

static enum rf_code decompress(struct rf_codec *codec, const void *stored, size_t size,
                               uint32_t raw_size, struct rf_buffer *raw, struct rf_error *error) {
    if (!codec->decompressor && !(codec->decompressor = ZSTD_createDCtx())) {
        return rf_fail_memory(error);
    }
    if (ZSTD_getFrameContentSize(stored, size) != raw_size ||
        ZSTD_findFrameCompressedSize(stored, size) != size) {
        return corrupt(error, "is of another size than its index says");
    }
    rf_buffer_clear(raw);
    if (!rf_buffer_reserve(raw, (size_t)raw_size + RF_COPY_SLACK)) {
        return rf_fail_memory(error);
    }
    size_t got =
        ZSTD_decompressDCtx(codec->decompressor, raw->bytes, raw_size, stored, size);
    if (ZSTD_isError(got) || got != raw_size) {
        return corrupt(error, "cannot be decompressed");
    }
    raw->size = raw_size;
    return RF_OK;
}

/* The arena is laid out for the worst case of every column: numbers, sizes and classes a row. */
static size_t arena_size(struct rf_shape shape, uint32_t rows) {
    size_t rounding = 2 * sizeof(uint64_t); /* of sizes and of classes, see take() */
    size_t column = sizeof(struct rf_column_cells) + rows * RF_CELL_BYTES + rounding;
    return (size_t)shape.columns * column + 3 * (size_t)rows * sizeof(uint64_t) + 64;
}

static void *take(struct rf_rows_memory *memory, size_t size) {
    uint8_t *at = memory->arena.bytes + memory->used;
    memory->used += (size + 7) & ~(size_t)7;
    return at;
}

static bool decode_columns(struct rf_cursor *cursor, struct rf_rows *rows,
                           struct rf_rows_memory *memory, uint64_t *scratch) {
    uint32_t count = rows->count;
    struct rf_column_cells *all = take(memory, rows->shape.columns * sizeof *all);
    rows->cells = all;
    for (uint32_t column = 0; column < rows->shape.columns; column++) {
        struct rf_column_cells *cells = &all[column];
        *cells = (struct rf_column_cells){0};
        if ((int32_t)column == rows->shape.alias) {
            cells->uniform = RF_INTEGER;
            cells->bits = (const void *)rows->rowids;
            continue;
        }
        /* What the column turns out not to need is given back. */
        size_t before = memory->used;
        uint64_t *bits = take(memory, count * sizeof *bits);
        size_t after_bits = memory->used;
        uint32_t *sizes = take(memory, count * sizeof *sizes);
        uint8_t *classes = take(memory, count);
        struct rf_column_decoded decoded;
        if (!rf_column_decode(cursor, count, classes, bits, sizes, scratch, &decoded)) {
            return false;
        }
        cells->uniform = decoded.uniform;
        cells->class = decoded.mixed ? classes : NULL;
        cells->bits = decoded.has_bits ? bits : NULL;
        cells->size = decoded.has_sizes ? sizes : NULL;
        cells->heap = decoded.heap;
        if (!decoded.mixed) {
            memory->used = decoded.has_sizes   ? memory->used
                           : decoded.has_bits ? after_bits
                                              : before;
        }
    }
    return rf_cursor_left(cursor) == 0;
}

static bool ascends(const int64_t *rowids, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        if (rowids[i] <= rowids[i - 1]) {
            return false;
        }
    }
    return true;
}

static bool decode_raw(struct rf_rows *rows, struct rf_rows_memory *memory) {
    struct rf_cursor cursor = rf_cursor_of(memory->raw.bytes, memory->raw.size);
    if (rf_cursor_u32(&cursor) != rows->count) {
        return false;
    }
    memory->used = 0;
    uint64_t *scratch = take(memory, rows->count * sizeof *scratch);
    rows->rowids = NULL;
    rows->hashes = NULL;
    if (rows->shape.rowids) {
        uint64_t *rowids = take(memory, rows->count * sizeof *rowids);
        if (!rf_stream_decode(&cursor, rows->count, rowids)) {
            return false;
        }
        rows->rowids = (const void *)rowids;
        if (!ascends(rows->rowids, rows->count)) {
            return false;
        }
    }
    if (rows->shape.hashes) {
        rows->hashes = rf_cursor_bytes(&cursor, (size_t)rows->count * RF_HASH_SIZE);
        if (!rows->hashes) {
            return false;
        }
    }
    return decode_columns(&cursor, rows, memory, scratch);
}

static bool facts_possible(const struct rf_block_facts *facts, struct rf_shape shape) {
    return facts->rows >= 1 && facts->rows <= RF_BATCH_ROWS && facts->raw_size >= 4 &&
           facts->raw_size <= RF_BLOCK_RAW_MAX && shape.columns <= RF_COLUMNS_MAX &&
           (uint64_t)(facts->rows - 1) * shape.columns <= RF_BLOCK_CELLS_MAX;
}

enum rf_code rf_block_decode(struct rf_codec *codec, const struct rf_block_facts *facts,
                             struct rf_shape shape, const void *stored, size_t size,
                             struct rf_rows *rows, struct rf_error *error) {
    if (!facts_possible(facts, shape)) {
        return corrupt(error, "claims more rows or bytes than a block can have");
    }
    if (!rows->memory && !(rows->memory = calloc(1, sizeof *rows->memory))) {
        return rf_fail_memory(error);
    }
    struct rf_rows_memory *memory = rows->memory;
    enum rf_code code =
        decompress(codec, stored, size, facts->raw_size, &memory->raw, error);
    if (code != RF_OK) {
        return code;
    }
    rf_buffer_clear(&memory->arena);
    if (!rf_buffer_reserve(&memory->arena, arena_size(shape, facts->rows))) {
        return rf_fail_memory(error);
    }
    rows->shape = shape;
    rows->count = facts->rows;
    if (!decode_raw(rows, memory)) {
        return corrupt(error, "does not hold what its kind of block holds");
    }
    if (shape.rowids &&
        (rows->rowids[0] != facts->first || rows->rowids[rows->count - 1] != facts->last)) {
        return corrupt(error, "holds other rows than its index says");
    }
    return RF_OK;
}
