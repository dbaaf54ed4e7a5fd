/* A numeric is a row of digits to the base 10000, aligned at the decimal point:
 *
 *     int16 count, int16 weight, uint16 sign, uint16 dscale, int16 digit[count]
 *
 * The first digit counts 10000^weight, each further one 10000 times less. dscale is how many
 * decimal digits are shown behind the point. The server strips zero digits at both ends, so none
 * are sent.
 *
 * Two ways lead there. What is digits / 10^scale with digits in 64 bits, which all integers and
 * nearly all reals are, is divided by 10000 a few times. The rest, long texts and reals of 16 and
 * 17 digits, is regrouped decimal digit by decimal digit. */
#include "replay/numeric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/conversion.h"

#define BASE 10000u
#define BASE_DIGITS 4
#define SIGN_PLUS 0x0000u
#define SIGN_MINUS 0x4000u
/* Of a numeric without a bound (the server's NUMERIC_MAX_PRECISION is for declared ones only). */
#define WHOLE_DIGITS_MAX 131072
#define SCALE_MAX 16383

const char *rf_numeric_reason(enum rf_numeric_fit fit) {
    switch (fit) {
    case RF_NUMERIC_FITS:
        break;
    case RF_NUMERIC_NOT_DECIMAL:
        return "the text is not a plain decimal number";
    case RF_NUMERIC_SPECIAL:
        return "not a finite number";
    case RF_NUMERIC_MINUS_ZERO:
        return "numeric has no negative zero";
    case RF_NUMERIC_SCALE:
        return "more digits behind the decimal point than the column keeps";
    case RF_NUMERIC_PRECISION:
        return "more digits before the decimal point than the column keeps";
    case RF_NUMERIC_RANGE:
        return "more digits than numeric can hold";
    }
    return "fits";
}

unsigned rf_decimal_digits(uint64_t number) {
    unsigned count = 0;
    for (; number > 0; number /= 10) {
        count++;
    }
    return count;
}

/* `whole` and `scale` count the digits that the number needs before and behind the point. */
static enum rf_numeric_fit check(int64_t whole, int64_t scale,
                                 const struct rf_numeric_bound *bound) {
    if (!bound) {
        return whole > WHOLE_DIGITS_MAX || scale > SCALE_MAX ? RF_NUMERIC_RANGE : RF_NUMERIC_FITS;
    }
    if (scale > bound->scale) {
        return RF_NUMERIC_SCALE;
    }
    return whole > bound->precision - bound->scale ? RF_NUMERIC_PRECISION : RF_NUMERIC_FITS;
}

struct head {
    uint32_t count;
    int32_t weight;
    bool negative;
    uint32_t dscale;
};

#define HEAD_BYTES 8u

/* Appends length and head; the caller fills in the digits, two bytes each. NULL when it cannot. */
static uint8_t *put_head(struct rf_buffer *out, const struct head *head) {
    uint32_t size = HEAD_BYTES + 2 * head->count;
    uint8_t *at = rf_buffer_extend(out, sizeof size + size);
    if (!at) {
        return NULL;
    }
    rf_put_be32(at, size);
    rf_put_be16(at + 4, (uint16_t)head->count);
    rf_put_be16(at + 6, (uint16_t)head->weight);
    rf_put_be16(at + 8, head->negative ? SIGN_MINUS : SIGN_PLUS);
    rf_put_be16(at + 10, (uint16_t)head->dscale);
    return at + sizeof size + HEAD_BYTES;
}

/* magnitude / 10^scale, where aligning the point (up to three more digits) does not overflow: scale
 * is a multiple of 4, or magnitude is below 10^15. */
static void put_scaled(bool negative, uint64_t magnitude, unsigned scale, uint32_t dscale,
                       struct rf_buffer *out) {
    static const uint64_t aligning[BASE_DIGITS] = {1, 10, 100, 1000};
    uint16_t digits[8]; /* the lowest first */
    unsigned padding = (BASE_DIGITS - scale % BASE_DIGITS) % BASE_DIGITS;
    struct head head = {.negative = negative, .dscale = dscale};
    int32_t lowest = -(int32_t)((scale + padding) / BASE_DIGITS);
    uint64_t rest = magnitude * aligning[padding];
    for (; rest != 0; rest /= BASE) {
        uint16_t digit = (uint16_t)(rest % BASE);
        if (digit == 0 && head.count == 0) {
            lowest++;
        } else {
            digits[head.count++] = digit;
        }
    }
    head.weight = head.count > 0 ? lowest + (int32_t)head.count - 1 : 0;
    uint8_t *at = put_head(out, &head);
    if (at) {
        for (uint32_t i = head.count; i > 0; i--, at += 2) {
            rf_put_be16(at, digits[i - 1]);
        }
    }
}

enum rf_numeric_fit rf_numeric_put_integer(int64_t integer, const struct rf_numeric_bound *bound,
                                           struct rf_buffer *out) {
    uint64_t magnitude = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    enum rf_numeric_fit fit =
        bound ? check(rf_decimal_digits(magnitude), 0, bound) : RF_NUMERIC_FITS;
    if (fit == RF_NUMERIC_FITS && out) {
        put_scaled(integer < 0, magnitude, 0, bound ? bound->scale : 0, out);
    }
    return fit;
}

/* Decimal digits as characters, and where the decimal point belongs: behind the first `point` of
 * them, which may be before all or past the last. Where it stands in the text is another matter,
 * when there is an exponent; it is stepped over. */
struct decimal {
    bool negative;
    const uint8_t *digits;
    size_t count;  /* without the point in the text */
    size_t before; /* of them before that point; count when there is none */
    int64_t point;
    int64_t shown; /* digits behind the point as written, at least those that are needed */
};

static unsigned digit_at(const struct decimal *decimal, size_t i) {
    return decimal->digits[i < decimal->before ? i : i + 1] - (unsigned)'0';
}

/* Digits [from, to) of the decimal, the first and last of them not 0. */
static void put_grouped(const struct decimal *decimal, size_t from, size_t to, uint32_t dscale,
                        struct rf_buffer *out) {
    int64_t point = decimal->point - (int64_t)from;
    int64_t above = point - 1; /* the first digit counts 10^above */
    int64_t weight = above >= 0 ? above / BASE_DIGITS : -((BASE_DIGITS - 1 - above) / BASE_DIGITS);
    size_t missing =
        (size_t)(BASE_DIGITS * (weight + 1) - point); /* zeros before the first digit */
    size_t count = to - from;
    struct head head = {
        .count = (uint32_t)((missing + count + BASE_DIGITS - 1) / BASE_DIGITS),
        .weight = (int32_t)weight,
        .negative = decimal->negative,
        .dscale = dscale,
    };
    uint8_t *at = put_head(out, &head);
    size_t place = 0; /* of the missing digits and the decimal's */
    for (uint32_t i = 0; at && i < head.count; i++, at += 2) {
        unsigned digit = 0;
        for (unsigned j = 0; j < BASE_DIGITS; j++, place++) {
            bool there = place >= missing && place - missing < count;
            digit = digit * 10 + (there ? digit_at(decimal, from + place - missing) : 0);
        }
        rf_put_be16(at, (uint16_t)digit);
    }
}

static enum rf_numeric_fit put_decimal(const struct decimal *decimal,
                                       const struct rf_numeric_bound *bound,
                                       struct rf_buffer *out) {
    size_t from = 0, to = decimal->count;
    while (to > 0 && digit_at(decimal, to - 1) == 0) {
        to--;
    }
    while (from < to && digit_at(decimal, from) == 0) {
        from++;
    }
    bool zero = from == to;
    if (zero && decimal->negative) {
        return RF_NUMERIC_MINUS_ZERO;
    }
    int64_t whole = zero ? 0 : decimal->point - (int64_t)from;
    int64_t needed = zero ? 0 : (int64_t)to - decimal->point;
    enum rf_numeric_fit fit = check(whole, bound ? needed : decimal->shown, bound);
    if (fit != RF_NUMERIC_FITS || !out) {
        return fit;
    }
    uint32_t dscale = bound ? bound->scale : (uint32_t)decimal->shown;
    if (zero) {
        put_scaled(false, 0, 0, dscale, out);
    } else {
        put_grouped(decimal, from, to, dscale, out);
    }
    return fit;
}

/* Below 10^15 a division of whole numbers by a power of ten that a double holds exactly, 10^22 at
 * the most, is rounded once: its result is the double nearest to the decimal. Multiplying the real
 * gives the digits, off by less than a quarter, so rounding finds them if there are any. */
#define SHORT_DIGITS_END 1e15
#define SHORT_SCALE_MAX 22

bool rf_short_decimal_of(double real, struct rf_short_decimal *decimal) {
    static const double tens[SHORT_SCALE_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double magnitude = fabs(real);
    if (!(magnitude < SHORT_DIGITS_END) || (real == 0 && signbit(real))) {
        return false;
    }
    for (unsigned scale = 0; scale <= SHORT_SCALE_MAX; scale++) {
        double digits = magnitude * tens[scale] + 0.5;
        if (!(digits < SHORT_DIGITS_END)) {
            return false;
        }
        int64_t whole = (int64_t)digits;
        if ((double)whole / tens[scale] == magnitude) {
            *decimal = (struct rf_short_decimal){real < 0 ? -whole : whole, scale};
            return true;
        }
    }
    return false;
}

/* 17 digits always lead back to a real; 15 are the most that a shorter decimal can have and
 * still be found by rounding the real to 15. Only the smallest reals of all have fewer than 15
 * to give. */
#define DIGITS_USUAL 15
#define DIGITS_MOST 17
#define SMALLEST_NORMAL 0x1p-1022
#define MANTISSA_BITS ((UINT64_C(1) << 52) - 1)

struct shortest {
    char digits[DIGITS_MOST + 1];
    int count;
    int exponent; /* of the first digit */
};

static bool leads_back(const struct shortest *decimal, double real) {
    char text[DIGITS_MOST + 16]; /* without a point, which depends on the locale */
    snprintf(text, sizeof text, "%se%d", decimal->digits, decimal->exponent - decimal->count + 1);
    return strtod(text, NULL) == real;
}

static struct shortest rounded(double real, int count) {
    char text[DIGITS_MOST + 16];
    int length = snprintf(text, sizeof text, "%.*e", count - 1, real);
    struct shortest decimal = {.count = 0};
    int i = 0;
    for (; i < length && text[i] != 'e'; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            decimal.digits[decimal.count++] = text[i];
        }
    }
    decimal.exponent = (int)strtol(text + i + 1, NULL, 10);
    return decimal;
}

/* Of `real`, which is finite and above 0. Rounding gives the nearest decimal of so many digits, and
 * if that does not lead back no other does, but for powers of two: the reals below one lie twice as
 * close as those above, and the next decimal may lead back where the nearest, below, does not. (Not
 * if it ends in 0: then it has fewer digits, and would have been found by rounding to those.) */
static struct shortest shortest_of(double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    bool power = (bits & MANTISSA_BITS) == 0;
    for (int count = real < SMALLEST_NORMAL ? 1 : DIGITS_USUAL;; count++) {
        struct shortest decimal = rounded(real, count);
        if (count == DIGITS_MOST || leads_back(&decimal, real)) {
            return decimal;
        }
        if (power && decimal.digits[count - 1] != '9') {
            decimal.digits[count - 1]++;
            if (leads_back(&decimal, real)) {
                return decimal;
            }
        }
    }
}

static enum rf_numeric_fit put_shortest(double real, const struct rf_numeric_bound *bound,
                                        struct rf_buffer *out) {
    struct shortest shortest = shortest_of(fabs(real));
    while (shortest.count > 1 && shortest.digits[shortest.count - 1] == '0') {
        shortest.count--;
    }
    int behind = shortest.count - 1 - shortest.exponent;
    struct decimal decimal = {
        .digits = (const uint8_t *)shortest.digits,
        .count = (size_t)shortest.count,
        .before = (size_t)shortest.count,
        .point = shortest.exponent + 1,
    };
    decimal.negative = real < 0;
    decimal.shown = behind > 0 ? behind : 0;
    return put_decimal(&decimal, bound, out);
}

enum rf_numeric_fit rf_numeric_put_real(double real, const struct rf_numeric_bound *bound,
                                        struct rf_buffer *out) {
    if (!isfinite(real)) {
        return RF_NUMERIC_SPECIAL;
    }
    if (real == 0 && signbit(real)) {
        return RF_NUMERIC_MINUS_ZERO;
    }
    struct rf_short_decimal decimal;
    if (!rf_short_decimal_of(real, &decimal)) {
        return put_shortest(real, bound, out);
    }
    uint64_t magnitude = (uint64_t)(real < 0 ? -decimal.digits : decimal.digits);
    int64_t whole = (int64_t)rf_decimal_digits(magnitude) - decimal.scale;
    enum rf_numeric_fit fit = check(whole, decimal.scale, bound);
    if (fit == RF_NUMERIC_FITS && out) {
        put_scaled(real < 0, magnitude, decimal.scale, bound ? bound->scale : decimal.scale, out);
    }
    return fit;
}

bool rf_numeric_is_twin(double real) {
    double magnitude = fabs(real);
    if (!(magnitude >= 0x1p53 && magnitude < 0x1p63)) {
        return false;
    }
    struct shortest shortest = shortest_of(magnitude);
    uint64_t decimal = strtoull(shortest.digits, NULL, 10);
    for (int i = shortest.count; i <= shortest.exponent; i++) {
        decimal *= 10;
    }
    return decimal != (uint64_t)magnitude;
}

/* Digits from `at` on. */
static size_t run_of_digits(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return (size_t)(at - start);
}

/* Far beyond what any numeric has, and far from where the counts would overflow. */
#define EXPONENT_END 100000000

/* "e", sign, digits: all that is left. */
static enum rf_numeric_fit read_exponent(const uint8_t *at, const uint8_t *end, int64_t *exponent) {
    bool negative = false;
    at++;
    if (at < end && (*at == '+' || *at == '-')) {
        negative = *at++ == '-';
    }
    size_t count = run_of_digits(at, end);
    if (count == 0 || at + count != end) {
        return RF_NUMERIC_NOT_DECIMAL;
    }
    int64_t value = 0;
    for (; at < end; at++) {
        value = value * 10 + (*at - '0');
        if (value >= EXPONENT_END) {
            return RF_NUMERIC_RANGE;
        }
    }
    *exponent = negative ? -value : value;
    return RF_NUMERIC_FITS;
}

enum rf_numeric_fit rf_numeric_put_text(const uint8_t *text, size_t size,
                                        const struct rf_numeric_bound *bound,
                                        struct rf_buffer *out) {
    const uint8_t *at = text, *end = text + size;
    struct decimal decimal = {.negative = at < end && *at == '-'};
    at += decimal.negative;
    decimal.digits = at;
    decimal.before = run_of_digits(at, end);
    if (decimal.before == 0 || (decimal.before > 1 && *at == '0')) {
        return RF_NUMERIC_NOT_DECIMAL;
    }
    at += decimal.before;
    size_t behind = 0;
    if (at < end && *at == '.') {
        behind = run_of_digits(++at, end);
        at += behind;
        if (behind == 0) {
            return RF_NUMERIC_NOT_DECIMAL;
        }
    }
    int64_t exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        enum rf_numeric_fit fit = read_exponent(at, end, &exponent);
        if (fit != RF_NUMERIC_FITS) {
            return fit;
        }
    } else if (at != end) {
        return RF_NUMERIC_NOT_DECIMAL;
    }
    int64_t shown = (int64_t)behind - exponent;
    decimal.count = decimal.before + behind;
    decimal.point = (int64_t)decimal.before + exponent;
    decimal.shown = shown > 0 ? shown : 0;
    return put_decimal(&decimal, bound, out);
}
