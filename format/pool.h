/* Threads that encode batches for archive writers.
 *
 * One pool serves all writers of a capture. It owns the batches: their number bounds memory (each
 * about 1 MiB, beside the largest single row), and taking one waits until one is free. */
#ifndef RF_FORMAT_POOL_H
#define RF_FORMAT_POOL_H

#include "format/error.h"
#include "format/watch.h"

/* More than these taken and not given back by the filling thread could wait for ever. */
#define RF_POOL_BATCHES_HELD 6u

struct rf_pool;
/* 1 <= threads <= 256. */
RF_MUST_USE enum rf_code rf_pool_new(unsigned threads, struct rf_pool **pool,
                                     struct rf_error *error);
/* Who is told what the threads do, as workers of the capture from number 1 on. Before the first writer; the watch
 * outlives the pool. */
void rf_pool_watch(struct rf_pool *pool, const struct rf_watch *watch);
void rf_pool_free(struct rf_pool *pool); /* all writers are finished or aborted; NULL is fine */

#endif
