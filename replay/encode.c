#include "replay/encode.h"

#include <string.h>

const uint8_t rf_copy_header[RF_COPY_HEADER_SIZE] = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0};
const uint8_t rf_copy_trailer[RF_COPY_TRAILER_SIZE] = {0xff, 0xff};

#define NULL_FIELD 0xffffffffu

static enum rf_misfit put_cell(const struct rf_encoder_column *column, const struct rf_rows *rows,
                               uint32_t row, struct rf_buffer *out) {
    if (rf_rows_class(rows, column->cell, row) != RF_NULL) {
        return column->conversion->put(&rows->cells[column->cell], row, column->clean, out);
    }
    if (column->not_null) {
        return RF_MISFIT_NULL;
    }
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t)) : NULL;
    if (at) {
        rf_put_be32(at, NULL_FIELD);
    }
    return RF_FITS;
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

static uint32_t align8(uint32_t size) {
    return (size + 7) & ~7u;
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
        uint32_t fixed = encoder->columns[i].conversion->fixed;
        if (fixed == 0) {
            data += size > STAYS_BYTES ? POINTER_BYTES : 1 + size;
        } else {
            data = (fixed == 8 ? align8(data) : data) + fixed;
        }
        at += size;
    }
    uint32_t header = align8(HEADER_BYTES + (nulls ? (encoder->count + 7) / 8 : 0));
    return header + align8(data);
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
        misfit = put_cell(&encoder->columns[i], rows, row, out);
    }
    if (misfit == RF_FITS && !out->failed) {
        misfit = check_row(encoder, out, start);
    }
    if (misfit != RF_FITS) {
        out->size = start;
    }
    return misfit;
}

struct rf_hash rf_encode_hash(const struct rf_rows *rows, uint32_t row, struct rf_buffer *scratch) {
    rf_buffer_clear(scratch);
    rf_rows_put(rows, row, scratch);
    return rf_hash_bytes(scratch->bytes, scratch->size);
}
