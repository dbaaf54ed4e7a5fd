#include "capture/table_job.h"

#include <time.h>

#define REPORT_EVERY_MS 250

enum rf_code rf_job_parent_rows(const struct rf_table_job *job, struct rf_parent_rows **rows,
                                struct rf_error *error) {
    const struct rf_repository *repository = job->settings->repository;
    return job->parent_from_state ? rf_parent_rows_from_state(repository, job->parent, rows, error)
                                  : rf_parent_rows_from_index(repository, job->parent, rows, error);
}

enum rf_code rf_job_report(struct rf_table_job *job, struct rf_error *error) {
    int signal = atomic_load(job->options->stop);
    if (signal != 0) {
        return rf_fail(error, RF_INTERRUPTED, "stopped by signal %d", signal);
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (job->options->progress && ms - *job->last_report_ms >= REPORT_EVERY_MS) {
        *job->last_report_ms = ms;
        job->options->progress(job->options->context, job->child->table.name, job->rows_done,
                               job->rows_expected);
    }
    return RF_OK;
}
