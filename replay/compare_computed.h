/* Comparing a table whose rows the server computes (plan->computed). Inner to compare*.c.
 *
 * What should be in the table only the server can tell: the snapshot's rows are copied into the stage,
 * as in a load, and the rows that the rules make of them, with joined tables as they are now, into a
 * second temporary table of the same types. Both that and the table are summed up there, by the text of
 * their rows; only where the sums differ are the rows themselves held against each other, as many of
 * one kind as there are on either side. So nothing but what is to be named comes back here, and memory
 * does not grow with the rows; the server's disk has room for them twice. */
#ifndef RF_REPLAY_COMPARE_COMPUTED_H
#define RF_REPLAY_COMPARE_COMPUTED_H

#include "replay/compare_rows.h"
#include "replay/replay.h"

/* The rows of the table; not those that stand aside, which go into `asides`. *pg is in a transaction
 * that may make temporary tables and sees the rows to be compared; it is of no use after an error.
 * RF_MISPLACED: the table does not have the columns any more. */
RF_MUST_USE enum rf_code rf_compare_computed(const struct rf_compare_table *table, struct rf_pg *pg,
                                             struct rf_compared_table *result,
                                             struct rf_digest *asides, struct rf_error *error);

#endif
