/* Trip after trip: what a capture counts, writes and keeps, case by case. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/table_capture.h"
#include "chunk_feed.h"
#include "fixture.h"
#include "format/state.h"

static struct fixture fixture;

static void begin(void) {
    fixture_begin(&fixture);
}

static void end(void) {
    fixture_end(&fixture);
}

TestSuite(tables, .init = begin, .fini = end);

static void expect(const char *table, uint64_t unchanged, uint64_t inserted, uint64_t updated,
                   uint64_t deleted, uint64_t moved) {
    fixture_capture(&fixture);
    const struct rf_capture_table *found = fixture_result(&fixture, table);
    cr_assert(found->unchanged == unchanged && found->inserted == inserted &&
                  found->updated == updated && found->deleted == deleted && found->moved == moved,
              "%s: unchanged %lu inserted %lu updated %lu deleted %lu moved %lu", table,
              found->unchanged, found->inserted, found->updated, found->deleted, found->moved);
    cr_assert_eq(found->scanned, unchanged + inserted + updated + moved);
}

static void fill(const char *table, const char *columns, int rows) {
    fixture_sqlf(&fixture,
                 "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                 "INSERT INTO %s SELECT %s FROM n",
                 rows, table, columns);
}

static bool has_file(const char *folder, const char *name) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s/%s", fixture.repository, folder, name);
    return access(path, F_OK) == 0;
}

Test(tables, inserts_updates_and_deletes_are_told_apart) {
    fixture_sql(
        &fixture,
        "CREATE TABLE a(k INTEGER PRIMARY KEY, v); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;"
        "CREATE TABLE x(k TEXT PRIMARY KEY, v)");
    fill("a", "i, 'v' || i", 100);
    fill("w", "'k' || i, i", 100);
    fill("x", "'k' || i, i", 100);
    expect("a", 0, 100, 0, 0, 0);
    cr_assert(fixture.result.published);
    cr_assert_eq(fixture.result.snapshot.number, 1u);
    fixture_sql(&fixture, "DELETE FROM a WHERE k <= 10; UPDATE a SET v = 0 WHERE k > 95; "
                          "INSERT INTO a VALUES (500, 1);"
                          "DELETE FROM w WHERE v <= 10; UPDATE w SET v = 0 WHERE v > 95; "
                          "INSERT INTO w VALUES ('z', 1);"
                          "DELETE FROM x WHERE v <= 10; UPDATE x SET v = 0 WHERE v > 95; "
                          "INSERT INTO x VALUES ('z', 1)");
    expect("a", 85, 1, 5, 10, 0);
    expect("a", 86 + 5, 0, 0, 0, 0);
    cr_assert_not(fixture.result.published);
    cr_assert_eq(fixture.result.snapshot.number, 2u);
    struct opened opened;
    opened_begin(&opened, &fixture);
    const struct rf_manifest_table *w = opened_table(&opened, "w");
    cr_assert(w->inserted == 1 && w->updated == 5 && w->deleted == 10 && w->moved == 0);
    const struct rf_manifest_table *x = opened_table(&opened, "x");
    cr_assert(x->inserted == 1 && x->updated == 5 && x->deleted == 10 && x->moved == 0);
    opened_end(&opened);
}

Test(tables, a_table_that_did_not_change_writes_nothing) {
    fixture_sql(&fixture, "CREATE TABLE still(a, b); CREATE TABLE busy(k INTEGER PRIMARY KEY)");
    fill("still", "i, i", 50);
    fixture_capture(&fixture);
    struct opened opened;
    opened_begin(&opened, &fixture);
    char name[RF_ARCHIVE_NAME_SIZE];
    memcpy(name, opened_table(&opened, "still")->state[0].name, sizeof name);
    opened_end(&opened);
    fixture_sql(&fixture, "INSERT INTO busy VALUES (1)");
    expect("still", 50, 0, 0, 0, 0);
    cr_assert_eq(fixture_result(&fixture, "still")->bytes, 0u);
    opened_begin(&opened, &fixture);
    const struct rf_manifest_table *still = opened_table(&opened, "still");
    cr_assert_eq(still->change, RF_CHANGE_NONE);
    cr_assert_str_eq(still->state[0].name, name);
    opened_end(&opened);
    name[strlen(name) - 1] = 'i';
    cr_assert(has_file("index", name), "its index is kept");
}

Test(tables, a_vacuum_and_a_reload_are_moves_and_nothing_else) {
    fixture_sql(&fixture, "CREATE TABLE unlike(a, b); CREATE TABLE alike(a)");
    fill("unlike", "i, hex(i * 7919)", 300);
    fill("alike", "i % 3", 300);
    fixture_sql(&fixture,
                "DELETE FROM unlike WHERE rowid % 3 = 0; DELETE FROM alike WHERE rowid % 3 = 0");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "VACUUM");
    cr_assert_eq(fixture_number(&fixture, "SELECT max(rowid) FROM unlike"), 200, "renumbered");
    expect("unlike", 2, 0, 0, 0, 198);
    const struct rf_capture_table *alike = fixture_result(&fixture, "alike");
    cr_assert_eq(alike->unchanged + alike->moved, 200u);
    fixture_sql(&fixture,
                "UPDATE unlike SET rowid = -rowid; "
                "CREATE TABLE copy AS SELECT * FROM unlike ORDER BY -rowid;"
                "DELETE FROM unlike; INSERT INTO unlike SELECT * FROM copy; DROP TABLE copy;"
                "INSERT INTO unlike(rowid, a) VALUES (-9223372036854775808, 'first')");
    expect("unlike", 200, 1, 0, 0, 0);
}

Test(tables, edits_and_a_vacuum_together) {
    fixture_sql(&fixture, "CREATE TABLE log(a, b)");
    fill("log", "i, CASE i % 2 WHEN 0 THEN 'heartbeat' ELSE hex(i) END", 400);
    fixture_sql(&fixture, "UPDATE log SET a = 0 WHERE b = 'heartbeat'");
    fixture_capture(&fixture);
    fixture_sql(&fixture,
                "DELETE FROM log WHERE rowid <= 100; UPDATE log SET a = -1 WHERE rowid = 201;"
                "INSERT INTO log VALUES ('new', 1); VACUUM");
    fixture_capture(&fixture);
    const struct rf_capture_table *log = fixture_result(&fixture, "log");
    cr_assert_eq(log->unchanged + log->moved, 299u);
    cr_assert_eq(log->inserted + log->updated, 2u);
    cr_assert_eq(log->deleted + log->updated, 101u);
}

Test(tables, rowids_that_no_name_reaches) {
    fixture_sql(&fixture, "CREATE TABLE t(rowid, _rowid_, oid)");
    fill("t", "i, 'x', i * i", 200);
    fixture_capture(&fixture);
    fixture_sql(&fixture,
                "DELETE FROM t WHERE \"rowid\" = 7; UPDATE t SET oid = 0 WHERE \"rowid\" = 100");
    expect("t", 6, 1, 0, 2, 192); /* by their places, 99 is gone and 98 is new */
}

static enum rf_gone_form gone_form(const char *name) {
    struct opened opened;
    opened_begin(&opened, &fixture);
    struct rf_archive *delta = NULL;
    struct rf_error error = {0};
    cr_assert_eq(rf_repository_open_archive(opened.repository, &opened_table(&opened, name)->delta,
                                            &delta, &error),
                 RF_OK);
    enum rf_gone_form form = rf_archive_head_of(delta)->gone;
    rf_archive_close(delta);
    opened_end(&opened);
    return form;
}

Test(tables, keys_with_nulls_delete_whole_rows) {
    fixture_sql(&fixture, "CREATE TABLE t(k TEXT PRIMARY KEY, v); "
                          "INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('a', 3)");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "DELETE FROM t WHERE v = 1; UPDATE t SET v = 4 WHERE v = 3");
    expect("t", 1, 0, 1, 1, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_ROW);
    fixture_sql(&fixture, "DELETE FROM t WHERE k IS NULL");
    expect("t", 1, 0, 0, 1, 0);
    fixture_sql(&fixture, "UPDATE t SET v = 5");
    expect("t", 0, 0, 1, 0, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_KEY, "no NULLs are left on either side");
}

/* A target may not tell 1 from '1': the key alone would find both rows. */
Test(tables, keys_of_several_kinds_delete_whole_rows) {
    fixture_sql(&fixture, "CREATE TABLE t(k PRIMARY KEY, v); "
                          "INSERT INTO t VALUES (1, 1), ('1', 2), (x'31', 3), (2.5, 4)");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "DELETE FROM t WHERE v = 1");
    expect("t", 3, 0, 0, 1, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_ROW);
    fixture_sql(&fixture, "DELETE FROM t WHERE v IN (2, 3); INSERT INTO t VALUES (7, 5)");
    expect("t", 1, 1, 0, 2, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_ROW, "the parent's were");
    fixture_sql(&fixture, "UPDATE t SET v = v + 1");
    expect("t", 0, 0, 2, 0, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_KEY, "integers and reals are of one kind");
    fixture_sql(&fixture, "UPDATE t SET k = 'seven' WHERE k = 7");
    expect("t", 1, 0, 1, 0, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_ROW, "a text came");
}

/* Here the old rows are read beside the index. */
Test(tables, mixed_keys_without_rowid_delete_whole_rows) {
    fixture_sql(&fixture, "CREATE TABLE t(k, n, v, PRIMARY KEY(n, k)) WITHOUT ROWID; "
                          "INSERT INTO t VALUES (1, 7, 'a'), ('1', 7, 'b'), (x'31', 7, 'c'), "
                          "(2, 7, 'd'), (3, 6, 'e'), ('z', 9, 'f')");
    fixture_capture(&fixture);
    fixture_sql(&fixture,
                "DELETE FROM t WHERE v IN ('a', 'f'); UPDATE t SET v = 'B' WHERE v = 'b'");
    expect("t", 3, 0, 1, 2, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_ROW);
    fixture_sql(&fixture, "DELETE FROM t WHERE typeof(k) <> 'integer'");
    expect("t", 2, 0, 0, 2, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_ROW);
    fixture_sql(&fixture, "UPDATE t SET k = 'x' WHERE n = 6");
    expect("t", 1, 1, 0, 1, 0);
    cr_assert_eq(gone_form("t"), RF_GONE_KEY, "all that could go was of one kind");
}

Test(tables, other_columns_or_another_key_make_another_table) {
    fixture_sql(&fixture, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "ALTER TABLE t RENAME COLUMN b TO c");
    expect("t", 0, 1, 0, 0, 0);
    fixture_sql(&fixture, "CREATE INDEX i ON t(a)");
    expect("t", 1, 0, 0, 0, 0);
    cr_assert(fixture.result.published, "the schema changed, the rows did not");
    fixture_sql(&fixture, "DROP TABLE t; CREATE TABLE t(a PRIMARY KEY, c) WITHOUT ROWID; "
                          "INSERT INTO t VALUES (1, 2)");
    expect("t", 0, 1, 0, 0, 0);
    struct opened opened;
    opened_begin(&opened, &fixture);
    cr_assert_eq(opened_table(&opened, "t")->change, RF_CHANGE_NEW);
    opened_end(&opened);
    fixture_sql(&fixture, "DROP TABLE t; CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    cr_assert_eq(fixture_try(&fixture), RF_MISPLACED, "not one table is left");
    fixture.options.same_source = true;
    expect("u", 0, 1, 0, 0, 0);
    cr_assert_eq(fixture_result(&fixture, "t")->deleted, 1u, "a table that is gone is reported");
}

Test(tables, tables_without_rows_and_databases_without_tables) {
    fixture_sql(&fixture, "PRAGMA user_version = 1");
    fixture_capture(&fixture);
    cr_assert(fixture.result.published && fixture.result.table_count == 0);
    fixture_capture(&fixture);
    cr_assert_not(fixture.result.published);
    fixture_sql(&fixture, "CREATE TABLE t(a); CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID");
    expect("t", 0, 0, 0, 0, 0);
    fixture_sql(&fixture, "INSERT INTO t VALUES (1); INSERT INTO w VALUES (1)");
    expect("t", 0, 1, 0, 0, 0);
    fixture_sql(&fixture, "DELETE FROM t; DELETE FROM w");
    expect("t", 0, 0, 0, 1, 0);
    expect("t", 0, 0, 0, 0, 0);
}

Test(tables, sequences_and_settings_alone_make_a_snapshot) {
    fixture_sql(&fixture,
                "CREATE TABLE t(k INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (5)");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "UPDATE sqlite_sequence SET seq = 50");
    fixture_capture(&fixture);
    cr_assert(fixture.result.published);
    fixture_sql(&fixture, "PRAGMA user_version = 9");
    fixture_capture(&fixture);
    cr_assert(fixture.result.published);
    fixture_sql(&fixture, "PRAGMA journal_mode = wal; PRAGMA wal_checkpoint(TRUNCATE)");
    fixture_capture(&fixture);
    cr_assert_not(fixture.result.published, "how it is kept is not what it holds");
}

Test(tables, another_source_is_refused) {
    fixture_sql(&fixture, "CREATE TABLE t(a); PRAGMA application_id = 7");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "PRAGMA application_id = 8");
    cr_assert_eq(fixture_try(&fixture), RF_MISPLACED);
    cr_assert_not_null(strstr(fixture.error.hint, "--same-source"));
    fixture_sql(&fixture, "PRAGMA application_id = 0");
    fixture_capture(&fixture);
    fixture_sql(&fixture, "ALTER TABLE t RENAME TO v");
    cr_assert_eq(fixture_try(&fixture), RF_MISPLACED);
    fixture.options.same_source = true;
    fixture_capture(&fixture);
}

/* ---- the index ---- */

static void index_path(const char *table, char *path, size_t size) {
    struct opened opened;
    opened_begin(&opened, &fixture);
    const struct rf_manifest_table *found = opened_table(&opened, table);
    snprintf(path, size, "%s/index/%s", fixture.repository,
             found->state[found->state_count - 1].name);
    path[strlen(path) - 1] = 'i';
    opened_end(&opened);
}

static void flip_byte(const char *path, long at) {
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file, "%s", path);
    fseek(file, at, at < 0 ? SEEK_END : SEEK_SET);
    int byte = fgetc(file);
    fseek(file, -1, SEEK_CUR);
    fputc(byte ^ 0x10, file);
    fclose(file);
}

Test(tables, an_index_that_is_lost_or_damaged_is_made_anew) {
    fixture_sql(&fixture, "CREATE TABLE t(a, b); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID; "
                          "CREATE TABLE a(k INTEGER PRIMARY KEY, v)");
    fill("t", "i, i", 100);
    fill("w", "i, i", 100);
    fill("a", "i, i", 100);
    fixture_capture(&fixture);
    char t[300], w[300], a[300];
    for (int round = 0; round < 6; round++) {
        index_path("t", t, sizeof t);
        index_path("w", w, sizeof w);
        index_path("a", a, sizeof a);
        struct stat found;
        stat(t, &found);
        switch (round) {
        case 0:
            unlink(t);
            unlink(w);
            unlink(a);
            break;
        case 1:
            flip_byte(t, found.st_size / 2);
            flip_byte(w, found.st_size / 2);
            flip_byte(a, found.st_size / 2);
            break;
        case 2:
            flip_byte(t, -5);
            flip_byte(w, -5);
            flip_byte(a, -5);
            break;
        case 3:
            cr_assert_eq(truncate(t, 100), 0);
            cr_assert_eq(truncate(w, 0), 0);
            flip_byte(a, 3);
            break;
        case 4:
            rename(w, t);
            break;
        default:
            break;
        }
        fixture_sqlf(&fixture,
                     "UPDATE t SET b = b + 1 WHERE a = %d; UPDATE w SET v = v + 1 WHERE k = %d; "
                     "UPDATE a SET v = v + 1 WHERE k = %d",
                     50 + round, 50 + round, 50 + round);
        fixture.notes = 0;
        expect("t", 99, 0, 1, 0, 0);
        uint32_t rebuilt = round < 4 ? 3u : round == 4 ? 2u : 0u;
        cr_assert_eq(fixture.result.index_rebuilt, rebuilt, "round %d: %u", round,
                     fixture.result.index_rebuilt);
        cr_assert_eq(fixture.notes, rebuilt);
    }
}

Test(tables, a_dry_run_counts_and_writes_nothing) {
    fixture_sql(&fixture, "CREATE TABLE t(a, b)");
    fill("t", "i, i", 200);
    fixture_capture(&fixture);
    fixture_sql(&fixture, "DELETE FROM t WHERE a < 20; UPDATE t SET b = 0 WHERE a = 100; "
                          "INSERT INTO t VALUES (1, 1)");
    char path[300];
    index_path("t", path, sizeof path);
    for (int round = 0; round < 2; round++) {
        fixture.options.dry_run = true;
        expect("t", 180, 1, 1, 19, 0);
        cr_assert_not(fixture.result.published);
        cr_assert_eq(fixture.result.snapshot.number, 1u);
        cr_assert_eq(has_file("index", strrchr(path, '/') + 1), round == 0);
        unlink(path); /* then the archives are read */
    }
    fixture.options.dry_run = false;
    expect("t", 180, 1, 1, 19, 0);
    cr_assert_eq(fixture.result.snapshot.number, 2u);
}

/* ---- pages that turn out to be unusual ---- */

static unsigned files_in(const char *folder) {
    char path[200];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/%s", fixture.repository, folder);
    DIR *opened = opendir(path);
    cr_assert_not_null(opened);
    for (struct dirent *entry; (entry = readdir(opened));) {
        count += entry->d_name[0] != '.';
    }
    closedir(opened);
    return count;
}

/* At any point, of the scan of what changed and of that which folds the state: what was done so far
 * is thrown away, and the table is read through SQLite. */
Test(tables, pages_that_turn_out_to_be_unusual) {
    fixture.limits.open_feed = chunk_feed_open;
    fixture_sql(&fixture, "CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
    fill("t", "i, hex(randomblob(100))", 2000);
    chunk_feed_unusual_in = 100;
    fixture_capture(&fixture);
    cr_assert_eq(fixture.notes, 1u);
    unsigned told = 0;
    for (int at = 0; at < 1000; at += 61) {
        fixture_sql(&fixture, "UPDATE t SET v = hex(randomblob(100)) WHERE k % 3 > 0");
        chunk_feed_unusual_in = at;
        fixture.notes = 0;
        expect("t", 666, 0, 1334, 0, 0);
        cr_assert_leq(fixture.notes, 1u);
        told += fixture.notes;
        cr_assert_eq(files_in("tmp"), 0u);
        cr_assert_eq(files_in("index"), 1u);
    }
    cr_assert_gt(told, 7u);
}

/* ---- long chains ---- */

Test(tables, a_long_chain_is_folded) {
    fixture_sql(&fixture, "CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
    fill("t", "i, hex(randomblob(100))", 2000);
    fixture_capture(&fixture);
    uint32_t longest = 0;
    bool folded = false;
    for (int i = 1; i <= 20; i++) {
        fixture_sqlf(&fixture, "UPDATE t SET v = %d WHERE k = %d", i, i);
        expect("t", 1999, 0, 1, 0, 0);
        struct opened opened;
        opened_begin(&opened, &fixture);
        const struct rf_manifest_table *table = opened_table(&opened, "t");
        cr_assert_eq(table->change, RF_CHANGE_DELTA, "the delta is there, folded or not");
        longest = table->state_count > longest ? table->state_count : longest;
        folded |= table->state_count == 1;
        opened_end(&opened);
    }
    cr_assert(folded);
    cr_assert_eq(longest, RF_STATE_ARCHIVES_MAX);
}

Test(tables, large_deltas_are_folded) {
    fixture_sql(&fixture, "CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
    fill("t", "i, hex(randomblob(100))", 2000);
    fixture_capture(&fixture);
    fixture_sql(&fixture, "UPDATE t SET v = hex(randomblob(100)) WHERE k <= 800");
    expect("t", 1200, 0, 800, 0, 0);
    struct opened opened;
    opened_begin(&opened, &fixture);
    cr_assert_eq(opened_table(&opened, "t")->state_count, 2u);
    opened_end(&opened);
    fixture_sql(&fixture, "UPDATE t SET v = hex(randomblob(100)) WHERE k <= 800");
    expect("t", 1200, 0, 800, 0, 0);
    opened_begin(&opened, &fixture);
    cr_assert_eq(opened_table(&opened, "t")->state_count, 1u, "together more than half of it");
    opened_end(&opened);
    expect("t", 2000, 0, 0, 0, 0);
}

/* ---- being told to stop ---- */

static void stop_at_once(void *context, const char *table, uint64_t done, uint64_t expected) {
    struct fixture *at = context;
    (void)table;
    (void)done;
    (void)expected;
    atomic_store(&at->stop, 15);
}

Test(tables, a_signal_ends_the_capture_without_a_trace) {
    fixture_sql(&fixture, "CREATE TABLE t(a)");
    fill("t", "i", 30000);
    fixture.options.progress = stop_at_once;
    cr_assert_eq(fixture_try(&fixture), RF_INTERRUPTED, "%s", fixture.error.what);
    cr_assert_not(fixture.result.published);
    fixture.options.progress = NULL;
    atomic_store(&fixture.stop, 0);
    fixture_capture(&fixture);
    cr_assert_eq(fixture.result.snapshot.number, 1u);
}

/* ---- being looked at ---- */

#define SEEN_MOST 8u

struct seen {
    unsigned count;
    struct {
        char name[16];
        enum rf_watch_state state;
        uint64_t rows, bytes;
        int64_t expected;
    } tables[SEEN_MOST];
    atomic_uint
        working; /* calls that said that a worker has something to do, and that it has not */
    atomic_uint idle;
};

/* Tables are told of by one thread. */
static void see_table(void *context, const struct rf_watch_table *told) {
    struct seen *seen = context;
    unsigned i = 0;
    cr_assert_eq(told->part, RF_WATCH_CAPTURE);
    while (i < seen->count && strcmp(seen->tables[i].name, told->table) != 0) {
        i++;
    }
    cr_assert_lt(i, SEEN_MOST);
    seen->count += i == seen->count;
    snprintf(seen->tables[i].name, sizeof seen->tables[i].name, "%s", told->table);
    if (told->state != RF_WATCH_AS_BEFORE) {
        cr_expect_gt(told->state, seen->tables[i].state, "%s goes forward", told->table);
        seen->tables[i].state = told->state;
    }
    seen->tables[i].rows += told->rows;
    seen->tables[i].bytes += told->bytes;
    seen->tables[i].expected += told->expected;
}

static void see_worker(void *context, enum rf_watch_part part, unsigned number, const char *doing,
                       const char *table) {
    struct seen *seen = context;
    (void)number;
    (void)table;
    cr_assert_eq(part, RF_WATCH_CAPTURE);
    atomic_fetch_add(doing ? &seen->working : &seen->idle, 1);
}

static void capture_seen(struct seen *seen) {
    const struct rf_watch watch = {see_table, see_worker, seen};
    *seen = (struct seen){.count = 0};
    fixture.options.watch = &watch;
    fixture_capture(&fixture);
    fixture.options.watch = NULL;
    for (unsigned i = 0; i < seen->count; i++) {
        const char *name = seen->tables[i].name;
        cr_expect_eq(seen->tables[i].state, RF_WATCH_DONE, "%s", name);
        cr_expect_eq(seen->tables[i].rows, (uint64_t)seen->tables[i].expected,
                     "%s: what was expected is set right at the end", name);
    }
    cr_expect_eq(atomic_load(&seen->working), atomic_load(&seen->idle), "all end");
}

Test(tables, who_looks_on_sees_every_row_once) {
    struct seen seen;
    fixture_sql(&fixture, "CREATE TABLE a(k INTEGER PRIMARY KEY, v); CREATE TABLE empty(v);"
                          "CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID");
    fill("a", "i, 'v' || i", 20000);
    fill("w", "'k' || i, i", 300);
    for (int sqlite = 0; sqlite < 2; sqlite++) {
        fixture.options.through_sqlite = sqlite;
        fixture.options.dry_run = sqlite == 0;
        capture_seen(&seen);
        cr_assert_eq(seen.count, 3u);
        for (unsigned i = 0; i < seen.count; i++) {
            uint64_t rows = fixture_result(&fixture, seen.tables[i].name)->scanned;
            cr_expect_eq(seen.tables[i].rows, rows, "%s", seen.tables[i].name);
            cr_expect_geq(seen.tables[i].bytes, 2 * rows, "%s", seen.tables[i].name);
        }
    }
    fixture_sql(&fixture, "DELETE FROM a WHERE k <= 500; UPDATE w SET v = 0 WHERE v > 290");
    capture_seen(&seen);
    cr_expect_eq(seen.count, 3u);
}
