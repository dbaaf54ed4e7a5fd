/* rowferry prune: drops snapshots that no rule keeps, and folds what is kept over them. */
#include "format/prune.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/prune_policy.h"
#include "replay/replay.h"
#include "tools/grid.h"
#include "tools/message.h"
#include "tools/stores.h"
#include "tools/task.h"
#include "tools/trust.h"
#include "tools/units.h"

struct pruning {
    struct rf_task *task;
    struct rf_repository *repository;
    uint32_t count;
    struct rf_prune_mark *marks;
    struct rf_prune_fate *fates;
    char *rehearsal;    /* a folder that goes away again; NULL: in earnest */
    atomic_ullong rows; /* passed so far */
};

static void pruning_release(struct pruning *pruning) {
    free(pruning->marks);
    free(pruning->fates);
    free(pruning->rehearsal);
}

/* ---- what is there ---- */

static enum rf_code read_times(struct pruning *pruning, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < pruning->count; i++) {
        const struct rf_snapshot_name *name = rf_repository_snapshot(pruning->repository, i);
        struct rf_manifest manifest = {0};
        code = rf_task_check_stop(pruning->task, error);
        if (code == RF_OK) {
            code = rf_repository_load(pruning->repository, name, &manifest, error);
        }
        pruning->marks[i] =
            (struct rf_prune_mark){.snapshot = name->number, .time_us = manifest.time_us};
        rf_manifest_release(&manifest);
    }
    return code;
}

/* ---- where targets stand ---- */

static enum rf_code fail_foreign(const struct pruning *pruning,
                                 const struct rf_target_status *status, struct rf_error *error) {
    char theirs[RF_UUID_TEXT], ours[RF_UUID_TEXT];
    rf_fail(error, RF_MISPLACED, "the target is fed by another source; nothing was pruned");
    rf_detail(error, "the target's: %s, this repository's: %s",
              rf_uuid_text(status->source, theirs),
              rf_uuid_text(rf_repository_source(pruning->repository), ours));
    rf_hint(error, "name the targets that this repository feeds, with the right --schema.");
    return RF_MISPLACED;
}

static enum rf_code fail_parted(const struct rf_target_status *status, struct rf_error *error) {
    rf_fail(error, RF_MISPLACED,
            "the target's snapshot %" PRIu64 " is not the repository's; nothing was pruned",
            status->snapshot);
    rf_hint(error, "the two histories parted; name the repository that feeds the target.");
    return RF_MISPLACED;
}

/* What a target stands at, or is being loaded with, is kept; the archives that a load goes by, too. A load
 * that began beside the capture of its snapshot may not know the digest yet. */
static enum rf_code protect(struct pruning *pruning, const struct rf_target_status *status,
                            struct rf_error *error) {
    if (status->state == RF_TARGET_NONE) {
        return RF_OK;
    }
    if (memcmp(status->source, rf_repository_source(pruning->repository), RF_SOURCE_ID_SIZE) != 0) {
        return fail_foreign(pruning, status, error);
    }
    for (uint32_t i = 0; i < pruning->count; i++) {
        const struct rf_snapshot_name *name = rf_repository_snapshot(pruning->repository, i);
        if (name->number != status->snapshot) {
            continue;
        }
        bool named = status->state == RF_TARGET_READY || !rf_hash_is_zero(status->digest);
        if (named && !rf_hash_equal(name->digest, status->digest)) {
            return fail_parted(status, error);
        }
        pruning->marks[i].reasons |= UINT32_C(1) << RF_KEEP_TARGET;
        pruning->fates[i].pinned = status->state == RF_TARGET_LOADING;
        return RF_OK;
    }
    if (!pruning->task->settings->quiet) {
        char text[128];
        snprintf(text, sizeof text,
                 "a target stands at snapshot %" PRIu64 ", which is not in the repository",
                 status->snapshot);
        rf_message_warning(text);
    }
    return RF_OK;
}

static enum rf_code ask(struct pruning *pruning, const char *conninfo, struct rf_error *error) {
    struct rf_target_options options;
    struct rf_target_status status = {0};
    rf_task_target_options(pruning->task, &options);
    options.conninfo = conninfo;
    enum rf_code code = rf_target_status(&options, &status, error);
    if (code != RF_OK) {
        rf_while(error, "while asking a target where it stands; nothing was pruned");
        return code;
    }
    return protect(pruning, &status, error);
}

static enum rf_code ask_store(struct rf_task *task, struct rf_json *summary, void *context,
                              struct rf_error *error) {
    (void)summary;
    return ask(context, task->database->conninfo, error);
}

static enum rf_code ask_targets(struct pruning *pruning, struct rf_error *error) {
    struct rf_task *task = pruning->task;
    const struct rf_settings *settings = task->settings;
    const char *const one[] = {settings->target, NULL};
    const char *const *targets = settings->targets ? settings->targets : one;
    if (rf_stores_are_several(task)) {
        return rf_stores_each(task, RF_STORES_UNTIL_FAILURE, &task->summary, ask_store, pruning,
                              error);
    }
    enum rf_code code = RF_OK;
    for (; code == RF_OK && *targets; targets++) {
        code = ask(pruning, *targets, error);
    }
    return code;
}

/* ---- telling ---- */

static void print_line(struct pruning *pruning, uint32_t place) {
    const struct rf_prune_mark *mark = &pruning->marks[place];
    char time[RF_UNITS_TEXT], text[RF_KEEP_TEXT];
    struct rf_json line = rf_json_begin("snapshot");
    struct rf_json reasons = rf_json_array();
    for (unsigned reason = 0; reason < RF_KEEPS; reason++) {
        if (mark->reasons >> reason & 1) {
            rf_json_append_text(&reasons, rf_keep_text(mark, (enum rf_keep)reason, text));
        }
    }
    rf_json_count(&line, "snapshot", mark->snapshot);
    rf_json_hash(&line, "digest", rf_repository_snapshot(pruning->repository, place)->digest);
    rf_json_text(&line, "time", rf_units_iso8601(mark->time_us, time));
    rf_json_bool(&line, "keep", mark->reasons != 0);
    rf_json_put(&line, "reasons", &reasons);
    rf_json_print(&line, pruning->task->output);
}

static void add_row(struct rf_grid *grid, const struct pruning *pruning, uint32_t place) {
    const struct rf_prune_mark *mark = &pruning->marks[place];
    char time[RF_UNITS_TEXT], text[RF_KEEP_TEXT], digest[RF_SHORT_DIGEST];
    char reasons[RF_KEEPS * RF_KEEP_TEXT] = "";
    size_t used = 0;
    for (unsigned reason = 0; reason < RF_KEEPS; reason++) {
        if (mark->reasons >> reason & 1) {
            used += (size_t)snprintf(reasons + used, sizeof reasons - used, "%s%s",
                                     used > 0 ? ", " : "",
                                     rf_keep_text(mark, (enum rf_keep)reason, text));
        }
    }
    rf_grid_number(grid, mark->snapshot);
    rf_grid_text(
        grid, "%s",
        rf_short_digest(rf_repository_snapshot(pruning->repository, place)->digest, digest));
    rf_grid_text(grid, "%s", rf_units_time(mark->time_us, time));
    rf_grid_text(grid, "%s", mark->reasons ? "keep" : "drop");
    rf_grid_text(grid, "%s", used > 0 ? reasons : "-");
}

static void list(struct pruning *pruning) {
    static const struct rf_grid_column columns[] = {
        {"snapshot", true}, {"digest", false}, {"time", false}, {"", false}, {"because", false}};
    struct rf_task *task = pruning->task;
    for (uint32_t i = 0; task->settings->json && i < pruning->count; i++) {
        print_line(pruning, i);
    }
    if (!rf_task_for_people(task) || !(task->settings->dry_run || task->settings->verbose)) {
        return;
    }
    struct rf_grid *grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < pruning->count; i++) {
        add_row(grid, pruning, i);
    }
    rf_grid_print(grid, task->output);
    rf_grid_free(grid);
}

static void print_end(struct pruning *pruning, const struct rf_prune_result *result) {
    char kept[RF_UNITS_TEXT], removed[RF_UNITS_TEXT], written[RF_UNITS_TEXT];
    bool dry_run = pruning->task->settings->dry_run;
    struct rf_output *out = pruning->task->output;
    rf_output_printf(out, "%s%s kept, %" PRIu32 " dropped: %s removed, %s written in their place\n",
                     dry_run ? "dry run: nothing was changed; it would be: " : "",
                     rf_units_count(result->kept, "snapshot", kept), result->dropped,
                     rf_units_bytes(result->bytes_removed, removed),
                     rf_units_bytes(result->bytes_written, written));
}

static void fill_summary(const struct rf_prune_result *result, struct rf_json *summary) {
    rf_json_count(summary, "kept", result->kept);
    rf_json_count(summary, "dropped", result->dropped);
    rf_json_count(summary, "folded", result->folded);
    rf_json_count(summary, "archives_removed", result->archives_removed);
    rf_json_count(summary, "archives_written", result->archives_written);
    rf_json_count(summary, "bytes_removed", result->bytes_removed);
    rf_json_count(summary, "bytes_written", result->bytes_written);
    rf_json_integer(summary, "bytes_freed",
                    (int64_t)result->bytes_removed - (int64_t)result->bytes_written);
}

/* ---- a rehearsal ---- */

static enum rf_code make_rehearsal(struct pruning *pruning, struct rf_error *error) {
    const char *parent = getenv("TMPDIR");
    if (asprintf(&pruning->rehearsal, "%s/rowferry-XXXXXX", parent && *parent ? parent : "/tmp") <
        0) {
        pruning->rehearsal = NULL;
        return rf_fail_memory(error);
    }
    if (mkdtemp(pruning->rehearsal)) {
        return RF_OK;
    }
    enum rf_code code =
        rf_fail_errno(error, errno, "cannot make a temporary folder %s", pruning->rehearsal);
    free(pruning->rehearsal);
    pruning->rehearsal = NULL;
    return code;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    remove(path);
    return 0;
}

/* ---- the run ---- */

static void on_rows(void *context, const char *table, uint64_t rows) {
    struct pruning *pruning = context;
    uint64_t done = atomic_fetch_add(&pruning->rows, rows) + rows;
    rf_task_on_progress(pruning->task, table, done, 0);
}

static enum rf_code carry_out(struct pruning *pruning, struct rf_prune_result *result,
                              struct rf_error *error) {
    struct rf_task *task = pruning->task;
    for (uint32_t i = 0; i < pruning->count; i++) {
        pruning->fates[i].keep = pruning->marks[i].reasons != 0;
    }
    struct rf_prune_options options = {.fates = pruning->fates,
                                       .rehearsal = pruning->rehearsal,
                                       .jobs = task->settings->jobs,
                                       .stop = task->stop,
                                       .progress = task->progress ? on_rows : NULL,
                                       .context = pruning};
    rf_progress_phase(task->progress, "prune");
    enum rf_code code = rf_prune(pruning->repository, &options, result, error);
    rf_progress_phase(task->progress, NULL);
    return code;
}

static enum rf_code prepare(struct pruning *pruning, struct rf_error *error) {
    const struct rf_settings *settings = pruning->task->settings;
    pruning->count = rf_repository_count(pruning->repository);
    pruning->marks = calloc((size_t)pruning->count + 1, sizeof *pruning->marks);
    pruning->fates = calloc((size_t)pruning->count + 1, sizeof *pruning->fates);
    if (!pruning->marks || !pruning->fates) {
        return rf_fail_memory(error);
    }
    enum rf_code code = read_times(pruning, error);
    if (code == RF_OK) {
        code = ask_targets(pruning, error);
    }
    if (code == RF_OK) {
        rf_prune_policy_apply(&settings->keep, pruning->marks, pruning->count);
        code = settings->dry_run ? make_rehearsal(pruning, error) : RF_OK;
    }
    return code;
}

static enum rf_code prune(struct pruning *pruning, struct rf_error *error) {
    struct rf_prune_result result = {0};
    enum rf_code code = prepare(pruning, error);
    if (code == RF_OK) {
        list(pruning);
        code = carry_out(pruning, &result, error);
    }
    if (pruning->rehearsal) {
        nftw(pruning->rehearsal, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    if (code == RF_OK && rf_task_for_people(pruning->task)) {
        print_end(pruning, &result);
    }
    if (code == RF_OK) {
        fill_summary(&result, &pruning->task->summary);
    }
    return code;
}

static enum rf_code no_rule(struct rf_error *error) {
    rf_fail(error, RF_USAGE, "rowferry prune is not told what to keep");
    rf_hint(error, "give one or more of --keep-last, --keep-hourly, --keep-daily, --keep-weekly, "
                   "--keep-monthly, --keep-yearly and --keep-within.");
    return RF_USAGE;
}

enum rf_code rf_command_prune(struct rf_task *task, struct rf_error *error) {
    struct pruning pruning = {.task = task};
    if (!rf_prune_policy_says(&task->settings->keep)) {
        return no_rule(error);
    }
    enum rf_code code =
        rf_trust_open(task, task->settings->dry_run ? RF_REPOSITORY_READ : RF_REPOSITORY_WRITE,
                      &pruning.repository, error);
    if (code == RF_OK) {
        code = prune(&pruning, error);
    }
    pruning_release(&pruning);
    rf_repository_close(pruning.repository);
    return code;
}
