/* The feed of pages: rows, order, chunks and threads.
 *
 * These tests are built twice: as the program has it, and with chunks and pieces of a few rows, so
 * that what else happens once in a large table happens all the time. */
#include "page_feed.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/schema.h"

struct reading {
    atomic_int stop;
    struct rf_source *source;
    struct rf_manifest manifest;
    struct rf_error error;
};

static void reading_begin(struct reading *reading, const char *path) {
    struct rf_selection all = {0};
    memset(reading, 0, sizeof *reading);
    struct rf_source_options options = {
        .database = path, .busy_timeout_ms = 1000, .stop = &reading->stop};
    cr_assert_eq(rf_source_open(&options, &reading->source, &reading->error), RF_OK, "%s",
                 reading->error.what);
    cr_assert_eq(rf_schema_read(reading->source, &all, &reading->manifest, &reading->error), RF_OK,
                 "%s", reading->error.what);
}

static void reading_end(struct reading *reading) {
    rf_manifest_release(&reading->manifest);
    rf_source_close(reading->source);
}

static const struct rf_table *table_of(const struct reading *reading, const char *name) {
    const struct rf_manifest_table *table = rf_manifest_find(&reading->manifest, name);
    cr_assert_not_null(table, "%s", name);
    return &table->table;
}

/* ---- the same rows ---- */

static bool is_refused(const struct rf_table *table, const char *encoding) {
    static const char *const names[] = {"odd_virtual", "keyed_desc", "keyed_nocase", "keyed_twice",
                                        "shadowed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(table->name, names[i]) == 0) {
            return true;
        }
    }
    return table->key_kind == RF_KEY_COLUMNS && strcmp(encoding, "UTF-8") != 0;
}

static void compare_all(const char *path, const char *encoding, const char *what) {
    static const unsigned jobs[] = {1, 2, 5};
    struct reading reading;
    reading_begin(&reading, path);
    for (uint32_t i = 0; i < reading.manifest.table_count; i++) {
        const struct rf_table *table = &reading.manifest.tables[i].table;
        bool refused = is_refused(table, encoding);
        for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++) {
            enum feed_verdict verdict = feed_compare(reading.source, table, jobs[j], what);
            cr_assert_eq(verdict, refused ? FEED_REFUSED : FEED_SAME, "%s, table %s: %d", what,
                         table->name, verdict);
            if (!refused) {
                feed_compare_known(reading.source, table, jobs[j], what);
            }
        }
    }
    reading_end(&reading);
}

static const uint32_t page_sizes[] = {512, 1024, 4096, 65536};
static const char *const encodings[] = {"UTF-8", "UTF-16le", "UTF-16be"};

static void compare_shape(uint64_t seed, const struct page_shape *shape) {
    char what[160];
    struct page_db test;
    page_db_begin(&test, seed);
    page_db_shape(&test, shape);
    page_db_fill(&test, 40);
    snprintf(what, sizeof what, "seed %llu, pages of %u, %s", (unsigned long long)test.seed,
             shape->page_size, shape->encoding);
    compare_all(test.path, shape->encoding, what);
    page_db_sql(&test, "PRAGMA journal_mode = wal; BEGIN");
    page_db_change(&test, 10);
    page_db_sql(&test, "COMMIT");
    compare_all(test.path, shape->encoding, what);
    page_db_sql(&test, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    compare_all(test.path, shape->encoding, what);
    page_db_end(&test);
}

Test(page_feed, shapes) {
    for (size_t p = 0; p < sizeof page_sizes / sizeof page_sizes[0]; p++) {
        for (size_t e = 0; e < sizeof encodings / sizeof encodings[0]; e++) {
            compare_shape(100 + p * 10 + e,
                          &(struct page_shape){.page_size = page_sizes[p],
                                               .encoding = encodings[e],
                                               .auto_vacuum = (unsigned)(p + e) % 3,
                                               .reserved = (p + e) % 2 ? 11 : 0});
        }
    }
}

/* ---- tables of many chunks ---- */

static void fill_large(struct page_db *test) {
    page_db_sql(test, "PRAGMA page_size = 4096;"
                      "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w, r REAL);"
                      "CREATE TABLE k(a TEXT, b INTEGER, c, PRIMARY KEY(a, b)) WITHOUT ROWID;"
                      "CREATE TABLE n(a TEXT PRIMARY KEY, b);"
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                      "30000) INSERT INTO t SELECT i * 3 - 9999, hex(i * 7919) || hex(i * 31337), "
                      "iif(i %% 5 = 0, NULL, i / 3.0), i FROM n;"
                      "UPDATE t SET w = zeroblob(9000 + id) WHERE id %% 900 = 0;"
                      "INSERT INTO k SELECT substr(v, 1, 3), id, v FROM t;"
                      "INSERT INTO n SELECT v || id, r FROM t");
}

Test(page_feed, many_chunks) {
    struct page_db test;
    page_db_begin(&test, 1);
    fill_large(&test);
    compare_all(test.path, "UTF-8", "large");
    page_db_sql(&test,
                "DELETE FROM t WHERE id %% 4 = 1; UPDATE k SET c = c || 'x' WHERE b %% 50 = 1");
    compare_all(test.path, "UTF-8", "large, changed");
    page_db_end(&test);
}

/* ---- chunks and changes ---- */

struct identities {
    struct rf_hash *at;
    size_t count;
    atomic_size_t met; /* of those asked for */
};

static bool remember(void *context, struct rf_hash identity) {
    struct identities *seen = context;
    seen->at = realloc(seen->at, (seen->count + 1) * sizeof *seen->at);
    seen->at[seen->count++] = identity;
    return true;
}

static bool meets(void *context, struct rf_hash identity) {
    struct identities *seen = context;
    for (size_t i = 0; i < seen->count; i++) {
        if (rf_hash_equal(seen->at[i], identity)) {
            atomic_fetch_add(&seen->met, 1);
            return true;
        }
    }
    return false;
}

/* Rows that had to be read. */
static uint64_t rows_read(const char *path, const char *name, bool (*known)(void *, struct rf_hash),
                          struct identities *seen) {
    struct reading reading;
    uint64_t rows = 0;
    reading_begin(&reading, path);
    struct rf_row_feed_options options = {.source = reading.source,
                                          .table = table_of(&reading, name),
                                          .pages = true,
                                          .jobs = 1,
                                          .known = known,
                                          .context = seen};
    struct rf_row_feed *feed = NULL;
    const struct rf_piece *piece = NULL;
    cr_assert_eq(rf_row_feed_open(&options, &feed, &reading.error), RF_OK);
    do {
        cr_assert_eq(rf_row_feed_next(feed, &piece, &reading.error), RF_OK);
        rows += piece ? piece->rows : 0;
    } while (piece);
    rf_row_feed_close(feed);
    reading_end(&reading);
    return rows;
}

/* Whatever is done in one place, most of the table is known. */
Test(page_feed, chunks_behind_a_change) {
    static const char *const changes[] = {
        "UPDATE t SET v = 'y' WHERE id = 30000",
        "UPDATE t SET w = zeroblob(9001) WHERE id = 900",
        "DELETE FROM t WHERE id BETWEEN 20000 AND 20300",
        "INSERT INTO t SELECT id + 1, v, w, r FROM t WHERE id BETWEEN 40000 AND 40200",
        "INSERT INTO t VALUES(-20000, 1, 2, 3)",
        "INSERT INTO t VALUES(200000, 1, 2, 3)",
        "CREATE TABLE other AS SELECT * FROM n LIMIT 1000",
    };
    struct page_db test;
    struct identities none = {0};
    page_db_begin(&test, 2);
    fill_large(&test);
    cr_assert_eq(rows_read(test.path, "t", NULL, &none), 30000);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct identities seen = {0};
        cr_assert_eq(rows_read(test.path, "t", remember, &seen), 0);
        page_db_sql(&test, "%s", changes[i]);
        uint64_t rows = rows_read(test.path, "t", meets, &seen);
        bool elsewhere = strstr(changes[i], "other");
        cr_assert(elsewhere ? rows == 0 : rows > 0 && rows < 30000 / 2, "%s: %llu rows", changes[i],
                  (unsigned long long)rows);
        cr_assert_gt(seen.met, 0);
        free(seen.at);
    }
    page_db_end(&test);
}

/* What overflows counts: a table of large values has many chunks on its few leaves. */
Test(page_feed, chunks_of_large_values) {
    struct page_db test;
    struct identities seen = {0};
    page_db_begin(&test, 7);
    page_db_sql(&test, "PRAGMA page_size = 4096; CREATE TABLE t(id INTEGER PRIMARY KEY, v);"
                       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                       "300) INSERT INTO t SELECT i, printf('%%.*c', 50000 + i, 'x') FROM n");
    cr_assert_eq(rows_read(test.path, "t", remember, &seen), 0);
    cr_assert_gt(seen.count, 15);
    page_db_sql(&test, "UPDATE t SET v = substr(v, 1, 49999) || 'y' || substr(v, 50001) "
                       "WHERE id = 150");
    uint64_t rows = rows_read(test.path, "t", meets, &seen);
    cr_assert(rows > 0 && rows < 100, "%llu rows", (unsigned long long)rows);
    cr_assert_eq(seen.met, seen.count - 1);
    free(seen.at);
    page_db_end(&test);
}

/* ---- ends before the end ---- */

Test(page_feed, closed_at_any_piece) {
    struct page_db test;
    struct reading reading;
    page_db_begin(&test, 3);
    fill_large(&test);
    reading_begin(&reading, test.path);
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        for (int pieces = 0; pieces < 12; pieces++) {
            struct rf_row_feed_options options = {.source = reading.source,
                                                  .table = table_of(&reading, "t"),
                                                  .pages = true,
                                                  .jobs = jobs};
            struct rf_row_feed *feed = NULL;
            const struct rf_piece *piece = NULL;
            cr_assert_eq(rf_row_feed_open(&options, &feed, &reading.error), RF_OK);
            for (int i = 0; i < pieces; i++) {
                cr_assert_eq(rf_row_feed_next(feed, &piece, &reading.error), RF_OK);
            }
            rf_row_feed_close(feed);
        }
    }
    reading_end(&reading);
    page_db_end(&test);
}

Test(page_feed, stopped) {
    struct page_db test;
    struct reading reading;
    page_db_begin(&test, 4);
    fill_large(&test);
    reading_begin(&reading, test.path);
    for (unsigned jobs = 1; jobs <= 3; jobs += 2) {
        struct rf_row_feed_options options = {.source = reading.source,
                                              .table = table_of(&reading, "t"),
                                              .pages = true,
                                              .jobs = jobs};
        struct rf_row_feed *feed = NULL;
        const struct rf_piece *piece = NULL;
        reading.stop = 0;
        cr_assert_eq(rf_row_feed_open(&options, &feed, &reading.error), RF_OK);
        cr_assert_eq(rf_row_feed_next(feed, &piece, &reading.error), RF_OK);
        reading.stop = SIGINT;
        enum rf_code code = RF_OK;
        for (int i = 0; code == RF_OK && i < 1000; i++) {
            code = rf_row_feed_next(feed, &piece, &reading.error);
        }
        cr_assert_eq(code, RF_INTERRUPTED);
        cr_assert_null(rf_row_feed_unusual(feed), "a stop is not the pages' fault");
        rf_row_feed_close(feed);
    }
    reading_end(&reading);
    page_db_end(&test);
}

/* When the transaction has gone, what was read under it counts for nothing. */
Test(page_feed, transaction_lost) {
    struct page_db test;
    struct reading reading;
    page_db_begin(&test, 5);
    fill_large(&test);
    reading_begin(&reading, test.path);
    struct rf_row_feed_options options = {
        .source = reading.source, .table = table_of(&reading, "t"), .pages = true, .jobs = 1};
    struct rf_row_feed *feed = NULL;
    const struct rf_piece *piece = NULL;
    cr_assert_eq(rf_row_feed_open(&options, &feed, &reading.error), RF_OK);
    cr_assert_eq(rf_row_feed_next(feed, &piece, &reading.error), RF_OK);
    cr_assert_eq(sqlite3_exec(reading.source->db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    enum rf_code code = RF_OK;
    while (code == RF_OK && piece) {
        code = rf_row_feed_next(feed, &piece, &reading.error);
    }
    cr_assert_eq(code, RF_FAILED);
    cr_assert(strstr(rf_row_feed_unusual(feed), "is over"));
    rf_row_feed_close(feed);
    reading_end(&reading);
    page_db_end(&test);
}

/* ---- damage ---- */

static void damage_file(struct page_db *test, const char *path) {
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    fseek(file, 0, SEEK_END);
    uint64_t size = (uint64_t)ftell(file);
    uint64_t times = 1 + page_random_below(test, 3);
    for (uint64_t i = 0; i < times; i++) {
        /* Mostly near the start of a page, where its header and pointers are. */
        uint64_t page = 1 + page_random_below(test, size / 1024 - 1);
        uint64_t within = page_random_below(test, page_random_below(test, 3) ? 40 : 1024);
        uint8_t byte = (uint8_t)page_random(test);
        fseek(file, (long)(page * 1024 + within), SEEK_SET);
        fwrite(&byte, 1, 1, file);
    }
    fclose(file);
}

static void compare_damaged(const char *path, const char *what, unsigned *verdicts) {
    struct reading reading;
    struct rf_selection all = {0};
    memset(&reading, 0, sizeof reading);
    struct rf_source_options options = {.database = path, .stop = &reading.stop};
    if (rf_source_open(&options, &reading.source, &reading.error) == RF_OK &&
        rf_schema_read(reading.source, &all, &reading.manifest, &reading.error) == RF_OK) {
        for (uint32_t i = 0; i < reading.manifest.table_count; i++) {
            const struct rf_table *table = &reading.manifest.tables[i].table;
            verdicts[feed_compare(reading.source, table, 1 + i % 3, what)]++;
        }
    }
    reading_end(&reading);
}

/* Exchanges two children of an interior page, each with the row that follows it. */
static void exchange(const char *path, uint64_t page, unsigned a, unsigned b) {
    uint8_t pointers[2][2];
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    long start = (long)(page - 1) * 4096 + 12;
    unsigned places[] = {a, b};
    for (int i = 0; i < 2; i++) {
        fseek(file, start + 2 * places[i], SEEK_SET);
        cr_assert_eq(fread(pointers[i], 2, 1, file), 1);
    }
    for (int i = 0; i < 2; i++) {
        fseek(file, start + 2 * places[i], SEEK_SET);
        fwrite(pointers[1 - i], 2, 1, file);
    }
    fclose(file);
}

/* Leaves that are all known, but not where they were: no row of them is read, and it is found all
 * the same. */
Test(page_feed, known_chunks_out_of_order) {
    struct page_db test;
    struct reading reading;
    struct identities seen = {0};
    page_db_begin(&test, 8);
    fill_large(&test);
    page_db_sql(&test, "DELETE FROM k WHERE b > 0; VACUUM");
    cr_assert_eq(rows_read(test.path, "k", remember, &seen), 0);
    uint64_t root =
        (uint64_t)page_db_number(&test, "SELECT rootpage FROM sqlite_schema WHERE name = 'k'");
    cr_assert_eq(rows_read(test.path, "k", meets, &seen), 0);
    exchange(test.path, root, 3, 20);
    for (unsigned jobs = 1; jobs <= 2; jobs++) {
        reading_begin(&reading, test.path);
        struct rf_row_feed_options options = {.source = reading.source,
                                              .table = table_of(&reading, "k"),
                                              .pages = true,
                                              .jobs = jobs,
                                              .known = meets,
                                              .context = &seen};
        struct rf_row_feed *feed = NULL;
        const struct rf_piece *piece = NULL;
        cr_assert_eq(rf_row_feed_open(&options, &feed, &reading.error), RF_OK);
        enum rf_code code = rf_row_feed_next(feed, &piece, &reading.error);
        while (code == RF_OK && piece) {
            code = rf_row_feed_next(feed, &piece, &reading.error);
        }
        cr_assert_eq(code, RF_FAILED);
        cr_assert(strstr(rf_row_feed_unusual(feed), "order"), "%s", rf_row_feed_unusual(feed));
        rf_row_feed_close(feed);
        reading_end(&reading);
    }
    free(seen.at);
    page_db_end(&test);
}

/* Damaged pages: the same rows as SQLite gives or none, and an end in any case. */
Test(page_feed, damaged_pages) {
    const char *given = getenv("RF_TEST_ROUNDS");
    uint64_t rounds = given ? strtoull(given, NULL, 10) : 150;
    char path[128], command[400], what[80];
    unsigned verdicts[4] = {0};
    struct page_db test;
    page_db_begin(&test, 6);
    page_db_shape(&test, &(struct page_shape){.page_size = 1024, .encoding = "UTF-8"});
    page_db_fill(&test, 25);
    snprintf(path, sizeof path, "%s/damaged.db", test.folder);
    snprintf(command, sizeof command, "cp %s %s", test.path, path);
    for (uint64_t round = 0; round < rounds; round++) {
        alarm(60); /* a hang is a failure */
        cr_assert_eq(system(command), 0);
        damage_file(&test, path);
        snprintf(what, sizeof what, "seed %llu, round %llu", (unsigned long long)test.seed,
                 (unsigned long long)round);
        compare_damaged(path, what, verdicts);
    }
    alarm(0);
    cr_assert_gt(verdicts[FEED_SAME], 0);
    cr_assert(rounds < 50 || verdicts[FEED_DAMAGED] + verdicts[FEED_UNUSUAL] > 0);
    unlink(path);
    page_db_end(&test);
}
