/* If these fail, a value is taken for one that looks nothing up and stays as it was when the joined
 * table changes, or tables are filled before what they join. */
#include <criterion/criterion.h>
#include <string.h>

#include "replay/computed.h"
#include "replay/computed_join.h"
#include "replay/computed_names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(computed, names_in_sql) {
    const struct {
        const char *sql, *name;
        bool mentions;
    } cases[] = {
        {"e.stream", "e", true},
        {"e.stream", "stream", true},
        {"e.stream", "tream", false},
        {"E.Stream", "e", true},
        {"E.Stream", "E", false},
        {"\"E\".x", "E", true},
        {"\"E\".x", "e", false},
        {"\"a\"\"b\"", "a\"b", true},
        {"\"a\"\"b\"", "a", false},
        {"\"a b\"", "a b", true},
        {"ee.x || fe", "e", false},
        {"'e.stream'", "e", false},
        {"'it''s e'", "e", false},
        {"'\\' || e.x || '", "e", true},
        {"E'\\' e.x' || f", "e", false},
        {"E'\\' e.x' || f", "f", true},
        {"e'x'", "e", false},
        {"N'e'", "e", false},
        {"-- e.x\n1", "e", false},
        {"-- f\ne.x", "e", true},
        {"/* e /* e */ e */ f", "e", false},
        {"/* e /* e */ e */ f", "f", true},
        {"$$e.x$$ || f", "e", false},
        {"$q$e.x $$ $q$ || f", "e", false},
        {"$q$e.x $$ $q$ || f", "f", true},
        {"a$e$b", "e", false},
        {"$1 + e", "e", true},
        {"1e5", "f", false},
        {"x::e.t", "e", true},
        {"U&\"d\\0061t\" + 1", "anything", true},
        {"u&\"e\"", "f", true},
        {"\xc3\xa9t\xc3\xa9 + 1", "\xc3\xa9t\xc3\xa9", true},
        {"a12345678901234567890123456789012345678901234567890123456789012345", "b", true},
        {"'never closed e", "e", false},
        {"\"never closed", "never closed", true},
        {"/* never closed e", "e", false},
        {"$q$ never closed e", "e", false},
        {"", "e", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(rf_sql_mentions(cases[i].sql, cases[i].name), cases[i].mentions, "%s: %s",
                     cases[i].sql, cases[i].name);
    }
}

Test(computed, whole_rows_in_sql) {
    const struct {
        const char *sql;
        bool whole;
    } cases[] = {
        {"source.a + source . \"b\"", false},
        {"row_to_json(source)", true},
        {"source.*", true},
        {"(source).a", true},
        {"resource + 'source'", false},
        {"SOURCE", true},
        {"source", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_eq(rf_sql_mentions_row(cases[i].sql, "source"), cases[i].whole, "%s",
                     cases[i].sql);
    }
}

static struct rf_joining joining(const char *relation, const char *const *joined, uint32_t count) {
    return (struct rf_joining){.relation = relation, .joined = joined, .count = count};
}

Test(computed, tables_come_behind_those_that_they_join) {
    const char *const b[] = {"b"}, *const c_and_x[] = {"c", "x"};
    const struct rf_joining tables[] = {joining("a", b, 1), joining("b", c_and_x, 2),
                                        joining("c", NULL, 0), joining("d", NULL, 0)};
    const uint32_t wanted[] = {2, 3, 1, 0};
    uint32_t order[4], stuck = 9;
    cr_assert(rf_joining_order(tables, 4, order, &stuck));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        cr_expect_eq(order[i], wanted[i], "place %zu has table %u", i, order[i]);
    }
}

Test(computed, circles_of_joins_are_found) {
    const char *const b[] = {"b"}, *const c[] = {"c"}, *const a[] = {"a"};
    const struct rf_joining circle[] = {joining("a", b, 1), joining("b", c, 1), joining("c", a, 1),
                                        joining("d", NULL, 0)};
    const struct rf_joining itself[] = {joining("a", a, 1)};
    uint32_t order[4], stuck = 9;
    cr_expect_not(rf_joining_order(circle, 4, order, &stuck));
    cr_expect(stuck < 3);
    cr_expect_not(rf_joining_order(itself, 1, order, &stuck));
    cr_expect_eq(stuck, 0);
    cr_expect(rf_joining_order(circle, 0, order, &stuck));
}

static struct rf_plan_target values[] = {
    {.name = "to \"a\"", .sql = "source.\"a b\"", .plain = true, .column = 0},
    {.name = "v", .sql = "lower(c) -- hm"},
    {.name = "j", .sql = "e.x", .joined = true},
};
static struct rf_plan_join joins[] = {{.relation = "other", .alias = "e", .on = "e.id = \"a b\""}};
static const struct rf_conversion text = {.type = "text"};
static struct rf_plan_column columns[] = {
    {.source = "a b", .name = "a b", .conversion = &text},
    {.source = "c", .name = "c", .conversion = &text},
};

static void expect_sql(struct rf_buffer *sql, const char *wanted) {
    rf_buffer_u8(sql, 0);
    cr_expect_str_eq((const char *)sql->bytes, wanted);
    rf_buffer_release(sql);
}

Test(computed, statements) {
    struct rf_plan_computed computed = {
        .target_count = 3, .targets = values, .join_count = 1, .joins = joins, .where = "c <> ''"};
    const struct rf_plan plan = {
        .relation = "re\"l", .computed = &computed, .column_count = 2, .columns = columns};
    struct rf_buffer sql = {0};
    rf_computed_stage(&plan, &sql);
    expect_sql(&sql, "CREATE TEMPORARY TABLE \"pg_temp\".\"re\"\"l\" (\"a b\" text, \"c\" text) "
                     "ON COMMIT DROP");
    rf_computed_insert(&plan, "s", &sql);
    expect_sql(&sql,
               "INSERT INTO \"s\".\"re\"\"l\" (\"to \"\"a\"\"\", \"v\", \"j\") OVERRIDING SYSTEM "
               "VALUE SELECT (source.\"a b\"\n) AS \"to \"\"a\"\"\", (lower(c) -- hm\n) AS \"v\", "
               "(e.x\n) AS \"j\" FROM (SELECT * FROM \"pg_temp\".\"re\"\"l\" AS source WHERE (c <> "
               "''\n)) AS source LEFT JOIN \"s\".\"other\" AS \"e\" ON (e.id = \"a b\"\n)");
    computed.where = NULL;
    rf_computed_count(&plan, &sql);
    expect_sql(&sql, "SELECT count(*) FROM \"pg_temp\".\"re\"\"l\" AS source");
    cr_expect_str_eq(rf_plan_goes_to(&plan, 0), "to \"a\"");
    cr_expect_null(rf_plan_goes_to(&plan, 1));
    cr_expect(rf_computed_refreshes(&plan));
    joins[0].on = "e.id = c";
    cr_expect_not(rf_computed_refreshes(&plan), "c is not in the table");
}
