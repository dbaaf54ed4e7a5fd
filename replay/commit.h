/* The commit that moves a target from one snapshot to the next. */
#ifndef RF_REPLAY_COMMIT_H
#define RF_REPLAY_COMMIT_H

#include "format/error.h"
#include "format/repository.h"
#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/run.h"

/* Commits the transaction on *pg after which the ledger stands at `to`. When the connection breaks
 * before the answer comes, nobody knows whether it did: then a new connection takes the lock and
 * looks. Where the ledger moved, this is RF_OK and *pg the new connection; where it did not,
 * RF_CONNECT says so. */
RF_MUST_USE enum rf_code rf_commit_move(struct rf_run *run, struct rf_pg **pg,
                                        const struct rf_target *target,
                                        const struct rf_snapshot_name *to, struct rf_error *error);

#endif
