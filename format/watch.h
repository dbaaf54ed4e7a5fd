/* What is told to whoever looks on while rows are carried: how far each table is, and what each
 * worker does.
 *
 * Called from any thread, several at once, a few times for each block of rows and never for a
 * single one. The callee only takes numbers down: it waits for nothing, or the work would wait with
 * it. Numbers are what was added since the last call, so that none is lost between threads. */
#ifndef RF_FORMAT_WATCH_H
#define RF_FORMAT_WATCH_H

#include <stddef.h>
#include <stdint.h>

/* A trip has several parts, which may overlap; each counts a table's rows for itself. */
enum rf_watch_part { RF_WATCH_CAPTURE, RF_WATCH_REPLAY, RF_WATCH_COMPARE, RF_WATCH_SURVEY };
#define RF_WATCH_PARTS 4u

/* What becomes of a table in its part, in this order. */
enum rf_watch_state {
    RF_WATCH_AS_BEFORE, /* numbers alone are told */
    RF_WATCH_WAITING,
    RF_WATCH_ROWS, /* its rows are under way */
    RF_WATCH_INDEXES,
    RF_WATCH_DONE,
};

struct rf_watch_table {
    enum rf_watch_part part;
    const char *table; /* borrowed */
    enum rf_watch_state state;
    int64_t expected; /* rows; fewer than was told before: negative */
    uint64_t rows, bytes;
};

struct rf_watch {
    void (*table)(void *context, const struct rf_watch_table *told);
    /* Worker `number` of that part, counted from 0, does this from now on; `doing` is a verb in the
     * third person that is never freed, NULL where it waits for work. `table` is borrowed, and may
     * be NULL. */
    void (*worker)(void *context, enum rf_watch_part part, unsigned number, const char *doing,
                   const char *table);
    void *context;
};

/* Both accept NULL: nobody looks on. */
static inline void rf_watch_table(const struct rf_watch *watch, const struct rf_watch_table *told) {
    if (watch) {
        watch->table(watch->context, told);
    }
}
static inline void rf_watch_worker(const struct rf_watch *watch, enum rf_watch_part part,
                                   unsigned number, const char *doing, const char *table) {
    if (watch) {
        watch->worker(watch->context, part, number, doing, table);
    }
}

#endif
