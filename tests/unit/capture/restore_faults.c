/* Disks that fill up, and processes that are killed, at every single file operation of a restore:
 * under its name there is the whole file or nothing, and the next restore works. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "restore_support.h"
#include "support/faulty_io.h"

static struct fixture fixture;
static struct restoring restoring;

static void begin(void) {
    fixture_begin(&fixture);
    restoring_begin(&restoring, &fixture);
    restoring.options.verify = false;
    fixture_sql(&fixture,
                "PRAGMA page_size = 512; CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE);"
                "CREATE INDEX e ON t(b + 1); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;"
                "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) "
                "INSERT INTO t SELECT i, i * 7919 % 101 FROM n; INSERT INTO w SELECT b, a FROM t");
}

static void end(void) {
    fixture_end(&fixture);
}

TestSuite(restore_faults, .init = begin, .fini = end);

static void expect_next_to_work(const char *what) {
    restoring_expect(&restoring);
    cr_expect_eq(restoring_files(&restoring), 1, "%s left files", what);
    cr_expect_eq(restoring_number(&restoring, "SELECT count(*) FROM t, w WHERE k = b"), 100);
    unlink(restoring.output);
}

/* The folder that cannot be synced is known only when the file has its name. */
static void expect_whole_or_nothing(enum rf_code code, const char *what) {
    if (access(restoring.output, F_OK) == 0) {
        cr_expect_eq(restoring_number(&restoring, "SELECT count(*) FROM t, w WHERE k = b"), 100,
                     "%s", what);
        unlink(restoring.output);
    } else {
        cr_expect_neq(code, RF_OK, "%s: nothing is there", what);
    }
}

static unsigned sweep_failures(enum faulty_kind kind, int number, unsigned step) {
    bool met = true;
    unsigned at = 1;
    for (; met; at += step) {
        char what[80];
        struct faulty_io io;
        snprintf(what, sizeof what, "%s at operation %u", strerror(number), at);
        faulty_io_init(&io, kind, at, number);
        enum rf_code code = restoring_try(&restoring, &io.io);
        met = atomic_load(&io.met);
        cr_assert(code == RF_OK || code == RF_STORAGE || code == RF_CORRUPT, "%s: %d %s", what,
                  code, restoring.error.what);
        cr_assert(code == RF_OK || met, "%s: %s", what, restoring.error.what);
        expect_whole_or_nothing(code, what);
        expect_next_to_work(what);
    }
    return at;
}

static unsigned sweep_kills(enum faulty_kind kind, unsigned step) {
    int status = FAULTY_EXIT_CODE;
    unsigned at = 1;
    for (; status == FAULTY_EXIT_CODE; at += step) {
        char what[80];
        snprintf(what, sizeof what, "killed at operation %u", at);
        pid_t child = fork();
        if (child == 0) {
            struct faulty_io io;
            faulty_io_init(&io, kind, at, 0);
            _exit(restoring_try(&restoring, &io.io) == RF_OK ? 0 : 1);
        }
        waitpid(child, &status, 0);
        cr_assert(WIFEXITED(status), "%s: crashed", what);
        status = WEXITSTATUS(status);
        cr_assert(status == 0 || status == FAULTY_EXIT_CODE, "%s: failed by itself", what);
        expect_whole_or_nothing(RF_FAILED, what);
        expect_next_to_work(what);
    }
    return at;
}

Test(restore_faults, a_full_disk, .timeout = 240) {
    fixture_capture(&fixture);
    cr_assert_gt(sweep_failures(FAULTY_STAYS, ENOSPC, 1), 50u);
}

Test(restore_faults, a_single_error, .timeout = 240) {
    fixture_capture(&fixture);
    cr_assert_gt(sweep_failures(FAULTY_ONCE, EIO, 1), 50u);
}

Test(restore_faults, killed, .timeout = 240) {
    fixture_capture(&fixture);
    sqlite3_close(fixture.db); /* a connection must not be carried across a fork */
    fixture.db = NULL;
    cr_assert_gt(sweep_kills(FAULTY_EXIT, 1), 50u);
}

Test(restore_faults, killed_in_the_middle_of_a_write, .timeout = 240) {
    fixture_capture(&fixture);
    sqlite3_close(fixture.db);
    fixture.db = NULL;
    cr_assert_gt(sweep_kills(FAULTY_TEAR, 1), 50u);
}

/* With so little memory that pages are written again and again, and sorting takes files. */
Test(restore_faults, with_next_to_no_memory, .timeout = 240) {
    restoring.limits.cache_kib = 20;
    fixture_sql(&fixture, "CREATE TABLE long(v); CREATE INDEX l ON long(v);"
                          "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                          "INSERT INTO long SELECT i * 7919 % 3001 || hex(zeroblob(30)) FROM n");
    fixture_capture(&fixture);
    cr_assert_gt(sweep_failures(FAULTY_STAYS, ENOSPC, 151), 1000u);
    cr_assert_gt(sweep_failures(FAULTY_ONCE, EIO, 173), 1000u);
}
