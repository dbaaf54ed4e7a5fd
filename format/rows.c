/* Decoded rows back to canonical bytes, and to their hashes: what replay and verify do with every row.
 *
 * Room is made for many rows at once, so that a cell is a look at its class and a few plain stores. */
#include "format/codec.h"

/* Rows that are hashed at a time: some KiB that stay in the cache between writing and hashing. */
#define HASH_ROWS 64u

/* Room that the canonical bytes of the rows need at most, with what rf_copy_loose may write behind them. */
static size_t room_for(const struct rf_rows *rows, uint32_t first, uint32_t count) {
    size_t room = (size_t)rows->shape.columns * count * 9 + RF_COPY_SLACK;
    for (uint32_t column = 0; column < rows->shape.columns; column++) {
        const uint32_t *size = rows->cells[column].size;
        for (uint32_t row = first; size && row < first + count; row++) {
            room += size[row];
        }
    }
    return room;
}

/* Writes one row; where it ends. */
static uint8_t *put_row(const struct rf_rows *rows, uint32_t row, uint8_t *at) {
    const struct rf_column_cells *cells = rows->cells;
    for (uint32_t column = 0; column < rows->shape.columns; column++, cells++) {
        uint8_t class = cells->class ? cells->class[row] : (uint8_t)cells->uniform;
        *at++ = class;
        if (class == RF_INTEGER || class == RF_REAL) {
            rf_store_u64(at, cells->bits[row]);
            at += 8;
        } else if (class != RF_NULL) {
            uint32_t size = cells->size[row];
            rf_store_u32(at, size);
            rf_copy_loose(at + 4, cells->heap + cells->bits[row], size);
            at += 4 + (size_t)size;
        }
    }
    return at;
}

void rf_rows_put(const struct rf_rows *rows, uint32_t row, struct rf_buffer *out) {
    if (rf_buffer_reserve(out, room_for(rows, row, 1))) {
        out->size = (size_t)(put_row(rows, row, out->bytes + out->size) - out->bytes);
    }
}

void rf_rows_put_all(const struct rf_rows *rows, uint32_t first, uint32_t count,
                     struct rf_buffer *out, uint32_t *starts) {
    rf_buffer_clear(out);
    if (!rf_buffer_reserve(out, room_for(rows, first, count))) {
        return;
    }
    uint8_t *at = out->bytes;
    for (uint32_t i = 0; i < count; i++) {
        starts[i] = (uint32_t)(at - out->bytes);
        at = put_row(rows, first + i, at);
    }
    out->size = (size_t)(at - out->bytes);
    starts[count] = (uint32_t)out->size;
}

enum rf_code rf_rows_hash(const struct rf_rows *rows, uint32_t first, uint32_t count,
                          struct rf_buffer *scratch, struct rf_hash *hashes,
                          struct rf_error *error) {
    uint32_t starts[HASH_ROWS + 1];
    for (uint32_t done = 0, some; done < count; done += some) {
        some = count - done < HASH_ROWS ? count - done : HASH_ROWS;
        rf_rows_put_all(rows, first + done, some, scratch, starts);
        if (scratch->failed) {
            return rf_fail_memory(error);
        }
        rf_hash_rows(scratch->bytes, starts, some, hashes + done);
    }
    return RF_OK;
}
