/* Rows through the stage of a computed table, in the caller's transaction: rf_computed_open, COPY
 * into the stage, rf_computed_put. Between them names mean what they mean to the user (computed.h).
 */
#ifndef RF_REPLAY_COMPUTED_FILL_H
#define RF_REPLAY_COMPUTED_FILL_H

#include "replay/computed.h"

/* Makes the stage. */
RF_MUST_USE enum rf_code rf_computed_open(struct rf_pg *pg, const struct rf_plan *plan,
                                          struct rf_error *error);
/* Makes rows of the `staged` ones and drops the stage. *rows: those that `where` lets pass, which
 * are in the table then, one for each. RF_MISPLACED: a join finds several for one, or the
 * table does not take them. */
RF_MUST_USE enum rf_code rf_computed_put(struct rf_pg *pg, const struct rf_plan *plan,
                                         const char *schema, uint64_t staged, uint64_t *rows,
                                         struct rf_error *error);

/* Rows of the stage that `where` lets pass; `staged` are in it. */
RF_MUST_USE enum rf_code rf_computed_passing(struct rf_pg *pg, const struct rf_plan *plan,
                                             uint64_t staged, uint64_t *rows,
                                             struct rf_error *error);
RF_MUST_USE enum rf_code rf_computed_close(struct rf_pg *pg, const struct rf_plan *plan,
                                           struct rf_error *error);
/* What the server said when it was to compute or take rows becomes what a user can do something
 * about; other errors stay. Returns the code. */
enum rf_code rf_computed_explain(const struct rf_plan *plan, struct rf_error *error);

#endif
