/* What the parts of plan.c share. */
#ifndef RF_REPLAY_PLAN_INNER_H
#define RF_REPLAY_PLAN_INNER_H

#include "replay/plan.h"

/* plan_column.c: the columns with their types, those left out, and the key; with remarks. */
RF_MUST_USE enum rf_code rf_plan_columns(const struct rf_plan_request *request,
                                         struct rf_arena *arena, struct rf_plan *plan,
                                         struct rf_error *error);

/* plan_carry.c: whether the source's columns do other things by themselves now than the plan's. */
bool rf_plan_carries_otherwise(const struct rf_plan *plan, const struct rf_manifest_table *source,
                               struct rf_arena *arena);

#endif
