/* Texts, as they are, mended, of limited length, and with numbers among them. */
#include "format/value.h"
#include "replay/conversion_inner.h"
#include "replay/render.h"

enum rf_misfit rf_text_misfit(const uint8_t *text, uint32_t size) {
    struct rf_text_facts facts = rf_text_inspect(text, size);
    if (!facts.valid_utf8) {
        return RF_MISFIT_UTF8;
    }
    return facts.has_nul ? RF_MISFIT_NUL : RF_FITS;
}

enum rf_misfit rf_put_text(RF_PUT_PARAMETERS) {
    (void)conversion;
    if (rf_cell_class(cells, row) != RF_TEXT) {
        return RF_MISFIT_CLASS;
    }
    const uint8_t *text = rf_cell_bytes(cells, row);
    uint32_t size = cells->size[row];
    if (size > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    enum rf_misfit misfit = clean ? RF_FITS : rf_text_misfit(text, size);
    if (misfit == RF_FITS) {
        rf_put_field(out, text, size);
    }
    return misfit;
}

bool rf_alters_text(const struct rf_conversion *conversion, const struct rf_column_cells *cells,
                    uint32_t row) {
    return rf_cell_class(cells, row) == RF_TEXT &&
           rf_mend_changes(conversion->mend, rf_cell_bytes(cells, row), cells->size[row], false);
}

/* A valid text, as it is. */
static struct rf_mended measure(const uint8_t *text, uint32_t size) {
    uint32_t characters = 0;
    for (uint32_t i = 0; i < size; i++) {
        characters += (text[i] & 0xc0) != 0x80;
    }
    return (struct rf_mended){
        .bytes = size,
        .characters = characters,
        .ends_in_space = size > 0 && text[size - 1] == ' ',
    };
}

/* PostgreSQL takes the spaces behind a character(N) for nothing and sends N characters whatever it
 * was given, so those of a shorter text would be gone. */
static enum rf_misfit pad(const struct rf_conversion *conversion, const struct rf_mended *text,
                          uint64_t *padding) {
    bool full = text->characters == conversion->length;
    if (text->ends_in_space && (conversion->apart || !full)) {
        return RF_MISFIT_TRAILING;
    }
    *padding = conversion->length - text->characters;
    return RF_FITS;
}

static void put_passage(const struct rf_conversion *conversion, const uint8_t *text, uint32_t size,
                        bool changes, uint64_t bytes, uint64_t padding, struct rf_buffer *out) {
    uint64_t total = bytes + padding;
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t) + total) : NULL;
    if (!at) {
        return;
    }
    rf_put_be32(at, (uint32_t)total);
    at += sizeof(uint32_t);
    if (changes) {
        rf_mend_write(conversion->mend, text, size, at);
    } else if (size > 0) {
        memcpy(at, text, size);
    }
    memset(at + bytes, ' ', padding);
}

enum rf_misfit rf_put_passage(RF_PUT_PARAMETERS) {
    if (rf_cell_class(cells, row) != RF_TEXT) {
        return RF_MISFIT_CLASS;
    }
    const uint8_t *text = rf_cell_bytes(cells, row);
    uint32_t size = cells->size[row];
    uint64_t padding = 0;
    if (size > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    bool changes = rf_mend_changes(conversion->mend, text, size, clean);
    enum rf_misfit misfit = changes || clean ? RF_FITS : rf_text_misfit(text, size);
    if (misfit != RF_FITS) {
        return misfit;
    }
    struct rf_mended mended = {.bytes = size};
    if (changes) {
        mended = rf_mend_write(conversion->mend, text, size, NULL);
    } else if (conversion->length > 0) {
        mended = measure(text, size);
    }
    if (conversion->length > 0 && mended.characters > conversion->length) {
        return RF_MISFIT_LENGTH;
    }
    if (conversion->padded && (misfit = pad(conversion, &mended, &padding)) != RF_FITS) {
        return misfit;
    }
    if (mended.bytes + padding > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    put_passage(conversion, text, size, changes, mended.bytes, padding, out);
    return RF_FITS;
}

static bool all_clean(const struct rf_census *census) {
    return census->text_with_nul + census->text_not_utf8 == 0;
}

enum rf_verdict rf_judge_text(RF_JUDGE_PARAMETERS) {
    if (conversion->mend != RF_MEND_NOT) { /* an escape has four bytes, a replacement three */
        return census->longest <= RF_FIELD_BYTES_MAX / 4 && !conversion->apart ? RF_VERDICT_YES
                                                                               : RF_VERDICT_UNSURE;
    }
    if (!all_clean(census)) {
        return RF_VERDICT_NO;
    }
    return conversion->apart && census->count[RF_TEXT] > 0 ? RF_VERDICT_UNSURE : RF_VERDICT_YES;
}

/* The longest text is the longest of all values, as nothing but texts is taken. */
enum rf_verdict rf_judge_length(RF_JUDGE_PARAMETERS) {
    if (conversion->mend != RF_MEND_NOT) {
        return RF_VERDICT_UNSURE;
    }
    if (!all_clean(census) || census->longest > UINT64_C(4) * conversion->length) {
        return RF_VERDICT_NO;
    }
    bool fit = census->longest <= conversion->length && !conversion->padded;
    return fit ? RF_VERDICT_YES : RF_VERDICT_UNSURE;
}

enum rf_verdict rf_judge_passage(RF_JUDGE_PARAMETERS) {
    return conversion->mend == RF_MEND_NOT && !all_clean(census) ? RF_VERDICT_NO
                                                                 : RF_VERDICT_UNSURE;
}

enum rf_misfit rf_put_text_from_any(RF_PUT_PARAMETERS) {
    char text[RF_NUMBER_TEXT];
    switch (rf_cell_class(cells, row)) {
    case RF_INTEGER:
        rf_put_field(out, text, (uint32_t)rf_render_integer(rf_cell_integer(cells, row), text));
        return RF_FITS;
    case RF_REAL:
        rf_put_field(out, text, (uint32_t)rf_render_real(rf_cell_real(cells, row), text));
        return RF_FITS;
    case RF_TEXT:
        if (conversion->apart && rf_looks_rendered(rf_cell_bytes(cells, row), cells->size[row])) {
            return RF_MISFIT_NUMBER_TEXT;
        }
        return conversion->mend == RF_MEND_NOT ? rf_put_text(conversion, cells, row, clean, out)
                                               : rf_put_passage(conversion, cells, row, clean, out);
    default:
        return RF_MISFIT_CLASS;
    }
}
