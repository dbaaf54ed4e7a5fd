/* The difference for people, and as JSON lines. */
#include <inttypes.h>

#include "tools/diff.h"
#include "tools/grid.h"
#include "tools/literal.h"
#include "tools/show.h"
#include "tools/units.h"

#define SHOWN_BYTES 120u /* of a value, for people without --verbose */

struct telling {
    struct rf_diff *diff;
    struct rf_grid *grid;
    const struct rf_diff_table *table;
    struct rf_diff_counts counts;
    struct rf_diff_counts total;
    uint64_t tables; /* that differ */
};

static const char *event_name(enum rf_diff_event event) {
    static const char *const names[] = {[RF_DIFF_INSERTED] = "inserted",
                                        [RF_DIFF_UPDATED] = "updated",
                                        [RF_DIFF_DELETED] = "deleted",
                                        [RF_DIFF_MOVED] = "moved"};
    return names[event];
}

/* The row as it is, or as it was where it is gone. */
static const struct rf_diff_side *side_of(const struct rf_diff_row *row) {
    return row->after.rows ? &row->after : &row->before;
}

static bool has_hidden_rowid(const struct rf_table *table) {
    return table->key_kind == RF_KEY_ROWID && table->alias < 0;
}

/* ---- JSON ---- */

/* {"a":1,…} of all columns, or of those of the key. */
static void put_json_object(struct rf_output *out, const struct rf_diff_side *side, bool key) {
    const struct rf_table *table = &side->table->table;
    uint32_t count = key ? table->key_count : table->column_count;
    rf_output_printf(out, "{");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column = key ? table->key[i] : i;
        struct rf_value value = rf_diff_value(side, column);
        rf_output_printf(out, i > 0 ? "," : "");
        rf_literal_json_name(out, table->columns[column].name);
        rf_output_printf(out, ":");
        rf_literal_json(out, &value);
    }
    rf_output_printf(out, "}");
}

static void put_json_side(struct rf_output *out, const char *member,
                          const struct rf_diff_side *side) {
    rf_output_printf(out, ",\"%s\":", member);
    if (side->rows) {
        put_json_object(out, side, false);
    } else {
        rf_output_printf(out, "null");
    }
}

static void put_json_rowid(struct rf_output *out, const struct rf_diff_row *row) {
    if (row->event == RF_DIFF_MOVED ||
        (row->before.rows && row->after.rows && row->before.rowid != row->after.rowid)) {
        rf_output_printf(out, ",\"from_rowid\":%" PRId64, row->before.rowid);
    }
    rf_output_printf(out, ",\"rowid\":%" PRId64, side_of(row)->rowid);
}

static void print_json_row(struct rf_output *out, const struct rf_diff_row *row) {
    const struct rf_diff_side *side = side_of(row);
    const struct rf_table *table = &side->table->table;
    rf_output_printf(out, "{\"type\":\"row\",\"table\":");
    rf_literal_json_name(out, table->name);
    rf_output_printf(out, ",\"event\":\"%s\"", event_name(row->event));
    if (table->key_count > 0) {
        rf_output_printf(out, ",\"key\":");
        put_json_object(out, side, true);
    }
    if (has_hidden_rowid(table)) {
        put_json_rowid(out, row);
    }
    put_json_side(out, "old", &row->before);
    put_json_side(out, "new", &row->after);
    rf_output_printf(out, "}\n");
}

/* ---- for people ---- */

static void put_value(const struct telling *telling, const struct rf_diff_side *side,
                      uint32_t column) {
    struct rf_value value = rf_diff_value(side, column);
    uint32_t most = telling->diff->task->settings->verbose ? 0 : SHOWN_BYTES;
    rf_literal_people(telling->diff->task->output, &value, most);
}

static void put_named(const struct telling *telling, const struct rf_diff_side *side,
                      uint32_t column, const char *before) {
    struct rf_output *out = telling->diff->task->output;
    rf_output_printf(out, "%s", before);
    rf_output_name(out, side->table->table.columns[column].name);
    rf_output_printf(out, " ");
    put_value(telling, side, column);
}

static void put_changed(const struct telling *telling, const struct rf_diff_row *row) {
    const char *before = ": ";
    for (uint32_t i = 0; i < row->after.table->table.column_count; i++) {
        if (!rf_diff_same_value(row, i)) {
            put_named(telling, &row->before, i, before);
            rf_output_printf(telling->diff->task->output, " -> ");
            put_value(telling, &row->after, i);
            before = ", ";
        }
    }
}

/* "users id 5", "log rowid 7", "log rowid 7 -> 9" */
static void put_key(const struct telling *telling, const struct rf_diff_row *row) {
    struct rf_output *out = telling->diff->task->output;
    const struct rf_diff_side *side = row->before.rows ? &row->before : &row->after;
    const struct rf_table *table = &side->table->table;
    rf_output_name(out, table->name);
    for (uint32_t i = 0; i < table->key_count; i++) {
        put_named(telling, side, table->key[i], i > 0 ? ", " : " ");
    }
    if (table->key_count == 0 && has_hidden_rowid(table)) {
        rf_output_printf(out, " rowid %" PRId64, side->rowid);
    }
    if (row->event == RF_DIFF_MOVED) {
        rf_output_printf(out, " -> %" PRId64, row->after.rowid);
    }
}

static bool is_key(const struct rf_table *table, uint32_t column) {
    bool found = false;
    for (uint32_t i = 0; !found && i < table->key_count; i++) {
        found = table->key[i] == column;
    }
    return found;
}

static void print_people_row(const struct telling *telling, const struct rf_diff_row *row) {
    static const char marks[] = {[RF_DIFF_INSERTED] = '+',
                                 [RF_DIFF_UPDATED] = '~',
                                 [RF_DIFF_DELETED] = '-',
                                 [RF_DIFF_MOVED] = '>'};
    struct rf_output *out = telling->diff->task->output;
    const struct rf_diff_side *side = side_of(row);
    const struct rf_table *table = &side->table->table;
    rf_output_printf(out, "%c ", marks[row->event]);
    put_key(telling, row);
    if (row->event == RF_DIFF_UPDATED) {
        put_changed(telling, row);
    }
    const char *before = ": ";
    bool whole = row->event == RF_DIFF_INSERTED || row->event == RF_DIFF_DELETED;
    for (uint32_t i = 0; whole && i < table->column_count; i++) {
        if (!is_key(table, i)) {
            put_named(telling, side, i, before);
            before = ", ";
        }
    }
    rf_output_printf(out, "\n");
}

/* ---- tables ---- */

static enum rf_code on_row(void *context, const struct rf_diff_row *row, struct rf_error *error) {
    struct telling *telling = context;
    const struct rf_task *task = telling->diff->task;
    (void)error;
    rf_diff_count(&telling->counts, row->event);
    if (task->settings->rows && task->settings->json) {
        print_json_row(task->output, row);
    } else if (task->settings->rows && !task->settings->quiet) {
        print_people_row(telling, row);
    }
    return RF_OK;
}

static enum rf_code count(struct telling *telling, const struct rf_diff_table *table,
                          struct rf_error *error) {
    struct rf_diff_counts *counts = &telling->counts;
    *counts = (struct rf_diff_counts){0};
    if (telling->diff->task->settings->rows) {
        return rf_diff_walk(telling->diff, table, on_row, telling, error);
    }
    if (table->change != RF_DIFF_ROWS && table->change != RF_DIFF_SAME) {
        counts->deleted = table->before ? table->before->digest.rows : 0;
        counts->inserted = table->after ? table->after->digest.rows : 0;
        return RF_OK;
    }
    return rf_diff_walk(telling->diff, table, on_row, telling, error);
}

static enum rf_diff_change change_of(const struct rf_diff_table *table,
                                     const struct rf_diff_counts *counts) {
    uint64_t all = counts->inserted + counts->updated + counts->deleted + counts->moved;
    return table->change == RF_DIFF_ROWS && all == 0 ? RF_DIFF_SAME : table->change;
}

static uint64_t rows_of(const struct rf_manifest_table *table) {
    return table ? table->digest.rows : 0;
}

static void print_json_table(const struct telling *telling, const struct rf_diff_table *table,
                             enum rf_diff_change change) {
    struct rf_json line = rf_json_begin("table");
    rf_json_text(&line, "command", "diff");
    rf_json_text(&line, "table", table->name);
    rf_json_text(&line, "change", rf_diff_change_name(change));
    rf_json_count(&line, "inserted", telling->counts.inserted);
    rf_json_count(&line, "updated", telling->counts.updated);
    rf_json_count(&line, "deleted", telling->counts.deleted);
    rf_json_count(&line, "moved", telling->counts.moved);
    rf_json_count(&line, "from_rows", rows_of(table->before));
    rf_json_count(&line, "rows", rows_of(table->after));
    rf_json_print(&line, telling->diff->task->output);
}

static void add_table(const struct telling *telling, const struct rf_diff_table *table,
                      enum rf_diff_change change) {
    rf_grid_name(telling->grid, table->name);
    rf_grid_text(telling->grid, "%s", rf_diff_change_name(change));
    rf_grid_number(telling->grid, telling->counts.inserted);
    rf_grid_number(telling->grid, telling->counts.updated);
    rf_grid_number(telling->grid, telling->counts.deleted);
    rf_grid_number(telling->grid, telling->counts.moved);
    rf_grid_number(telling->grid, rows_of(table->before));
    rf_grid_number(telling->grid, rows_of(table->after));
}

static enum rf_code tell_table(struct telling *telling, const struct rf_diff_table *table,
                               struct rf_error *error) {
    enum rf_code code = count(telling, table, error);
    if (code != RF_OK) {
        return code;
    }
    enum rf_diff_change change = change_of(table, &telling->counts);
    struct rf_diff_counts *total = &telling->total;
    total->inserted += telling->counts.inserted;
    total->updated += telling->counts.updated;
    total->deleted += telling->counts.deleted;
    total->moved += telling->counts.moved;
    telling->tables += change != RF_DIFF_SAME;
    if (change == RF_DIFF_SAME && !telling->diff->task->settings->verbose) {
        return RF_OK;
    }
    if (telling->diff->task->settings->json) {
        print_json_table(telling, table, change);
    } else {
        add_table(telling, table, change);
    }
    return RF_OK;
}

/* ---- the frame ---- */

static void print_end(struct rf_output *out, const char *title, const struct rf_diff_end *end) {
    char digest[RF_SHORT_DIGEST], time[RF_UNITS_TEXT];
    if (end->name.number == 0) {
        rf_output_printf(out, "%s  the empty database\n", title);
    } else {
        rf_output_printf(out, "%s  snapshot %" PRIu64 "  %s  %s\n", title, end->name.number,
                         rf_short_digest(end->name.digest, digest),
                         rf_units_time(end->manifest.time_us, time));
    }
}

static void tell_schema(struct telling *telling) {
    struct rf_task *task = telling->diff->task;
    for (uint32_t i = 0; task->settings->json && i < telling->diff->schema.count; i++) {
        const struct rf_schema_change *change = &telling->diff->schema.list[i];
        if (rf_show_wanted(task->settings, rf_schema_change_of(change)->table)) {
            struct rf_json line = rf_schema_change_json(change);
            rf_json_print(&line, task->output);
        }
    }
    if (rf_task_for_people(task)) {
        rf_show_schema_changes(task, &telling->diff->schema);
    }
}

static void fill_summary(const struct telling *telling) {
    struct rf_json *summary = &telling->diff->task->summary;
    rf_json_snapshot(summary, "from", telling->diff->from.name.number);
    rf_json_snapshot(summary, "to", telling->diff->to.name.number);
    rf_json_count(summary, "tables", telling->tables);
    rf_json_count(summary, "inserted", telling->total.inserted);
    rf_json_count(summary, "updated", telling->total.updated);
    rf_json_count(summary, "deleted", telling->total.deleted);
    rf_json_count(summary, "moved", telling->total.moved);
}

static enum rf_code tell_tables(struct telling *telling, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < telling->diff->table_count; i++) {
        code = tell_table(telling, &telling->diff->tables[i], error);
    }
    return code;
}

enum rf_code rf_diff_tell(struct rf_diff *diff, struct rf_error *error) {
    static const struct rf_grid_column columns[] = {
        {"table", false},  {"change", false}, {"inserted", true},  {"updated", true},
        {"deleted", true}, {"moved", true},   {"rows then", true}, {"rows now", true}};
    struct rf_task *task = diff->task;
    struct telling telling = {.diff = diff};
    telling.grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    if (rf_task_for_people(task)) {
        print_end(task->output, "from", &diff->from);
        print_end(task->output, "to  ", &diff->to);
    }
    enum rf_code code = tell_tables(&telling, error);
    if (code == RF_OK && rf_task_for_people(task)) {
        rf_grid_print(telling.grid, task->output);
    }
    if (code == RF_OK) {
        tell_schema(&telling);
        fill_summary(&telling);
    }
    rf_grid_free(telling.grid);
    return code;
}
