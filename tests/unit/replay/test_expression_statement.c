/* If these fail, constraints are lost on the way, or stand in the target under another's name.
 * test_expressions.py compares many more statements with SQLite's own pragmas. */
#include "replay/expression_statement.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct rf_arena arena;

static void release(void) {
    rf_arena_release(&arena);
}

Test(expression_statement, a_table_with_every_kind_of_constraint, .fini = release) {
    struct rf_statement_table found;
    const char *refusal = rf_statement_table(
        "CREATE TABLE [the \"orders\"] (\n"
        "  id INTEGER PRIMARY KEY, -- CHECK (never)\n"
        "  `a b` TEXT DEFAULT 'x'')' /* DEFAULT 2 */"
        "     CONSTRAINT \"not long\" CHECK (length(`a b`) < 9),\n"
        "  total GENERATED ALWAYS AS (id * (2)) STORED CHECK(total>0)CHECK(')'<>'('),\n"
        "  boss INT REFERENCES staff(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,\n"
        "  CONSTRAINT pair FOREIGN KEY (id, boss) REFERENCES other\n"
        "  CHECK (id <> boss)) WITHOUT ROWID",
        &arena, &found);
    cr_assert_null(refusal, "%s", refusal);
    cr_assert_eq(found.column_count, 4);
    cr_expect_str_eq(found.columns[1].name, "a b");
    cr_expect_str_eq(found.columns[1].default_text, "'x'')'");
    cr_expect_null(found.columns[0].default_text);
    cr_expect_str_eq(found.columns[2].generated, "id * (2)");
    cr_expect(found.columns[2].stored);
    cr_assert_eq(found.check_count, 4);
    cr_expect_str_eq(found.checks[0].name, "not long");
    cr_expect_str_eq(found.checks[0].text, "length(`a b`) < 9");
    cr_expect_eq(found.checks[0].column, 1);
    cr_expect_null(found.checks[1].name);
    cr_expect_str_eq(found.checks[2].text, "')'<>'('");
    cr_expect_str_eq(found.checks[3].name, "pair");
    cr_expect_eq(found.checks[3].column, -1);
    cr_assert_eq(found.foreign_key_count, 2);
    cr_expect_str_eq(found.foreign_keys[0].parent, "staff");
    cr_expect(found.foreign_keys[0].deferrable && found.foreign_keys[0].initially_deferred);
    cr_expect_str_eq(found.foreign_keys[1].name, "pair");
    cr_assert_eq(found.foreign_keys[1].column_count, 2);
    cr_expect_str_eq(found.foreign_keys[1].columns[1], "boss");
    cr_expect_not(found.foreign_keys[1].deferrable);
}

Test(expression_statement, an_index_with_expressions_and_a_predicate, .fini = release) {
    struct rf_statement_index found;
    const char *refusal =
        rf_statement_index("CREATE UNIQUE INDEX i ON t (a DESC, lower(b, ',') COLLATE "
                           "nocase ASC, desc) WHERE a > 1 -- why\n AND b",
                           &arena, &found);
    cr_assert_null(refusal, "%s", refusal);
    cr_assert_eq(found.part_count, 3);
    cr_expect_str_eq(found.parts[0].text, "a");
    cr_expect(found.parts[0].descending);
    cr_expect_str_eq(found.parts[1].text, "lower(b, ',') COLLATE nocase");
    cr_expect_not(found.parts[1].descending);
    cr_expect_str_eq(found.parts[2].text, "desc");
    cr_expect_str_eq(found.predicate, "a > 1 -- why\n AND b");
}

Test(expression_statement, what_is_not_understood_is_said, .fini = release) {
    static const char *const statements[] = {
        "",
        "CREATE",
        "CREATE TABLE",
        "CREATE TABLE t(",
        "CREATE TABLE t(a CHECK(",
        "CREATE TABLE t(a CHECK(((((",
        "CREATE TABLE t(a DEFAULT",
        "CREATE TABLE t(a 'open",
        "CREATE TABLE t(a, CONSTRAINT",
        "CREATE TABLE t(a, FOREIGN KEY (",
        "CREATE TABLE t(a REFERENCES",
        "CREATE VIRTUAL TABLE t USING rtree(id, x, y)",
        "CREATE VIEW v AS SELECT 1",
        "\xff\xfe\x01",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        struct rf_statement_table table;
        struct rf_statement_index index;
        cr_expect_not_null(rf_statement_table(statements[i], &arena, &table), "%s", statements[i]);
        cr_expect_not_null(rf_statement_index(statements[i], &arena, &index), "%s", statements[i]);
    }
}

/* SQLite's own bound of columns, and far more parentheses than anything could follow
 * recursively. */
Test(expression_statement, size_is_no_matter, .fini = release) {
    size_t room = 2000000;
    char *sql = malloc(room);
    cr_assert_not_null(sql);
    char *at = stpcpy(sql, "CREATE TABLE t(c");
    for (int i = 1; i < 32767; i++) {
        at = stpcpy(at, ",c DEFAULT(1)CHECK(c)");
    }
    strcpy(at, ")");
    struct rf_statement_table table;
    cr_expect_null(rf_statement_table(sql, &arena, &table));
    cr_expect_eq(table.column_count, 32767);
    cr_expect_eq(table.check_count, 32766);
    at = stpcpy(sql, "CREATE INDEX i ON t(");
    memset(at, '(', room / 2 - 100);
    memset(at + room / 2 - 100, ')', room / 2 - 100);
    strcpy(at + room - 200, ")");
    struct rf_statement_index index;
    cr_expect_null(rf_statement_index(sql, &arena, &index));
    cr_expect_eq(index.part_count, 1);
    free(sql);
}

Test(expression_statement, want_of_memory_ends_it) {
    struct rf_arena full = {.failed = true};
    struct rf_statement_table table;
    struct rf_statement_index index;
    cr_expect_not_null(
        rf_statement_table("CREATE TABLE t(a DEFAULT 1 CHECK (a), b)", &full, &table));
    cr_expect_not_null(rf_statement_index("CREATE INDEX i ON t(a, b) WHERE c", &full, &index));
}
