/* From one snapshot to the next: everything that changed, in one transaction with the ledger.
 *
 * What is to be done with each table is told by the ledger and the manifest of the new snapshot:
 *
 *   in the ledger, gone from the source       dropped
 *   in the ledger, the same digest            nothing
 *   in the ledger, with a delta               gone rows deleted, then new rows put in
 *   in the ledger, declared in another way    altered where it stands, filled again if need be
 *   in the ledger, its types too narrow now   the same
 *   gone and come under another name          renamed, where it is the same to the last row
 *   not in the ledger, selected               made
 *
 * In the end each table's digest, carried forward from the rows that went and came, must be the
 * manifest's: otherwise nothing of it is committed. */
#ifndef RF_REPLAY_DELTA_H
#define RF_REPLAY_DELTA_H

#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"
#include "replay/catalog.h"
#include "replay/connection.h"
#include "replay/growth.h"
#include "replay/ledger.h"
#include "replay/replay.h"
#include "replay/run.h"

/* Brings a target that stands at `from` to `to`, whose manifest is `manifest`. `from` and `to` may
 * be the same: then only what is selected and not there yet is made, and what is to be remade is
 * (rf_target_options). *pg holds the target's lock;
 * it may be replaced. When the target stands at `to` already, nothing happens. */
RF_MUST_USE enum rf_code rf_delta_apply(struct rf_run *run, struct rf_pg **pg,
                                        const struct rf_target *target,
                                        const struct rf_snapshot_name *from,
                                        const struct rf_snapshot_name *to,
                                        const struct rf_manifest *manifest,
                                        struct rf_replay_result *result, struct rf_error *error);

/* The same for a snapshot that is still being captured upon `from`: in the transaction that is to bring
 * the target there, rows of tables are exchanged as their deltas come to stand, where nothing but rows
 * has to be. When the capture is over, `check` is asked whether the target may be brought there at all,
 * and the rest is done. *applied is false, and the target as it was, where the capture comes to
 * nothing. */
struct rf_delta_check {
    enum rf_code (*check)(void *context, const struct rf_snapshot_name *to, struct rf_error *error);
    void *context;
};
RF_MUST_USE enum rf_code rf_delta_apply_growing(struct rf_run *run, struct rf_pg **pg,
                                                const struct rf_target *target,
                                                const struct rf_snapshot_name *from,
                                                struct rf_growth *growth,
                                                const struct rf_delta_check *check, bool *applied,
                                                struct rf_replay_result *result,
                                                struct rf_error *error);

enum rf_delta_step {
    RF_DELTA_NOTHING,
    RF_DELTA_LEFT_OUT,
    RF_DELTA_CHANGE,
    RF_DELTA_MAKE,
    RF_DELTA_EVOLVE
};

/* What that transaction will do with a table of the manifest. `standing` is its line in the ledger,
 * NULL for none. `catalog`: what stands in the target, which matters to tables that the application
 * made; may be NULL where there are none. */
enum rf_delta_step rf_delta_step_of(const struct rf_run *run,
                                    const struct rf_manifest_table *source,
                                    const struct rf_ledger_table *standing,
                                    const struct rf_catalog *catalog);

#endif
