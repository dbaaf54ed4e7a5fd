/* Restores with little memory, and what the program's own tests cannot see. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "restore_support.h"

static struct fixture fixture;
static struct restoring restoring;

static void begin(void) {
    fixture_begin(&fixture);
    restoring_begin(&restoring, &fixture);
}

static void end(void) {
    fixture_end(&fixture);
}

TestSuite(restore, .init = begin, .fini = end);

/* Pages that leave the cache, and sorting that takes files. */
Test(restore, with_next_to_no_memory) {
    restoring.limits.cache_kib = 20;
    fixture_sql(&fixture, "PRAGMA page_size = 512;"
                          "CREATE TABLE t(a, b UNIQUE); CREATE INDEX i ON t(a);"
                          "CREATE INDEX e ON t(lower(a)); CREATE TABLE w(k PRIMARY KEY, v) "
                          "WITHOUT ROWID; WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                          "LIMIT 4000) INSERT INTO t SELECT hex(i * 7919 % 4001) || "
                          "'some text that makes it long, and longer still', i FROM n;"
                          "INSERT INTO w SELECT a, b FROM t");
    fixture_capture(&fixture);
    restoring_expect(&restoring);
    cr_expect_eq(restoring.result.rows, 8000);
    cr_expect_eq(restoring_files(&restoring), 1);
}

Test(restore, a_signal_ends_it) {
    fixture_sql(&fixture, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    fixture_capture(&fixture);
    fixture.stop = 2;
    cr_assert_eq(restoring_try(&restoring, rf_io_posix()), RF_INTERRUPTED);
    cr_expect_eq(restoring_files(&restoring), 0);
}

struct seen {
    uint64_t last, expected;
    unsigned calls;
};

static void take_progress(void *context, const char *table, uint64_t done, uint64_t expected) {
    struct seen *seen = context;
    cr_expect_str_eq(table, "t");
    cr_expect_geq(done, seen->last);
    seen->last = done;
    seen->expected = expected;
    seen->calls++;
}

Test(restore, tells_how_far_it_is) {
    struct seen seen = {0};
    fixture_sql(&fixture, "CREATE TABLE t(a); WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                          "LIMIT 70000) INSERT INTO t SELECT i FROM n");
    fixture_capture(&fixture);
    restoring.options.verify = false;
    restoring.options.lack = NULL;
    restoring.options.progress = take_progress;
    restoring.options.context = &seen;
    cr_assert_eq(restoring_try(&restoring, rf_io_posix()), RF_OK);
    cr_expect_eq(seen.last, 70000);
    cr_expect_eq(seen.expected, 70000);
    cr_expect_geq(seen.calls, 3);
}
