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
    const struct rf_conversion *conversion;
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
        cr_expect_eq(chosen, expected->conversion, "case %zu (%s): %s", i,
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
        {"INTEGER", 3, 0, 0, 0, 1, 9, &rf_as_bigint, "declared INTEGER"},
        {"integer", 0, 0, 0, 0, 0, 0, &rf_as_bigint, NULL},
        {"BIGINT UNSIGNED", 3, 0, 2, 1, 1, 9, &rf_as_bigint, NULL},
        {"REAL", 0, 3, 0, 0, 0, 0, &rf_as_double, "declared REAL"},
        {"FLOAT", 0, 0, 0, 0, 0, 0, &rf_as_double, NULL},
        {"DOUBLE PRECISION", 0, 1, 1, 0, 0, 0, &rf_as_double, NULL},
        {"TEXT", 0, 0, 5, 0, 0, 0, &rf_as_text, "declared TEXT"},
        {"VARCHAR(10)", 0, 0, 0, 3, 0, 0, &rf_as_text, NULL},
        {"CLOB", 0, 0, 0, 0, 0, 0, &rf_as_text, NULL},
        {"BLOB", 0, 0, 0, 2, 0, 0, &rf_as_bytea, "declared BLOB"},
        {"BLOB", 0, 0, 9, 2, 0, 0, &rf_as_bytea, NULL},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, boolean_only_with_nothing_but_0_and_1) {
    const struct expectation cases[] = {
        {"BOOLEAN", 3, 0, 0, 0, 0, 1, &rf_as_boolean, "declared BOOLEAN; holds 3 integers"},
        {"bool", 0, 0, 0, 0, 0, 0, &rf_as_boolean, "declared bool; holds no value yet"},
        {"BOOLEAN", 3, 0, 0, 0, 0, 2, &rf_as_bigint, NULL},
        {"BOOLEAN", 3, 0, 0, 0, -1, 1, &rf_as_bigint, NULL},
        {"BOOLEAN", 0, 0, 2, 0, 0, 0, &rf_as_text, "declared BOOLEAN; holds 2 texts"},
        {"BOOLEAN", 2, 0, 1, 0, 0, 1, &rf_as_text_from_any, NULL},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, everything_else_by_what_is_there) {
    const struct expectation cases[] = {
        {NULL, 4, 0, 0, 0, -5, BEYOND, &rf_as_bigint, "no declared type; holds 4 integers"},
        {"", 4, 0, 0, 0, 0, 5, &rf_as_bigint, NULL},
        {"NUMERIC", 4, 0, 0, 0, 0, 5, &rf_as_bigint, NULL},
        {"DECIMAL(10,2)", 4, 1, 0, 0, -(INT64_C(1) << 53), INT64_C(1) << 53, &rf_as_double,
         "declared DECIMAL(10,2); holds 4 integers, 1 real"},
        {"DECIMAL(10,2)", 0, 1, 0, 0, 0, 0, &rf_as_double, NULL},
        {"NUMERIC", 4, 1, 0, 0, 0, BEYOND, &rf_as_text_from_any, NULL},
        {"NUMERIC", 4, 1, 0, 0, -BEYOND, 0, &rf_as_text_from_any, NULL},
        {"DATETIME", 0, 0, 3, 0, 0, 0, &rf_as_text, NULL},
        {NULL, 1, 0, 1, 0, 1, 1, &rf_as_text_from_any, "no declared type; holds 1 integer, 1 text"},
        {NULL, 0, 0, 0, 3, 0, 0, &rf_as_bytea, "no declared type; holds 3 blobs"},
        {NULL, 0, 0, 1, 3, 0, 0, &rf_as_bytea, NULL},
        {NULL, 0, 0, 3, 3, 0, 0, &rf_as_text, NULL},
        {NULL, 2, 0, 0, 1, 0, 1, &rf_as_bigint, NULL},
        {"TEXT", 1, 0, 3, 0, 1, 1, &rf_as_text_from_any, "declared TEXT; holds 1 integer, 3 texts"},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, columns_without_a_value) {
    const struct expectation cases[] = {
        {NULL, 0, 0, 0, 0, 0, 0, &rf_as_text_from_any, "no declared type; holds no value yet"},
        {"ANY", 0, 0, 0, 0, 0, 0, &rf_as_text_from_any, NULL},
        {"DATE", 0, 0, 0, 0, 0, 0, &rf_as_text_from_any, NULL},
        {"timestamp", 0, 0, 0, 0, 0, 0, &rf_as_text_from_any, NULL},
        {"NUMERIC", 0, 0, 0, 0, 0, 0, &rf_as_double, NULL},
        {"uuid", 0, 0, 0, 0, 0, 0, &rf_as_double, NULL},
    };
    check(cases, COUNT(cases), false);
}

Test(mapping, values_of_a_key_stay_distinct) {
    const struct expectation cases[] = {
        {NULL, 1, 0, 1, 0, 1, 1, &rf_as_text_from_any_apart, NULL},
        {NULL, 0, 0, 0, 0, 0, 0, &rf_as_text_from_any_apart, NULL},
        {NULL, 0, 0, 4, 0, 0, 0, &rf_as_text, NULL},
        {NULL, 4, 0, 0, 0, 0, 5, &rf_as_bigint, NULL},
        {"NUMERIC", 4, 1, 0, 0, 0, BEYOND, &rf_as_text_from_any_apart, NULL},
    };
    check(cases, COUNT(cases), true);
}

Test(mapping, a_long_declaration_does_not_run_over) {
    char declared[500];
    memset(declared, 'x', sizeof declared - 1);
    declared[sizeof declared - 1] = 0;
    const struct expectation cases[] = {
        {declared, 1000000, 1000000, 1000000, 1000000, 0, 0, &rf_as_text_from_any, NULL}};
    check(cases, COUNT(cases), false);
}
