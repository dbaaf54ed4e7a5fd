/* The statements that look in a computed table for the rows that were made of those in the stage.
 * Names mean what they mean to the user (computed.h). */
#ifndef RF_REPLAY_COMPUTED_GONE_H
#define RF_REPLAY_COMPUTED_GONE_H

#include "replay/catalog.h"
#include "replay/computed.h"

/* Whether anything is in the table by which a row could be found again. */
bool rf_computed_finds(const struct rf_plan *plan);
/* Deletes rows with the keys of the stage's, and answers how many rows, and how many keys they had:
 * only where both are the rows of the stage was each of these found, and nothing else. NULL is like
 * nothing. plan->key_count > 0. */
void rf_computed_delete_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
/* Deletes rows that are alike in all but what is joined, as many of each as the stage's become. */
void rf_computed_delete_rows(const struct rf_plan *plan, const struct rf_catalog_table *table,
                             const char *schema, struct rf_buffer *sql);
/* Keeps the keys of the stage's rows, as pg_temp.rowferry_gone; and counts those that the table has.
 */
void rf_computed_keep_keys(const struct rf_plan *plan, struct rf_buffer *sql);
void rf_computed_count_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);

#endif
