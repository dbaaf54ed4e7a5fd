/* Making links: a delta for each table that differs, written from what the difference engine
 * finds. */
#include "format/link.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/between.h"
#include "format/difference.h"
#include "format/state.h"

struct making {
    const struct rf_repository *repository;
    const struct rf_link_options *options;
    struct rf_link *link;
    const struct rf_manifest *from;
    const struct rf_between *between;
    uint32_t room; /* for archives */
};

/* ---- one delta ---- */

struct run {
    int64_t old, new, count;
};

struct delta {
    struct making *making;
    const struct rf_manifest_table *from;
    struct rf_manifest_table *to; /* of the link: its counts are taken here */
    enum rf_gone_form form;
    struct rf_archive_writer *writer; /* NULL until something differs */
    struct rf_batch *batches[RF_BLOCK_MOVES + 1];
    struct rf_digest gone, rows;
    struct run run; /* of moved rows, as far as they follow each other */
    struct rf_buffer cells;
};

static enum rf_code open_delta(struct delta *delta, struct rf_error *error) {
    const struct making *making = delta->making;
    struct rf_archive_head head = {
        .kind = RF_ARCHIVE_DELTA,
        .snapshot = making->link->manifest.snapshot,
        .gone = delta->form,
        .before = delta->from->digest,
        .table = &delta->to->table,
    };
    memcpy(head.source, rf_repository_source(making->repository), RF_SOURCE_ID_SIZE);
    enum rf_code code =
        rf_archive_writer_new(rf_repository_io(making->repository), making->options->folder, &head,
                              making->options->level, making->options->pool, &delta->writer, error);
    if (code == RF_OK && making->options->unsynced) {
        rf_archive_writer_leave_unsynced(delta->writer);
    }
    return code;
}

static void hand_in(struct delta *delta, enum rf_block_kind kind) {
    if (delta->batches[kind]) {
        rf_archive_writer_add(delta->writer, delta->batches[kind]);
        delta->batches[kind] = NULL;
    }
}

static void hand_in_all(struct delta *delta) {
    for (enum rf_block_kind kind = RF_BLOCK_ROWS; kind <= RF_BLOCK_MOVES; kind++) {
        hand_in(delta, kind);
    }
}

/* An archive that failed says so in the end. */
static enum rf_code fail_early(struct delta *delta, struct rf_error *error) {
    struct rf_archive_ref ref;
    char path[PATH_MAX];
    hand_in_all(delta);
    struct rf_archive_writer *writer = delta->writer;
    delta->writer = NULL;
    enum rf_code code = rf_archive_writer_finish(writer, &delta->to->digest, &ref, path, error);
    if (code == RF_OK) {
        struct rf_error ignored;
        (void)!rf_io_unlink(rf_repository_io(delta->making->repository), path, &ignored);
        code = rf_fail_memory(error);
    }
    return code;
}

/* The cells are those of `delta`. */
static enum rf_code put(struct delta *delta, enum rf_block_kind kind, int64_t rowid,
                        struct rf_hash hash, struct rf_error *error) {
    enum rf_code code = rf_buffer_check(&delta->cells, error);
    if (code == RF_OK && !delta->writer) {
        code = open_delta(delta, error);
    }
    if (code != RF_OK) {
        return code;
    }
    if (!delta->batches[kind] &&
        !(delta->batches[kind] = rf_archive_writer_batch(delta->writer, kind))) {
        return fail_early(delta, error);
    }
    rf_batch_add(delta->batches[kind], rowid, hash, delta->cells.bytes, delta->cells.size);
    if (rf_batch_full(delta->batches[kind])) {
        hand_in(delta, kind);
    }
    return RF_OK;
}

static enum rf_code put_gone(struct delta *delta, const struct rf_row_at *at,
                             struct rf_error *error) {
    const struct rf_table *table = &delta->to->table;
    rf_buffer_clear(&delta->cells);
    if (delta->form == RF_GONE_ROW) {
        rf_rows_put(at->rows, at->row, &delta->cells);
    }
    for (uint32_t i = 0; delta->form == RF_GONE_KEY && i < table->key_count; i++) {
        struct rf_value value = rf_rows_value(at->rows, table->key[i], at->row);
        rf_row_put(&delta->cells, &value);
    }
    rf_digest_add(&delta->gone, at->hash);
    return put(delta, RF_BLOCK_GONE, at->rowid, at->hash, error);
}

static enum rf_code put_row(struct delta *delta, const struct rf_row_at *at,
                            struct rf_error *error) {
    rf_buffer_clear(&delta->cells);
    rf_rows_put(at->rows, at->row, &delta->cells);
    rf_digest_add(&delta->rows, at->hash);
    return put(delta, RF_BLOCK_ROWS, at->rowid, at->hash, error);
}

static enum rf_code end_run(struct delta *delta, struct rf_error *error) {
    const struct run run = delta->run;
    delta->run = (struct run){0};
    if (run.count == 0) {
        return RF_OK;
    }
    rf_buffer_clear(&delta->cells);
    rf_row_put_integer(&delta->cells, run.old);
    rf_row_put_integer(&delta->cells, run.new);
    rf_row_put_integer(&delta->cells, run.count);
    return put(delta, RF_BLOCK_MOVES, 0, (struct rf_hash){0}, error);
}

static enum rf_code put_moved(struct delta *delta, int64_t old, int64_t new,
                              struct rf_error *error) {
    struct run *run = &delta->run;
    enum rf_code code = RF_OK;
    bool continues = run->count > 0 && (uint64_t)old - (uint64_t)run->old == (uint64_t)run->count &&
                     (uint64_t) new - (uint64_t)run->new == (uint64_t)run->count;
    if (!continues) {
        code = end_run(delta, error);
        *run = (struct run){.old = old, .new = new};
    }
    run->count++;
    delta->to->moved++;
    return code;
}

static enum rf_code put_change(struct delta *delta, const struct rf_row_change *change,
                               struct rf_error *error) {
    if (change->moved) {
        return put_moved(delta, change->old.rowid, change->new.rowid, error);
    }
    delta->to->updated += change->old.rows && change->new.rows;
    delta->to->deleted += !change->new.rows;
    delta->to->inserted += !change->old.rows;
    enum rf_code code = change->old.rows ? put_gone(delta, &change->old, error) : RF_OK;
    return code == RF_OK && change->new.rows ? put_row(delta, &change->new, error) : code;
}

/* ---- what was written is what was meant ---- */

static enum rf_code fails_to_lead(const struct rf_manifest_table *from,
                                  const struct rf_manifest_table *to, enum rf_code code,
                                  struct rf_error *error) {
    char before[RF_HASH_HEX], after[RF_HASH_HEX];
    rf_fail(error, code, "the archives of table \"%.200s\" do not make the rows of two snapshots",
            to->table.name);
    rf_detail(error, "their differences do not lead from digest %s of %llu rows to %s of %llu",
              rf_hash_text(from->digest.sum, before), (unsigned long long)from->digest.rows,
              rf_hash_text(to->digest.sum, after), (unsigned long long)to->digest.rows);
    rf_hint(error, "`rowferry verify` tells which archive is damaged.");
    return code;
}

static bool leads(const struct rf_manifest_table *from, const struct rf_manifest_table *to,
                  const struct rf_digest *gone, const struct rf_digest *rows) {
    struct rf_digest sum = from->digest;
    rf_digest_part(&sum, gone);
    rf_digest_join(&sum, rows);
    return rf_digest_equal(&sum, &to->digest);
}

static enum rf_code sum_gone(struct rf_block_scan *scan, struct rf_digest *sum,
                             struct rf_error *error) {
    const struct rf_rows *rows = NULL;
    enum rf_code code;
    while ((code = rf_block_scan_next(scan, &rows, error)) == RF_OK && rows) {
        for (uint32_t i = 0; i < rows->count; i++) {
            rf_digest_add(sum, rf_hash_load(rows->hashes + (size_t)i * RF_HASH_SIZE));
        }
    }
    return code;
}

#define HASHES_AT_ONCE 256u

static enum rf_code sum_rows(struct rf_block_scan *scan, struct rf_digest *sum,
                             struct rf_buffer *scratch, struct rf_error *error) {
    struct rf_hash hashes[HASHES_AT_ONCE];
    const struct rf_rows *rows = NULL;
    enum rf_code code;
    while ((code = rf_block_scan_next(scan, &rows, error)) == RF_OK && rows) {
        for (uint32_t at = 0, some; code == RF_OK && at < rows->count; at += some) {
            some = rows->count - at < HASHES_AT_ONCE ? rows->count - at : HASHES_AT_ONCE;
            code = rf_rows_hash(rows, at, some, scratch, hashes, error);
            if (code == RF_OK) {
                rf_digest_add_rows(sum, hashes, some);
            }
        }
        if (code != RF_OK) {
            return code;
        }
    }
    return code;
}

static enum rf_code sum_blocks(struct rf_archive *archive, enum rf_block_kind kind,
                               struct rf_digest *sum, struct rf_error *error) {
    struct rf_block_scan *scan = NULL;
    struct rf_buffer scratch = {0};
    enum rf_code code = rf_block_scan_new(archive, kind, &scan, error);
    if (code == RF_OK) {
        code = kind == RF_BLOCK_GONE ? sum_gone(scan, sum, error)
                                     : sum_rows(scan, sum, &scratch, error);
    }
    rf_block_scan_free(scan);
    rf_buffer_release(&scratch);
    return code;
}

/* Reads the archive again, as whoever applies it will. */
static enum rf_code prove(const struct making *making, const struct delta *delta,
                          const struct rf_pending_archive *made, struct rf_error *error) {
    struct rf_archive *archive = NULL;
    struct rf_digest gone = {0}, rows = {0};
    enum rf_code code = rf_archive_open(rf_repository_io(making->repository), made->path,
                                        &made->ref, &archive, error);
    if (code == RF_OK) {
        code = rf_archive_prove(archive, made->ref.digest, error);
    }
    if (code == RF_OK) {
        code = sum_blocks(archive, RF_BLOCK_GONE, &gone, error);
    }
    if (code == RF_OK) {
        code = sum_blocks(archive, RF_BLOCK_ROWS, &rows, error);
    }
    if (code == RF_OK && !leads(delta->from, delta->to, &gone, &rows)) {
        code = fails_to_lead(delta->from, delta->to, RF_FAILED, error);
    }
    rf_archive_close(archive);
    return code;
}

/* ---- tables ---- */

static enum rf_code add_archive(struct making *making, const struct rf_archive_ref *ref,
                                const char *path, struct rf_error *error) {
    struct rf_link *link = making->link;
    if (link->count == making->room) {
        uint32_t room = making->room ? 2 * making->room : 16;
        void *grown = realloc(link->archives, room * sizeof *link->archives);
        if (!grown) {
            return rf_fail_memory(error);
        }
        link->archives = grown;
        making->room = room;
    }
    char *copy = strdup(path);
    if (!copy) {
        return rf_fail_memory(error);
    }
    link->archives[link->count++] = (struct rf_pending_archive){
        .ref = *ref, .path = copy, .unsynced = making->options->unsynced};
    return RF_OK;
}

static enum rf_code finish_delta(struct delta *delta, struct rf_error *error) {
    struct making *making = delta->making;
    struct rf_archive_ref *ref = &delta->to->delta;
    char path[PATH_MAX];
    hand_in_all(delta);
    struct rf_archive_writer *writer = delta->writer;
    delta->writer = NULL;
    enum rf_code code = rf_archive_writer_finish(writer, &delta->to->digest, ref, path, error);
    if (code != RF_OK) {
        return code;
    }
    code = add_archive(making, ref, path, error);
    if (code != RF_OK) {
        struct rf_error ignored;
        (void)!rf_io_unlink(rf_repository_io(making->repository), path, &ignored);
        return code;
    }
    return prove(making, delta, &making->link->archives[making->link->count - 1], error);
}

static void report(const struct making *making, const char *table, uint64_t rows) {
    if (making->options->progress && rows > 0) {
        making->options->progress(making->options->context, table, rows);
    }
}

/* Rows between two reports. */
#define REPORTED_ROWS 16384u

static enum rf_code write_delta(struct delta *delta, struct rf_difference *difference,
                                struct rf_error *error) {
    uint64_t reported = 0;
    for (;;) {
        struct rf_row_change change;
        enum rf_code code = rf_difference_next(difference, &change, error);
        if (code != RF_OK || (!change.old.rows && !change.new.rows)) {
            return code == RF_OK ? end_run(delta, error) : code;
        }
        code = put_change(delta, &change, error);
        if (code != RF_OK) {
            return code;
        }
        uint64_t rows = rf_difference_rows(difference);
        if (rows - reported >= REPORTED_ROWS) {
            report(delta->making, delta->to->table.name, rows - reported);
            reported = rows;
        }
    }
}

static enum rf_code link_rows(struct making *making, const struct rf_manifest_table *from,
                              struct rf_manifest_table *to, struct rf_error *error) {
    struct delta delta = {
        .making = making, .from = from, .to = to, .form = rf_manifest_gone_form(from, to)};
    struct rf_difference *difference = NULL;
    enum rf_code code = rf_difference_new(making->repository, from, to, making->between,
                                          making->options->stop, &difference, error);
    if (code == RF_OK) {
        code = write_delta(&delta, difference, error);
    }
    if (code == RF_OK && !leads(from, to, &delta.gone, &delta.rows)) {
        code = fails_to_lead(from, to, RF_CORRUPT, error);
    }
    if (code == RF_OK && delta.writer) {
        to->change = RF_CHANGE_DELTA;
        code = finish_delta(&delta, error);
    }
    if (delta.writer) {
        hand_in_all(&delta);
        rf_archive_writer_abort(delta.writer);
    }
    rf_difference_free(difference);
    rf_buffer_release(&delta.cells);
    return code;
}

/* The same archives make the same rows; and where content decides the key, so do the same
 * contents. */
static bool surely_same(const struct rf_manifest_table *from, const struct rf_manifest_table *to) {
    if (!rf_digest_equal(&from->digest, &to->digest)) {
        return false;
    }
    bool same = from->state_count == to->state_count;
    for (uint32_t i = 0; same && i < from->state_count; i++) {
        same = rf_hash_equal(from->state[i].digest, to->state[i].digest);
    }
    return same || to->table.alias >= 0 || to->table.key_kind == RF_KEY_COLUMNS;
}

static bool is_wanted(const struct rf_link_options *options, const char *table) {
    return !options->wants || options->wants(options->context, table);
}

static enum rf_code link_table(struct making *making, struct rf_manifest_table *to,
                               struct rf_error *error) {
    const struct rf_manifest_table *from = rf_manifest_find(making->from, to->table.name);
    to->inserted = to->updated = to->deleted = to->moved = 0;
    to->delta = (struct rf_archive_ref){0};
    if (!from || !rf_table_same_rows(&from->table, &to->table) ||
        !is_wanted(making->options, to->table.name)) {
        to->change = RF_CHANGE_NEW;
        to->inserted = to->digest.rows;
        return RF_OK;
    }
    to->change = RF_CHANGE_NONE;
    if (surely_same(from, to)) {
        return RF_OK;
    }
    enum rf_code code = link_rows(making, from, to, error);
    if (code != RF_OK) {
        rf_while(error, "while linking table %.120s", to->table.name);
    }
    return code;
}

static void name_parent(struct making *making, const struct rf_snapshot_name *from) {
    struct rf_manifest *manifest = &making->link->manifest;
    manifest->parent = from->number;
    manifest->parent_digest = from->digest;
    memcpy(manifest->parent_sha256, making->from->sha256, RF_SHA256_SIZE);
    manifest->bytes = 0;
    for (uint32_t i = 0; i < making->link->count; i++) {
        manifest->bytes += making->link->archives[i].ref.size;
    }
}

static void discard(const struct making *making) {
    struct rf_error ignored;
    for (uint32_t i = 0; i < making->link->count; i++) {
        (void)!rf_io_unlink(rf_repository_io(making->repository), making->link->archives[i].path,
                            &ignored);
    }
    rf_link_release(making->link);
}

enum rf_code rf_link_make(const struct rf_repository *repository,
                          const struct rf_snapshot_name *from, const struct rf_snapshot_name *to,
                          const struct rf_link_options *options, struct rf_link *link,
                          struct rf_error *error) {
    *link = (struct rf_link){.count = 0};
    struct rf_manifest parent = {0};
    struct rf_between *between = NULL;
    struct making making = {
        .repository = repository, .options = options, .link = link, .from = &parent};
    enum rf_code code = rf_repository_load(repository, from, &parent, error);
    if (code == RF_OK) {
        code = rf_repository_load(repository, to, &link->manifest, error);
    }
    if (code == RF_OK) {
        code = rf_between_load(repository, from, to, &between, error);
    }
    making.between = between;
    for (uint32_t i = 0; code == RF_OK && i < link->manifest.table_count; i++) {
        code = link_table(&making, &link->manifest.tables[i], error);
    }
    if (code == RF_OK) {
        name_parent(&making, from);
    } else {
        discard(&making);
        rf_while(error, "while linking snapshot %llu to snapshot %llu",
                 (unsigned long long)from->number, (unsigned long long)to->number);
    }
    rf_between_free(between);
    rf_manifest_release(&parent);
    return code;
}

void rf_link_release(struct rf_link *link) {
    for (uint32_t i = 0; i < link->count; i++) {
        free(link->archives[i].path);
    }
    free(link->archives);
    rf_manifest_release(&link->manifest);
    *link = (struct rf_link){.count = 0};
}
