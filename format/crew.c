/* The crew: a ring of jobs that are out. They are begun in the order of the ring and taken from its start; one
 * mutex guards the ring's numbers and what is done. */
#include "format/crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "format/codec.h"

/* A thread's memory is given back where a job made it larger than this. */
#define KEEP_BYTES (4u << 20)

struct member {
    struct rf_crew *crew;
    struct rf_crew_memory memory;
    pthread_t thread;
};

struct rf_crew {
    struct rf_crew_job **ring;
    unsigned places;
    struct member *members; /* the first is the owner, who has no thread of the crew's */
    unsigned member_count;
    unsigned threads;      /* that were started */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t work;   /* a job waits to be begun, or the crew ends */
    pthread_cond_t done;
    unsigned oldest; /* place in the ring */
    unsigned out;    /* jobs from there on that were submitted and not taken */
    unsigned begun;  /* of these */
    bool ending;
};

static struct rf_crew_job **place_of(struct rf_crew *crew, unsigned number) {
    return &crew->ring[(crew->oldest + number) % crew->places];
}

static struct rf_crew_job *next_job(struct rf_crew *crew) {
    while (crew->begun == crew->out && !crew->ending) {
        pthread_cond_wait(&crew->work, &crew->mutex);
    }
    return crew->begun < crew->out ? *place_of(crew, crew->begun++) : NULL;
}

static void *work(void *argument) {
    struct member *member = argument;
    struct rf_crew *crew = member->crew;
    pthread_mutex_lock(&crew->mutex);
    for (struct rf_crew_job *job; (job = next_job(crew));) {
        pthread_mutex_unlock(&crew->mutex);
        job->run(job, &member->memory);
        pthread_mutex_lock(&crew->mutex);
        job->done = true;
        pthread_cond_signal(&crew->done);
    }
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

/* Signals are for the thread that looks at the stop flag, so the crew's threads block them all. */
static int start_thread(struct member *member) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&member->thread, NULL, work, member);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static enum rf_code fill(struct rf_crew *crew, struct rf_error *error) {
    crew->ring = calloc(crew->places, sizeof(struct rf_crew_job *));
    crew->members = calloc(crew->member_count, sizeof *crew->members);
    if (!crew->ring || !crew->members) {
        return rf_fail_memory(error);
    }
    for (unsigned i = 0; i < crew->member_count; i++) {
        crew->members[i].crew = crew;
        crew->members[i].memory.codec = rf_codec_new();
        if (!crew->members[i].memory.codec) {
            return rf_fail_memory(error);
        }
    }
    return RF_OK;
}

enum rf_code rf_crew_new(unsigned threads, unsigned places, struct rf_crew **made,
                         struct rf_error *error) {
    *made = NULL;
    struct rf_crew *crew = calloc(1, sizeof *crew);
    if (!crew) {
        return rf_fail_memory(error);
    }
    unsigned others = threads > 1 ? threads : 0;
    crew->places = places;
    crew->member_count = others + 1;
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->work, NULL);
    pthread_cond_init(&crew->done, NULL);
    enum rf_code code = fill(crew, error);
    for (unsigned i = 1; code == RF_OK && i < crew->member_count; i++) {
        if (start_thread(&crew->members[i]) != 0) {
            code = rf_fail(error, RF_NO_MEMORY, "cannot start %u threads", threads);
        } else {
            crew->threads++;
        }
    }
    if (code != RF_OK) {
        rf_crew_free(crew);
        return code;
    }
    *made = crew;
    return RF_OK;
}

void rf_crew_memory_trim(struct rf_crew_memory *memory) {
    const struct rf_rows_memory *rows = memory->rows.memory;
    if (rows && rows->raw.capacity > KEEP_BYTES) {
        rf_rows_release(&memory->rows);
    }
    if (memory->cells.capacity > KEEP_BYTES) {
        rf_buffer_release(&memory->cells);
    }
}

static void release(struct rf_crew_memory *memory) {
    rf_codec_free(memory->codec);
    rf_rows_release(&memory->rows);
    rf_buffer_release(&memory->cells);
    rf_buffer_release(&memory->hashes);
}

void rf_crew_free(struct rf_crew *crew) {
    if (!crew) {
        return;
    }
    pthread_mutex_lock(&crew->mutex);
    crew->ending = true;
    pthread_cond_broadcast(&crew->work);
    pthread_mutex_unlock(&crew->mutex);
    for (unsigned i = 1; i <= crew->threads; i++) {
        pthread_join(crew->members[i].thread, NULL);
    }
    for (unsigned i = 0; crew->members && i < crew->member_count; i++) {
        release(&crew->members[i].memory);
    }
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->work);
    pthread_mutex_destroy(&crew->mutex);
    free(crew->members);
    free(crew->ring);
    free(crew);
}

/* Only the owner changes how many are out, so that it may look without the mutex. */
unsigned rf_crew_out(const struct rf_crew *crew) {
    return crew->out;
}

void rf_crew_submit(struct rf_crew *crew, struct rf_crew_job *job) {
    job->done = crew->threads == 0;
    if (job->done) {
        job->run(job, &crew->members[0].memory);
    }
    pthread_mutex_lock(&crew->mutex);
    *place_of(crew, crew->out++) = job;
    crew->begun += job->done;
    pthread_cond_signal(&crew->work);
    pthread_mutex_unlock(&crew->mutex);
}

struct rf_crew_job *rf_crew_take(struct rf_crew *crew) {
    if (crew->out == 0) {
        return NULL;
    }
    pthread_mutex_lock(&crew->mutex);
    struct rf_crew_job *job = *place_of(crew, 0);
    while (!job->done) {
        pthread_cond_wait(&crew->done, &crew->mutex);
    }
    crew->oldest = (crew->oldest + 1) % crew->places;
    crew->out--;
    crew->begun--;
    pthread_mutex_unlock(&crew->mutex);
    return job;
}

void rf_crew_run_here(struct rf_crew *crew, struct rf_crew_job *job) {
    job->run(job, &crew->members[0].memory);
}
