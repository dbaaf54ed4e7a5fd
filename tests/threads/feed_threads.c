/* The feed of pages on several threads, for the thread sanitizer; a plain program, as Criterion
 * does not run under it.
 *
 * Built with chunks and pieces of a few rows, so that threads wait for each other all the time.
 * What a user would lose if this were wrong: rows that are missing, twice or out of order, or a
 * capture that never ends. */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/row_feed.h"
#include "capture/schema.h"

#define ROWS "6000"

static atomic_int stop;
static atomic_uint asked;

static void must(bool good, const char *what, const struct rf_error *error) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, error->what);
        exit(1);
    }
}

static void make(const char *path) {
    struct rf_error error = {0};
    sqlite3 *db = NULL;
    bool made =
        sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_exec(
            db,
            "PRAGMA page_size = 1024; PRAGMA journal_mode = wal;"
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w);"
            "CREATE TABLE k(a TEXT PRIMARY KEY, b) WITHOUT ROWID;"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " ROWS
            ") INSERT INTO t SELECT i, hex(i * 7919), iif(i % 50, i, zeroblob(5000)) FROM n;"
            "INSERT INTO k SELECT v || id, w FROM t",
            NULL, NULL, NULL) == SQLITE_OK;
    must(made, sqlite3_errmsg(db), &error);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db);
}

static bool is_known(void *context, struct rf_hash identity) {
    (void)context;
    atomic_fetch_add(&asked, 1);
    return identity.high % 3 == 0;
}

/* The digest of what comes, of `pieces` pieces at most. */
static struct rf_digest read_feed(const struct rf_row_feed_options *options, unsigned pieces) {
    struct rf_row_feed *feed = NULL;
    struct rf_error error = {0};
    struct rf_digest digest = {0};
    const struct rf_piece *piece = NULL;
    must(rf_row_feed_open(options, &feed, &error) == RF_OK, "open", &error);
    must(!rf_row_feed_refused(feed), "refused", &error);
    do {
        must(rf_row_feed_next(feed, &piece, &error) == RF_OK, "next", &error);
        if (piece) {
            rf_digest_join(&digest, &piece->digest);
        }
    } while (piece && --pieces > 0);
    rf_row_feed_close(feed);
    return digest;
}

static void stop_midway(const struct rf_row_feed_options *options) {
    struct rf_row_feed *feed = NULL;
    struct rf_error error = {0};
    const struct rf_piece *piece = NULL;
    enum rf_code code = rf_row_feed_open(options, &feed, &error);
    for (int i = 0; code == RF_OK && i < 100000; i++) {
        atomic_store(&stop, i > 20 ? 15 : 0);
        code = rf_row_feed_next(feed, &piece, &error);
    }
    must(code == RF_INTERRUPTED, "not stopped", &error);
    atomic_store(&stop, 0);
    rf_row_feed_close(feed);
}

static void check_table(struct rf_source *source, const struct rf_table *table) {
    struct rf_error error = {0};
    struct rf_row_feed_options options = {.source = source, .table = table, .jobs = 1};
    struct rf_digest expected = read_feed(&options, UINT32_MAX);
    must(expected.rows == strtoull(ROWS, NULL, 10), "rows", &error);
    options.pages = true;
    for (unsigned jobs = 1; jobs <= 8; jobs += 2) {
        options.jobs = jobs;
        options.known = NULL;
        struct rf_digest found = read_feed(&options, UINT32_MAX);
        must(rf_digest_equal(&found, &expected), "other rows than SQLite's", &error);
        read_feed(&options, 5 * jobs);
        stop_midway(&options);
        options.known = is_known;
        found = read_feed(&options, UINT32_MAX);
        must(found.rows < expected.rows, "nothing was known", &error);
    }
    must(atomic_load(&asked) > 0, "not asked", &error);
}

int main(void) {
    char folder[] = "/tmp/rf-feed-XXXXXX";
    char path[64], command[96];
    struct rf_error error = {0};
    struct rf_source *source = NULL;
    struct rf_manifest manifest = {0};
    struct rf_selection all = {0};
    must(mkdtemp(folder), "mkdtemp", &error);
    snprintf(path, sizeof path, "%s/source.db", folder);
    make(path);
    struct rf_source_options options = {.database = path, .stop = &stop};
    must(rf_source_open(&options, &source, &error) == RF_OK, "source", &error);
    must(rf_schema_read(source, &all, &manifest, &error) == RF_OK, "schema", &error);
    for (uint32_t i = 0; i < manifest.table_count; i++) {
        check_table(source, &manifest.tables[i].table);
    }
    rf_manifest_release(&manifest);
    rf_source_close(source);
    snprintf(command, sizeof command, "rm -r %s", folder);
    must(system(command) == 0, "rm", &error);
    return 0;
}
