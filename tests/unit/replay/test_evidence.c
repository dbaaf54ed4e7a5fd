/* If these fail, a column gets a type that its values do not prove: numbers that are no times
 * become dates, prices lose digits; or good evidence is ignored and reports have to make do with
 * text. */
#include "replay/evidence.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VALUES 6

static struct rf_value N(void) {
    return (struct rf_value){.class = RF_NULL};
} static struct rf_value I(int64_t number) {
    return (struct rf_value){.class = RF_INTEGER, .integer = number};
} static struct rf_value R(double number) {
    return (struct rf_value){.class = RF_REAL, .real = number};
} static struct rf_value T(const char *text) {
    return (struct rf_value){
        .class = RF_TEXT, .size = (uint32_t)strlen(text), .bytes = (const uint8_t *)text};
} static struct rf_value B(const char *bytes) {
    struct rf_value value = T(bytes);
    value.class = RF_BLOB;
    return value;
}

struct column {
    const char *what;
    struct rf_value values[VALUES];
    const char *encoding; /* NULL: none */
};

/* The name of the proven encoding, "none" otherwise. */
static const char *proven(const struct rf_value *values, struct rf_instant_evidence *evidence) {
    rf_instant_evidence_init(evidence);
    for (size_t i = 0; i < VALUES; i++) {
        rf_instant_evidence_add(evidence, &values[i]); /* class 0, NULL, where there is no more */
    }
    return rf_instant_evidence_proven(evidence, NULL) ? rf_instant_name(evidence->encoding)
                                                      : "none";
}

static void expect_columns(const struct column *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct rf_instant_evidence evidence;
        cr_expect_str_eq(proven(columns[i].values, &evidence), columns[i].encoding, "%s",
                         columns[i].what);
        /* in any order */
        struct rf_value turned[VALUES];
        for (size_t j = 0; j < VALUES; j++) {
            turned[j] = columns[i].values[VALUES - 1 - j];
        }
        cr_expect_str_eq(proven(turned, &evidence), columns[i].encoding, "%s, turned",
                         columns[i].what);
    }
}

Test(evidence, of_texts) {
    const struct column columns[] = {
        {"dates", {T("2024-05-01"), N(), T("1987-01-31")}, "iso-date"},
        {"a sentinel that is a date", {T("2024-05-01"), T("9999-12-31")}, "iso-date"},
        {"local times", {T("2024-05-01 00:00:00"), T("2024-05-01 12:34:56")}, "iso"},
        {"with T", {T("2024-05-01T00:00:00"), T("2024-05-01T12:34:56.789012")}, "iso"},
        {"with a zone", {T("2024-05-01T00:00:00Z"), N(), T("2024-05-01T12:34:56Z")}, "iso-zone"},
        {"times of day", {T("08:00"), T("17:30")}, "iso-time"},
        {"dates among times", {T("2024-05-01"), T("2024-05-01 12:34:56")}, "none"},
        {"T and space", {T("2024-05-01T00:00:00"), T("2024-05-01 12:34:56")}, "none"},
        {"with and without zone", {T("2024-05-01 00:00:00"), T("2024-05-01 12:34:56Z")}, "none"},
        {"two zones", {T("2024-05-01 00:00+01:00"), T("2024-07-01 00:00+02:00")}, "none"},
        {"an empty text", {T("2024-05-01"), T("")}, "none"},
        {"a day that is none", {T("2024-05-01"), T("2023-02-29")}, "none"},
        {"a zero date", {T("2024-05-01 00:00:00"), T("0000-00-00 00:00:00")}, "none"},
        {"finer than a microsecond", {T("2024-05-01 00:00:00.1234567")}, "none"},
        {"a number among texts", {T("2024-05-01"), I(1700000000)}, "none"},
        {"a year", {I(2024), T("2024-05-01")}, "none"},
        {"a blob of the same", {T("2024-05-01"), B("2024-05-01")}, "none"},
        {"numbers as text", {T("1700000000"), T("1700000001")}, "none"},
        {"words", {T("yesterday"), T("today")}, "none"},
    };
    expect_columns(columns, COUNT(columns));
}

Test(evidence, of_numbers) {
    const struct column columns[] = {
        {"unix seconds", {I(1700000000), N(), I(1234567890)}, "unix-s"},
        {"one unix second", {I(1700000000)}, "unix-s"},
        {"the same as reals", {R(1700000000.0), R(1234567890.0)}, "unix-s"},
        {"with a fraction", {R(1700000000.25), I(1700000001)}, "unix-s"},
        {"DuckDB's timestamp_fractional",
         {R(1727078780.4999999999), R(1727078782.1234560012)},
         "unix-s"},
        {"milliseconds", {I(1700000000123), I(1234567890000)}, "unix-ms"},
        {"microseconds", {I(1700000000123456), I(1234567890000000)}, "unix-us"},
        {"nanoseconds", {I(1700000000123456000), I(1234567890000000000)}, "unix-ns"},
        {"true nanoseconds", {I(1700000000123456000), I(1700000000123456789)}, "none"},
        {"WebKit", {I(13350000000123456), I(12700000000000000)}, "webkit-1601"},
        {"Julian days", {R(2460370.5), R(2451910.5)}, "julian-day"},
        {"Julian days, one at noon", {I(2460370), R(2460370.0242683911)}, "julian-day"},
        {"Mac", {R(700000000.25), I(720000000)}, "mac-2001"},
        {"Mac or unix of the nineties", {I(700000000), I(720000000)}, "none"},
        {"Mac in whole reals", {R(700000000.0)}, "none"},
        {"days or their noons", {I(2460370), I(2460371)}, "none"},
        {"a fraction finer than a microsecond", {R(1700000000.1234567)}, "none"},
        {"a real that is no millisecond of SQLite's", {R(2460370.123456789)}, "none"},
        {"seconds and milliseconds", {I(1700000000), I(1700000000000)}, "none"},
        {"zero for never", {I(1700000000), I(0)}, "none"},
        {"minus one for never", {I(1700000000), I(-1)}, "none"},
        {"born in 1992", {I(1700000000), I(700000000)}, "none"},
        {"till 9999", {I(1700000000), I(253402300799)}, "none"},
        {"till 2286", {I(1700000000), I(9999999999)}, "none"},
        {"zeros", {I(0), I(0)}, "none"},
        {"flags", {I(0), I(1)}, "none"},
        {"years", {I(2023), I(2024)}, "none"},
        {"YYYYMM", {I(202401), I(202412)}, "none"},
        {"YYYYMMDD", {I(20240131), I(20240201)}, "none"},
        {"YYYYMMDDHH", {I(2024013112), I(2024020100)}, "none"},
        {"YYMMDDHHMM", {I(2401311230), I(1912312359)}, "none"},
        {"YYYYMMDDHHMM", {I(202401311230)}, "none"},
        {"YYYYMMDDHHMMSS", {I(20240131123000)}, "none"},
        {"YYYYMMDDHHMMSSmmm", {I(20240131123000123)}, "none"},
        {"Excel", {R(45292.5), R(45293.25)}, "none"},
        {"modified Julian days", {R(60310.5)}, "none"},
        {".NET ticks", {I(638396640000000000)}, "none"},
        {"Windows ticks since 1601", {I(133500000000000000)}, "none"},
        {"Cocoa nanoseconds", {I(729786896789000000)}, "none"},
        {"seconds since 1904", {I(3792000000)}, "none"},
        {"seconds of a day", {I(3600), I(86399)}, "none"},
        {"infinity", {R(1700000000.5), R((double)INFINITY)}, "none"},
        {"1e100, as in DuckDB's test", {R(1e100)}, "none"},
        {"nothing at all", {N(), N()}, "none"},
        {"a blob", {B("12345678")}, "none"},
        {"smallest", {I(INT64_MIN)}, "none"},
        {"largest", {I(INT64_MAX)}, "none"},
    };
    expect_columns(columns, COUNT(columns));
}

/* Digits that could be a calendar's are unix seconds once one of them could not. */
Test(evidence, digits_of_a_calendar_are_told_by_the_first_that_are_not) {
    const struct column columns[] = {
        {"all like 17-12-01 12:30", {I(1712011230), I(1801312359)}, "none"},
        {"but one", {I(1712011230), I(1801312359), I(1712011299)}, "unix-s"},
        {"some like hours, some like minutes", {I(1712011230), I(2024013112)}, "unix-s"},
    };
    expect_columns(columns, COUNT(columns));
}

/* The windows that evidence.h writes out: first number in, last number in, and their neighbours. */
Test(evidence, windows) {
    const struct {
        const char *encoding;
        struct rf_value before, first, last, after;
    } windows[] = {
        {"unix-s", I(978307199), I(978307200), I(3029529599), I(3029529600)},
        {"unix-ms", I(978307199999), I(978307200000), I(3029529599999), I(3029529600000)},
        {"unix-us", I(978307199999999), I(978307200000000), I(3029529599999999),
         I(3029529600000000)},
        {"unix-ns", I(978307199999999000), I(978307200000000000), I(3029529599999999000),
         I(3029529600000000000)},
        {"webkit-1601", I(12622780799999999), I(12622780800000000), I(14674003199999999),
         I(14674003200000000)},
        {"julian-day", R(2451910.25), R(2451910.5), R(2475651.25), R(2475651.5)},
        {"mac-2001", R(99999999.5), R(100000000.5), R(978220799.5), R(978220800.5)},
    };
    for (size_t i = 0; i < COUNT(windows); i++) {
        struct rf_instant_evidence evidence;
        struct rf_value in[VALUES] = {windows[i].first, windows[i].last};
        struct rf_value early[VALUES] = {windows[i].before, windows[i].first};
        struct rf_value late[VALUES] = {windows[i].first, windows[i].after};
        cr_expect_str_eq(proven(in, &evidence), windows[i].encoding, "%s", windows[i].encoding);
        cr_expect_str_eq(proven(early, &evidence), "none", "%s", windows[i].encoding);
        cr_expect_str_eq(proven(late, &evidence), "none", "%s", windows[i].encoding);
    }
}

Test(evidence, keeps_the_range) {
    struct rf_instant_evidence evidence;
    struct rf_value dates[VALUES] = {T("2024-05-01"), T("1987-01-31"), N(), T("2000-01-01")};
    cr_expect_str_eq(proven(dates, &evidence), "iso-date");
    cr_expect_eq(evidence.values, 3);
    cr_expect_eq(evidence.low, -4718); /* date '1987-01-31' - date '2000-01-01' */
    cr_expect_eq(evidence.high, 8887);
    struct rf_value seconds[VALUES] = {I(1700000000), I(1600000000), R(1650000000.5)};
    cr_expect_str_eq(proven(seconds, &evidence), "unix-s");
    cr_expect_eq(evidence.low, 653315200000000);
    cr_expect_eq(evidence.high, 753315200000000);
}

Test(evidence, tells_the_spelling) {
    struct rf_instant_evidence evidence;
    struct rf_spelling spelling;
    char pattern[RF_SPELLING_TEXT];
    struct rf_value values[VALUES] = {T("2024-05-01 12:00:00+00:00"),
                                      T("2024-05-01 12:00:00.000500+00:00")};
    proven(values, &evidence);
    cr_assert(rf_instant_evidence_proven(&evidence, &spelling));
    rf_spelling_print(&spelling, pattern);
    cr_expect_str_eq(pattern, "YYYY-MM-DD HH:MM:SS[.ffffff]+00:00");
}

static enum rf_decimal_type decimal_type(const struct rf_value *values,
                                         const struct rf_numeric_bound *bound) {
    struct rf_decimal_evidence evidence;
    rf_decimal_evidence_init(&evidence);
    for (size_t i = 0; i < VALUES; i++) {
        rf_decimal_evidence_add(&evidence, &values[i]);
    }
    return rf_decimal_evidence_type(&evidence, bound);
}

Test(evidence, of_decimals) {
    const struct rf_numeric_bound money = {.precision = 10, .scale = 2};
    const struct {
        const char *what;
        struct rf_value values[VALUES];
        enum rf_decimal_type bound, free; /* declared DECIMAL(10,2), and without */
    } cases[] = {
        {"prices", {R(19.99), I(5), N(), R(-0.5)}, RF_DECIMAL_BOUNDED, RF_DECIMAL_UNBOUNDED},
        {"integers", {I(5), I(-99999999)}, RF_DECIMAL_BOUNDED, RF_DECIMAL_UNBOUNDED},
        {"whole reals", {R(5.0)}, RF_DECIMAL_BOUNDED, RF_DECIMAL_UNBOUNDED},
        {"zero", {I(0), R(0.0)}, RF_DECIMAL_BOUNDED, RF_DECIMAL_UNBOUNDED},
        {"finer than declared", {R(19.999)}, RF_DECIMAL_UNBOUNDED, RF_DECIMAL_UNBOUNDED},
        {"larger than declared", {I(100000000)}, RF_DECIMAL_UNBOUNDED, RF_DECIMAL_UNBOUNDED},
        {"large and fine apart", {I(99999999), R(0.01)}, RF_DECIMAL_BOUNDED, RF_DECIMAL_UNBOUNDED},
        {"the largest integers",
         {I(INT64_MIN), I(INT64_MAX)},
         RF_DECIMAL_UNBOUNDED,
         RF_DECIMAL_UNBOUNDED},
        {"computed", {R(19.99), R(0.1 + 0.2)}, RF_DECIMAL_DOUBLE, RF_DECIMAL_DOUBLE},
        {"minus zero", {R(19.99), R(-0.0)}, RF_DECIMAL_DOUBLE, RF_DECIMAL_DOUBLE},
        {"infinity", {R(19.99), R((double)INFINITY)}, RF_DECIMAL_DOUBLE, RF_DECIMAL_DOUBLE},
        {"1e300", {R(1e300)}, RF_DECIMAL_DOUBLE, RF_DECIMAL_DOUBLE},
        {"computed, with integers to 2^53",
         {R(1.0 / 3), I(9007199254740992)},
         RF_DECIMAL_DOUBLE,
         RF_DECIMAL_DOUBLE},
        {"computed, with larger integers",
         {R(1.0 / 3), I(9007199254740993)},
         RF_DECIMAL_UNPROVEN,
         RF_DECIMAL_UNPROVEN},
        {"computed, with smaller integers",
         {R(1.0 / 3), I(INT64_MIN)},
         RF_DECIMAL_UNPROVEN,
         RF_DECIMAL_UNPROVEN},
        {"text", {R(19.99), T("n/a")}, RF_DECIMAL_UNPROVEN, RF_DECIMAL_UNPROVEN},
        {"text of a number", {T("19.99")}, RF_DECIMAL_UNPROVEN, RF_DECIMAL_UNPROVEN},
        {"blob", {R(19.99), B("1")}, RF_DECIMAL_UNPROVEN, RF_DECIMAL_UNPROVEN},
        {"nothing", {N(), N()}, RF_DECIMAL_UNPROVEN, RF_DECIMAL_UNPROVEN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(decimal_type(cases[i].values, &money), cases[i].bound, "%s", cases[i].what);
        cr_expect_eq(decimal_type(cases[i].values, NULL), cases[i].free, "%s, no bound",
                     cases[i].what);
    }
}

/* What is proven is then taken, value by value, and what is not proven is not. */
Test(evidence, proven_decimals_fit) {
    const struct rf_numeric_bound money = {.precision = 10, .scale = 2};
    uint64_t state = 4711;
    for (int i = 0; i < 100000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double number =
            (double)((int64_t)(state >> 20) % 2000000000000) / ((state & 7) == 0 ? 1000.0 : 100.0);
        struct rf_value values[VALUES] = {R(number)};
        bool fits = rf_numeric_put_real(number, &money, NULL) == RF_NUMERIC_FITS;
        enum rf_decimal_type type = decimal_type(values, &money);
        if (type != (fits ? RF_DECIMAL_BOUNDED : RF_DECIMAL_UNBOUNDED)) {
            cr_assert_fail("%.17g", number);
        }
    }
}

Test(evidence, declared_bounds) {
    const struct {
        const char *declared;
        unsigned precision, scale; /* 0: none */
    } cases[] = {
        {"DECIMAL(10,2)", 10, 2},
        {"numeric(20, 6)", 20, 6},
        {"decimal (5, 2)", 5, 2},
        {"Numeric ( 8 )", 8, 0},
        {"DEC(5,5)", 5, 5},
        {"NUMBER(9,3)", 9, 3},
        {"NUMERIC(1000,1000)", 1000, 1000},
        {"DECIMAL", 0, 0},
        {"DECIMAL()", 0, 0},
        {"DECIMAL(10", 0, 0},
        {"DECIMAL(10,", 0, 0},
        {"DECIMAL(10,)", 0, 0},
        {"DECIMAL(,2)", 0, 0},
        {"DECIMAL(10,2) UNSIGNED", 0, 0},
        {"DECIMAL(2,10)", 0, 0},
        {"DECIMAL(10,-2)", 0, 0},
        {"DECIMAL(0,0)", 0, 0},
        {"DECIMAL(1001,2)", 0, 0},
        {"DECIMAL(99999999999999999999,2)", 0, 0},
        {"DECIMAL(65546,2)", 0, 0},
        {"DECIMALS(10,2)", 0, 0},
        {"DE(10,2)", 0, 0},
        {"(10,2)", 0, 0},
        {"VARCHAR(10)", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_numeric_bound bound;
        bool there = rf_numeric_bound_declared(cases[i].declared, &bound);
        cr_assert_eq(there, cases[i].precision > 0, "%s", cases[i].declared);
        if (there) {
            cr_expect_eq(bound.precision, cases[i].precision, "%s", cases[i].declared);
            cr_expect_eq(bound.scale, cases[i].scale, "%s", cases[i].declared);
        }
    }
}
