/* The feed that reads leaf pages.
 *
 * One scan goes from leaf to leaf and is cut into chunks; that is quick, and whoever needs a chunk
 * does it, one at a time. Everything else, which is most of the work, is done chunk by chunk by as
 * many threads as there are: identities, decoding, hashing, counting. Each thread has a few pieces
 * of its own, fills them chunk after chunk and queues them; the reader of the feed takes, of all
 * queues, the one that begins with the chunk whose turn it is.
 *
 * A thread whose pieces are all queued waits until one comes back. That cannot be for ever: the
 * pieces of the thread that has the chunk whose turn it is are all of this chunk, and so the reader
 * can take one. A large row is only decoded when its chunk's turn has come and no other piece of
 * its thread is in use, so one such row at most is in memory, not one a thread.
 *
 * A small table is read on the caller's own thread, as is every table with one job: threads begin
 * when there is a third chunk. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/key_order.h"
#include "capture/page_defaults.h"
#include "capture/page_file.h"
#include "capture/page_pieces.h"
#include "capture/page_roots.h"
#include "capture/row_feed_inner.h"

#define THREADS_MAX 64u
#define PIECES_EACH 4u
#define CHUNKS_ALONE 2u /* read before threads begin */

struct pages_feed;

struct worker {
    struct pages_feed *feed;
    pthread_t thread;
    struct rf_page_maker maker;
    struct rf_page_piece pieces[PIECES_EACH];
    uint32_t made;   /* pieces that are initialised */
    uint32_t in_use; /* being filled, queued, or with the reader */
    struct rf_page_piece *free;
    struct rf_page_piece *first; /* of the queue */
    struct rf_page_piece *last;
};

struct pages_feed {
    struct rf_row_feed feed; /* first */
    struct rf_row_feed_options options;
    const struct rf_page_source *pages;
    struct rf_page_layout *layout;
    char unusual[200];

    pthread_mutex_t cutting; /* over the next four: who holds it cuts a chunk */
    struct rf_page_scan *scan;
    uint64_t cut; /* chunks */
    enum rf_code cut_code;
    struct rf_error cut_error;

    pthread_mutex_t mutex; /* over all below, and what the workers have queued */
    pthread_cond_t queued; /* a piece, or the feed ends or fails */
    pthread_cond_t freed;  /* a piece, or it is another chunk's turn, or the feed is closed */
    bool closing;
    bool ended; /* `chunks` is how many there are */
    uint64_t chunks;
    uint64_t turn; /* the chunk whose pieces the reader takes */
    enum rf_code code;
    struct rf_error error;

    /* The reader's own: */
    struct worker *workers;
    unsigned threads;           /* that have begun; 0: the first worker is the caller */
    struct rf_page_piece *held; /* by the caller */
    struct worker *holder;
    struct rf_buffer last_key; /* of the piece before */
};

static struct pages_feed *of(const struct rf_row_feed *base) {
    return (struct pages_feed *)(uintptr_t)base;
}

/* ---- what every thread does ---- */

static enum rf_code look_at_stop(const struct pages_feed *feed, struct rf_error *error) {
    int stop = atomic_load(feed->options.source->options.stop);
    return stop ? rf_fail(error, RF_INTERRUPTED, "stopped by signal %d", stop) : RF_OK;
}

/* The next chunk of the table to the worker; one without leaves at the end. A scan that has failed
 * is not touched again. */
static enum rf_code cut_chunk(struct worker *worker, struct rf_error *error) {
    struct pages_feed *feed = worker->feed;
    struct rf_page_chunk *chunk = &worker->maker.chunk;
    pthread_mutex_lock(&feed->cutting);
    if (feed->cut_code == RF_OK) {
        chunk->number = feed->cut;
        feed->cut_code =
            rf_page_chunk_cut(chunk, feed->scan, feed->pages->page_size, &feed->cut_error);
        feed->cut += chunk->leaves > 0;
    }
    enum rf_code code = feed->cut_code;
    if (code != RF_OK) {
        *error = feed->cut_error;
    }
    pthread_mutex_unlock(&feed->cutting);
    return code;
}

/* ---- threads ---- */

static void fail_feed(struct pages_feed *feed, enum rf_code code, const struct rf_error *error) {
    pthread_mutex_lock(&feed->mutex);
    if (feed->code == RF_OK) {
        feed->code = code;
        feed->error = *error;
    }
    pthread_cond_broadcast(&feed->queued);
    pthread_cond_broadcast(&feed->freed);
    pthread_mutex_unlock(&feed->mutex);
}

static bool is_over(const struct pages_feed *feed) {
    return feed->closing || feed->code != RF_OK;
}

/* NULL when the feed is over. */
static struct rf_page_piece *free_piece(struct worker *worker) {
    struct pages_feed *feed = worker->feed;
    pthread_mutex_lock(&feed->mutex);
    while (!worker->free && !is_over(feed)) {
        pthread_cond_wait(&feed->freed, &feed->mutex);
    }
    struct rf_page_piece *piece = is_over(feed) ? NULL : worker->free;
    if (piece) {
        worker->free = piece->next;
        worker->in_use++;
    }
    pthread_mutex_unlock(&feed->mutex);
    return piece;
}

/* Until the chunk's turn has come and all pieces but the one in hand are back. */
static bool wait_alone(struct worker *worker) {
    struct pages_feed *feed = worker->feed;
    pthread_mutex_lock(&feed->mutex);
    while (!is_over(feed) && (feed->turn != worker->maker.chunk.number || worker->in_use > 1)) {
        pthread_cond_wait(&feed->freed, &feed->mutex);
    }
    bool goes_on = !is_over(feed);
    pthread_mutex_unlock(&feed->mutex);
    return goes_on;
}

static void queue_piece(struct worker *worker, struct rf_page_piece *piece) {
    struct pages_feed *feed = worker->feed;
    pthread_mutex_lock(&feed->mutex);
    piece->next = NULL;
    if (worker->last) {
        worker->last->next = piece;
    } else {
        worker->first = piece;
    }
    worker->last = piece;
    if (piece->chunk == feed->turn) {
        pthread_cond_signal(&feed->queued);
    }
    pthread_mutex_unlock(&feed->mutex);
}

/* False when the feed is over. */
static bool make_piece(struct worker *worker, enum rf_code *code, struct rf_error *error) {
    bool waits = false;
    struct rf_page_piece *piece = free_piece(worker);
    if (!piece) {
        return false;
    }
    *code = look_at_stop(worker->feed, error);
    if (*code == RF_OK) {
        *code = rf_page_maker_fill(&worker->maker, piece, false, &waits, error);
    }
    if (*code == RF_OK && waits) {
        if (!wait_alone(worker)) {
            return false;
        }
        *code = rf_page_maker_fill(&worker->maker, piece, true, &waits, error);
    }
    if (*code == RF_OK) {
        queue_piece(worker, piece);
    }
    return true;
}

static void end_feed(struct pages_feed *feed, uint64_t chunks) {
    pthread_mutex_lock(&feed->mutex);
    feed->ended = true;
    feed->chunks = chunks;
    pthread_cond_broadcast(&feed->queued);
    pthread_mutex_unlock(&feed->mutex);
}

static void *work(void *context) {
    struct worker *worker = context;
    struct rf_page_maker *maker = &worker->maker;
    struct rf_error error = {0};
    enum rf_code code = RF_OK;
    bool goes_on = true;
    while (code == RF_OK && goes_on) {
        if (!rf_page_maker_has_more(maker)) {
            code = cut_chunk(worker, &error);
            if (code == RF_OK && maker->chunk.leaves == 0) {
                end_feed(worker->feed, maker->chunk.number);
                break;
            }
            if (code == RF_OK) {
                code = rf_page_maker_begin(maker, &error);
            }
        }
        if (code == RF_OK) {
            goes_on = make_piece(worker, &code, &error);
        }
    }
    if (code != RF_OK) {
        fail_feed(worker->feed, code, &error);
    }
    return NULL;
}

static enum rf_code open_worker(struct pages_feed *feed, struct worker *worker, uint32_t pieces,
                                struct rf_error *error) {
    enum rf_code code = RF_OK;
    worker->feed = feed;
    if (!worker->maker.rows) {
        code = rf_page_maker_init(&worker->maker, &feed->options, feed->pages, feed->layout, error);
    }
    while (code == RF_OK && worker->made < pieces) {
        struct rf_page_piece *piece = &worker->pieces[worker->made];
        code = rf_page_piece_init(piece, feed->layout->column_count, error);
        if (code == RF_OK) {
            worker->made++;
            piece->next = worker->free;
            worker->free = piece;
        }
    }
    return code;
}

/* As many as can be; none is fine. Signals are the main thread's. */
static enum rf_code begin_threads(struct pages_feed *feed, struct rf_error *error) {
    sigset_t all, before;
    enum rf_code code = RF_OK;
    for (unsigned i = 0; code == RF_OK && i < feed->options.jobs; i++) {
        code = open_worker(feed, &feed->workers[i], PIECES_EACH, error);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (code == RF_OK && feed->threads < feed->options.jobs) {
        struct worker *worker = &feed->workers[feed->threads];
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            break;
        }
        feed->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* ---- the reader ---- */

static void give_back(struct pages_feed *feed) {
    struct rf_page_piece *piece = feed->held;
    if (!piece) {
        return;
    }
    rf_page_piece_trim(piece);
    pthread_mutex_lock(&feed->mutex);
    piece->next = feed->holder->free;
    feed->holder->free = piece;
    feed->holder->in_use--;
    feed->held = NULL;
    pthread_cond_broadcast(&feed->freed);
    pthread_mutex_unlock(&feed->mutex);
}

static struct worker *whose_turn(const struct pages_feed *feed) {
    for (unsigned i = 0; i < feed->threads; i++) {
        struct worker *worker = &feed->workers[i];
        if (worker->first && worker->first->chunk == feed->turn) {
            return worker;
        }
    }
    return NULL;
}

static void take_first(struct pages_feed *feed, struct worker *worker) {
    feed->held = worker->first;
    feed->holder = worker;
    worker->first = worker->first->next;
    worker->last = worker->first ? worker->last : NULL;
    if (feed->held->piece.ends) {
        feed->turn++;
        pthread_cond_broadcast(&feed->freed);
    }
}

/* The next piece that the threads have made; none at the end. */
static enum rf_code wait_for_piece(struct pages_feed *feed, struct rf_error *error) {
    struct worker *worker = NULL;
    pthread_mutex_lock(&feed->mutex);
    while (feed->code == RF_OK && !(feed->ended && feed->turn == feed->chunks) &&
           !(worker = whose_turn(feed))) {
        pthread_cond_wait(&feed->queued, &feed->mutex);
    }
    enum rf_code code = feed->code;
    if (code != RF_OK) {
        *error = feed->error;
    } else if (worker) {
        take_first(feed, worker);
    }
    pthread_mutex_unlock(&feed->mutex);
    return code;
}

/* The same on the caller's thread. */
static enum rf_code make_one(struct pages_feed *feed, struct rf_error *error) {
    struct worker *worker = &feed->workers[0];
    bool waits = false;
    enum rf_code code = rf_page_maker_fill(&worker->maker, worker->free, true, &waits, error);
    if (code == RF_OK) {
        feed->held = worker->free;
        feed->holder = worker;
        worker->free = worker->free->next;
        worker->in_use++;
        feed->turn += feed->held->piece.ends;
    }
    return code;
}

/* Sees to it that the caller's own worker has something to do, or that threads do it. */
static enum rf_code cut_or_begin(struct pages_feed *feed, struct rf_error *error) {
    struct rf_page_maker *maker = &feed->workers[0].maker;
    if (feed->threads > 0 || rf_page_maker_has_more(maker) || feed->ended) {
        return RF_OK;
    }
    enum rf_code code = cut_chunk(&feed->workers[0], error);
    if (code != RF_OK) {
        return code;
    }
    if (maker->chunk.leaves == 0) {
        feed->ended = true;
        feed->chunks = maker->chunk.number;
        return RF_OK;
    }
    code = rf_page_maker_begin(maker, error);
    if (code == RF_OK && feed->options.jobs > 1 && maker->chunk.number >= CHUNKS_ALONE) {
        code = begin_threads(feed, error);
    }
    return code;
}

/* Rowids are checked by the scan; keys are checked by each thread within its chunks, and from piece
 * to piece here. */
static enum rf_code check_order(struct pages_feed *feed, struct rf_error *error) {
    const struct rf_page_piece *piece = feed->held;
    const uint32_t *starts = piece->key_starts;
    struct rf_buffer *last = &feed->last_key;
    if (feed->layout->tree == RF_TREE_TABLE) {
        return RF_OK;
    }
    if (last->size > 0 &&
        rf_key_compare(last->bytes, last->size, piece->keys.bytes, starts[1]) >= 0) {
        return rf_fail(error, RF_UNUSUAL, "its rows are not in the order of their keys");
    }
    uint32_t from = starts[piece->key_count - 1];
    rf_buffer_clear(last);
    rf_buffer_append(last, piece->keys.bytes + from, starts[piece->key_count] - from);
    return rf_buffer_check(last, error);
}

static enum rf_code next_piece(struct pages_feed *feed, struct rf_error *error) {
    give_back(feed);
    enum rf_code code = look_at_stop(feed, error);
    if (code == RF_OK) {
        code = cut_or_begin(feed, error);
    }
    if (code == RF_OK && feed->threads > 0) {
        code = wait_for_piece(feed, error);
    } else if (code == RF_OK && !feed->ended) {
        code = make_one(feed, error);
    }
    if (code != RF_OK) {
        return code;
    }
    return feed->held ? check_order(feed, error) : rf_page_file_holds(feed->pages, error);
}

static enum rf_code pages_next(struct rf_row_feed *base, const struct rf_piece **piece,
                               struct rf_error *error) {
    struct pages_feed *feed = of(base);
    enum rf_code code = next_piece(feed, error);
    *piece = code == RF_OK && feed->held ? &feed->held->piece : NULL;
    if (code == RF_UNUSUAL) {
        snprintf(feed->unusual, sizeof feed->unusual, "%.199s", error->what);
    }
    return code;
}

static const char *pages_unusual(const struct rf_row_feed *base) {
    return of(base)->unusual[0] ? of(base)->unusual : NULL;
}

/* ---- opening and closing ---- */

static void join_threads(struct pages_feed *feed) {
    pthread_mutex_lock(&feed->mutex);
    feed->closing = true;
    pthread_cond_broadcast(&feed->freed);
    pthread_mutex_unlock(&feed->mutex);
    for (unsigned i = 0; i < feed->threads; i++) {
        pthread_join(feed->workers[i].thread, NULL);
    }
}

static void pages_close(struct rf_row_feed *base) {
    struct pages_feed *feed = of(base);
    join_threads(feed);
    for (unsigned i = 0; feed->workers && i < feed->options.jobs; i++) {
        for (uint32_t j = 0; j < feed->workers[i].made; j++) {
            rf_page_piece_release(&feed->workers[i].pieces[j]);
        }
        rf_page_maker_release(&feed->workers[i].maker);
    }
    free(feed->workers);
    rf_page_scan_free(feed->scan);
    rf_page_layout_free(feed->layout);
    rf_buffer_release(&feed->last_key);
    pthread_mutex_destroy(&feed->cutting);
    pthread_mutex_destroy(&feed->mutex);
    pthread_cond_destroy(&feed->queued);
    pthread_cond_destroy(&feed->freed);
    free(feed);
}

static enum rf_code open_layout(struct pages_feed *feed, uint32_t *root, struct rf_error *error) {
    const struct rf_table *table = feed->options.table;
    const struct rf_source *source = feed->options.source;
    *root = rf_page_roots_find(source->roots, table->name);
    if (*root == 0 || table->key_kind == RF_KEY_ORDINAL) {
        return rf_fail(error, RF_UNUSUAL,
                       *root == 0 ? "it has no b-tree" : "no name reaches its rowids");
    }
    enum rf_code code = rf_page_layout_new(table, feed->pages->encoding, &feed->layout, error);
    if (code == RF_OK && !feed->layout->ordered) {
        code = rf_fail(error, RF_UNUSUAL, "its keys are kept in another order");
    }
    return code == RF_OK ? rf_page_defaults_learn(source->defaults, feed->layout, table, error)
                         : code;
}

static enum rf_code open_feed(struct pages_feed *feed, struct rf_error *error) {
    uint32_t root = 0;
    enum rf_code code = open_layout(feed, &root, error);
    if (code == RF_OK) {
        code = rf_page_scan_new(feed->pages, feed->layout, root, &feed->scan, error);
    }
    if (code == RF_OK) {
        feed->workers = calloc(feed->options.jobs, sizeof *feed->workers);
        code = feed->workers ? RF_OK : rf_fail_memory(error);
    }
    return code == RF_OK ? open_worker(feed, &feed->workers[0], 1, error) : code;
}

enum rf_code rf_row_feed_pages_open(const struct rf_row_feed_options *options,
                                    const struct rf_page_source *pages, struct rf_row_feed **opened,
                                    struct rf_error *error) {
    *opened = NULL;
    struct pages_feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        return rf_fail_memory(error);
    }
    static const struct rf_row_feed_calls calls = {
        .next = pages_next, .unusual = pages_unusual, .close = pages_close};
    feed->feed.calls = &calls;
    feed->options = *options;
    feed->options.jobs = options->jobs < THREADS_MAX ? options->jobs : THREADS_MAX;
    feed->pages = pages;
    pthread_mutex_init(&feed->cutting, NULL);
    pthread_mutex_init(&feed->mutex, NULL);
    pthread_cond_init(&feed->queued, NULL);
    pthread_cond_init(&feed->freed, NULL);
    enum rf_code code = open_feed(feed, error);
    if (code != RF_OK) {
        pages_close(&feed->feed);
        return code;
    }
    *opened = &feed->feed;
    return RF_OK;
}
