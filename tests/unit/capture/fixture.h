/* A database of one's own, a repository for it, and an independent view of both: rows as a plain
 * query gives them, as the repository's readers give them, and as a delta applied by the letter of
 * SPEC.md makes them. */
#ifndef RF_TESTS_CAPTURE_FIXTURE_H
#define RF_TESTS_CAPTURE_FIXTURE_H

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/capture.h"
#include "capture/capture_run.h"
#include "format/archive.h"
#include "format/manifest.h"
#include "format/repository.h"

struct fixture {
    char folder[64];
    char database[96];
    char repository[96];
    sqlite3 *db;              /* writable connection */
    struct rf_capture_limits limits; /* tiny; every table has an index */
    struct rf_capture_options options;
    atomic_int stop;
    struct rf_capture_result result; /* of the last capture */
    struct rf_error error;
    unsigned notes; /* calls of options.note */
};

void fixture_begin(struct fixture *fixture);
void fixture_end(struct fixture *fixture);
/* The statements must succeed. */
void fixture_sql(struct fixture *fixture, const char *sql);
/* The same, put together by sqlite3_mprintf. */
void fixture_sqlf(struct fixture *fixture, const char *format, ...);
int64_t fixture_number(struct fixture *fixture, const char *sql);

enum rf_code fixture_try(struct fixture *fixture);
/* The same through other file operations. */
enum rf_code fixture_try_io(struct fixture *fixture, struct rf_io *io);
/* A capture that must succeed, and whose repository must hold what the database does: rows,
 * digests, census. */
void fixture_capture(struct fixture *fixture);
/* The repository, checked by itself and against the database. */
void fixture_compare(struct fixture *fixture);
/* Of the last capture. */
const struct rf_capture_table *fixture_result(const struct fixture *fixture, const char *table);

/* A repository opened to be read, with its newest manifest. */
struct opened {
    struct rf_repository *repository;
    struct rf_manifest manifest;
};
void opened_begin(struct opened *opened, const struct fixture *fixture);
void opened_end(struct opened *opened);
const struct rf_manifest_table *opened_table(const struct opened *opened, const char *name);

struct row {
    int64_t rowid; /* 0 for WITHOUT ROWID */
    uint8_t *cells;
    uint32_t size;
};
struct rows {
    struct row *at;
    size_t count;
    size_t capacity;
};
void rows_add(struct rows *rows, int64_t rowid, const void *cells, size_t size);
void rows_release(struct rows *rows);
/* By a query of its own. Ascending by rowid, or by cells for WITHOUT ROWID. */
struct rows rows_of_database(struct fixture *fixture, const struct rf_table *table);
struct rows rows_of_state(const struct opened *opened, const struct rf_manifest_table *table);
/* `parent` with the table's delta done to it, step by step as SPEC.md has it. */
struct rows rows_after_delta(const struct opened *opened, const struct rf_manifest_table *table,
                             const struct rows *parent);
void rows_expect_same(const struct rows *expected, const struct rows *found, const char *what);

#endif
