/* SQL that the user wants to be run with the rows (rules->after): in the transaction that brings the
 * target to a snapshot, when everything else in it is done. Where it fails, nothing of the snapshot
 * is applied.
 *
 *   always   in every transaction that wrote rows
 *   first    with a first load
 *   final    with the last trip (options->final_trip), be there rows to write or not; but once only
 *            for a snapshot, which rowferry.after remembers
 *
 * Triggers and foreign keys act as ever meanwhile. It is meant for tables that the source does not
 * feed, and for rows that the source cannot have: what it changes in others is a difference between
 * snapshot and target like any stranger's. */
#ifndef RF_REPLAY_AFTER_H
#define RF_REPLAY_AFTER_H

#include "format/error.h"
#include "replay/ledger.h"
#include "replay/run.h"

struct rf_after {
    struct rf_run *run;
    struct rf_pg *pg; /* within the transaction */
    const struct rf_target *target;
    uint64_t snapshot; /* that the target comes to */
    bool first;        /* by a first load */
    bool wrote;        /* rows */
    bool final;        /* nothing comes after it */
    struct rf_replay_result *result;
};

/* Whether there is anything to run; of what is run at the end, what did not run yet. */
RF_MUST_USE enum rf_code rf_after_due(const struct rf_after *after, bool *due,
                                      struct rf_error *error);
RF_MUST_USE enum rf_code rf_after_run(const struct rf_after *after, struct rf_error *error);

#endif
