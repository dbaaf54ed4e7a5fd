/* If these fail, a table is created with types that its rows do not fit, or that lose something. */
#include "replay/mapping.h"

#include <criterion/criterion.h>
#include <string.h>

#include "rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct expectation {
    const char *declared;
    uint64_t integers, reals, texts, blobs;
    int64_t min, max;
    enum rf_conversion_kind kind;
    const char *reason;
};

static void check(const struct expectation *cases, size_t count, bool distinct) {
    for (size_t i = 0; i < count; i++) {
        const struct expectation *expected = &cases[i];
        struct rf_manifest_table table = test_table("t", 1);
        test_column(&table, 0, "c", expected->declared);
        test_census(&table, 0, 1, expected->integers, expected->reals, expected->texts,
                    expected->blobs);
        table.census[0].min_integer = expected->min;
        table.census[0].max_integer = expected->max;
        char reason[RF_MAPPING_REASON];
        const struct rf_conversion *chosen =
            rf_mapping_choose(&table.table, 0, &table.census[0], distinct, reason);
        cr_expect_eq(chosen, rf_conversion_of(expected->kind), "case %zu (%s): %s", i,
                     expected->declared ? expected->declared : "no type", chosen->name);
        if (expected->reason) {
            cr_expect_str_eq(reason, expected->reason, "case %zu", i);
        }
        rf_manifest_table_release(&table);
    }
}

#define BEYOND ((INT64_C(1) << 53) + 1)

Test(mapping, declared_types_decide_where_sqlite_converts_by_them) {
    const struct expectation cases[] = {
        {"INTEGER", 3, 0, 0, 0, 1, 9, RF_AS_BIGINT, "declared INTEGER"},
        {"integer", 0, 0, 0, 0, 0, 0, RF_AS_BIGINT, NULL},
        {"BIGINT UNSIGNED", 3, 0, 2, 1, 1, 9, RF_AS_BIGINT, NULL},
        {"REAL", 0, 3, 0, 0, 0, 0, RF_AS_DOUBLE, "declared REAL"},
        {"FLOAT", 0, 0, 0, 0, 0, 0, RF_AS_DOUBLE, NULL},
        {"DOUBLE PRECISION", 0, 1, 1, 0, 0, 0, RF_AS_DOUBLE, NULL},
        {"TEXT", 0, 0, 5, 0, 0, 0, RF_AS_TEXT, "declared TEXT"},
        {"VARCHAR(10)", 0, 0, 0, 3, 0, 0, RF_AS_TEXT, NULL},
        {"CLOB", 0, 0, 0, 0, 0, 0, RF_AS_TEXT, NULL},
        {"BLOB", 0, 0, 0, 2, 0, 0, RF_AS_BYTEA, "declared BLOB"},
        {"BLOB", 0, 0, 9, 2, 0, 0, RF_AS_BYTEA, NULL},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, boolean_only_with_nothing_but_0_and_1) {
    const struct expectation cases[] = {
        {"BOOLEAN", 3, 0, 0, 0, 0, 1, RF_AS_BOOLEAN, "declared BOOLEAN; holds 3 integers"},
        {"bool", 0, 0, 0, 0, 0, 0, RF_AS_BOOLEAN, "declared bool; holds no value yet"},
        {"BOOLEAN", 3, 0, 0, 0, 0, 2, RF_AS_BIGINT, NULL},
        {"BOOLEAN", 3, 0, 0, 0, -1, 1, RF_AS_BIGINT, NULL},
        {"BOOLEAN", 0, 0, 2, 0, 0, 0, RF_AS_TEXT, "declared BOOLEAN; holds 2 texts"},
        {"BOOLEAN", 2, 0, 1, 0, 0, 1, RF_AS_TEXT_OR_NUMBER, NULL},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, everything_else_by_what_is_there) {
    const struct expectation cases[] = {
        {NULL, 4, 0, 0, 0, -5, BEYOND, RF_AS_BIGINT, "no declared type; holds 4 integers"},
        {"", 4, 0, 0, 0, 0, 5, RF_AS_BIGINT, NULL},
        {"NUMERIC", 4, 0, 0, 0, 0, 5, RF_AS_BIGINT, NULL},
        {"DECIMAL(10,2)", 4, 1, 0, 0, -(INT64_C(1) << 53), INT64_C(1) << 53, RF_AS_DOUBLE,
         "declared DECIMAL(10,2); holds 4 integers, 1 real"},
        {"DECIMAL(10,2)", 0, 1, 0, 0, 0, 0, RF_AS_DOUBLE, NULL},
        {"NUMERIC", 4, 1, 0, 0, 0, BEYOND, RF_AS_TEXT_OR_NUMBER, NULL},
        {"NUMERIC", 4, 1, 0, 0, -BEYOND, 0, RF_AS_TEXT_OR_NUMBER, NULL},
        {"DATETIME", 0, 0, 3, 0, 0, 0, RF_AS_TEXT, NULL},
        {NULL, 1, 0, 1, 0, 1, 1, RF_AS_TEXT_OR_NUMBER, "no declared type; holds 1 integer, 1 text"},
        {NULL, 0, 0, 0, 3, 0, 0, RF_AS_BYTEA, "no declared type; holds 3 blobs"},
        {NULL, 0, 0, 1, 3, 0, 0, RF_AS_BYTEA, NULL},
        {NULL, 0, 0, 3, 3, 0, 0, RF_AS_TEXT, NULL},
        {NULL, 2, 0, 0, 1, 0, 1, RF_AS_BIGINT, NULL},
        {"TEXT", 1, 0, 3, 0, 1, 1, RF_AS_TEXT_OR_NUMBER, "declared TEXT; holds 1 integer, 3 texts"},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, columns_without_a_value) {
    const struct expectation cases[] = {
        {NULL, 0, 0, 0, 0, 0, 0, RF_AS_TEXT_OR_NUMBER, "no declared type; holds no value yet"},
        {"ANY", 0, 0, 0, 0, 0, 0, RF_AS_TEXT_OR_NUMBER, NULL},
        {"DATE", 0, 0, 0, 0, 0, 0, RF_AS_TEXT_OR_NUMBER, NULL},
        {"timestamp", 0, 0, 0, 0, 0, 0, RF_AS_TEXT_OR_NUMBER, NULL},
        {"NUMERIC", 0, 0, 0, 0, 0, 0, RF_AS_DOUBLE, NULL},
        {"uuid", 0, 0, 0, 0, 0, 0, RF_AS_DOUBLE, NULL},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, values_of_a_key_stay_distinct) {
    const struct expectation cases[] = {
        {NULL, 1, 0, 1, 0, 1, 1, RF_AS_TEXT_OR_NUMBER_APART, NULL},
        {NULL, 0, 0, 0, 0, 0, 0, RF_AS_TEXT_OR_NUMBER_APART, NULL},
        {NULL, 0, 0, 4, 0, 0, 0, RF_AS_TEXT, NULL},
        {NULL, 4, 0, 0, 0, 0, 5, RF_AS_BIGINT, NULL},
        {"NUMERIC", 4, 1, 0, 0, 0, BEYOND, RF_AS_TEXT_OR_NUMBER_APART, NULL},
    };
    check(cases, COUNT(cases), true);
}

Test(mapping, a_long_declaration_does_not_run_over) {
    char declared[500];
    memset(declared, 'x', sizeof declared - 1);
    declared[sizeof declared - 1] = 0;
    const struct expectation cases[] = {
        {declared, 1000000, 1000000, 1000000, 1000000, 0, 0, RF_AS_TEXT_OR_NUMBER, NULL}};
    check(cases, COUNT(cases), false);
}
