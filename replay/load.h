/* The first load: all tables of a snapshot, into a target that has none of them.
 *
 *   begin   the staging schema and a line in the ledger (state: loading), in one transaction
 *   work    tables, rows in chunks, indexes and constraints, on several connections; each is a
 *           transaction with a line of its own in rowferry.load_step
 *   show    one transaction moves the tables to the target schema and the ledger to ready
 *
 * Killed anywhere, the next call finds the ledger loading and does what has no line yet. Readers
 * see none of the tables before all are complete. */
#ifndef RF_REPLAY_LOAD_H
#define RF_REPLAY_LOAD_H

#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"
#include "replay/connection.h"
#include "replay/growth.h"
#include "replay/ledger.h"
#include "replay/replay.h"
#include "replay/run.h"

/* Brings a target that stands at nothing, or is loading, to the snapshot `at`, whose manifest is
 * `manifest`. *pg holds the target's lock; it may be replaced by another connection that does. */
RF_MUST_USE enum rf_code rf_load(struct rf_run *run, struct rf_pg **pg,
                                 const struct rf_target *target, const struct rf_manifest *manifest,
                                 const struct rf_snapshot_name *at, struct rf_replay_result *result,
                                 struct rf_error *error);

/* The same for a target that stands at nothing, of a snapshot that is still being captured. *loaded is
 * false, and nothing is left of it, where the capture comes to nothing, or to the snapshot that was
 * there before, or where the order in which its tables come would show in the target: then the load
 * begins when the capture is over. */
RF_MUST_USE enum rf_code rf_load_growing(struct rf_run *run, struct rf_pg **pg,
                                         const struct rf_target *target, struct rf_growth *growth,
                                         bool *loaded, struct rf_replay_result *result,
                                         struct rf_error *error);

/* Gives up a load under way: nothing of it is left. */
RF_MUST_USE enum rf_code rf_load_discard(struct rf_pg *pg, const struct rf_target *target,
                                         const char *staging, struct rf_error *error);

#endif
