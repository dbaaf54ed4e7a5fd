/* rowferry capture: a snapshot of a SQLite database into a repository. */
#include "capture/capture.h"

#include <inttypes.h>

#include "replay/growth.h"
#include "tools/grid.h"
#include "tools/task.h"
#include "tools/units.h"

/* Above this many tables, those without a change are counted, not listed, unless -v is given. */
#define LISTED_ALWAYS 40u

static bool is_unchanged(const struct rf_capture_table *table) {
    return table->inserted == 0 && table->updated == 0 && table->deleted == 0 && table->moved == 0;
}

/* ---- JSON ---- */

static void put_counts(struct rf_json *json, const struct rf_capture_table *table) {
    rf_json_count(json, "scanned", table->scanned);
    rf_json_count(json, "unchanged", table->unchanged);
    rf_json_count(json, "inserted", table->inserted);
    rf_json_count(json, "updated", table->updated);
    rf_json_count(json, "deleted", table->deleted);
    rf_json_count(json, "moved", table->moved);
    rf_json_count(json, "rows", table->rows);
    rf_json_count(json, "bytes", table->bytes);
}

static void print_table_line(struct rf_task *task, const struct rf_capture_table *table) {
    struct rf_json line = rf_json_begin("table");
    rf_json_text(&line, "command", "capture");
    rf_json_text(&line, "table", table->name);
    put_counts(&line, table);
    rf_json_seconds(&line, "seconds", table->seconds);
    rf_json_print(&line, task->output);
}

static void fill_summary(const struct rf_capture_result *result, const char *source,
                         struct rf_json *summary) {
    rf_json_text(summary, "source", source);
    rf_json_snapshot(summary, "snapshot", result->snapshot.number);
    if (result->snapshot.number > 0) {
        rf_json_hash(summary, "digest", result->snapshot.digest);
    } else {
        rf_json_text(summary, "digest", NULL);
    }
    rf_json_bool(summary, "published", result->published);
    rf_json_count(summary, "tables", result->table_count);
    put_counts(summary, &result->total);
    rf_json_count(summary, "index_rebuilt", result->index_rebuilt);
    rf_json_seconds(summary, "index_seconds", result->index_seconds);
}

/* ---- for people ---- */

/* A rehearsal encodes nothing, so it does not know bytes. */
static void add_row(struct rf_grid *grid, const char *name, const struct rf_capture_table *table,
                    bool dry_run) {
    char bytes[RF_UNITS_TEXT];
    rf_grid_name(grid, name);
    rf_grid_number(grid, table->scanned);
    rf_grid_number(grid, table->unchanged);
    rf_grid_number(grid, table->inserted);
    rf_grid_number(grid, table->updated);
    rf_grid_number(grid, table->deleted);
    rf_grid_number(grid, table->moved);
    rf_grid_text(grid, "%s", dry_run ? "-" : rf_units_bytes(table->bytes, bytes));
}

static void print_tables(struct rf_task *task, const struct rf_capture_result *result) {
    static const struct rf_grid_column columns[] = {
        {"table", false},  {"scanned", true}, {"unchanged", true}, {"inserted", true},
        {"updated", true}, {"deleted", true}, {"moved", true},     {"bytes", true}};
    struct rf_grid *grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    bool all = task->settings->verbose || result->table_count <= LISTED_ALWAYS;
    uint32_t left_out = 0;
    for (uint32_t i = 0; i < result->table_count; i++) {
        const struct rf_capture_table *table = &result->tables[i];
        if (all || !is_unchanged(table)) {
            add_row(grid, table->name, table, task->settings->dry_run);
        } else {
            left_out++;
        }
    }
    add_row(grid, "total", &result->total, task->settings->dry_run);
    rf_grid_print(grid, task->output);
    rf_grid_free(grid);
    if (left_out > 0) {
        char text[RF_UNITS_TEXT];
        rf_output_printf(task->output, "%s more did not change; -v lists all\n",
                         rf_units_count(left_out, "table", text));
    }
}

static void print_end(struct rf_task *task, const struct rf_capture_result *result,
                      double seconds) {
    char digest[RF_SHORT_DIGEST], bytes[RF_UNITS_TEXT], time[RF_UNITS_TEXT];
    rf_units_seconds(seconds, time);
    if (result->index_rebuilt > 0) {
        char tables[RF_UNITS_TEXT], spent[RF_UNITS_TEXT];
        rf_output_printf(task->output, "the local index of %s was made anew in %s\n",
                         rf_units_count(result->index_rebuilt, "table", tables),
                         rf_units_seconds(result->index_seconds, spent));
    }
    if (task->settings->dry_run) {
        rf_output_printf(task->output, "dry run: nothing was written, %s\n", time);
        return;
    }
    rf_output_printf(task->output, "snapshot %" PRIu64 "  %s  ", result->snapshot.number,
                     rf_short_digest(result->snapshot.digest, digest));
    if (result->published) {
        rf_output_printf(task->output, "%s written, %s\n",
                         rf_units_bytes(result->total.bytes, bytes), time);
    } else {
        rf_output_printf(task->output, "nothing changed since it, %s\n", time);
    }
}

/* ---- the run ---- */

static void on_begun(void *context, const struct rf_manifest *manifest) {
    const struct rf_task *task = context;
    rf_growth_begin(task->growth, manifest);
}

static void on_table_done(void *context, uint32_t table) {
    const struct rf_task *task = context;
    rf_growth_table(task->growth, table);
}

static struct rf_capture_options options_of(struct rf_task *task) {
    const struct rf_settings *settings = task->settings;
    return (struct rf_capture_options){
        .database = task->operand,
        .jobs = settings->jobs,
        .dry_run = settings->dry_run,
        .same_source = settings->same_source,
        .through_sqlite = settings->through_sqlite,
        .busy_timeout_ms = settings->busy_timeout_ms,
        .include = settings->include,
        .exclude = settings->exclude,
        .shadow = settings->shadow,
        .stop = task->stop,
        .progress = task->progress ? rf_task_on_progress : NULL,
        .watch = rf_progress_watch(task->progress),
        .note = settings->verbose ? rf_task_on_note : NULL,
        .begun = task->growth ? on_begun : NULL,
        .table_done = task->growth ? on_table_done : NULL,
        .context = task,
    };
}

enum rf_code rf_trip_capture(struct rf_task *task, const struct rf_place *place,
                             struct rf_json *summary, struct rf_capture_result *result,
                             struct rf_error *error) {
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    struct rf_capture_options options = options_of(task);
    rf_progress_phase(task->progress, "capture");
    enum rf_code code = rf_capture(place->repository, &options, result, error);
    rf_progress_phase(task->progress, NULL);
    if (code == RF_OK) {
        double seconds = rf_seconds_since(&began);
        char source[RF_UUID_TEXT];
        rf_uuid_text(rf_repository_source(place->repository), source);
        for (uint32_t i = 0; task->settings->json && i < result->table_count; i++) {
            print_table_line(task, &result->tables[i]);
        }
        if (rf_task_for_people(task)) {
            print_tables(task, result);
            print_end(task, result, seconds);
        }
        fill_summary(result, place->temporary ? NULL : source, summary);
    }
    return code;
}

enum rf_code rf_command_capture(struct rf_task *task, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    struct rf_place place;
    struct rf_capture_result result = {0};
    enum rf_code code = rf_place_open(settings->repo, settings->dry_run, &place, error);
    if (code == RF_OK) {
        code = rf_trust_apply(task, place.repository, error);
    }
    if (code == RF_OK) {
        code = rf_trip_capture(task, &place, &task->summary, &result, error);
    }
    rf_capture_result_release(&result);
    rf_place_close(&place);
    return code;
}
