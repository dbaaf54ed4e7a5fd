/* Columns of dates and times. What SQLite has there is a text of one spelling or a number of one
 * encoding, what the target has is the moment, and the way from one to the other (instant.h) is
 * exact. So a literal becomes the moment that it would become as a value; and where the values of a
 * column have the order of their moments, two of them may be compared. */
#ifndef RF_REPLAY_EXPRESSION_MOMENT_H
#define RF_REPLAY_EXPRESSION_MOMENT_H

#include "replay/expression_value.h"

/* Whether the column's values are in the order of their moments, and equal where these are. */
bool rf_moment_orders(const struct rf_expression_column *column);
/* Whether that holds across two columns. */
bool rf_moment_is_alike(const struct rf_expression_column *a, const struct rf_expression_column *b);

/* SQL of the column's type for a literal, or for what the clock says; NULL where the value has no
 * moment in that column. */
const char *rf_moment_of(struct rf_translation *t, const struct rf_sql_value *value,
                         const struct rf_expression_column *column);

#endif
