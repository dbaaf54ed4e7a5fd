/* If these fail, the numbers in tables mislead: "1024.0 KiB", a time in the wrong zone. */
#include "tools/units.h"

#include <criterion/criterion.h>

Test(units, bytes) {
    struct {
        uint64_t bytes;
        const char *expected;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {10188, "9.9 KiB"},
        {102348, "99.9 KiB"},
        {102400, "100 KiB"},
        {1048063, "1023 KiB"},
        {1048064, "1.0 MiB"},
        {1048576, "1.0 MiB"},
        {734003200, "700 MiB"},
        {5368709120, "5.0 GiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    char text[RF_UNITS_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_str_eq(rf_units_bytes(cases[i].bytes, text), cases[i].expected);
    }
}

Test(units, counts) {
    char text[RF_UNITS_TEXT];
    cr_expect_str_eq(rf_units_count(0, "row", text), "0 rows");
    cr_expect_str_eq(rf_units_count(1, "row", text), "1 row");
    cr_expect_str_eq(rf_units_count(UINT64_MAX, "row", text), "18446744073709551615 rows");
}

Test(units, grouped) {
    char text[RF_UNITS_TEXT];
    cr_expect_str_eq(rf_units_grouped(0, text), "0");
    cr_expect_str_eq(rf_units_grouped(999, text), "999");
    cr_expect_str_eq(rf_units_grouped(1000, text), "1,000");
    cr_expect_str_eq(rf_units_grouped(12345678, text), "12,345,678");
    cr_expect_str_eq(rf_units_grouped(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

Test(units, seconds) {
    struct {
        double seconds;
        const char *expected;
    } cases[] = {
        {0, "0.00 s"},     {0.049, "0.05 s"}, {9.994, "9.99 s"},  {9.996, "10.0 s"},
        {99.94, "99.9 s"}, {99.96, "100 s"},  {3671.2, "3671 s"},
    };
    char text[RF_UNITS_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_str_eq(rf_units_seconds(cases[i].seconds, text), cases[i].expected);
    }
}

Test(units, durations) {
    struct {
        uint64_t seconds;
        const char *expected;
    } cases[] = {
        {0, "0 s"},           {59, "59 s"},         {60, "1 min 00 s"},      {3599, "59 min 59 s"},
        {3600, "1 h 00 min"}, {7500, "2 h 05 min"}, {172799, "47 h 59 min"}, {172800, "2 d 0 h"},
        {273600, "3 d 4 h"},
    };
    char text[RF_UNITS_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_str_eq(rf_units_duration(cases[i].seconds, text), cases[i].expected);
    }
}

Test(units, moments_are_utc) {
    char text[RF_UNITS_TEXT];
    /* date -u -d @1714566896 */
    cr_expect_str_eq(rf_units_iso8601(1714566896000123, text), "2024-05-01T12:34:56.000123Z");
    cr_expect_str_eq(rf_units_time(1714566896999999, text), "2024-05-01 12:34:56Z");
    cr_expect_str_eq(rf_units_iso8601(-1, text), "1969-12-31T23:59:59.999999Z");
    cr_expect_str_eq(rf_units_iso8601(0, text), "1970-01-01T00:00:00.000000Z");
    cr_expect_not_null(rf_units_iso8601(INT64_MIN, text));
    cr_expect_not_null(rf_units_time(INT64_MAX, text));
}
