/* Texts. */
#include "format/value.h"
#include "replay/conversion_inner.h"
#include "replay/render.h"

static enum rf_misfit inspect(const uint8_t *bytes, uint32_t size) {
    struct rf_text_facts facts = rf_text_inspect(bytes, size);
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
    const uint8_t *bytes = rf_cell_bytes(cells, row);
    uint32_t size = cells->size[row];
    if (size > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    enum rf_misfit misfit = clean ? RF_FITS : inspect(bytes, size);
    if (misfit == RF_FITS) {
        rf_put_field(out, bytes, size);
    }
    return misfit;
}

enum rf_verdict rf_judge_text(RF_JUDGE_PARAMETERS) {
    bool clean = census->text_with_nul + census->text_not_utf8 == 0;
    if (!clean) {
        return RF_VERDICT_NO;
    }
    return conversion->apart && census->count[RF_TEXT] > 0 ? RF_VERDICT_UNSURE : RF_VERDICT_YES;
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
        return rf_put_text(conversion, cells, row, clean, out);
    default:
        return RF_MISFIT_CLASS;
    }
}
