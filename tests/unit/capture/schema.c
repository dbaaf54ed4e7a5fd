/* What the manifest says of the source: SQLite itself is the judge of what is a rowid, a key, a
 * table. */
#include "capture/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/columns.h"
#include "capture/objects.h"
#include "fixture.h"
#include "format/value.h"

static struct fixture fixture;
static struct rf_manifest manifest;
static const char *const *shadow; /* globs of shadow tables to take; NULL: none */

static void begin(void) {
    shadow = NULL;
    fixture_begin(&fixture);
}

static void end(void) {
    rf_manifest_release(&manifest);
    fixture_end(&fixture);
}

TestSuite(schema, .init = begin, .fini = end);

static enum rf_code try_read(const char *const *include, const char *const *exclude,
                             struct rf_error *error) {
    struct rf_source_options options = {.database = fixture.database, .stop = &fixture.stop};
    struct rf_selection selection = {.include = include, .exclude = exclude, .shadow = shadow};
    struct rf_source *source = NULL;
    rf_manifest_release(&manifest);
    manifest = (struct rf_manifest){0};
    enum rf_code code = rf_source_open(&options, &source, error);
    if (code == RF_OK) {
        code = rf_schema_read(source, &selection, &manifest, error);
    }
    rf_source_close(source);
    return code;
}

static void read_schema(void) {
    struct rf_error error = {0};
    cr_assert_eq(try_read(NULL, NULL, &error), RF_OK, "%s / %s", error.what, error.detail);
}

static const struct rf_table *table_of(const char *name) {
    const struct rf_manifest_table *table = rf_manifest_find(&manifest, name);
    cr_assert_not_null(table, "no table %s", name);
    return &table->table;
}

/* Whether SQLite takes the column for the rowid: an update of one is then an update of the
 * other. */
static bool is_alias_by_experiment(const char *table, const char *column) {
    fixture_sqlf(&fixture, "DELETE FROM \"%w\"; INSERT INTO \"%w\"(\"%w\") VALUES (41)", table,
                 table, column);
    char *sql = sqlite3_mprintf("SELECT rowid = 41 FROM \"%w\"", table);
    bool alias = fixture_number(&fixture, sql) == 1;
    sqlite3_free(sql);
    return alias;
}

Test(schema, which_column_is_the_rowid) {
    static const char *const definitions[] = {
        "CREATE TABLE t(k INTEGER PRIMARY KEY)",
        "CREATE TABLE t(k integer primary key autoincrement)",
        "CREATE TABLE t(k INT PRIMARY KEY)",
        "CREATE TABLE t(k BIGINT PRIMARY KEY)",
        "CREATE TABLE t(k INTEGER PRIMARY KEY DESC)",
        "CREATE TABLE t(k INTEGER PRIMARY KEY ASC)",
        "CREATE TABLE t(k INTEGER, PRIMARY KEY(k DESC))",
        "CREATE TABLE t(k INTEGER, x, PRIMARY KEY(k))",
        "CREATE TABLE t(k INTEGER UNIQUE)",
        "CREATE TABLE t(k \"INTEGER\" PRIMARY KEY)",
        "CREATE TABLE t(x, k INTEGER, PRIMARY KEY(k ASC))",
        "CREATE TABLE t(k INTEGER PRIMARY KEY) STRICT",
        "CREATE TABLE t(k INTEGER NOT NULL PRIMARY KEY, y)",
        "CREATE TABLE t(k)",
        "CREATE TABLE t(k INTEGER PRIMARY KEY ON CONFLICT REPLACE)",
    };
    for (size_t i = 0; i < sizeof definitions / sizeof definitions[0]; i++) {
        fixture_sqlf(&fixture, "DROP TABLE IF EXISTS t; %s", definitions[i]);
        bool alias = is_alias_by_experiment("t", "k");
        read_schema();
        const struct rf_table *table = table_of("t");
        cr_assert_eq(table->alias >= 0, alias, "%s", definitions[i]);
        cr_assert(!alias || strcmp(table->columns[table->alias].name, "k") == 0);
        cr_assert_eq(table->key_kind, RF_KEY_ROWID);
        cr_assert_eq(table->autoincrement, strstr(definitions[i], "autoincrement") != NULL);
        cr_assert_eq(table->strict, strstr(definitions[i], "STRICT") != NULL);
    }
}

Test(schema, names_of_the_rowid) {
    fixture_sql(&fixture,
                "CREATE TABLE none(a); CREATE TABLE one(RowId, a);"
                "CREATE TABLE two(rowid, _ROWID_); CREATE TABLE three(rowid, _rowid_, oid);"
                "CREATE TABLE key(rowid, _rowid_, oid INTEGER PRIMARY KEY)");
    read_schema();
    cr_assert_str_eq(rf_rowid_name(table_of("none")), "rowid");
    cr_assert_str_eq(rf_rowid_name(table_of("one")), "_rowid_");
    cr_assert_str_eq(rf_rowid_name(table_of("two")), "oid");
    cr_assert_null(rf_rowid_name(table_of("three")));
    cr_assert_eq(table_of("two")->key_kind, RF_KEY_ROWID);
    cr_assert_eq(table_of("three")->key_kind, RF_KEY_ORDINAL);
    cr_assert_eq(table_of("key")->key_kind, RF_KEY_ROWID);
    cr_assert_eq(table_of("key")->alias, 2);
}

static void expect_key(const char *name, const char *columns) {
    const struct rf_table *table = table_of(name);
    char found[256] = "";
    for (uint32_t i = 0; i < table->key_count; i++) {
        const struct rf_column *column = &table->columns[table->key[i]];
        cr_assert_eq(column->key_part, i + 1);
        strcat(found, column->name);
        strcat(found, " ");
    }
    cr_assert_str_eq(found, columns, "key of %s", name);
}

Test(schema, keys_in_the_order_of_the_key) {
    fixture_sql(
        &fixture,
        "CREATE TABLE a(x, y, z, PRIMARY KEY(z, x)); CREATE TABLE b(x, y);"
        "CREATE TABLE c(x, y, z, PRIMARY KEY(y, z)) WITHOUT ROWID;"
        "CREATE TABLE d(x, y, z, PRIMARY KEY(y, y, x)) WITHOUT ROWID;"
        "CREATE TABLE e(x, y, z, PRIMARY KEY(y, y, x)); CREATE TABLE f(x TEXT PRIMARY KEY)");
    read_schema();
    expect_key("a", "z x ");
    expect_key("b", "");
    expect_key("c", "y z ");
    expect_key("d", "y x ");
    expect_key("e", "y x ");
    expect_key("f", "x ");
    cr_assert_eq(table_of("c")->key_kind, RF_KEY_COLUMNS);
    cr_assert_eq(table_of("a")->key_kind, RF_KEY_ROWID);
}

Test(schema, columns_as_they_were_declared) {
    fixture_sql(&fixture,
                "CREATE TABLE t(a, b VARCHAR(10) NOT NULL DEFAULT 'it''s', c TEXT COLLATE nocase,"
                " d DECIMAL(10,2) DEFAULT (1 + 2), e INT GENERATED ALWAYS AS (d * 2) VIRTUAL,"
                " f AS (b || 'x') STORED, g DEFAULT NULL, h DEFAULT CURRENT_TIMESTAMP)");
    read_schema();
    const struct rf_table *table = table_of("t");
    const struct rf_column *columns = table->columns;
    cr_assert_eq(table->column_count, 8u);
    cr_assert_null(columns[0].declared);
    cr_assert_null(columns[0].default_sql);
    cr_assert_str_eq(columns[0].collation, "BINARY");
    cr_assert_str_eq(columns[1].declared, "VARCHAR(10)");
    cr_assert_str_eq(columns[1].default_sql, "'it''s'");
    cr_assert(columns[1].not_null);
    cr_assert_str_eq(columns[2].collation, "nocase");
    cr_assert_str_eq(columns[3].declared, "DECIMAL(10,2)");
    cr_assert_str_eq(columns[3].default_sql, "1 + 2");
    cr_assert_str_eq(columns[4].declared, "INT");
    cr_assert_eq(columns[4].generated, RF_GENERATED_VIRTUAL);
    cr_assert_eq(columns[5].generated, RF_GENERATED_STORED);
    cr_assert_str_eq(columns[6].default_sql, "NULL");
    cr_assert_str_eq(columns[7].default_sql, "CURRENT_TIMESTAMP");
    cr_assert_not_null(strstr(table->sql, "CREATE TABLE t"));
}

Test(schema, indexes_and_foreign_keys) {
    fixture_sql(&fixture,
                "CREATE TABLE p(a, b, PRIMARY KEY(a, b));"
                "CREATE TABLE t(x UNIQUE, y, z, FOREIGN KEY(x, y) REFERENCES p ON DELETE CASCADE,"
                " FOREIGN KEY(z) REFERENCES p(b) ON UPDATE SET NULL);"
                "CREATE INDEX partial ON t(y) WHERE y > 0;"
                "CREATE UNIQUE INDEX mixed ON t(lower(z), y COLLATE NOCASE DESC)");
    read_schema();
    const struct rf_table *table = table_of("t");
    cr_assert_eq(table->index_count, 3u);
    const struct rf_index *mixed = &table->indexes[0];
    const struct rf_index *partial = &table->indexes[1];
    const struct rf_index *made = &table->indexes[2];
    cr_assert_str_eq(mixed->name, "mixed");
    cr_assert(mixed->unique && !mixed->partial && mixed->origin == 'c');
    cr_assert_eq(mixed->part_count, 2u);
    cr_assert_null(mixed->parts[0].column);
    cr_assert_str_eq(mixed->parts[1].column, "y");
    cr_assert_str_eq(mixed->parts[1].collation, "NOCASE");
    cr_assert(mixed->parts[1].descending);
    cr_assert_not_null(strstr(mixed->sql, "lower(z)"));
    cr_assert_str_eq(partial->name, "partial");
    cr_assert(partial->partial && !partial->unique);
    cr_assert_eq(made->origin, 'u');
    cr_assert_null(made->sql);
    cr_assert_eq(table->foreign_key_count, 2u);
    cr_assert_str_eq(table->foreign_keys[0].on_delete, "CASCADE");
    cr_assert_eq(table->foreign_keys[0].part_count, 2u);
    cr_assert_str_eq(table->foreign_keys[0].from[1], "y");
    cr_assert_null(table->foreign_keys[0].to[0]);
    cr_assert_str_eq(table->foreign_keys[1].to[0], "b");
    cr_assert_str_eq(table->foreign_keys[1].on_update, "SET NULL");
}

static const char *reason_of(const char *name) {
    for (uint32_t i = 0; i < manifest.left_out_count; i++) {
        if (strcmp(manifest.left_out[i].name, name) == 0) {
            return manifest.left_out[i].reason;
        }
    }
    return "";
}

Test(schema, virtual_tables_are_left_out_with_what_is_theirs) {
    fixture_sql(
        &fixture,
        "CREATE VIRTUAL TABLE docs USING fts5(body); CREATE TABLE docs_archive(a);"
        "CREATE TABLE \"notes_content\"(id INTEGER PRIMARY KEY, body);"
        "CREATE VIRTUAL TABLE notes USING fts5(body, content='notes_content', content_rowid=id);"
        "CREATE VIRTUAL TABLE \"r tree\" USING rtree(id, x0, x1);"
        "CREATE VIEW v AS SELECT 1; INSERT INTO docs VALUES ('text')");
    /* A module that is not here, with what it made: written into the schema by hand. */
    fixture_sql(&fixture,
                "PRAGMA writable_schema = 1;"
                "INSERT INTO sqlite_schema VALUES ('table', 'vec', 'vec', 0,"
                " 'CREATE VIRTUAL TABLE vec USING vec0(e float[2])'),"
                "('table', 'odd', 'odd', 0, 'CREATE VIRTUAL TABLE odd USING mystery()');"
                "PRAGMA writable_schema = 0; CREATE TABLE vec_rowids(a); CREATE TABLE vec_own(a);"
                "CREATE TABLE odd_data(a)");
    sqlite3_close(fixture.db);
    sqlite3_open(fixture.database, &fixture.db);
    fixture_capture(&fixture);
    read_schema();
    cr_assert_str_eq(reason_of("docs"), "virtual table using fts5");
    cr_assert_str_eq(reason_of("docs_data"), "shadow table of docs");
    cr_assert_str_eq(reason_of("docs_config"), "shadow table of docs");
    cr_assert_str_eq(reason_of("r tree"), "virtual table using rtree");
    cr_assert_str_eq(reason_of("r tree_node"), "shadow table of r tree");
    cr_assert_str_eq(reason_of("vec"), "virtual table using vec0");
    cr_assert_str_eq(reason_of("vec_rowids"), "shadow table of vec");
    cr_assert_str_eq(reason_of("odd"), "virtual table using mystery");
    /* What the application made, though its name looks like a shadow table's. */
    table_of("docs_archive");
    table_of("notes_content");
    table_of("vec_own");
    table_of("odd_data");
    cr_assert_eq(manifest.table_count, 4u);
    cr_assert_not_null(rf_object_find(&manifest, "table", "docs_data"), "objects lists everything");
    cr_assert_not_null(rf_object_find(&manifest, "view", "v"));
}

/* Which of them are, and as what: SQLite tells itself what they declare. */
Test(schema, shadow_tables_that_are_asked_for) {
    static const char *const all[] = {"*", NULL};
    static const char *const some[] = {"docs_c*", "tree_node", "vec_rowids", "nothing", NULL};
    static const char *const exclude[] = {"docs_config", NULL};
    struct rf_error error = {0};
    fixture_sql(&fixture, "CREATE VIRTUAL TABLE docs USING fts5(body);"
                          "CREATE VIRTUAL TABLE tree USING rtree(id, x0, x1);"
                          "CREATE TABLE own(a); INSERT INTO docs VALUES ('text');"
                          "PRAGMA writable_schema = 1;"
                          "INSERT INTO sqlite_schema VALUES ('table', 'vec', 'vec', 0,"
                          " 'CREATE VIRTUAL TABLE vec USING vec0(e float[2])');"
                          "PRAGMA writable_schema = 0; CREATE TABLE vec_rowids(a PRIMARY KEY)");
    sqlite3_close(fixture.db);
    sqlite3_open(fixture.database, &fixture.db);
    shadow = some;
    cr_assert_eq(try_read(NULL, exclude, &error), RF_OK, "%s", error.what);
    cr_assert_eq(manifest.table_count, 4u);
    table_of("own");
    table_of("docs_content");
    table_of("tree_node");
    cr_assert_eq(table_of("vec_rowids")->key_count, 1u, "a module that is not loaded");
    cr_assert_str_eq(reason_of("docs"), "virtual table using fts5");
    cr_assert_str_eq(reason_of("docs_data"), "shadow table of docs");
    cr_assert_str_eq(reason_of("docs_config"), "excluded by docs_config");
    cr_assert_str_eq(reason_of("tree_parent"), "shadow table of tree");
    shadow = all;
    cr_assert_eq(try_read(NULL, NULL, &error), RF_OK, "%s", error.what);
    cr_assert_eq(manifest.table_count, 10u);
    cr_assert_eq(table_of("docs_idx")->key_kind, RF_KEY_COLUMNS);
    cr_assert_str_eq(reason_of("tree"), "virtual table using rtree");
    cr_assert_str_eq(reason_of("vec"), "virtual table using vec0");
}

Test(schema, globs_say_which_tables) {
    static const char *const include[] = {"ev*", "user", NULL};
    static const char *const exclude[] = {"*_old", NULL};
    fixture_sql(&fixture,
                "CREATE TABLE events(a); CREATE TABLE events_old(a); CREATE TABLE user(a);"
                "CREATE TABLE User2(a)");
    struct rf_error error = {0};
    cr_assert_eq(try_read(include, exclude, &error), RF_OK);
    cr_assert_eq(manifest.table_count, 2u);
    table_of("events");
    table_of("user");
    cr_assert_str_eq(reason_of("events_old"), "excluded by *_old");
    cr_assert_str_eq(reason_of("User2"), "not among the tables asked for");
}

Test(schema, what_sqlite_keeps_for_itself) {
    fixture_sql(&fixture, "CREATE TABLE t(k INTEGER PRIMARY KEY AUTOINCREMENT, a);"
                          "INSERT INTO t(a) VALUES (1), (2); CREATE INDEX i ON t(a);"
                          "PRAGMA user_version = -3; PRAGMA application_id = 305419896; ANALYZE");
    read_schema();
    cr_assert_eq(manifest.table_count, 1u);
    cr_assert_null(rf_object_find(&manifest, "table", "sqlite_stat1"));
    cr_assert_null(rf_object_find(&manifest, "table", "sqlite_sequence"));
    cr_assert_str_eq(reason_of("sqlite_stat1"), "statistics that ANALYZE makes anew");
    cr_assert_eq(manifest.user_version, -3);
    cr_assert_eq(manifest.application_id, 305419896);
    cr_assert_str_eq(manifest.encoding, "UTF-8");
    cr_assert_eq(manifest.page_size, 4096u);
    cr_assert_eq(manifest.sequence_count, 1u);
    struct rf_cursor cursor =
        rf_cursor_of(manifest.sequences[0].cells.bytes, manifest.sequences[0].cells.size);
    struct rf_value name, number;
    cr_assert(rf_row_next(&cursor, &name) && rf_row_next(&cursor, &number));
    cr_assert(name.class == RF_TEXT && name.size == 1 && name.bytes[0] == 't');
    cr_assert(number.class == RF_INTEGER && number.integer == 2);
}

Test(schema, a_vacuum_changes_no_word_of_it) {
    fixture_sql(&fixture,
                "CREATE TABLE b(x UNIQUE, y); CREATE VIEW v AS SELECT * FROM b;"
                "CREATE TRIGGER g AFTER INSERT ON b BEGIN SELECT 1; END;"
                "CREATE TABLE a(k INTEGER PRIMARY KEY AUTOINCREMENT);"
                "CREATE INDEX z ON b(y); INSERT INTO a DEFAULT VALUES; CREATE INDEX c ON b(x, y)");
    fixture_capture(&fixture);
    cr_assert(fixture.result.published);
    fixture_sql(&fixture, "DROP INDEX z; CREATE INDEX z ON b(y); VACUUM; ANALYZE");
    fixture_capture(&fixture);
    cr_assert_not(fixture.result.published, "nothing that is captured has changed");
}

Test(schema, a_schema_that_cannot_be_read_is_told) {
    fixture_sql(&fixture, "CREATE TABLE t(a); PRAGMA writable_schema = 1;"
                          "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a' WHERE name = 't'");
    sqlite3_close(fixture.db);
    sqlite3_open(":memory:", &fixture.db);
    struct rf_error error = {0};
    cr_assert_eq(try_read(NULL, NULL, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.detail, "malformed database schema"), "%s", error.detail);
}
