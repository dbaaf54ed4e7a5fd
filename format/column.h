/* One column of a block, apart from the others (SPEC.md, "Column"). Inner header of format/.
 *
 *   u8 mode      0 … 4: every cell is of that class; 5: a class byte a row follows
 *   integers     a number stream, where there are INTEGER cells
 *   reals        8 bytes each in planes, where there are REAL cells
 *   sizes        a number stream, where there are TEXT or BLOB cells
 *   bytes        of those cells, one after another
 *
 * A number stream of n > 0 numbers writes small ones in few bytes; arithmetic is modulo 2^64:
 *   u8 form      bits 0-3: width w (0, 1, 2, 4 or 8), bit 4: steps instead of offsets
 *   offsets:     i64 least;              n residuals      number = least + residual
 *   steps:       i64 first, i64 least;   n-1 residuals    number = the one before + least + residual
 * Residuals are unsigned, w bytes each, in planes: all lowest bytes first, then the next. */
#ifndef RF_FORMAT_COLUMN_H
#define RF_FORMAT_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/value.h"

#define RF_COLUMN_MIXED 5u
#define RF_STREAM_STEPS 0x10u

/* Cells of one column before encoding: arrays of `rows` entries. */
struct rf_cells {
    uint8_t *class;
    uint64_t *bits;        /* numbers' bits; of TEXT and BLOB the offset in `bytes` */
    uint32_t *size;
    const uint8_t *bytes;  /* what the offsets count from */
    const uint8_t *end;    /* of these bytes */
};

/* `scratch` has room for rows numbers. */
void rf_column_encode(const struct rf_cells *cells, uint32_t rows, uint64_t *scratch,
                      struct rf_buffer *out);
void rf_stream_encode(const uint64_t *numbers, uint32_t count, struct rf_buffer *out);

/* False where the bytes are no stream of that many numbers. */
bool rf_stream_decode(struct rf_cursor *cursor, uint32_t count, uint64_t *numbers);

/* What a column turned out to be; pointers go to the arrays that were passed in. */
struct rf_column_decoded {
    bool mixed;
    enum rf_class uniform;
    bool has_bits;
    bool has_sizes;
    const uint8_t *heap;
};
/* Arrays have room for `rows` entries; `scratch` too. */
bool rf_column_decode(struct rf_cursor *cursor, uint32_t rows, uint8_t *class, uint64_t *bits,
                      uint32_t *size, uint64_t *scratch, struct rf_column_decoded *decoded);

#endif
