/* rowferry replay: a PostgreSQL database brought to a snapshot. */
#include "replay/replay.h"

#include <inttypes.h>

#include "tools/grid.h"
#include "tools/ready.h"
#include "tools/replay_report.h"
#include "tools/snapshot.h"
#include "tools/stores.h"
#include "tools/task.h"
#include "tools/units.h"

#define LISTED_ALWAYS 40u /* as in capture.c */

static const char *mode_name(enum rf_replay_mode mode) {
    switch (mode) {
    case RF_REPLAY_NONE:
        return "none";
    case RF_REPLAY_LOAD:
        return "load";
    case RF_REPLAY_DELTA:
        return "delta";
    }
    return "none";
}

static bool is_unchanged(const struct rf_replay_table *table) {
    return table->inserted == 0 && table->updated == 0 && table->deleted == 0 &&
           table->set_aside == 0 && table->altered == 0 && table->widened == 0 &&
           table->left_out == 0;
}

/* ---- JSON ---- */

static void put_counts(struct rf_json *json, const struct rf_replay_table *table) {
    rf_json_count(json, "inserted", table->inserted);
    rf_json_count(json, "updated", table->updated);
    rf_json_count(json, "deleted", table->deleted);
    rf_json_count(json, "set_aside", table->set_aside);
    rf_json_count(json, "altered", table->altered);
    rf_json_count(json, "widened", table->widened);
    rf_json_count(json, "left_out", table->left_out);
}

static void print_table_line(struct rf_task *task, const struct rf_replay_table *table) {
    struct rf_json line = rf_json_begin("table");
    rf_json_text(&line, "command", "replay");
    rf_store_name_line(task, &line);
    rf_json_text(&line, "table", table->name);
    put_counts(&line, table);
    rf_json_print(&line, task->output);
}

static void fill_summary(const struct rf_replay_result *result, const char *source,
                         struct rf_hash digest, struct rf_json *summary) {
    rf_json_text(summary, "source", source);
    rf_json_text(summary, "mode", mode_name(result->mode));
    rf_json_snapshot(summary, "from", result->from);
    rf_json_count(summary, "to", result->to);
    rf_json_hash(summary, "digest", digest);
    rf_json_count(summary, "tables", result->table_count);
    put_counts(summary, &result->total);
    rf_json_count(summary, "set_aside_total", result->set_aside_total);
    rf_replay_report_json(result, summary);
}

/* ---- for people ---- */

static void add_row(struct rf_grid *grid, const char *name, const struct rf_replay_table *table) {
    rf_grid_name(grid, name);
    rf_grid_number(grid, table->inserted);
    rf_grid_number(grid, table->updated);
    rf_grid_number(grid, table->deleted);
    rf_grid_number(grid, table->set_aside);
    rf_grid_number(grid, table->altered);
    rf_grid_number(grid, table->widened);
}

static void print_tables(struct rf_task *task, const struct rf_replay_result *result) {
    static const struct rf_grid_column columns[] = {
        {"table", false},    {"inserted", true}, {"updated", true}, {"deleted", true},
        {"set aside", true}, {"altered", true},  {"widened", true}};
    struct rf_grid *grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    bool all = task->settings->verbose || result->table_count <= LISTED_ALWAYS;
    uint32_t unlisted = 0;
    for (uint32_t i = 0; i < result->table_count; i++) {
        const struct rf_replay_table *table = &result->tables[i];
        if (all || !is_unchanged(table)) {
            add_row(grid, table->name, table);
        } else {
            unlisted++;
        }
    }
    add_row(grid, "total", &result->total);
    rf_grid_print(grid, task->output);
    rf_grid_free(grid);
    char text[RF_UNITS_TEXT];
    if (unlisted > 0) {
        rf_output_printf(task->output, "%s more did not change; -v lists all\n",
                         rf_units_count(unlisted, "table", text));
    }
    if (result->total.left_out > 0) {
        rf_output_printf(task->output, "%s left out, as rules say (where)\n",
                         rf_units_count(result->total.left_out, "row", text));
    }
}

static void print_end(struct rf_task *task, const struct rf_replay_result *result,
                      struct rf_hash digest, double seconds) {
    char text[RF_SHORT_DIGEST], time[RF_UNITS_TEXT];
    rf_short_digest(digest, text);
    rf_units_seconds(seconds, time);
    rf_output_printf(task->output, "snapshot %" PRIu64 "  %s  ", result->to, text);
    if (result->mode == RF_REPLAY_NONE) {
        rf_output_printf(task->output, "the target stands at it already, %s\n", time);
    } else if (task->settings->dry_run) {
        rf_output_printf(task->output, "dry run: nothing was applied, %s\n", time);
    } else if (result->from == 0) {
        rf_output_printf(task->output, "loaded, %s\n", time);
    } else if (result->from > result->to) {
        rf_output_printf(task->output, "back from snapshot %" PRIu64 ", %s\n", result->from, time);
    } else {
        rf_output_printf(task->output, "applied upon snapshot %" PRIu64 ", %s\n", result->from,
                         time);
    }
    if (result->set_aside_total > 0) {
        char rows[RF_UNITS_TEXT];
        rf_output_printf(task->output, "set aside in rowferry.set_aside: %s\n",
                         rf_units_count(result->set_aside_total, "row", rows));
    }
}

/* ---- the run ---- */

void rf_trip_tell_replay(struct rf_task *task, const struct rf_repository *repository,
                         const struct rf_snapshot_name *snapshot,
                         const struct rf_replay_result *result, double seconds,
                         struct rf_json *summary) {
    char source[RF_UUID_TEXT];
    for (uint32_t i = 0; task->settings->json && i < result->table_count; i++) {
        print_table_line(task, &result->tables[i]);
    }
    if (rf_task_for_people(task)) {
        if (result->mode != RF_REPLAY_NONE) {
            print_tables(task, result);
        }
        rf_replay_report_print(task, result);
        print_end(task, result, snapshot->digest, seconds);
    }
    fill_summary(result, rf_uuid_text(rf_repository_source(repository), source), snapshot->digest,
                 summary);
    task->set_aside |= result->set_aside_total > 0;
}

enum rf_code rf_trip_replay(struct rf_task *task, struct rf_repository *repository,
                            const struct rf_snapshot_name *snapshot, struct rf_json *summary,
                            struct rf_error *error) {
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    struct rf_target_options options;
    rf_task_target_options(task, &options);
    options.leaps = task->settings->snapshot != NULL;
    struct rf_replay_result result = {0};
    rf_progress_phase(task->progress, "replay");
    enum rf_code code = rf_replay(repository, &options, snapshot, &result, error);
    rf_progress_phase(task->progress, NULL);
    if (code == RF_OK) {
        rf_trip_tell_replay(task, repository, snapshot, &result, rf_seconds_since(&began), summary);
    }
    rf_replay_result_release(&result);
    return code;
}

/* What is replayed into every database. */
struct cargo {
    struct rf_repository *repository;
    const struct rf_snapshot_name *snapshot;
};

static enum rf_code replay_cargo(struct rf_task *task, struct rf_json *summary, void *context,
                                 struct rf_error *error) {
    const struct cargo *cargo = context;
    rf_store_head(task);
    return rf_trip_replay(task, cargo->repository, cargo->snapshot, summary, error);
}

enum rf_code rf_trip_replay_all(struct rf_task *task, struct rf_repository *repository,
                                const struct rf_snapshot_name *snapshot, struct rf_json *summary,
                                struct rf_error *error) {
    struct cargo cargo = {.repository = repository, .snapshot = snapshot};
    return rf_stores_each(task, RF_STORES_UNTIL_FAILURE, summary, replay_cargo, &cargo, error);
}

enum rf_code rf_command_replay(struct rf_task *task, struct rf_error *error) {
    struct rf_repository *repository = NULL;
    struct rf_snapshot_name snapshot;
    enum rf_code code = rf_trust_open(task, RF_REPOSITORY_READ, &repository, error);
    if (code == RF_OK) {
        code = rf_snapshot_resolve(task, repository, task->settings->snapshot, &snapshot, error);
    }
    if (code == RF_OK) {
        code = rf_ready_run(task, &(struct rf_ready_place){.database = NULL}, error);
    }
    if (code == RF_OK) {
        code = rf_trip_replay_all(task, repository, &snapshot, &task->summary, error);
    }
    rf_repository_close(repository);
    return code;
}
