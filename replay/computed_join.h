/* Computed tables that look other tables up: their order, and what becomes of joined values when
 * the other table has changed.
 *
 * A table comes behind all that it joins, which is only possible where no circle of tables joins
 * each other. Rows that stay as they are get their joined values anew by one statement over the
 * table as it stands, which writes none that has them already; where a joined value needs a column
 * of the source that the table has not, the table is filled again. */
#ifndef RF_REPLAY_COMPUTED_JOIN_H
#define RF_REPLAY_COMPUTED_JOIN_H

#include "replay/catalog.h"
#include "replay/computed.h"
#include "replay/existing.h"
#include "replay/ledger.h"
#include "replay/troubles.h"

/* A table that goes somewhere, and what it joins there. */
struct rf_joining {
    const char *relation;
    uint32_t count; /* 0: it is not computed, or joins nothing */
    const char *const *joined;
    bool changed; /* the caller's: rows of it did */
};
/* What a plan joins. Want of memory shows in the arena. */
struct rf_joining rf_joining_of(const struct rf_plan *plan, struct rf_arena *arena);
/* Fills `order` with the places of all tables, each behind those of them that it joins and otherwise
 * in the order given. False: there is a circle, in which the table at *stuck is. */
bool rf_joining_order(const struct rf_joining *tables, uint32_t count, uint32_t *order,
                      uint32_t *stuck);
/* The same; what is stuck is a trouble. */
void rf_joining_check(const struct rf_joining *tables, uint32_t count, uint32_t *order,
                      struct rf_troubles *troubles);
bool rf_joining_has(const struct rf_joining *joining, const char *relation);
/* Adds tables of the ledger to the names that will be written: those that join one of them. `names`
 * has room for all tables of the manifest. */
void rf_joining_follow(const struct rf_ledger_tables *standing, const struct rf_manifest *manifest,
                       const char **names, uint32_t *count);

/* Whether joined values can be told from what the table has. */
bool rf_computed_refreshes(const struct rf_plan *plan);
/* Gives rows that have not what the joins give now what they give; *rows is how many. In the
 * caller's transaction. */
RF_MUST_USE enum rf_code rf_computed_refresh(struct rf_pg *pg, const struct rf_catalog *catalog,
                                             const struct rf_plan *plan, uint64_t *rows,
                                             struct rf_error *error);
/* All of that in one statement, for the server to parse; false: there is none, as no value is joined
 * or the table is filled again. */
bool rf_computed_refresh_sql(const struct rf_catalog *catalog, const struct rf_plan *plan,
                             struct rf_buffer *sql);
/* That, or all rows anew where it cannot be; rows that were written are counted as updated. `counts`
 * has what else was done to the table. (computed_rejoin.c) */
RF_MUST_USE enum rf_code rf_computed_rejoin(struct rf_existing *existing,
                                            const struct rf_manifest_table *source,
                                            const struct rf_plan *plan, uint64_t snapshot,
                                            struct rf_counts *counts, struct rf_error *error);

#endif
