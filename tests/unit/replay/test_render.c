/* If these fail, numbers among texts arrive as other texts than SQLite would make of them, or two
 * numbers arrive as one. Expected texts are CAST(… AS TEXT) of SQLite 3.40.1. */
#include "replay/render.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void expect_real(double real, const char *expected) {
    char text[RF_NUMBER_TEXT];
    size_t size = rf_render_real(real, text);
    cr_expect_str_eq(text, expected);
    cr_expect_eq(size, strlen(text));
}

Test(render, reals_that_15_digits_tell_are_as_sqlite_has_them) {
    const struct {
        double real;
        const char *text;
    } cases[] = {
        {1.0, "1.0"},
        {100.0, "100.0"},
        {0.1, "0.1"},
        {0.5, "0.5"},
        {-2.5, "-2.5"},
        {123456.789, "123456.789"},
        {3.14159265358979, "3.14159265358979"},
        {123456789012345.0, "123456789012345.0"},
        {99999999999999.5, "99999999999999.5"},
        {1e14, "100000000000000.0"},
        {1e15, "1.0e+15"},
        {1e16, "1.0e+16"},
        {1e22, "1.0e+22"},
        {1e100, "1.0e+100"},
        {0.0001, "0.0001"},
        {0.00001, "1.0e-05"},
        {-0.00001, "-1.0e-05"},
        {1.5e-7, "1.5e-07"},
        {1e-10, "1.0e-10"},
        {5e-324, "4.94065645841247e-324"},
        {INFINITY, "Inf"},
        {-INFINITY, "-Inf"},
        {0.0, "0.0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_real(cases[i].real, cases[i].text);
    }
}

/* SQLite cuts these; the digits are those of Python's repr(), the shape is SQLite's. */
Test(render, reals_that_need_more_digits_get_them) {
    expect_real(0.1 + 0.2, "0.30000000000000004");
    expect_real(1.0 / 3.0, "0.3333333333333333");
    expect_real(1.7976931348623157e308, "1.7976931348623157e+308");
    expect_real(1234567890123456.7, "1.2345678901234568e+15");
    expect_real(999999999999999.9, "999999999999999.9");
    expect_real(-0.0, "-0.0");
}

Test(render, integers) {
    char text[RF_NUMBER_TEXT];
    cr_expect_eq(rf_render_integer(INT64_MIN, text), 20);
    cr_expect_str_eq(text, "-9223372036854775808");
    rf_render_integer(INT64_MAX, text);
    cr_expect_str_eq(text, "9223372036854775807");
    rf_render_integer(0, text);
    cr_expect_str_eq(text, "0");
}

static double random_real(unsigned *seed) {
    uint64_t bits = 0;
    for (int i = 0; i < 5; i++) {
        bits = bits << 15 ^ (uint64_t)rand_r(seed);
    }
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

Test(render, every_real_comes_back_and_looks_rendered) {
    unsigned seed = 20240229;
    char text[RF_NUMBER_TEXT];
    for (int i = 0; i < 20000; i++) {
        double real = random_real(&seed);
        if (isnan(real)) {
            continue;
        }
        size_t size = rf_render_real(real, text);
        cr_assert_lt(size, RF_NUMBER_TEXT);
        if (!isinf(real)) {
            cr_assert_eq(strtod(text, NULL), real, "%s (seed 20240229, number %d)", text, i);
            cr_assert(strchr(text, '.'), "%s", text);
        }
        cr_assert(rf_looks_rendered((const uint8_t *)text, size), "%s", text);
    }
}

Test(render, texts_that_only_resemble_numbers_are_texts) {
    const char *const texts[] = {"",
                                 " 1",
                                 "1 ",
                                 "+1",
                                 "01",
                                 "1.",
                                 ".5",
                                 "1.00",
                                 "1e5",
                                 "0x10",
                                 "-0",
                                 "1.0e15",
                                 "inf",
                                 "Infinity",
                                 "NaN",
                                 "nan",
                                 "1,5",
                                 "1_000",
                                 "one",
                                 "--1",
                                 "1.0e+5",
                                 "9223372036854775808",
                                 "12345678901234567890.0"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        cr_expect_not(rf_looks_rendered((const uint8_t *)texts[i], strlen(texts[i])), "%s",
                      texts[i]);
    }
    cr_expect_not(rf_looks_rendered((const uint8_t *)"1\0", 2));
}

Test(render, texts_that_numbers_are_rendered_as) {
    const char *const texts[] = {
        "0", "1", "-1", "9223372036854775807", "1.0", "-0.0", "1.0e+15", "Inf", "-Inf", "0.1"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        cr_expect(rf_looks_rendered((const uint8_t *)texts[i], strlen(texts[i])), "%s", texts[i]);
    }
}
