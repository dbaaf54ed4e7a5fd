/* Digits come from the C library's correctly rounded conversion in scientific form; the shape
 * (where the point stands, when an exponent is written) is put together here, and so depends on no
 * locale. */
#include "replay/render.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite writes an exponent from 10^15 on and below 10^-4, for CAST uses 15 digits. */
#define DIGITS_USUAL 15
#define DIGITS_MOST 17
#define EXPONENT_FROM 15
#define EXPONENT_BELOW (-4)

size_t rf_render_integer(int64_t integer, char text[RF_NUMBER_TEXT]) {
    return (size_t)snprintf(text, RF_NUMBER_TEXT, "%" PRId64, integer);
}

struct decimal {
    char digits[DIGITS_MOST + 1]; /* without trailing zeros, at least one */
    int count;
    int exponent; /* of the first digit */
};

/* The fewest digits, but not fewer than 15, that lead back to `real`, which is finite and not
 * negative. */
static struct decimal decimal_of(double real) {
    char text[RF_NUMBER_TEXT];
    for (int digits = DIGITS_USUAL; digits <= DIGITS_MOST; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, real);
        if (strtod(text, NULL) == real) {
            break;
        }
    }
    struct decimal decimal = {.count = 0};
    char *mark = strchr(text, 'e');
    for (const char *at = text; at < mark; at++) {
        if (*at >= '0' && *at <= '9') { /* all but the point, whatever the locale takes for it */
            decimal.digits[decimal.count++] = *at;
        }
    }
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0') {
        decimal.count--;
    }
    decimal.exponent = (int)strtol(mark + 1, NULL, 10);
    return decimal;
}

struct text {
    char *at;
};

static void put(struct text *out, char c) {
    *out->at++ = c;
}

/* Digits [from, to), zeros where there are none. */
static void put_digits(struct text *out, const struct decimal *decimal, int from, int to) {
    for (int i = from; i < to; i++) {
        char digit = '0';
        if (i >= 0 && i < decimal->count) {
            digit = decimal->digits[i];
        }
        put(out, digit);
    }
}

static void put_scientific(struct text *out, const struct decimal *decimal) {
    put_digits(out, decimal, 0, 1);
    put(out, '.');
    put_digits(out, decimal, 1, decimal->count > 1 ? decimal->count : 2);
    out->at +=
        sprintf(out->at, "e%s%02d", decimal->exponent < 0 ? "-" : "+", abs(decimal->exponent));
}

static void put_plain(struct text *out, const struct decimal *decimal) {
    int point = decimal->exponent + 1; /* digits before it */
    put_digits(out, decimal, point > 0 ? 0 : point - 1, point);
    put(out, '.');
    put_digits(out, decimal, point, decimal->count > point ? decimal->count : point + 1);
}

size_t rf_render_real(double real, char text[RF_NUMBER_TEXT]) {
    if (isnan(real)) {
        return (size_t)sprintf(text, "NaN"); /* SQLite has none: it stores NULL */
    }
    struct text out = {.at = text};
    if (signbit(real)) {
        put(&out, '-');
        real = -real;
    }
    if (isinf(real)) {
        out.at += sprintf(out.at, "Inf");
    } else {
        struct decimal decimal = decimal_of(real);
        if (decimal.exponent >= EXPONENT_FROM || decimal.exponent < EXPONENT_BELOW) {
            put_scientific(&out, &decimal);
        } else {
            put_plain(&out, &decimal);
        }
    }
    *out.at = 0;
    return (size_t)(out.at - text);
}

bool rf_looks_rendered(const uint8_t *bytes, size_t size) {
    char text[RF_NUMBER_TEXT], again[RF_NUMBER_TEXT];
    if (size == 0 || size >= sizeof text || memchr(bytes, 0, size)) {
        return false;
    }
    memcpy(text, bytes, size);
    text[size] = 0;
    char *end;
    errno = 0;
    long long integer = strtoll(text, &end, 10);
    if (*end == 0 && errno == 0) {
        rf_render_integer(integer, again);
        return strcmp(text, again) == 0;
    }
    double real = strtod(text, NULL);
    rf_render_real(real, again);
    return !isnan(real) && strcmp(text, again) == 0;
}
