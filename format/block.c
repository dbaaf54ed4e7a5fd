/* Blocks: batches to compressed columns and back (SPEC.md, "Block").
 *
 * Raw bytes of a block, before zstd:
 *   u32 rows
 *   number stream of the rowids     where the shape has them
 *   16 bytes a row                  row hashes, where the shape has them
 *   each column but the alias       as column.h says
 *
 * Encoding turns the batch's rows into arrays a column, writes the columns, compresses, and proves
 * the result by decoding it and comparing cell by cell. */
#include "format/block.h"

#include <stdlib.h>
#include <zstd.h>

#include "format/column.h"

struct rf_shape rf_shape_of(const struct rf_table *table, enum rf_block_kind kind,
                            enum rf_gone_form gone) {
    bool by_rowid = table->key_kind != RF_KEY_COLUMNS;
    struct rf_shape shape = {.rowids = by_rowid, .alias = -1};
    bool key_is_rowid = table->alias >= 0;
    switch (kind) {
    case RF_BLOCK_MOVES: return (struct rf_shape){.alias = -1, .columns = 3};
    case RF_BLOCK_INDEX:
        shape.hashes = true;
        shape.columns = key_is_rowid ? 0 : table->key_count;
        return shape;
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

void rf_batch_release(struct rf_batch *batch) {
    rf_buffer_release(&batch->cells);
    rf_buffer_release(&batch->rowids);
    rf_buffer_release(&batch->hashes);
    *batch = (struct rf_batch){0};
}

struct rf_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    struct rf_buffer cells; /* encoding: the batch as arrays a column */
    struct rf_buffer scratch;
    struct rf_buffer raw;
    struct rf_rows proof;
};

struct rf_codec *rf_codec_new(void) {
    return calloc(1, sizeof(struct rf_codec)); /* zstd's contexts come when they are needed */
}

void rf_codec_free(struct rf_codec *codec) {
    if (codec) {
        ZSTD_freeCCtx(codec->compressor);
        ZSTD_freeDCtx(codec->decompressor);
        rf_buffer_release(&codec->cells);
        rf_buffer_release(&codec->scratch);
        rf_buffer_release(&codec->raw);
        rf_rows_release(&codec->proof);
        free(codec);
    }
}

/* Arrays of one column in a buffer that holds columns side by side. */
#define CELL_BYTES (sizeof(uint64_t) + sizeof(uint32_t) + sizeof(uint8_t))

static struct rf_cells cells_of(const struct rf_codec *codec, uint32_t columns, uint32_t rows,
                                uint32_t column, const uint8_t *bytes) {
    size_t cells = (size_t)columns * rows;
    size_t before = (size_t)column * rows;
    uint8_t *start = codec->cells.bytes;
    uint64_t *bits = (void *)start;
    uint32_t *sizes = (void *)(start + cells * sizeof *bits);
    uint8_t *classes = start + cells * (sizeof *bits + sizeof *sizes);
    return (struct rf_cells){
        .class = classes + before, .bits = bits + before, .size = sizes + before, .bytes = bytes};
}

/* Rows' canonical bytes to arrays a column. */
static enum rf_code transpose(struct rf_codec *codec, const struct rf_batch *batch,
                              struct rf_error *error) {
    uint32_t columns = batch->shape.columns;
    rf_buffer_clear(&codec->cells);
    rf_buffer_extend(&codec->cells, (size_t)columns * batch->rows * CELL_BYTES + 1);
    rf_buffer_clear(&codec->scratch);
    rf_buffer_extend(&codec->scratch, (size_t)batch->rows * sizeof(uint64_t));
    if (codec->cells.failed || codec->scratch.failed) {
        return rf_fail_memory(error);
    }
    struct rf_cells first = cells_of(codec, columns, batch->rows, 0, batch->cells.bytes);
    struct rf_cursor cursor = rf_cursor_of(batch->cells.bytes, batch->cells.size);
    for (uint32_t row = 0; row < batch->rows; row++) {
        size_t at = row;
        for (uint32_t column = 0; column < columns; column++, at += batch->rows) {
            struct rf_value value;
            if (!rf_row_next(&cursor, &value)) {
                return rf_fail(error, RF_FAILED, "a batch holds a row that is none");
            }
            bool bytes = value.class == RF_TEXT || value.class == RF_BLOB;
            first.class[at] = (uint8_t)value.class;
            first.size[at] = value.size;
            first.bits[at] = bytes ? (uint64_t)(value.bytes - batch->cells.bytes)
                                   : (uint64_t)value.integer;
        }
    }
    if (rf_cursor_left(&cursor) != 0) {
        return rf_fail(error, RF_FAILED, "a batch holds rows of more cells than its table");
    }
    return RF_OK;
}

static void encode_raw(struct rf_codec *codec, const struct rf_batch *batch) {
    struct rf_buffer *raw = &codec->raw;
    uint64_t *scratch = (void *)codec->scratch.bytes;
    rf_buffer_clear(raw);
    rf_buffer_u32(raw, batch->rows);
    if (batch->shape.rowids) {
        const void *rowids = batch->rowids.bytes;
        rf_stream_encode(rowids, batch->rows, raw);
    }
    if (batch->shape.hashes) {
        rf_buffer_append(raw, batch->hashes.bytes, batch->hashes.size);
    }
    for (uint32_t column = 0; column < batch->shape.columns; column++) {
        if ((int32_t)column != batch->shape.alias) {
            struct rf_cells cells =
                cells_of(codec, batch->shape.columns, batch->rows, column, batch->cells.bytes);
            rf_column_encode(&cells, batch->rows, scratch, raw);
        }
    }
}

static enum rf_code compress(struct rf_codec *codec, int level, struct rf_buffer *stored,
                             struct rf_error *error) {
    if (!codec->compressor && !(codec->compressor = ZSTD_createCCtx())) {
        return rf_fail_memory(error);
    }
    size_t bound = ZSTD_compressBound(codec->raw.size);
    rf_buffer_clear(stored);
    if (!rf_buffer_reserve(stored, bound)) {
        return rf_fail_memory(error);
    }
    size_t size = ZSTD_compressCCtx(codec->compressor, stored->bytes, bound, codec->raw.bytes,
                                    codec->raw.size, level);
    if (ZSTD_isError(size)) {
        return rf_fail(error, RF_FAILED, "zstd cannot compress a block: %s",
                       ZSTD_getErrorName(size));
    }
    stored->size = size;
    return RF_OK;
}

static enum rf_code unlike(struct rf_error *error, const char *what) {
    rf_fail(error, RF_FAILED, "a block decoded to other %s than went into it", what);
    rf_hint(error, "this is a fault of the machine's memory or of rowferry; nothing was published.");
    return RF_FAILED;
}

static enum rf_code prove(struct rf_codec *codec, const struct rf_batch *batch,
                          const struct rf_block_facts *facts, const struct rf_buffer *stored,
                          struct rf_error *error) {
    enum rf_code code = rf_block_decode(codec, facts, batch->shape, stored->bytes, stored->size,
                                        &codec->proof, error);
    if (code != RF_OK) {
        return code;
    }
    const struct rf_rows *rows = &codec->proof;
    if (rows->count != batch->rows) {
        return unlike(error, "rows");
    }
    if (batch->shape.rowids && memcmp(rows->rowids, batch->rowids.bytes, batch->rowids.size) != 0) {
        return unlike(error, "rowids");
    }
    if (batch->shape.hashes && memcmp(rows->hashes, batch->hashes.bytes, batch->hashes.size) != 0) {
        return unlike(error, "hashes");
    }
    struct rf_cursor cursor = rf_cursor_of(batch->cells.bytes, batch->cells.size);
    for (uint32_t row = 0; row < rows->count; row++) {
        for (uint32_t column = 0; column < batch->shape.columns; column++) {
            struct rf_value before;
            struct rf_value after = rf_rows_value(rows, column, row);
            if (!rf_row_next(&cursor, &before) || !rf_value_identical(&before, &after)) {
                return unlike(error, "cells");
            }
        }
    }
    return RF_OK;
}

enum rf_code rf_block_encode(struct rf_codec *codec, const struct rf_batch *batch, int level,
                             struct rf_buffer *stored, struct rf_block_facts *facts,
                             struct rf_error *error) {
    if (batch->cells.failed || batch->rowids.failed || batch->hashes.failed) {
        return rf_fail_memory(error);
    }
    enum rf_code code = transpose(codec, batch, error);
    if (code != RF_OK) {
        return code;
    }
    encode_raw(codec, batch);
    if (codec->raw.failed) {
        return rf_fail_memory(error);
    }
    if (codec->raw.size > RF_BLOCK_RAW_MAX) {
        return rf_fail(error, RF_FAILED, "a row of %zu bytes is too large for an archive",
                       batch->cells.size);
    }
    *facts = (struct rf_block_facts){
        .kind = batch->kind, .rows = batch->rows, .raw_size = (uint32_t)codec->raw.size};
    if (batch->shape.rowids) {
        memcpy(&facts->first, batch->rowids.bytes, sizeof facts->first);
        memcpy(&facts->last, batch->rowids.bytes + batch->rowids.size - sizeof facts->last,
               sizeof facts->last);
    }
    code = compress(codec, level, stored, error);
    if (code == RF_OK) {
        code = prove(codec, batch, facts, stored, error);
    }
    return code;
}

/* Memory of decoded rows: the raw bytes, and one arena for everything that is unpacked from them. */
struct rf_rows_memory {
    struct rf_buffer raw;
    struct rf_buffer arena;
    size_t used; /* of the arena */
};

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
    if (!rf_buffer_reserve(raw, raw_size)) {
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
    size_t column = sizeof(struct rf_column_cells) + rows * CELL_BYTES + rounding;
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

void rf_rows_put(const struct rf_rows *rows, uint32_t row, struct rf_buffer *out) {
    for (uint32_t column = 0; column < rows->shape.columns; column++) {
        struct rf_value value = rf_rows_value(rows, column, row);
        rf_row_put(out, &value);
    }
}
