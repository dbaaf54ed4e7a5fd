/* What every part of one call of rf_replay or rf_compare shares: the options, the caller's
 * callbacks, and whether to go on.
 *
 * Any thread may use everything here. Two things end a run early: the caller's stop flag, and
 * rf_run_give_up, which the first thread to fail sets so that the others end at their next look. */
#ifndef RF_REPLAY_RUN_H
#define RF_REPLAY_RUN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"
#include "replay/replay.h"

struct rf_run {
    const struct rf_target_options *options;
    const struct rf_repository *repository;
    struct rf_guard *guard; /* what is known of others' writing (guard.h); NULL: nobody looks */
    atomic_bool give_up;
    pthread_mutex_t callbacks;     /* the caller is called by one thread at a time */
    atomic_uint_fast64_t reported; /* milliseconds of the last progress */
    atomic_uint_fast64_t expected; /* rows of the whole run, as far as known */
    atomic_uint_fast64_t done;
    enum rf_watch_part part; /* of what whoever looks on is told; a replay, unless set */
};

void rf_run_init(struct rf_run *run, const struct rf_target_options *options,
                 const struct rf_repository *repository);
void rf_run_release(struct rf_run *run);

static inline bool rf_run_ends(const struct rf_run *run) {
    return atomic_load(run->options->stop) != 0 || atomic_load(&run->give_up);
}
static inline void rf_run_give_up(struct rf_run *run) {
    atomic_store(&run->give_up, true);
}
/* After all other threads ended: what is left to be done may be. */
static inline void rf_run_go_on(struct rf_run *run) {
    atomic_store(&run->give_up, false);
}
/* RF_INTERRUPTED once the run is to end. */
RF_MUST_USE enum rf_code rf_run_check(const struct rf_run *run, struct rf_error *error);

/* More rows are to come; so many rows, of this table, are done. Progress is told of all tables
 * together, at most four times a second; the rest is dropped. */
void rf_run_expect(struct rf_run *run, uint64_t rows);
void rf_run_advance(struct rf_run *run, const char *table, uint64_t rows);
/* The same, and for whoever looks on: rows that this table is to bring; bytes that went over the
 * connection for it; what becomes of it; what a worker does (watch.h). */
void rf_run_expect_of(struct rf_run *run, const char *table, uint64_t rows);
void rf_run_sent(struct rf_run *run, const char *table, uint64_t bytes);
void rf_run_reach(struct rf_run *run, const char *table, enum rf_watch_state state);
void rf_run_worker(struct rf_run *run, unsigned number, const char *doing, const char *table);
void rf_run_note(struct rf_run *run, const char *format, ...) RF_PRINTF(2, 3);
void rf_run_warn(struct rf_run *run, const char *format, ...) RF_PRINTF(2, 3);

/* Whether the caller's globs take in this table; whether it is to be made anew by today's rules. */
bool rf_run_selects(const struct rf_run *run, const char *table);
bool rf_run_remakes(const struct rf_run *run, const char *table);

#endif
