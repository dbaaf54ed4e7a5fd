/* Databases in WAL mode, at rest and while others write: the page reader must see what SQLite's own
 * transaction sees, whatever stands in the file, the log and the index beside it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/page_wal.h"
#include "page_support.h"

static void begin_wal(struct page_db *test, uint64_t seed, uint32_t page_size, int reserved) {
    page_db_begin(test, seed);
    struct page_shape shape = {
        .page_size = page_size, .encoding = "UTF-8", .reserved = reserved, .auto_vacuum = 1};
    page_db_shape(test, &shape);
    page_db_fill(test, 20);
    page_db_sql(test, "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0");
}

/* Frames of a transaction that is not over: the cache is too small to hold it. */
static void spill(struct page_db *test) {
    page_db_sql(test, "PRAGMA cache_size = 5; PRAGMA cache_spill = 1; BEGIN");
    page_db_change(test, 30);
}

static sqlite3 *open_reader(struct page_db *test) {
    sqlite3 *db = NULL;
    cr_assert_eq(sqlite3_open(test->path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM alias", NULL, NULL, NULL),
                 SQLITE_OK);
    return db;
}

/* All tables of what `reading` has open. */
static void compare_open(struct page_reading *reading, const char *what) {
    cr_assert_not_null(reading->pages, "%s: %s", what, reading->error.what);
    for (uint32_t i = 0; i < reading->manifest.table_count; i++) {
        const struct rf_table *table = &reading->manifest.tables[i].table;
        enum page_verdict verdict = page_compare(reading, reading->pages, table, what);
        cr_assert(verdict == PAGE_SAME || strncmp(table->name, "odd_", 4) == 0, "%s, %s: %s", what,
                  table->name, reading->error.what);
    }
    cr_assert_eq(rf_page_file_holds(reading->pages, &reading->error), RF_OK);
}

static void compare_now(struct page_db *test, const char *what, bool frames) {
    struct page_reading reading;
    page_reading_begin(&reading, test->path);
    cr_assert_eq(reading.pin.frames > 0, frames, "%s: %u frames", what, reading.pin.frames);
    compare_open(&reading, what);
    page_reading_end(&reading);
}

/* What the log may hold beside a snapshot, one after another. */
static void go_through_states(uint32_t page_size, int reserved) {
    struct page_db test;
    begin_wal(&test, 10 + page_size, page_size, reserved);
    compare_now(&test, "empty log", false);
    page_db_change(&test, 10);
    compare_now(&test, "committed frames", true);
    spill(&test);
    compare_now(&test, "uncommitted frames", true);
    page_db_sql(&test, "ROLLBACK");
    compare_now(&test, "frames that were rolled back", true);
    spill(&test);
    page_db_sql(&test, "ROLLBACK; BEGIN");
    page_db_change(&test, 3);
    page_db_sql(&test, "COMMIT");
    compare_now(&test, "frames over frames that were rolled back", true);

    sqlite3 *reader = open_reader(&test);
    page_db_change(&test, 3);
    page_db_sql(&test, "PRAGMA wal_checkpoint(PASSIVE)");
    compare_now(&test, "checkpoint that an older reader stopped", true);
    cr_assert_eq(sqlite3_close(reader), SQLITE_OK);
    page_db_sql(&test, "PRAGMA wal_checkpoint(PASSIVE)");
    compare_now(&test, "checkpoint of all frames", false);
    page_db_change(&test, 3);
    compare_now(&test, "log that was begun anew, with old frames behind", true);
    page_db_sql(&test, "PRAGMA wal_checkpoint(TRUNCATE)");
    compare_now(&test, "log that was emptied", false);
    page_db_sql(&test, "VACUUM");
    compare_now(&test, "vacuumed into the log", true);
    page_db_sql(&test, "PRAGMA wal_checkpoint(RESTART)");
    page_db_change(&test, 1);
    compare_now(&test, "restarted", true);
    page_db_end(&test);
}

Test(page_wal, states_of_the_log) {
    go_through_states(512, 0);
    go_through_states(4096, 13);
    go_through_states(65536, 0);
}

/* The snapshot is pinned; then others go on writing and checkpointing. */
Test(page_wal, others_go_on) {
    for (int frames = 0; frames < 2; frames++) {
        struct page_db test;
        struct page_reading reading;
        begin_wal(&test, 20, 1024, 0);
        page_db_change(&test, 10);
        if (!frames) {
            page_db_sql(&test, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        page_reading_begin(&reading, test.path);
        cr_assert_eq(reading.pin.frames > 0, frames);
        for (int i = 0; i < 5; i++) {
            page_db_sql(&test, "BEGIN");
            page_db_change(&test, 10);
            page_db_sql(&test, "COMMIT; PRAGMA wal_checkpoint(%s)", i % 2 ? "PASSIVE" : "TRUNCATE");
            compare_open(&reading, frames ? "pinned with frames" : "pinned without frames");
        }
        page_db_sql(&test, "DELETE FROM large; DELETE FROM keyed_far; VACUUM");
        compare_open(&reading, "a smaller database ahead");
        page_reading_end(&reading);
        page_db_end(&test);
    }
}

/* A log that grows from page sizes of its own is found again through SQLite's recovery. */
Test(page_wal, recovered_log) {
    struct page_db test;
    begin_wal(&test, 30, 2048, 0);
    page_db_change(&test, 10);
    char copy[128], command[512];
    snprintf(copy, sizeof copy, "%s/copy.db", test.folder);
    snprintf(command, sizeof command, "cp %s %s && cp %s-wal %s-wal", test.path, copy, test.path,
             copy);
    cr_assert_eq(system(command), 0);
    struct page_reading reading;
    page_reading_begin(&reading, copy);
    cr_assert_gt(reading.pin.frames, 0);
    compare_open(&reading, "a copy of database and log");
    page_reading_end(&reading);
    snprintf(command, sizeof command, "rm -f %s*", copy);
    cr_assert_eq(system(command), 0);
    page_db_end(&test);
}

/* ---- a process that writes all the time ---- */

static volatile sig_atomic_t over;

static void stop_writing(int number) {
    (void)number;
    over = 1;
}

static void write_on(const char *path, uint64_t seed) {
    static const char *const checkpoints[] = {"PASSIVE", "FULL", "RESTART", "TRUNCATE"};
    sqlite3 *db = NULL;
    int result = sqlite3_open(path, &db);
    sqlite3_busy_timeout(db, 2);
    sqlite3_exec(db, "PRAGMA synchronous = off; PRAGMA wal_autocheckpoint = 0", NULL, NULL, NULL);
    for (uint64_t i = 0; !over && result == SQLITE_OK; i++) {
        char sql[512];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t number = seed >> 40;
        snprintf(
            sql, sizeof sql,
            "BEGIN IMMEDIATE; UPDATE t SET v = v + 1, w = hex(zeroblob(%llu)) WHERE id %% %llu "
            "= 0; UPDATE k SET v = v + 1 WHERE a %% %llu = 1; "
            "UPDATE sums SET n = n + (SELECT count(*) FROM t WHERE id %% %llu = 0); %s",
            (unsigned long long)(number % 3000), (unsigned long long)(number % 97 + 40),
            (unsigned long long)(number % 89 + 40), (unsigned long long)(number % 97 + 40),
            number % 5 == 0 ? "ROLLBACK" : "COMMIT");
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
        if (number % 3 == 0) {
            snprintf(sql, sizeof sql, "PRAGMA wal_checkpoint(%s)", checkpoints[number % 4]);
            sqlite3_exec(db, sql, NULL, NULL, NULL);
            nanosleep(&(struct timespec){.tv_nsec = (long)(number % 20) * 1000000}, NULL);
        }
    }
    sqlite3_close(db);
    _exit(result == SQLITE_OK ? 0 : 1);
}

static pid_t start_writer(const char *path, uint64_t seed) {
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not end its writers */
        signal(SIGTERM, stop_writing);
        write_on(path, seed);
    }
    cr_assert_gt(child, 0);
    return child;
}

static void end_writer(pid_t child) {
    int status = 0;
    kill(child, SIGTERM);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

static time_t end_of_test(void) {
    const char *seconds = getenv("RF_TEST_SECONDS");
    return time(NULL) + (seconds ? atoi(seconds) : 3);
}

static void begin_written(struct page_db *test, uint64_t seed, int rows) {
    page_db_begin(test, seed);
    page_db_sql(test,
                "PRAGMA page_size = 1024; PRAGMA journal_mode = wal;"
                "CREATE TABLE t(id INTEGER PRIMARY KEY, v, w);"
                "CREATE TABLE k(a PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE sums(n);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                "INSERT INTO t SELECT i, 0, NULL FROM n;"
                "INSERT INTO k SELECT id, 0 FROM t; INSERT INTO sums VALUES(0)",
                rows);
}

Test(page_wal, beside_a_writer) {
    struct page_db test;
    begin_written(&test, 40, 3000);
    pid_t child = start_writer(test.path, test.seed);
    unsigned pinned[2] = {0};
    unsigned unproven = 0;
    for (time_t end = end_of_test(); time(NULL) < end;) {
        struct page_reading reading;
        page_reading_begin(&reading, test.path);
        if (reading.pages) {
            compare_open(&reading, "beside a writer");
            pinned[reading.pin.frames > 0]++;
        } else {
            cr_assert_str_not_empty(reading.pin.unproven, "%s", reading.error.what);
            unproven++;
        }
        page_reading_end(&reading);
        /* A checkpoint is not complete while this process reads. */
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    end_writer(child);
    cr_assert_gt(pinned[0] + pinned[1], 0);
    cr_log_info("file alone: %u, with frames: %u, not proven: %u", pinned[0], pinned[1], unproven);
    page_db_end(&test);
}

/* Every commit changes the one row of `sums`: a pin that is one commit off would show there. */
Test(page_wal, pinned_again_and_again) {
    struct page_db test;
    begin_written(&test, 41, 50);
    pid_t children[2] = {start_writer(test.path, 42), start_writer(test.path, 43)};
    unsigned pinned[2] = {0};
    unsigned unproven = 0;
    for (time_t end = end_of_test(); time(NULL) < end;) {
        struct page_reading reading;
        page_reading_begin(&reading, test.path);
        if (reading.pages) {
            enum page_verdict verdict =
                page_compare(&reading, reading.pages, page_reading_table(&reading, "sums"), "sums");
            cr_assert_eq(verdict, PAGE_SAME, "%s", reading.error.what);
            pinned[reading.pin.frames > 0]++;
        } else {
            cr_assert_str_not_empty(reading.pin.unproven, "%s", reading.error.what);
            unproven++;
        }
        page_reading_end(&reading);
    }
    end_writer(children[0]);
    end_writer(children[1]);
    cr_assert_gt(pinned[0] + pinned[1], 0);
    cr_log_info("file alone: %u, with frames: %u, not proven: %u", pinned[0], pinned[1], unproven);
    page_db_end(&test);
}

/* ---- what cannot be pinned ---- */

static enum rf_code pin(sqlite3 *db, struct rf_page_pin *taken) {
    struct rf_error error = {0};
    return rf_page_pin_take(db, taken, &error);
}

static enum rf_code open_pages(sqlite3 *db, const struct rf_page_pin *taken) {
    struct rf_error error = {0};
    struct rf_page_source *pages = NULL;
    enum rf_code code = rf_page_file_open(db, taken, &pages, &error);
    rf_page_source_close(pages);
    return code;
}

Test(page_wal, not_provable) {
    struct page_db test;
    struct rf_page_pin taken;
    begin_wal(&test, 50, 4096, 0);
    page_db_change(&test, 3);
    sqlite3 *db = NULL;

    cr_assert_eq(sqlite3_open(test.path, &db), SQLITE_OK);
    cr_assert_eq(pin(db, &taken), RF_OK);
    cr_assert_str_not_empty(taken.unproven, "no transaction");
    cr_assert_eq(open_pages(db, &taken), RF_UNUSUAL);

    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT * FROM alias", -1, &statement, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
    cr_assert_eq(pin(db, &taken), RF_OK);
    cr_assert_str_not_empty(taken.unproven, "a statement is running");
    sqlite3_finalize(statement);

    cr_assert_eq(pin(db, &taken), RF_OK);
    cr_assert_str_empty(taken.unproven);
    cr_assert_eq(open_pages(db, &taken), RF_OK);
    page_db_change(&test, 3);
    cr_assert_eq(open_pages(db, &taken), RF_OK, "the snapshot stands while others write");
    cr_assert_eq(sqlite3_exec(db, "COMMIT; BEGIN; SELECT 1 FROM alias", NULL, NULL, NULL),
                 SQLITE_OK);
    cr_assert_eq(open_pages(db, &taken), RF_UNUSUAL, "it is another transaction now");
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    page_db_end(&test);
}

/* A connection that may not write to the index, beside one that has made it. */
Test(page_wal, index_that_is_only_read) {
    struct page_db test;
    struct rf_page_pin taken;
    char uri[160];
    sqlite3 *db = NULL;
    begin_wal(&test, 55, 4096, 0);
    page_db_change(&test, 3);
    snprintf(uri, sizeof uri, "file:%s?mode=ro&readonly_shm=1", test.path);
    cr_assert_eq(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, "BEGIN; SELECT 1 FROM alias", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(pin(db, &taken), RF_OK);
    /* Whichever it is, it must not be wrong about it. */
    cr_assert_eq(open_pages(db, &taken), taken.unproven[0] ? RF_UNUSUAL : RF_OK);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    page_db_end(&test);
}

Test(page_wal, exclusive_mode) {
    struct page_db test;
    struct rf_page_pin taken;
    begin_wal(&test, 56, 4096, 0);
    page_db_sql(&test, "PRAGMA journal_mode = delete; PRAGMA locking_mode = exclusive; "
                       "PRAGMA journal_mode = wal; INSERT INTO plain VALUES(1, 2, 3);"
                       "BEGIN; SELECT 1 FROM alias");
    cr_assert_eq(pin(test.db, &taken), RF_OK);
    cr_assert_str_not_empty(taken.unproven);
    char shared[128];
    snprintf(shared, sizeof shared, "%s-shm", test.path);
    cr_assert_neq(access(shared, F_OK), 0, "looking must not make a -shm file");
    page_db_sql(&test, "COMMIT");
    page_db_end(&test);
}

/* ---- a log that is not what the index says ---- */

static enum rf_code read_log(const char *path, const struct rf_page_pin *taken) {
    struct rf_page_wal wal = {0};
    struct rf_error error = {0};
    enum rf_code code = rf_page_wal_open(rf_io_posix(), path, taken, &wal, &error);
    rf_page_wal_close(&wal);
    return code;
}

Test(page_wal, damaged_log) {
    struct page_db test;
    struct page_reading reading;
    begin_wal(&test, 60, 512, 0);
    page_db_change(&test, 3);
    spill(&test);
    page_reading_begin(&reading, test.path);
    struct rf_page_pin taken = reading.pin;
    char log[128], copy[128], command[300];
    snprintf(log, sizeof log, "%s-wal", test.path);
    snprintf(copy, sizeof copy, "%s/log", test.folder);
    cr_assert_eq(read_log(log, &taken), RF_OK);

    uint64_t end = RF_WAL_HEADER_SIZE + (uint64_t)taken.frames * (RF_WAL_FRAME_HEADER_SIZE + 512);
    snprintf(command, sizeof command, "cp %s %s", log, copy);
    cr_assert_eq(system(command), 0);
    FILE *file = fopen(copy, "r+b");
    for (int i = 0; i < 300; i++) {
        uint64_t at = i < 60 ? (uint64_t)i : page_random_below(&test, end);
        uint8_t bit = (uint8_t)(1u << page_random_below(&test, 8));
        fseek(file, (long)at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, (long)at, SEEK_SET);
        fputc(byte ^ bit, file);
        fflush(file);
        /* The sequence number of checkpoints is covered by the checksum of the header, too. */
        cr_assert_eq(read_log(copy, &taken), RF_UNUSUAL, "seed %llu, bit %u of byte %llu flipped",
                     (unsigned long long)test.seed, bit, (unsigned long long)at);
        fseek(file, (long)at, SEEK_SET);
        fputc(byte, file);
        fflush(file);
    }
    cr_assert_eq(read_log(copy, &taken), RF_OK);
    cr_assert_eq(ftruncate(fileno(file), (off_t)end - 1), 0);
    cr_assert_eq(read_log(copy, &taken), RF_UNUSUAL, "cut off");
    fclose(file);
    unlink(copy);

    taken.frames--;
    cr_assert_eq(read_log(log, &taken), RF_UNUSUAL, "one frame too few");
    taken.frames += 2;
    cr_assert_eq(read_log(log, &taken), RF_UNUSUAL, "one frame too many");
    page_reading_end(&reading);
    page_db_sql(&test, "ROLLBACK");
    page_db_end(&test);
}

/* ---- locks ---- */

/* Whether another process could write the database file just now. */
static bool others_may_write(const char *path) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        sqlite3_open(path, &db);
        _exit(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status) == 1;
}

/* Closing a file of one's own drops all locks of the process on it, unless SQLite does the
 * closing. */
Test(page_wal, locks_outlive_the_pages) {
    struct page_db test;
    struct page_reading reading;
    page_db_begin(&test, 70);
    page_db_fill(&test, 5);
    cr_assert(others_may_write(test.path));
    page_reading_begin(&reading, test.path);
    compare_open(&reading, "without a log");
    cr_assert_not(others_may_write(test.path));
    rf_page_source_close(reading.source->pages);
    reading.source->pages = NULL;
    cr_assert_not(others_may_write(test.path), "the transaction lost its lock");
    page_reading_end(&reading);
    cr_assert(others_may_write(test.path));
    page_db_end(&test);
}
