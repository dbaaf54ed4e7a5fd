/* Indexes and constraints of one table, built in the caller's transaction.
 *
 * PostgreSQL refuses what SQLite allows: an index entry of more than a third of a page, an index on
 * a type without an order. Such an index is left out, with the reason in the ledger and a warning;
 * the rows are what matters. */
#ifndef RF_REPLAY_BUILD_H
#define RF_REPLAY_BUILD_H

#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/plan.h"
#include "replay/run.h"

/* Builds the index and, with `attach`, makes the constraint from it. Behind a savepoint: where the
 * server refuses the entries, index->stands becomes false, the ledger says so, and this is RF_OK.
 */
RF_MUST_USE enum rf_code rf_build_index(struct rf_run *run, struct rf_pg *pg,
                                        const struct rf_target *target, const struct rf_plan *plan,
                                        struct rf_plan_index *index, const char *schema,
                                        bool attach, struct rf_error *error);
/* All indexes of the plan, in its order, constraints attached; then its CHECK constraints. */
RF_MUST_USE enum rf_code rf_build_all(struct rf_run *run, struct rf_pg *pg,
                                      const struct rf_target *target, struct rf_plan *plan,
                                      const char *schema, struct rf_error *error);
/* Makes the constraints of indexes that were built without `attach`. */
RF_MUST_USE enum rf_code rf_build_attach(struct rf_pg *pg, const struct rf_plan *plan,
                                         const char *schema, struct rf_error *error);
/* Makes the CHECK constraints. Where rows of the source do not satisfy one (SQLite takes that under
 * PRAGMA ignore_check_constraints), it is left out, and the ledger and a warning say so. */
RF_MUST_USE enum rf_code rf_build_check(struct rf_run *run, struct rf_pg *pg,
                                        const struct rf_target *target, const struct rf_plan *plan,
                                        struct rf_plan_constraint *check, const char *schema,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_build_checks(struct rf_run *run, struct rf_pg *pg,
                                         const struct rf_target *target, struct rf_plan *plan,
                                         const char *schema, struct rf_error *error);
/* The table with its columns, which are in the ledger already. Where the server does not take their
 * expressions, these are left out, of the plan and the ledger too. */
/* Without `identities`, columns that are to be identity columns are plain ones (sequence.h). */
RF_MUST_USE enum rf_code rf_build_create_table(struct rf_run *run, struct rf_pg *pg,
                                               const struct rf_target *target, struct rf_plan *plan,
                                               const char *schema, bool identities,
                                               struct rf_error *error);
/* While a table is loaded, the server's autovacuum would read what is not complete yet, in the time of
 * those who load, and the table could not be shown before it gave up. So it is told to keep off; the SQL
 * that rf_build_free_autovacuum appends, with a semicolon, ends that. */
RF_MUST_USE enum rf_code rf_build_hold_autovacuum(struct rf_pg *pg, const struct rf_plan *plan,
                                                  const char *schema, struct rf_error *error);
void rf_build_free_autovacuum(const struct rf_plan *plan, const char *schema,
                              struct rf_buffer *sql);
RF_MUST_USE enum rf_code rf_build_analyze(struct rf_pg *pg, const struct rf_plan *plan,
                                          const char *schema, struct rf_error *error);
/* Tells the caller what could not be carried over. */
void rf_build_remarks(struct rf_run *run, const struct rf_plan *plan);

#endif
