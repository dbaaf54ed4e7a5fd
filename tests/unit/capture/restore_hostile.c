/* Manifests that somebody made up. What they say is written, refused or told as lacking; SQL in them
 * does nothing but what an entry of its kind does. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/objects.h"
#include "restore_support.h"

static struct fixture fixture;
static struct restoring restoring;

static void begin(void) {
    fixture_begin(&fixture);
    restoring_begin(&restoring, &fixture);
    fixture_sql(
        &fixture,
        "PRAGMA encoding = 'UTF-16le';"
        "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT, c);"
        "CREATE INDEX e ON t(a + 1); CREATE INDEX i ON t(b);"
        "CREATE TABLE u(k UNIQUE); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;"
        "CREATE VIRTUAL TABLE f USING fts4(x); INSERT INTO u VALUES (5);"
        "INSERT INTO t(b, c) VALUES ('x', 1), ('y', 2); INSERT INTO w VALUES (1, 2), (3, 4)");
    fixture_capture(&fixture);
}

static void end(void) {
    fixture_end(&fixture);
}

TestSuite(restore_hostile, .init = begin, .fini = end);

/* A second snapshot: the first one, altered. */
static void publish(void (*alter)(struct rf_manifest *manifest)) {
    struct rf_repository *repository = NULL;
    struct rf_manifest manifest;
    struct rf_snapshot_name name;
    struct rf_error error = {0};
    cr_assert_eq(rf_repository_open(rf_io_posix(), fixture.repository, RF_REPOSITORY_WRITE,
                                    &repository, &error),
                 RF_OK, "%s", error.what);
    name = *rf_repository_newest(repository);
    cr_assert_eq(rf_repository_load(repository, &name, &manifest, &error), RF_OK);
    manifest.parent = manifest.snapshot++;
    manifest.parent_digest = name.digest;
    memcpy(manifest.parent_sha256, manifest.sha256, sizeof manifest.parent_sha256);
    alter(&manifest);
    cr_assert_eq(rf_repository_publish(repository, &manifest, NULL, 0, &name, &error), RF_OK,
                 "%s / %s", error.what, error.detail);
    rf_manifest_release(&manifest);
    rf_repository_close(repository);
}

static struct rf_object *object_of(struct rf_manifest *manifest, const char *type,
                                   const char *name) {
    const struct rf_object *found = rf_object_find(manifest, type, name);
    cr_assert_not_null(found, "%s %s", type, name);
    return &manifest->objects[found - manifest->objects];
}

static const char *planted; /* SQL for what alter_* alters */

static void put_sql(struct rf_object *object) {
    free(object->sql);
    object->sql = planted ? strdup(planted) : NULL;
}

static void alter_expression(struct rf_manifest *manifest) {
    put_sql(object_of(manifest, "index", "e"));
}

static void alter_virtual(struct rf_manifest *manifest) {
    put_sql(object_of(manifest, "table", "f"));
}

static void alter_table(struct rf_manifest *manifest) {
    put_sql(object_of(manifest, "table", "t"));
}

static void alter_plain_index(struct rf_manifest *manifest) {
    put_sql(object_of(manifest, "index", "i"));
}

/* Nothing but what was restored is there. */
static void expect_harmless(const char *sql) {
    char path[128];
    snprintf(path, sizeof path, "%s/evil.db", fixture.folder);
    cr_expect_neq(access(path, F_OK), 0, "%s made a file", sql);
    cr_expect_eq(restoring_number(&restoring, "SELECT count(*) FROM t"), 2, "%s", sql);
    cr_expect_eq(restoring_number(&restoring, "SELECT count(*) FROM sqlite_schema WHERE name IN "
                                              "('more', 'z', 'other')"),
                 0, "%s", sql);
}

static const char *statements[] = {
    "ATTACH DATABASE '%s/evil.db' AS evil",
    "VACUUM INTO '%s/evil.db'",
    "DROP TABLE t",
    "DELETE FROM t",
    "UPDATE t SET c = 5",
    "INSERT INTO t(b) VALUES ('more')",
    "CREATE TABLE more(x)",
    "CREATE TRIGGER z AFTER INSERT ON t BEGIN DELETE FROM t; END",
    "CREATE VIEW z AS SELECT 1",
    "CREATE INDEX other ON t(a + 2)",
    "CREATE UNIQUE INDEX other ON t(a + 2)",
    "CREATE TEMP TABLE more(x)",
    "CREATE INDEX e ON t(a + 3); DROP TABLE t",
    "PRAGMA writable_schema = ON",
    "SELECT load_extension('%s/evil.db')",
    "BEGIN",
    "COMMIT",
    "",
    ";",
    "-- nothing",
    "gibberish",
};

static void expect_lack(const char *pattern, void (*alter)(struct rf_manifest *manifest),
                        enum rf_lack_kind kind) {
    char sql[256];
    const char *folder = strstr(pattern, "%s");
    snprintf(sql, sizeof sql, "%.*s%s%s", folder ? (int)(folder - pattern) : (int)strlen(pattern),
             pattern, folder ? fixture.folder : "", folder ? folder + 2 : "");
    planted = sql;
    publish(alter);
    restoring_expect(&restoring);
    cr_expect_eq(restoring.lacks[kind], 1, "%s: %s", sql, restoring.reason);
    expect_harmless(sql);
}

Test(restore_hostile, an_index_that_is_another_statement, .timeout = 60) {
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        expect_lack(statements[i], alter_expression, RF_LACK_INDEX);
    }
}

Test(restore_hostile, a_virtual_table_that_is_another_statement, .timeout = 60) {
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        expect_lack(statements[i], alter_virtual, RF_LACK_CONTENT);
    }
    planted = "CREATE VIRTUAL TABLE other USING fts4(x)";
    expect_lack(planted, alter_virtual, RF_LACK_CONTENT);
}

static void expect_refused(void (*alter)(struct rf_manifest *manifest), const char *what) {
    publish(alter);
    enum rf_code code = restoring_try(&restoring, rf_io_posix());
    cr_expect(code == RF_CORRUPT || code == RF_FAILED, "%s: %d %s / %s", what, code,
              restoring.error.what, restoring.error.detail);
    cr_expect_eq(restoring_files(&restoring), 0, "%s", what);
}

Test(restore_hostile, a_schema_that_is_none, .timeout = 60) {
    static const char *const schemas[] = {
        "gibberish",
        "",
        "CREATE TABLE t(",
        "SELECT 1",
        "CREATE TABLE other(a, b, c)",
        "CREATE TABLE t(a)",
        "CREATE TABLE t(a PRIMARY KEY, b, c)",
        "CREATE TABLE t(a PRIMARY KEY, b, c) WITHOUT ROWID",
        NULL,
    };
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        planted = schemas[i];
        expect_refused(alter_table, planted ? planted : "NULL");
    }
    planted = NULL;
    expect_refused(alter_plain_index, "an index without SQL");
    planted = "CREATE INDEX i ON nowhere(x)";
    expect_refused(alter_plain_index, planted);
}

static void alter_encoding(struct rf_manifest *manifest) {
    free(manifest->encoding);
    manifest->encoding = strdup("UTF-32");
}

static void alter_page_size(struct rf_manifest *manifest) {
    manifest->page_size = 777;
}

static void alter_rows(struct rf_manifest *manifest) {
    manifest->tables[0].digest.rows++;
    manifest->tables[0].census[0].count[RF_INTEGER]++;
    manifest->tables[0].census[1].count[RF_TEXT]++;
    manifest->tables[0].census[2].count[RF_INTEGER]++;
}

static void alter_sum(struct rf_manifest *manifest) {
    manifest->tables[0].digest.sum.low ^= 1;
}

static void alter_part(struct rf_manifest *manifest) {
    struct rf_index *index = &manifest->tables[2].table.indexes[0];
    cr_assert_eq(index->origin, 'p');
    free(index->parts[0].column);
    index->parts[0].column = strdup("nowhere");
}

static void alter_twice(struct rf_manifest *manifest) {
    struct rf_object *object = object_of(manifest, "index", "i");
    free(object->name);
    object->name = strdup("e");
}

Test(restore_hostile, numbers_and_names_that_do_not_fit) {
    expect_refused(alter_encoding, "encoding");
    expect_refused(alter_page_size, "page size");
    expect_refused(alter_sum, "sum");
    expect_refused(alter_part, "part of a key");
    expect_refused(alter_twice, "two objects of a name");
}

/* Known without any proof. */
Test(restore_hostile, rows_that_are_not_there) {
    restoring.options.verify = false;
    expect_refused(alter_rows, "rows");
    cr_expect_not_null(strstr(restoring.error.what, "t-"), "%s", restoring.error.what);
}
