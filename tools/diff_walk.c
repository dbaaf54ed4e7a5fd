/* Walking the rows of a table that differ, from the archives of both ends. */
#include "tools/diff.h"

#include "format/state.h"

#define ROWS_A_LOOK 8192u /* rows between two looks at the stop flag */

struct walk {
    const struct rf_diff *diff;
    const char *name;
    uint64_t done, expected; /* rows */
    bool shows_rows; /* on the terminal, where a line of progress would stand between them */
    rf_diff_visit *visit;
    void *context;
};

static enum rf_code look(struct walk *walk, uint64_t rows, struct rf_error *error) {
    struct rf_task *task = walk->diff->task;
    uint64_t before = walk->done;
    walk->done += rows;
    if (before / ROWS_A_LOOK == walk->done / ROWS_A_LOOK) {
        return RF_OK;
    }
    if (task->progress && !walk->shows_rows) {
        rf_task_on_progress(task, walk->name, walk->done, walk->expected);
    }
    return rf_task_check_stop(task, error);
}

/* ---- one end ---- */

struct reader {
    const struct rf_manifest_table *table;
    struct rf_state *state;
    struct rf_scan *scan;
    struct rf_span span;
    uint32_t row; /* in the span */
};

static enum rf_code reader_next_span(struct reader *reader, struct rf_error *error) {
    reader->row = 0;
    return rf_scan_next(reader->scan, &reader->span, error);
}

static enum rf_code reader_open(const struct rf_repository *repository,
                                const struct rf_manifest_table *table, struct reader *reader,
                                struct rf_error *error) {
    *reader = (struct reader){.table = table};
    enum rf_code code = rf_state_open(repository, table, &reader->state, error);
    if (code == RF_OK) {
        code = rf_scan_new(reader->state, 0, rf_state_parts(reader->state), &reader->scan, error);
    }
    return code == RF_OK ? reader_next_span(reader, error) : code;
}

static void reader_close(struct reader *reader) {
    rf_scan_free(reader->scan);
    rf_state_close(reader->state);
}

static struct rf_diff_side side_of(const struct reader *reader) {
    const struct rf_span *span = &reader->span;
    uint32_t row = span->first + reader->row;
    return (struct rf_diff_side){
        .table = reader->table,
        .rows = span->rows,
        .row = row,
        .rowid = span->rows->rowids
                     ? (int64_t)((uint64_t)span->rows->rowids[row] + (uint64_t)span->shift)
                     : 0,
    };
}

static enum rf_code reader_step(struct reader *reader, struct rf_error *error) {
    return ++reader->row < reader->span.count ? RF_OK : reader_next_span(reader, error);
}

enum rf_code rf_diff_walk_whole(const struct rf_diff *diff, const struct rf_manifest_table *table,
                                rf_diff_visit *visit, void *context, struct rf_error *error) {
    struct walk walk = {.diff = diff, .name = table->table.name, .expected = table->digest.rows};
    struct reader reader;
    enum rf_code code = reader_open(diff->repository, table, &reader, error);
    while (code == RF_OK && reader.span.count > 0 && !diff->task->output->failed) {
        struct rf_diff_row row = {.event = RF_DIFF_INSERTED, .after = side_of(&reader)};
        code = look(&walk, 1, error);
        if (code == RF_OK) {
            code = visit(context, &row, error);
        }
        if (code == RF_OK) {
            code = reader_step(&reader, error);
        }
    }
    reader_close(&reader);
    return code;
}

/* ---- both ---- */

static int compare(const struct rf_diff_side *a, const struct rf_diff_side *b) {
    const struct rf_table *table = &a->table->table;
    if (table->key_kind != RF_KEY_COLUMNS) {
        return (a->rowid > b->rowid) - (a->rowid < b->rowid);
    }
    int order = 0;
    for (uint32_t i = 0; order == 0 && i < table->key_count; i++) {
        struct rf_value left = rf_diff_value(a, table->key[i]);
        struct rf_value right = rf_diff_value(b, table->key[i]);
        order = rf_value_compare(&left, &right);
    }
    return order;
}

bool rf_diff_same_values(const struct rf_value *a, const struct rf_value *b) {
    if (a->class != b->class) {
        return false;
    }
    if (a->class == RF_TEXT || a->class == RF_BLOB) {
        return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
    }
    return a->class == RF_NULL || a->integer == b->integer;
}

static bool same_row(const struct rf_diff_side *a, const struct rf_diff_side *b) {
    bool same = true;
    for (uint32_t i = 0; same && i < a->table->table.column_count; i++) {
        struct rf_value left = rf_diff_value(a, i);
        struct rf_value right = rf_diff_value(b, i);
        same = rf_diff_same_values(&left, &right);
    }
    return same;
}

static enum rf_code merge(struct walk *walk, struct reader *before, struct reader *after,
                          struct rf_error *error) {
    enum rf_code code = RF_OK;
    while (code == RF_OK && !walk->diff->task->output->failed &&
           (before->span.count > 0 || after->span.count > 0)) {
        struct rf_diff_row row = {0};
        if (before->span.count > 0) {
            row.before = side_of(before);
        }
        if (after->span.count > 0) {
            row.after = side_of(after);
        }
        int order = !row.before.rows ? 1 : !row.after.rows ? -1 : compare(&row.before, &row.after);
        row.event = order < 0 ? RF_DIFF_DELETED : order > 0 ? RF_DIFF_INSERTED : RF_DIFF_UPDATED;
        bool differ = order != 0 || !same_row(&row.before, &row.after);
        if (order < 0) {
            row.after = (struct rf_diff_side){0};
        } else if (order > 0) {
            row.before = (struct rf_diff_side){0};
        }
        code = look(walk, 1, error);
        if (code == RF_OK && differ) {
            code = walk->visit(walk->context, &row, error);
        }
        if (code == RF_OK && order <= 0) {
            code = reader_step(before, error);
        }
        if (code == RF_OK && order >= 0) {
            code = reader_step(after, error);
        }
    }
    return code;
}

/* Turns the rows of one end into those that are gone. */
static enum rf_code visit_gone(void *context, const struct rf_diff_row *row,
                               struct rf_error *error) {
    struct walk *walk = context;
    const struct rf_diff_row gone = {.event = RF_DIFF_DELETED, .before = row->after};
    return walk->visit(walk->context, &gone, error);
}

static enum rf_code walk_apart(struct walk *walk, const struct rf_diff_table *table,
                               struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (table->before) {
        code = rf_diff_walk_whole(walk->diff, table->before, visit_gone, walk, error);
    }
    if (code == RF_OK && table->after) {
        code = rf_diff_walk_whole(walk->diff, table->after, walk->visit, walk->context, error);
    }
    return code;
}

enum rf_code rf_diff_walk(const struct rf_diff *diff, const struct rf_diff_table *table,
                          rf_diff_visit *visit, void *context, struct rf_error *error) {
    struct walk walk = {.diff = diff, .name = table->name, .visit = visit, .context = context};
    if (table->change == RF_DIFF_SAME) {
        return RF_OK;
    }
    if (table->change != RF_DIFF_ROWS) {
        return walk_apart(&walk, table, error);
    }
    struct reader before, after = {0};
    walk.expected = table->after->digest.rows;
    enum rf_code code = reader_open(diff->repository, table->before, &before, error);
    if (code == RF_OK) {
        code = reader_open(diff->repository, table->after, &after, error);
    }
    if (code == RF_OK) {
        code = merge(&walk, &before, &after, error);
    }
    reader_close(&before);
    reader_close(&after);
    return code;
}
