/* Encoding blocks (SPEC.md, "Block").
 *
 * Raw bytes of a block, before zstd:
 *   u32 rows
 *   number stream of the rowids     where the shape has them
 *   16 bytes a row                  row hashes, where the shape has them
 *   each column but the alias       as column.h says
 *
 * Encoding turns the batch's rows into arrays a column in one walk over their bytes, writes the columns,
 * compresses, and proves the result: it is decoded, and a second walk over the same bytes finds each cell in it. */
#include <stdlib.h>

#include "format/codec.h"
#include "format/column.h"

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
        rf_buffer_release(&codec->stored);
        rf_rows_release(&codec->proof);
        free(codec);
    }
}

/* Arrays of one column in a buffer that holds columns side by side. */
static struct rf_cells cells_of(const struct rf_codec *codec, uint32_t columns, uint32_t rows,
                                uint32_t column, const struct rf_buffer *bytes) {
    size_t cells = (size_t)columns * rows;
    size_t before = (size_t)column * rows;
    uint8_t *start = codec->cells.bytes;
    uint64_t *bits = (void *)start;
    uint32_t *sizes = (void *)(start + cells * sizeof *bits);
    uint8_t *classes = start + cells * (sizeof *bits + sizeof *sizes);
    return (struct rf_cells){.class = classes + before,
                             .bits = bits + before,
                             .size = sizes + before,
                             .bytes = bytes->bytes,
                             .end = bytes->bytes + bytes->size};
}

/* Where columns' arrays go, and the stride from one column to the next. */
struct grid {
    uint8_t *class;
    uint64_t *bits;
    uint32_t *size;
    uint32_t columns;
    uint32_t rows;
};

/* One row into the grid. Where its bytes end, or NULL where they are no row that ends before `end`. Sizes are
 * filled in for TEXT and BLOB only, bits for all but NULL. */
static const uint8_t *spread_row(const struct grid *grid, uint32_t row, const uint8_t *start,
                                 const uint8_t *at, const uint8_t *end) {
    size_t cell = row;
    for (uint32_t column = 0; column < grid->columns; column++, cell += grid->rows) {
        size_t left = (size_t)(end - at);
        uint8_t class = left > 0 ? *at : RF_CLASSES;
        grid->class[cell] = class;
        if (class == RF_INTEGER || class == RF_REAL) {
            if (left < 9) {
                return NULL;
            }
            grid->bits[cell] = rf_load_u64(at + 1);
            at += 9;
        } else if (class == RF_TEXT || class == RF_BLOB) {
            if (left < 5 || rf_load_u32(at + 1) > left - 5) {
                return NULL;
            }
            uint32_t size = rf_load_u32(at + 1);
            grid->size[cell] = size;
            grid->bits[cell] = (uint64_t)(at + 5 - start);
            at += 5 + (size_t)size;
        } else if (class == RF_NULL) {
            at++;
        } else {
            return NULL;
        }
    }
    return at;
}

/* Rows' canonical bytes to arrays a column. */
static enum rf_code transpose(struct rf_codec *codec, const struct rf_batch *batch,
                              struct rf_error *error) {
    uint32_t columns = batch->shape.columns;
    rf_buffer_clear(&codec->cells);
    rf_buffer_extend(&codec->cells, (size_t)columns * batch->rows * RF_CELL_BYTES + 1);
    rf_buffer_clear(&codec->scratch);
    rf_buffer_extend(&codec->scratch, (size_t)batch->rows * sizeof(uint64_t));
    if (codec->cells.failed || codec->scratch.failed) {
        return rf_fail_memory(error);
    }
    struct rf_cells first = cells_of(codec, columns, batch->rows, 0, &batch->cells);
    struct grid grid = {first.class, first.bits, first.size, columns, batch->rows};
    const uint8_t *at = batch->cells.bytes;
    const uint8_t *end = batch->cells.size > 0 ? at + batch->cells.size : at;
    for (uint32_t row = 0; row < batch->rows; row++) {
        at = spread_row(&grid, row, batch->cells.bytes, at, end);
        if (!at) {
            return rf_fail(error, RF_FAILED, "a batch holds a row that is none");
        }
    }
    if (at != end) {
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
                cells_of(codec, batch->shape.columns, batch->rows, column, &batch->cells);
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

/* memcmp, without a call for the few bytes of most cells. */
static inline bool same_bytes(const uint8_t *a, const uint8_t *b, size_t size) {
    if (size > 32) {
        return memcmp(a, b, size) == 0;
    }
    uint64_t other = 0;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        other |= rf_load_u64(a + i) ^ rf_load_u64(b + i);
    }
    for (; i < size; i++) {
        other |= (uint64_t)(a[i] ^ b[i]);
    }
    return other == 0;
}

/* Walks the bytes of a row as spread_row did, and did check them, and holds each cell against the decoded row.
 * Where the row ends, or NULL at the first cell that differs. */
static const uint8_t *find_row(const struct rf_rows *rows, uint32_t row, const uint8_t *at) {
    for (uint32_t column = 0; column < rows->shape.columns; column++) {
        const struct rf_column_cells *cells = &rows->cells[column];
        uint8_t class = (uint8_t)rf_rows_class(rows, column, row);
        if (*at != class) {
            return NULL;
        }
        if (class == RF_NULL) {
            at++;
            continue;
        }
        uint64_t bits = cells->bits[row];
        if (class == RF_INTEGER || class == RF_REAL) {
            if (rf_load_u64(at + 1) != bits) {
                return NULL;
            }
            at += 9;
            continue;
        }
        uint32_t size = cells->size[row];
        if (rf_load_u32(at + 1) != size || !same_bytes(at + 5, cells->heap + bits, size)) {
            return NULL;
        }
        at += 5 + (size_t)size;
    }
    return at;
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
    const uint8_t *at = batch->cells.bytes;
    for (uint32_t row = 0; row < rows->count; row++) {
        at = find_row(rows, row, at);
        if (!at) {
            return unlike(error, "cells");
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
