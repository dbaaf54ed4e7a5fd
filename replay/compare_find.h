/* Which rows differ, once it is known that some do. Inner to compare*.c.
 *
 * Both sides are read three times more. The first time sums up rows in buckets by their key's
 * hash. The second time takes down the rows of the buckets that differ, and cancels what is on both
 * sides: what is left is counted. The third time fetches the keys of those to be named. */
#ifndef RF_REPLAY_COMPARE_FIND_H
#define RF_REPLAY_COMPARE_FIND_H

#include "replay/compare_rows.h"
#include "replay/replay.h"

/* Counts into `result`, and names as many rows as the options say. *pg is in a transaction that
 * sees the rows as they were found to differ. */
RF_MUST_USE enum rf_code rf_compare_find(const struct rf_compare_table *table, struct rf_pg *pg,
                                         struct rf_compared_table *result, struct rf_error *error);

#endif
