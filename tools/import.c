/* rowferry import: a stream into a repository, from standard input or from a file. */
#include "format/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/pipe.h"
#include "tools/task.h"
#include "tools/units.h"

static const char *const fates[] = {[RF_IMPORT_NEW] = "imported",
                                    [RF_IMPORT_THERE] = "already there",
                                    [RF_IMPORT_MENDED] = "mended",
                                    [RF_IMPORT_PASSED] = "passed over"};

static void on_progress(void *context, uint64_t done, uint64_t expected) {
    struct rf_task *task = context;
    rf_progress_bytes(task->progress, done, expected);
}

static void print_line(struct rf_task *task, const struct rf_imported *imported) {
    struct rf_json line = rf_json_begin("snapshot");
    rf_json_count(&line, "snapshot", imported->name.number);
    rf_json_hash(&line, "digest", imported->name.digest);
    rf_json_text(&line, "outcome", fates[imported->fate]);
    rf_json_count(&line, "archives", imported->archives);
    rf_json_count(&line, "bytes", imported->bytes);
    rf_json_print(&line, task->output);
}

/* On a terminal progress is on the same screen: it goes before anything is printed, and comes back with the
 * next bytes. */
static void on_snapshot(void *context, const struct rf_imported *imported) {
    struct rf_task *task = context;
    char digest[RF_SHORT_DIGEST], bytes[RF_UNITS_TEXT];
    bool is_new = imported->fate == RF_IMPORT_NEW || imported->fate == RF_IMPORT_MENDED;
    if (task->settings->json) {
        print_line(task, imported);
    } else if (rf_task_for_people(task) && (is_new || task->settings->verbose)) {
        rf_output_printf(task->output, "snapshot %" PRIu64 "  %s  %s", imported->name.number,
                         rf_short_digest(imported->name.digest, digest), fates[imported->fate]);
        rf_output_printf(task->output, is_new ? ", %s\n" : "\n",
                         rf_units_bytes(imported->bytes, bytes));
    }
}

static void fill_summary(struct rf_task *task, const struct rf_import_result *result) {
    struct rf_json *summary = &task->summary;
    char source[RF_UUID_TEXT];
    rf_json_text(summary, "source",
                 result->head_known ? rf_uuid_text(result->source, source) : NULL);
    rf_json_count(summary, "imported", result->imported);
    rf_json_count(summary, "already_there", result->there);
    rf_json_count(summary, "mended", result->mended);
    rf_json_count(summary, "passed_over", result->passed);
    rf_json_count(summary, "archives", result->archives);
    rf_json_count(summary, "bytes", result->bytes);
    rf_json_snapshot(summary, "newest", result->newest.number);
}

static void tell(struct rf_task *task, const struct rf_import_result *result, double seconds) {
    char snapshots[RF_UNITS_TEXT], bytes[RF_UNITS_TEXT], time[RF_UNITS_TEXT];
    if (!rf_task_for_people(task)) {
        return;
    }
    rf_units_seconds(seconds, time);
    if (result->imported + result->mended > 0) {
        rf_output_printf(task->output, "%s %s, %s, %s",
                         rf_units_count(result->imported + result->mended, "snapshot", snapshots),
                         result->mended > 0 ? "imported or mended" : "imported",
                         rf_units_bytes(result->bytes, bytes), time);
    } else {
        rf_output_printf(task->output, "nothing new in the stream, %s", time);
    }
    if (result->there + result->passed > 0) {
        rf_output_printf(task->output, "; %s already there",
                         rf_units_count(result->there + result->passed, "snapshot", snapshots));
    }
    rf_output_printf(task->output, "\n");
}

static enum rf_code run(struct rf_task *task, struct rf_pipe *pipe, struct rf_error *error) {
    struct timespec began;
    struct rf_import_result result;
    const struct rf_import_options options = {
        .path = task->settings->repo,
        .trust = task->keys.trust.count > 0 ? &task->keys.trust : NULL,
        .stop = task->stop,
        .get = rf_pipe_get,
        .get_context = pipe,
        .progress = on_progress,
        .snapshot = on_snapshot,
        .context = task,
    };
    clock_gettime(CLOCK_MONOTONIC, &began);
    rf_pipe_widen(pipe);
    rf_progress_phase(task->progress, "import");
    enum rf_code code = rf_import(rf_io_posix(), &options, &result, error);
    rf_progress_phase(task->progress, NULL);
    fill_summary(task, &result);
    if (code == RF_OK) {
        tell(task, &result, rf_seconds_since(&began));
    }
    return code;
}

static enum rf_code import_standard_input(struct rf_task *task, struct rf_error *error) {
    struct rf_pipe pipe = {.fd = STDIN_FILENO, .name = "standard input", .stop = task->stop};
    if (isatty(STDIN_FILENO)) {
        rf_fail(error, RF_USAGE, "a stream is not read from a terminal");
        rf_hint(error, "pipe `rowferry export` into it, or name a file.");
        return RF_USAGE;
    }
    return run(task, &pipe, error);
}

static enum rf_code import_file(struct rf_task *task, struct rf_error *error) {
    struct rf_pipe pipe = {.name = task->operand, .stop = task->stop};
    struct stat status;
    pipe.fd = open(task->operand, O_RDONLY | O_CLOEXEC);
    if (pipe.fd < 0) {
        return rf_fail_errno(error, errno, "cannot open %s", task->operand);
    }
    enum rf_code code = RF_OK;
    if (fstat(pipe.fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        rf_fail(error, RF_USAGE, "%s is a folder", task->operand);
        rf_hint(error, "a repository that was copied is used as it is; import takes what "
                       "`rowferry export` wrote.");
        code = RF_USAGE;
    }
    (void)!posix_fadvise(pipe.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (code == RF_OK) {
        code = run(task, &pipe, error);
    }
    close(pipe.fd);
    return code;
}

enum rf_code rf_command_import(struct rf_task *task, struct rf_error *error) {
    return strcmp(task->operand, "-") == 0 ? import_standard_input(task, error)
                                           : import_file(task, error);
}
