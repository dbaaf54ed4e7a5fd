/* If these fail, events happen at other times than the application noted: seconds taken for
 * milliseconds, an epoch off by years, a fraction off by a microsecond. */
#include "replay/instant.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rf_value integer(int64_t number) {
    return (struct rf_value){.class = RF_INTEGER, .integer = number};
}
static struct rf_value real(double number) {
    return (struct rf_value){.class = RF_REAL, .real = number};
}
static struct rf_value text(const char *text) {
    return (struct rf_value){
        .class = RF_TEXT, .size = (uint32_t)strlen(text), .bytes = (const uint8_t *)text};
}

/* Moments by PostgreSQL 15.18 (timestamptz_send of the text, of to_timestamp() for unix seconds, of
 * the epoch plus an interval for the others). */
#define MOMENT_2023 753315200000000        /* 2023-11-14 22:13:20+00 */
#define MOMENT_2024 762525296789000        /* 2024-02-29 12:34:56.789+00 */
#define MOMENT_WEBKIT 758841600123456      /* 1601-01-01 00:00+00 and 13350000000123456 us */
#define MOMENT_MAC 1366622400012345        /* 2001-01-01 00:00+00 and 1335000000012345 us */
#define MOMENT_1970 (-946684800000000)     /* 1970-01-01 00:00+00 */
#define MOMENT_FIRST (-211813488000000000) /* 4714-11-24 00:00 BC */
#define MOMENT_LAST 9223371331199999999    /* 294276-12-31 23:59:59.999999 */

Test(instant, integers) {
    const struct {
        enum rf_instant_encoding encoding;
        int64_t number, moment;
    } cases[] = {
        {RF_INSTANT_UNIX_S, 1700000000, MOMENT_2023},
        {RF_INSTANT_UNIX_S, 0, MOMENT_1970},
        {RF_INSTANT_UNIX_S, -1, MOMENT_1970 - 1000000},
        {RF_INSTANT_UNIX_S, -210866803200, MOMENT_FIRST},
        {RF_INSTANT_UNIX_S, 9224318015999, MOMENT_LAST - 999999},
        {RF_INSTANT_UNIX_MS, 1700000000000, MOMENT_2023},
        {RF_INSTANT_UNIX_MS, 1709210096789, MOMENT_2024},
        {RF_INSTANT_UNIX_MS, -210866803200000, MOMENT_FIRST},
        {RF_INSTANT_UNIX_US, 1709210096789000, MOMENT_2024},
        {RF_INSTANT_UNIX_US, -1, MOMENT_1970 - 1},
        {RF_INSTANT_UNIX_US, -210866803200000000, MOMENT_FIRST},
        {RF_INSTANT_UNIX_NS, 1709210096789000000, MOMENT_2024},
        {RF_INSTANT_UNIX_NS, -1000, MOMENT_1970 - 1},
        {RF_INSTANT_WEBKIT_1601, 13350000000123456, MOMENT_WEBKIT},
        {RF_INSTANT_WEBKIT_1601, 0, -12591158400000000},
        {RF_INSTANT_MAC_2001, 0, 31622400000000},
        {RF_INSTANT_MAC_2001, 1335000000, MOMENT_MAC - 12345},
        {RF_INSTANT_JULIAN_DAY, 2451545, 43200000000}, /* noon */
        {RF_INSTANT_JULIAN_DAY, 0, MOMENT_FIRST + 43200000000},
        {RF_INSTANT_JULIAN_DAY, 5373484, 252455572800000000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_value value = integer(cases[i].number);
        int64_t moment = 0;
        cr_expect_eq(rf_instant_of(cases[i].encoding, &value, &moment), RF_INSTANT_FITS, "%zu", i);
        cr_expect_eq(moment, cases[i].moment, "%zu: %" PRId64, i, moment);
        /* A column with NUMERIC affinity may hold the same as a real. */
        if (fabs((double)cases[i].number) <= 0x1p53) {
            value = real((double)cases[i].number);
            moment = 0;
            cr_expect_eq(rf_instant_of(cases[i].encoding, &value, &moment), RF_INSTANT_FITS,
                         "real %zu", i);
            cr_expect_eq(moment, cases[i].moment, "real %zu: %" PRId64, i, moment);
        }
    }
}

Test(instant, reals) {
    const struct {
        enum rf_instant_encoding encoding;
        double number;
        int64_t moment;
    } cases[] = {
        {RF_INSTANT_UNIX_S, 1700000000.123456, MOMENT_2023 + 123456},
        {RF_INSTANT_UNIX_S, 1709210096.789, MOMENT_2024},
        {RF_INSTANT_UNIX_S, -0.5, MOMENT_1970 - 500000},
        {RF_INSTANT_UNIX_S, 0.000001, MOMENT_1970 + 1},
        {RF_INSTANT_UNIX_S, -0.000001, MOMENT_1970 - 1},
        {RF_INSTANT_UNIX_S, 8589934591.999999, MOMENT_1970 + 8589934591999999},
        {RF_INSTANT_UNIX_S, 8589934592.0, MOMENT_1970 + 8589934592000000},
        /* pgloader's and DuckDB's test file has these, which are .5 and .123456 as doubles */
        {RF_INSTANT_UNIX_S, 1727078780.4999999999, MOMENT_1970 + 1727078780500000},
        {RF_INSTANT_UNIX_S, 1727078782.1234560012, MOMENT_1970 + 1727078782123456},
        {RF_INSTANT_UNIX_MS, 1709210096789.0, MOMENT_2024},
        {RF_INSTANT_UNIX_MS, 1700000000000.001, MOMENT_2023 + 1},
        {RF_INSTANT_UNIX_MS, 8796093022207.999, MOMENT_1970 + 8796093022207999},
        {RF_INSTANT_MAC_2001, 1335000000.012345, MOMENT_MAC},
        {RF_INSTANT_MAC_2001, -31622400.25, -250000},
        /* julianday() of SQLite 3.40.1 */
        {RF_INSTANT_JULIAN_DAY, 0x1.2b42c40000000p+21, 0},           /* 2000-01-01 */
        {RF_INSTANT_JULIAN_DAY, 0x1.2c569031b3a05p+21, MOMENT_2024}, /* ….789 */
        {RF_INSTANT_JULIAN_DAY, 0x1.2c533b684c992p+21, MOMENT_2023 + 123000},
        {RF_INSTANT_JULIAN_DAY, 0x1.29ec5c0000000p+21, MOMENT_1970},
        {RF_INSTANT_JULIAN_DAY, 0x1.a445180000000p+20, -63082281600000000}, /* 0001-01-01 */
        {RF_INSTANT_JULIAN_DAY, 0x1.47f8b1ffffff4p+22, 252455615999999000}, /* end of 9999 */
        {RF_INSTANT_JULIAN_DAY, 0.0, MOMENT_FIRST + 43200000000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_value value = real(cases[i].number);
        int64_t moment = 0;
        cr_expect_eq(rf_instant_of(cases[i].encoding, &value, &moment), RF_INSTANT_FITS, "%zu", i);
        cr_expect_eq(moment, cases[i].moment, "%zu: %" PRId64, i, moment);
    }
}

Test(instant, what_would_not_come_back_is_refused) {
    const struct {
        enum rf_instant_encoding encoding;
        double number;
        enum rf_instant_fit fit;
    } reals[] = {
        {RF_INSTANT_UNIX_S, 1700000000.1234567, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_S, 1e-7, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_S, 0.1 + 0.2, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_S, 1.0 / 3, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_S, 5e-324, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_S, -0.0, RF_INSTANT_INEXACT},
        /* from here on a double may be the nearest to two microseconds */
        {RF_INSTANT_UNIX_S, 8589934592.5, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_MS, 8796093022208.5, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_MS, 1700000000000.0002, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_US, 1700000000000000.5, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_NS, 0.5, RF_INSTANT_INEXACT},
        {RF_INSTANT_WEBKIT_1601, 13350000000123456.0, RF_INSTANT_RANGE},
        {RF_INSTANT_MAC_2001, 700000000.1234567, RF_INSTANT_INEXACT},
        {RF_INSTANT_MAC_2001, -0.0, RF_INSTANT_INEXACT},
        {RF_INSTANT_JULIAN_DAY, 2460370.02426839, RF_INSTANT_INEXACT},
        {RF_INSTANT_JULIAN_DAY, -0.0, RF_INSTANT_INEXACT},
        {RF_INSTANT_JULIAN_DAY, -0.5, RF_INSTANT_RANGE},
        {RF_INSTANT_JULIAN_DAY, 5373484.5, RF_INSTANT_RANGE},
        {RF_INSTANT_JULIAN_DAY, 1e-10, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_S, 1e100, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_S, (double)INFINITY, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_MS, -(double)INFINITY, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_S, (double)NAN, RF_INSTANT_RANGE},
        {RF_INSTANT_JULIAN_DAY, (double)NAN, RF_INSTANT_RANGE},
        {RF_INSTANT_JULIAN_DAY, (double)INFINITY, RF_INSTANT_RANGE},
    };
    int64_t moment;
    for (size_t i = 0; i < COUNT(reals); i++) {
        struct rf_value value = real(reals[i].number);
        cr_expect_eq(rf_instant_of(reals[i].encoding, &value, &moment), reals[i].fit, "real %zu",
                     i);
    }
    const struct {
        enum rf_instant_encoding encoding;
        int64_t number;
        enum rf_instant_fit fit;
    } integers[] = {
        {RF_INSTANT_UNIX_NS, 1700000000000000001, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_NS, -1, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_NS, INT64_MIN, RF_INSTANT_INEXACT},
        {RF_INSTANT_UNIX_S, -210866803201, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_S, 9224318016000, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_S, INT64_MAX, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_S, INT64_MIN, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_MS, INT64_MAX, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_MS, INT64_MIN, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_US, INT64_MIN, RF_INSTANT_RANGE},
        {RF_INSTANT_UNIX_US, -210866803200000001, RF_INSTANT_RANGE},
        {RF_INSTANT_WEBKIT_1601, INT64_MIN, RF_INSTANT_RANGE},
        {RF_INSTANT_MAC_2001, INT64_MAX, RF_INSTANT_RANGE},
        {RF_INSTANT_MAC_2001, 9223339708800, RF_INSTANT_RANGE},
        {RF_INSTANT_JULIAN_DAY, -1, RF_INSTANT_RANGE},
        {RF_INSTANT_JULIAN_DAY, 5373485, RF_INSTANT_RANGE},
        {RF_INSTANT_JULIAN_DAY, INT64_MAX, RF_INSTANT_RANGE},
        {RF_INSTANT_ISO_DATE, 20240501, RF_INSTANT_CLASS},
        {RF_INSTANT_ISO_LOCAL, 0, RF_INSTANT_CLASS},
    };
    for (size_t i = 0; i < COUNT(integers); i++) {
        struct rf_value value = integer(integers[i].number);
        cr_expect_eq(rf_instant_of(integers[i].encoding, &value, &moment), integers[i].fit,
                     "integer %zu", i);
    }
}

/* The whole of a second's microseconds, where doubles are farthest apart, and in our time. */
Test(instant, every_microsecond_has_a_real_of_its_own) {
    const int64_t seconds[] = {1700000000, 8589934591, -8589934591};
    for (size_t i = 0; i < COUNT(seconds); i++) {
        for (int64_t us = 0; us < 1000000; us++) {
            int64_t sum = seconds[i] * 1000000 + (seconds[i] < 0 ? -us : us);
            struct rf_value value = real((double)sum / 1e6);
            int64_t moment;
            enum rf_instant_fit fit = rf_instant_of(RF_INSTANT_UNIX_S, &value, &moment);
            if (fit != RF_INSTANT_FITS || moment != sum + MOMENT_1970) {
                cr_assert_fail("%" PRId64, sum);
            }
        }
    }
}

Test(instant, every_millisecond_has_a_julian_day_of_its_own) {
    const int64_t starts[] = {0, 211813444800000, 464269060799999 - 999999};
    for (size_t i = 0; i < COUNT(starts); i++) {
        for (int64_t ms = starts[i]; ms < starts[i] + 1000000; ms++) {
            struct rf_value value = real((double)ms / 86400000.0);
            int64_t moment;
            enum rf_instant_fit fit = rf_instant_of(RF_INSTANT_JULIAN_DAY, &value, &moment);
            if (fit != RF_INSTANT_FITS || moment != (ms - 211813444800000) * 1000) {
                cr_assert_fail("%" PRId64, ms);
            }
        }
    }
}

Test(instant, texts) {
    const struct {
        enum rf_instant_encoding encoding;
        const char *text;
        enum rf_instant_fit fit;
        int64_t result;
    } cases[] = {
        {RF_INSTANT_ISO_DATE, "2024-02-29", RF_INSTANT_FITS, 8825},
        {RF_INSTANT_ISO_DATE, "2024-02-29 00:00:00", RF_INSTANT_FORM, 0},
        {RF_INSTANT_ISO_DATE, "2023-02-29", RF_INSTANT_NO_TIME, 0},
        {RF_INSTANT_ISO_TIME, "12:34", RF_INSTANT_FITS, 45240000000},
        {RF_INSTANT_ISO_TIME, "2024-02-29 12:34", RF_INSTANT_FORM, 0},
        {RF_INSTANT_ISO_LOCAL, "2024-02-29T12:34:56.789", RF_INSTANT_FITS, MOMENT_2024},
        {RF_INSTANT_ISO_LOCAL, "2024-02-29", RF_INSTANT_FORM, 0},
        {RF_INSTANT_ISO_LOCAL, "2024-02-29 12:34:56Z", RF_INSTANT_FORM, 0},
        {RF_INSTANT_ISO_ZONED, "2024-02-29 18:04:56.789+05:30", RF_INSTANT_FITS, MOMENT_2024},
        {RF_INSTANT_ISO_ZONED, "2024-02-29 12:34:56", RF_INSTANT_FORM, 0},
        {RF_INSTANT_ISO_ZONED, "2024-02-29 12:34:56.1234567Z", RF_INSTANT_INEXACT, 0},
        {RF_INSTANT_UNIX_S, "1700000000", RF_INSTANT_CLASS, 0},
        {RF_INSTANT_JULIAN_DAY, "2460370.5", RF_INSTANT_CLASS, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_value value = text(cases[i].text);
        int64_t result = 0;
        cr_expect_eq(rf_instant_of(cases[i].encoding, &value, &result), cases[i].fit, "%s",
                     cases[i].text);
        cr_expect(cases[i].fit != RF_INSTANT_FITS || result == cases[i].result, "%s",
                  cases[i].text);
    }
    for (int i = 0; i < RF_INSTANT_ENCODINGS; i++) {
        struct rf_value blob = text("2024-02-29");
        int64_t result;
        blob.class = RF_BLOB;
        cr_expect_eq(rf_instant_of((enum rf_instant_encoding)i, &blob, &result), RF_INSTANT_CLASS);
    }
}

Test(instant, dates_are_midnights) {
    int64_t days;
    cr_expect_eq(rf_instant_of_days(8825), 762480000000000);
    cr_expect(rf_instant_to_days(762480000000000, &days) && days == 8825);
    cr_expect(rf_instant_to_days(-86400000000, &days) && days == -1);
    cr_expect(rf_instant_to_days(0, &days) && days == 0);
    cr_expect_not(rf_instant_to_days(762480000000001, &days));
    cr_expect_not(rf_instant_to_days(-1, &days));
}

Test(instant, names) {
    for (int i = 0; i < RF_INSTANT_ENCODINGS; i++) {
        enum rf_instant_encoding found;
        cr_assert(rf_instant_find(rf_instant_name((enum rf_instant_encoding)i), &found));
        cr_expect_eq((int)found, i);
    }
    enum rf_instant_encoding found;
    cr_expect_not(rf_instant_find("unix", &found));
    cr_expect_not(rf_instant_find("", &found));
}
