#include "replay/encode.h"

#include <string.h>

#include "replay/conversion_inner.h"

const uint8_t rf_copy_header[RF_COPY_HEADER_SIZE] = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0};
const uint8_t rf_copy_trailer[RF_COPY_TRAILER_SIZE] = {0xff, 0xff};

#define NULL_FIELD 0xffffffffu

static void put_null(struct rf_buffer *out) {
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t)) : NULL;
    if (at) {
        rf_put_be32(at, NULL_FIELD);
    }
}

static enum rf_misfit put_cell(const struct rf_encoder_column *column, const struct rf_rows *rows,
                               uint32_t row, struct rf_buffer *out) {
    enum rf_misfit misfit = RF_MISFIT_NULL;
    bool null = rf_rows_class(rows, column->cell, row) == RF_NULL;
    if (!null) {
        const struct rf_conversion *how = column->conversion;
        misfit = how->put(how, &rows->cells[column->cell], row, column->clean, out);
        if (misfit == RF_FITS) {
            return RF_FITS;
        }
    }
    if (column->not_null || !(null || column->null_misfits)) {
        return misfit;
    }
    put_null(out);
    return RF_FITS;
}

/* Room for a field and its length, mostly without a call. */
static inline uint8_t *field_of(struct rf_buffer *out, uint32_t size) {
    size_t room = sizeof size + (size_t)size;
    uint8_t *at;
    if (!out->failed && room <= out->capacity - out->size) {
        at = out->bytes + out->size;
        out->size += room;
    } else {
        at = rf_buffer_extend(out, room);
    }
    if (at) {
        rf_put_be32(at, size);
        at += sizeof size;
    }
    return at;
}

static inline bool put_word(struct rf_buffer *out, uint64_t word) {
    uint8_t *at = field_of(out, sizeof word);
    if (at) {
        rf_put_be64(at, word);
    }
    return true;
}

static inline bool put_bytes(struct rf_buffer *out, const uint8_t *bytes, uint32_t size) {
    if (size > RF_FIELD_BYTES_MAX) {
        return false;
    }
    uint8_t *at = field_of(out, size);
    if (at && size > 0) {
        memcpy(at, bytes, size);
    }
    return true;
}

/* Most cells are kept by the server as they are: these go without the conversion, which would do the
 * same. False, and nothing is done, where the cell is another. */
static inline bool put_plain(const struct rf_encoder_column *column, const struct rf_rows *rows,
                             uint32_t row, struct rf_buffer *out) {
    const struct rf_column_cells *cells = &rows->cells[column->cell];
    const struct rf_conversion *how = column->conversion;
    switch (rf_cell_class(cells, row)) {
    case RF_INTEGER:
        return how->put == rf_put_bigint && put_word(out, cells->bits[row]);
    case RF_REAL:
        return how->put == rf_put_double && put_word(out, cells->bits[row]);
    case RF_TEXT:
        return how->put == rf_put_text && column->clean &&
               put_bytes(out, rf_cell_bytes(cells, row), cells->size[row]);
    case RF_BLOB:
        return how->put == rf_put_bytea &&
               put_bytes(out, rf_cell_bytes(cells, row), cells->size[row]);
    case RF_NULL:
        break;
    }
    return false;
}

bool rf_encode_alters(const struct rf_encoder *encoder, const struct rf_rows *rows, uint32_t row,
                      uint32_t column, enum rf_misfit *misfit) {
    const struct rf_encoder_column *at = &encoder->columns[column];
    const struct rf_conversion *how = at->conversion;
    const struct rf_column_cells *cells = &rows->cells[at->cell];
    bool may = at->null_misfits || how->alters;
    if (!may || rf_rows_class(rows, at->cell, row) == RF_NULL) {
        return false;
    }
    *misfit = how->put(how, cells, row, at->clean, NULL);
    if (*misfit != RF_FITS) {
        return at->null_misfits && !at->not_null;
    }
    return how->alters && how->alters(how, cells, row);
}

enum rf_misfit rf_encode_probe(const struct rf_encoder *encoder, const struct rf_rows *rows,
                               uint32_t row, uint32_t column) {
    return put_cell(&encoder->columns[column], rows, row, NULL);
}

/* Values of more bytes are moved out of the page, and leave a pointer of 18 bytes (the server's
 * heap_toast_insert_or_update); the others stand there with one byte of length before them. What
 * compression might save beyond that is not counted on. */
#define STAYS_BYTES 23u
#define POINTER_BYTES 18u
#define HEADER_BYTES 23u
#define ROW_ALIGN 8u

static uint32_t aligned(uint32_t size, uint32_t align) {
    return (size + align - 1) & ~(align - 1);
}

/* Where the row's data ends after this value. */
static uint32_t add_value(uint32_t data, const struct rf_conversion *conversion,
                          const uint8_t *field, uint32_t size) {
    if (conversion->fixed > 0) {
        return aligned(data, conversion->align) + conversion->fixed;
    }
    uint32_t stored = conversion->stored ? conversion->stored(field, size) : size;
    return data + (stored > STAYS_BYTES ? POINTER_BYTES : 1 + stored);
}

uint32_t rf_encode_page_bytes(const struct rf_encoder *encoder, const uint8_t *tuple) {
    uint32_t data = 0;
    bool nulls = false;
    const uint8_t *at = tuple + sizeof(uint16_t);
    for (uint32_t i = 0; i < encoder->count; i++) {
        uint32_t size = rf_load_be32(at);
        at += sizeof size;
        if (size == NULL_FIELD) {
            nulls = true;
            continue;
        }
        data = add_value(data, encoder->columns[i].conversion, at, size);
        at += size;
    }
    uint32_t header = aligned(HEADER_BYTES + (nulls ? (encoder->count + 7) / 8 : 0), ROW_ALIGN);
    return header + aligned(data, ROW_ALIGN);
}

/* Only so many columns can come to fill a page. */
#define COLUMNS_THAT_FIT ((RF_PAGE_TUPLE_MAX - HEADER_BYTES - 300u) / (STAYS_BYTES + 4u))

static enum rf_misfit check_row(const struct rf_encoder *encoder, const struct rf_buffer *out,
                                size_t start) {
    if (out->size - start > RF_ROW_FIELDS_MAX) {
        return RF_MISFIT_ROW_SIZE;
    }
    if (encoder->count > COLUMNS_THAT_FIT &&
        rf_encode_page_bytes(encoder, out->bytes + start) > RF_PAGE_TUPLE_MAX) {
        return RF_MISFIT_ROW_WIDTH;
    }
    return RF_FITS;
}

/* A row that outgrows a field's limit many times over is not gathered to its end. */
static bool outgrown(const struct rf_buffer *out, size_t start) {
    return out->size - start > RF_ROW_FIELDS_MAX;
}

/* Closes up the tuple over the fields that the server makes itself. */
static void leave_out_generated(const struct rf_encoder *encoder, struct rf_buffer *out,
                                size_t start) {
    uint8_t *from = out->bytes + start + sizeof(uint16_t), *to = from;
    rf_put_be16(out->bytes + start, (uint16_t)rf_encoder_fields(encoder));
    for (uint32_t i = 0; i < encoder->count; i++) {
        uint32_t field = rf_load_be32(from);
        size_t whole = sizeof field + (field == NULL_FIELD ? 0 : field);
        if (!encoder->columns[i].generated) {
            memmove(to, from, whole);
            to += whole;
        }
        from += whole;
    }
    out->size = (size_t)(to - out->bytes);
}

enum rf_misfit rf_encode_row(const struct rf_encoder *encoder, const struct rf_rows *rows,
                             uint32_t row, struct rf_buffer *out, uint32_t *column) {
    size_t start = out->size;
    uint8_t *head = rf_buffer_extend(out, sizeof(uint16_t));
    if (head) {
        rf_put_be16(head, (uint16_t)encoder->count);
    }
    enum rf_misfit misfit = RF_FITS;
    for (uint32_t i = 0; i < encoder->count && misfit == RF_FITS && !outgrown(out, start); i++) {
        *column = i;
        if (!put_plain(&encoder->columns[i], rows, row, out)) {
            misfit = put_cell(&encoder->columns[i], rows, row, out);
        }
    }
    if (misfit == RF_FITS && !out->failed) {
        misfit = check_row(encoder, out, start);
    }
    if (misfit != RF_FITS) {
        out->size = start;
    } else if (encoder->generated > 0 && !out->failed) {
        leave_out_generated(encoder, out, start);
    }
    return misfit;
}

struct rf_hash rf_encode_hash(const struct rf_rows *rows, uint32_t row, struct rf_buffer *scratch) {
    rf_buffer_clear(scratch);
    rf_rows_put(rows, row, scratch);
    return rf_hash_bytes(scratch->bytes, scratch->size);
}
