/* What is different in a first load (load.h) where the application made the tables:
 *
 *   begin    one transaction: the ledger (state: loading, no staging schema), plans, everything
 *            held off, indexes and constraints of large tables put aside, old rows deleted
 *   work     rows in chunks; then each index and constraint is put back
 *   finish   the last transaction: foreign keys, triggers, and rows that go into tables beside those
 *            that stay there; then what ends every replay (closing.h)
 *
 * The tables are where readers see them, so between the first transaction and the last the ledger
 * alone tells that they are not complete. With rules->atomic it is all one transaction. */
#ifndef RF_REPLAY_EXISTING_LOAD_H
#define RF_REPLAY_EXISTING_LOAD_H

#include "replay/existing.h"
#include "replay/load_work.h"

/* Whether an unfinished load is one of these: `staging` is what the ledger says. */
static inline bool rf_existing_load_is(const char *staging) {
    return staging[0] == 0;
}

/* The first transaction; commits. */
RF_MUST_USE enum rf_code rf_existing_load_begin(struct rf_run *run, struct rf_pg *pg,
                                                const struct rf_target *target,
                                                const struct rf_manifest *manifest,
                                                const struct rf_snapshot_name *at,
                                                struct rf_error *error);
/* Hands each table what of it is still put aside, and finds out how connections are to be held. */
RF_MUST_USE enum rf_code rf_existing_load_prepare(struct rf_load *load, struct rf_pg *pg,
                                                  struct rf_error *error);
/* In the last transaction, before the ledger is ready. */
RF_MUST_USE enum rf_code rf_existing_load_finish(struct rf_load *load, struct rf_pg *pg,
                                                 struct rf_error *error);
/* Whether a load that failed so would fail again, however often it went on: values, and not a
 * connection, a lock or a signal, stand against it. */
bool rf_existing_load_hopeless(const struct rf_error *error);
/* Gives up a load under way: its rows go, and everything put aside comes back. What was deleted
 * when it began is not there any more. */
RF_MUST_USE enum rf_code rf_existing_load_discard(struct rf_run *run, struct rf_pg *pg,
                                                  const struct rf_target *target,
                                                  struct rf_error *error);

/* All of a first load in one transaction. */
RF_MUST_USE enum rf_code rf_existing_load_atomic(struct rf_run *run, struct rf_pg **pg,
                                                 const struct rf_target *target,
                                                 const struct rf_manifest *manifest,
                                                 const struct rf_snapshot_name *at,
                                                 struct rf_replay_result *result,
                                                 struct rf_error *error);

#endif
