/* Foreign keys between tables that rowferry made.
 *
 * They are made when all rows are in: NOT VALID first, then validated. SQLite does not hold its
 * rows to them unless it is told to at every connection, so orphans are common: then the constraint
 * stays NOT VALID, which holds for all rows to come, and a warning says how many rows and which is
 * the first. A foreign key that cannot be in the target stands in the ledger with the reason.
 *
 * In a delta, those that rows come and go under are dropped before the first row moves and put back
 * after the last. So no ON DELETE CASCADE fires for a row that is only on its way to be put back,
 * and no order of tables matters. All of it is in the caller's transaction. */
#ifndef RF_REPLAY_FOREIGN_KEY_H
#define RF_REPLAY_FOREIGN_KEY_H

#include "format/manifest.h"
#include "replay/ledger.h"
#include "replay/run.h"

/* What is about to happen to a table. */
enum {
    RF_TOUCHED = 1u,        /* anything at all */
    RF_TOUCHED_COMING = 2u, /* rows come: it may come to refer to what is not there yet */
    RF_TOUCHED_GOING = 4u,  /* rows go, or an index: what refers to it may be in the way */
};

struct rf_foreign_keys {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_manifest *manifest; /* what is to be reached */
    struct rf_arena *arena;
};

/* Drops those of `standing` that what is to come may disturb. `touch` gives RF_TOUCHED… of a table
 * of the ledger, together. */
RF_MUST_USE enum rf_code rf_foreign_keys_hold(const struct rf_foreign_keys *keys,
                                              struct rf_ledger_tables *standing,
                                              unsigned (*touch)(void *context, const char *table),
                                              void *context, struct rf_error *error);
/* Makes those that the manifest has and that do not stand, and drops those that it no longer has.
 * The ledger must know all tables. */
RF_MUST_USE enum rf_code rf_foreign_keys_put_back(const struct rf_foreign_keys *keys,
                                                  struct rf_error *error);

#endif
