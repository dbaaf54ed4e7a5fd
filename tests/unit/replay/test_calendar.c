/* If these fail, dates and times arrive shifted, or days that never were become others that
 * were. */
#include "replay/calendar.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum rf_instant_fit read_text(const char *text, struct rf_iso *iso) {
    return rf_iso_read((const uint8_t *)text, strlen(text), iso);
}

/* PostgreSQL 15.18: date_send, time_send, timestamp_send and timestamptz_send of these texts. */
Test(calendar, moments_are_what_the_server_reads) {
    const struct {
        const char *text;
        enum rf_iso_kind kind;
        int64_t days;   /* of a date */
        int64_t micros; /* of all others */
    } cases[] = {
        {"2000-01-01", RF_ISO_DATE, 0, 0},
        {"1999-12-31", RF_ISO_DATE, -1, 0},
        {"2024-02-29", RF_ISO_DATE, 8825, 0},
        {"0001-01-01", RF_ISO_DATE, -730119, 0},
        {"9999-12-31", RF_ISO_DATE, 2921939, 0},
        {"1900-03-01", RF_ISO_DATE, -36465, 0},
        {"2000-02-29", RF_ISO_DATE, 59, 0},
        {"1600-02-29", RF_ISO_DATE, -146038, 0},
        {"00:00", RF_ISO_TIME, 0, 0},
        {"12:34", RF_ISO_TIME, 0, 45240000000},
        {"12:34:56.5", RF_ISO_TIME, 0, 45296500000},
        {"23:59:59.999999", RF_ISO_TIME, 0, 86399999999},
        {"2000-01-01 00:00:00", RF_ISO_LOCAL, 0, 0},
        {"1999-12-31 23:59:59.999999", RF_ISO_LOCAL, 0, -1},
        {"2024-02-29 12:34:56.789", RF_ISO_LOCAL, 0, 762525296789000},
        {"0001-01-01 00:00:00", RF_ISO_LOCAL, 0, -63082281600000000},
        {"9999-12-31 23:59:59.999999", RF_ISO_LOCAL, 0, 252455615999999999},
        {"1900-02-28 23:59", RF_ISO_LOCAL, 0, -3150576060000000},
        {"1582-10-10 00:00", RF_ISO_LOCAL, 0, -13166409600000000},
        {"1601-01-01T00:00:00", RF_ISO_LOCAL, 0, -12591158400000000},
        {"2024-02-29 12:34:56.789+05:30", RF_ISO_ZONED, 0, 762505496789000},
        {"2024-02-29T12:34:56Z", RF_ISO_ZONED, 0, 762525296000000},
        {"0001-01-01 00:00:00+15:59", RF_ISO_ZONED, 0, -63082339140000000},
        {"9999-12-31 23:59:59.999999-15:59", RF_ISO_ZONED, 0, 252455673539999999},
        {"2024-01-01 00:00-0330", RF_ISO_ZONED, 0, 757395000000000},
        {"2024-01-01T00:00:00+02", RF_ISO_ZONED, 0, 757375200000000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_iso iso;
        cr_assert_eq(read_text(cases[i].text, &iso), RF_INSTANT_FITS, "%s", cases[i].text);
        cr_expect_eq(iso.form.kind, cases[i].kind, "%s", cases[i].text);
        if (cases[i].kind == RF_ISO_DATE) {
            cr_expect_eq(iso.days, cases[i].days, "%s", cases[i].text);
        } else {
            cr_expect_eq(rf_iso_instant(&iso), cases[i].micros, "%s", cases[i].text);
        }
    }
}

Test(calendar, the_way_of_writing_is_kept) {
    const struct {
        const char *text;
        char separator;
        bool seconds;
        unsigned fraction_digits;
        enum rf_iso_zone zone;
        int offset;
    } cases[] = {
        {"2024-05-01", 0, false, 0, RF_ZONE_NONE, 0},
        {"12:00:00.000", 0, true, 3, RF_ZONE_NONE, 0},
        {"2024-05-01 12:00", ' ', false, 0, RF_ZONE_NONE, 0},
        {"2024-05-01T12:00:00.5Z", 'T', true, 1, RF_ZONE_Z, 0},
        {"2024-05-01T12:00Z", 'T', false, 0, RF_ZONE_Z, 0},
        {"2024-05-01 12:00:00.123456000+00", ' ', true, 9, RF_ZONE_HH, 0},
        {"2024-05-01 12:00:00+0000", ' ', true, 0, RF_ZONE_HHMM, 0},
        {"2024-05-01 12:00:00-09:30", ' ', true, 0, RF_ZONE_HH_MM, -570},
        {"2024-05-01T12:00-05", 'T', false, 0, RF_ZONE_HH, -300},
        {"2024-05-01T12:00:00+1545", 'T', true, 0, RF_ZONE_HHMM, 945},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_iso iso;
        cr_assert_eq(read_text(cases[i].text, &iso), RF_INSTANT_FITS, "%s", cases[i].text);
        cr_expect_eq(iso.form.separator, cases[i].separator, "%s", cases[i].text);
        cr_expect_eq(iso.form.seconds, cases[i].seconds, "%s", cases[i].text);
        cr_expect_eq(iso.fraction_digits, cases[i].fraction_digits, "%s", cases[i].text);
        cr_expect_eq(iso.form.zone, cases[i].zone, "%s", cases[i].text);
        cr_expect_eq(iso.form.offset, cases[i].offset, "%s", cases[i].text);
    }
}

static void expect_all(const char *const *texts, size_t count, enum rf_instant_fit expected) {
    for (size_t i = 0; i < count; i++) {
        struct rf_iso iso;
        cr_expect_eq(read_text(texts[i], &iso), expected, "'%s'", texts[i]);
    }
}

Test(calendar, other_ways_of_writing_are_refused) {
    const char *const texts[] = {
        "",
        " ",
        "2024",
        "2024-05",
        "20240501",
        "2024-5-1",
        "24-05-01",
        "2024/05/01",
        "02024-05-01",
        "+2024-05-01",
        "-2024-05-01",
        " 2024-05-01",
        "2024-05-01 ",
        "2024-05-01T",
        "2024-05-01Z",
        "2024-05-01+00:00",
        "2024-05-01 1:00",
        "2024-05-01 12",
        "2024-05-01  12:00",
        "2024-05-01t12:00",
        "2024-05-01_12:00",
        "2024-05-0112:00",
        "2024-05-01 12:00:",
        "2024-05-01 12:00:0",
        "2024-05-01 12:00:00.",
        "2024-05-01 12:00:00,5",
        "2024-05-01 12:00.5",
        "2024-05-01 12:00:00.Z",
        "2024-05-01 12:00:00z",
        "2024-05-01 12:00:00 Z",
        "2024-05-01 12:00:00 +00:00",
        "2024-05-01 12:00:00 UTC",
        "2024-05-01 12:00:00+",
        "2024-05-01 12:00:00+1",
        "2024-05-01 12:00:00+01:",
        "2024-05-01 12:00:00+01:0",
        "2024-05-01 12:00:00+010",
        "2024-05-01 12:00:00+01:00:00",
        "2024-05-01 12:00:00+01:00Z",
        "2024-05-01 12:00:00Z ",
        "2024-05-01 12:00:00ZZ",
        "2024-05-01 12:00:00-00:00",
        "2024-05-01 12:00:00-00",
        "2024-05-01 12:00:00-0000",
        "2024-05-01 12:00:00+16:00",
        "2024-05-01 12:00:00+01:60",
        "2024-05-01 12:00:00+99",
        "2024-05-01 12:00:00.1234567890",
        "2024-05-01 12:00:00.0000000000",
        "12",
        "12:",
        "12:0",
        "12:00:",
        "12:00Z",
        "12:00:00+01:00",
        "1:00",
        "012:00",
        "noon",
        "now",
        "today",
        "infinity",
        "-infinity",
        "2024-W18-3",
        "2024-122",
        "May 1, 2024",
        "01.05.2024",
        "0000-00-00 00:00:0x",
        "2024-05-01 12:00:00\n",
        "2024-05-0\xc2\xb9",
    };
    expect_all(texts, COUNT(texts), RF_INSTANT_FORM);
    struct rf_iso iso;
    cr_expect_eq(rf_iso_read((const uint8_t *)"2024-05-01\0", 11, &iso), RF_INSTANT_FORM);
}

Test(calendar, times_that_never_are_are_refused) {
    const char *const texts[] = {
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0000-01-01",
        "2024-00-01",
        "2024-13-01",
        "2024-01-00",
        "2024-01-32",
        "2024-02-30",
        "2023-02-29",
        "1900-02-29",
        "2100-02-29",
        "2024-04-31",
        "2024-06-31",
        "2024-09-31",
        "2024-11-31",
        "2024-05-01 24:00",
        "2024-05-01 24:00:00",
        "2024-05-01 12:60",
        "2024-05-01 12:00:60",
        "2016-12-31 23:59:60",
        "2016-12-31T23:59:60Z",
        "24:00",
        "24:00:00",
        "23:60",
        "23:59:60",
        "99:99:99",
        "2024-02-30T00:00:00+01:00",
    };
    expect_all(texts, COUNT(texts), RF_INSTANT_NO_TIME);
}

Test(calendar, nothing_finer_than_a_microsecond_is_cut_off) {
    const char *const finer[] = {
        "12:00:00.0000001",
        "2024-05-01 12:00:00.1234567",
        "2024-05-01 12:00:00.123456001",
        "2024-05-01T12:00:00.999999999Z",
    };
    expect_all(finer, COUNT(finer), RF_INSTANT_INEXACT);
    const char *const exact[] = {
        "12:00:00.0000000",
        "2024-05-01 12:00:00.1234560",
        "2024-05-01T12:00:00.123456000Z",
    };
    expect_all(exact, COUNT(exact), RF_INSTANT_FITS);
}

/* Day by day from the first to the last, by the rule that every child learns. */
Test(calendar, every_day_follows_the_one_before) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t expected = -730119;
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
            int last = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= 31; day++) {
                char text[40];
                struct rf_iso iso;
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                enum rf_instant_fit fit = read_text(text, &iso);
                cr_assert_eq(fit, day <= last ? RF_INSTANT_FITS : RF_INSTANT_NO_TIME, "%s", text);
                cr_assert(day > last || iso.days == expected++, "%s", text);
            }
        }
    }
    cr_expect_eq(expected, 2921940);
}

Test(calendar, every_refusal_has_a_phrase) {
    for (int fit = RF_INSTANT_CLASS; fit <= RF_INSTANT_RANGE; fit++) {
        cr_expect_gt(strlen(rf_instant_reason((enum rf_instant_fit)fit)), 10);
    }
}
