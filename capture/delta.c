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

static bool is_mixed(const struct rf_census *old, const struct rf_census *new) {
    const uint64_t none[RF_CLASSES] = {0}, *a = old->count, *b = new ? new->count : none;
    bool numbers = a[RF_INTEGER] + a[RF_REAL] + b[RF_INTEGER] + b[RF_REAL] > 0;
    bool texts = a[RF_TEXT] + b[RF_TEXT] > 0;
    bool blobs = a[RF_BLOB] + b[RF_BLOB] > 0;
    return numbers + texts + blobs > 1;
}

/* A target may write 1, '1' and x'31' alike: where a column of the key has values of more than one
 * kind, now or before, two rows of the target may have the same key. The form of a table that is
 * told apart by its key has to be known while its rows are still being read: those that are gone
 * are the parent's, and only they. */
static bool key_is_mixed(const struct rf_table_job *job) {
    const struct rf_table *table = &job->child->table;
    bool both = table->key_kind != RF_KEY_COLUMNS;
    for (uint32_t i = 0; i < table->key_count; i++) {
        uint32_t column = table->key[i];
        if (is_mixed(&job->parent->census[column], both ? &job->child->census[column] : NULL)) {
            return true;
        }
    }
    return false;
}

/* The key finds the row unless there is none, or it holds NULLs, of which none equals another, or
 * it is mixed. */
enum rf_gone_form rf_delta_gone_form(const struct rf_table_job *job) {
    const struct rf_table *table = &job->child->table;
    if (table->alias >= 0) {
        return RF_GONE_KEY;
    }
    if (table->key_count == 0 || key_is_mixed(job)) {
        return RF_GONE_ROW;
    }
    bool nulls = table->key_kind != RF_KEY_COLUMNS &&
                 (key_holds_nulls(job->parent) || key_holds_nulls(job->child));
    return nulls ? RF_GONE_ROW : RF_GONE_KEY;
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
