/* If these fail, prices and balances change on their way, or the server refuses what is sent. */
#include "replay/numeric.h"

#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FIELD_HEX 512

/* What PostgreSQL 15.18 gives for encode(numeric_send(TEXT::numeric), 'hex'). */
struct sent {
    const char *text;
    const char *hex;
};

static const struct sent integers[] = {
    {"0", "0000000000000000"},
    {"1", "00010000000000000001"},
    {"-1", "00010000400000000001"},
    {"9999", "0001000000000000270f"},
    {"10000", "00010001000000000001"},
    {"10001", "000200010000000000010001"},
    {"99999999", "0002000100000000270f270f"},
    {"100000000", "00010002000000000001"},
    {"10000000000000000", "00010004000000000001"},
    {"1234567890123456789", "0005000400000000007b11d722c509291a85"},
    {"9223372036854775807", "0005000400000000039a0d2c0170156516af"},
    {"-9223372036854775808", "0005000440000000039a0d2c0170156516b0"},
};

static const struct sent reals[] = {
    {"0.1", "0001ffff0000000103e8"},
    {"0.0001", "0001ffff000000040001"},
    {"0.00001", "0001fffe0000000503e8"},
    {"0.00000001", "0001fffe000000080001"},
    {"-12.5", "0002000040000001000c1388"},
    {"10000.0001", "0003000100000004000100000001"},
    {"123456789012345", "0004000300000000007b11d722c50929"},
    {"0.000123456789012345", "0005ffff00000012000109291a85007b1194"},
    {"0.30000000000000004", "0005ffff000000110bb80000000000000fa0"},
    {"1e-7", "0001fffe00000007000a"},
    {"1e15", "000100030000000003e8"},
    {"1e22", "00010005000000000064"},
    {"6.02e23", "00010005000000001784"},
    {"1e300", "0001004b000000000001"},
    {"5e-324", "0001ffaf000001440005"},
    {"1.7976931348623157e308", "0005004d0000000000011f28246112fe0c55"},
};

static const struct sent texts[] = {
    {"12.50", "0002000000000002000c1388"},
    {"0.00", "0000000000000002"},
    {"0.000000", "0000000000000006"},
    {"100.00", "00010000000000020064"},
    {"1e3", "000100000000000003e8"},
    {"1.50e1", "0001000000000001000f"},
    {"123456789.123456789", "0006000200000009000109291a8504d2162e2328"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The one field in the buffer, without its length, which has to be right. */
static const char *field(const struct rf_buffer *out) {
    static char hex[FIELD_HEX];
    hex[0] = 0;
    if (out->size < 4) {
        return "nothing";
    }
    uint32_t size = (uint32_t)out->bytes[0] << 24 | (uint32_t)out->bytes[1] << 16 |
                    (uint32_t)out->bytes[2] << 8 | out->bytes[3];
    cr_assert_eq(size, out->size - 4);
    for (uint32_t i = 0; i < size && 2 * i + 3 < FIELD_HEX; i++) {
        snprintf(hex + 2 * (size_t)i, 3, "%02x", out->bytes[4 + i]);
    }
    return hex;
}

static const char *field_of_text(const char *text, const struct rf_numeric_bound *bound,
                                 struct rf_buffer *out) {
    rf_buffer_clear(out);
    rf_numeric_put_text((const uint8_t *)text, strlen(text), bound, out);
    return field(out);
}

static const char *field_of_real(double real, const struct rf_numeric_bound *bound,
                                 struct rf_buffer *out) {
    rf_buffer_clear(out);
    rf_numeric_put_real(real, bound, out);
    return field(out);
}

static const char *field_of_integer(int64_t integer, const struct rf_numeric_bound *bound,
                                    struct rf_buffer *out) {
    rf_buffer_clear(out);
    rf_numeric_put_integer(integer, bound, out);
    return field(out);
}

Test(numeric, integers_are_what_the_server_sends) {
    struct rf_buffer out = {0};
    for (size_t i = 0; i < COUNT(integers); i++) {
        int64_t integer = strtoll(integers[i].text, NULL, 10);
        cr_expect_str_eq(field_of_integer(integer, NULL, &out), integers[i].hex, "%s",
                         integers[i].text);
        cr_expect_str_eq(field_of_text(integers[i].text, NULL, &out), integers[i].hex, "%s",
                         integers[i].text);
    }
    rf_buffer_release(&out);
}

Test(numeric, reals_are_their_shortest_decimal) {
    struct rf_buffer out = {0};
    for (size_t i = 0; i < COUNT(reals); i++) {
        cr_expect_str_eq(field_of_real(strtod(reals[i].text, NULL), NULL, &out), reals[i].hex, "%s",
                         reals[i].text);
        cr_expect_str_eq(field_of_text(reals[i].text, NULL, &out), reals[i].hex, "text %s",
                         reals[i].text);
    }
    /* 5.684341886080802e-14: the nearest 16 digits, …801e-14, are read as the real below. */
    cr_expect_str_eq(field_of_real(0x1p-44, NULL, &out), "0005fffc0000001d023810f5229c1f9007d0");
    rf_buffer_release(&out);
}

Test(numeric, texts_keep_the_digits_they_show) {
    struct rf_buffer out = {0};
    for (size_t i = 0; i < COUNT(texts); i++) {
        cr_expect_str_eq(field_of_text(texts[i].text, NULL, &out), texts[i].hex, "%s",
                         texts[i].text);
    }
    rf_buffer_release(&out);
}

/* encode(numeric_send(TEXT::numeric(10,2)), 'hex') */
Test(numeric, a_bound_gives_all_values_its_scale) {
    const struct sent bounded[] = {
        {"0", "0000000000000002"},        {"12.5", "0002000000000002000c1388"},
        {"-1", "00010000400000020001"},   {"99999999.99", "0003000100000002270f270f26ac"},
        {"0.01", "0001ffff000000020064"}, {"100", "00010000000000020064"},
    };
    const struct rf_numeric_bound bound = {.precision = 10, .scale = 2};
    struct rf_buffer out = {0};
    for (size_t i = 0; i < COUNT(bounded); i++) {
        const char *text = bounded[i].text;
        cr_expect_str_eq(field_of_text(text, &bound, &out), bounded[i].hex, "text %s", text);
        cr_expect_str_eq(field_of_real(strtod(text, NULL), &bound, &out), bounded[i].hex, "real %s",
                         text);
        if (!strchr(text, '.')) {
            cr_expect_str_eq(field_of_integer(strtoll(text, NULL, 10), &bound, &out),
                             bounded[i].hex, "integer %s", text);
        }
    }
    rf_buffer_release(&out);
}

Test(numeric, nothing_is_rounded_into_a_bound) {
    const struct rf_numeric_bound money = {.precision = 10, .scale = 2};
    const struct rf_numeric_bound share = {.precision = 3, .scale = 3};
    const struct {
        const char *text;
        const struct rf_numeric_bound *bound;
        enum rf_numeric_fit fit;
    } cases[] = {
        {"0.001", &money, RF_NUMERIC_SCALE},
        {"0.30000000000000004", &money, RF_NUMERIC_SCALE},
        {"99999999.995", &money, RF_NUMERIC_SCALE},
        {"100000000", &money, RF_NUMERIC_PRECISION},
        {"-100000000.5", &money, RF_NUMERIC_PRECISION},
        {"1e300", &money, RF_NUMERIC_PRECISION},
        {"5e-324", &money, RF_NUMERIC_SCALE},
        {"1e8", &money, RF_NUMERIC_PRECISION},
        {"1", &share, RF_NUMERIC_PRECISION},
        {"0.999", &share, RF_NUMERIC_FITS},
        {"0.0001", &share, RF_NUMERIC_SCALE},
        {"0", &share, RF_NUMERIC_FITS},
    };
    struct rf_buffer out = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = cases[i].text;
        size_t size = strlen(text);
        rf_buffer_clear(&out);
        cr_expect_eq(rf_numeric_put_text((const uint8_t *)text, size, cases[i].bound, &out),
                     cases[i].fit, "text %s", text);
        cr_expect_eq(out.size > 0, cases[i].fit == RF_NUMERIC_FITS, "text %s", text);
        rf_buffer_clear(&out);
        cr_expect_eq(rf_numeric_put_real(strtod(text, NULL), cases[i].bound, &out), cases[i].fit,
                     "real %s", text);
        cr_expect_eq(out.size > 0, cases[i].fit == RF_NUMERIC_FITS, "real %s", text);
        cr_expect_eq(rf_numeric_put_text((const uint8_t *)text, size, cases[i].bound, NULL),
                     cases[i].fit, "only looking at %s", text);
    }
    cr_expect_eq(rf_numeric_put_integer(100000000, &money, NULL), RF_NUMERIC_PRECISION);
    cr_expect_eq(rf_numeric_put_integer(99999999, &money, NULL), RF_NUMERIC_FITS);
    cr_expect_eq(rf_numeric_put_integer(INT64_MIN, &money, &out), RF_NUMERIC_PRECISION);
    rf_buffer_release(&out);
}

/* Zeros that the text shows need no room in a bound; they are not digits of the number. */
Test(numeric, zeros_at_the_end_fit_any_scale) {
    const struct rf_numeric_bound tenths = {.precision = 4, .scale = 1};
    struct rf_buffer out = {0};
    cr_expect_str_eq(field_of_text("12.500", &tenths, &out), "0002000000000001000c1388");
    cr_expect_str_eq(field_of_text("0.000", &tenths, &out), "0000000000000001");
    cr_expect_str_eq(field_of_text("1.000e2", &tenths, &out), "00010000000000010064");
    rf_buffer_release(&out);
}

Test(numeric, what_numeric_cannot_give_back_is_refused) {
    cr_expect_eq(rf_numeric_put_real((double)NAN, NULL, NULL), RF_NUMERIC_SPECIAL);
    cr_expect_eq(rf_numeric_put_real((double)INFINITY, NULL, NULL), RF_NUMERIC_SPECIAL);
    cr_expect_eq(rf_numeric_put_real(-(double)INFINITY, NULL, NULL), RF_NUMERIC_SPECIAL);
    cr_expect_eq(rf_numeric_put_real(-0.0, NULL, NULL), RF_NUMERIC_MINUS_ZERO);
    cr_expect_eq(rf_numeric_put_real(0.0, NULL, NULL), RF_NUMERIC_FITS);
    const char *const zeros[] = {"-0", "-0.00", "-0e5"};
    for (size_t i = 0; i < COUNT(zeros); i++) {
        cr_expect_eq(rf_numeric_put_text((const uint8_t *)zeros[i], strlen(zeros[i]), NULL, NULL),
                     RF_NUMERIC_MINUS_ZERO, "%s", zeros[i]);
    }
}

Test(numeric, text_that_is_no_plain_number_is_refused) {
    const char *const cases[] = {
        "",     " ",     " 1",   "1 ",    "+1",   "-",        "--1",      "007",       "-01",
        "00",   ".5",    "5.",   ".",     "-.5",  "1.e3",     "1e",       "1e+",       "1e-",
        "1e1.", "1e1e1", "0x10", "1_0",   "1,5",  "1.2.3",    "NaN",      "Inf",       "inf",
        "1e 3", "1\n",   "abc",  "12abc", "1.5f", "\xc2\xb2", "infinity", "-Infinity", "1e++3",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(rf_numeric_put_text((const uint8_t *)cases[i], strlen(cases[i]), NULL, NULL),
                     RF_NUMERIC_NOT_DECIMAL, "'%s'", cases[i]);
    }
    cr_expect_eq(rf_numeric_put_text((const uint8_t *)"1\0", 2, NULL, NULL), RF_NUMERIC_NOT_DECIMAL,
                 "a NUL behind the number");
}

/* A text of `whole` digits before the point and `behind` after it. */
static enum rf_numeric_fit put_long(size_t whole, size_t behind, struct rf_buffer *out) {
    size_t size = whole + (behind > 0 ? behind + 1 : 0);
    uint8_t *text = malloc(size);
    cr_assert(text);
    memset(text, '7', size);
    if (behind > 0) {
        text[whole] = '.';
    }
    enum rf_numeric_fit fit = rf_numeric_put_text(text, size, NULL, out);
    free(text);
    return fit;
}

/* The server refuses one digit more: "value overflows numeric format". */
Test(numeric, numeric_ends_at_131072_and_16383_digits) {
    struct rf_buffer out = {0};
    cr_expect_eq(put_long(131072, 16383, &out), RF_NUMERIC_FITS);
    cr_expect_eq(out.size, 4u + 8u + 2u * (131072u / 4u + 4096u));
    cr_expect_eq(put_long(131073, 0, NULL), RF_NUMERIC_RANGE);
    cr_expect_eq(put_long(1, 16384, NULL), RF_NUMERIC_RANGE);
    const struct {
        const char *text;
        enum rf_numeric_fit fit;
    } cases[] = {
        {"1e131071", RF_NUMERIC_FITS},      {"1e131072", RF_NUMERIC_RANGE},
        {"1e-16383", RF_NUMERIC_FITS},      {"1e-16384", RF_NUMERIC_RANGE},
        {"1e99999999", RF_NUMERIC_RANGE},   {"1e100000000", RF_NUMERIC_RANGE},
        {"1e-100000000", RF_NUMERIC_RANGE}, {"1e99999999999999999999", RF_NUMERIC_RANGE},
        {"0e99999999", RF_NUMERIC_FITS},    {"1e18446744073709551617", RF_NUMERIC_RANGE},
        {"0.1e131072", RF_NUMERIC_FITS},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = cases[i].text;
        cr_expect_eq(rf_numeric_put_text((const uint8_t *)text, strlen(text), NULL, NULL),
                     cases[i].fit, "%s", text);
    }
    rf_buffer_release(&out);
}

Test(numeric, fields_are_appended) {
    struct rf_buffer out = {0};
    rf_numeric_put_integer(1, NULL, &out);
    cr_expect_eq(rf_numeric_put_real((double)NAN, NULL, &out), RF_NUMERIC_SPECIAL);
    rf_numeric_put_real(1.0, NULL, &out);
    cr_assert_eq(out.size, 28);
    cr_expect_arr_eq(out.bytes, out.bytes + 14, 14);
    rf_buffer_release(&out);
}

Test(numeric, short_decimals) {
    const struct {
        double real;
        int64_t digits;
        unsigned scale;
    } there[] = {
        {0.0, 0, 0},
        {1.0, 1, 0},
        {-1.5, -15, 1},
        {0.1, 1, 1},
        {1234.5, 12345, 1},
        {19.99, 1999, 2},
        {-0.07, -7, 2},
        {1e14, 100000000000000, 0},
        {999999999999999.0, 999999999999999, 0},
        {99999999999999.9, 999999999999999, 1},
        {0.123456789012345, 123456789012345, 15},
        {1e-22, 1, 22},
        {9.99999999999999e-8, 999999999999999, 22},
        {1234567.891, 1234567891, 3},
    };
    struct rf_short_decimal decimal;
    for (size_t i = 0; i < COUNT(there); i++) {
        cr_assert(rf_short_decimal_of(there[i].real, &decimal), "%.17g", there[i].real);
        cr_expect_eq(decimal.digits, there[i].digits, "%.17g", there[i].real);
        cr_expect_eq(decimal.scale, there[i].scale, "%.17g", there[i].real);
    }
    const double none[] = {0.1 + 0.2,
                           1e15,
                           -1e15,
                           1e-30,
                           -0.0,
                           1e-23,
                           1.0 / 3,
                           0.1234567890123456,
                           (double)NAN,
                           (double)INFINITY,
                           -(double)INFINITY,
                           5e-324,
                           DBL_MAX,
                           9007199254740993.0};
    for (size_t i = 0; i < COUNT(none); i++) {
        cr_expect_not(rf_short_decimal_of(none[i], &decimal), "%.17g", none[i]);
    }
}

/* Each neighbour of a real with a short decimal is another number, and has another decimal or
 * none. */
Test(numeric, short_decimals_mean_one_real_alone) {
    uint64_t state = 20240501;
    for (int i = 0; i < 200000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        int64_t digits = (int64_t)(state >> 11) % 1000000000000000;
        unsigned scale = (unsigned)(state % 23);
        char text[48];
        snprintf(text, sizeof text, "%" PRId64 "e-%u", digits, scale);
        double real = strtod(text, NULL);
        struct rf_short_decimal found, above;
        cr_assert(rf_short_decimal_of(real, &found), "%s", text);
        snprintf(text, sizeof text, "%" PRId64 "e-%u", found.digits, found.scale);
        cr_assert_eq(strtod(text, NULL), real, "%s", text);
        cr_assert(found.scale == 0 || found.digits % 10 != 0, "%s", text);
        uint64_t bits;
        memcpy(&bits, &real, sizeof bits);
        bits++; /* the next real */
        memcpy(&real, &bits, sizeof real);
        if (rf_short_decimal_of(real, &above)) {
            cr_assert(found.digits != above.digits || found.scale != above.scale, "%s", text);
        }
    }
}

Test(numeric, decimal_digits) {
    cr_expect_eq(rf_decimal_digits(0), 0);
    cr_expect_eq(rf_decimal_digits(9), 1);
    cr_expect_eq(rf_decimal_digits(10), 2);
    cr_expect_eq(rf_decimal_digits(9999999999999999999u), 19);
    cr_expect_eq(rf_decimal_digits(10000000000000000000u), 20);
    cr_expect_eq(rf_decimal_digits(UINT64_MAX), 20);
}

Test(numeric, every_refusal_has_a_phrase) {
    for (int fit = RF_NUMERIC_NOT_DECIMAL; fit <= RF_NUMERIC_RANGE; fit++) {
        cr_expect_gt(strlen(rf_numeric_reason((enum rf_numeric_fit)fit)), 10);
    }
}
