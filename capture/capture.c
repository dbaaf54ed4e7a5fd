/* A capture from beginning to end: open the source, read its schema, go through the tables, and
 * publish what is new, if anything is. */
#include "capture/capture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/capture_run.h"
#include "capture/lineage.h"
#include "capture/schema.h"
#include "capture/standing.h"
#include "capture/table_capture.h"
#include "capture/table_order.h"
#include "format/whole.h"

#define LEVEL_DEFAULT 3

struct run {
    struct rf_repository *repository;
    const struct rf_capture_options *options;
    struct rf_capture_result *result;
    struct rf_pool *pool;
    struct rf_source *source;
    struct rf_selection selection;
    struct rf_standing standing;
    struct rf_manifest parent; /* table_count 0 and snapshot 0 where there is none */
    struct rf_manifest *child; /* the result's */
    struct rf_pending_list pending;
    struct rf_index_list indexes;
    struct rf_outlet_settings settings;
    struct rf_scratch scratch;
    enum rf_code (*open_feed)(const struct rf_row_feed_options *options, struct rf_row_feed **feed,
                              struct rf_error *error);
    struct rf_index_repairs repairs;
    uint64_t *expected; /* rows of each table, for whoever looks on; NULL: nobody does */
    double start;
    int64_t last_report_ms;
};

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void rf_capture_result_release(struct rf_capture_result *result) {
    for (uint32_t i = 0; i < result->table_count; i++) {
        free(result->tables[i].name);
    }
    free(result->tables);
    rf_manifest_release(&result->manifest);
    *result = (struct rf_capture_result){0};
}

/* ---- before the tables ---- */

/* A copy under way is no ground to build on: what is still to come would be another history. */
static enum rf_code load_parent(struct run *run, struct rf_error *error) {
    const struct rf_snapshot_name *newest = rf_repository_newest(run->repository);
    if (!newest) {
        return rf_whole_headless(run->repository, error);
    }
    run->result->snapshot = *newest;
    struct rf_whole whole;
    enum rf_code code = rf_repository_load(run->repository, newest, &run->parent, error);
    if (code == RF_OK) {
        code = rf_whole_of(run->repository, newest, &run->parent, &whole, error);
    }
    return code == RF_OK && whole.missing > 0 ? rf_whole_refuse(run->repository, &whole, error)
                                              : code;
}

static enum rf_code begin_manifest(struct run *run, struct rf_error *error) {
    struct rf_manifest *child = run->child;
    child->snapshot = run->parent.snapshot + 1;
    child->parent = run->parent.snapshot;
    if (run->parent.snapshot > 0) {
        child->parent_digest = run->result->snapshot.digest;
        memcpy(child->parent_sha256, run->parent.sha256, sizeof child->parent_sha256);
    }
    memcpy(child->source, rf_repository_source(run->repository), sizeof child->source);
    child->writer = strdup("rowferry " RF_VERSION);
    if (!child->writer) {
        return rf_fail_memory(error);
    }
    enum rf_code code = rf_schema_read(run->source, &run->selection, child, error);
    if (code == RF_OK && run->parent.snapshot > 0 && !run->options->same_source) {
        code = rf_lineage_check(&run->parent, child, error);
    }
    return code;
}

static enum rf_code open_both(struct run *run, struct rf_error *error) {
    struct rf_source_options source = {
        .database = run->options->database,
        .busy_timeout_ms = run->options->busy_timeout_ms,
        .stop = run->options->stop,
    };
    enum rf_code code = rf_source_open(&source, &run->source, error);
    if (code == RF_OK) {
        rf_standing_take(run->source, &run->standing);
        code = load_parent(run, error);
    }
    return code;
}

static bool has_not_moved(const struct run *run) {
    return run->parent.snapshot > 0 && !run->options->through_sqlite &&
           rf_standing_is_of(&run->standing, run->repository, &run->selection,
                             &run->result->snapshot);
}

static enum rf_code prepare(struct run *run, const struct rf_capture_limits *limits,
                            struct rf_error *error) {
    enum rf_code code = begin_manifest(run, error);
    if (code == RF_OK) {
        code = rf_pool_new(run->options->jobs, &run->pool, error);
    }
    if (code == RF_OK) {
        rf_pool_watch(run->pool, run->options->watch);
    }
    run->settings = (struct rf_outlet_settings){
        .repository = run->repository,
        .pool = run->pool,
        .level = run->options->level ? run->options->level : LEVEL_DEFAULT,
        .snapshot = run->child->snapshot,
        .dry_run = run->options->dry_run,
        .pending = &run->pending,
        .indexes = &run->indexes,
        .index_least = limits->index_least,
    };
    run->scratch = limits->scratch;
    run->open_feed = limits->open_feed;
    run->scratch.io = rf_repository_io(run->repository);
    run->scratch.folder = rf_repository_tmp(run->repository);
    return code;
}

/* ---- the tables ---- */

static void add_to_total(struct rf_capture_table *total, const struct rf_capture_table *table) {
    total->scanned += table->scanned;
    total->unchanged += table->unchanged;
    total->inserted += table->inserted;
    total->updated += table->updated;
    total->deleted += table->deleted;
    total->moved += table->moved;
    total->rows += table->rows;
    total->bytes += table->bytes;
}

static enum rf_code report_at(struct run *run, uint32_t place, const char *name,
                              const struct rf_capture_table *found, struct rf_error *error) {
    struct rf_capture_result *result = run->result;
    struct rf_capture_table *table = &result->tables[place];
    *table = *found;
    table->name = strdup(name);
    if (!table->name) {
        return rf_fail_memory(error);
    }
    add_to_total(&result->total, table);
    return RF_OK;
}

static enum rf_code report(struct run *run, const char *name, const struct rf_capture_table *found,
                           struct rf_error *error) {
    return report_at(run, run->result->table_count++, name, found, error);
}

/* As many rows as the parent snapshot has of a table; of a new one, as many as it looks like. */
static void expect_rows(struct run *run) {
    if (!run->options->through_sqlite) {
        rf_table_guess_rows(run->source, run->child, run->expected);
    }
    for (uint32_t i = 0; i < run->child->table_count; i++) {
        const struct rf_table *table = &run->child->tables[i].table;
        const struct rf_manifest_table *parent = rf_manifest_find(&run->parent, table->name);
        if (parent && rf_table_same_rows(&parent->table, table)) {
            run->expected[i] = parent->digest.rows;
        }
    }
}

static void announce(struct run *run) {
    run->expected = run->options->watch
                        ? calloc((size_t)run->child->table_count + 1, sizeof *run->expected)
                        : NULL;
    if (!run->expected) {
        return;
    }
    expect_rows(run);
    for (uint32_t i = 0; i < run->child->table_count; i++) {
        const struct rf_watch_table told = {
            .part = RF_WATCH_CAPTURE,
            .table = run->child->tables[i].table.name,
            .state = RF_WATCH_WAITING,
            .expected = (int64_t)run->expected[i],
        };
        rf_watch_table(run->options->watch, &told);
    }
}

static void tell_begun(const struct run *run, struct rf_table_job *job) {
    rf_watch_worker(run->options->watch, RF_WATCH_CAPTURE, 0, "reads", job->child->table.name);
    rf_job_tell(job, RF_WATCH_ROWS, 0);
}

/* What was expected wrongly is set right. */
static void tell_done(const struct run *run, struct rf_table_job *job) {
    uint64_t expected = run->expected ? run->expected[job->child - run->child->tables] : 0;
    uint64_t reached = job->rows_done > job->rows_told ? job->rows_done : job->rows_told;
    rf_job_tell(job, RF_WATCH_DONE, (int64_t)(reached - expected));
    rf_watch_worker(run->options->watch, RF_WATCH_CAPTURE, 0, NULL, NULL);
}

static enum rf_code capture_table(struct run *run, struct rf_manifest_table *child,
                                  struct rf_error *error) {
    const struct rf_manifest_table *parent = rf_manifest_find(&run->parent, child->table.name);
    struct rf_table_job job = {
        .source = run->source,
        .options = run->options,
        .settings = &run->settings,
        .scratch = &run->scratch,
        .open_feed = run->open_feed,
        .parent = parent && rf_table_same_rows(&parent->table, &child->table) ? parent : NULL,
        .child = child,
        .last_report_ms = &run->last_report_ms,
    };
    double start = now_seconds();
    tell_begun(run, &job);
    enum rf_code code = rf_job_report(&job, error);
    if (code == RF_OK) {
        code = rf_table_capture(&job, &run->repairs, error);
    }
    tell_done(run, &job);
    if (code != RF_OK) {
        return code;
    }
    struct rf_capture_table found = {
        .scanned = child->digest.rows,
        .unchanged = child->digest.rows - child->inserted - child->updated - child->moved,
        .inserted = child->inserted,
        .updated = child->updated,
        .deleted = child->deleted,
        .moved = child->moved,
        .rows = child->digest.rows,
        .bytes = job.bytes,
        .seconds = now_seconds() - start,
    };
    run->child->bytes += job.bytes;
    return report_at(run, (uint32_t)(child - run->child->tables), child->table.name, &found, error);
}

static bool is_waited_for(const struct run *run) {
    return run->options->begun && !run->options->dry_run;
}

static enum rf_code choose_order(struct run *run, uint32_t *order, struct rf_error *error) {
    if (is_waited_for(run) && !run->options->through_sqlite) {
        return rf_table_order(run->source, run->child, run->parent.snapshot == 0, order, error);
    }
    for (uint32_t i = 0; i < run->child->table_count; i++) {
        order[i] = i;
    }
    return RF_OK;
}

/* Whoever wants a table early opens its archives where they belong. */
static enum rf_code hand_over(struct run *run, uint32_t table, uint32_t first_pending,
                              struct rf_error *error) {
    const struct rf_capture_options *options = run->options;
    if (!is_waited_for(run)) {
        return RF_OK;
    }
    enum rf_code code = rf_repository_settle(run->repository, run->pending.archives + first_pending,
                                             run->pending.count - first_pending, error);
    if (code == RF_OK) {
        options->table_done(options->context, table);
    }
    return code;
}

/* Tables that the parent had: dropped, or no longer asked for. */
static enum rf_code report_gone(struct run *run, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < run->parent.table_count; i++) {
        const struct rf_manifest_table *table = &run->parent.tables[i];
        if (!rf_manifest_find(run->child, table->table.name)) {
            struct rf_capture_table found = {.deleted = table->digest.rows};
            code = report(run, table->table.name, &found, error);
        }
    }
    return code;
}

static enum rf_code capture_tables(struct run *run, struct rf_error *error) {
    size_t most = (size_t)run->child->table_count + run->parent.table_count;
    run->result->tables = calloc(most + 1, sizeof *run->result->tables);
    if (!run->result->tables) {
        return rf_fail_memory(error);
    }
    run->result->table_count = run->child->table_count;
    uint32_t *order = calloc((size_t)run->child->table_count + 1, sizeof *order);
    enum rf_code code = order ? choose_order(run, order, error) : rf_fail_memory(error);
    if (code == RF_OK && is_waited_for(run)) {
        run->options->begun(run->options->context, run->child);
    }
    announce(run);
    for (uint32_t i = 0; code == RF_OK && i < run->child->table_count; i++) {
        uint32_t pending = run->pending.count;
        code = capture_table(run, &run->child->tables[order[i]], error);
        if (code == RF_OK) {
            code = hand_over(run, order[i], pending, error);
        }
    }
    free(order);
    return code == RF_OK ? report_gone(run, error) : code;
}

/* ---- a source that has not moved ---- */

static void note_standstill(const struct run *run) {
    if (run->options->note) {
        char message[128];
        snprintf(message, sizeof message,
                 "the database has not been written to since snapshot %" PRIu64
                 "; its rows were not read",
                 run->parent.snapshot);
        run->options->note(run->options->context, message);
    }
}

/* All tables are as they are in the parent. */
static enum rf_code report_standstill(struct run *run, struct rf_error *error) {
    note_standstill(run);
    run->result->tables = calloc((size_t)run->parent.table_count + 1, sizeof *run->result->tables);
    if (!run->result->tables) {
        return rf_fail_memory(error);
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < run->parent.table_count; i++) {
        const struct rf_manifest_table *table = &run->parent.tables[i];
        uint64_t rows = table->digest.rows;
        struct rf_capture_table found = {.scanned = rows, .unchanged = rows, .rows = rows};
        code = report(run, table->table.name, &found, error);
    }
    return code;
}

/* ---- the end ---- */

static enum rf_code publish(struct run *run, struct rf_error *error) {
    run->child->duration_us = (uint64_t)((now_seconds() - run->start) * 1e6);
    struct rf_snapshot_name name;
    enum rf_code code = rf_repository_publish(run->repository, run->child, run->pending.archives,
                                              run->pending.count, &name, error);
    if (code == RF_OK) {
        run->result->snapshot = name;
        run->result->published = true;
    }
    return code;
}

static enum rf_code finish(struct run *run, struct rf_error *error) {
    bool differs = true;
    enum rf_code code = rf_source_settled(run->source, error);
    if (code == RF_OK && run->parent.snapshot > 0) {
        code = rf_lineage_differs(&run->parent, run->child, &differs, error);
    }
    if (code == RF_OK) {
        rf_standing_settle(run->source, &run->standing);
    }
    if (code == RF_OK && differs && !run->options->dry_run) {
        /* Writers of the source, and its WAL, need not wait for our disk. */
        rf_source_close(run->source);
        run->source = NULL;
        code = publish(run, error);
    }
    if (code == RF_OK && !run->options->dry_run) {
        bool tidy = rf_index_list_publish(&run->indexes, run->repository);
        tidy &= rf_index_sweep(run->repository, run->child);
        if (tidy) { /* else the next capture is to look at the tables again */
            rf_standing_remember(&run->standing, run->repository, &run->selection,
                                 &run->result->snapshot);
        }
    }
    return code;
}

static void release(struct run *run) {
    rf_source_close(run->source);
    rf_pool_free(run->pool);
    rf_manifest_release(&run->parent);
    rf_pending_release(&run->pending);
    rf_index_list_release(&run->indexes);
    rf_standing_release(&run->standing);
    free(run->expected);
}

static enum rf_code capture_all(struct run *run, const struct rf_capture_limits *limits,
                                struct rf_error *error) {
    enum rf_code code = prepare(run, limits, error);
    if (code == RF_OK) {
        code = capture_tables(run, error);
    }
    return code == RF_OK ? finish(run, error) : code;
}

enum rf_code rf_capture_run(struct rf_repository *repository,
                            const struct rf_capture_options *options,
                            const struct rf_capture_limits *limits,
                            struct rf_capture_result *result, struct rf_error *error) {
    struct run run = {
        .repository = repository,
        .options = options,
        .result = result,
        .selection = {options->include, options->exclude, options->shadow},
        .start = now_seconds(),
    };
    *result = (struct rf_capture_result){0};
    run.child = &result->manifest;
    enum rf_code code = open_both(&run, error);
    if (code == RF_OK) {
        code =
            has_not_moved(&run) ? report_standstill(&run, error) : capture_all(&run, limits, error);
    }
    if (!result->published) {
        rf_repository_discard(repository, run.pending.archives, run.pending.count);
    }
    rf_index_list_discard(&run.indexes, repository, 0);
    result->index_rebuilt = run.repairs.count;
    result->index_seconds = run.repairs.seconds;
    result->total.seconds = now_seconds() - run.start;
    release(&run);
    return code;
}

enum rf_code rf_capture(struct rf_repository *repository, const struct rf_capture_options *options,
                        struct rf_capture_result *result, struct rf_error *error) {
    const struct rf_capture_limits limits = {
        .scratch = {.spill_bytes = RF_SCRATCH_SPILL_BYTES,
                    .sort_bytes = RF_SCRATCH_SORT_BYTES,
                    .fan_in = RF_SCRATCH_FAN_IN,
                    .window = RF_SCRATCH_WINDOW},
        .index_least = {RF_INDEX_LEAST_ROWS, RF_INDEX_LEAST_BYTES},
        .open_feed = rf_row_feed_open,
    };
    return rf_capture_run(repository, options, &limits, result, error);
}
