/* Disks that fill up, and processes that are killed, at every single file operation of a capture:
 * the repository is then as it was before, or has the new snapshot whole; the next capture works;
 * and nothing is left lying about. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/outlet.h"
#include "fixture.h"
#include "support/faulty_io.h"

static struct fixture fixture;

static void make_source(void) {
    fixture_begin(&fixture);
    fixture.limits.scratch.spill_bytes = 1000; /* a few spills of each kind, not hundreds */
    fixture.limits.scratch.sort_bytes = 1000;
    fixture_sql(
        &fixture,
        "CREATE TABLE a(k INTEGER PRIMARY KEY, v);"
        "CREATE TABLE plain(v); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;"
        "CREATE TABLE still(v); INSERT INTO still VALUES (1), (2);"
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60) "
        "INSERT INTO plain SELECT 'row ' || i FROM n;"
        "INSERT INTO a SELECT rowid, v FROM plain; INSERT INTO w SELECT v, rowid FROM plain");
}

static void end(void) {
    fixture_end(&fixture);
}

TestSuite(faults, .init = make_source, .fini = end);

/* The second trip: a delta of each kind, and a table that needs all passes. */
static void change_source(void) {
    fixture_sql(&fixture,
                "UPDATE a SET v = 'new' WHERE k % 9 = 0; DELETE FROM w WHERE v % 7 = 0;"
                "DELETE FROM plain WHERE rowid % 5 = 0; INSERT INTO plain VALUES ('x'), ('y');"
                "UPDATE plain SET v = v || '!' WHERE rowid % 11 = 0; VACUUM");
}

static void copy_file(const char *from, const char *to) {
    char bytes[16384];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cr_assert(in >= 0 && out >= 0, "%s to %s", from, to);
    ssize_t size;
    while ((size = read(in, bytes, sizeof bytes)) > 0) {
        cr_assert_eq(write(out, bytes, (size_t)size), size);
    }
    close(in);
    close(out);
}

static void copy_folder(const char *from, const char *to) {
    DIR *opened = opendir(from);
    if (!opened) {
        return; /* a repository that is not begun */
    }
    mkdir(to, 0700);
    for (struct dirent *entry; (entry = readdir(opened));) {
        char source[400], target[400];
        snprintf(source, sizeof source, "%.120s/%.255s", from, entry->d_name);
        snprintf(target, sizeof target, "%.120s/%.255s", to, entry->d_name);
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (entry->d_type == DT_DIR) {
            copy_folder(source, target);
        } else {
            copy_file(source, target);
        }
    }
    closedir(opened);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void copy_repository(const char *from, const char *to) {
    nftw(to, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    copy_folder(from, to);
}

/* Where the source stood is remembered in index/ or not, as time went by. */
static unsigned count_files(const char *folder) {
    char path[200];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/%s", fixture.repository, folder);
    DIR *opened = opendir(path);
    cr_assert_not_null(opened, "%s", path);
    for (struct dirent *entry; (entry = readdir(opened));) {
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "source") != 0;
    }
    closedir(opened);
    return count;
}

/* Files that the snapshots name, each once. */
static unsigned count_named(struct rf_repository *repository) {
    char names[400][RF_ARCHIVE_NAME_SIZE];
    unsigned count = 0;
    for (uint32_t s = 0; s < rf_repository_count(repository); s++) {
        struct rf_manifest manifest;
        struct rf_error error;
        cr_assert_eq(rf_repository_load(repository, rf_repository_snapshot(repository, s),
                                        &manifest, &error),
                     RF_OK);
        for (uint32_t t = 0; t < manifest.table_count; t++) {
            const struct rf_manifest_table *table = &manifest.tables[t];
            for (uint32_t i = 0; i <= table->state_count; i++) {
                const char *name =
                    i < table->state_count ? table->state[i].name : table->delta.name;
                bool known = !name[0];
                for (unsigned n = 0; n < count && !known; n++) {
                    known = strcmp(names[n], name) == 0;
                }
                if (!known) {
                    snprintf(names[count++], RF_ARCHIVE_NAME_SIZE, "%s", name);
                }
            }
        }
        rf_manifest_release(&manifest);
    }
    return count;
}

static void expect_tidy(const char *what) {
    struct opened opened;
    opened_begin(&opened, &fixture);
    cr_assert_eq(count_files("tmp"), 0u, "%s: tmp is not empty", what);
    cr_assert_eq(count_files("snapshots"), rf_repository_count(opened.repository), "%s", what);
    cr_assert_eq(count_files("index"), opened.manifest.table_count, "%s: indexes", what);
    cr_assert_eq(count_files("archives"), count_named(opened.repository), "%s: archives", what);
    opened_end(&opened);
}

/* After a fault the repository is whole, at the snapshot before or at the new one. */
static void expect_whole(uint64_t before, const char *what) {
    struct rf_repository *repository = NULL;
    struct rf_error error = {0};
    enum rf_code code = rf_repository_open(rf_io_posix(), fixture.repository, RF_REPOSITORY_READ,
                                           &repository, &error);
    if (before == 0 && code == RF_USAGE) {
        return; /* not even begun */
    }
    cr_assert_eq(code, RF_OK, "%s: %s / %s", what, error.what, error.detail);
    uint32_t count = rf_repository_count(repository);
    cr_assert(count == before || count == before + 1, "%s: %u snapshots", what, count);
    rf_repository_close(repository);
    if (count == before + 1) {
        fixture_compare(&fixture);
    }
}

/* A capture that need not read tidies nothing either. */
static void forget_standing(void) {
    char path[200];
    snprintf(path, sizeof path, "%s/index/source", fixture.repository);
    (void)!unlink(path);
}

static void expect_next_to_work(uint64_t before, const char *what) {
    forget_standing();
    enum rf_code code = fixture_try(&fixture);
    cr_assert_eq(code, RF_OK, "%s, the next capture: %s / %s", what, fixture.error.what,
                 fixture.error.detail);
    cr_assert_eq(fixture.result.snapshot.number, before + 1, "%s", what);
    fixture_compare(&fixture);
    expect_tidy(what);
}

static enum rf_code run_faulty(enum faulty_kind kind, unsigned at, int number, bool *met) {
    struct faulty_io io;
    faulty_io_init(&io, kind, at, number);
    enum rf_code code = fixture_try_io(&fixture, &io.io);
    *met = atomic_load(&io.met);
    return code;
}

/* What a failing operation may be answered with; unnoticed is only what nothing depends on. */
static void expect_answer(enum rf_code code, const char *what) {
    cr_assert(code == RF_OK || code == RF_STORAGE || code == RF_NO_MEMORY || code == RF_LOCKED ||
                  code == RF_CORRUPT,
              "%s: answered %d, %s", what, code, fixture.error.what);
}

static void sweep_failures_from(unsigned at, uint64_t before, enum faulty_kind kind, int number) {
    char saved[200];
    snprintf(saved, sizeof saved, "%s/saved", fixture.folder);
    copy_repository(fixture.repository, saved);
    for (bool met = true; met; at++) {
        char what[100];
        snprintf(what, sizeof what, "%s at operation %u of trip %d", strerror(number), at,
                 (int)before + 1);
        copy_repository(saved, fixture.repository);
        enum rf_code code = run_faulty(kind, at, number, &met);
        expect_answer(code, what);
        expect_whole(before, what);
        expect_next_to_work(before, what);
    }
    cr_assert_gt(at, 50u, "only %u operations", at);
}

static void sweep_failures(uint64_t before, enum faulty_kind kind, int number) {
    sweep_failures_from(1, before, kind, number);
}

static void sweep_kills_from(unsigned first, uint64_t before, enum faulty_kind kind) {
    char saved[200];
    snprintf(saved, sizeof saved, "%s/saved", fixture.folder);
    copy_repository(fixture.repository, saved);
    int status = FAULTY_EXIT_CODE;
    for (unsigned at = first; status == FAULTY_EXIT_CODE; at++) {
        char what[100];
        snprintf(what, sizeof what, "killed at operation %u of trip %d", at, (int)before + 1);
        copy_repository(saved, fixture.repository);
        sqlite3_close(fixture.db); /* a connection must not be carried across a fork */
        pid_t child = fork();
        if (child == 0) {
            bool met;
            _exit(run_faulty(kind, at, 0, &met) == RF_OK ? 0 : 1);
        }
        waitpid(child, &status, 0);
        cr_assert(WIFEXITED(status), "%s: crashed", what);
        status = WEXITSTATUS(status);
        cr_assert(status == 0 || status == FAULTY_EXIT_CODE, "%s: failed by itself", what);
        sqlite3_open(fixture.database, &fixture.db);
        expect_whole(before, what);
        expect_next_to_work(before, what);
    }
}

static void sweep_kills(uint64_t before, enum faulty_kind kind) {
    sweep_kills_from(1, before, kind);
}

Test(faults, a_full_disk_on_the_first_trip, .timeout = 240) {
    sweep_failures(0, FAULTY_STAYS, ENOSPC);
}

Test(faults, a_full_disk_on_the_second_trip, .timeout = 240) {
    fixture_capture(&fixture);
    change_source();
    sweep_failures(1, FAULTY_STAYS, ENOSPC);
}

Test(faults, a_single_error_on_the_first_trip, .timeout = 240) {
    sweep_failures(0, FAULTY_ONCE, EIO);
}

Test(faults, a_single_error_on_the_second_trip, .timeout = 240) {
    fixture_capture(&fixture);
    change_source();
    sweep_failures(1, FAULTY_ONCE, EIO);
}

Test(faults, killed_on_the_first_trip, .timeout = 240) {
    sweep_kills(0, FAULTY_EXIT);
}

Test(faults, killed_on_the_second_trip, .timeout = 240) {
    fixture_capture(&fixture);
    change_source();
    sweep_kills(1, FAULTY_EXIT);
}

Test(faults, killed_in_the_middle_of_a_write, .timeout = 240) {
    fixture_capture(&fixture);
    change_source();
    sweep_kills(1, FAULTY_TEAR);
}

/* ---- more archives than are synced one by one ---- */

static void add_tables(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        fixture_sqlf(&fixture, "CREATE TABLE t%u(v); INSERT INTO t%u VALUES (%u)", i, i, i);
    }
}

static struct faulty_io capture_counting(bool at_once) {
    struct faulty_io io;
    faulty_io_init(&io, FAULTY_NOT, 0, 0);
    if (!at_once) {
        io.io.syncfs = NULL;
    }
    cr_assert_eq(fixture_try_io(&fixture, &io.io), RF_OK, "%s", fixture.error.what);
    return io;
}

/* Ten thousand small tables would otherwise be ten thousand waits for the disk. */
Test(faults, many_archives_are_synced_at_once) {
    add_tables(100);
    struct faulty_io io = capture_counting(true);
    if (atomic_load(&io.whole_syncs) == 0) {
        cr_skip("this file system cannot be synced as one");
    }
    cr_assert_eq(io.whole_syncs, 1u);
    cr_assert_leq(io.syncs, RF_SYNCED_SINGLY + 6u, "%u syncs", io.syncs);
    fixture_compare(&fixture);
}

Test(faults, many_archives_are_synced_each_where_they_cannot_be_at_once) {
    add_tables(100);
    struct faulty_io io = capture_counting(false);
    cr_assert_eq(io.whole_syncs, 0u);
    cr_assert_geq(io.syncs, 104u, "%u syncs for 104 archives", io.syncs);
    fixture_compare(&fixture);
}

Test(faults, few_archives_leave_the_rest_of_the_disk_alone) {
    struct faulty_io io = capture_counting(true);
    cr_assert_eq(io.whole_syncs, 0u, "other programs' files were synced as well");
    cr_assert_geq(io.syncs, 4u);
}

/* From a little before the last archives on; what comes earlier is as with few tables. */
static unsigned operation_near_the_end(void) {
    char saved[200];
    snprintf(saved, sizeof saved, "%s/unspoiled", fixture.folder);
    copy_repository(fixture.repository, saved);
    struct faulty_io io = capture_counting(true);
    copy_repository(saved, fixture.repository);
    unsigned publishing = 3 * (RF_SYNCED_SINGLY + 12);
    return io.count > publishing ? io.count - publishing : 1;
}

Test(faults, a_full_disk_under_many_archives, .timeout = 240) {
    add_tables(RF_SYNCED_SINGLY);
    sweep_failures_from(operation_near_the_end(), 0, FAULTY_STAYS, ENOSPC);
}

Test(faults, a_single_error_under_many_archives, .timeout = 240) {
    add_tables(RF_SYNCED_SINGLY);
    sweep_failures_from(operation_near_the_end(), 0, FAULTY_ONCE, EIO);
}

Test(faults, killed_under_many_archives, .timeout = 240) {
    add_tables(RF_SYNCED_SINGLY);
    sweep_kills_from(operation_near_the_end(), 0, FAULTY_EXIT);
}
