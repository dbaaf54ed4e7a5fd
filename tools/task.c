/* The frame around every command. */
#include "tools/task.h"

#include <string.h>

#include "replay/replay.h"
#include "tools/exit.h"
#include "tools/message.h"
#include "tools/signals.h"

double rf_seconds_since(const struct timespec *began) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) * 1e-9;
}

const char *rf_short_digest(struct rf_hash digest, char text[RF_SHORT_DIGEST]) {
    char whole[RF_HASH_HEX];
    rf_hash_text(digest, whole);
    memcpy(text, whole, RF_SHORT_DIGEST - 1);
    text[RF_SHORT_DIGEST - 1] = 0;
    return text;
}

enum rf_code rf_task_check_stop(const struct rf_task *task, struct rf_error *error) {
    if (atomic_load(task->stop) == 0) {
        return RF_OK;
    }
    return rf_fail(error, RF_INTERRUPTED, "stopped");
}

void rf_task_on_progress(void *context, const char *table, uint64_t done, uint64_t expected) {
    struct rf_task *task = context;
    rf_progress_rows(task->progress, table, done, expected);
}

void rf_task_on_note(void *context, const char *message) {
    (void)context;
    rf_message_note(message);
}

void rf_task_on_written(void *context, const struct rf_written *written) {
    struct rf_task *task = context;
    struct rf_json line = rf_json_begin(NULL);
    rf_json_text(&line, "table", written->table);
    rf_json_count(&line, "missing", written->missing);
    rf_json_count(&line, "extra", written->extra);
    rf_json_count(&line, "different", written->different);
    if (!task->written.object) {
        task->written = rf_json_array();
    }
    rf_json_append(&task->written, &line);
}

static void on_warning(void *context, const char *message) {
    (void)context;
    rf_message_warning(message);
}

void rf_task_target_options(struct rf_task *task, struct rf_target_options *options) {
    const struct rf_settings *settings = task->settings;
    *options = (struct rf_target_options){
        .conninfo = settings->target,
        .schema = settings->schema,
        .jobs = settings->jobs,
        .dry_run = settings->dry_run,
        .final_trip = settings->final_trip,
        .include = settings->include,
        .exclude = settings->exclude,
        .rules = &settings->rules,
        .remake = settings->remake,
        .overwrite = settings->overwrite,
        .stop = task->stop,
        .progress = task->progress ? rf_task_on_progress : NULL,
        .watch = rf_progress_watch(task->progress),
        .note = settings->verbose ? rf_task_on_note : NULL,
        .warn = settings->quiet ? NULL : on_warning,
        .written = rf_task_on_written,
        .context = task,
    };
    if (task->database) {
        rf_database_options(task->database, settings->database_count, options);
    }
}

/* JSON lines are for programs, and standard error beside them is as it always was. A command that has
 * no such option shows no view because a configuration file asks for one; one without workers has
 * nothing to show in it. */
static struct rf_progress *start_progress(const struct rf_task *task) {
    const struct rf_settings *settings = task->settings;
    bool to_server = rf_command_takes(task->command, RF_OPTION_TARGET);
    const struct rf_progress_about about = {
        .command = task->command->name,
        .source = task->operand ? task->operand : settings->repo,
        .target = to_server ? settings->target : settings->repo,
        .output = task->output,
    };
    bool viewed = rf_command_takes(task->command, RF_OPTION_PROGRESS) &&
                  rf_command_takes(task->command, RF_OPTION_JOBS) && !settings->json;
    return rf_progress_start(settings->progress, viewed ? &about : NULL);
}

void rf_task_begin(struct rf_task *task) {
    const struct rf_settings *settings = task->settings;
    clock_gettime(CLOCK_MONOTONIC, &task->began);
    task->summary = rf_json_begin(NULL);
    task->database = settings->databases;
    task->progress = settings->quiet ? NULL : start_progress(task);
}

/* What interrupted code says of itself matters less than which signal it was and what to do. */
static struct rf_error explain(const struct rf_error *error, int signal) {
    struct rf_error told = *error;
    if (error->code == RF_INTERRUPTED) {
        rf_fail(&told, RF_INTERRUPTED, "stopped by signal %d (%s)", signal, rf_signal_name(signal));
        rf_hint(&told, "run the same command again to go on.");
    }
    return told;
}

void rf_summary_print(struct rf_output *output, const char *command, int exit_code,
                      struct rf_json *members, const struct rf_error *error, double seconds) {
    struct rf_json line = rf_json_begin("summary");
    rf_json_text(&line, "command", command);
    rf_json_integer(&line, "exit", exit_code);
    if (members) {
        rf_json_join(&line, members);
    }
    if (error) {
        struct rf_json parts = rf_json_error(error);
        rf_json_put(&line, "error", &parts);
    }
    rf_json_seconds(&line, "seconds", seconds);
    rf_json_print(&line, output);
}

int rf_task_end(struct rf_task *task, enum rf_code code, const struct rf_error *error) {
    int signal = atomic_load(task->stop);
    int exit_code = rf_exit_of(code, signal);
    rf_progress_stop(task->progress);
    task->progress = NULL;
    if (code == RF_OK && task->set_aside) {
        exit_code = RF_EXIT_SET_ASIDE;
    }
    if (task->written.object) {
        rf_json_put(&task->summary, "written_by_others", &task->written);
    }
    struct rf_error told = {0};
    if (code != RF_OK) {
        rf_output_flush(task->output); /* on a terminal the error comes last */
        told = explain(error, signal);
        rf_message_error(&told);
    }
    if (task->settings->json) {
        rf_summary_print(task->output, task->command->name, exit_code, &task->summary,
                         code == RF_OK ? NULL : &told, rf_seconds_since(&task->began));
    }
    rf_json_release(&task->summary);
    return exit_code;
}
