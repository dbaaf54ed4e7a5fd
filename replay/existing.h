/* Tables that the application made: how a run finds them, fits the source's to them, and fills and
 * empties them. Whatever is written to them here or by others is written between rf_existing_hold
 * and rf_existing_release, or in a first load (existing_load.h).
 *
 * One struct serves one transaction, in which the catalog is read; its arena lasts as long as the
 * plans that are fitted. */
#ifndef RF_REPLAY_EXISTING_H
#define RF_REPLAY_EXISTING_H

#include "format/manifest.h"
#include "replay/catalog.h"
#include "replay/delta.h"
#include "replay/hold.h"
#include "replay/ledger.h"
#include "replay/plan.h"
#include "replay/result.h"
#include "replay/run.h"
#include "replay/troubles.h"

struct rf_existing {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_manifest *manifest; /* of the snapshot that is being replayed */
    struct rf_arena *arena;
    struct rf_catalog catalog;
    struct rf_hold hold;
};

/* Whether anything here concerns a run: its rules say so, or a table in the ledger is not owned.
 * `standing` may be NULL. */
bool rf_existing_concerns(const struct rf_run *run, const struct rf_ledger_tables *standing);

/* Reads the catalog, in the caller's transaction. What stands above it in the struct is set before.
 */
RF_MUST_USE enum rf_code rf_existing_read(struct rf_existing *existing, struct rf_error *error);
/* The same in a transaction that ends with it. */
RF_MUST_USE enum rf_code rf_existing_look(struct rf_existing *existing, struct rf_error *error);

/* Where a table of the source goes: by `before`, its plan so far, else by name. NULL: nowhere. */
const struct rf_catalog_table *rf_existing_target(const struct rf_existing *existing,
                                                  const struct rf_manifest_table *source,
                                                  const struct rf_plan *before);

/* Fits one table; `before` as in fit.h. Reads its rows where the kind of its dates is open. */
RF_MUST_USE enum rf_code rf_existing_fit(struct rf_existing *existing,
                                         const struct rf_manifest_table *source,
                                         const struct rf_plan *before, struct rf_plan *plan,
                                         struct rf_troubles *troubles, struct rf_error *error);
/* existing_prove.c: for every column of the source, how it keeps dates and times, where its values
 * prove that and where a column of the target wants to know (fit.h). */
RF_MUST_USE enum rf_code rf_existing_prove(struct rf_existing *existing,
                                           const struct rf_manifest_table *source,
                                           const char *const **proven, struct rf_error *error);
/* Values that do not fit a column with on_mismatch fail, as far as the census does not tell: the
 * first of each. Only the rows know, so they are read. */
RF_MUST_USE enum rf_code rf_existing_find_failing(struct rf_existing *existing,
                                                  const struct rf_manifest_table *source,
                                                  const struct rf_plan *plan,
                                                  struct rf_troubles *troubles,
                                                  struct rf_error *error);
/* RF_MISPLACED with all troubles, if there are any. */
RF_MUST_USE enum rf_code rf_existing_fail(const struct rf_existing *existing,
                                          const struct rf_troubles *troubles,
                                          struct rf_error *error);

/* The schema is there, and so is the ledger, or it may be made. RF_MISPLACED, RF_CONNECT. */
RF_MUST_USE enum rf_code rf_existing_rights(struct rf_pg *pg, const struct rf_target *target,
                                            struct rf_error *error);

/* Everything that can be known to stand against replaying a snapshot, of all tables at once.
 * `standing` NULL: a first load. */
RF_MUST_USE enum rf_code rf_existing_find_troubles(struct rf_existing *existing,
                                                   const struct rf_ledger_tables *standing,
                                                   struct rf_troubles *troubles,
                                                   struct rf_error *error);
/* The same as an error, if there are any. */
RF_MUST_USE enum rf_code rf_existing_check(struct rf_existing *existing,
                                           const struct rf_ledger_tables *standing,
                                           struct rf_error *error);

/* ---- a delta ---- */

struct rf_delta;

/* Holds off what the tables that the snapshot changes would do of themselves. `same`: the target
 * stands at it, and only what is not there yet is made. */
RF_MUST_USE enum rf_code rf_existing_hold(struct rf_existing *existing,
                                          const struct rf_ledger_tables *standing, bool same,
                                          struct rf_error *error);
/* Whether a table of the application is to be filled anew, by the rules of now. */
bool rf_existing_remakes(const struct rf_run *run, const struct rf_plan *before);
/* Whether a table that such a step makes is one of these; `existing` may be NULL. */
bool rf_existing_makes(const struct rf_existing *existing, const struct rf_plan *before,
                       enum rf_delta_step step);
/* Fits, empties and fills a table, and writes its lines in the ledger. `standing`: what the ledger
 * says so far; NULL: nothing. `anew`: whatever was chosen before. */
RF_MUST_USE enum rf_code rf_existing_make(struct rf_delta *delta,
                                          const struct rf_manifest_table *source,
                                          const struct rf_ledger_table *standing, bool anew,
                                          struct rf_counts *counts, struct rf_error *error);
RF_MUST_USE enum rf_code rf_existing_change(struct rf_delta *delta,
                                            const struct rf_manifest_table *source,
                                            struct rf_ledger_table *standing,
                                            struct rf_counts *counts, struct rf_error *error);
/* The table is gone from the source, and so it is from the ledger, once the application has dropped
 * it: RF_MISPLACED before that. */
RF_MUST_USE enum rf_code rf_existing_drop(struct rf_delta *delta,
                                          const struct rf_ledger_table *standing,
                                          struct rf_error *error);

/* ---- rows ---- */

/* Deletes all rows; not those of tables that inherit from it. `rows` may be NULL. */
RF_MUST_USE enum rf_code rf_existing_empty(struct rf_pg *pg, const char *schema,
                                           const char *relation, uint64_t *rows,
                                           struct rf_error *error);

/* Fills a table with all rows of its source: one that was emptied before, or (plan->kept) one that
 * keeps what it has. */
RF_MUST_USE enum rf_code rf_existing_fill(struct rf_existing *existing,
                                          const struct rf_manifest_table *source,
                                          const struct rf_plan *plan, uint64_t snapshot,
                                          struct rf_counts *counts, struct rf_error *error);

#endif
