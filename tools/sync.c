/* rowferry sync: capture, then replay of what was captured, under one lock of the repository. */
#include <stddef.h>

#include "tools/task.h"

/* A dry run of the second half can only tell what the snapshots that are there would do: the one
 * that the first half would make is not. */
static enum rf_code replay_half(struct rf_task *task, struct rf_repository *repository,
                                const struct rf_snapshot_name *snapshot, struct rf_error *error) {
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
    enum rf_code code = rf_trip_replay(task, repository, snapshot, &half, error);
    if (code == RF_OK) {
        rf_json_seconds(&half, "seconds", rf_seconds_since(&began));
        rf_json_put(&task->summary, "replay", &half);
    } else {
        rf_json_release(&half);
        rf_json_text(&task->summary, "replay", NULL);
    }
    return code;
}

enum rf_code rf_command_sync(struct rf_task *task, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    struct rf_place place;
    struct rf_snapshot_name snapshot = {0};
    struct rf_json half = rf_json_begin(NULL);
    enum rf_code code = rf_place_open(settings->repo, settings->dry_run, &place, error);
    if (code == RF_OK) {
        code = rf_trip_capture(task, &place, &half, &snapshot, error);
    }
    if (code == RF_OK) {
        rf_json_seconds(&half, "seconds", rf_seconds_since(&task->began));
        rf_json_put(&task->summary, "capture", &half);
        code = replay_half(task, place.repository, &snapshot, error);
    } else {
        rf_json_release(&half);
        rf_json_text(&task->summary, "capture", NULL);
        rf_json_text(&task->summary, "replay", NULL);
    }
    rf_place_close(&place);
    return code;
}
