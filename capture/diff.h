/* The first pass of the diff: two lists of (key, row hash) in the order of their keys, walked side
 * by side. Pure: it knows neither files nor SQLite. */
#ifndef RF_CAPTURE_DIFF_H
#define RF_CAPTURE_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/error.h"
#include "format/hash.h"

struct rf_keyed_row {
    int64_t rowid; /* or the place in the scan; not looked at where keys are columns */
    struct rf_hash hash;
    const uint8_t *key; /* canonical cells; where keys are columns */
    size_t key_size;
};

struct rf_diff_side {
    /* *row is NULL at the end, and belongs to the side until its next call. Keys ascend
     * strictly. */
    enum rf_code (*next)(void *context, const struct rf_keyed_row **row, struct rf_error *error);
    void *context;
};

enum rf_diff_event {
    RF_DIFF_SAME,    /* the same key and the same hash on both sides */
    RF_DIFF_CHANGED, /* the same key, another hash */
    RF_DIFF_GONE,    /* only in the parent */
    RF_DIFF_ADDED,   /* only in the child */
};

/* Is told of every key once, in ascending order. `old` and `new` are NULL where there is none. */
struct rf_diff_sink {
    enum rf_code (*take)(void *context, enum rf_diff_event event, const struct rf_keyed_row *old,
                         const struct rf_keyed_row *new, struct rf_error *error);
    void *context;
};

/* Stops at the first thing that fails on any side. */
RF_MUST_USE enum rf_code rf_diff(bool by_columns, const struct rf_diff_side *old_side,
                                 const struct rf_diff_side *new_side,
                                 const struct rf_diff_sink *sink, struct rf_error *error);

#endif
