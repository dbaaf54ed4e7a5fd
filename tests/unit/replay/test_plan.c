/* If these fail, tables come out with other columns, keys or indexes than the source has, or a name
 * in them is read as SQL. */
#include "replay/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#include "replay/gone_sql.h"
#include "rows.h"

static struct rf_arena arena;
static struct rf_names names;
static struct rf_plan plan;

static void make(const struct rf_manifest_table *table) {
    struct rf_error error;
    rf_names_init(&names, &arena);
    const struct rf_plan_request request = {.source = table, .names = &names};
    cr_assert_eq(rf_plan_make(&request, &arena, &plan, &error), RF_OK, "%s", error.what);
}

static void done(struct rf_manifest_table *table) {
    rf_manifest_table_release(table);
    rf_arena_release(&arena);
}

static void expect_sql(struct rf_buffer *sql, const char *expected) {
    rf_buffer_u8(sql, 0);
    cr_expect_str_eq((const char *)sql->bytes, expected);
    rf_buffer_release(sql);
}

/* CREATE TABLE "Order Lines"(id INTEGER, "no""1" TEXT NOT NULL, x REAL, PRIMARY KEY("no""1", id))
 */
static struct rf_manifest_table order_lines(void) {
    struct rf_manifest_table table = test_table("Order Lines", 3);
    test_column(&table, 0, "id", "INTEGER");
    test_column(&table, 1, "no\"1", "TEXT");
    test_column(&table, 2, "x", "REAL");
    table.table.columns[1].not_null = true;
    test_key(&table, 2, (const uint32_t[]){1, 0});
    test_census(&table, 0, 0, 5, 0, 0, 0);
    test_census(&table, 1, 0, 0, 0, 5, 0);
    test_census(&table, 2, 5, 0, 0, 0, 0);
    return table;
}

Test(plan, statements) {
    struct rf_manifest_table table = order_lines();
    test_index(&table, "by x", 'c', false, (const char *const[]){"x", "id", NULL});
    table.table.indexes[0].parts[0].descending = true;
    make(&table);
    struct rf_buffer sql = {0};
    rf_plan_create_table(&plan, "s", true, &sql);
    expect_sql(&sql, "CREATE TABLE \"s\".\"Order Lines\" (\"id\" bigint NOT NULL, "
                     "\"no\"\"1\" text NOT NULL, \"x\" double precision)");
    rf_plan_copy_in(&plan, "s", true, &sql);
    expect_sql(&sql, "COPY \"s\".\"Order Lines\" (\"id\", \"no\"\"1\", \"x\") FROM STDIN "
                     "(FORMAT binary, FREEZE true)");
    rf_plan_copy_out(&plan, "s", &sql);
    expect_sql(&sql, "COPY \"s\".\"Order Lines\" (\"id\", \"no\"\"1\", \"x\") TO STDOUT "
                     "(FORMAT binary)");
    cr_assert_eq(plan.index_count, 2);
    rf_plan_create_index(&plan, &plan.indexes[0], "s", &sql);
    expect_sql(&sql, "CREATE UNIQUE INDEX \"Order Lines_pkey\" ON \"s\".\"Order Lines\" "
                     "(\"no\"\"1\", \"id\")");
    rf_plan_attach_constraint(&plan, &plan.indexes[0], "s", &sql);
    expect_sql(&sql, "ALTER TABLE \"s\".\"Order Lines\" ADD CONSTRAINT \"Order Lines_pkey\" "
                     "PRIMARY KEY USING INDEX \"Order Lines_pkey\"");
    rf_plan_drop_index(&plan, &plan.indexes[0], "s", &sql);
    expect_sql(&sql, "ALTER TABLE \"s\".\"Order Lines\" DROP CONSTRAINT IF EXISTS "
                     "\"Order Lines_pkey\"");
    rf_plan_create_index(&plan, &plan.indexes[1], "s", &sql);
    expect_sql(&sql,
               "CREATE INDEX \"by x\" ON \"s\".\"Order Lines\" (\"x\" DESC NULLS LAST, \"id\")");
    rf_plan_attach_constraint(&plan, &plan.indexes[1], "s", &sql);
    expect_sql(&sql, "");
    rf_plan_drop_index(&plan, &plan.indexes[1], "s", &sql);
    expect_sql(&sql, "DROP INDEX IF EXISTS \"s\".\"by x\"");
    done(&table);
}

Test(plan, statements_about_rows_that_are_gone) {
    struct rf_manifest_table table = order_lines();
    make(&table);
    struct rf_buffer sql = {0};
    rf_gone_create(&plan, RF_GONE_KEY, true, &sql);
    expect_sql(&sql, "CREATE TEMPORARY TABLE pg_temp.rowferry_gone (c1 text, c2 bigint, h bytea) "
                     "ON COMMIT DROP");
    rf_gone_copy_in(&plan, RF_GONE_KEY, false, &sql);
    expect_sql(&sql, "COPY pg_temp.rowferry_gone (c1, c2) FROM STDIN (FORMAT binary)");
    rf_gone_create(&plan, RF_GONE_ROW, false, &sql);
    expect_sql(&sql, "CREATE TEMPORARY TABLE pg_temp.rowferry_gone (c1 bigint, c2 text, "
                     "c3 double precision) ON COMMIT DROP");
    rf_gone_delete_keys(&plan, "s", &sql);
    expect_sql(&sql, "DELETE FROM ONLY \"s\".\"Order Lines\" AS t USING pg_temp.rowferry_gone AS d "
                     "WHERE t.\"no\"\"1\" = d.c1 AND t.\"id\" = d.c2");
    rf_gone_delete_rows(&plan, "s", &sql);
    rf_buffer_u8(&sql, 0);
    const char *text = (const char *)sql.bytes;
    cr_expect(strstr(text, "DELETE FROM ONLY \"s\".\"Order Lines\"\n"));
    cr_expect(strstr(text, "record_send(ROW(t.\"id\", t.\"no\"\"1\", t.\"x\"))"));
    cr_expect(strstr(text, "record_send(ROW(d.c1, d.c2, d.c3))"));
    cr_expect(strstr(text, "coalesce(hashint8extended(t.\"id\", 1), 0) # "
                           "coalesce(hashtextextended(t.\"no\"\"1\", 2), 0)"));
    cr_expect_null(strchr(text, '{'));
    rf_buffer_release(&sql);
    done(&table);
}

/* The statement that deletes rows like those in the list, in the table's own memory. */
static const char *delete_rows(struct rf_buffer *sql) {
    rf_buffer_clear(sql);
    rf_gone_delete_rows(&plan, "s", sql);
    rf_buffer_u8(sql, 0);
    return (const char *)sql->bytes;
}

Test(plan, rows_that_are_gone_are_found_by_an_index) {
    struct rf_manifest_table table = order_lines();
    test_index(&table, "by x", 'c', false, (const char *const[]){"x", "id", NULL});
    make(&table);
    struct rf_buffer sql = {0};
    const char *by_key = "t.\"no\"\"1\" IN (SELECT d.c2 FROM pg_temp.rowferry_gone AS d) AND ";
    const char *by_x = "t.\"x\" IN (SELECT d.c3 FROM pg_temp.rowferry_gone AS d) AND ";
    cr_expect(strstr(delete_rows(&sql), by_key), "a unique one leads to the fewest");
    cr_expect_null(strstr(delete_rows(&sql), "UNION ALL"), "a column that is NOT NULL");
    plan.indexes[0].stands = false;
    cr_expect(strstr(delete_rows(&sql), by_x));
    cr_expect(strstr(delete_rows(&sql), " UNION ALL "));
    cr_expect(strstr(delete_rows(&sql), "t.\"x\" IS NULL AND EXISTS (SELECT FROM "
                                        "pg_temp.rowferry_gone AS d WHERE d.c3 IS NULL) AND "));
    plan.indexes[1].predicate = "\"x\" > 0";
    cr_expect_null(strstr(delete_rows(&sql), " IS NULL AND "), "it does not have every row");
    plan.indexes[1].predicate = NULL;
    plan.indexes[1].expressions = true;
    cr_expect_null(strstr(delete_rows(&sql), " IS NULL AND "));
    plan.indexes[1].expressions = false;
    plan.columns[2].generated_sql = "1";
    cr_expect_null(strstr(delete_rows(&sql), " IS NULL AND "), "the list does not have the column");
    plan.columns[2].generated_sql = NULL;
    plan.owned = false;
    cr_expect_null(strstr(delete_rows(&sql), " IS NULL AND "), "its types may be others");
    rf_buffer_release(&sql);
    done(&table);
}

Test(plan, a_key_that_holds_null_is_no_primary_key) {
    struct rf_manifest_table table = order_lines();
    test_census(&table, 0, 1, 4, 0, 0, 0);
    make(&table);
    cr_expect_not(plan.columns[0].not_null);
    cr_expect(plan.columns[1].not_null, "declared so");
    cr_assert_eq(plan.index_count, 1);
    cr_expect_eq(plan.indexes[0].kind, RF_PLAN_UNIQUE);
    cr_expect_str_eq(plan.indexes[0].name, "Order Lines_no\"1_id_key");
    done(&table);
}

Test(plan, a_not_null_that_does_not_hold_is_not_promised) {
    struct rf_manifest_table table = order_lines();
    table.table.columns[2].not_null = true;
    make(&table);
    cr_expect_not(plan.columns[2].not_null, "it holds 5 NULLs");
    done(&table);
}

Test(plan, which_indexes_are_carried) {
    struct rf_manifest_table table = order_lines();
    const char *const x[] = {"x", NULL}, *const twice[] = {"x", "x", NULL},
                      *const expression[] = {"", NULL}, *const key[] = {"no\"1", "id", NULL};
    test_index(&table, "sqlite_autoindex_1", 'p', true, key);
    test_index(&table, "sqlite_autoindex_2", 'u', true, x);
    test_index(&table, "sqlite_autoindex_3", 'u', true, key);
    test_index(&table, "plain", 'c', false, twice);
    test_index(&table, "nocase", 'c', true, x);
    test_index(&table, "expr", 'c', false, expression);
    test_index(&table, "partial", 'c', true, x);
    strcpy(table.table.indexes[4].parts[0].collation, "NOCASE");
    table.table.indexes[5].sql = strdup("CREATE INDEX expr ON \"Order Lines\"(randomblob(x))");
    table.table.indexes[6].partial = true;
    table.table.indexes[6].sql =
        strdup("CREATE UNIQUE INDEX partial ON \"Order Lines\"(x) WHERE id IS NOT NULL");
    make(&table);
    cr_assert_eq(plan.index_count, 6);
    cr_expect_eq(plan.indexes[1].kind, RF_PLAN_UNIQUE);
    cr_expect_str_eq(plan.indexes[1].name, "Order Lines_x_key");
    cr_expect_str_eq(plan.indexes[1].parts, "\"x\"", "a constraint keeps the server's own order");
    cr_expect_eq(plan.indexes[2].kind, RF_PLAN_INDEX);
    cr_expect_eq(plan.indexes[2].column_count, 1);
    cr_expect_str_eq(plan.indexes[2].parts, "\"x\" NULLS FIRST");
    cr_expect_eq(plan.indexes[3].kind, RF_PLAN_UNIQUE_INDEX);
    cr_expect_str_eq(plan.indexes[3].parts, "\"x\" NULLS FIRST", "numbers have no case");
    cr_expect_not(plan.indexes[4].stands);
    cr_expect_str_eq(plan.indexes[4].parts, "CREATE INDEX expr ON \"Order Lines\"(randomblob(x))");
    cr_expect(plan.indexes[5].stands);
    cr_expect_not_null(plan.indexes[5].predicate);
    cr_assert_eq(plan.remark_count, 1);
    cr_expect(strstr(plan.remarks[0], "table Order Lines: index expr is not carried over: "));
    cr_expect(strstr(plan.remarks[0], "randomblob(x)"));
    done(&table);
}

/* The lower-cased text is unique, no more and no less; the key itself stays one. */
Test(plan, a_key_without_regard_to_case) {
    struct rf_manifest_table table = test_table("people", 2);
    test_column(&table, 0, "name", "TEXT");
    test_column(&table, 1, "mail", "TEXT");
    test_census(&table, 0, 0, 0, 0, 2, 0);
    test_census(&table, 1, 0, 0, 0, 2, 0);
    test_key(&table, 1, (const uint32_t[]){0});
    const char *const name[] = {"name", NULL}, *const mail[] = {"mail", NULL};
    struct rf_index *key = test_index(&table, "sqlite_autoindex_1", 'p', true, name);
    strcpy(key->parts[0].collation, "NOCASE");
    struct rf_index *unique = test_index(&table, "sqlite_autoindex_2", 'u', true, mail);
    strcpy(unique->parts[0].collation, "NOCASE");
    make(&table);
    cr_assert_eq(plan.index_count, 3);
    cr_expect_eq(plan.indexes[0].kind, RF_PLAN_PRIMARY_KEY);
    cr_expect_str_eq(plan.indexes[0].parts, "\"name\"");
    for (int i = 1; i < 3; i++) {
        cr_expect_eq(plan.indexes[i].kind, RF_PLAN_UNIQUE_INDEX);
        cr_expect(plan.indexes[i].expressions);
        cr_expect(plan.indexes[i].stands);
        cr_expect(strstr(plan.indexes[i].parts, "COLLATE \"C\""), "%s", plan.indexes[i].parts);
    }
    cr_expect_str_eq(plan.indexes[1].name, "people_name_key");
    cr_expect_str_eq(plan.indexes[2].name, "people_mail_key");
    cr_expect_eq(plan.remark_count, 0);
    done(&table);
}

Test(plan, what_an_index_that_is_not_carried_says) {
    struct rf_manifest_table table = order_lines();
    test_index(&table, "own", 'c', true, (const char *const[]){"no\"1", NULL});
    free(table.table.indexes[0].parts[0].collation);
    table.table.indexes[0].parts[0].collation = strdup("GERMAN");
    test_index(&table, "lost", 'c', true, (const char *const[]){"", NULL});
    test_index(&table, "partial", 'c', true, (const char *const[]){"x", NULL});
    table.table.indexes[2].partial = true;
    table.table.indexes[2].sql = strdup("CREATE INDEX partial ON t(x) WHERE x > random()");
    test_index(&table, "cut", 'c', true, (const char *const[]){"x", NULL});
    table.table.indexes[3].partial = true;
    table.table.indexes[3].sql = strdup("CREATE INDEX cut ON t(x) WHERE");
    make(&table);
    cr_assert_eq(plan.index_count, 5);
    cr_expect_eq(plan.remark_count, 4);
    for (uint32_t i = 1; i < 5; i++) {
        cr_expect_not(plan.indexes[i].stands, "%s", plan.indexes[i].wanted);
        cr_expect_not_null(plan.indexes[i].refusal);
        cr_expect_null(plan.indexes[i].predicate);
    }
    done(&table);
}

/* The table was made when the index was not there yet. */
Test(plan, a_later_unique_index_on_blurred_values_is_not_unique) {
    struct rf_error error;
    struct rf_manifest_table table = test_table("t", 1);
    test_column(&table, 0, "a", NULL);
    test_census(&table, 0, 0, 1, 0, 1, 0);
    make(&table);
    test_index(&table, "u", 'c', true, (const char *const[]){"a", NULL});
    cr_assert_eq(rf_plan_list_indexes(&table, false, &arena, &plan, &error), RF_OK);
    cr_assert_eq(plan.index_count, 1);
    cr_expect_eq(plan.indexes[0].kind, RF_PLAN_INDEX);
    cr_expect_eq(plan.remark_count, 1);
    done(&table);
}

Test(plan, is_outdated_when_the_declaration_changed) {
    struct rf_manifest_table table = order_lines();
    make(&table);
    cr_expect_not(rf_plan_outdated(&plan, &table, &arena));
    test_census(&table, 2, 0, 0, 0, 5, 0);
    cr_expect_not(rf_plan_outdated(&plan, &table, &arena), "a census changes nothing");
    table.table.columns[2].not_null = true;
    cr_expect(rf_plan_outdated(&plan, &table, &arena), "it is to be NOT NULL");
    table.census[2].count[RF_NULL] = 1;
    cr_expect_not(rf_plan_outdated(&plan, &table, &arena), "it would not hold");
    table.table.columns[1].not_null = false;
    cr_expect_not(rf_plan_outdated(&plan, &table, &arena), "it is in the key");
    strcpy(table.table.columns[2].declared, "TEXT");
    cr_expect(rf_plan_outdated(&plan, &table, &arena));
    done(&table);
}

Test(plan, is_outdated_when_not_null_was_dropped) {
    struct rf_manifest_table table = test_table("t", 1);
    test_column(&table, 0, "a", "TEXT");
    table.table.columns[0].not_null = true;
    make(&table);
    cr_expect(plan.columns[0].not_null);
    table.table.columns[0].not_null = false;
    cr_expect(rf_plan_outdated(&plan, &table, &arena));
    done(&table);
}
