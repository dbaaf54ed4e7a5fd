/* Reading ahead: three places for decoded blocks, passed round between a reader and a taker.
 *
 * A place is free, or holds a block that waits (in `ready`, oldest first), or is in use by the taker. The reader
 * fills free places with the blocks that follow each other; the taker gives its place back when it
 * takes the next. One mutex guards all but the decoded rows, which belong to whoever has the place. */
#include "format/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define PLACES 3u
/* A block of more raw bytes than this is decoded only when no other is held, and its memory not kept. */
#define LARGE_BYTES (4u << 20)

struct place {
    uint32_t block;
    bool large;
    enum rf_code code;
    struct rf_error error;
    struct rf_rows rows;
};

struct rf_ahead {
    struct rf_archive *archive;
    enum rf_block_kind kind;
    uint32_t end;
    struct rf_codec *codec;
    struct place places[PLACES];
    pthread_t thread;
    bool started;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t change;
    uint32_t next; /* the block that the reader looks at next */
    struct place *free[PLACES];
    unsigned free_count;
    struct place *ready[PLACES];
    unsigned ready_count;
    struct place *used; /* by the taker, or NULL */
    bool ending;
};

static bool is_large(const struct rf_ahead *ahead, uint32_t block) {
    return rf_archive_block(ahead->archive, block)->facts.raw_size > LARGE_BYTES;
}

static bool large_is_held(const struct rf_ahead *ahead) {
    return (ahead->used && ahead->used->large) ||
           (ahead->ready_count > 0 && ahead->ready[ahead->ready_count - 1]->large);
}

static bool may_read(const struct rf_ahead *ahead) {
    return is_large(ahead, ahead->next) ? ahead->free_count == PLACES
                                        : ahead->free_count > 0 && !large_is_held(ahead);
}

static void pass_other_kinds(struct rf_ahead *ahead) {
    while (ahead->next < ahead->end &&
           rf_archive_block(ahead->archive, ahead->next)->facts.kind != ahead->kind) {
        ahead->next++;
    }
}

/* With the mutex held: a place to fill and the number of its block; NULL when all is read. */
static struct place *next_place(struct rf_ahead *ahead) {
    for (;;) {
        pass_other_kinds(ahead);
        if (ahead->ending || ahead->next >= ahead->end) {
            return NULL;
        }
        if (may_read(ahead)) {
            break;
        }
        pthread_cond_wait(&ahead->change, &ahead->mutex);
    }
    struct place *place = ahead->free[--ahead->free_count];
    place->block = ahead->next++;
    place->large = is_large(ahead, place->block);
    return place;
}

static void *read_blocks(void *argument) {
    struct rf_ahead *ahead = argument;
    pthread_mutex_lock(&ahead->mutex);
    for (struct place *place; (place = next_place(ahead));) {
        pthread_mutex_unlock(&ahead->mutex);
        rf_error_clear(&place->error);
        place->code = rf_archive_read(ahead->archive, ahead->codec, place->block, &place->rows,
                                      &place->error);
        pthread_mutex_lock(&ahead->mutex);
        ahead->ready[ahead->ready_count++] = place;
        pthread_cond_broadcast(&ahead->change);
    }
    pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

/* Signals are for the thread that looks at the stop flag, so the reader blocks them all. */
static int start_thread(struct rf_ahead *ahead) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&ahead->thread, NULL, read_blocks, ahead);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    ahead->started = failed == 0;
    return failed;
}

enum rf_code rf_ahead_new(struct rf_archive *archive, enum rf_block_kind kind, uint32_t first,
                          uint32_t end, struct rf_ahead **made, struct rf_error *error) {
    *made = NULL;
    struct rf_ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead) {
        return rf_fail_memory(error);
    }
    ahead->archive = archive;
    ahead->kind = kind;
    ahead->next = first;
    ahead->end = end;
    for (unsigned i = 0; i < PLACES; i++) {
        ahead->free[ahead->free_count++] = &ahead->places[i];
    }
    pthread_mutex_init(&ahead->mutex, NULL);
    pthread_cond_init(&ahead->change, NULL);
    ahead->codec = rf_codec_new();
    if (!ahead->codec || start_thread(ahead) != 0) {
        enum rf_code code = ahead->codec ? rf_fail(error, RF_NO_MEMORY, "cannot start a thread")
                                         : rf_fail_memory(error);
        rf_ahead_free(ahead);
        return code;
    }
    *made = ahead;
    return RF_OK;
}

void rf_ahead_free(struct rf_ahead *ahead) {
    if (!ahead) {
        return;
    }
    if (ahead->started) {
        pthread_mutex_lock(&ahead->mutex);
        ahead->ending = true;
        pthread_cond_broadcast(&ahead->change);
        pthread_mutex_unlock(&ahead->mutex);
        pthread_join(ahead->thread, NULL);
    }
    for (unsigned i = 0; i < PLACES; i++) {
        rf_rows_release(&ahead->places[i].rows);
    }
    rf_codec_free(ahead->codec);
    pthread_cond_destroy(&ahead->change);
    pthread_mutex_destroy(&ahead->mutex);
    free(ahead);
}

static void give_back(struct rf_ahead *ahead, struct place *place) {
    if (place->large) {
        rf_rows_release(&place->rows);
    }
    ahead->free[ahead->free_count++] = place;
    pthread_cond_broadcast(&ahead->change);
}

static struct place *first_ready(struct rf_ahead *ahead) {
    struct place *place = ahead->ready[0];
    ahead->ready_count--;
    memmove(ahead->ready, ahead->ready + 1, ahead->ready_count * sizeof *ahead->ready);
    return place;
}

/* With the mutex held. What is ready but not wanted is of a lower number. */
static struct place *wait_for(struct rf_ahead *ahead, uint32_t block) {
    for (;;) {
        while (ahead->ready_count == 0) {
            pthread_cond_wait(&ahead->change, &ahead->mutex);
        }
        struct place *place = first_ready(ahead);
        if (place->block == block) {
            return place;
        }
        give_back(ahead, place);
    }
}

enum rf_code rf_ahead_take(struct rf_ahead *ahead, uint32_t block, const struct rf_rows **rows,
                           struct rf_error *error) {
    pthread_mutex_lock(&ahead->mutex);
    if (ahead->used) {
        give_back(ahead, ahead->used);
        ahead->used = NULL;
    }
    if (block > ahead->next) {
        ahead->next = block;
    }
    struct place *place = ahead->used = wait_for(ahead, block);
    pthread_mutex_unlock(&ahead->mutex);
    if (place->code != RF_OK) {
        *error = place->error;
        *rows = NULL;
        return error->code;
    }
    *rows = &place->rows;
    return RF_OK;
}
