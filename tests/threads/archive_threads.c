/* Archive writers on a pool and readers ahead, for the thread sanitizer; a plain program, as Criterion does not run under it.
 *
 * Several archives are written at once through one pool of more threads than cores, one is given up
 * halfway, one fails to write. What a user would lose if this were wrong: rows in another order than
 * they were captured in, or in another table's archive. */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/archive.h"
#include "format/state.h"

#define WRITERS 4
#define ROWS 60000

static struct rf_io io;
static atomic_int writes_until_full = INT_MAX;

static ssize_t limited_write(struct rf_io *self, int fd, const void *bytes, size_t size) {
    (void)self;
    if (atomic_fetch_sub(&writes_until_full, 1) <= 0) {
        errno = ENOSPC;
        return -1;
    }
    return write(fd, bytes, size);
}

static void must(bool good, const char *what, const struct rf_error *error) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, error->what);
        exit(1);
    }
}

static struct rf_archive_writer *start(int number, const char *folder, struct rf_pool *pool) {
    struct rf_error error = {0};
    char name[] = "table 0";
    name[6] = (char)('0' + number);
    struct rf_column column = {.name = (char[]){"value"}};
    struct rf_table table = {.name = name, .alias = -1, .column_count = 1, .columns = &column};
    struct rf_archive_head head = {
        .kind = RF_ARCHIVE_FULL, .snapshot = 1, .source = {(uint8_t)number}, .table = &table};
    struct rf_archive_writer *writer;
    must(rf_archive_writer_new(&io, folder, &head, 1, pool, &writer, &error) == RF_OK, "new",
         &error);
    return writer;
}

static void add_row(struct rf_archive_writer *writer, struct rf_batch **batch, int number, int i) {
    if (!*batch) {
        *batch = rf_archive_writer_batch(writer, RF_BLOCK_ROWS);
    }
    if (!*batch) {
        return;
    }
    struct rf_buffer row = {0};
    char text[80];
    int size = snprintf(text, sizeof text, "row %d of table %d, and some more of it", i, number);
    rf_row_put_bytes(&row, RF_TEXT, text, (uint32_t)size);
    rf_batch_add(*batch, i, (struct rf_hash){0}, row.bytes, row.size);
    rf_buffer_release(&row);
    if ((*batch)->rows >= 500) {
        rf_archive_writer_add(writer, *batch);
        *batch = NULL;
    }
}

/* Some blocks read ahead, some passed over, and the scan left where it is. */
static void leave_early(struct rf_archive *archive) {
    struct rf_error error = {0};
    struct rf_block_scan *scan;
    const struct rf_rows *rows;
    for (int64_t from = 0; from < ROWS; from += ROWS / 7) {
        must(rf_block_scan_new(archive, RF_BLOCK_ROWS, &scan, &error) == RF_OK, "scan", &error);
        must(rf_block_scan_ahead(scan, &error) == RF_OK, "ahead", &error);
        for (int64_t least = from; least < ROWS && least < 3 * from; least += from / 2) {
            rf_block_scan_skip_to(scan, least);
            must(rf_block_scan_next(scan, &rows, &error) == RF_OK, "next", &error);
            must(rows && rows->rowids[rows->count - 1] >= least, "an unwanted block", &error);
        }
        rf_block_scan_free(scan);
    }
}

static void expect_rows(const char *path, int number, bool ahead) {
    struct rf_error error = {0};
    struct rf_archive *archive;
    struct rf_block_scan *scan;
    const struct rf_rows *rows;
    must(rf_archive_open(&io, path, NULL, &archive, &error) == RF_OK, "open", &error);
    must(rf_block_scan_new(archive, RF_BLOCK_ROWS, &scan, &error) == RF_OK, "scan", &error);
    must(!ahead || rf_block_scan_ahead(scan, &error) == RF_OK, "ahead", &error);
    int next = 0;
    while (rf_block_scan_next(scan, &rows, &error) == RF_OK && rows) {
        for (uint32_t i = 0; i < rows->count; i++, next++) {
            char text[80];
            int size =
                snprintf(text, sizeof text, "row %d of table %d, and some more of it", next, number);
            struct rf_value value = rf_rows_value(rows, 0, i);
            must(rows->rowids[i] == next && value.class == RF_TEXT &&
                     value.size == (uint32_t)size && memcmp(value.bytes, text, value.size) == 0,
                 "a row is not where it was put", &error);
        }
    }
    must(next == ROWS, "rows are missing", &error);
    rf_block_scan_free(scan);
    if (ahead) {
        leave_early(archive);
    }
    rf_archive_close(archive);
}

static void write_side_by_side(const char *folder, struct rf_pool *pool) {
    struct rf_error error = {0};
    struct rf_archive_writer *writers[WRITERS];
    struct rf_batch *batches[WRITERS] = {0};
    for (int w = 0; w < WRITERS; w++) {
        writers[w] = start(w, folder, pool);
    }
    for (int i = 0; i < ROWS; i++) {
        for (int w = 0; w < WRITERS; w++) {
            if (w != WRITERS - 1 || i < ROWS / 2) {
                add_row(writers[w], &batches[w], w, i);
            }
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        if (batches[w]) {
            rf_archive_writer_add(writers[w], batches[w]);
        }
    }
    rf_archive_writer_abort(writers[WRITERS - 1]);
    for (int w = 0; w < WRITERS - 1; w++) {
        struct rf_archive_ref ref;
        char path[PATH_MAX];
        must(rf_archive_writer_finish(writers[w], &(struct rf_digest){0}, &ref, path, &error) == RF_OK, "finish", &error);
        expect_rows(path, w, false);
        expect_rows(path, w, true);
        unlink(path);
    }
}

static void fail_to_write(const char *folder, struct rf_pool *pool) {
    struct rf_error error = {0};
    struct rf_archive_ref ref;
    char path[PATH_MAX];
    struct rf_archive_writer *writer = start(0, folder, pool);
    struct rf_batch *batch = NULL;
    atomic_store(&writes_until_full, 2);
    for (int i = 0; i < 8 * ROWS; i++) {
        add_row(writer, &batch, 0, i);
    }
    if (batch) {
        rf_archive_writer_add(writer, batch);
    }
    must(rf_archive_writer_finish(writer, &(struct rf_digest){0}, &ref, path, &error) == RF_STORAGE &&
             error.sys_errno == ENOSPC,
         "a full disk went unnoticed", &error);
}

int main(void) {
    char folder[] = "/tmp/rf-threads-XXXXXX";
    struct rf_error error = {0};
    struct rf_pool *pool;
    io = *rf_io_posix();
    io.write = limited_write;
    must(mkdtemp(folder) != NULL, "mkdtemp", &error);
    must(rf_pool_new(8, &pool, &error) == RF_OK, "pool", &error);
    write_side_by_side(folder, pool);
    fail_to_write(folder, pool);
    rf_pool_free(pool);
    must(rmdir(folder) == 0, "files were left", &error);
    puts("archives are written and read in order");
    return 0;
}
