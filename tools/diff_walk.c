/* Walking the rows of a table: those that differ (format/difference.h), or all of one end. */
#include "tools/diff.h"

#include <unistd.h>

#include "format/difference.h"
#include "format/state.h"

#define ROWS_A_LOOK 8192u /* rows between two looks at the stop flag */

struct walk {
    const struct rf_diff *diff;
    const char *name;
    uint64_t done, expected; /* rows */
    rf_diff_visit *visit;
    void *context;
};

/* A line of progress must not stand among the rows on a terminal. */
static bool shows_progress(const struct rf_task *task) {
    bool counts = !task->settings->rows && !task->settings->sql && !task->settings->sqlite;
    return task->progress && (counts || !isatty(task->output->fd));
}

static enum rf_code look(struct walk *walk, uint64_t done, struct rf_error *error) {
    struct rf_task *task = walk->diff->task;
    if (done < walk->done + ROWS_A_LOOK) {
        return RF_OK;
    }
    walk->done = done;
    if (shows_progress(task)) {
        rf_task_on_progress(task, walk->name, done, walk->expected);
    }
    return rf_task_check_stop(task, error);
}

/* Nobody reads any more, or the disk is full: the end tells. */
static bool is_lost(const struct walk *walk) {
    return walk->diff->task->output->failed;
}

/* ---- one end ---- */

static int64_t rowid_of(const struct rf_span *span, uint32_t row) {
    const int64_t *rowids = span->rows->rowids;
    return rowids ? (int64_t)((uint64_t)rowids[row] + (uint64_t)span->shift) : 0;
}

static enum rf_code walk_span(struct walk *walk, const struct rf_manifest_table *table,
                              const struct rf_span *span, bool gone, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = span->first; code == RF_OK && i < span->first + span->count; i++) {
        const struct rf_diff_side side = {
            .table = table, .rows = span->rows, .row = i, .rowid = rowid_of(span, i)};
        struct rf_diff_row row = {.event = gone ? RF_DIFF_DELETED : RF_DIFF_INSERTED};
        *(gone ? &row.before : &row.after) = side;
        code = walk->visit(walk->context, &row, error);
    }
    return code;
}

static enum rf_code walk_end(struct walk *walk, const struct rf_manifest_table *table, bool gone,
                             struct rf_error *error) {
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    struct rf_span span = {.count = 1};
    uint64_t done = 0;
    enum rf_code code = rf_state_open(walk->diff->repository, table, &state, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    while (code == RF_OK && !is_lost(walk)) {
        code = rf_scan_next(scan, &span, error);
        if (code != RF_OK || span.count == 0) {
            break;
        }
        code = walk_span(walk, table, &span, gone, error);
        done += span.count;
        if (code == RF_OK) {
            code = look(walk, done, error);
        }
    }
    rf_scan_free(scan);
    rf_state_close(state);
    return code;
}

enum rf_code rf_diff_walk_whole(const struct rf_diff *diff, const struct rf_manifest_table *table,
                                rf_diff_visit *visit, void *context, struct rf_error *error) {
    struct walk walk = {.diff = diff,
                        .name = table->table.name,
                        .expected = table->digest.rows,
                        .visit = visit,
                        .context = context};
    return walk_end(&walk, table, false, error);
}

/* ---- both ---- */

bool rf_diff_same_values(const struct rf_value *a, const struct rf_value *b) {
    if (a->class != b->class) {
        return false;
    }
    if (a->class == RF_TEXT || a->class == RF_BLOB) {
        return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
    }
    return a->class == RF_NULL || a->integer == b->integer;
}

static struct rf_diff_side side_of(const struct rf_manifest_table *table,
                                   const struct rf_row_at *at) {
    return (struct rf_diff_side){
        .table = table, .rows = at->rows, .row = at->row, .rowid = at->rowid};
}

static enum rf_diff_event event_of(const struct rf_row_change *change) {
    return change->moved       ? RF_DIFF_MOVED
           : !change->old.rows ? RF_DIFF_INSERTED
           : !change->new.rows ? RF_DIFF_DELETED
                               : RF_DIFF_UPDATED;
}

/* Among rows without a key that are alike one may have gone and another come in its place. */
static bool is_same(const struct rf_row_change *change) {
    return !change->moved && change->old.rows &&
           change->new.rows &&rf_hash_equal(change->old.hash, change->new.hash);
}

static enum rf_code walk_both(struct walk *walk, const struct rf_diff_table *table,
                              struct rf_error *error) {
    const struct rf_diff *diff = walk->diff;
    struct rf_difference *difference = NULL;
    enum rf_code code = rf_difference_new(diff->repository, table->before, table->after,
                                          diff->between, diff->task->stop, &difference, error);
    while (code == RF_OK && !is_lost(walk)) {
        struct rf_row_change change;
        code = rf_difference_next(difference, &change, error);
        if (code != RF_OK || (!change.old.rows && !change.new.rows)) {
            break;
        }
        const struct rf_diff_row row = {
            .event = event_of(&change),
            .before = side_of(table->before, &change.old),
            .after = side_of(table->after, &change.new),
        };
        code = is_same(&change) ? RF_OK : walk->visit(walk->context, &row, error);
        if (code == RF_OK) {
            code = look(walk, rf_difference_rows(difference), error);
        }
    }
    rf_difference_free(difference);
    return code;
}

enum rf_code rf_diff_walk(const struct rf_diff *diff, const struct rf_diff_table *table,
                          rf_diff_visit *visit, void *context, struct rf_error *error) {
    struct walk walk = {.diff = diff, .name = table->name, .visit = visit, .context = context};
    walk.expected = (table->before ? table->before->digest.rows : 0) +
                    (table->after ? table->after->digest.rows : 0);
    if (table->change == RF_DIFF_SAME) {
        return RF_OK;
    }
    if (table->change == RF_DIFF_ROWS) {
        return walk_both(&walk, table, error);
    }
    enum rf_code code = RF_OK;
    if (table->before) {
        code = walk_end(&walk, table->before, true, error);
    }
    walk.done = 0;
    if (code == RF_OK && table->after) {
        code = walk_end(&walk, table->after, false, error);
    }
    return code;
}
