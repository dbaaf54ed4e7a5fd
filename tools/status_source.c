#include "tools/status_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/units.h"

void rf_source_standing_release(struct rf_source_standing *standing) {
    free(standing->path);
    *standing = (struct rf_source_standing){0};
}

/* ---- finding ---- */

static enum rf_code path_of(const struct rf_task *task, const struct rf_repository *repository,
                            const struct rf_snapshot_facts *newest, char **path,
                            struct rf_error *error) {
    struct rf_manifest manifest = {0};
    enum rf_code code = RF_OK;
    if (task->operand) {
        *path = strdup(task->operand);
        return *path ? RF_OK : rf_fail_memory(error);
    }
    if (newest->name.number == 0) {
        return RF_OK;
    }
    code = rf_repository_load(repository, &newest->name, &manifest, error);
    if (code == RF_OK) {
        *path = manifest.path;
        manifest.path = NULL;
    }
    rf_manifest_release(&manifest);
    return code;
}

static enum rf_code look(const struct rf_task *task, const struct rf_repository *repository,
                         const struct rf_snapshot_facts *newest,
                         struct rf_source_standing *standing, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    const struct rf_source_look_options options = {
        .database = standing->path,
        .busy_timeout_ms = settings->busy_timeout_ms,
        .include = settings->include,
        .exclude = settings->exclude,
        .shadow = settings->shadow,
        .stop = task->stop,
    };
    return rf_source_look(repository, &options, newest->name.number > 0 ? &newest->name : NULL,
                          newest->time_us, &standing->look, error);
}

/* What a capture would find, which it finds in a rehearsal. */
static enum rf_code rehearse(struct rf_task *task, struct rf_repository *repository,
                             struct rf_source_standing *standing, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    const struct rf_capture_options options = {
        .database = standing->path,
        .jobs = settings->jobs,
        .dry_run = true,
        .busy_timeout_ms = settings->busy_timeout_ms,
        .include = settings->include,
        .exclude = settings->exclude,
        .shadow = settings->shadow,
        .stop = task->stop,
        .progress = task->progress ? rf_task_on_progress : NULL,
        .note = settings->verbose ? rf_task_on_note : NULL,
        .context = task,
    };
    struct rf_capture_result result = {0};
    enum rf_code code = rf_capture(repository, &options, &result, error);
    standing->rehearsed = code == RF_OK;
    standing->found = result.total;
    for (uint32_t i = 0; i < result.table_count; i++) {
        const struct rf_capture_table *table = &result.tables[i];
        standing->tables += table->inserted + table->updated + table->deleted + table->moved > 0;
    }
    rf_capture_result_release(&result);
    return code;
}

enum rf_code rf_source_standing_find(struct rf_task *task, struct rf_repository *repository,
                                     const struct rf_snapshot_facts *newest,
                                     struct rf_source_standing *standing, struct rf_error *error) {
    *standing = (struct rf_source_standing){0};
    enum rf_code code = path_of(task, repository, newest, &standing->path, error);
    if (code == RF_OK && standing->path) {
        code = look(task, repository, newest, standing, error);
    }
    return code == RF_OK && task->operand ? rehearse(task, repository, standing, error) : code;
}

/* ---- telling ---- */

static uint64_t rows_found(const struct rf_source_standing *standing) {
    const struct rf_capture_table *found = &standing->found;
    return found->inserted + found->updated + found->deleted + found->moved;
}

static uint64_t seconds_between(int64_t from_us, int64_t to_us) {
    return to_us > from_us ? (uint64_t)(to_us - from_us) / 1000000 : 0;
}

static void print_line(struct rf_task *task, const struct rf_source_standing *standing,
                       const struct rf_snapshot_facts *newest) {
    const struct rf_source_look *look = &standing->look;
    char text[RF_UNITS_TEXT];
    struct rf_json line = rf_json_begin("source");
    rf_json_text(&line, "path", standing->path);
    rf_json_bool(&line, "here", look->here);
    rf_json_text(&line, "written", look->here ? rf_units_iso8601(look->written_us, text) : NULL);
    if (look->since == RF_SINCE_UNKNOWN) {
        rf_json_text(&line, "written_since", NULL);
        rf_json_text(&line, "ahead_seconds", NULL);
    } else {
        bool written = look->since == RF_SINCE_WRITTEN;
        rf_json_bool(&line, "written_since", written);
        rf_json_count(&line, "ahead_seconds",
                      written ? seconds_between(newest->time_us, look->written_us) : 0);
    }
    if (standing->rehearsed) {
        rf_json_count(&line, "rows_ahead", rows_found(standing));
        rf_json_count(&line, "inserted", standing->found.inserted);
        rf_json_count(&line, "updated", standing->found.updated);
        rf_json_count(&line, "deleted", standing->found.deleted);
        rf_json_count(&line, "moved", standing->found.moved);
        rf_json_count(&line, "tables", standing->tables);
    } else {
        rf_json_text(&line, "rows_ahead", NULL);
    }
    rf_json_print(&line, task->output);
}

static void print_look(struct rf_output *out, const struct rf_source_look *look,
                       const struct rf_snapshot_facts *newest) {
    char ago[RF_UNITS_TEXT], after[RF_UNITS_TEXT];
    if (!look->here) {
        rf_output_printf(out, ", not on this host\n");
        return;
    }
    rf_units_duration(seconds_between(look->written_us, (int64_t)time(NULL) * 1000000), ago);
    switch (look->since) {
    case RF_SINCE_STANDS:
        rf_output_printf(out, ", not written to since snapshot %" PRIu64 "\n", newest->name.number);
        return;
    case RF_SINCE_WRITTEN:
        rf_units_duration(seconds_between(newest->time_us, look->written_us), after);
        rf_output_printf(out, ", written to %s ago, %s after snapshot %" PRIu64 "\n", ago, after,
                         newest->name.number);
        return;
    case RF_SINCE_UNKNOWN:
        rf_output_printf(out, ", written to %s ago\n", ago);
        return;
    }
}

void rf_source_standing_print(struct rf_task *task, const struct rf_source_standing *standing,
                              const struct rf_snapshot_facts *newest) {
    if (!standing->path) {
        return;
    }
    if (task->settings->json) {
        print_line(task, standing, newest);
        return;
    }
    if (!rf_task_for_people(task)) {
        return;
    }
    rf_output_printf(task->output, "database    ");
    rf_output_name(task->output, standing->path);
    print_look(task->output, &standing->look, newest);
    if (standing->rehearsed) {
        const struct rf_capture_table *found = &standing->found;
        char rows[RF_UNITS_TEXT], tables[RF_UNITS_TEXT];
        rf_output_printf(task->output,
                         "ahead       %s in %s: %" PRIu64 " inserted, %" PRIu64 " updated, %" PRIu64
                         " deleted, %" PRIu64 " moved\n",
                         rf_units_count(rows_found(standing), "row", rows),
                         rf_units_count(standing->tables, "table", tables), found->inserted,
                         found->updated, found->deleted, found->moved);
    }
}
