#include "replay/expression_number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 15
#define SCALE_MAX 15

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* A decimal as sign, digits and power of ten: digits * 10^exponent. */
struct decimal {
    bool negative;
    bool whole; /* written without point and exponent */
    const char *start;
    uint64_t digits;
    int digit_count; /* without leading zeros */
    int exponent;
};

static const char *scan_digits(const char *at, struct decimal *decimal, int scale) {
    for (; is_digit(*at); at++) {
        if (decimal->digit_count > 0 || *at != '0') {
            if (++decimal->digit_count <= 19) {
                decimal->digits = decimal->digits * 10 + (uint64_t)(*at - '0');
            }
        }
        decimal->exponent -= scale;
    }
    return at;
}

/* Digits, point, digits, exponent, as far as they go; NULL where not one digit stands there. */
static const char *scan(const char *at, struct decimal *decimal) {
    const char *start = at;
    decimal->whole = true;
    at = scan_digits(at, decimal, 0);
    bool any = at > start;
    if (*at == '.') {
        const char *fraction = at + 1;
        at = scan_digits(fraction, decimal, 1);
        any = any || at > fraction;
        decimal->whole = false;
    }
    if (!any) {
        return NULL;
    }
    if (*at == 'e' || *at == 'E') {
        const char *power = at + 1;
        bool down = *power == '-';
        power += *power == '-' || *power == '+' ? 1 : 0;
        if (is_digit(*power)) {
            long value = strtol(power, NULL, 10);
            value = value > 9999 ? 9999 : value;
            decimal->exponent += (int)(down ? -value : value);
            decimal->whole = false;
            for (at = power; is_digit(*at); at++) {
            }
        }
    }
    return at;
}

/* Whether the bits that rounding to 53 drops are clear of the middle by more than the error of an
 * extended division: a quotient of at least 76 bits is looked at down to its 64th. */
static bool quotient_is_clear(uint64_t digits, uint64_t divisor) {
    int shift = 63 + __builtin_clzll(digits);
    unsigned __int128 quotient = ((unsigned __int128)digits << shift) / divisor;
    uint64_t high = (uint64_t)(quotient >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64;
    uint64_t tail = (uint64_t)(quotient >> (bits - 64)) & 0x7ff;
    return tail != 0x400 && tail != 0x3ff;
}

static uint64_t power_of_ten(int exponent) {
    uint64_t power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

static struct rf_number real_of(const struct decimal *decimal) {
    struct rf_number unsure = {.reading = RF_READ_UNSURE};
    uint64_t digits = decimal->digits;
    int exponent = decimal->exponent;
    if (decimal->digit_count > 19) {
        return unsure;
    }
    while (digits > 0 && digits % 10 == 0 && exponent < 0) {
        digits /= 10;
        exponent++;
    }
    if (digits == 0 || exponent < -SCALE_MAX || exponent > DIGITS_MAX ||
        digits >= power_of_ten(DIGITS_MAX)) {
        /* Nothing but zero is as sure as the rest; its sign is not. */
        return digits == 0 && !decimal->negative ? (struct rf_number){.reading = RF_READ_REAL}
                                                 : unsure;
    }
    double real;
    if (exponent >= 0) {
        unsigned __int128 product = (unsigned __int128)digits * power_of_ten(exponent);
        if (product > (unsigned __int128)RF_DOUBLE_EXACT) {
            return unsure;
        }
        real = (double)(uint64_t)product;
    } else if (quotient_is_clear(digits, power_of_ten(-exponent))) {
        real = (double)digits / (double)power_of_ten(-exponent);
    } else {
        return unsure;
    }
    return (struct rf_number){.reading = RF_READ_REAL, .real = decimal->negative ? -real : real};
}

static struct rf_number whole_of(const struct decimal *decimal) {
    struct rf_number number = {.reading = RF_READ_INTEGER};
    uint64_t most = (uint64_t)INT64_MAX + (decimal->negative ? 1 : 0);
    if (decimal->digit_count > 19 || decimal->digits > most) {
        return real_of(decimal);
    }
    number.integer = (int64_t)(decimal->negative ? 0 - decimal->digits : decimal->digits);
    return number;
}

static struct rf_number hexadecimal(const char *digits, bool negative) {
    digits += strspn(digits, "0");
    struct rf_number number = {.reading = RF_READ_UNSURE};
    if (strlen(digits) > 16) {
        return number;
    }
    int64_t value = (int64_t)strtoull(digits, NULL, 16);
    if (negative && value == INT64_MIN) {
        return number;
    }
    number.reading = RF_READ_INTEGER;
    number.integer = negative ? -value : value;
    return number;
}

struct rf_number rf_number_of_literal(const char *text, bool negative) {
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        return hexadecimal(text + 2, negative);
    }
    struct decimal decimal = {.negative = negative};
    if (!scan(text, &decimal)) {
        return (struct rf_number){.reading = RF_READ_UNSURE};
    }
    return decimal.whole ? whole_of(&decimal) : real_of(&decimal);
}

static const char *skip_space(const char *at) {
    while (*at == ' ' || (*at >= '\t' && *at <= '\r')) {
        at++;
    }
    return at;
}

struct rf_number rf_number_of_text(const char *text) {
    const char *start = skip_space(text);
    struct decimal decimal = {.negative = *start == '-'};
    const char *digits = start + (*start == '-' || *start == '+' ? 1 : 0);
    const char *end = scan(digits, &decimal);
    if (!end || *skip_space(end)) {
        return (struct rf_number){.reading = RF_READ_NOTHING};
    }
    if (start != text || *end) {
        return (struct rf_number){.reading = RF_READ_UNSURE};
    }
    return decimal.whole ? whole_of(&decimal) : real_of(&decimal);
}

void rf_number_decimal(double real, char text[32]) {
    bool whole = real >= -(double)RF_DOUBLE_EXACT && real <= (double)RF_DOUBLE_EXACT &&
                 real == (double)(int64_t)real;
    if (whole) {
        snprintf(text, 32, "%lld", (long long)real);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, real);
        if (strtod(text, NULL) == real) {
            return;
        }
    }
}
