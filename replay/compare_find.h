/* Which rows differ, once it is known that some do. Inner to compare*.c.
 *
 * Three times both sides are read. The first time (compare.c) sums up rows in buckets by their
 * key's hash. The second time takes down the rows of the buckets that differ, and cancels what is
 * on both sides: what is left is counted. The third time fetches the keys of those to be named. */
#ifndef RF_REPLAY_COMPARE_FIND_H
#define RF_REPLAY_COMPARE_FIND_H

#include "replay/compare_rows.h"
#include "replay/replay.h"

#define RF_BUCKETS 4096u

/* What one side is made of. */
struct rf_tally {
    struct rf_digest buckets[RF_BUCKETS];
    struct rf_digest asides;
};
static inline uint32_t rf_bucket_of(struct rf_hash key) {
    return (uint32_t)(key.low % RF_BUCKETS);
}

/* Counts into `result`, and names as many rows as the options say. *pg is in a transaction that
 * sees what the tallies were made from. */
RF_MUST_USE enum rf_code rf_compare_find(const struct rf_compare_table *table, struct rf_pg *pg,
                                         const struct rf_compare_options *options,
                                         const struct rf_tally *source,
                                         const struct rf_tally *target,
                                         struct rf_compared_table *result, struct rf_error *error);

#endif
