/* Texts that are JSON: as json, as jsonb, as an array. */
#include "replay/conversion_inner.h"
#include "replay/json.h"

/* The cell's text, if it may be JSON as far as its class, size and bytes go. */
static enum rf_misfit read_text(const struct rf_column_cells *cells, uint32_t row, bool clean,
                                const uint8_t **text, uint32_t *size) {
    if (rf_cell_class(cells, row) != RF_TEXT) {
        return RF_MISFIT_CLASS;
    }
    *text = rf_cell_bytes(cells, row);
    *size = cells->size[row];
    if (*size > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    return clean ? RF_FITS : rf_text_misfit(*text, *size);
}

/* A text that has to be mended is mended first, and may be JSON then. */
static enum rf_misfit put_mended(enum rf_mend mend, const uint8_t *text, uint32_t size,
                                 struct rf_buffer *out) {
    uint64_t bytes = rf_mend_write(mend, text, size, NULL).bytes;
    if (bytes > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    struct rf_buffer room = {0};
    uint8_t *mended = rf_buffer_extend(&room, bytes + 1);
    bool valid = false;
    if (mended) {
        rf_mend_write(mend, text, size, mended);
        valid = rf_json_valid(mended, bytes);
    } else if (out) {
        out->failed = true;
    }
    if (valid) {
        rf_put_field(out, mended, (uint32_t)bytes);
    }
    rf_buffer_release(&room);
    return valid ? RF_FITS : RF_MISFIT_JSON;
}

enum rf_misfit rf_put_json(RF_PUT_PARAMETERS) {
    const uint8_t *text;
    uint32_t size;
    enum rf_misfit misfit = read_text(cells, row, clean, &text, &size);
    bool bad = misfit == RF_MISFIT_UTF8 || misfit == RF_MISFIT_NUL;
    if ((bad || misfit == RF_FITS) && rf_mend_changes(conversion->mend, text, size, !bad)) {
        return put_mended(conversion->mend, text, size, out);
    }
    if (misfit != RF_FITS) {
        return misfit;
    }
    if (!rf_json_valid(text, size)) {
        return RF_MISFIT_JSON;
    }
    rf_put_field(out, text, size);
    return RF_FITS;
}

/* The version of jsonb's binary form, which is a byte before the text. */
#define JSONB_VERSION 1u

enum rf_misfit rf_put_jsonb(RF_PUT_PARAMETERS) {
    (void)conversion;
    const uint8_t *text;
    uint32_t size;
    enum rf_misfit misfit = read_text(cells, row, clean, &text, &size);
    if (misfit != RF_FITS) {
        return misfit;
    }
    if (!rf_jsonb_valid(text, size)) {
        return RF_MISFIT_JSON;
    }
    if (out) {
        size_t start = out->size;
        rf_buffer_u32(out, 0);
        rf_buffer_u8(out, JSONB_VERSION);
        rf_jsonb_put(text, size, out);
        if (!out->failed) {
            rf_put_be32(out->bytes + start, (uint32_t)(out->size - start - sizeof(uint32_t)));
        }
    }
    return RF_FITS;
}

/* Its binary form in a row may be longer than its text, and shorter; these are the most bytes that
 * are not moved out of the page. */
uint32_t rf_stored_jsonb(const uint8_t *field, uint32_t size) {
    enum { STAYS = 23 };
    (void)field, (void)size;
    return STAYS;
}

/* int32 dimensions, int32 1 if there are NULLs, oid of the elements, and of each dimension int32
 * size, int32 lower bound; then the elements. An empty array has no dimension. */
enum { ARRAY_HEAD = 12, ARRAY_DIMENSION = 8, ARRAY_ELEMENT = 12, BIGINT_OID = 20 };

static void put_array_head(uint8_t *at, uint32_t count) {
    rf_put_be32(at, count > 0);
    rf_put_be32(at + 4, 0);
    rf_put_be32(at + 8, BIGINT_OID);
    if (count > 0) {
        rf_put_be32(at + ARRAY_HEAD, count);
        rf_put_be32(at + ARRAY_HEAD + 4, 1);
    }
}

enum rf_misfit rf_put_bigint_array(RF_PUT_PARAMETERS) {
    (void)conversion;
    const uint8_t *text;
    uint32_t size, count;
    enum rf_misfit misfit = read_text(cells, row, clean, &text, &size);
    if (misfit != RF_FITS) {
        return misfit;
    }
    if (!rf_json_integers(text, size, &count, NULL)) {
        return RF_MISFIT_ARRAY;
    }
    uint64_t head = ARRAY_HEAD + (count > 0 ? ARRAY_DIMENSION : 0);
    uint64_t bytes = head + (uint64_t)count * ARRAY_ELEMENT;
    if (bytes > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t) + head) : NULL;
    if (at) {
        rf_put_be32(at, (uint32_t)bytes);
        put_array_head(at + sizeof(uint32_t), count);
        rf_json_integers(text, size, &count, out);
    }
    return RF_FITS;
}
