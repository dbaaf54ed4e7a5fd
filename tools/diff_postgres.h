/* What diff --sql has to know of the tables in the target: the plan that a replay would make of
 * them. It is made only where rows and names do not say enough: for tables that are to be made, and
 * for those that have generated columns, which the server may or may not compute by itself. */
#ifndef RF_TOOLS_DIFF_POSTGRES_H
#define RF_TOOLS_DIFF_POSTGRES_H

#include "format/bytes.h"
#include "tools/diff.h"

struct rf_diff_plan;
/* `ddl` gets the statements that make the tables that are new or reshaped. */
RF_MUST_USE enum rf_code rf_diff_plan_make(const struct rf_diff *diff, struct rf_diff_plan **plan,
                                           struct rf_buffer *ddl, struct rf_error *error);
void rf_diff_plan_free(struct rf_diff_plan *plan); /* NULL is fine */

/* The server computes the column, or does not have it. */
bool rf_diff_plan_computes(const struct rf_diff_plan *plan, const struct rf_diff_table *table,
                           uint32_t column);

#endif
