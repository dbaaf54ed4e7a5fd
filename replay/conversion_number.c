/* Numbers. Integers and reals that SQLite takes for equal may become the same field; no others
 * do. */
#include <float.h>
#include <math.h>

#include "replay/conversion_inner.h"

enum rf_misfit rf_put_bigint(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    if (rf_cell_class(cells, row) != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    rf_put_field8(out, cells->bits[row]);
    return RF_FITS;
}

/* From -last - 1 to last. */
static int64_t last_of(const struct rf_conversion *conversion) {
    return (INT64_C(1) << (conversion->fixed * 8 - 1)) - 1;
}

static bool in_range(const struct rf_conversion *conversion, int64_t integer) {
    int64_t last = last_of(conversion);
    return integer >= -last - 1 && integer <= last;
}

enum rf_misfit rf_put_integer(RF_PUT_PARAMETERS) {
    (void)clean;
    if (rf_cell_class(cells, row) != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    int64_t integer = rf_cell_integer(cells, row);
    if (!in_range(conversion, integer)) {
        return RF_MISFIT_RANGE;
    }
    if (conversion->fixed == sizeof(uint32_t)) {
        rf_put_field4(out, (uint32_t)integer);
    } else {
        uint8_t bytes[sizeof(uint16_t)];
        rf_put_be16(bytes, (uint16_t)integer);
        rf_put_field(out, bytes, sizeof bytes);
    }
    return RF_FITS;
}

enum rf_verdict rf_judge_integer(RF_JUDGE_PARAMETERS) {
    bool fits =
        in_range(conversion, census->min_integer) && in_range(conversion, census->max_integer);
    return fits ? RF_VERDICT_YES : RF_VERDICT_NO;
}

enum rf_misfit rf_put_double(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    enum rf_class class = rf_cell_class(cells, row);
    if (class == RF_REAL) {
        rf_put_field8(out, cells->bits[row]);
        return RF_FITS;
    }
    if (class != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    int64_t integer = rf_cell_integer(cells, row);
    if (integer > RF_EXACT_IN_DOUBLE || integer < -RF_EXACT_IN_DOUBLE) {
        return RF_MISFIT_DOUBLE;
    }
    double real = (double)integer;
    uint64_t word;
    memcpy(&word, &real, sizeof word);
    rf_put_field8(out, word);
    return RF_FITS;
}

static bool integers_within(const struct rf_census *census, int64_t most) {
    return census->min_integer >= -most && census->max_integer <= most;
}

enum rf_verdict rf_judge_double(RF_JUDGE_PARAMETERS) {
    (void)conversion;
    return integers_within(census, RF_EXACT_IN_DOUBLE) ? RF_VERDICT_YES : RF_VERDICT_NO;
}

#define EXACT_IN_FLOAT (INT64_C(1) << 24)

/* A double that a float holds exactly. */
static bool is_float(double real) {
    return isinf(real) || (fabs(real) <= (double)FLT_MAX && (double)(float)real == real);
}

enum rf_misfit rf_put_real(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    enum rf_class class = rf_cell_class(cells, row);
    double real;
    if (class == RF_REAL) {
        real = rf_cell_real(cells, row);
    } else if (class == RF_INTEGER) {
        int64_t integer = rf_cell_integer(cells, row);
        if (integer > EXACT_IN_FLOAT || integer < -EXACT_IN_FLOAT) {
            return RF_MISFIT_RANGE;
        }
        real = (double)integer;
    } else {
        return RF_MISFIT_CLASS;
    }
    if (!is_float(real)) {
        return RF_MISFIT_RANGE;
    }
    float single = (float)real;
    uint32_t word;
    memcpy(&word, &single, sizeof word);
    rf_put_field4(out, word);
    return RF_FITS;
}

enum rf_verdict rf_judge_real(RF_JUDGE_PARAMETERS) {
    (void)conversion;
    if (!integers_within(census, EXACT_IN_FLOAT)) {
        return RF_VERDICT_NO;
    }
    return census->count[RF_REAL] > 0 ? RF_VERDICT_UNSURE : RF_VERDICT_YES;
}

static const struct rf_numeric_bound *bound_of(const struct rf_conversion *conversion) {
    return conversion->bound.precision > 0 ? &conversion->bound : NULL;
}

enum rf_misfit rf_put_numeric(RF_PUT_PARAMETERS) {
    (void)clean;
    const struct rf_numeric_bound *bound = bound_of(conversion);
    enum rf_numeric_fit fit;
    switch (rf_cell_class(cells, row)) {
    case RF_INTEGER:
        fit = rf_numeric_put_integer(rf_cell_integer(cells, row), bound, out);
        break;
    case RF_REAL:
        if (conversion->apart && rf_numeric_is_twin(rf_cell_real(cells, row))) {
            return RF_MISFIT_TWIN;
        }
        fit = rf_numeric_put_real(rf_cell_real(cells, row), bound, out);
        break;
    case RF_TEXT:
        if (conversion->apart) {
            return RF_MISFIT_CLASS;
        }
        fit = rf_numeric_put_text(rf_cell_bytes(cells, row), cells->size[row], bound, out);
        break;
    default:
        return RF_MISFIT_CLASS;
    }
    return fit == RF_NUMERIC_FITS ? RF_FITS : RF_MISFIT_DECIMAL;
}

enum rf_verdict rf_judge_numeric(RF_JUDGE_PARAMETERS) {
    const struct rf_numeric_bound *bound = bound_of(conversion);
    bool fit = rf_numeric_put_integer(census->min_integer, bound, NULL) == RF_NUMERIC_FITS &&
               rf_numeric_put_integer(census->max_integer, bound, NULL) == RF_NUMERIC_FITS;
    if (!fit) {
        return RF_VERDICT_NO;
    }
    return census->count[RF_REAL] + census->count[RF_TEXT] > 0 ? RF_VERDICT_UNSURE : RF_VERDICT_YES;
}

/* The server's short form has a head of two bytes, the other one of four (numeric.c there). */
uint32_t rf_stored_numeric(const uint8_t *field, uint32_t size) {
    enum { HEAD = 8, WEIGHT_MIN = -64, WEIGHT_MAX = 63, SCALE_MAX = 63 };
    int16_t weight = (int16_t)rf_load_be16(field + 2);
    bool small =
        weight >= WEIGHT_MIN && weight <= WEIGHT_MAX && rf_load_be16(field + 6) <= SCALE_MAX;
    return size - HEAD + (small ? 2 : 4);
}
