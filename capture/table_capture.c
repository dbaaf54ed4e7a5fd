#include "capture/table_capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/index_outlet.h"
#include "capture/row_scan.h"
#include "capture/table_diff.h"

/* ---- the whole table ---- */

/* What is done with each row of a scan that writes the whole table. */
struct whole {
    struct rf_outlet rows;
    struct rf_outlet *index; /* NULL where the index is written elsewhere */
    struct rf_census *census;
    struct rf_digest digest;
    struct rf_buffer key;
};

static enum rf_code put_whole_row(struct rf_table_job *job, struct whole *whole,
                                  const struct rf_row_scan *scan, const struct rf_source_row *row,
                                  struct rf_error *error) {
    rf_digest_add(&whole->digest, row->hash);
    enum rf_code code = rf_outlet_put(&whole->rows, RF_BLOCK_ROWS, row->rowid, row->hash,
                                      row->cells, row->size, error);
    if (code != RF_OK || !whole->index) {
        return code;
    }
    rf_row_scan_count(scan, whole->census);
    rf_buffer_clear(&whole->key);
    rf_row_scan_key(scan, &whole->key);
    return whole->key.failed ? rf_fail_memory(error)
                             : rf_index_outlet_put(whole->index, &job->child->table, row->rowid,
                                                   row->hash, &whole->key, error);
}

static enum rf_code put_whole_rows(struct rf_table_job *job, struct whole *whole,
                                   struct rf_error *error) {
    struct rf_row_scan *scan = NULL;
    enum rf_code code = rf_row_scan_new(job->source, &job->child->table, RF_SCAN_ALL, &scan, error);
    while (code == RF_OK) {
        const struct rf_source_row *row = NULL;
        code = rf_row_scan_next(scan, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        code = put_whole_row(job, whole, scan, row, error);
        if (code == RF_OK) {
            code = rf_job_row(job, error);
        }
    }
    rf_row_scan_free(scan);
    return code;
}

/* Writes the full archive; and the rows of the index, where that is given and open. */
static enum rf_code write_whole(struct rf_table_job *job, struct rf_outlet *index,
                                struct rf_archive_ref *ref, struct rf_digest *digest,
                                struct rf_error *error) {
    struct rf_archive_head head = {.kind = RF_ARCHIVE_FULL, .table = &job->child->table};
    struct whole whole = {.index = index, .census = job->child->census};
    enum rf_code code = rf_outlet_open(&whole.rows, job->settings, &head, error);
    if (code == RF_OK) {
        code = put_whole_rows(job, &whole, error);
    }
    if (code == RF_OK) {
        code = rf_outlet_finish(&whole.rows, ref, error);
    }
    if (code != RF_OK) {
        rf_outlet_abort(&whole.rows);
    }
    rf_buffer_release(&whole.key);
    *digest = whole.digest;
    job->bytes += ref->size;
    return code;
}

/* ---- the state ---- */

/* Sets the child's state: the parent's, or none, and then one archive more unless `last` is
 * NULL. */
static enum rf_code set_state(struct rf_manifest_table *child,
                              const struct rf_manifest_table *parent,
                              const struct rf_archive_ref *last, struct rf_error *error) {
    uint32_t before = parent ? parent->state_count : 0;
    child->state = calloc((size_t)before + 1, sizeof *child->state);
    if (!child->state) {
        return rf_fail_memory(error);
    }
    if (parent) {
        memcpy(child->state, parent->state, before * sizeof *child->state);
    }
    child->state_count = before;
    if (last) {
        child->state[child->state_count++] = *last;
    }
    return RF_OK;
}

static bool should_fold(const struct rf_manifest_table *parent,
                        const struct rf_archive_ref *delta) {
    uint64_t deltas = delta->size;
    for (uint32_t i = 1; i < parent->state_count; i++) {
        deltas += parent->state[i].size;
    }
    bool large = deltas > parent->state[0].size / 2 && deltas >= RF_FOLD_BYTES_LEAST;
    return large || parent->state_count + 1 > RF_STATE_ARCHIVES_MAX;
}

static enum rf_code fold(struct rf_table_job *job, struct rf_error *error) {
    struct rf_archive_ref full = {0};
    struct rf_digest digest = {0};
    enum rf_code code = write_whole(job, NULL, &full, &digest, error);
    if (code == RF_OK && !rf_digest_equal(&digest, &job->child->digest)) {
        code = rf_fail(error, RF_FAILED, "table \"%.200s\" read twice is not the same",
                       job->child->table.name);
    }
    return code == RF_OK ? set_state(job->child, NULL, &full, error) : code;
}

static enum rf_code capture_new(struct rf_table_job *job, struct rf_error *error) {
    struct rf_manifest_table *child = job->child;
    struct rf_archive_ref full = {0};
    struct rf_outlet index = {0};
    bool damaged = false;
    enum rf_code code =
        rf_index_outlet_open(&index, job->settings, &child->table, NULL, 0, &damaged, error);
    if (code == RF_OK) {
        code = write_whole(job, &index, &full, &child->digest, error);
    }
    if (code == RF_OK) {
        code = rf_index_outlet_finish(&index, &full, error);
    }
    if (code == RF_OK) {
        code = set_state(child, NULL, &full, error);
    }
    if (code != RF_OK) {
        rf_outlet_abort(&index);
        return code;
    }
    child->change = RF_CHANGE_NEW;
    child->inserted = child->digest.rows;
    return RF_OK;
}

static enum rf_code capture_changed(struct rf_table_job *job, struct rf_outlet *index,
                                    struct rf_error *error) {
    struct rf_manifest_table *child = job->child;
    child->change = RF_CHANGE_DELTA;
    job->bytes += child->delta.size;
    enum rf_code code = should_fold(job->parent, &child->delta) && !job->settings->dry_run
                            ? fold(job, error)
                            : set_state(child, job->parent, &child->delta, error);
    if (code != RF_OK) {
        rf_outlet_abort(index);
        return code;
    }
    return rf_index_outlet_finish(index, &child->state[child->state_count - 1], error);
}

static enum rf_code capture_diff(struct rf_table_job *job, struct rf_error *error) {
    struct rf_outlet index;
    bool changed = false;
    enum rf_code code = rf_table_diff(job, &changed, &job->child->delta, &index, error);
    if (code != RF_OK) {
        return code;
    }
    return changed ? capture_changed(job, &index, error)
                   : set_state(job->child, job->parent, NULL, error);
}

/* ---- the index ---- */

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A dry run writes no index either, and reads the archives themselves. */
static enum rf_code repair_index(struct rf_table_job *job, const char *why,
                                 struct rf_index_repairs *repairs, struct rf_error *error) {
    if (job->options->note) {
        char message[512];
        snprintf(message, sizeof message, "the index of table \"%.200s\" is %s; %s",
                 job->child->table.name, why,
                 job->settings->dry_run ? "reading the archives instead" : "making it anew");
        job->options->note(job->options->context, message);
    }
    if (job->settings->dry_run) {
        job->parent_from_state = true;
        return RF_OK;
    }
    double start = now_seconds();
    enum rf_code code =
        rf_index_rebuild(job->settings->repository, job->parent, job->settings->pool, error);
    repairs->count++;
    repairs->seconds += now_seconds() - start;
    return code;
}

static enum rf_code look_for_index(struct rf_table_job *job, bool *found, struct rf_error *error) {
    struct rf_archive *index = NULL;
    enum rf_code code = rf_index_open(job->settings->repository, job->parent, &index, error);
    *found = index;
    rf_archive_close(index);
    return code;
}

static void forget_first_try(struct rf_table_job *job) {
    struct rf_manifest_table *child = job->child;
    memset(child->census, 0, child->table.column_count * sizeof *child->census);
    child->digest = (struct rf_digest){0};
    child->inserted = child->updated = child->deleted = child->moved = 0;
    job->rows_done = 0;
    job->index_damaged = false;
}

static enum rf_code capture_known(struct rf_table_job *job, struct rf_index_repairs *repairs,
                                  struct rf_error *error) {
    bool found = false;
    enum rf_code code = look_for_index(job, &found, error);
    if (code == RF_OK && !found) {
        code = repair_index(job, "missing", repairs, error);
    }
    if (code != RF_OK) {
        return code;
    }
    code = capture_diff(job, error);
    if (code == RF_OK || !job->index_damaged || !found) {
        return code;
    }
    code = repair_index(job, "damaged", repairs, error);
    if (code != RF_OK) {
        return code;
    }
    forget_first_try(job);
    return capture_diff(job, error);
}

enum rf_code rf_table_capture(struct rf_table_job *job, struct rf_index_repairs *repairs,
                              struct rf_error *error) {
    struct rf_manifest_table *child = job->child;
    child->census = calloc(child->table.column_count, sizeof *child->census);
    if (!child->census) {
        return rf_fail_memory(error);
    }
    job->rows_expected = job->parent ? job->parent->digest.rows : 0;
    enum rf_code code = job->parent ? capture_known(job, repairs, error) : capture_new(job, error);
    if (code != RF_OK) {
        rf_while(error, "while capturing table \"%.150s\"", child->table.name);
    }
    return code;
}
