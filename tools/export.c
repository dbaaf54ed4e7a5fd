/* rowferry export: snapshots as one stream, to standard output or to a file. */
#include "format/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/replay.h"
#include "tools/message.h"
#include "tools/pipe.h"
#include "tools/snapshot.h"
#include "tools/stores.h"
#include "tools/stream_file.h"
#include "tools/task.h"
#include "tools/units.h"

static bool to_standard_output(const struct rf_settings *settings) {
    return !settings->output || strcmp(settings->output, "-") == 0;
}

/* Where the stream goes, nothing else may. */
static enum rf_code check_output(const struct rf_settings *settings, struct rf_error *error) {
    if (settings->since && settings->since_target) {
        return rf_fail(error, RF_USAGE, "--since and --since-target exclude each other");
    }
    if (!to_standard_output(settings)) {
        return RF_OK;
    }
    if (settings->json) {
        rf_fail(error, RF_USAGE, "--json and the stream cannot both go to standard output");
        rf_hint(error, "name a file for the stream with --output.");
        return RF_USAGE;
    }
    if (isatty(STDOUT_FILENO)) {
        rf_fail(error, RF_USAGE, "a stream is not written to a terminal");
        rf_hint(error, "pipe it into `rowferry import -r REPO -`, or name a file with --output.");
        return RF_USAGE;
    }
    return RF_OK;
}

/* ---- what the target has ---- */

static enum rf_code other_source(const struct rf_repository *repository,
                                 const struct rf_target_status *status, struct rf_error *error) {
    char theirs[RF_UUID_TEXT], ours[RF_UUID_TEXT];
    rf_fail(error, RF_MISPLACED, "the target is fed by another source");
    rf_detail(error, "the target's: %s, this repository's: %s",
              rf_uuid_text(status->source, theirs),
              rf_uuid_text(rf_repository_source(repository), ours));
    rf_hint(error, "name the repository that feeds it, or another database or --schema.");
    return RF_MISPLACED;
}

static enum rf_code other_history(const struct rf_repository *repository,
                                  const struct rf_target_status *status, bool same_number,
                                  struct rf_error *error) {
    const struct rf_snapshot_name *newest = rf_repository_newest(repository);
    if (same_number) {
        rf_fail(error, RF_MISPLACED, "the target's snapshot %" PRIu64 " is not the repository's",
                status->snapshot);
        rf_hint(error, "the two histories parted; name the repository that feeds the target.");
    } else {
        rf_fail(error, RF_MISPLACED,
                "the repository has no snapshot %" PRIu64 ", at which the target stands",
                status->snapshot);
        rf_hint(error, newest && newest->number < status->snapshot
                           ? "the target is ahead; export from the repository that feeds it."
                           : "it was pruned; export all without --since-target, for a new "
                             "repository.");
    }
    return RF_MISPLACED;
}

/* A target that is being loaded has nothing yet, and one that stands at nothing neither: both are given
 * everything. */
static enum rf_code since_target(const struct rf_repository *repository,
                                 const struct rf_target_status *status,
                                 struct rf_snapshot_name *since, struct rf_error *error) {
    *since = (struct rf_snapshot_name){0};
    if (status->state == RF_TARGET_NONE) {
        return RF_OK;
    }
    if (memcmp(status->source, rf_repository_source(repository), RF_SOURCE_ID_SIZE) != 0) {
        return other_source(repository, status, error);
    }
    if (status->state != RF_TARGET_READY) {
        return RF_OK;
    }
    const struct rf_snapshot_name *name = rf_repository_find(repository, status->snapshot);
    if (!name || !rf_hash_equal(name->digest, status->digest)) {
        return other_history(repository, status, name, error);
    }
    *since = *name;
    return RF_OK;
}

static enum rf_code ask(struct rf_task *task, const struct rf_repository *repository,
                        struct rf_snapshot_name *since, struct rf_error *error) {
    struct rf_target_options options;
    struct rf_target_status status;
    rf_task_target_options(task, &options);
    options.conninfo = task->settings->since_target;
    enum rf_code code = rf_target_status(&options, &status, error);
    return code == RF_OK ? since_target(repository, &status, since, error) : code;
}

static enum rf_code find_since(struct rf_task *task, const struct rf_repository *repository,
                               struct rf_snapshot_name *since, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    *since = (struct rf_snapshot_name){0};
    if (settings->since) {
        return rf_snapshot_resolve(task, repository, settings->since, since, error);
    }
    return settings->since_target ? ask(task, repository, since, error) : RF_OK;
}

/* ---- the run ---- */

static void tell(struct rf_task *task, const struct rf_export_options *options,
                 const struct rf_export_result *result, double seconds) {
    char snapshots[RF_UNITS_TEXT], archives[RF_UNITS_TEXT], bytes[RF_UNITS_TEXT];
    char time[RF_UNITS_TEXT], last[64] = "", text[512];
    rf_json_snapshot(&task->summary, "since", options->since.number);
    rf_json_snapshot(&task->summary, "last", result->last.number);
    rf_json_count(&task->summary, "snapshots", result->snapshots);
    rf_json_count(&task->summary, "archives", result->archives);
    rf_json_count(&task->summary, "bytes", result->bytes);
    if (result->snapshots > 0) {
        snprintf(last, sizeof last, " up to %" PRIu64, result->last.number);
    }
    snprintf(text, sizeof text, "%s%s, %s, %s exported, %s",
             rf_units_count(result->snapshots, "snapshot", snapshots), last,
             rf_units_count(result->archives, "archive", archives),
             rf_units_bytes(result->bytes, bytes), rf_units_seconds(seconds, time));
    if (!to_standard_output(task->settings) && rf_task_for_people(task)) {
        rf_output_printf(task->output, "%s\n", text);
    } else if (task->settings->verbose) {
        rf_message_note(text);
    }
}

static void on_progress(void *context, uint64_t done, uint64_t expected) {
    struct rf_task *task = context;
    rf_progress_bytes(task->progress, done, expected);
}

static enum rf_code write_stream(struct rf_task *task, const struct rf_repository *repository,
                                 struct rf_export_options *options, struct rf_error *error) {
    struct timespec began;
    struct rf_export_result result;
    clock_gettime(CLOCK_MONOTONIC, &began);
    options->stop = task->stop;
    options->progress = on_progress;
    options->context = task;
    rf_progress_phase(task->progress, "export");
    enum rf_code code = rf_export(repository, options, &result, error);
    rf_progress_phase(task->progress, NULL);
    if (code == RF_OK) {
        tell(task, options, &result, rf_seconds_since(&began));
    }
    return code;
}

static enum rf_code export_to_pipe(struct rf_task *task, const struct rf_repository *repository,
                                   struct rf_export_options *options, struct rf_error *error) {
    struct rf_pipe pipe = {.fd = STDOUT_FILENO, .name = "standard output", .stop = task->stop};
    rf_pipe_widen(&pipe);
    options->put = rf_pipe_put;
    options->put_context = &pipe;
    return write_stream(task, repository, options, error);
}

static enum rf_code export_to_file(struct rf_task *task, const struct rf_repository *repository,
                                   struct rf_export_options *options, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    struct rf_stream_file file;
    enum rf_code code =
        rf_stream_file_open(rf_io_posix(), settings->output, settings->force, &file, error);
    if (code != RF_OK) {
        return code;
    }
    options->put = rf_stream_file_put;
    options->put_context = &file;
    code = write_stream(task, repository, options, error);
    if (code != RF_OK) {
        rf_stream_file_abort(&file);
        return code;
    }
    return rf_stream_file_finish(&file, error);
}

static enum rf_code run(struct rf_task *task, const struct rf_repository *repository,
                        struct rf_error *error) {
    struct rf_export_options options = {0};
    bool empty = rf_repository_count(repository) == 0;
    enum rf_code code = find_since(task, repository, &options.since, error);
    if (code == RF_OK) {
        code = empty ? rf_whole_headless(repository, error)
                     : rf_snapshot_resolve(task, repository, NULL, &options.last, error);
    }
    if (code != RF_OK) {
        return code;
    }
    return to_standard_output(task->settings) ? export_to_pipe(task, repository, &options, error)
                                              : export_to_file(task, repository, &options, error);
}

enum rf_code rf_command_export(struct rf_task *task, struct rf_error *error) {
    struct rf_repository *repository = NULL;
    enum rf_code code = check_output(task->settings, error);
    if (code == RF_OK) {
        code = rf_trust_open(task, RF_REPOSITORY_READ, &repository, error);
    }
    if (code == RF_OK) {
        code = run(task, repository, error);
    }
    rf_repository_close(repository);
    return code;
}
