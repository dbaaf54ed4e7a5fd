/* Booleans and bytes. */
#include "replay/conversion_inner.h"
#include "replay/render.h"

enum rf_misfit rf_put_boolean(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    if (rf_cell_class(cells, row) != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    if (cells->bits[row] > 1) {
        return RF_MISFIT_BOOLEAN;
    }
    uint8_t byte = (uint8_t)cells->bits[row];
    rf_put_field(out, &byte, sizeof byte);
    return RF_FITS;
}

enum rf_verdict rf_judge_boolean(RF_JUDGE_PARAMETERS) {
    (void)conversion;
    bool fit = census->min_integer >= 0 && census->max_integer <= 1;
    if (!fit) {
        return RF_VERDICT_NO;
    }
    return census->count[RF_TEXT] > 0 ? RF_VERDICT_UNSURE : RF_VERDICT_YES;
}

enum rf_misfit rf_put_bytea(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    if (rf_cell_class(cells, row) != RF_BLOB) {
        return RF_MISFIT_CLASS;
    }
    if (cells->size[row] > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    rf_put_field(out, rf_cell_bytes(cells, row), cells->size[row]);
    return RF_FITS;
}

enum rf_misfit rf_put_bytea_from_any(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    char text[RF_NUMBER_TEXT];
    enum rf_class class = rf_cell_class(cells, row);
    if (class == RF_INTEGER) {
        rf_put_field(out, text, (uint32_t)rf_render_integer(rf_cell_integer(cells, row), text));
    } else if (class == RF_REAL) {
        rf_put_field(out, text, (uint32_t)rf_render_real(rf_cell_real(cells, row), text));
    } else if (cells->size[row] > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    } else {
        rf_put_field(out, rf_cell_bytes(cells, row), cells->size[row]);
    }
    return RF_FITS;
}
