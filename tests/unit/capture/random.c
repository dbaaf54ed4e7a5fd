/* Random edits to tables of every kind of key, trip after trip. After each: what the repository's
 * readers give, and what the delta makes of the parent's rows by the letter of SPEC.md, is what the
 * database has. RF_RANDOM_SEED and RF_RANDOM_ROUNDS in the environment choose other ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk_feed.h"
#include "fixture.h"

#define TRIPS 6

static const struct {
    const char *name, *create;
} tables[] = {
    {"alias", "CREATE TABLE alias(k INTEGER PRIMARY KEY, a, b)"},
    {"plain", "CREATE TABLE plain(k, a, b)"},
    {"few", "CREATE TABLE few(k, a, b)"},
    {"keyed", "CREATE TABLE keyed(k TEXT PRIMARY KEY, a, b)"},
    {"pair", "CREATE TABLE pair(k, a, b, PRIMARY KEY(a, k))"},
    {"nocase", "CREATE TABLE nocase(k COLLATE NOCASE PRIMARY KEY, a, b) WITHOUT ROWID"},
    {"mixed", "CREATE TABLE mixed(k, a, b, PRIMARY KEY(k DESC, a)) WITHOUT ROWID"},
    {"hidden", "CREATE TABLE hidden(rowid, _rowid_, oid, k, a, b)"},
    {"wide", "CREATE TABLE wide(k, a, b, c AS (a || '!'), UNIQUE(b, a))"},
};
#define TABLES (sizeof tables / sizeof tables[0])

static unsigned from_environment(const char *name, unsigned otherwise) {
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static long dice(long sides) {
    return random() % sides;
}

/* WITHOUT ROWID keys hold no NULLs, and say so instead of ignoring the row. */
static const char *key_value(const char *text) {
    return strcmp(text, "NULL") == 0 ? "'null'" : text;
}

/* A value: often one of a few, so that rows are alike and keys collide. */
static const char *value(char *text, size_t size) {
    switch (dice(9)) {
    case 0:
        return "NULL";
    case 1:
        snprintf(text, size, "%ld", dice(20));
        return text;
    case 2:
        snprintf(text, size, "%ld.0", dice(20));
        return text;
    case 3:
        snprintf(text, size, "'%ld'", dice(20));
        return text;
    case 4:
        snprintf(text, size, "x'%02lx'", dice(20));
        return text;
    case 5:
        snprintf(text, size, "'t%c'", (char)(dice(2) ? 'a' + dice(8) : 'A' + dice(8)));
        return text;
    case 6:
        snprintf(text, size, "%ld", random() - random());
        return text;
    case 7:
        snprintf(text, size, "hex(%ld)", random());
        return text;
    default:
        snprintf(text, size, "CAST(x'6%lx00' AS TEXT)", dice(9));
        return text;
    }
}

static void insert(struct fixture *fixture, const char *table) {
    char k[64], a[64], b[64];
    bool few = strcmp(table, "few") == 0;
    fixture_sql(fixture, "BEGIN");
    for (long i = dice(25); i >= 0; i--) {
        fixture_sqlf(fixture, "INSERT OR %s INTO %s(k, a, b) VALUES (%s, %s, %s)",
                     dice(2) ? "IGNORE" : "REPLACE", table,
                     strcmp(table, "alias") == 0 ? (dice(4) ? "NULL" : "abs(random() % 50)")
                     : few                       ? "1"
                                                 : key_value(value(k, sizeof k)),
                     few ? (dice(2) ? "1" : "2") : key_value(value(a, sizeof a)),
                     few ? "1" : value(b, sizeof b));
    }
    fixture_sql(fixture, "COMMIT");
}

static void edit(struct fixture *fixture, const char *table) {
    char a[64];
    bool without_rowid = strcmp(table, "nocase") == 0 || strcmp(table, "mixed") == 0;
    bool hidden = strcmp(table, "hidden") == 0;
    switch (dice(10)) {
    case 0:
    case 1:
        insert(fixture, table);
        break;
    case 2:
        fixture_sqlf(fixture, "DELETE FROM %s WHERE abs(random() %% %d) = 0", table, 2 + dice(30));
        break;
    case 3:
        fixture_sqlf(fixture, "UPDATE OR IGNORE %s SET b = %s WHERE abs(random() %% %d) = 0", table,
                     value(a, sizeof a), 2 + dice(20));
        break;
    case 4:
        fixture_sqlf(fixture, "UPDATE OR REPLACE %s SET a = %s WHERE abs(random() %% %d) = 0",
                     table, key_value(value(a, sizeof a)), 2 + dice(20));
        break;
    case 5:
        if (!without_rowid && !hidden) {
            fixture_sqlf(fixture,
                         "UPDATE OR IGNORE %s SET rowid = rowid + %d WHERE abs(random() %% 3) = 0",
                         table, dice(9) - 4);
        }
        break;
    case 6:
        fixture_sql(fixture, "VACUUM");
        break;
    case 7: /* dump and reload */
        fixture_sqlf(fixture,
                     "CREATE TEMP TABLE kept AS SELECT k, a, b FROM %s; DELETE FROM %s;"
                     "INSERT INTO %s(k, a, b) SELECT * FROM kept; DROP TABLE kept",
                     table, table, table);
        break;
    case 8:
        if (!without_rowid && !hidden) { /* the oldest are purged */
            fixture_sqlf(fixture, "DELETE FROM %s WHERE rowid < (SELECT min(rowid) + %d FROM %s)",
                         table, dice(30), table);
        }
        break;
    default:
        if (dice(5) == 0) {
            fixture_sqlf(fixture, "DELETE FROM %s", table);
        }
        break;
    }
}

static void load_rows(struct fixture *fixture, struct rows *rows) {
    struct opened opened;
    opened_begin(&opened, fixture);
    for (size_t i = 0; i < TABLES; i++) {
        rows_release(&rows[i]);
        rows[i] = rows_of_database(fixture, &opened_table(&opened, tables[i].name)->table);
    }
    opened_end(&opened);
}

static void compare_deltas(struct fixture *fixture, const struct rows *before, const char *what) {
    struct opened opened;
    opened_begin(&opened, fixture);
    for (size_t i = 0; i < TABLES; i++) {
        const struct rf_manifest_table *table = opened_table(&opened, tables[i].name);
        struct rows expected = rows_of_database(fixture, &table->table);
        struct rows found = rows_after_delta(&opened, table, &before[i]);
        const struct rf_capture_table *result = fixture_result(fixture, tables[i].name);
        rows_expect_same(&expected, &found, what);
        cr_assert_eq(result->scanned, expected.count, "%s %s", what, tables[i].name);
        cr_assert_eq(before[i].count + result->inserted - result->deleted, expected.count, "%s %s",
                     what, tables[i].name);
        cr_assert_eq(result->unchanged + result->moved + result->inserted + result->updated,
                     expected.count, "%s %s", what, tables[i].name);
        rows_release(&expected);
        rows_release(&found);
    }
    opened_end(&opened);
}

/* How the next capture reads the source, and what it finds of its indexes. */
static void choose_way(struct fixture *fixture) {
    fixture->options.through_sqlite = dice(5) == 0;
    fixture->limits.index_least.rows = dice(6) == 0 ? UINT64_MAX : 0;
    fixture->limits.index_least.bytes = fixture->limits.index_least.rows;
    chunk_feed_unusual_in = dice(8) == 0 ? (int)dice(60) : -1;
    if (dice(8) == 0) {
        chunk_feed_salt++;
    }
}

static void one_round(unsigned seed, unsigned round, bool chunks) {
    struct fixture fixture;
    struct rows rows[TABLES] = {0};
    fixture_begin(&fixture);
    fixture.limits.open_feed = chunks ? chunk_feed_open : rf_row_feed_open;
    fixture_sql(&fixture, "PRAGMA journal_mode = memory");
    fixture.limits.scratch.window = 2 + (uint32_t)dice(30);
    if (dice(4) == 0) {
        fixture_sql(&fixture, "PRAGMA encoding = 'UTF-16'");
    }
    for (size_t i = 0; i < TABLES; i++) {
        fixture_sql(&fixture, tables[i].create);
        for (long n = dice(5); n > 0; n--) {
            insert(&fixture, tables[i].name);
        }
    }
    fixture_capture(&fixture);
    load_rows(&fixture, rows);
    for (unsigned trip = 0; trip < TRIPS; trip++) {
        char what[100];
        snprintf(what, sizeof what, "seed %u round %u trip %u", seed, round, trip);
        for (size_t i = 0; i < TABLES; i++) {
            for (long n = dice(4); n > 0; n--) {
                edit(&fixture, tables[i].name);
            }
        }
        if (chunks) {
            choose_way(&fixture);
        }
        enum rf_code code = fixture_try(&fixture);
        cr_assert_eq(code, RF_OK, "%s: %s / %s", what, fixture.error.what, fixture.error.detail);
        fixture_compare(&fixture);
        if (fixture.result.published) {
            compare_deltas(&fixture, rows, what);
        }
        load_rows(&fixture, rows);
    }
    for (size_t i = 0; i < TABLES; i++) {
        rows_release(&rows[i]);
    }
    fixture_end(&fixture);
}

Test(random, trip_after_trip) {
    unsigned seed = from_environment("RF_RANDOM_SEED", 4711);
    unsigned rounds = from_environment("RF_RANDOM_ROUNDS", 12);
    for (unsigned round = 0; round < rounds; round++) {
        srandom(seed + round);
        one_round(seed, round, false);
    }
}

/* The same where rows come in chunks, known ones are passed over, and captures of either kind
 * follow each other. */
Test(random, trip_after_trip_in_chunks) {
    unsigned seed = from_environment("RF_RANDOM_SEED", 4711);
    unsigned rounds = from_environment("RF_RANDOM_ROUNDS", 20);
    for (unsigned round = 0; round < rounds; round++) {
        srandom(seed + round);
        one_round(seed, round, true);
    }
    cr_assert_gt(chunk_feed_known, rounds, "hardly anything was known");
}
