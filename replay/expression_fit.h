/* A value on its way into a column: SQLite's affinity first, then what the target's type can
 * hold. */
#ifndef RF_REPLAY_EXPRESSION_FIT_H
#define RF_REPLAY_EXPRESSION_FIT_H

#include "replay/expression_value.h"

/* SQL of the column's type (or a literal that becomes it); "" and refused where it does not fit. */
const char *rf_fit(struct rf_translation *t, const struct rf_sql_value *value,
                   const struct rf_expression_column *column);

#endif
