/* The pool: a fixed number of jobs, a queue of those that wait to be encoded, some threads. */
#include "format/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "format/pool_work.h"

#define THREADS_MAX 256u
/* A job that carried a row larger than this gives its memory back. */
#define KEEP_BYTES (8u << 20)

struct rf_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work; /* a job waits, or the pool ends */
    pthread_cond_t room; /* a job is free */
    struct rf_job *jobs;
    unsigned job_count;
    struct rf_job *free_jobs;
    struct rf_job *first, *last; /* waiting to be encoded */
    bool ending;
    const struct rf_watch *watch;
    unsigned threads;
    pthread_t thread[THREADS_MAX];
    struct rf_codec *codec[THREADS_MAX];
    pthread_mutex_t here;        /* guards this: */
    struct rf_codec *here_codec; /* of threads that fill batches; NULL until it is needed */
};

struct worker {
    struct rf_pool *pool;
    unsigned number; /* from 1 */
    struct rf_codec *codec;
};

static void tell(const struct worker *worker, const char *doing) {
    rf_watch_worker(worker->pool->watch, RF_WATCH_CAPTURE, worker->number, doing, NULL);
}

static struct rf_job *next_job(struct rf_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    while (!pool->first && !pool->ending) {
        pthread_cond_wait(&pool->work, &pool->mutex);
    }
    struct rf_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first) {
            pool->last = NULL;
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

static void *work(void *argument) {
    struct worker worker = *(struct worker *)argument;
    free(argument);
    struct rf_job *job;
    while ((job = next_job(worker.pool))) {
        tell(&worker, "encodes");
        rf_archive_writer_encode(worker.codec, job);
        tell(&worker, NULL);
    }
    return NULL;
}

/* Signals are for the thread that looks at the stop flag, so the pool's threads block them all. */
static int start_thread(struct rf_pool *pool, unsigned i) {
    struct worker *worker = malloc(sizeof *worker);
    pool->codec[i] = rf_codec_new();
    if (!worker || !pool->codec[i]) {
        free(worker);
        return -1;
    }
    *worker = (struct worker){.pool = pool, .number = i + 1, .codec = pool->codec[i]};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&pool->thread[i], NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(worker);
        return failed;
    }
    pool->threads++;
    return 0;
}

enum rf_code rf_pool_new(unsigned threads, struct rf_pool **made, struct rf_error *error) {
    *made = NULL;
    threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    struct rf_pool *pool = calloc(1, sizeof *pool);
    if (!pool) {
        return rf_fail_memory(error);
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_mutex_init(&pool->here, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->room, NULL);
    pool->job_count = 2 * threads + RF_POOL_BATCHES_HELD;
    pool->jobs = calloc(pool->job_count, sizeof *pool->jobs);
    if (!pool->jobs) {
        rf_pool_free(pool);
        return rf_fail_memory(error);
    }
    for (unsigned i = 0; i < pool->job_count; i++) {
        pool->jobs[i].next = pool->free_jobs;
        pool->free_jobs = &pool->jobs[i];
    }
    for (unsigned i = 0; i < threads; i++) {
        if (start_thread(pool, i) != 0) {
            rf_pool_free(pool);
            return rf_fail(error, RF_NO_MEMORY, "cannot start %u threads", threads);
        }
    }
    *made = pool;
    return RF_OK;
}

void rf_pool_watch(struct rf_pool *pool, const struct rf_watch *watch) {
    pthread_mutex_lock(&pool->mutex);
    pool->watch = watch;
    pthread_mutex_unlock(&pool->mutex);
}

void rf_pool_free(struct rf_pool *pool) {
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->threads; i++) {
        pthread_join(pool->thread[i], NULL);
    }
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        rf_codec_free(pool->codec[i]);
    }
    for (unsigned i = 0; pool->jobs && i < pool->job_count; i++) {
        rf_batch_release(&pool->jobs[i].batch);
        rf_buffer_release(&pool->jobs[i].stored);
    }
    free(pool->jobs);
    rf_codec_free(pool->here_codec);
    pthread_mutex_destroy(&pool->here);
    pthread_cond_destroy(&pool->room);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

struct rf_job *rf_pool_take(struct rf_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    while (!pool->free_jobs) {
        pthread_cond_wait(&pool->room, &pool->mutex);
    }
    struct rf_job *job = pool->free_jobs;
    pool->free_jobs = job->next;
    pthread_mutex_unlock(&pool->mutex);
    job->next = NULL;
    return job;
}

void rf_pool_give_back(struct rf_pool *pool, struct rf_job *job) {
    if (job->batch.cells.capacity > KEEP_BYTES) {
        rf_buffer_release(&job->batch.cells);
    }
    if (job->stored.capacity > KEEP_BYTES) {
        rf_buffer_release(&job->stored);
    }
    pthread_mutex_lock(&pool->mutex);
    job->next = pool->free_jobs;
    pool->free_jobs = job;
    pthread_cond_signal(&pool->room);
    pthread_mutex_unlock(&pool->mutex);
}

void rf_pool_submit(struct rf_pool *pool, struct rf_job *job) {
    job->next = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->last) {
        pool->last->next = job;
    } else {
        pool->first = job;
    }
    pool->last = job;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

bool rf_pool_encode_here(struct rf_pool *pool, struct rf_job *job) {
    if (pthread_mutex_trylock(&pool->here) != 0) {
        return false;
    }
    if (!pool->here_codec) {
        pool->here_codec = rf_codec_new();
    }
    bool able = pool->here_codec;
    if (able) {
        rf_archive_writer_encode(pool->here_codec, job);
    }
    pthread_mutex_unlock(&pool->here);
    return able;
}
