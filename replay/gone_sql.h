/* The statements that look for rows by a list of them, pg_temp.rowferry_gone. Its columns are
 * called c1, c2, … whatever the table's are called, and h for the row hash, so that no name can
 * clash. */
#ifndef RF_REPLAY_GONE_SQL_H
#define RF_REPLAY_GONE_SQL_H

#include <stdbool.h>

#include "format/block.h"
#include "format/bytes.h"
#include "replay/plan.h"

/* `hashes`: the list has the column h as well. */
void rf_gone_create(const struct rf_plan *plan, enum rf_gone_form form, bool hashes,
                    struct rf_buffer *sql);
void rf_gone_copy_in(const struct rf_plan *plan, enum rf_gone_form form, bool hashes,
                     struct rf_buffer *sql);
/* Deletes the table's rows with the keys of the list. */
void rf_gone_delete_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
/* Deletes rows that are alike in all columns, as many of each as the list has. */
void rf_gone_delete_rows(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
/* Counts the keys of the list that are in the table. */
void rf_gone_count_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
/* The same, but no index answers it alone: the pages with their rows are read. */
void rf_gone_touch_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);

#endif
