/* Plans as the translator of expressions sees them: which values a column of the target can hold,
 * seen from SQLite. Inner to plan*.c. */
#ifndef RF_REPLAY_PLAN_EXPRESSION_H
#define RF_REPLAY_PLAN_EXPRESSION_H

#include "replay/expression_carry.h"
#include "replay/plan.h"

/* All columns of the source, those that are not carried included. Want of memory shows in
 * rf_arena_check. */
struct rf_expression_table rf_plan_expressions(const struct rf_manifest_table *source,
                                               const struct rf_plan *plan, bool utf16,
                                               struct rf_arena *arena);

/* Whether values that SQLite tells apart may be alike in the column. */
bool rf_plan_column_blurs(const struct rf_plan_column *column);

/* "name" in double quotes, as both databases read it. */
const char *rf_plan_quoted(struct rf_arena *arena, const char *name);

/* Adds a line to the plan's remarks. */
void rf_plan_remark(struct rf_plan *plan, struct rf_arena *arena, const char *format, ...)
    RF_PRINTF(3, 4);

#endif
