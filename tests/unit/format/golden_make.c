/* Writes the golden archives and the golden manifest into a folder, from the literals of golden.c.
 *
 *     golden_make FOLDER
 *
 * Run once; see golden.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "golden.h"

#define LEVEL 3

static void fail(const char *file, const struct rf_error *error) {
    fprintf(stderr, "golden_make: %s: %s (%s)\n", file, error->what, error->detail);
    exit(1);
}

static void add_block(struct rf_archive_writer *writer, const struct golden_archive *archive,
                      const struct golden_block *block) {
    struct rf_batch *batch = rf_archive_writer_batch(writer, block->kind);
    struct rf_buffer kept = {0};
    for (uint32_t i = 0; batch && i < block->count; i++) {
        const struct golden_row *row = &block->rows[i];
        rf_buffer_clear(&kept);
        golden_put_kept(archive, block->kind, row, &kept);
        rf_batch_add(batch, row->rowid, golden_hash(row, archive->table->column_count), kept.bytes,
                     kept.size);
    }
    rf_buffer_release(&kept);
    if (batch) {
        rf_archive_writer_add(writer, batch);
    }
}

static void make_archive(const char *folder, struct rf_pool *pool,
                         const struct golden_archive *archive) {
    struct rf_archive_head head = {.kind = archive->kind,
                                   .snapshot = archive->kind == RF_ARCHIVE_FULL ? 1 : 2,
                                   .gone = archive->gone,
                                   .table = archive->table};
    struct rf_digest after = golden_after(archive);
    if (archive->parent) {
        head.before = golden_after(golden_find(archive->parent));
    }
    memcpy(head.source, golden_source, sizeof head.source);
    struct rf_archive_writer *writer = NULL;
    struct rf_error error = {0};
    if (rf_archive_writer_new(rf_io_posix(), folder, &head, LEVEL, pool, &writer, &error) !=
        RF_OK) {
        fail(archive->file, &error);
    }
    for (uint32_t i = 0; i < archive->block_count; i++) {
        add_block(writer, archive, &archive->blocks[i]);
    }
    struct rf_archive_ref ref;
    char made[PATH_MAX];
    char path[PATH_MAX];
    if (rf_archive_writer_finish(writer, &after, &ref, made, &error) != RF_OK) {
        fail(archive->file, &error);
    }
    snprintf(path, sizeof path, "%s/%s.rfa", folder, archive->file);
    if (rename(made, path) != 0) {
        perror(path);
        exit(1);
    }
}

static void make_archives(const char *folder) {
    struct rf_pool *pool = NULL;
    struct rf_error error = {0};
    if (rf_pool_new(1, &pool, &error) != RF_OK) {
        fail("threads", &error);
    }
    for (uint32_t i = 0; i < golden_archive_count; i++) {
        make_archive(folder, pool, &golden_archives[i]);
    }
    rf_pool_free(pool);
}

static void make_manifest(const char *folder) {
    struct rf_manifest manifest;
    struct rf_buffer bytes = {0};
    struct rf_hash digest;
    struct rf_error error = {.what = "reading the archives"};
    if (!golden_manifest_make(folder, &manifest) ||
        rf_manifest_encode(&manifest, NULL, &bytes, &digest, &error) != RF_OK) {
        fail("snapshot.rfm", &error);
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/snapshot.rfm", folder);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes.bytes, 1, bytes.size, file) != bytes.size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    rf_buffer_release(&bytes);
    golden_manifest_unmake(&manifest);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: golden_make FOLDER\n");
        return 2;
    }
    make_archives(argv[1]);
    make_manifest(argv[1]);
    return 0;
}
