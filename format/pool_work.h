/* What passes between archive writers and the pool's threads. Inner header of format/.
 *
 * A job is a batch on its way: taken empty from the pool, filled by the capturing thread, encoded by
 * one of the pool's, written by whichever thread finds it next in order, and given back. */
#ifndef RF_FORMAT_POOL_WORK_H
#define RF_FORMAT_POOL_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/block.h"
#include "format/pool.h"

struct rf_archive_writer;

struct rf_job {
    struct rf_batch batch; /* first: a batch handed out is turned back into its job */
    struct rf_buffer stored;
    struct rf_block_facts facts;
    struct rf_error error;
    uint64_t sequence; /* place among the writer's jobs */
    struct rf_archive_writer *writer;
    struct rf_job *next;
};

struct rf_job *rf_pool_take(struct rf_pool *pool);
void rf_pool_give_back(struct rf_pool *pool, struct rf_job *job);
void rf_pool_submit(struct rf_pool *pool, struct rf_job *job);
/* Has the job encoded on this thread, unless another one is doing so: then false, and nothing was
 * done. For a small job, which takes less than to wake a thread of the pool. */
bool rf_pool_encode_here(struct rf_pool *pool, struct rf_job *job);

/* Called on a pool thread; the job is the writer's from then on. */
void rf_archive_writer_encode(struct rf_codec *codec, struct rf_job *job);

#endif
