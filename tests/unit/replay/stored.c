#include "stored.h"

#include <stdio.h>
#include <stdlib.h>

#include "../format/fixture.h"
#include "rows.h"

#define ROWS_A_BLOCK 2u

static void write_rows(struct rf_archive_writer *writer, const struct rf_value *values,
                       uint32_t columns, uint32_t count) {
    struct rf_buffer row = {0};
    struct rf_batch *batch = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (i % ROWS_A_BLOCK == 0) {
            batch = rf_archive_writer_batch(writer, RF_BLOCK_ROWS);
            cr_assert_not_null(batch);
        }
        rf_buffer_clear(&row);
        for (uint32_t column = 0; column < columns; column++) {
            rf_row_put(&row, &values[i * columns + column]);
        }
        rf_batch_add(batch, (int64_t)i + 1, (struct rf_hash){0}, row.bytes, row.size);
        if (i % ROWS_A_BLOCK == ROWS_A_BLOCK - 1 || i == count - 1) {
            rf_archive_writer_add(writer, batch);
        }
    }
    rf_buffer_release(&row);
}

static void write_archive(struct stored *stored, struct rf_manifest_table *table,
                          const struct rf_value *values, uint32_t count) {
    struct rf_error error = {0};
    struct rf_pool *pool;
    struct rf_archive_writer *writer;
    struct rf_archive_head head = {.kind = RF_ARCHIVE_FULL, .snapshot = 1, .table = &table->table};
    memcpy(head.source, rf_repository_source(stored->repository), RF_SOURCE_ID_SIZE);
    assert_ok(rf_pool_new(1, &pool, &error), error);
    assert_ok(rf_archive_writer_new(rf_io_posix(), rf_repository_tmp(stored->repository), &head, 1,
                                    pool, &writer, &error),
              error);
    write_rows(writer, values, table->table.column_count, count);
    char from[PATH_MAX], folder[PATH_MAX], to[PATH_MAX];
    table->state = calloc(1, sizeof *table->state);
    table->state_count = 1;
    assert_ok(rf_archive_writer_finish(writer, &table->digest, &table->state[0], from, &error),
              error);
    rf_pool_free(pool);
    scratch_path(stored->path, "archives", folder);
    cr_assert_eq(rename(from, scratch_path(folder, table->state[0].name, to)), 0);
}

void stored_make(struct stored *stored, struct rf_manifest_table *table,
                 const struct rf_value *values, uint32_t count) {
    struct rf_error error = {0};
    *stored = (struct stored){.options = {.schema = "s", .jobs = 1}};
    scratch_make(stored->path);
    assert_ok(rf_repository_open(rf_io_posix(), stored->path, RF_REPOSITORY_CREATE,
                                 &stored->repository, &error),
              error);
    stored->options.rules = &stored->rules;
    stored->options.stop = &stored->stop;
    rf_run_init(&stored->run, &stored->options, stored->repository);
    test_census_of(table, values, count);
    write_archive(stored, table, values, count);
}

void stored_free(struct stored *stored) {
    rf_run_release(&stored->run);
    rf_repository_close(stored->repository);
    scratch_remove(stored->path);
}
