/* Views and triggers of the source that somebody asked for (rf_rules), made in the target.
 *
 * They belong to no snapshot: a view is made once its tables stand, made again when its statement
 * changes, and dropped with the source's. The ledger keeps the statement that made each. One that the
 * server refuses is told of and left out; nothing else fails for it. */
#ifndef RF_REPLAY_OBJECT_H
#define RF_REPLAY_OBJECT_H

#include "format/error.h"
#include "format/manifest.h"
#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/run.h"

/* Drops the views that rowferry made as they are written, so that tables beneath them can be dropped
 * or altered; rf_objects_make brings them back in the same transaction. */
RF_MUST_USE enum rf_code rf_objects_hold(struct rf_pg *pg, const struct rf_target *target,
                                         struct rf_error *error);
/* Makes what the rules ask for and does not stand as it should. In the caller's transaction, after
 * the tables and their lines in the ledger. */
RF_MUST_USE enum rf_code rf_objects_make(struct rf_run *run, struct rf_pg *pg,
                                         const struct rf_target *target,
                                         const struct rf_manifest *manifest,
                                         struct rf_error *error);

/* The same without a server: the statements that would be tried, in the order of the source. `tables`
 * has the plans of its tables. What cannot be made is told to the caller of the run. */
struct rf_foreseen_object {
    const char *name;
    const char *sql;
};
RF_MUST_USE enum rf_code rf_objects_foresee(struct rf_run *run, const struct rf_target *target,
                                            const struct rf_manifest *manifest,
                                            const struct rf_ledger_tables *tables,
                                            struct rf_arena *arena, uint32_t *count,
                                            struct rf_foreseen_object **foreseen,
                                            struct rf_error *error);

#endif
