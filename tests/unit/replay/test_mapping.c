/* If these fail, a table is created with types that its rows do not fit, that lose something, or
 * that nobody expects of such a declaration. */
#include "replay/mapping.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MOST 8u

/* A value in few letters: NULL, 1, 1.0, 'text' or x'' for two bytes of blob. */
#define I(number) integer_value(number)
#define R(number) real_value(number)
#define T(text) text_value(text)
#define B bytes_value(RF_BLOB, "\x01\xff", 2)
#define N null_value()
#define NUL bytes_value(RF_TEXT, "a\0b", 3)

static struct rf_arena arena;
static struct rf_mapping mapping;

struct wish {
    const char *asked;
    enum rf_mismatch on_mismatch; /* DEFAULT: widen */
    enum rf_bad_text bad_text;    /* DEFAULT: set-aside */
    bool distinct;
    const struct rf_conversion *standing;
};

/* Chooses for a column c with these values; the answer is in `mapping`. */
static enum rf_code try_map(const char *declared, const struct wish *wish,
                            const struct rf_value *values, uint32_t count, struct rf_error *error) {
    static struct rf_manifest_table table;
    table = test_table("t", 1);
    test_column(&table, 0, "c", declared);
    test_census_of(&table, values, count);
    struct test_rows rows = {0};
    struct rf_survey survey;
    rf_survey_init(&survey, &table, &arena);
    mapping = (struct rf_mapping){
        .table = &table.table,
        .census = table.census,
        .asked = wish->asked,
        .on_mismatch = wish->on_mismatch ? wish->on_mismatch : RF_MISMATCH_WIDEN,
        .bad_text = wish->bad_text ? wish->bad_text : RF_BAD_TEXT_SET_ASIDE,
        .distinct = wish->distinct,
        .standing = wish->standing,
    };
    enum rf_code code = rf_mapping_begin(&mapping, &survey, error);
    if (code == RF_OK && count > 0) {
        test_rows_make(&rows, values, 1, count);
        rf_survey_rows(&survey, &rows.rows, 0, count, 0);
        test_rows_release(&rows);
    }
    code = code == RF_OK ? rf_mapping_end(&mapping, &arena, error) : code;
    rf_manifest_table_release(&table);
    return code;
}

static void map(const char *declared, const struct wish *wish, const struct rf_value *values,
                uint32_t count) {
    struct rf_error error;
    cr_assert_eq(try_map(declared, wish, values, count, &error), RF_OK, "%s", error.what);
}

struct expectation {
    const char *declared;
    uint32_t count;
    struct rf_value values[MOST];
    const char *conversion;
    bool forced;
    const char *reason; /* NULL: not looked at */
};

static void check(const struct expectation *cases, size_t count, const struct wish *wish) {
    for (size_t i = 0; i < count; i++) {
        const struct expectation *expected = &cases[i];
        map(expected->declared, wish, expected->values, expected->count);
        cr_expect_str_eq(mapping.conversion->name, expected->conversion, "case %zu (%s): %s, %s", i,
                         expected->declared ? expected->declared : "no type",
                         mapping.conversion->name, mapping.reason);
        cr_expect_eq(mapping.forced, expected->forced, "case %zu: forced", i);
        if (expected->reason) {
            cr_expect_str_eq(mapping.reason, expected->reason, "case %zu", i);
        }
    }
    rf_arena_release(&arena);
}

#define EXACT (INT64_C(1) << 53)
#define BEYOND (EXACT + 1)

Test(mapping, declared_types_decide_where_their_values_fit) {
    const struct expectation cases[] = {
        {"INTEGER", 2, {I(1), N}, "bigint", false, "declared INTEGER"},
        {"integer", 0, {N}, "bigint", false, "declared integer"},
        {"BIGINT UNSIGNED", 1, {I(INT64_MIN)}, "bigint", false, NULL},
        {"POINT", 1, {I(1)}, "bigint", false, NULL},
        {"REAL", 2, {R(0.1), R(-INFINITY)}, "double precision", false, "declared REAL"},
        {"FLOAT", 0, {N}, "double precision", false, NULL},
        {"DOUBLE PRECISION", 1, {I(EXACT)}, "double precision", false, NULL},
        {"TEXT", 1, {T("a")}, "text", false, "declared TEXT"},
        {"VARCHAR(1)", 1, {T("longer")}, "text", false, NULL},
        {"CLOB", 0, {N}, "text", false, NULL},
        {"BLOB", 1, {B}, "bytea", false, "declared BLOB"},
        {"LONGBLOB", 0, {N}, "bytea", false, NULL},
        {"BOOLEAN", 3, {I(0), I(1), N}, "boolean", false, "declared BOOLEAN"},
        {"bool", 0, {N}, "boolean", false, NULL},
    };
    const struct wish wish = {0};
    check(cases, COUNT(cases), &wish);
}

Test(mapping, values_outside_the_declared_type_get_the_narrowest_that_holds_all) {
    const struct expectation cases[] = {
        {"INTEGER",
         3,
         {I(1), R(0.5), N},
         "double precision",
         true,
         "declared INTEGER; holds 1 integer, 1 real: row {\"rowid\": 2} has 0.5"},
        {"INTEGER", 2, {I(BEYOND), R(0.5)}, "numeric", true, NULL},
        {"INTEGER", 2, {I(BEYOND), R(INFINITY)}, "text from any", true, NULL},
        {"INTEGER", 2, {I(-BEYOND), R(-0.0)}, "text from any", true, NULL},
        {"INTEGER",
         4,
         {T("a"), I(1), T("b"), I(2)},
         "text from any",
         true,
         "declared INTEGER; holds 2 integers, 2 texts: row {\"rowid\": 1} has 'a', row "
         "{\"rowid\": 3} has 'b'; 1 and '1' become alike"},
        {"INTEGER", 1, {T("a")}, "text", true, NULL},
        {"INTEGER",
         3,
         {T("a"), I(1), B},
         "bytea from any",
         true,
         "declared INTEGER; holds 1 integer, 1 text, 1 blob: row {\"rowid\": 1} has 'a', row "
         "{\"rowid\": 3} has x'01ff'; 'a' and x'61' become alike"},
        {"INTEGER", 1, {B}, "bytea", true, NULL},
        {"REAL", 2, {R(1.5), T("x")}, "text from any", true, NULL},
        {"REAL", 1, {I(BEYOND)}, "numeric", true, NULL},
        {"TEXT", 2, {T("a"), I(1)}, "text from any", true, NULL},
        {"TEXT", 2, {T("a"), B}, "bytea from any", true, NULL},
        {"TEXT", 1, {B}, "bytea", true, NULL},
        {"BLOB", 2, {B, T("a")}, "bytea from any", true, NULL},
        {"BLOB", 1, {T("a")}, "text", true, NULL},
        {"BLOB", 1, {I(1)}, "bigint", true, NULL},
        {"BOOLEAN",
         2,
         {I(1), I(2)},
         "bigint",
         true,
         "declared BOOLEAN; holds 2 integers: row {\"rowid\": 2} has 2"},
        {"BOOLEAN", 1, {T("true")}, "text", true, NULL},
    };
    const struct wish wish = {0};
    check(cases, COUNT(cases), &wish);
}

Test(mapping, with_another_policy_the_declared_type_stays) {
    const struct expectation cases[] = {
        {"INTEGER", 2, {I(1), T("a")}, "bigint", false, "declared INTEGER"},
        {"TEXT", 2, {T("a"), B}, "text", false, NULL},
        {"BLOB", 1, {T("a")}, "bytea", false, NULL},
        {"BOOLEAN", 1, {I(2)}, "boolean", false, NULL},
        {"DECIMAL(4,1)", 2, {R(0.25), T("a")}, "numeric(4,1)", false, "declared DECIMAL(4,1)"},
        {"DECIMAL", 1, {R(0.1 + 0.2)}, "numeric", false, NULL},
        {"DATETIME",
         1,
         {T("2024-05-01 10:00:00")},
         "timestamp from iso YYYY-MM-DD HH:MM:SS",
         false,
         NULL},
        {NULL, 2, {I(1), R(0.5)}, "double precision", false, NULL},
    };
    const enum rf_mismatch policies[] = {RF_MISMATCH_SET_ASIDE, RF_MISMATCH_NULL, RF_MISMATCH_FAIL};
    for (size_t i = 0; i < COUNT(policies); i++) {
        const struct wish wish = {.on_mismatch = policies[i]};
        check(cases, COUNT(cases), &wish);
    }
}

Test(mapping, without_a_declared_type_the_values_decide) {
    const struct expectation cases[] = {
        {NULL, 2, {I(-5), I(BEYOND)}, "bigint", false, "no declared type; holds 2 integers"},
        {"", 1, {I(1)}, "bigint", false, NULL},
        {"ANY", 1, {R(1.0)}, "double precision", false, "declared ANY; holds 1 real"},
        {NULL, 2, {I(EXACT), R(1.0)}, "double precision", false, NULL},
        {NULL, 2, {I(BEYOND), R(0.1)}, "numeric", false, NULL},
        {NULL, 1, {T("a")}, "text", false, NULL},
        {NULL,
         2,
         {I(1), T("1")},
         "text from any",
         false,
         "no declared type; holds 1 integer, 1 text; 1 and '1' become alike"},
        {NULL, 1, {B}, "bytea", false, NULL},
        {NULL, 2, {B, T("a")}, "bytea from any", false, NULL},
        {"MONEY", 2, {I(1), R(0.1 + 0.2)}, "double precision", false, NULL},
        {"STRING", 1, {T("a")}, "text", false, NULL},
        {"JSON", 1, {T("{}")}, "text", false, NULL},
        {"UUID", 1, {T("ee64d0bb-15ee-4a66-b0a2-9a5b4d37e3f6")}, "text", false, NULL},
    };
    const struct wish wish = {0};
    check(cases, COUNT(cases), &wish);
}

Test(mapping, columns_without_a_value) {
    const struct expectation cases[] = {
        {NULL, 0, {N}, "text", false, "no declared type; holds no value yet"},
        {NULL, 1, {N}, "text", false, "no declared type; holds no value yet"},
        {"ANY", 0, {N}, "text", false, NULL},
        {"DATETIME", 0, {N}, "text", false, "declared DATETIME; holds no value yet"},
        {"time", 0, {N}, "text", false, NULL},
        {"uuid", 0, {N}, "text", false, NULL},
        {"DECIMAL(10,2)", 0, {N}, "numeric(10,2)", false, "declared DECIMAL(10,2)"},
        {"NUMERIC", 0, {N}, "numeric", false, NULL},
    };
    const struct wish wish = {0};
    check(cases, COUNT(cases), &wish);
}

Test(mapping, dates_where_one_encoding_is_proven) {
    const struct expectation cases[] = {
        {"DATETIME",
         3,
         {T("2024-05-01 10:00:00"), N, T("1969-12-31 23:59:59")},
         "timestamp from iso YYYY-MM-DD HH:MM:SS",
         false,
         "declared DATETIME; 2 values, all iso YYYY-MM-DD HH:MM:SS"},
        {"DATETIME",
         1,
         {T("2024-05-01")},
         "date from iso YYYY-MM-DD",
         false,
         "declared DATETIME; 1 value, all iso YYYY-MM-DD"},
        {"TIMESTAMP",
         1,
         {T("2024-05-01T10:00:00Z")},
         "timestamptz from iso YYYY-MM-DDTHH:MM:SSZ",
         false,
         NULL},
        {"TIME", 1, {T("10:00:00")}, "time from iso HH:MM:SS", false, NULL},
        {"datetime",
         2,
         {I(1700000000123), I(1700000000456)},
         "timestamptz from unix-ms",
         false,
         "declared datetime; 2 values, all unix-ms"},
        {"TIMESTAMP", 2, {I(1700000000), I(1700000099)}, "timestamptz from unix-s", false, NULL},
        {"DATE", 2, {R(2460310.25), R(2460311.5)}, "timestamptz from julian-day", false, NULL},
        {"DATETIME", 1, {R(700000000.5)}, "timestamptz from mac-2001", false, NULL},
        {"DATETIME", 1, {I(13300000000000000)}, "timestamptz from webkit-1601", false, NULL},
        /* refuted */
        {"DATETIME",
         2,
         {T("2024-05-01 10:00:00"), T("")},
         "text",
         false,
         "declared DATETIME; holds 2 texts"},
        {"DATETIME", 2, {T("2024-05-01 10:00:00"), T("2024-05-01")}, "text", false, NULL},
        {"DATETIME", 2, {T("2024-05-01"), I(1700000000)}, "text from any", false, NULL},
        {"DATETIME", 2, {I(1700000000), I(0)}, "bigint", false, NULL},
        {"DATETIME", 2, {I(1700000000), R(0.5)}, "double precision", false, NULL},
        {"DATE", 1, {I(20240131)}, "bigint", false, NULL},
        {"DATETIME", 1, {NUL}, "text", false, NULL},
        /* declared to be something else */
        {"TEXT", 1, {T("2024-05-01")}, "text", false, NULL},
        {"INTEGER", 1, {I(1700000000123)}, "bigint", false, NULL},
        {NULL, 1, {T("2024-05-01")}, "text", false, NULL},
    };
    const struct wish wish = {0};
    check(cases, COUNT(cases), &wish);
}

Test(mapping, decimals_while_they_are_short) {
    const struct expectation cases[] = {
        {"DECIMAL(10,2)", 2, {R(12.5), I(3)}, "numeric(10,2)", false, "declared DECIMAL(10,2)"},
        {"numeric ( 5 )", 1, {I(12345)}, "numeric(5,0)", false, NULL},
        {"NUMERIC", 2, {R(0.1), I(BEYOND)}, "numeric", false, NULL},
        {"NUMERIC", 1, {I(5)}, "numeric", false, NULL},
        {"DECIMAL(10,2)",
         2,
         {R(12.5), R(1.255)},
         "numeric",
         true,
         "declared DECIMAL(10,2); holds 2 reals: row {\"rowid\": 2} has 1.255"},
        {"DECIMAL(3)",
         1,
         {I(12345)},
         "numeric",
         true,
         "declared DECIMAL(3); holds 1 integer: row {\"rowid\": 1} has 12345"},
        {"DECIMAL",
         2,
         {R(0.1 + 0.2), R(1.5)},
         "double precision",
         false,
         "declared DECIMAL; holds 2 reals; 1 of them not a short decimal"},
        {"DECIMAL(10,2)", 1, {R(0.1 + 0.2)}, "double precision", true, NULL},
        {"DECIMAL", 1, {R(-0.0)}, "double precision", true, NULL},
        {"DECIMAL", 2, {R(0.1 + 0.2), I(BEYOND)}, "numeric", false, NULL},
        {"DECIMAL", 2, {R(INFINITY), I(BEYOND)}, "text from any", true, NULL},
        {"DECIMAL", 2, {R(0.5), T("a")}, "text from any", true, NULL},
        {"DECIMAL(4,5)", 1, {R(0.5)}, "numeric", false, NULL},
    };
    const struct wish wish = {0};
    check(cases, COUNT(cases), &wish);
}

Test(mapping, values_of_a_key_stay_apart_where_that_is_possible) {
    const struct expectation cases[] = {
        {NULL,
         2,
         {I(1), T("a")},
         "text from any, told apart",
         false,
         "no declared type; holds 1 integer, 1 text"},
        {NULL, 2, {I(1), T("1")}, "text from any", false, NULL},
        {NULL, 1, {T("1")}, "text", false, NULL},
        {NULL, 2, {I(BEYOND), R(0.5)}, "numeric, told apart", false, NULL},
        {NULL, 2, {I(BEYOND), R(INFINITY)}, "text from any, told apart", false, NULL},
        {"DECIMAL(4,1)", 1, {R(0.5)}, "numeric(4,1), told apart", false, NULL},
        {"DECIMAL", 1, {R(0.5)}, "numeric, told apart", false, NULL},
    };
    const struct wish wish = {.distinct = true};
    check(cases, COUNT(cases), &wish);
    const struct expectation aside[] = {
        {NULL, 2, {I(1), T("1")}, "text from any, told apart", false, NULL}};
    const struct wish other = {.distinct = true, .on_mismatch = RF_MISMATCH_SET_ASIDE};
    check(aside, COUNT(aside), &other);
}

Test(mapping, what_is_asked_for_decides) {
    const struct {
        const char *asked;
        struct rf_value value;
        const char *conversion;
        bool forced;
    } cases[] = {
        {"integer", I(70000), "integer", false},
        {"smallint", I(70000), "bigint", true},
        {"integer", R(0.5), "double precision", true},
        {"real", R(0.5), "real", false},
        {"real", R(0.1), "double precision", true},
        {"numeric(10,2)", R(0.25), "numeric(10,2)", false},
        {"numeric(10,1)", R(0.25), "numeric", true},
        {"numeric(10,1)", T("x"), "text", true},
        {"boolean from words", T("Yes"), "boolean from words", false},
        {"boolean from words", T("si"), "text", true},
        {"text", I(5), "text from any", true},
        {"text; escape", I(5), "text from any; escape", true},
        {"varchar(3)", T("abc"), "varchar(3)", false},
        {"varchar(3)", T("abcd"), "text", true},
        {"jsonb", T("{\"a\": 1}"), "jsonb", false},
        {"jsonb", T("{"), "text", true},
        {"uuid", T("ee64d0bb-15ee-4a66-b0a2-9a5b4d37e3f6"), "uuid", false},
        {"uuid", T("ee64d0bb"), "text", true},
        {"bytea", T("a"), "bytea from any", true},
        {"timestamptz from unix-s", I(0), "timestamptz from unix-s", false},
        {"timestamptz from unix-s", T("a"), "text", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct wish wish = {.asked = cases[i].asked};
        map("ANYTHING", &wish, &cases[i].value, 1);
        cr_expect_str_eq(mapping.conversion->name, cases[i].conversion, "case %zu: %s", i,
                         mapping.conversion->name);
        cr_expect_eq(mapping.forced, cases[i].forced, "case %zu", i);
        const struct wish firm = {.asked = cases[i].asked, .on_mismatch = RF_MISMATCH_FAIL};
        map("ANYTHING", &firm, &cases[i].value, 1);
        cr_expect_str_eq(mapping.conversion->name, cases[i].asked, "case %zu, firm", i);
    }
    const struct wish wish = {.asked = "integer"};
    const struct rf_value value = T("x");
    map("TEXT", &wish, &value, 1);
    cr_expect_str_eq(mapping.reason,
                     "asked for as integer; holds 1 text: row {\"rowid\": 1} has 'x'");
    rf_arena_release(&arena);
}

Test(mapping, a_type_that_there_is_not_is_an_error) {
    struct rf_error error;
    const struct wish wish = {.asked = "varchar2"};
    cr_expect_eq(try_map("TEXT", &wish, NULL, 0, &error), RF_USAGE);
    rf_arena_release(&arena);
}

Test(mapping, numbers_of_a_key_asked_for_as_numeric_stay_apart) {
    const struct rf_value value = R(0.25);
    const struct wish wish = {.asked = "numeric(10,2)", .distinct = true};
    map(NULL, &wish, &value, 1);
    cr_expect_str_eq(mapping.conversion->name, "numeric(10,2), told apart");
    rf_arena_release(&arena);
}

Test(mapping, bad_text_has_its_own_way) {
    const struct {
        enum rf_bad_text bad_text;
        bool distinct;
        struct rf_value value;
        const char *conversion;
    } cases[] = {
        {RF_BAD_TEXT_SET_ASIDE, false, NUL, "text"},
        {RF_BAD_TEXT_STRIP, false, NUL, "text; strip"},
        {RF_BAD_TEXT_REPLACE, false, T("clean, for now"), "text; replace"},
        {RF_BAD_TEXT_ESCAPE, true, NUL, "text; escape"},
        {RF_BAD_TEXT_STRIP, true, NUL, "text"},
        {RF_BAD_TEXT_REPLACE, true, NUL, "text"},
        {RF_BAD_TEXT_BYTEA, false, NUL, "bytea from any"},
        {RF_BAD_TEXT_BYTEA, true, bytes_value(RF_TEXT, "\xff", 1), "bytea from any"},
        {RF_BAD_TEXT_BYTEA, false, T("clean"), "text"},
        {RF_BAD_TEXT_STRIP, false, I(1), "text from any; strip"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct wish wish = {.bad_text = cases[i].bad_text, .distinct = cases[i].distinct};
        map("TEXT", &wish, &cases[i].value, 1);
        cr_expect_str_eq(mapping.conversion->name, cases[i].conversion, "case %zu: %s", i,
                         mapping.conversion->name);
    }
    const struct rf_value value = NUL;
    const struct wish key = {.bad_text = RF_BAD_TEXT_STRIP, .distinct = true};
    map("TEXT", &key, &value, 1);
    cr_expect(strstr(mapping.reason, "bad text is set aside"), "%s", mapping.reason);
    const struct wish asked = {.asked = "text; strip", .distinct = true};
    map("TEXT", &asked, &value, 1);
    cr_expect_str_eq(mapping.conversion->name, "text");
    rf_arena_release(&arena);
}

Test(mapping, a_standing_type_stays_while_it_holds) {
    const struct rf_value integers[] = {I(1), I(BEYOND)}, texts[] = {T("a")};
    const struct wish doubles = {.standing = &rf_as_double};
    map("INTEGER", &doubles, integers, 1);
    cr_expect_eq(mapping.conversion, &rf_as_double, "though bigint would do");
    map("INTEGER", &doubles, integers, 2);
    cr_expect_str_eq(mapping.conversion->name, "bigint");
    map("INTEGER", &doubles, texts, 1);
    cr_expect_str_eq(mapping.conversion->name, "text");
    const struct wish numeric = {.standing = &rf_as_numeric};
    map("NUMERIC", &numeric, texts, 1);
    cr_expect_str_eq(mapping.conversion->name, "text", "only the rows could tell");
    const struct rf_value number[] = {T("12.50")};
    map("NUMERIC", &numeric, number, 1);
    cr_expect_eq(mapping.conversion, &rf_as_numeric);
    rf_arena_release(&arena);
}

Test(mapping, a_long_declaration_does_not_run_over) {
    char declared[500];
    memset(declared, '\xc3', sizeof declared - 1);
    declared[sizeof declared - 1] = 0;
    const struct rf_value values[] = {I(1), R(0.5), T("a"), B};
    const struct wish wish = {0};
    map(declared, &wish, values, COUNT(values));
    cr_expect_str_eq(mapping.conversion->name, "bytea from any");
    cr_expect_lt(strlen(mapping.reason), 200);
    rf_arena_release(&arena);
}
