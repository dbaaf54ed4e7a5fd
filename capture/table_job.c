#include "capture/table_job.h"

#include <stdio.h>
#include <time.h>

#define REPORT_EVERY_MS 250

enum rf_code rf_job_parent_rows(struct rf_table_job *job, struct rf_parent_rows **rows,
                                struct rf_error *error) {
    const struct rf_repository *repository = job->settings->repository;
    if (job->parent_from_state) {
        return rf_parent_rows_from_state(repository, job->parent, false, rows, error);
    }
    enum rf_code code = rf_parent_rows_from_index(repository, job->parent, rows, error);
    if (code == RF_OK && !*rows) {
        job->index_missing = true;
        code = rf_fail(error, RF_CORRUPT, "the index of table \"%.200s\" is gone",
                       job->child->table.name);
    }
    return code;
}

enum rf_code rf_job_index_code(struct rf_table_job *job, enum rf_code code) {
    job->index_damaged |= code == RF_CORRUPT;
    return code;
}

enum rf_code rf_job_old_rows(struct rf_table_job *job, struct rf_parent_rows *rows,
                             const struct rf_keyed_rows **stretch, struct rf_error *error) {
    enum rf_code code = rf_parent_rows_next(rows, stretch, error);
    return rf_parent_rows_index(rows) ? rf_job_index_code(job, code) : code;
}

static bool is_known(void *context, struct rf_hash identity) {
    return rf_index_find(context, identity) != RF_INDEX_NONE;
}

static void tell_refused(struct rf_table_job *job, const char *why) {
    if (why && job->options->note && !job->refused_told) {
        char message[512];
        snprintf(message, sizeof message, "table \"%.200s\" is read through SQLite: %.200s",
                 job->child->table.name, why);
        job->options->note(job->options->context, message);
    }
    job->refused_told = true;
}

enum rf_code rf_job_feed(struct rf_table_job *job, struct rf_index_reader *index,
                         struct rf_row_feed **feed, struct rf_error *error) {
    const struct rf_row_feed_options options = {
        .source = job->source,
        .table = &job->child->table,
        .pages = !job->through_sqlite,
        .jobs = job->options->jobs,
        .known = index ? is_known : NULL,
        .context = index,
    };
    enum rf_code code = job->open_feed(&options, feed, error);
    if (code == RF_OK) {
        tell_refused(job, rf_row_feed_refused(*feed));
    }
    return code;
}

enum rf_code rf_job_new_rows(struct rf_table_job *job, struct rf_row_feed *feed,
                             const struct rf_piece **piece, struct rf_error *error) {
    enum rf_code code = rf_row_feed_next(feed, piece, error);
    if (code == RF_OK) {
        job->rows_done += *piece ? (*piece)->rows : 0;
        job->bytes_done += *piece && (*piece)->rows > 0 ? (*piece)->starts[(*piece)->rows] : 0;
        return rf_job_report(job, error);
    }
    const char *unusual = rf_row_feed_unusual(feed);
    if (unusual) {
        snprintf(job->unusual, sizeof job->unusual, "%s", unusual);
    }
    return code;
}

static uint64_t news(uint64_t done, uint64_t *told) {
    uint64_t more = done > *told ? done - *told : 0;
    *told += more;
    return more;
}

void rf_job_tell(struct rf_table_job *job, enum rf_watch_state state, int64_t expected) {
    const struct rf_watch_table told = {
        .part = RF_WATCH_CAPTURE,
        .table = job->child->table.name,
        .state = state,
        .expected = expected,
        .rows = news(job->rows_done, &job->rows_told),
        .bytes = news(job->bytes_done, &job->bytes_told),
    };
    rf_watch_table(job->options->watch, &told);
}

enum rf_code rf_job_report(struct rf_table_job *job, struct rf_error *error) {
    int signal = atomic_load(job->options->stop);
    if (signal != 0) {
        return rf_fail(error, RF_INTERRUPTED, "stopped by signal %d", signal);
    }
    rf_job_tell(job, RF_WATCH_AS_BEFORE, 0);
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
