/* Dates and times. */
#include "replay/conversion_inner.h"

static bool is_counted(enum rf_instant_encoding encoding) {
    return encoding >= RF_INSTANT_UNIX_S;
}

/* How iso texts of a type are where no spelling says it. */
static enum rf_iso_kind own_kind(enum rf_instant_type type) {
    static const enum rf_iso_kind kinds[] = {
        [RF_DATE] = RF_ISO_DATE,
        [RF_TIME] = RF_ISO_TIME,
        [RF_TIMESTAMP] = RF_ISO_LOCAL,
        [RF_TIMESTAMPTZ] = RF_ISO_ZONED,
    };
    return kinds[type];
}

bool rf_instant_takes(enum rf_instant_type type, const struct rf_spelling *spelling) {
    enum rf_iso_kind kind = spelling->form.kind;
    if (type == RF_TIME || kind == RF_ISO_TIME) {
        return type == RF_TIME && kind == RF_ISO_TIME;
    }
    return type == RF_TIMESTAMPTZ || spelling->form.offset == 0;
}

void rf_instant_set_encoding(struct rf_conversion *conversion, enum rf_instant_encoding encoding,
                             const struct rf_spelling *spelling) {
    conversion->encoding = encoding;
    conversion->spelling = spelling;
    conversion->takes = is_counted(encoding) ? RF_TAKES_NUMBERS : RF_TAKES(RF_TEXT);
    /* A date can be spelled in one way only. */
    conversion->exact = is_counted(encoding) || spelling || conversion->instant == RF_DATE;
}

static enum rf_misfit read_text(const struct rf_conversion *conversion,
                                const struct rf_value *value, int64_t *micros) {
    struct rf_iso iso;
    if (value->class != RF_TEXT) {
        return RF_MISFIT_CLASS;
    }
    if (rf_iso_read(value->bytes, value->size, &iso) != RF_INSTANT_FITS) {
        return RF_MISFIT_INSTANT;
    }
    if (conversion->spelling && !rf_spelling_covers(conversion->spelling, &iso)) {
        return RF_MISFIT_SPELLING;
    }
    if (!conversion->spelling && iso.form.kind != own_kind(conversion->instant)) {
        return RF_MISFIT_INSTANT;
    }
    *micros = rf_iso_instant(&iso);
    return RF_FITS;
}

static enum rf_misfit read_number(const struct rf_conversion *conversion,
                                  const struct rf_value *value, int64_t *micros) {
    switch (rf_instant_of(conversion->encoding, value, micros)) {
    case RF_INSTANT_FITS:
        return RF_FITS;
    case RF_INSTANT_CLASS:
        return RF_MISFIT_CLASS;
    default:
        return RF_MISFIT_INSTANT;
    }
}

static struct rf_value value_of(const struct rf_column_cells *cells, uint32_t row) {
    struct rf_value value = {.class = rf_cell_class(cells, row)};
    if (value.class == RF_TEXT) {
        value.size = cells->size[row];
        value.bytes = rf_cell_bytes(cells, row);
    } else if (value.class == RF_INTEGER || value.class == RF_REAL) {
        value.integer = rf_cell_integer(cells, row);
    }
    return value;
}

enum rf_misfit rf_put_instant(RF_PUT_PARAMETERS) {
    (void)clean;
    struct rf_value value = value_of(cells, row);
    int64_t micros = 0, days;
    enum rf_misfit misfit = is_counted(conversion->encoding)
                                ? read_number(conversion, &value, &micros)
                                : read_text(conversion, &value, &micros);
    if (misfit != RF_FITS) {
        return misfit;
    }
    if (micros % conversion->grain != 0) {
        return RF_MISFIT_INSTANT;
    }
    if (conversion->instant != RF_DATE) {
        rf_put_field8(out, (uint64_t)micros);
    } else if (rf_instant_to_days(micros, &days)) {
        rf_put_field4(out, (uint32_t)days);
    } else {
        return RF_MISFIT_INSTANT;
    }
    return RF_FITS;
}
