#include "replay/run.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define PROGRESS_MS 250u

void rf_run_init(struct rf_run *run, const struct rf_target_options *options,
                 const struct rf_repository *repository) {
    run->options = options;
    run->repository = repository;
    run->guard = NULL;
    atomic_init(&run->give_up, false);
    atomic_init(&run->reported, 0);
    atomic_init(&run->expected, 0);
    atomic_init(&run->done, 0);
    run->part = RF_WATCH_REPLAY;
    pthread_mutex_init(&run->callbacks, NULL);
}

void rf_run_release(struct rf_run *run) {
    pthread_mutex_destroy(&run->callbacks);
}

enum rf_code rf_run_check(const struct rf_run *run, struct rf_error *error) {
    return rf_run_ends(run) ? rf_fail(error, RF_INTERRUPTED, "stopped before the end") : RF_OK;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void tell(struct rf_run *run, struct rf_watch_table *told) {
    told->part = run->part;
    rf_watch_table(run->options->watch, told);
}

void rf_run_expect(struct rf_run *run, uint64_t rows) {
    atomic_fetch_add(&run->expected, rows);
}

void rf_run_expect_of(struct rf_run *run, const char *table, uint64_t rows) {
    rf_run_expect(run, rows);
    tell(run, &(struct rf_watch_table){
                  .table = table, .state = RF_WATCH_WAITING, .expected = (int64_t)rows});
}

void rf_run_sent(struct rf_run *run, const char *table, uint64_t bytes) {
    tell(run, &(struct rf_watch_table){.table = table, .bytes = bytes});
}

void rf_run_reach(struct rf_run *run, const char *table, enum rf_watch_state state) {
    tell(run, &(struct rf_watch_table){.table = table, .state = state});
}

void rf_run_worker(struct rf_run *run, unsigned number, const char *doing, const char *table) {
    rf_watch_worker(run->options->watch, run->part, number, doing, table);
}

void rf_run_advance(struct rf_run *run, const char *table, uint64_t rows) {
    atomic_fetch_add(&run->done, rows);
    tell(run, &(struct rf_watch_table){.table = table, .rows = rows});
    if (!run->options->progress) {
        return;
    }
    uint64_t now = now_ms();
    uint_fast64_t last = atomic_load(&run->reported);
    if (now - last < PROGRESS_MS || !atomic_compare_exchange_strong(&run->reported, &last, now)) {
        return;
    }
    pthread_mutex_lock(&run->callbacks);
    run->options->progress(run->options->context, table, atomic_load(&run->done),
                           atomic_load(&run->expected));
    pthread_mutex_unlock(&run->callbacks);
}

RF_PRINTF(3, 0)
static void say(struct rf_run *run, void (*callback)(void *, const char *), const char *format,
                va_list args) {
    if (!callback) {
        return;
    }
    char message[1024];
    const char *store = run->options->store;
    int used = store ? snprintf(message, sizeof message, "store %.100s: ", store) : 0;
    vsnprintf(message + used, sizeof message - (size_t)used, format, args);
    pthread_mutex_lock(&run->callbacks);
    callback(run->options->context, message);
    pthread_mutex_unlock(&run->callbacks);
}

void rf_run_note(struct rf_run *run, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(run, run->options->note, format, args);
    va_end(args);
}

void rf_run_warn(struct rf_run *run, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(run, run->options->warn, format, args);
    va_end(args);
}

static bool matches(const char *const *globs, const char *name) {
    for (; *globs; globs++) {
        if (fnmatch(*globs, name, 0) == 0) {
            return true;
        }
    }
    return false;
}

/* Of a table that the stores share, or that is in this one. */
static bool belongs_here(const struct rf_target_options *options, const char *table) {
    return !options->others || !matches(options->others, table) ||
           (options->own && matches(options->own, table));
}

bool rf_run_selects(const struct rf_run *run, const char *table) {
    const struct rf_target_options *options = run->options;
    bool skipped = options->rules->existing &&
                   rf_rules_table(options->rules, table).standing_rows == RF_STANDING_SKIP;
    return !skipped && belongs_here(options, table) &&
           (!options->include || matches(options->include, table)) &&
           (!options->exclude || !matches(options->exclude, table));
}

bool rf_run_remakes(const struct rf_run *run, const char *table) {
    return run->options->remake && matches(run->options->remake, table);
}
