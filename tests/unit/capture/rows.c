/* The scan: every value with its class and bytes, in the order that archives want, from the table
 * itself. */
#include "capture/row_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/columns.h"
#include "capture/schema.h"
#include "fixture.h"
#include "format/value.h"

static struct fixture fixture;

static void begin(void) {
    fixture_begin(&fixture);
}

static void end(void) {
    fixture_end(&fixture);
}

TestSuite(rows, .init = begin, .fini = end);

/* Captured, and found in the repository as a plain query has it: fixture_capture compares. */
static void expect_captured(const char *table, uint64_t rows) {
    fixture_capture(&fixture);
    cr_assert_eq(fixture_result(&fixture, table)->rows, rows);
}

Test(rows, every_class_in_every_kind_of_column) {
    fixture_sql(
        &fixture,
        "CREATE TABLE t(n, i INTEGER, r REAL, x TEXT, b BLOB, d NUMERIC, k INTEGER PRIMARY KEY);"
        "INSERT INTO t(n) VALUES (NULL), (0), (1), (-1), (9223372036854775807),"
        " (-9223372036854775808), (0.0), (-0.0), (1.0), (1e308), (-1e-320), (9e999), (-9e999),"
        " (0.1), (''), ('text'), (CAST(x'610062' AS TEXT)), (CAST(x'ff' AS TEXT)),"
        " (x''), (x'00'), (x'0001ff'), (zeroblob(5000)), ('1'), ('1.0'), ('ünï'), (2147483648);"
        "UPDATE t SET i = n, r = n, x = n, b = n, d = n");
    expect_captured("t", 26);
    struct opened opened;
    opened_begin(&opened, &fixture);
    const struct rf_census *census = &opened_table(&opened, "t")->census[0];
    cr_assert_eq(census->text_with_nul, 1u);
    cr_assert_eq(census->text_not_utf8, 1u);
    cr_assert_eq(census->longest, 5000u);
    cr_assert_eq(census->min_integer, INT64_MIN);
    opened_end(&opened);
}

Test(rows, every_kind_of_key) {
    fixture_sql(
        &fixture,
        "CREATE TABLE a(k INTEGER PRIMARY KEY, v); CREATE TABLE b(v);"
        "CREATE TABLE c(k TEXT PRIMARY KEY, v); "
        "CREATE TABLE d(k, l, v, PRIMARY KEY(l, k)) WITHOUT ROWID;"
        "CREATE TABLE e(k TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID;"
        "CREATE TABLE f(k PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE g(rowid, oid, _rowid_);"
        "CREATE TABLE h(k, v, PRIMARY KEY(k DESC, v)) WITHOUT ROWID; CREATE TABLE i(rowid, v);"
        "INSERT INTO a VALUES (-9223372036854775808, 1), (-1, 2), (0, 3), (9223372036854775807, 4);"
        "INSERT INTO b(rowid, v) VALUES (5, 'x'), (-5, 'x'), (9223372036854775807, NULL);"
        "INSERT INTO c VALUES ('b', 1), ('a', 2), (NULL, 3), (NULL, 4), ('', 5);"
        "INSERT INTO d VALUES (1, 2, 3), (1, 1, 3), (x'00', 'a', 1), (1.5, 1, 1), ('1', 1, 1);"
        "INSERT INTO e VALUES ('B', 1), ('a', 2), ('C', 3), ('ä', 4), ('Ä', 5);"
        "INSERT INTO f VALUES (10, 1), (9.5, 2), ('9', 3), (x'39', 4), (-1, 5), (1e30, 6);"
        "INSERT INTO g VALUES (3, 2, 1), (1, 1, 1), (1, 1, 1);"
        "INSERT INTO h VALUES (1, 'b'), (1, 'a'), (2, 'a'), ('x', 1);"
        "INSERT INTO i(_rowid_, rowid, v) VALUES (7, 1, 1), (3, 9, 9)");
    expect_captured("a", 4);
    cr_assert_eq(fixture_result(&fixture, "g")->rows, 3u);
    fixture_sql(
        &fixture,
        "UPDATE a SET v = v + 1 WHERE k < 0; UPDATE b SET v = 'y' WHERE rowid = 5;"
        "UPDATE c SET v = v + 1; UPDATE d SET v = 9 WHERE k = 1; DELETE FROM e WHERE k = 'b';"
        "UPDATE f SET k = 11 WHERE k = 10; DELETE FROM g WHERE rowid = 3;"
        "INSERT INTO h VALUES ('w', 'q'), (0, 0);"
        "DELETE FROM i WHERE v = 1");
    expect_captured("a", 4);
}

Test(rows, odd_names) {
    static const char *const names[] = {
        "a\"b",
        "it's",
        "sel ect",
        "select",
        "名前",
        "[x]",
        "a;DROP TABLE t",
        "x`y",
        "%s%n",
        "Ünï",
        "rowid",
        "main",
        "-- no",
        "/*",
        "a.b",
        "1st",
        " ",
        "A\"\"B",
        "a_very_long_name_that_is_longer_than_sixty_three_bytes_as_postgres_has_it_at_most"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fixture_sqlf(
            &fixture,
            "CREATE TABLE \"%w\"(\"%w\" TEXT COLLATE NOCASE, \"x %w\", PRIMARY KEY(\"%w\"))%s",
            names[i], names[i], names[i], names[i], i % 2 ? " WITHOUT ROWID" : "");
        fixture_sqlf(&fixture, "INSERT INTO \"%w\" VALUES ('b', 1), ('A', 2)", names[i]);
    }
    fixture_sql(
        &fixture,
        "CREATE TABLE \"case\"(a, b); CREATE TABLE \"\"(\"\"); INSERT INTO \"\" VALUES (1)");
    expect_captured("a\"b", 2);
    fixture_sql(&fixture,
                "UPDATE \"a\"\"b\" SET \"x a\"\"b\" = 5; INSERT INTO \"it's\" VALUES ('x', 'y')");
    expect_captured("a\"b", 2);
    cr_assert_eq(fixture_result(&fixture, "a\"b")->updated, 2u);
}

Test(rows, generated_columns_are_values) {
    fixture_sql(&fixture, "CREATE TABLE t(a, v AS (a * 2), s AS (a || 'x') STORED, c AS ('const'));"
                          "INSERT INTO t(a) VALUES (1), ('2'), (NULL)");
    expect_captured("t", 3);
    fixture_sql(&fixture, "CREATE TABLE w(a, v AS (a + 1), PRIMARY KEY(a)) WITHOUT ROWID; "
                          "INSERT INTO w(a) VALUES (1)");
    expect_captured("w", 1);
}

Test(rows, records_that_are_shorter_than_the_table) {
    fixture_sql(&fixture, "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
    fixture_capture(&fixture);
    fixture_sql(&fixture,
                "ALTER TABLE t ADD COLUMN b DEFAULT 'late'; INSERT INTO t VALUES (3, NULL)");
    expect_captured("t", 3);
    cr_assert_eq(fixture_result(&fixture, "t")->inserted, 3u, "other columns: read whole");
}

Test(rows, as_many_columns_as_sqlite_has) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "CREATE TABLE t(c0");
    for (int i = 1; i < 2000; i++) {
        sqlite3_str_appendf(sql, ", c%d", i);
    }
    sqlite3_str_appendall(sql,
                          "); INSERT INTO t(rowid, c0, c1999) VALUES (5, 1, 'z'), (9, 2, 'y')");
    char *text = sqlite3_str_finish(sql);
    fixture_sql(&fixture, text);
    sqlite3_free(text);
    struct rf_capture_table const *table;
    cr_assert_eq(fixture_try(&fixture), RF_OK, "%s / %s", fixture.error.what, fixture.error.detail);
    table = fixture_result(&fixture, "t");
    cr_assert_eq(table->rows, 2u);
    fixture_sql(&fixture, "UPDATE t SET c1000 = 7 WHERE rowid = 9; DELETE FROM t WHERE rowid = 5");
    cr_assert_eq(fixture_try(&fixture), RF_OK, "%s / %s", fixture.error.what, fixture.error.detail);
    table = fixture_result(&fixture, "t");
    cr_assert(table->updated == 1 && table->deleted == 1, "rowids must be known");
}

/* ---- the query plan ---- */

static void expect_plan(const char *create, const char *index, bool sorts) {
    struct rf_source_options options = {.database = fixture.database, .stop = &fixture.stop};
    struct rf_selection all = {0};
    struct rf_source *source = NULL;
    struct rf_row_scan *scan = NULL;
    struct rf_manifest manifest = {0};
    struct rf_error error = {0};
    fixture_sqlf(&fixture, "DROP TABLE IF EXISTS t; %s; %s; ANALYZE", create, index);
    cr_assert_eq(rf_source_open(&options, &source, &error), RF_OK, "%s", error.what);
    cr_assert_eq(rf_schema_read(source, &all, &manifest, &error), RF_OK, "%s", error.what);
    const struct rf_table *table = &rf_manifest_find(&manifest, "t")->table;
    cr_assert_eq(rf_row_scan_new(source, table, RF_SCAN_ALL, &scan, &error), RF_OK, "%s %s", create,
                 error.detail);
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", rf_row_scan_sql(scan));
    sqlite3_stmt *plan = NULL;
    cr_assert_eq(sqlite3_prepare_v2(source->db, sql, -1, &plan, NULL), SQLITE_OK);
    bool scans = false, indexed = false, sorted = false;
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        scans |= strcmp(step, "SCAN main.t") == 0 || strcmp(step, "SCAN t") == 0;
        indexed |= strstr(step, "INDEX") != NULL;
        sorted |= strstr(step, "TEMP B-TREE") != NULL;
    }
    sqlite3_finalize(plan);
    cr_assert(scans && !indexed, "%s: %s reads an index", create, sql);
    cr_assert_eq(sorted, sorts, "%s: %s %s", create, sql, sorted ? "sorts" : "does not sort");
    sqlite3_free(sql);
    rf_row_scan_free(scan);
    rf_manifest_release(&manifest);
    rf_source_close(source);
}

Test(rows, the_table_is_read_and_nothing_sorted_that_is_in_order) {
    static const char all[] = "CREATE INDEX i ON t(b, a); INSERT INTO t VALUES (1, 2), (3, 4)";
    expect_plan("CREATE TABLE t(a, b)", all, false);
    expect_plan("CREATE TABLE t(a INTEGER PRIMARY KEY, b)", all, false);
    expect_plan("CREATE TABLE t(a PRIMARY KEY, b)", all, false);
    expect_plan("CREATE TABLE t(rowid, oid)", "CREATE INDEX i ON t(oid, rowid)", false);
    expect_plan("CREATE TABLE t(rowid, oid, _rowid_)", "CREATE INDEX i ON t(oid, rowid, _rowid_)",
                false);
    expect_plan("CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID", all, false);
    expect_plan("CREATE TABLE t(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID", all, false);
    expect_plan("CREATE TABLE t(a, b, PRIMARY KEY(a DESC)) WITHOUT ROWID", all, false);
    expect_plan("CREATE TABLE t(a COLLATE NOCASE PRIMARY KEY, b) WITHOUT ROWID", all, true);
    expect_plan("CREATE TABLE t(a, b, PRIMARY KEY(a, b DESC)) WITHOUT ROWID", all, true);
}

/* ---- UTF-16 ---- */

static void text_of(const struct rf_manifest_table *table, const struct rows *rows, size_t row,
                    struct rf_value *value) {
    struct rf_cursor cursor = rf_cursor_of(rows->at[row].cells, rows->at[row].size);
    for (uint32_t i = 0; i < table->table.column_count; i++) {
        cr_assert(rf_row_next(&cursor, value));
    }
}

/* Texts as a program binds them: any units at all, and an odd byte by way of a cast. */
static void expect_utf16(const char *encoding, bool big) {
    static const struct {
        uint16_t units[4];
        int count;
        const char *utf8;
    } texts[] = {
        {{'a', 0xe4}, 2, "a\xc3\xa4"},
        {{0xd83d}, 1, "\xed\xa0\xbd"},
        {{0xde00}, 1, "\xed\xb8\x80"},
        {{0xd83d, 0xde00}, 2, "\xf0\x9f\x98\x80"},
        {{0xde00, 0xd83d}, 2, "\xed\xb8\x80\xed\xa0\xbd"},
        {{'a', 0, 'b'}, 3, "a\0b"},
        {{0xffff}, 1, "\xef\xbf\xbf"},
        {{0}, 0, ""},
    };
    const size_t count = sizeof texts / sizeof texts[0];
    fixture_sqlf(&fixture, "PRAGMA encoding = '%s'", encoding);
    fixture_sql(&fixture, "CREATE TABLE t(x); CREATE TABLE w(x PRIMARY KEY, y) WITHOUT ROWID");
    sqlite3_stmt *insert = NULL;
    sqlite3_prepare_v2(fixture.db, "INSERT INTO t VALUES (?1)", -1, &insert, NULL);
    for (size_t i = 0; i < count; i++) {
        sqlite3_reset(insert);
        sqlite3_bind_text16(insert, 1, texts[i].units, texts[i].count * 2, SQLITE_TRANSIENT);
        cr_assert_eq(sqlite3_step(insert), SQLITE_DONE);
    }
    sqlite3_finalize(insert);
    fixture_sql(&fixture, "INSERT INTO w SELECT x, rowid FROM t");
    cr_assert_eq(fixture_try(&fixture), RF_OK, "%s / %s", fixture.error.what, fixture.error.detail);
    struct opened opened;
    opened_begin(&opened, &fixture);
    const struct rf_manifest_table *table = opened_table(&opened, "t");
    struct rows rows = rows_of_state(&opened, table);
    cr_assert_eq(rows.count, count);
    for (size_t i = 0; i < count; i++) {
        struct rf_value value;
        size_t size = texts[i].count == 3 ? 3 : strlen(texts[i].utf8);
        text_of(table, &rows, i, &value);
        cr_assert(value.class == RF_TEXT && value.size == size &&
                      memcmp(value.bytes, texts[i].utf8, size) == 0,
                  "%s text %zu is %u bytes", encoding, i, value.size);
    }
    cr_assert_eq(table->census[0].text_not_utf8, 3u);
    cr_assert_eq(table->census[0].text_with_nul, 1u);
    cr_assert_eq(opened_table(&opened, "w")->digest.rows, count, "keys ascend, or capture fails");
    rows_release(&rows);
    opened_end(&opened);
    (void)big;
    fixture_sql(&fixture, "UPDATE w SET y = -1 WHERE y % 2; DELETE FROM t WHERE rowid = 3");
    cr_assert_eq(fixture_try(&fixture), RF_OK, "%s / %s", fixture.error.what, fixture.error.detail);
    cr_assert_eq(fixture_result(&fixture, "w")->updated, count / 2);
    cr_assert_eq(fixture_result(&fixture, "t")->deleted, 1u);
}

Test(rows, utf16_little_endian) {
    expect_utf16("UTF-16le", false);
}

Test(rows, utf16_big_endian) {
    expect_utf16("UTF-16be", true);
}

/* ---- tables that cannot be read ---- */

static void refuse_function(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    sqlite3_result_value(context, values[0]);
}

static int reverse(void *context, int a_size, const void *a, int b_size, const void *b) {
    (void)context;
    int order = memcmp(a, b, (size_t)(a_size < b_size ? a_size : b_size));
    return order ? -order : b_size - a_size;
}

Test(rows, what_only_the_application_has) {
    sqlite3_create_collation(fixture.db, "own", SQLITE_UTF8, NULL, reverse);
    sqlite3_create_function(fixture.db, "own_function", 1,
                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                            refuse_function, NULL, NULL);
    /* A collation is needed to search, not to read. */
    fixture_sql(&fixture, "CREATE TABLE t(a TEXT COLLATE own, b); CREATE INDEX i ON t(a);"
                          "CREATE TABLE w(a TEXT COLLATE own PRIMARY KEY, b) WITHOUT ROWID;"
                          "CREATE INDEX f ON t(own_function(b)) WHERE own_function(b) > 1;"
                          "INSERT INTO t VALUES ('a', 1), ('b', 2); "
                          "INSERT INTO w VALUES ('a', 1), ('c', 2), ('b', 3)");
    expect_captured("w", 3);
    fixture_sql(&fixture, "UPDATE w SET b = 9 WHERE a = 'c'");
    expect_captured("w", 3);
    cr_assert_eq(fixture_result(&fixture, "w")->updated, 1u);
    struct opened opened;
    opened_begin(&opened, &fixture);
    cr_assert_str_eq(opened_table(&opened, "t")->table.columns[0].collation, "own");
    opened_end(&opened);
    /* Values that cannot be computed are refused with the table's name. */
    fixture_sql(&fixture, "CREATE TABLE g(a, b AS (own_function(a)))");
    cr_assert_eq(fixture_try(&fixture), RF_FAILED);
    cr_assert_not_null(strstr(fixture.error.what, "\"g\""), "%s", fixture.error.what);
    cr_assert_not_null(strstr(fixture.error.detail, "own_function"), "%s", fixture.error.detail);
    fixture_sql(&fixture, "DROP TABLE g; CREATE TABLE h(a TEXT COLLATE own, b AS (a < 'm'));"
                          "INSERT INTO h(a) VALUES ('a'), ('z')");
    cr_assert_eq(fixture_try(&fixture), RF_FAILED, "the stand-in's answer would be a wrong value");
    cr_assert_not_null(strstr(fixture.error.what, "\"h\""), "%s", fixture.error.what);
    cr_assert_not_null(strstr(fixture.error.detail, "\"own\""), "%s", fixture.error.detail);
    fixture_sql(&fixture, "DROP TABLE h");
    fixture_capture(&fixture);
}

static void spoil_page_of(const char *table) {
    char *sql = sqlite3_mprintf("SELECT rootpage FROM sqlite_schema WHERE name = %Q", table);
    int64_t page = fixture_number(&fixture, sql);
    sqlite3_free(sql);
    sqlite3_close(fixture.db);
    FILE *file = fopen(fixture.database, "r+b");
    fseek(file, (long)(page - 1) * 4096, SEEK_SET);
    for (int i = 0; i < 64; i++) {
        fputc(0xa5, file);
    }
    fclose(file);
    sqlite3_open(fixture.database, &fixture.db);
}

Test(rows, a_corrupt_page_is_told_with_its_table_and_nothing_published) {
    fixture_sql(&fixture,
                "CREATE TABLE good(a); CREATE TABLE spoilt(a); INSERT INTO good VALUES (1);"
                "INSERT INTO spoilt VALUES (hex(zeroblob(20)))");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "UPDATE good SET a = 2");
    spoil_page_of("spoilt");
    cr_assert_eq(fixture_try(&fixture), RF_CORRUPT);
    cr_assert_not_null(strstr(fixture.error.what, "\"spoilt\""), "%s", fixture.error.what);
    cr_assert_eq(fixture.error.sqlite_code & 0xff, SQLITE_CORRUPT);
    cr_assert_not(fixture.result.published);
    static const char *const without[] = {"spoilt", NULL};
    fixture.options.exclude = without;
    fixture_capture(&fixture);
    cr_assert_eq(fixture_result(&fixture, "good")->updated, 1u);
}
