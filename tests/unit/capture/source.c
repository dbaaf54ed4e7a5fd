/* Opening the source: what cannot be read is refused with its reason, and what can be is not
 * touched. */
#include "capture/source.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/page_roots.h"
#include "fixture.h"

static struct fixture fixture;

static void begin(void) {
    fixture_begin(&fixture);
}

static void end(void) {
    fixture_end(&fixture);
}

TestSuite(source, .init = begin, .fini = end);

static enum rf_code try_open(const char *path, struct rf_error *error) {
    struct rf_source_options options = {
        .database = path, .busy_timeout_ms = 50, .stop = &fixture.stop};
    struct rf_source *source = NULL;
    rf_error_clear(error);
    enum rf_code code = rf_source_open(&options, &source, error);
    if (code == RF_OK) {
        code = rf_source_settled(source, error);
    }
    rf_source_close(source);
    return code;
}

static void expect(const char *path, enum rf_code code, const char *words) {
    struct rf_error error;
    enum rf_code found = try_open(path, &error);
    cr_assert_eq(found, code, "%s: %d, %s / %s", path, found, error.what, error.detail);
    if (code != RF_OK) {
        cr_assert(strstr(error.what, words) || strstr(error.detail, words),
                  "%s: \"%s\" / \"%s\" does not say \"%s\"", path, error.what, error.detail, words);
        cr_assert(error.hint[0], "%s: no hint for \"%s\"", path, error.what);
    }
}

static char *in_folder(const char *name) {
    static char path[4][160];
    static unsigned turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", fixture.folder, name);
    return at;
}

static void write_file(const char *path, const void *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void copy_file(const char *from, const char *to) {
    static char bytes[1 << 20];
    int fd = open(from, O_RDONLY);
    cr_assert_geq(fd, 0, "%s", from);
    ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    write_file(to, bytes, (size_t)size);
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

Test(source, things_that_are_no_databases) {
    expect(in_folder("nothing.db"), RF_STORAGE, "there is no database");
    expect(in_folder("source.db/below"), RF_STORAGE, "there is no database");
    expect(fixture.folder, RF_STORAGE, "is a directory");
    expect("/dev/null", RF_STORAGE, "not a regular file");
    write_file(in_folder("empty.db"), "", 0);
    expect(in_folder("empty.db"), RF_CORRUPT, "is empty");
    write_file(in_folder("text.db"), "CREATE TABLE t(a);\n", 19);
    expect(in_folder("text.db"), RF_CORRUPT, "not a SQLite database, or it is encrypted");
    char noise[8192];
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (char)(i * 131 >> 3);
    }
    write_file(in_folder("encrypted.db"), noise, sizeof noise);
    expect(in_folder("encrypted.db"), RF_CORRUPT, "encrypted");
    fixture_sql(&fixture, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    copy_file(fixture.database, in_folder("cut.db"));
    cr_assert_eq(truncate(in_folder("cut.db"), 4096), 0);
    expect(in_folder("cut.db"), RF_CORRUPT, "malformed");
    cr_assert_eq(truncate(in_folder("cut.db"), 50), 0);
    expect(in_folder("cut.db"), RF_CORRUPT, "");
}

Test(source, any_path_is_a_path_and_no_uri) {
    static const char *const names[] = {"a b.db",   "a?mode=rwc.db", "a#b.db",      "100%41.db",
                                        "\xff\xfe", "a&immutable=1", "'quote\".db", "üñí.db"};
    fixture_sql(&fixture, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        copy_file(fixture.database, in_folder(names[i]));
        expect(in_folder(names[i]), RF_OK, "");
    }
    cr_assert_eq(symlink(fixture.database, in_folder("link.db")), 0);
    expect(in_folder("link.db"), RF_OK, "");
}

Test(source, no_statement_can_write) {
    fixture_sql(&fixture, "CREATE TABLE t(a)");
    struct rf_source_options options = {.database = fixture.database, .stop = &fixture.stop};
    struct rf_source *source = NULL;
    struct rf_error error;
    cr_assert_eq(rf_source_open(&options, &source, &error), RF_OK);
    cr_assert_eq(sqlite3_exec(source->db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL),
                 SQLITE_READONLY);
    cr_assert_neq(sqlite3_exec(source->db, "PRAGMA user_version = 7", NULL, NULL, NULL), SQLITE_OK);
    rf_source_close(source);
    cr_assert_eq(fixture_number(&fixture, "SELECT count(*) FROM t"), 0);
}

Test(source, a_live_wal_database_is_read_as_of_one_moment_while_others_write) {
    fixture_sql(&fixture, "PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    struct rf_source_options options = {.database = fixture.database, .stop = &fixture.stop};
    struct rf_source *source = NULL;
    struct rf_error error;
    cr_assert_eq(rf_source_open(&options, &source, &error), RF_OK, "%s", error.what);
    fixture_sql(&fixture, "INSERT INTO t VALUES (2); CREATE TABLE u(b)");
    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_prepare_v2(source->db, "SELECT count(*) FROM t", -1, &statement, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
    cr_assert_eq(sqlite3_column_int(statement, 0), 1, "the row came after the transaction began");
    sqlite3_finalize(statement);
    cr_assert_neq(sqlite3_prepare_v2(source->db, "SELECT * FROM u", -1, &statement, NULL),
                  SQLITE_OK, "the table came after the transaction began");
    rf_source_close(source);
    cr_assert_eq(fixture_number(&fixture, "SELECT count(*) FROM t"), 2);
}

Test(source, a_copy_with_its_wal_has_what_the_wal_has) {
    fixture_sql(&fixture, "PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    copy_file(fixture.database, in_folder("copy.db"));
    copy_file(in_folder("source.db-wal"), in_folder("copy.db-wal"));
    struct fixture copy = fixture;
    snprintf(copy.database, sizeof copy.database, "%s/copy.db", fixture.folder);
    copy.options.database = copy.database;
    copy.options.stop = &copy.stop;
    copy.options.context = &copy;
    fixture_capture(&copy);
    cr_assert_eq(fixture_result(&copy, "t")->rows, 1u, "the row is in the -wal only");
    rf_capture_result_release(&copy.result);
}

/* A process that dies in the middle of a transaction, as by kill -9, with pages spilled to the
 * file. */
static void leave_hot_journal(void) {
    fixture_sql(&fixture, "CREATE TABLE t(a); WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                          "LIMIT 300) INSERT INTO t SELECT hex(zeroblob(200)) FROM n");
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        int failed = sqlite3_open(fixture.database, &db) ||
                     sqlite3_exec(db, "PRAGMA cache_size = 1; BEGIN; UPDATE t SET a = a || 'x'",
                                  NULL, NULL, NULL);
        _exit(failed);
    }
    int status = 0;
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
    cr_assert(exists(in_folder("source.db-journal")));
}

Test(source, a_hot_journal_is_left_alone_and_explained) {
    leave_hot_journal();
    struct stat before, after;
    stat(in_folder("source.db-journal"), &before);
    expect(fixture.database, RF_STORAGE, "in the middle of a transaction");
    stat(in_folder("source.db-journal"), &after);
    cr_assert_eq(before.st_size, after.st_size);
    /* What the hint says to do. */
    sqlite3_close(fixture.db);
    sqlite3_open(fixture.database, &fixture.db);
    cr_assert_eq(fixture_number(&fixture, "SELECT count(*) FROM t WHERE a LIKE '%x'"), 0);
    expect(fixture.database, RF_OK, "");
}

Test(source, a_journal_that_is_not_hot_is_none) {
    fixture_sql(&fixture,
                "PRAGMA journal_mode = persist; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    cr_assert(exists(in_folder("source.db-journal")));
    expect(fixture.database, RF_OK, "");
}

Test(source, a_writer_is_waited_for_and_then_named) {
    fixture_sql(&fixture, "CREATE TABLE t(a); BEGIN EXCLUSIVE");
    expect(fixture.database, RF_STORAGE, "locked by a writer");
    fixture_sql(&fixture, "COMMIT; BEGIN IMMEDIATE");
    expect(fixture.database, RF_OK, "");
    fixture_sql(&fixture, "COMMIT");
}

Test(source, a_signal_ends_the_waiting) {
    fixture_sql(&fixture, "CREATE TABLE t(a); BEGIN EXCLUSIVE");
    atomic_store(&fixture.stop, SIGTERM);
    struct rf_error error;
    cr_assert_eq(try_open(fixture.database, &error), RF_INTERRUPTED);
}

/* ---- places that cannot be written to: in a child that is nobody, or has a mount of its own
 * ---- */

static int child_result(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 0: as expected; 1: another code; 2: without the words; 3: could not be set up. */
static int judge(const char *path, enum rf_code code, const char *words) {
    struct rf_error error;
    if (try_open(path, &error) != code) {
        fprintf(stderr, "%s: %d %s / %s\n", path, (int)error.code, error.what, error.detail);
        return 1;
    }
    return code == RF_OK || strstr(error.what, words) || strstr(error.detail, words) ? 0 : 2;
}

/* Root becomes nobody; anybody else takes the right to write to the folder from himself. */
static void expect_as_nobody(const char *path, enum rf_code code, const char *words) {
    bool root = geteuid() == 0;
    chmod(fixture.folder, root ? 0755 : 0555);
    pid_t child = fork();
    if (child == 0) {
        _exit(root && (setgid(65534) || setuid(65534)) ? 3 : judge(path, code, words));
    }
    int result = child_result(child);
    chmod(fixture.folder, 0755);
    cr_assert_eq(result, 0, "%s as nobody: not \"%s\"", path, words);
}

static void leave_wal(const char *path) {
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        _exit(sqlite3_open(path, &db) ||
              sqlite3_exec(db,
                           "PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES (1)",
                           NULL, NULL, NULL));
    }
    cr_assert_eq(child_result(child), 0);
}

Test(source, a_folder_that_cannot_be_written) {
    fixture_sql(&fixture, "CREATE TABLE t(a)");
    expect_as_nobody(fixture.database, RF_OK, "");
    fixture_sql(&fixture, "PRAGMA journal_mode = wal");
    sqlite3_close(fixture.db);
    sqlite3_open(":memory:", &fixture.db);
    expect_as_nobody(fixture.database, RF_STORAGE, "source.db-shm");
    cr_assert_not(exists(in_folder("source.db-shm")));
    leave_wal(in_folder("left.db"));
    expect_as_nobody(in_folder("left.db"), RF_OK, "");
    chmod(in_folder("left.db-wal"), 0);
    expect_as_nobody(in_folder("left.db"), RF_STORAGE, "left.db-wal is not readable");
    chmod(in_folder("left.db-wal"), 0644);
    chmod(in_folder("left.db-shm"), 0);
    expect_as_nobody(in_folder("left.db"), RF_STORAGE, "left.db-shm is not readable");
    unlink(in_folder("left.db-shm"));
    expect_as_nobody(in_folder("left.db"), RF_STORAGE, "must make");
    chmod(in_folder("left.db"), 0);
    expect_as_nobody(in_folder("left.db"), RF_STORAGE, "Permission denied");
}

static bool write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* A mount namespace of one's own; an ordinary user gets one in a user namespace where he is root. */
static bool own_mounts(void) {
    char user[40], group[40];
    snprintf(user, sizeof user, "0 %u 1", geteuid());
    snprintf(group, sizeof group, "0 %u 1", getegid());
    bool root = geteuid() == 0;
    if (unshare(CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER)) != 0) {
        return false;
    }
    if (!root &&
        !(write_text("/proc/self/uid_map", user) && write_text("/proc/self/setgroups", "deny") &&
          write_text("/proc/self/gid_map", group))) {
        return false;
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Makes the folder a mount of its own, lets `fill` put files there, and turns it read-only. */
static int on_read_only_mount(void (*fill)(const char *), const char *name, enum rf_code code,
                              const char *words, bool change) {
    char path[160];
    const char *folder = in_folder("mount");
    snprintf(path, sizeof path, "%s/%s", folder, name);
    mkdir(folder, 0700);
    if (!own_mounts() || mount("tmpfs", folder, "tmpfs", 0, "size=4m")) {
        return 77;
    }
    fill(path);
    if (mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL)) {
        return 77;
    }
    if (!change) {
        return judge(path, code, words);
    }
    struct rf_source_options options = {.database = path, .stop = &fixture.stop};
    struct rf_source *source = NULL;
    struct rf_error error = {0};
    int result = rf_source_open(&options, &source, &error) == RF_OK ? 0 : 1;
    mount(NULL, folder, NULL, MS_REMOUNT, NULL);
    int fd = open(path, O_WRONLY | O_APPEND);
    result = result || write(fd, "x", 1) != 1;
    close(fd);
    result = result || rf_source_settled(source, &error) != code || !strstr(error.what, words);
    rf_source_close(source);
    return result;
}

static void expect_on_mount(void (*fill)(const char *), enum rf_code code, const char *words,
                            bool change) {
    pid_t child = fork();
    if (child == 0) {
        _exit(on_read_only_mount(fill, "ro.db", code, words, change));
    }
    int result = child_result(child);
    cr_assert_neq(result, 77,
                  "cannot mount: run as root, or allow it to users with "
                  "`sysctl kernel.unprivileged_userns_clone=1`");
    cr_assert_eq(result, 0, "read-only mount: not \"%s\" (%d)", words, result);
}

static void fill_plain(const char *path) {
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "CREATE TABLE t(a); INSERT INTO t VALUES (1)", NULL, NULL, NULL);
    sqlite3_close(db);
}

static void fill_wal_closed(const char *path) {
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "PRAGMA journal_mode = wal; CREATE TABLE t(a)", NULL, NULL, NULL);
    sqlite3_close(db);
}

static void fill_wal_left(const char *path) {
    char other[200];
    leave_wal(path);
    snprintf(other, sizeof other, "%s-shm", path);
    unlink(other);
}

static void fill_wal_and_shm(const char *path) {
    leave_wal(path);
}

static void fill_hot(const char *path) {
    char journal[200];
    leave_hot_journal();
    snprintf(journal, sizeof journal, "%s-journal", path);
    copy_file(fixture.database, path);
    copy_file(in_folder("source.db-journal"), journal);
}

Test(source, a_read_only_mount) {
    expect_on_mount(fill_plain, RF_OK, "", false);
    expect_on_mount(fill_wal_closed, RF_OK, "", false);
    expect_on_mount(fill_wal_left, RF_OK, "", false);
    expect_on_mount(fill_wal_and_shm, RF_OK, "", false);
    expect_on_mount(fill_hot, RF_STORAGE, "in the middle of a transaction", false);
    expect_on_mount(fill_wal_closed, RF_STORAGE, "written to while it was read", true);
}

/* The pages are opened once, and the root pages are those of sqlite_schema. */
Test(source, pages) {
    fixture_sql(&fixture, "CREATE TABLE \"It's\"(a); CREATE TABLE b(c PRIMARY KEY) WITHOUT ROWID;"
                          "CREATE VIEW v AS SELECT 1; INSERT INTO b VALUES(1)");
    struct rf_source_options options = {.database = fixture.database, .stop = &fixture.stop};
    struct rf_source *source = NULL;
    const struct rf_page_source *pages = NULL;
    const struct rf_page_source *again = NULL;
    cr_assert_eq(rf_source_open(&options, &source, &fixture.error), RF_OK);
    cr_assert_eq(rf_source_pages(source, &pages, &fixture.error), RF_OK);
    cr_assert_eq(rf_source_pages(source, &again, &fixture.error), RF_OK);
    cr_assert(pages && pages == again, "%s", source->pages_unusual);
    cr_assert_eq(rf_page_roots_find(source->roots, "It's"), 2);
    cr_assert_eq(rf_page_roots_find(source->roots, "b"), 3);
    cr_assert_eq(rf_page_roots_find(source->roots, "v"), 0);
    cr_assert_eq(rf_page_roots_find(source->roots, ""), 0);
    rf_source_close(source);
}

/* Where the connection of the source has lost its transaction, its pages are nobody's. */
Test(source, pages_without_a_transaction) {
    fixture_sql(&fixture, "CREATE TABLE a(b)");
    struct rf_source_options options = {.database = fixture.database, .stop = &fixture.stop};
    struct rf_source *source = NULL;
    const struct rf_page_source *pages = NULL;
    cr_assert_eq(rf_source_open(&options, &source, &fixture.error), RF_OK);
    cr_assert_eq(sqlite3_exec(source->db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_eq(rf_source_pages(source, &pages, &fixture.error), RF_OK);
    cr_assert_null(pages);
    cr_assert(strstr(source->pages_unusual, "is over"), "%s", source->pages_unusual);
    rf_source_close(source);
}
