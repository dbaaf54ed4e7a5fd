/* rowferry sync: capture, then replay of what was captured, under one lock of the repository.
 *
 * A target that has nothing yet, or stands at the snapshot before, is written while the capture goes on,
 * by a thread of its own: table by table, as their archives come to stand. It shows nothing before the
 * snapshot is published. Any other target waits until the capture is over, and so do several. */
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "capture/capture.h"
#include "replay/growth.h"
#include "replay/replay.h"
#include "tools/final.h"
#include "tools/ready.h"
#include "tools/stores.h"
#include "tools/task.h"

/* The replay beside the capture. */
struct beside {
    struct rf_task *task;
    struct rf_repository *repository;
    struct rf_growth *growth; /* NULL: there is none */
    pthread_t thread;
    atomic_bool shown; /* its progress: not while that of the capture is */
    struct timespec began;
    double seconds;
    bool applied;
    enum rf_code code;
    struct rf_replay_result result;
    struct rf_error error;
};

static void on_progress(void *context, const char *table, uint64_t done, uint64_t expected) {
    struct beside *beside = context;
    if (atomic_load(&beside->shown)) {
        rf_progress_rows(beside->task->progress, table, done, expected);
    }
}

static void on_written(void *context, const struct rf_written *written) {
    const struct beside *beside = context;
    rf_task_on_written(beside->task, written);
}

static void *replay_beside(void *argument) {
    struct beside *beside = argument;
    struct rf_target_options options;
    rf_task_target_options(beside->task, &options);
    options.progress = options.progress ? on_progress : NULL;
    options.written = on_written;
    options.context = beside;
    rf_error_clear(&beside->error);
    beside->code = rf_replay_growing(beside->repository, &options, beside->growth, &beside->applied,
                                     &beside->result, &beside->error);
    beside->seconds = rf_seconds_since(&beside->began);
    return NULL;
}

/* Without a thread, or memory, the halves follow each other. */
static void start(struct beside *beside) {
    struct rf_task *task = beside->task;
    clock_gettime(CLOCK_MONOTONIC, &beside->began);
    bool apart = task->settings->dry_run || rf_stores_are_several(task);
    beside->growth = apart ? NULL : rf_growth_new();
    if (beside->growth && pthread_create(&beside->thread, NULL, replay_beside, beside) != 0) {
        rf_growth_free(beside->growth);
        beside->growth = NULL;
    }
    task->growth = beside->growth;
}

/* After the capture, which came to `snapshot`, or to nothing. */
static void join(struct beside *beside, const struct rf_snapshot_name *snapshot) {
    struct rf_task *task = beside->task;
    if (!beside->growth) {
        return;
    }
    rf_growth_end(beside->growth, snapshot);
    rf_progress_phase(task->progress, snapshot ? "replay" : NULL);
    atomic_store(&beside->shown, true);
    pthread_join(beside->thread, NULL);
    rf_progress_phase(task->progress, NULL);
    rf_growth_free(beside->growth);
    beside->growth = NULL;
    task->growth = NULL;
}

/* A dry run of the second half can only tell what the snapshots that are there would do: the one
 * that the first half would make is not. */
static enum rf_code replay_half(struct beside *beside, const struct rf_snapshot_name *snapshot,
                                struct rf_error *error) {
    struct rf_task *task = beside->task;
    if (snapshot->number == 0) {
        rf_json_text(&task->summary, "replay", NULL);
        return RF_OK;
    }
    if (rf_task_for_people(task)) {
        rf_output_printf(task->output, "\n");
        rf_output_flush(task->output); /* people see the first half while the second goes on */
    }
    struct rf_json half = rf_json_begin(NULL);
    struct timespec began;
    clock_gettime(CLOCK_MONOTONIC, &began);
    join(beside, snapshot);
    enum rf_code code = beside->code;
    double seconds = beside->seconds;
    if (code != RF_OK) {
        *error = beside->error;
    } else if (beside->applied) {
        rf_trip_tell_replay(task, beside->repository, snapshot, &beside->result, seconds, &half);
    } else {
        code = rf_trip_replay_all(task, beside->repository, snapshot, &half, error);
        seconds = rf_seconds_since(&began);
    }
    if (code == RF_OK || rf_stores_are_several(task)) {
        rf_json_seconds(&half, "seconds", seconds);
        rf_json_put(&task->summary, "replay", &half);
    } else {
        rf_json_release(&half);
        rf_json_text(&task->summary, "replay", NULL);
    }
    return code;
}

static enum rf_code both_halves(struct rf_task *task, const struct rf_place *place,
                                struct rf_snapshot_name *snapshot, struct rf_error *error) {
    struct rf_capture_result result = {0};
    struct beside beside = {.task = task, .repository = place->repository};
    struct rf_json half = rf_json_begin(NULL);
    start(&beside);
    enum rf_code code = rf_trip_capture(task, place, &half, &result, error);
    if (code == RF_OK) {
        rf_json_seconds(&half, "seconds", rf_seconds_since(&task->began));
        rf_json_put(&task->summary, "capture", &half);
        code = replay_half(&beside, &result.snapshot, error);
    } else {
        rf_json_release(&half);
        rf_json_text(&task->summary, "capture", NULL);
        rf_json_text(&task->summary, "replay", NULL);
    }
    join(&beside, NULL);
    *snapshot = result.snapshot;
    rf_replay_result_release(&beside.result);
    rf_capture_result_release(&result);
    return code;
}

/* What stands in the way of it is found first, with the source held if it is the last one. */
static enum rf_code trip(struct rf_task *task, const struct rf_place *place,
                         struct rf_error *error) {
    const struct rf_ready_place ready = {.database = task->operand,
                                         .repository = task->settings->repo,
                                         .empty = !rf_repository_newest(place->repository)};
    struct rf_write_lock *lock = NULL;
    struct rf_snapshot_name snapshot = {0};
    enum rf_code code = rf_final_begin(task, &lock, error);
    if (code == RF_OK) {
        code = rf_ready_run(task, &ready, error);
    }
    if (code == RF_OK) {
        code = both_halves(task, place, &snapshot, error);
    } else {
        rf_json_text(&task->summary, "capture", NULL);
        rf_json_text(&task->summary, "replay", NULL);
    }
    if (code == RF_OK) {
        code = rf_final_end(task, place->repository, &snapshot, lock, error);
    }
    rf_write_lock_release(lock);
    return code;
}

enum rf_code rf_command_sync(struct rf_task *task, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    struct rf_place place;
    enum rf_code code = rf_place_open(settings->repo, settings->dry_run, &place, error);
    if (code == RF_OK) {
        code = rf_trust_apply(task, place.repository, error);
    }
    if (code == RF_OK) {
        code = trip(task, &place, error);
    }
    rf_place_close(&place);
    return code;
}
