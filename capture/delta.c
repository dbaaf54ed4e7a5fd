#include "capture/delta.h"

#include "format/manifest.h"
#include "format/value.h"

enum rf_gone_form rf_delta_gone_form(const struct rf_table_job *job) {
    return rf_manifest_gone_form(job->parent, job->child);
}

static enum rf_code put(struct rf_delta *delta, enum rf_block_kind kind, int64_t rowid,
                        struct rf_hash hash, const void *cells, size_t size,
                        struct rf_error *error) {
    const struct rf_table_job *job = delta->job;
    if (!delta->outlet.open) {
        struct rf_archive_head head = {
            .kind = RF_ARCHIVE_DELTA,
            .gone = rf_delta_gone_form(job),
            .before = job->parent->digest,
            .table = &job->child->table,
        };
        enum rf_code code = rf_outlet_open(&delta->outlet, job->settings, &head, error);
        if (code != RF_OK) {
            return code;
        }
    }
    return rf_outlet_put(&delta->outlet, kind, rowid, hash, cells, size, error);
}

enum rf_code rf_delta_row(struct rf_delta *delta, const struct rf_source_row *row,
                          struct rf_error *error) {
    rf_digest_add(&delta->digest, row->hash);
    return put(delta, RF_BLOCK_ROWS, row->rowid, row->hash, row->cells, row->size, error);
}

enum rf_code rf_delta_gone(struct rf_delta *delta, int64_t rowid, struct rf_hash hash,
                           const void *cells, size_t size, struct rf_error *error) {
    rf_digest_remove(&delta->digest, hash);
    return put(delta, RF_BLOCK_GONE, rowid, hash, cells, size, error);
}

enum rf_code rf_delta_moved(struct rf_delta *delta, const struct rf_moved *run,
                            struct rf_error *error) {
    struct rf_buffer cells = {0};
    rf_row_put_integer(&cells, run->old);
    rf_row_put_integer(&cells, run->new);
    rf_row_put_integer(&cells, (int64_t)run->count);
    enum rf_code code = rf_buffer_check(&cells, error);
    if (code == RF_OK) {
        code = put(delta, RF_BLOCK_MOVES, 0, (struct rf_hash){0}, cells.bytes, cells.size, error);
    }
    rf_buffer_release(&cells);
    return code;
}

enum rf_code rf_delta_finish(struct rf_delta *delta, struct rf_archive_ref *ref,
                             struct rf_error *error) {
    return rf_outlet_finish(&delta->outlet, &delta->digest, ref, error);
}

void rf_delta_abort(struct rf_delta *delta) {
    rf_outlet_abort(&delta->outlet);
}
