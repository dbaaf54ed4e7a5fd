#include "replay/instant.h"

#include <math.h>
#include <string.h>

/* PostgreSQL's first and the first after its last (IS_VALID_TIMESTAMP). */
#define MICROS_FIRST INT64_C(-211813488000000000)
#define MICROS_END INT64_C(9223371331200000000)

#define EXACT_IN_DOUBLE 0x1p53

/* Of the numbers. `per_unit` is microseconds a unit, 0 for nanoseconds and for days, which have
 * rules of their own; `origin` is the moment of the number 0. */
struct scale {
    const char *name;
    bool number;
    int64_t per_unit;
    int64_t origin;      /* microseconds since 2000-01-01 */
    double fraction_end; /* reals with a fraction end here; 0: there are none */
};

#define ORIGIN_1970 (-946684800 * RF_SECOND_MICROS)
#define ORIGIN_2001 (31622400 * RF_SECOND_MICROS)
#define ORIGIN_1601 (-12591158400 * RF_SECOND_MICROS)
#define FRACTION_END_S 0x1p33
#define FRACTION_END_MS 0x1p43

static const struct scale scales[RF_INSTANT_ENCODINGS] = {
    [RF_INSTANT_ISO_DATE] = {.name = "iso-date"},
    [RF_INSTANT_ISO_TIME] = {.name = "iso-time"},
    [RF_INSTANT_ISO_LOCAL] = {.name = "iso"},
    [RF_INSTANT_ISO_ZONED] = {.name = "iso-zone"},
    [RF_INSTANT_UNIX_S] = {"unix-s", true, 1000000, ORIGIN_1970, FRACTION_END_S},
    [RF_INSTANT_UNIX_MS] = {"unix-ms", true, 1000, ORIGIN_1970, FRACTION_END_MS},
    [RF_INSTANT_UNIX_US] = {"unix-us", true, 1, ORIGIN_1970, 0},
    [RF_INSTANT_UNIX_NS] = {"unix-ns", true, 0, ORIGIN_1970, 0},
    [RF_INSTANT_JULIAN_DAY] = {.name = "julian-day", .number = true},
    [RF_INSTANT_MAC_2001] = {"mac-2001", true, 1000000, ORIGIN_2001, FRACTION_END_S},
    [RF_INSTANT_WEBKIT_1601] = {"webkit-1601", true, 1, ORIGIN_1601, 0},
};

const char *rf_instant_name(enum rf_instant_encoding encoding) {
    return scales[encoding].name;
}

bool rf_instant_find(const char *name, enum rf_instant_encoding *encoding) {
    for (unsigned i = 0; i < RF_INSTANT_ENCODINGS; i++) {
        if (strcmp(scales[i].name, name) == 0) {
            *encoding = (enum rf_instant_encoding)i;
            return true;
        }
    }
    return false;
}

static enum rf_instant_fit in_range(int64_t micros) {
    return micros >= MICROS_FIRST && micros < MICROS_END ? RF_INSTANT_FITS : RF_INSTANT_RANGE;
}

/* Julian days, in SQLite's milliseconds: from noon of day 0, which 2000-01-01 00:00 is so many
 * after, to the last millisecond of the year 9999. */
#define DAY_MILLIS INT64_C(86400000)
#define JULIAN_2000 INT64_C(211813444800000)
#define JULIAN_LAST INT64_C(464269060799999)

static enum rf_instant_fit of_julian_millis(int64_t millis, int64_t *micros) {
    *micros = (millis - JULIAN_2000) * 1000;
    return RF_INSTANT_FITS;
}

static enum rf_instant_fit of_julian_integer(int64_t days, int64_t *micros) {
    if (days < 0 || days > JULIAN_LAST / DAY_MILLIS) {
        return RF_INSTANT_RANGE;
    }
    return of_julian_millis(days * DAY_MILLIS, micros);
}

/* The product is off by a tenth of a millisecond at most, so rounding finds the only candidate. */
static enum rf_instant_fit of_julian_real(double days, int64_t *micros) {
    double millis = days * (double)DAY_MILLIS + 0.5;
    if (!(days >= 0 && millis < (double)(JULIAN_LAST + 1))) {
        return RF_INSTANT_RANGE;
    }
    int64_t whole = (int64_t)millis;
    if ((double)whole / (double)DAY_MILLIS != days) {
        return RF_INSTANT_INEXACT;
    }
    return of_julian_millis(whole, micros);
}

/* The origin is added first, in the number's own unit: the sum may fit where the number alone, in
 * microseconds, would not. */
static enum rf_instant_fit of_integer(const struct scale *scale, int64_t integer, int64_t *micros) {
    int64_t unit = scale->per_unit;
    if (unit == 0) { /* nanoseconds */
        if (integer % 1000 != 0) {
            return RF_INSTANT_INEXACT;
        }
        integer /= 1000;
        unit = 1;
    }
    int64_t sum;
    if (__builtin_add_overflow(integer, scale->origin / unit, &sum) ||
        __builtin_mul_overflow(sum, unit, micros)) {
        return RF_INSTANT_RANGE;
    }
    return in_range(*micros);
}

/* The fraction is split off, which is exact, so that multiplying it cannot be off by as much as the
 * distance of two microseconds' doubles, where these are nearly a microsecond apart. */
static enum rf_instant_fit of_fraction(const struct scale *scale, double real, int64_t *micros) {
    if (!(fabs(real) < scale->fraction_end)) {
        return RF_INSTANT_INEXACT;
    }
    double unit = (double)scale->per_unit;
    int64_t whole = (int64_t)real;
    double rest = (real - (double)whole) * unit;
    int64_t part = (int64_t)(rest + copysign(0.5, rest));
    int64_t sum = whole * scale->per_unit + part;
    if ((double)sum / unit != real) {
        return RF_INSTANT_INEXACT;
    }
    *micros = sum + scale->origin;
    return in_range(*micros);
}

static enum rf_instant_fit of_real(const struct scale *scale, double real, int64_t *micros) {
    if (real == 0 && signbit(real)) {
        return RF_INSTANT_INEXACT;
    }
    if (!(fabs(real) <= EXACT_IN_DOUBLE)) {
        return RF_INSTANT_RANGE;
    }
    int64_t whole = (int64_t)real;
    return (double)whole == real ? of_integer(scale, whole, micros)
                                 : of_fraction(scale, real, micros);
}

static enum rf_instant_fit of_number(enum rf_instant_encoding encoding,
                                     const struct rf_value *value, int64_t *micros) {
    const struct scale *scale = &scales[encoding];
    bool julian = encoding == RF_INSTANT_JULIAN_DAY;
    if (value->class == RF_INTEGER) {
        return julian ? of_julian_integer(value->integer, micros)
                      : of_integer(scale, value->integer, micros);
    }
    if (value->class != RF_REAL) {
        return RF_INSTANT_CLASS;
    }
    if (julian && !(value->real == 0 && signbit(value->real))) {
        return of_julian_real(value->real, micros);
    }
    return of_real(scale, value->real, micros);
}

static enum rf_iso_kind kind_of(enum rf_instant_encoding encoding) {
    switch (encoding) {
    case RF_INSTANT_ISO_DATE:
        return RF_ISO_DATE;
    case RF_INSTANT_ISO_TIME:
        return RF_ISO_TIME;
    case RF_INSTANT_ISO_LOCAL:
        return RF_ISO_LOCAL;
    default:
        return RF_ISO_ZONED;
    }
}

enum rf_instant_fit rf_instant_of(enum rf_instant_encoding encoding, const struct rf_value *value,
                                  int64_t *result) {
    if (scales[encoding].number) {
        return of_number(encoding, value, result);
    }
    if (value->class != RF_TEXT) {
        return RF_INSTANT_CLASS;
    }
    struct rf_iso iso;
    enum rf_instant_fit fit = rf_iso_read(value->bytes, value->size, &iso);
    if (fit != RF_INSTANT_FITS) {
        return fit;
    }
    if (iso.form.kind != kind_of(encoding)) {
        return RF_INSTANT_FORM;
    }
    *result = iso.form.kind == RF_ISO_DATE ? iso.days : rf_iso_instant(&iso);
    return RF_INSTANT_FITS;
}
