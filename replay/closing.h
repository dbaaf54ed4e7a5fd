/* The end of a transaction that brings the target to a snapshot, when its rows and foreign keys are in
 * place: sequences, views and triggers of the source, and the SQL that the user wants to be run with
 * the rows. And what is left when such transactions are over. */
#ifndef RF_REPLAY_CLOSING_H
#define RF_REPLAY_CLOSING_H

#include "format/manifest.h"
#include "replay/ledger.h"
#include "replay/run.h"

struct rf_closing {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_manifest *manifest; /* of the snapshot that the target comes to */
    bool first;                         /* by a first load */
    bool wrote;                         /* rows */
    struct rf_replay_result *result;    /* result->to is where the run ends */
};

/* In the transaction, before its ledger moves or after. */
RF_MUST_USE enum rf_code rf_closing_run(const struct rf_closing *closing, struct rf_error *error);

/* For a target that stood where the run ends: SQL that is to be run with the last trip, in a
 * transaction of its own, where it did not run for this snapshot. */
RF_MUST_USE enum rf_code rf_closing_finally(const struct rf_closing *closing,
                                            const struct rf_snapshot_name *at,
                                            struct rf_error *error);

/* After the last commit: has the server look at every table that rows were written to, where the
 * rules want that and no load did. It never fails a run. */
void rf_closing_analyze(const struct rf_closing *closing, const struct rf_ledger_tables *tables);

#endif
