#include "capture/delta.h"

#include "format/manifest.h"
#include "format/value.h"

static bool key_holds_nulls(const struct rf_manifest_table *table) {
    for (uint32_t i = 0; i < table->table.key_count; i++) {
        if (table->census[table->table.key[i]].count[RF_NULL] > 0) {
            return true;
        }
    }
    return false;
}

/* A target may write 1, '1' and x'31' alike: where a column of the key has values of more than one
 * kind, now or before, two rows of the target may have the same key. */
static bool key_is_mixed(const struct rf_table_job *job) {
    const struct rf_table *table = &job->child->table;
    for (uint32_t i = 0; i < table->key_count; i++) {
        const uint64_t *old = job->parent->census[table->key[i]].count;
        const uint64_t *new = job->child->census[table->key[i]].count;
        bool numbers = old[RF_INTEGER] + old[RF_REAL] + new[RF_INTEGER] + new[RF_REAL] > 0;
        bool texts = old[RF_TEXT] + new[RF_TEXT] > 0;
        bool blobs = old[RF_BLOB] + new[RF_BLOB] > 0;
        if (numbers + texts + blobs > 1) {
            return true;
        }
    }
    return false;
}

/* The key finds the row unless there is none, or it holds NULLs, of which none equals another, or
 * it is mixed. */
enum rf_gone_form rf_delta_gone_form(const struct rf_table_job *job) {
    const struct rf_table *table = &job->child->table;
    if (table->alias >= 0 || table->key_kind == RF_KEY_COLUMNS) {
        return RF_GONE_KEY;
    }
    bool usable = table->key_count > 0 && !key_holds_nulls(job->parent) &&
                  !key_holds_nulls(job->child) && !key_is_mixed(job);
    return usable ? RF_GONE_KEY : RF_GONE_ROW;
}

static enum rf_code put(struct rf_delta *delta, enum rf_block_kind kind, int64_t rowid,
                        struct rf_hash hash, const void *cells, size_t size,
                        struct rf_error *error) {
    const struct rf_table_job *job = delta->job;
    if (!delta->outlet.open) {
        struct rf_archive_head head = {
            .kind = RF_ARCHIVE_DELTA,
            .gone = rf_delta_gone_form(job),
            .parent = job->parent->state[job->parent->state_count - 1].digest,
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
    return rf_outlet_finish(&delta->outlet, ref, error);
}

void rf_delta_abort(struct rf_delta *delta) {
    rf_outlet_abort(&delta->outlet);
}
