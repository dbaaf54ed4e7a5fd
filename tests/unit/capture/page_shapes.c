/* The page reader beside the row scan, over databases of all shapes: the same rows, byte for
 * byte. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page_support.h"

static const uint32_t page_sizes[] = {512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};
static const char *const encodings[] = {"UTF-8", "UTF-16le", "UTF-16be"};

static void name_shape(char *text, size_t size, const struct page_db *test,
                       const struct page_shape *shape, const char *state) {
    snprintf(text, size, "seed %llu, pages of %u (%d reserved), %s, auto_vacuum %u, %s",
             (unsigned long long)test->seed, shape->page_size, shape->reserved, shape->encoding,
             shape->auto_vacuum, state);
}

/* As it was written, with holes, and without any. */
static void compare_states(struct page_db *test, const struct page_shape *shape) {
    static const char *const states[] = {"as written", "changed", "vacuumed"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        char what[160];
        name_shape(what, sizeof what, test, shape, states[i]);
        if (i == 1) {
            page_db_sql(test, "BEGIN");
            page_db_change(test, 5);
            page_db_sql(test, "COMMIT; PRAGMA incremental_vacuum(3)");
        } else if (i == 2) {
            page_db_sql(test, "VACUUM");
        }
        struct page_counts counts = page_compare_all(test->path, what);
        cr_assert_eq(counts.unusual, 1, "%s", what);
        cr_assert_geq(counts.same, 19, "%s", what);
    }
}

static void compare_shapes(unsigned auto_vacuum, uint64_t seed) {
    for (size_t p = 0; p < sizeof page_sizes / sizeof page_sizes[0]; p++) {
        for (size_t e = 0; e < sizeof encodings / sizeof encodings[0]; e++) {
            struct page_db test;
            page_db_begin(&test, seed + p * 10 + e);
            struct page_shape shape = {
                .page_size = page_sizes[p],
                .encoding = encodings[e],
                .auto_vacuum = auto_vacuum,
                .reserved = (p + e) % 3 == 0   ? 0
                            : (p + e) % 3 == 1 ? 7
                            : p == 0           ? 32
                                               : 255,
            };
            page_db_shape(&test, &shape);
            page_db_fill(&test, 30);
            cr_assert_eq(page_db_number(&test, "PRAGMA page_size"), shape.page_size);
            compare_states(&test, &shape);
            page_db_end(&test);
        }
    }
}

Test(page_shapes, no_auto_vacuum) {
    compare_shapes(0, 1000);
}

Test(page_shapes, auto_vacuum) {
    compare_shapes(1, 2000);
}

Test(page_shapes, incremental_vacuum) {
    compare_shapes(2, 3000);
}

/* Many levels of interior pages, in both kinds of trees. */
Test(page_shapes, deep_trees) {
    struct page_db test;
    page_db_begin(&test, 4);
    struct page_shape shape = {.page_size = 512, .encoding = "UTF-8", .reserved = 32};
    page_db_shape(&test, &shape);
    page_db_sql(&test, "CREATE TABLE narrow(id INTEGER PRIMARY KEY, a, b);"
                       "CREATE TABLE keyed(k TEXT PRIMARY KEY, v) WITHOUT ROWID;"
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                       "60000) INSERT INTO narrow SELECT i * 3, i, hex(i) FROM n;"
                       "INSERT INTO keyed SELECT printf('%%040d-%%d', (a * 7919) %% 60000, a), "
                       "zeroblob(a %% 400) FROM narrow WHERE a < 20000;"
                       "DELETE FROM narrow WHERE a BETWEEN 1000 AND 9000");
    struct page_counts counts = page_compare_all(test.path, "deep trees");
    cr_assert_eq(counts.same, 2);
    page_db_end(&test);
}

/* Wide rows: record headers of many bytes, and longer than a page. */
Test(page_shapes, many_columns) {
    static const uint32_t sizes[] = {512, 4096};
    for (size_t s = 0; s < 2; s++) {
        struct page_db test;
        page_db_begin(&test, 5);
        struct page_shape shape = {.page_size = sizes[s], .encoding = "UTF-8"};
        page_db_shape(&test, &shape);
        char sql[40000];
        size_t at = (size_t)snprintf(sql, sizeof sql, "CREATE TABLE wide(c0");
        for (int i = 1; i < 1990; i++) {
            at += (size_t)snprintf(sql + at, sizeof sql - at, ",c%d %s", i, i % 3 ? "" : "REAL");
        }
        snprintf(sql + at, sizeof sql - at, ")");
        cr_assert_eq(sqlite3_exec(test.db, sql, NULL, NULL, NULL), SQLITE_OK);
        at = (size_t)snprintf(sql, sizeof sql, "INSERT INTO wide VALUES(?1");
        for (int i = 1; i < 1990; i++) {
            at += (size_t)snprintf(sql + at, sizeof sql - at, ",?%d", i % 300 + 1);
        }
        snprintf(sql + at, sizeof sql - at, ")");
        for (int i = 0; i < 20; i++) {
            page_db_random_row(&test, sql, i % 2 ? 300 : 8);
        }
        cr_assert_eq(page_compare_all(test.path, "many columns").same, 1);
        page_db_end(&test);
    }
}

/* A column of type ANY takes its default as it is in a STRICT table, and as a number in others. */
Test(page_shapes, added_columns) {
    struct page_db test;
    page_db_begin(&test, 6);
    page_db_sql(&test, "CREATE TABLE strict_one(id INTEGER PRIMARY KEY, a ANY) STRICT;"
                       "CREATE TABLE loose_one(id INTEGER PRIMARY KEY, a ANY);"
                       "INSERT INTO strict_one VALUES(1, 'x');"
                       "INSERT INTO loose_one VALUES(1, 'x')");
    static const char *const tables[] = {"strict_one", "loose_one"};
    for (int i = 0; i < 2; i++) {
        page_db_sql(&test, "ALTER TABLE %s ADD COLUMN b ANY DEFAULT '12'", tables[i]);
        page_db_sql(&test, "ALTER TABLE %s ADD COLUMN c REAL DEFAULT 7", tables[i]);
        page_db_sql(&test, "ALTER TABLE %s ADD COLUMN d TEXT DEFAULT 7", tables[i]);
        page_db_sql(&test, "ALTER TABLE %s ADD COLUMN e INTEGER", tables[i]);
    }
    cr_assert_eq(page_compare_all(test.path, "added columns").same, 2);
    page_db_end(&test);
}

/* Over every database in the folders that RF_TEST_DATABASES names, with ':' between them. */
static void compare_folder(const char *folder, unsigned *compared) {
    DIR *directory = opendir(folder);
    cr_assert_not_null(directory, "%s", folder);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 3, ".db") != 0) {
            continue;
        }
        char path[600];
        struct page_reading reading;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        page_reading_begin(&reading, path);
        cr_assert_not_null(reading.pages, "%s: %s", path, reading.error.what);
        for (uint32_t i = 0; i < reading.manifest.table_count; i++) {
            const struct rf_table *table = &reading.manifest.tables[i].table;
            enum page_verdict verdict = page_compare(&reading, reading.pages, table, path);
            if (verdict != PAGE_SAME) {
                fprintf(stderr, "%s, table %s: %s\n", path, table->name, reading.error.what);
            }
            *compared += verdict == PAGE_SAME;
        }
        page_reading_end(&reading);
    }
    closedir(directory);
}

Test(page_shapes, databases_at_hand) {
    const char *given = getenv("RF_TEST_DATABASES");
    char *folders = strdup(given ? given : "");
    unsigned compared = 0;
    for (char *at = strtok(folders, ":"); at; at = strtok(NULL, ":")) {
        compare_folder(at, &compared);
    }
    cr_assert(!given || compared > 0);
    free(folders);
}
