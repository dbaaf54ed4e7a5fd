/* The local index of a table: key and row hash of every row of its newest state.
 *
 * An index file is named like the last archive of the state it belongs to, so one that is there is the
 * right one, and one that belongs to nothing can be removed at any time. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/repository_inner.h"
#include "format/state.h"

static void index_name(const struct rf_manifest_table *table, char name[RF_ARCHIVE_NAME_SIZE]) {
    memcpy(name, table->state[table->state_count - 1].name, RF_ARCHIVE_NAME_SIZE);
    name[strlen(name) - 1] = 'i'; /* .rfa to .rfi */
}

static bool belongs(const struct rf_archive *archive, const struct rf_manifest_table *table) {
    const struct rf_archive_head *head = rf_archive_head_of(archive);
    return head->kind == RF_ARCHIVE_INDEX &&
           rf_hash_equal(head->parent, table->state[table->state_count - 1].digest) &&
           rf_table_same_rows(head->table, &table->table) &&
           rf_archive_rows(archive, RF_BLOCK_INDEX) == table->digest.rows;
}

enum rf_code rf_index_open(const struct rf_repository *repository,
                           const struct rf_manifest_table *table, struct rf_archive **archive,
                           struct rf_error *error) {
    char name[RF_ARCHIVE_NAME_SIZE], path[PATH_MAX];
    *archive = NULL;
    index_name(table, name);
    enum rf_code code = rf_repository_place(repository, "index", name, path, error);
    if (code != RF_OK) {
        return code;
    }
    code = rf_archive_open(repository->io, path, NULL, archive, error);
    if (code == RF_NO_MEMORY) {
        return code;
    }
    if (code == RF_OK && !belongs(*archive, table)) {
        rf_archive_close(*archive);
        *archive = NULL;
    }
    rf_error_clear(error);
    return RF_OK;
}

/* Key cells as an INDEX block wants them: the declared key, unless it is the rowid itself. */
static void put_key(const struct rf_table *table, const struct rf_rows *rows, uint32_t row,
                    struct rf_buffer *cells) {
    rf_buffer_clear(cells);
    for (uint32_t i = 0; table->alias < 0 && i < table->key_count; i++) {
        struct rf_value value = rf_rows_value(rows, table->key[i], row);
        rf_row_put(cells, &value);
    }
}

struct rebuild {
    const struct rf_manifest_table *table;
    struct rf_archive_writer *writer;
    struct rf_batch *batch;
    struct rf_buffer row, key;
};

static enum rf_code index_row(struct rebuild *rebuild, const struct rf_span *span, uint32_t i,
                              struct rf_error *error) {
    const struct rf_rows *rows = span->rows;
    uint32_t row = span->first + i;
    rf_buffer_clear(&rebuild->row);
    rf_rows_put(rows, row, &rebuild->row);
    put_key(&rebuild->table->table, rows, row, &rebuild->key);
    if (rebuild->row.failed || rebuild->key.failed) {
        return rf_fail_memory(error);
    }
    if (!rebuild->batch) {
        rebuild->batch = rf_archive_writer_batch(rebuild->writer, RF_BLOCK_INDEX);
    }
    if (!rebuild->batch) {
        return RF_OK; /* finish will tell */
    }
    int64_t rowid =
        rows->shape.rowids ? (int64_t)((uint64_t)rows->rowids[row] + (uint64_t)span->shift) : 0;
    rf_batch_add(rebuild->batch, rowid, rf_hash_bytes(rebuild->row.bytes, rebuild->row.size),
                 rebuild->key.bytes, rebuild->key.size);
    if (rf_batch_full(rebuild->batch)) {
        rf_archive_writer_add(rebuild->writer, rebuild->batch);
        rebuild->batch = NULL;
    }
    return RF_OK;
}

static enum rf_code index_rows(struct rebuild *rebuild, struct rf_scan *scan,
                               struct rf_error *error) {
    struct rf_span span;
    enum rf_code code;
    while ((code = rf_scan_next(scan, &span, error)) == RF_OK && span.count > 0) {
        for (uint32_t i = 0; code == RF_OK && i < span.count; i++) {
            code = index_row(rebuild, &span, i, error);
        }
        if (code != RF_OK) {
            break;
        }
    }
    if (rebuild->batch) {
        rf_archive_writer_add(rebuild->writer, rebuild->batch);
        rebuild->batch = NULL;
    }
    return code;
}

static enum rf_code write_index(struct rf_repository *repository, struct rebuild *rebuild,
                                struct rf_scan *scan, struct rf_pool *pool,
                                struct rf_error *error) {
    const struct rf_manifest_table *table = rebuild->table;
    struct rf_archive_head head = {.kind = RF_ARCHIVE_INDEX,
                                   .parent = table->state[table->state_count - 1].digest,
                                   .table = &table->table};
    memcpy(head.source, repository->source, RF_SOURCE_ID_SIZE);
    enum rf_code code = rf_archive_writer_new(repository->io, repository->tmp, &head, 1, pool,
                                              &rebuild->writer, error);
    if (code != RF_OK) {
        return code;
    }
    code = index_rows(rebuild, scan, error);
    if (code != RF_OK) {
        rf_archive_writer_abort(rebuild->writer);
        return code;
    }
    struct rf_archive_ref ref;
    char part[PATH_MAX], path[PATH_MAX];
    code = rf_archive_writer_finish(rebuild->writer, &ref, part, error);
    if (code == RF_OK) {
        code = rf_repository_place(repository, "index", ref.name, path, error);
    }
    if (code == RF_OK) {
        code = rf_io_rename(repository->io, part, path, error);
    }
    return code;
}

enum rf_code rf_index_rebuild(struct rf_repository *repository,
                              const struct rf_manifest_table *table, struct rf_pool *pool,
                              struct rf_error *error) {
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    struct rebuild rebuild = {.table = table};
    enum rf_code code = rf_state_open(repository, table, &state, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    if (code == RF_OK) {
        code = write_index(repository, &rebuild, scan, pool, error);
    }
    rf_buffer_release(&rebuild.row);
    rf_buffer_release(&rebuild.key);
    rf_scan_free(scan);
    rf_state_close(state);
    if (code != RF_OK) {
        rf_while(error, "while making the index of table %.120s", table->table.name);
    }
    return code;
}

struct sweep {
    struct rf_repository *repository;
    const char (*names)[RF_ARCHIVE_NAME_SIZE];
    uint32_t count;
};

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

static enum rf_code sweep_one(void *context, const char *name, struct rf_error *error) {
    struct sweep *sweep = context;
    if (sweep->count > 0 &&
        bsearch(name, sweep->names, sweep->count, sizeof *sweep->names, by_name)) {
        return RF_OK;
    }
    char path[PATH_MAX];
    enum rf_code code = rf_repository_place(sweep->repository, "index", name, path, error);
    return code == RF_OK ? rf_io_unlink(sweep->repository->io, path, error) : code;
}

void rf_index_sweep(struct rf_repository *repository, const struct rf_manifest *manifest) {
    struct rf_error ignored;
    char folder[PATH_MAX];
    char(*names)[RF_ARCHIVE_NAME_SIZE] = calloc((size_t)manifest->table_count + 1, sizeof *names);
    if (!names || rf_repository_place(repository, "index", NULL, folder, &ignored) != RF_OK) {
        free(names);
        return;
    }
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        index_name(&manifest->tables[i], names[i]);
    }
    qsort(names, manifest->table_count, sizeof *names, by_name);
    struct sweep sweep = {
        .repository = repository, .names = (const void *)names, .count = manifest->table_count};
    (void)!rf_io_list(folder, sweep_one, &sweep, &ignored);
    free(names);
}
