/* If these fail, columns that were to be left out are carried, or the other way round; a key is not
 * the one that was given; or a table that has become too narrow, or that the rules would have
 * otherwise, passes for a good one. */
#include <criterion/criterion.h>
#include <string.h>

#include "replay/plan.h"
#include "rows.h"
#include "stored.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rf_arena arena;
static struct rf_names names;
static struct rf_error error;

/* CREATE TABLE t(a INTEGER, b, c DATETIME, d TEXT) */
static struct rf_manifest_table four_columns(void) {
    struct rf_manifest_table table = test_table("t", 4);
    test_column(&table, 0, "a", "INTEGER");
    test_column(&table, 1, "b", NULL);
    test_column(&table, 2, "c", "DATETIME");
    test_column(&table, 3, "d", "TEXT");
    return table;
}

static enum rf_code make(struct stored *stored, const struct rf_manifest_table *table,
                         struct rf_plan *plan) {
    rf_names_init(&names, &arena);
    const struct rf_plan_request request = {
        .run = &stored->run, .source = table, .rules = &stored->rules, .names = &names};
    return rf_plan_make(&request, &arena, plan, &error);
}

/* One rule for the table. */
static void rule(struct stored *stored, struct rf_table_rule *table,
                 const struct rf_column_rule *columns, uint32_t count) {
    table->table = "t";
    table->columns = columns;
    table->column_count = count;
    stored->rules.tables = table;
    stored->rules.table_count = 1;
}

static void done(struct stored *stored, struct rf_manifest_table *table) {
    stored_free(stored);
    rf_manifest_table_release(table);
    rf_arena_release(&arena);
}

#define DAY T("2024-05-01 10:00:00")
#define T(text) text_value(text)
#define I(number) integer_value(number)

static const char *spec(const struct rf_plan *plan, uint32_t column) {
    return plan->columns[column].conversion->name;
}

Test(plan_column, types_come_from_the_rows_and_forced_ones_are_told) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    const struct rf_value rows[] = {
        I(1),     I(1),   DAY,          T("x"), /* */
        T("one"), T("1"), null_value(), null_value(),
    };
    test_index(&table, "u", 'c', true, (const char *const[]){"b", NULL});
    stored_make(&stored, &table, rows, 2);
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_expect_str_eq(spec(&plan, 0), "text from any");
    cr_expect(plan.columns[0].widened);
    cr_expect_str_eq(spec(&plan, 1), "text from any");
    cr_expect_str_eq(spec(&plan, 2), "timestamp from iso YYYY-MM-DD HH:MM:SS");
    cr_expect_eq(plan.columns[2].on_mismatch, RF_MISMATCH_WIDEN);
    cr_expect_eq(plan.columns[2].bad_text, RF_BAD_TEXT_SET_ASIDE);
    cr_expect_null(plan.columns[2].asked);
    cr_assert_geq(plan.remark_count, 1);
    cr_expect_str_eq(plan.remarks[0],
                     "table t: column a is text, not bigint; declared INTEGER; holds 1 integer, 1 "
                     "text: row {\"rowid\": 2} has 'one'; 1 and '1' become alike");
    done(&stored, &table);
}

Test(plan_column, values_of_unique_indexes_stay_apart) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    const struct rf_value rows[] = {I(1), I(1), DAY, T("x"), I(2), T("b"), DAY, T("y")};
    test_index(&table, "u", 'c', true, (const char *const[]){"b", NULL});
    stored_make(&stored, &table, rows, 2);
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_expect_str_eq(spec(&plan, 1), "text from any, told apart");
    cr_expect_eq(plan.indexes[0].kind, RF_PLAN_UNIQUE_INDEX);
    done(&stored, &table);
}

static void store_plain(struct stored *stored, struct rf_manifest_table *table) {
    const struct rf_value rows[] = {
        I(1), I(7), DAY, T("x"), /* */
        I(2), I(8), DAY, T("y"),
    };
    stored_make(stored, table, rows, 2);
}

Test(plan_column, excluded_columns_are_left_out_and_cells_keep_their_numbers) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    struct rf_table_rule of_table = {0};
    const struct rf_column_rule columns[] = {{.column = "[bc]", .exclude = RF_CHOICE_YES}};
    store_plain(&stored, &table);
    rule(&stored, &of_table, columns, 1);
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_assert_eq(plan.column_count, 2);
    cr_expect_str_eq(plan.columns[1].source, "d");
    cr_expect_eq(plan.columns[1].cell, 3);
    cr_assert_eq(plan.excluded_count, 2);
    cr_expect_str_eq(plan.excluded[1], "c");
    cr_expect_not(rf_plan_outdated(&plan, &table, &arena));
    strcpy(table.table.columns[2].name, "z");
    cr_expect(rf_plan_outdated(&plan, &table, &arena), "nobody excluded z");
    done(&stored, &table);
}

Test(plan_column, columns_of_the_key_cannot_be_excluded_nor_all_columns) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    struct rf_table_rule of_table = {0};
    struct rf_column_rule columns[] = {{.column = "a", .exclude = RF_CHOICE_YES}};
    test_key(&table, 1, (const uint32_t[]){0});
    store_plain(&stored, &table);
    rule(&stored, &of_table, columns, 1);
    cr_expect_eq(make(&stored, &table, &plan), RF_USAGE);
    cr_expect(strstr(error.what, "column a"), "%s", error.what);
    table.table.key_count = 0;
    columns[0].column = "*";
    cr_expect_eq(make(&stored, &table, &plan), RF_USAGE);
    done(&stored, &table);
}

Test(plan_column, a_key_can_be_given_where_none_is_declared) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    struct rf_table_rule of_table = {.key = (const char *const[]){"d", "a", NULL}};
    store_plain(&stored, &table);
    rule(&stored, &of_table, NULL, 0);
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_expect(plan.key_given);
    cr_assert_eq(plan.key_count, 2);
    cr_expect_eq(plan.key[0], 3);
    cr_expect_eq(plan.columns[0].key_part, 2);
    cr_expect(plan.columns[3].not_null);
    cr_expect_eq(plan.indexes[0].kind, RF_PLAN_PRIMARY_KEY);
    cr_expect_not(rf_plan_outdated(&plan, &table, &arena));
    table.table.key_count = 1;
    cr_expect(rf_plan_outdated(&plan, &table, &arena), "it declares one by now");
    table.table.key_count = 0;
    table.census[0].count[RF_NULL] = 1;
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_expect_eq(plan.indexes[0].kind, RF_PLAN_UNIQUE, "with a NULL it is none");
    cr_expect_not(plan.columns[3].not_null);
    of_table.key = (const char *const[]){"d", "nope", NULL};
    cr_expect_eq(make(&stored, &table, &plan), RF_USAGE);
    cr_expect(strstr(error.what, "nope"), "%s", error.what);
    of_table.key = (const char *const[]){"d", "d", NULL};
    cr_expect_eq(make(&stored, &table, &plan), RF_USAGE);
    done(&stored, &table);
}

Test(plan_column, a_declared_key_stands_against_a_given_one) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    struct rf_table_rule of_table = {.key = (const char *const[]){"d", NULL}};
    test_key(&table, 1, (const uint32_t[]){0});
    store_plain(&stored, &table);
    rule(&stored, &of_table, NULL, 0);
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_expect_not(plan.key_given);
    cr_expect_eq(plan.key[0], 0);
    cr_assert_geq(plan.remark_count, 1);
    cr_expect(strstr(plan.remarks[0], "declares a primary key"), "%s", plan.remarks[0]);
    done(&stored, &table);
}

/* ---- what no longer holds ---- */

Test(plan_column, too_narrow_by_the_census_or_not_to_be_told_by_it) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    struct rf_plan_narrow narrow;
    table.table.columns[3].not_null = true;
    store_plain(&stored, &table);
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_assert_eq(rf_plan_too_narrow(&plan, &table, &arena, &narrow, &error), RF_OK);
    cr_expect_eq(narrow.count, 0);
    cr_assert_eq(narrow.unsure_count, 1, "only rows tell of dates");
    cr_expect_eq(narrow.unsure[0], 2);
    table.census[0].count[RF_TEXT] = 1;
    table.census[3].count[RF_NULL] = 1;
    table.census[3].text_with_nul = 1;
    cr_assert_eq(rf_plan_too_narrow(&plan, &table, &arena, &narrow, &error), RF_OK);
    cr_assert_eq(narrow.count, 2);
    cr_expect_eq(narrow.columns[0], 0);
    cr_expect_eq(narrow.columns[1], 3);
    plan.columns[0].on_mismatch = RF_MISMATCH_SET_ASIDE;
    table.census[3].count[RF_NULL] = 0;
    cr_assert_eq(rf_plan_too_narrow(&plan, &table, &arena, &narrow, &error), RF_OK);
    cr_expect_eq(narrow.count, 0, "bad text and other policies widen nothing");
    plan.columns[3].bad_text = RF_BAD_TEXT_BYTEA;
    cr_assert_eq(rf_plan_too_narrow(&plan, &table, &arena, &narrow, &error), RF_OK);
    cr_expect_eq(narrow.count, 1, "but where it makes the column bytea");
    done(&stored, &table);
}

Test(plan_column, widening_changes_what_has_to_and_nothing_else) {
    struct rf_manifest_table before = four_columns(), after = four_columns();
    struct stored old, new;
    struct rf_plan plan, wide;
    struct rf_plan_narrow narrow;
    bool widened;
    const struct rf_value rows[] = {
        I(1),         I(7),   T("soon"), T("x"), /* */
        null_value(), T("b"), DAY,       T("y"),
    };
    test_key(&before, 1, (const uint32_t[]){0});
    test_key(&after, 1, (const uint32_t[]){0});
    store_plain(&old, &before);
    stored_make(&new, &after, rows, 2);
    cr_assert_eq(make(&old, &before, &plan), RF_OK, "%s", error.what);
    cr_assert_eq(rf_plan_too_narrow(&plan, &after, &arena, &narrow, &error), RF_OK);
    cr_expect_eq(narrow.count, 2);
    const struct rf_plan_request request = {.run = &new.run, .source = &after};
    const uint32_t columns[] = {0, 1, 2, 3};
    cr_assert_eq(rf_plan_widen(&request, &plan, columns, 4, &arena, &wide, &widened, &error), RF_OK,
                 "%s", error.what);
    cr_expect(widened);
    cr_expect_str_eq(spec(&wide, 0), "bigint");
    cr_expect_not(wide.columns[0].not_null);
    cr_expect(plan.columns[0].not_null, "the standing plan is untouched");
    cr_expect_str_eq(spec(&wide, 1), "text from any");
    cr_expect_str_eq(spec(&wide, 2), "text");
    cr_expect_str_eq(spec(&plan, 2), "timestamp from iso YYYY-MM-DD HH:MM:SS");
    cr_expect_eq(wide.columns[3].conversion, plan.columns[3].conversion);
    cr_expect_eq(wide.columns[3].reason, plan.columns[3].reason);
    cr_assert_eq(wide.remark_count, 3);
    cr_expect_str_eq(wide.remarks[0],
                     "table t: column b is text, not bigint; no declared type; holds 1 integer, 1 "
                     "text; 1 and '1' become alike");
    cr_assert_eq(rf_plan_list_indexes(&after, false, &arena, &wide, &error), RF_OK);
    cr_expect_eq(wide.indexes[0].kind, RF_PLAN_UNIQUE, "a primary key would not take the NULL");
    cr_assert_eq(rf_plan_widen(&request, &wide, columns, 4, &arena, &plan, &widened, &error),
                 RF_OK);
    cr_expect_not(widened, "it holds all now");
    stored_free(&old);
    rf_manifest_table_release(&before);
    done(&new, &after);
}

/* ---- what the rules say by now ---- */

static uint32_t dispute(struct stored *stored, const struct rf_plan *plan,
                        const struct rf_manifest_table *table, const char ***lines) {
    uint32_t count;
    enum rf_code code =
        rf_plan_disagrees(plan, table, &stored->rules, &arena, &count, lines, &error);
    cr_assert_eq(code, RF_OK, "%s", error.what);
    return count;
}

Test(plan_column, rules_that_say_something_else_are_told) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    const char **lines;
    struct rf_table_rule of_table = {0};
    struct rf_column_rule columns[] = {
        {.column = "a", .type = " numeric( 10,2 )", .on_mismatch = RF_MISMATCH_NULL},
        {.column = "d", .bad_text = RF_BAD_TEXT_STRIP},
    };
    store_plain(&stored, &table);
    rule(&stored, &of_table, columns, COUNT(columns));
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_expect_str_eq(plan.columns[0].asked, "numeric(10,2)");
    cr_expect_eq(dispute(&stored, &plan, &table, &lines), 0);
    columns[0].type = "numeric(10,2)";
    cr_expect_eq(dispute(&stored, &plan, &table, &lines), 0, "it is the same");
    stored.rules.table_count = 0;
    cr_expect_eq(dispute(&stored, &plan, &table, &lines), 0, "what is not said does not count");
    stored.rules.table_count = 1;
    columns[0].type = "text";
    columns[0].on_mismatch = RF_MISMATCH_FAIL;
    columns[1] = (struct rf_column_rule){.column = "[bd]", .exclude = RF_CHOICE_YES};
    of_table.rename = "other";
    of_table.key = (const char *const[]){"a", NULL};
    cr_assert_eq(dispute(&stored, &plan, &table, &lines), 6);
    cr_expect_str_eq(lines[0], "name other is asked for, it is t");
    cr_expect_str_eq(lines[1], "another key is asked for than the table has");
    cr_expect_str_eq(lines[2], "column a: on_mismatch fail is asked for, it is null");
    cr_expect_str_eq(lines[3], "column a: type text is asked for, it is numeric(10,2)");
    cr_expect_str_eq(lines[4], "column b: it is to be excluded, and is there");
    done(&stored, &table);
}

/* The rows forced another type than was asked for; asking for it again is no dispute. */
Test(plan_column, a_type_that_was_widened_is_not_disputed) {
    struct rf_manifest_table table = four_columns();
    struct stored stored;
    struct rf_plan plan;
    const char **lines;
    struct rf_table_rule of_table = {0};
    struct rf_column_rule columns[] = {{.column = "d", .type = "varchar(3)"}};
    const struct rf_value rows[] = {I(1), I(2), DAY, T("longer")};
    stored_make(&stored, &table, rows, 1);
    rule(&stored, &of_table, columns, 1);
    cr_assert_eq(make(&stored, &table, &plan), RF_OK, "%s", error.what);
    cr_expect_str_eq(spec(&plan, 3), "text");
    cr_expect_eq(dispute(&stored, &plan, &table, &lines), 0);
    columns[0].type = "varchar(4)";
    cr_expect_eq(dispute(&stored, &plan, &table, &lines), 1);
    columns[0].type = "varchar(";
    uint32_t count;
    cr_expect_eq(rf_plan_disagrees(&plan, &table, &stored.rules, &arena, &count, &lines, &error),
                 RF_USAGE);
    done(&stored, &table);
}
