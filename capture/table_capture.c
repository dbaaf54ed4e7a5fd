#include "capture/table_capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/census.h"
#include "capture/index_outlet.h"
#include "capture/table_diff.h"
#include "format/state.h"

/* ---- the whole table ---- */

/* What is done with a table that is written whole. */
struct whole {
    struct rf_table_job *job;
    struct rf_outlet rows;
    struct rf_index_outlet
        *index; /* NULL where the index is written elsewhere, and the census taken */
    struct rf_digest digest;
};

static enum rf_code put_piece(struct whole *whole, const struct rf_piece *piece,
                              struct rf_error *error) {
    struct rf_manifest_table *child = whole->job->child;
    rf_digest_join(&whole->digest, &piece->digest);
    enum rf_code code = rf_outlet_put_piece(&whole->rows, piece, error);
    if (code != RF_OK || !whole->index) {
        return code;
    }
    for (uint32_t i = 0; i < child->table.column_count; i++) {
        rf_census_join(&child->census[i], &piece->census[i]);
    }
    return rf_index_outlet_put(whole->index, piece, error);
}

static enum rf_code put_pieces(struct whole *whole, struct rf_error *error) {
    struct rf_row_feed *feed = NULL;
    enum rf_code code = rf_job_feed(whole->job, NULL, &feed, error);
    while (code == RF_OK) {
        const struct rf_piece *piece = NULL;
        code = rf_job_new_rows(whole->job, feed, &piece, error);
        if (code != RF_OK || !piece) {
            break;
        }
        code = put_piece(whole, piece, error);
    }
    rf_row_feed_close(feed);
    return code;
}

/* Writes the full archive; and the rows of the index, where that is given and open. */
static enum rf_code write_whole(struct rf_table_job *job, struct rf_index_outlet *index,
                                struct rf_archive_ref *ref, struct rf_digest *digest,
                                struct rf_error *error) {
    struct rf_archive_head head = {.kind = RF_ARCHIVE_FULL, .table = &job->child->table};
    struct whole whole = {.job = job, .index = index};
    enum rf_code code = rf_outlet_open(&whole.rows, job->settings, &head, error);
    if (code == RF_OK) {
        code = put_pieces(&whole, error);
    }
    if (code == RF_OK) {
        code = rf_outlet_finish(&whole.rows, &whole.digest, ref, error);
    }
    if (code != RF_OK) {
        rf_outlet_abort(&whole.rows);
    }
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
    struct rf_index_outlet index;
    enum rf_code code = rf_index_outlet_open(&index, job->settings, &child->table, error);
    if (code == RF_OK) {
        code = write_whole(job, &index, &full, &child->digest, error);
    }
    if (code == RF_OK) {
        code = set_state(child, NULL, &full, error);
    }
    if (code == RF_OK) {
        code = rf_index_outlet_finish(&index, child, error);
    }
    rf_index_outlet_abort(&index);
    child->change = RF_CHANGE_NEW;
    child->inserted = child->digest.rows;
    return code;
}

static enum rf_code set_changed_state(struct rf_table_job *job, struct rf_error *error) {
    struct rf_manifest_table *child = job->child;
    child->change = RF_CHANGE_DELTA;
    job->bytes += child->delta.size;
    bool folds = !job->settings->dry_run &&
                 rf_state_should_fold(job->parent->state, job->parent->state_count, &child->delta);
    return folds ? fold(job, error) : set_state(child, job->parent, &child->delta, error);
}

static enum rf_code capture_diff(struct rf_table_job *job, struct rf_error *error) {
    struct rf_index_outlet index;
    bool changed = false;
    enum rf_code code = rf_table_diff(job, &changed, &job->child->delta, &index, error);
    if (code == RF_OK) {
        code = changed ? set_changed_state(job, error)
                       : set_state(job->child, job->parent, NULL, error);
    }
    if (code == RF_OK) {
        code = rf_index_outlet_finish(&index, job->child, error);
    }
    rf_index_outlet_abort(&index);
    return code;
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
    enum rf_code code = rf_index_rebuild(job->settings->repository, job->parent, error);
    repairs->count++;
    repairs->seconds += now_seconds() - start;
    return code;
}

/* Everything of the table but its description and what was learnt on the way. */
static void forget_first_try(struct rf_table_job *job, uint32_t archives, uint32_t indexes) {
    const struct rf_outlet_settings *settings = job->settings;
    struct rf_manifest_table *child = job->child;
    rf_pending_discard(settings->pending, settings->repository, archives);
    rf_index_list_discard(settings->indexes, settings->repository, indexes);
    memset(child->census, 0, child->table.column_count * sizeof *child->census);
    child->digest = (struct rf_digest){0};
    child->inserted = child->updated = child->deleted = child->moved = 0;
    child->change = RF_CHANGE_NONE;
    child->delta = (struct rf_archive_ref){0};
    free(child->state);
    child->state = NULL;
    child->state_count = 0;
    job->bytes = 0;
    job->rows_done = 0;
    job->bytes_done = 0;
    job->index_missing = job->index_damaged = false;
    job->unusual[0] = 0;
}

static void tell_unusual(const struct rf_table_job *job) {
    if (job->options->note) {
        char message[512];
        snprintf(message, sizeof message, "table \"%.200s\" is read through SQLite: %s",
                 job->child->table.name, job->unusual);
        job->options->note(job->options->context, message);
    }
}

/* Whether what went wrong is mended, so that it is worth trying again. Each of these is so once. */
static enum rf_code mend(struct rf_table_job *job, struct rf_index_repairs *repairs, bool *mended,
                         struct rf_error *error) {
    *mended = true;
    if (job->unusual[0] && !job->through_sqlite) {
        tell_unusual(job);
        job->through_sqlite = true;
        return RF_OK;
    }
    if ((job->index_missing || job->index_damaged) && !job->index_repaired) {
        job->index_repaired = true;
        return repair_index(job, job->index_missing ? "missing" : "damaged", repairs, error);
    }
    *mended = false;
    return error->code;
}

static enum rf_code capture_until_done(struct rf_table_job *job, struct rf_index_repairs *repairs,
                                       struct rf_error *error) {
    uint32_t archives = job->settings->pending->count;
    uint32_t indexes = job->settings->indexes->count;
    for (;;) {
        enum rf_code code = job->parent ? capture_diff(job, error) : capture_new(job, error);
        bool mended = false;
        if (code != RF_OK) {
            code = mend(job, repairs, &mended, error);
        }
        if (!mended || code != RF_OK) {
            return code;
        }
        forget_first_try(job, archives, indexes);
    }
}

enum rf_code rf_table_capture(struct rf_table_job *job, struct rf_index_repairs *repairs,
                              struct rf_error *error) {
    struct rf_manifest_table *child = job->child;
    child->census = calloc(child->table.column_count, sizeof *child->census);
    if (!child->census) {
        return rf_fail_memory(error);
    }
    job->rows_expected = job->parent ? job->parent->digest.rows : 0;
    job->through_sqlite = job->options->through_sqlite;
    job->parent_from_state =
        job->parent && !rf_index_wanted(&job->settings->index_least, job->parent);
    enum rf_code code = capture_until_done(job, repairs, error);
    if (code != RF_OK) {
        rf_while(error, "while capturing table \"%.150s\"", child->table.name);
    }
    return code;
}
