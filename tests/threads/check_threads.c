/* A repository proven on several threads, for the thread sanitizer; a plain program, as Criterion does not run under it.
 *
 * What is found must not depend on the number of threads: a sound repository is sound, and a damaged block is told once. */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/check.h"
#include "format/pool.h"

#define ROWS 30000
#define ROWS_A_BLOCK 400
#define EVERY 7 /* of the rows, this many-th changes */

static void must(bool good, const char *what, const struct rf_error *error) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, error->what);
        exit(1);
    }
}

struct pen {
    struct rf_archive_writer *writer;
    struct rf_batch *batch;
    enum rf_block_kind kind;
};

static void end_block(struct pen *pen) {
    if (pen->batch) {
        rf_archive_writer_add(pen->writer, pen->batch);
    }
    pen->batch = NULL;
}

/* The row as it was in that snapshot, into the archive and the sum. */
static struct rf_hash put(struct pen *pen, enum rf_block_kind kind, int64_t rowid, int snapshot) {
    struct rf_buffer row = {0};
    char text[80];
    int size =
        snprintf(text, sizeof text, "row %lld as of snapshot %d", (long long)rowid, snapshot);
    rf_row_put_bytes(&row, RF_TEXT, text, (uint32_t)size);
    struct rf_hash hash = rf_hash_bytes(row.bytes, row.size);
    if (pen->batch && (pen->kind != kind || pen->batch->rows >= ROWS_A_BLOCK)) {
        end_block(pen);
    }
    pen->kind = kind;
    pen->batch = pen->batch ? pen->batch : rf_archive_writer_batch(pen->writer, kind);
    rf_batch_add(pen->batch, rowid, hash, row.bytes, row.size);
    rf_buffer_release(&row);
    return hash;
}

struct chain {
    struct rf_repository *repository;
    struct rf_pool *pool;
    struct rf_column column;
    struct rf_census census;
    struct rf_archive_ref state[2];
    struct rf_manifest_table table;
    struct rf_snapshot_name newest;
};

static struct pen begin(struct chain *chain, enum rf_archive_kind kind) {
    struct rf_error error = {0};
    struct pen pen = {0};
    struct rf_archive_head head = {.kind = kind,
                                   .snapshot = chain->newest.number + 1,
                                   .gone = kind == RF_ARCHIVE_DELTA ? RF_GONE_ROW : RF_GONE_KEY,
                                   .before = chain->table.digest,
                                   .table = &chain->table.table};
    memcpy(head.source, rf_repository_source(chain->repository), sizeof head.source);
    must(rf_archive_writer_new(rf_repository_io(chain->repository),
                               rf_repository_tmp(chain->repository), &head, 1, chain->pool,
                               &pen.writer, &error) == RF_OK,
         "new", &error);
    return pen;
}

static void publish(struct chain *chain, struct pen *pen) {
    struct rf_error error = {0};
    char path[PATH_MAX];
    struct rf_pending_archive pending = {.path = path};
    end_block(pen);
    must(rf_archive_writer_finish(pen->writer, &chain->table.digest, &pending.ref, path, &error) ==
             RF_OK,
         "finish", &error);
    chain->state[chain->table.state_count++] = chain->table.delta = pending.ref;
    struct rf_manifest manifest = {.snapshot = chain->newest.number + 1,
                                   .parent = chain->newest.number,
                                   .parent_digest = chain->newest.digest,
                                   .path = (char[]){"/a.db"},
                                   .writer = (char[]){"a test"},
                                   .sqlite_version = (char[]){"3"},
                                   .encoding = (char[]){"UTF-8"},
                                   .journal_mode = (char[]){"wal"},
                                   .table_count = 1,
                                   .tables = &chain->table};
    memcpy(manifest.source, rf_repository_source(chain->repository), sizeof manifest.source);
    must(rf_repository_publish(chain->repository, &manifest, &pending, 1, &chain->newest, &error) ==
             RF_OK,
         "publish", &error);
}

static void make_snapshots(struct chain *chain) {
    chain->column = (struct rf_column){.name = (char[]){"value"}, .collation = (char[]){"BINARY"}};
    chain->table = (struct rf_manifest_table){
        .table = {.name = (char[]){"t"}, .alias = -1, .column_count = 1, .columns = &chain->column},
        .census = &chain->census,
        .change = RF_CHANGE_NEW,
        .state = chain->state};
    struct pen pen = begin(chain, RF_ARCHIVE_FULL);
    for (int64_t i = 0; i < ROWS; i++) {
        rf_digest_add(&chain->table.digest, put(&pen, RF_BLOCK_ROWS, i, 1));
    }
    chain->table.inserted = ROWS;
    publish(chain, &pen);
    pen = begin(chain, RF_ARCHIVE_DELTA);
    for (int64_t i = 0; i < ROWS; i += EVERY) {
        rf_digest_remove(&chain->table.digest, put(&pen, RF_BLOCK_GONE, i, 1));
    }
    for (int64_t i = 0; i < ROWS; i += EVERY) {
        rf_digest_add(&chain->table.digest, put(&pen, RF_BLOCK_ROWS, i, 2));
    }
    chain->table.change = RF_CHANGE_DELTA;
    chain->table.inserted = 0;
    chain->table.updated = (ROWS + EVERY - 1) / EVERY;
    publish(chain, &pen);
}

static void damage_block(const struct chain *chain) {
    struct rf_error error = {0};
    char path[PATH_MAX];
    must(rf_repository_place(chain->repository, "archives", chain->state[0].name, path, &error) ==
             RF_OK,
         "place", &error);
    FILE *file = fopen(path, "r+b");
    must(file && fseek(file, (long)chain->state[0].size / 2, SEEK_SET) == 0, path, &error);
    int byte = getc(file);
    must(fseek(file, -1, SEEK_CUR) == 0 && putc(byte ^ 1, file) != EOF && fclose(file) == 0, path,
         &error);
}

static void count(void *context, const struct rf_damage *damage) {
    *(uint32_t *)context += damage->block >= 0;
}

static bool same_counts(const struct rf_check_result *a, const struct rf_check_result *b) {
    return a->snapshots == b->snapshots && a->archives == b->archives && a->blocks == b->blocks &&
           a->rows == b->rows && a->bytes == b->bytes && a->damages == b->damages;
}

static void expect(const struct chain *chain, uint32_t damaged_blocks) {
    struct rf_check_result first = {0};
    for (unsigned jobs = 1; jobs <= 8; jobs++) {
        struct rf_error error = {0};
        atomic_int stop = 0;
        uint32_t found = 0;
        struct rf_check_result result;
        struct rf_check_options options = {
            .stop = &stop, .jobs = jobs, .damage = count, .context = &found};
        must(rf_check(chain->repository, &options, &result, &error) == RF_OK, "check", &error);
        must(found == damaged_blocks, "another number of damaged blocks", &error);
        first = jobs == 1 ? result : first;
        must(same_counts(&first, &result), "another result on more threads", &error);
    }
}

static void remove_all(const char *folder) {
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    must(system(command) == 0, command, &(struct rf_error){0});
}

int main(void) {
    char folder[] = "/tmp/rf-check-XXXXXX";
    struct rf_error error = {0};
    struct chain chain = {0};
    must(mkdtemp(folder) != NULL, "mkdtemp", &error);
    must(rf_repository_open(rf_io_posix(), folder, RF_REPOSITORY_CREATE, &chain.repository,
                            &error) == RF_OK,
         "open", &error);
    must(rf_pool_new(2, &chain.pool, &error) == RF_OK, "pool", &error);
    make_snapshots(&chain);
    expect(&chain, 0);
    damage_block(&chain);
    expect(&chain, 1);
    rf_pool_free(chain.pool);
    rf_repository_close(chain.repository);
    remove_all(folder);
    puts("what is found does not depend on the threads");
    return 0;
}
