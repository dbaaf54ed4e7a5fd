#include "capture/table_diff.h"

#include <string.h>

#include "capture/delta.h"
#include "capture/diff.h"
#include "capture/index_outlet.h"
#include "capture/row_scan.h"
#include "capture/second_pass.h"
#include "capture/table_moves.h"

/* The first pass under way. */
struct pass {
    struct rf_table_job *job;
    const struct rf_table *table;
    struct rf_parent_rows *parent;
    struct rf_parent_rows *whole; /* the same rows with all their cells, where those are wanted */
    struct rf_row_scan *scan;
    const struct rf_source_row *row; /* of the scan */
    struct rf_keyed_row keyed;       /* the same, as the diff wants it */
    struct rf_buffer key;            /* its declared key */
    struct rf_buffer old_key;
    struct rf_delta *delta;
    struct rf_outlet *index;
    struct rf_first_pass first;
};

/* A row of these tables cannot move without changing. */
static bool is_single_pass(const struct rf_table *table) {
    return table->alias >= 0 || table->key_kind == RF_KEY_COLUMNS;
}

static enum rf_code next_old(void *context, const struct rf_keyed_row **row,
                             struct rf_error *error) {
    struct pass *pass = context;
    enum rf_code code = rf_parent_rows_next(pass->parent, row, error);
    pass->job->index_damaged |= rf_parent_rows_damaged(pass->parent);
    return code;
}

static enum rf_code next_new(void *context, const struct rf_keyed_row **row,
                             struct rf_error *error) {
    struct pass *pass = context;
    *row = NULL;
    enum rf_code code = rf_row_scan_next(pass->scan, &pass->row, error);
    if (code != RF_OK || !pass->row) {
        return code;
    }
    rf_row_scan_count(pass->scan, pass->job->child->census);
    rf_digest_add(&pass->job->child->digest, pass->row->hash);
    pass->keyed.rowid = pass->row->rowid;
    pass->keyed.hash = pass->row->hash;
    if (pass->table->key_kind == RF_KEY_COLUMNS || pass->index->open) {
        rf_buffer_clear(&pass->key);
        rf_row_scan_key(pass->scan, &pass->key);
        pass->keyed.key = pass->key.bytes;
        pass->keyed.key_size = pass->key.size;
    }
    if (pass->key.failed) {
        return rf_fail_memory(error);
    }
    *row = &pass->keyed;
    return rf_job_row(pass->job, error);
}

/* At the first difference: from here on the new index is written, and so keys are wanted, that of
 * the row just scanned included. */
static enum rf_code start_index(struct pass *pass, struct rf_error *error) {
    bool damaged = false;
    enum rf_code code =
        rf_index_outlet_open(pass->index, pass->job->settings, pass->table,
                             rf_parent_rows_index(pass->parent), pass->first.same, &damaged, error);
    pass->job->index_damaged |= damaged;
    if (pass->row) {
        rf_buffer_clear(&pass->key);
        rf_row_scan_key(pass->scan, &pass->key);
    }
    return code == RF_OK ? rf_buffer_check(&pass->key, error) : code;
}

/* What the delta keeps of the row that `parent` has just given. Both have the same rows in the same
 * order, and `whole` is behind. */
static enum rf_code put_old(struct pass *pass, const struct rf_keyed_row *old,
                            struct rf_error *error) {
    rf_buffer_clear(&pass->old_key);
    if (!pass->whole) {
        rf_parent_rows_key(pass->parent, &pass->old_key);
        return rf_buffer_check(&pass->old_key, error);
    }
    const struct rf_keyed_row *row = NULL;
    enum rf_code code = RF_OK;
    do {
        code = rf_parent_rows_next(pass->whole, &row, error);
    } while (code == RF_OK && row && !rf_hash_equal(row->hash, old->hash));
    if (code == RF_OK && !row) {
        return rf_fail(error, RF_CORRUPT,
                       "the archives of table \"%.200s\" lack a row of its index",
                       pass->table->name);
    }
    if (code == RF_OK) {
        rf_parent_rows_cells(pass->whole, &pass->old_key);
    }
    return code == RF_OK ? rf_buffer_check(&pass->old_key, error) : code;
}

static enum rf_code take_single(struct pass *pass, const struct rf_keyed_row *old,
                                const struct rf_keyed_row *new, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (old) {
        code = put_old(pass, old, error);
        if (code == RF_OK) {
            code = rf_delta_gone(pass->delta, old->rowid, old->hash, pass->old_key.bytes,
                                 pass->old_key.size, error);
        }
    }
    if (code == RF_OK && new) {
        code = rf_delta_row(pass->delta, pass->row, error);
    }
    struct rf_manifest_table *child = pass->job->child;
    child->updated += old && new;
    child->inserted += !old;
    child->deleted += !new;
    return code;
}

static enum rf_code leave_over(struct pass *pass, const struct rf_keyed_row *old,
                               const struct rf_keyed_row *new, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (old) {
        struct rf_leftover row = {old->rowid, old->hash, pass->first.same};
        code = rf_spill_add(&pass->first.old_left, &row, error);
    }
    if (code == RF_OK && new) {
        struct rf_leftover row = {new->rowid, new->hash, pass->first.same};
        code = rf_spill_add(&pass->first.new_left, &row, error);
    }
    return code;
}

static enum rf_code take(void *context, enum rf_diff_event event, const struct rf_keyed_row *old,
                         const struct rf_keyed_row *new, struct rf_error *error) {
    struct pass *pass = context;
    struct rf_first_pass *first = &pass->first;
    enum rf_code code = RF_OK;
    if (old) {
        first->old_rows++;
        rf_sequence_add(&first->old_sequence, old->hash);
    }
    if (new) {
        first->new_rows++;
        rf_sequence_add(&first->new_sequence, new->hash);
    }
    if (event != RF_DIFF_SAME && !pass->index->open) {
        code = start_index(pass, error);
    }
    if (code == RF_OK && new && pass->index->open) {
        code =
            rf_index_outlet_put(pass->index, pass->table, new->rowid, new->hash, &pass->key, error);
    }
    if (code != RF_OK || event == RF_DIFF_SAME) {
        first->same += code == RF_OK;
        return code;
    }
    return is_single_pass(pass->table) ? take_single(pass, old, new, error)
                                       : leave_over(pass, old, new, error);
}

static enum rf_code first_pass(struct pass *pass, struct rf_error *error) {
    struct rf_diff_side old_side = {.next = next_old, .context = pass};
    struct rf_diff_side new_side = {.next = next_new, .context = pass};
    struct rf_diff_sink sink = {.take = take, .context = pass};
    enum rf_code code = rf_job_parent_rows(pass->job, &pass->parent, error);
    if (code == RF_OK && !pass->parent) {
        pass->job->index_damaged = true;
        code =
            rf_fail(error, RF_CORRUPT, "the index of table \"%.200s\" is gone", pass->table->name);
    }
    if (code == RF_OK && is_single_pass(pass->table) &&
        rf_delta_gone_form(pass->job) == RF_GONE_ROW) {
        code = rf_parent_rows_from_state(pass->job->settings->repository, pass->job->parent,
                                         &pass->whole, error);
    }
    if (code == RF_OK) {
        code = rf_row_scan_new(pass->job->source, pass->table, RF_SCAN_ALL, &pass->scan, error);
    }
    if (code == RF_OK) {
        code = rf_diff(pass->table->key_kind == RF_KEY_COLUMNS, &old_side, &new_side, &sink, error);
    }
    rf_row_scan_free(pass->scan);
    rf_parent_rows_close(pass->parent);
    rf_parent_rows_close(pass->whole);
    pass->whole = NULL;
    pass->scan = NULL;
    pass->parent = NULL;
    return code;
}

static enum rf_code other_passes(struct pass *pass, struct rf_error *error) {
    struct rf_moves moves;
    rf_moves_init(&moves, pass->job->scratch);
    enum rf_code code = rf_table_find_moves(pass->job, &pass->first, &moves, error);
    if (code == RF_OK) {
        code = rf_second_pass(pass->job, pass->delta, &moves, error);
    }
    rf_moves_release(&moves);
    return code;
}

static enum rf_code prove(const struct rf_table_job *job, const struct rf_delta *delta,
                          struct rf_error *error) {
    const struct rf_manifest_table *child = job->child;
    if (rf_digest_equal(&delta->digest, &child->digest)) {
        return RF_OK;
    }
    char expected[RF_HASH_HEX], found[RF_HASH_HEX];
    rf_fail(error, RF_FAILED, "the delta of table \"%.200s\" does not lead from its parent to it",
            child->table.name);
    rf_detail(error, "digest %s of %llu rows, scanned %s of %llu",
              rf_hash_text(delta->digest.sum, expected), (unsigned long long)delta->digest.rows,
              rf_hash_text(child->digest.sum, found), (unsigned long long)child->digest.rows);
    rf_hint(error, "this is a bug or bad memory; nothing was published.");
    return RF_FAILED;
}

enum rf_code rf_table_diff(struct rf_table_job *job, bool *changed, struct rf_archive_ref *ref,
                           struct rf_outlet *index, struct rf_error *error) {
    struct rf_delta delta = {.job = job, .digest = job->parent->digest};
    struct pass pass = {.job = job, .table = &job->child->table, .delta = &delta, .index = index};
    *changed = false;
    *index = (struct rf_outlet){0};
    rf_spill_init(&pass.first.old_left, job->scratch, sizeof(struct rf_leftover));
    rf_spill_init(&pass.first.new_left, job->scratch, sizeof(struct rf_leftover));
    enum rf_code code = first_pass(&pass, error);
    *changed = index->open;
    if (code == RF_OK && *changed && !is_single_pass(pass.table)) {
        code = other_passes(&pass, error);
    }
    if (code == RF_OK) {
        code = prove(job, &delta, error);
    }
    if (code == RF_OK && *changed) {
        code = rf_delta_finish(&delta, ref, error);
    }
    if (code != RF_OK) {
        rf_delta_abort(&delta);
        rf_outlet_abort(index);
    }
    rf_spill_release(&pass.first.old_left);
    rf_spill_release(&pass.first.new_left);
    rf_buffer_release(&pass.key);
    rf_buffer_release(&pass.old_key);
    return code;
}
