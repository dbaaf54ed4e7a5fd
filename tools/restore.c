/* rowferry restore: the SQLite database as it was at a snapshot. */
#include "capture/restore.h"

#include <inttypes.h>
#include <string.h>

#include "tools/message.h"
#include "tools/snapshot.h"
#include "tools/task.h"
#include "tools/trust.h"
#include "tools/units.h"

/* What a script reads, and what stands before the name of it for people. */
static const struct {
    const char *word;
    const char *title;
} kinds[] = {
    [RF_LACK_ROWS] = {"rows", "without rows: the table"},
    [RF_LACK_CONTENT] = {"content", "without content: the virtual table"},
    [RF_LACK_INDEX] = {"index", "left out: the index"},
    [RF_LACK_ORDER] = {"order", "not in order: the index"},
};

#define WARNED_AT_MOST 20u /* all are JSON lines */

struct told {
    struct rf_task *task;
    uint32_t lacks;
};

static void on_lack(void *context, const struct rf_lack *lack) {
    struct told *told = context;
    struct rf_task *task = told->task;
    if (task->settings->json) {
        struct rf_json line = rf_json_begin("lack");
        rf_json_text(&line, "kind", kinds[lack->kind].word);
        rf_json_text(&line, "name", lack->name);
        rf_json_text(&line, "reason", lack->reason);
        rf_json_print(&line, task->output);
    }
    if (told->lacks++ < WARNED_AT_MOST && !task->settings->quiet) {
        char warning[1024];
        snprintf(warning, sizeof warning, "%s %.200s: %.600s", kinds[lack->kind].title, lack->name,
                 lack->reason);
        rf_message_warning(warning);
    }
}

static void on_progress(void *context, const char *table, uint64_t done, uint64_t expected) {
    const struct told *told = context;
    rf_task_on_progress(told->task, table, done, expected);
}

static void warn_of_more(const struct told *told) {
    if (told->lacks > WARNED_AT_MOST && !told->task->settings->quiet) {
        char warning[80];
        snprintf(warning, sizeof warning, "%" PRIu32 " more are lacking; --json lists all",
                 told->lacks - WARNED_AT_MOST);
        rf_message_warning(warning);
    }
}

static enum rf_code check_output(const char *output, struct rf_error *error) {
    if (!output) {
        rf_fail(error, RF_USAGE, "rowferry restore needs the option --output FILE");
        rf_hint(error, "rowferry restore --help lists what it takes.");
        return RF_USAGE;
    }
    if (strcmp(output, "-") == 0) {
        rf_fail(error, RF_USAGE, "a database cannot be written to standard output");
        rf_detail(error, "SQLite goes back and forth in the file that it writes");
        rf_hint(error, "name a file; ./- is one whose name is a dash.");
        return RF_USAGE;
    }
    return RF_OK;
}

static void tell(struct rf_task *task, const struct rf_restore_result *result, double seconds) {
    char digest[RF_SHORT_DIGEST], rows[RF_UNITS_TEXT], tables[RF_UNITS_TEXT];
    char bytes[RF_UNITS_TEXT], time[RF_UNITS_TEXT];
    rf_output_printf(task->output, "snapshot %" PRIu64 "  %s  ", result->snapshot.number,
                     rf_short_digest(result->snapshot.digest, digest));
    rf_output_name(task->output, task->settings->output);
    rf_output_printf(
        task->output, ": %s of %s, %s%s, %s\n", rf_units_count(result->rows, "row", rows),
        rf_units_count(result->tables, "table", tables), rf_units_bytes(result->bytes, bytes),
        task->settings->verify ? ", proven" : "", rf_units_seconds(seconds, time));
}

static void fill_summary(struct rf_task *task, const struct rf_restore_result *result) {
    struct rf_json *summary = &task->summary;
    rf_json_snapshot(summary, "snapshot", result->snapshot.number);
    rf_json_hash(summary, "digest", result->snapshot.digest);
    rf_json_text(summary, "output", task->settings->output);
    rf_json_count(summary, "tables", result->tables);
    rf_json_count(summary, "rows", result->rows);
    rf_json_count(summary, "bytes", result->bytes);
    rf_json_count(summary, "lacks", result->lacks);
    rf_json_bool(summary, "verified", task->settings->verify);
}

static enum rf_code restore(struct rf_task *task, const struct rf_repository *repository,
                            struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    struct told told = {.task = task};
    const struct rf_restore_options options = {
        .output = settings->output,
        .replace = settings->force,
        .verify = settings->verify,
        .stop = task->stop,
        .progress = task->progress ? on_progress : NULL,
        .lack = on_lack,
        .context = &told,
    };
    struct rf_snapshot_name name;
    struct rf_restore_result result = {0};
    enum rf_code code = rf_snapshot_resolve(task, repository, settings->snapshot, &name, error);
    if (code == RF_OK) {
        rf_progress_phase(task->progress, "restore");
        code = rf_restore(repository, &name, &options, &result, error);
        rf_progress_phase(task->progress, NULL);
    }
    warn_of_more(&told);
    if (code == RF_OK) {
        fill_summary(task, &result);
        if (rf_task_for_people(task)) {
            tell(task, &result, rf_seconds_since(&task->began));
        }
    }
    return code;
}

enum rf_code rf_command_restore(struct rf_task *task, struct rf_error *error) {
    struct rf_repository *repository = NULL;
    enum rf_code code = check_output(task->settings->output, error);
    if (code == RF_OK) {
        code = rf_trust_open(task, RF_REPOSITORY_READ, &repository, error);
    }
    if (code == RF_OK) {
        code = restore(task, repository, error);
    }
    rf_repository_close(repository);
    return code;
}
