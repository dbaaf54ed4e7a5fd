/* The first pass of the diff: rows of both sides in the order of their keys, told apart. Pure: it
 * knows neither files nor SQLite.
 *
 * The new side leads: rf_diff_rows takes the next rows of it and says what became of them, of the
 * old rows before and of those between; rf_diff_gone, called when it has no more, or where it is
 * known how it goes on, says of the next old rows that they are gone. Old rows are fetched when
 * they are looked at and not before, so that whoever passes over rows on both sides finds them
 * unread. */
#ifndef RF_CAPTURE_DIFF_H
#define RF_CAPTURE_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/keyed_rows.h"
#include "format/error.h"

enum rf_diff_event {
    RF_DIFF_SAME,    /* the same key and the same hash on both sides */
    RF_DIFF_CHANGED, /* the same key, another hash */
    RF_DIFF_GONE,    /* only in the parent */
    RF_DIFF_ADDED,   /* only in the child */
};

struct rf_diff {
    bool by_columns; /* keys are columns: equal hashes are equal keys */
    void *context;   /* of the calls below */
    /* The next old rows; *rows is NULL at the end. They ascend strictly. */
    enum rf_code (*next)(void *context, const struct rf_keyed_rows **rows, struct rf_error *error);
    /* Is told of every key once, in ascending order. `rows` is NULL on a side that has none.
     * `count` is 1 but for SAME: so many from there on, on both sides. */
    enum rf_code (*take)(void *context, enum rf_diff_event event, struct rf_keyed_row old,
                         struct rf_keyed_row new, uint32_t count, struct rf_error *error);
    /* Where the old side stands; all zero at first. */
    struct rf_keyed_row old;
    bool ended;
};

/* Old rows that were fetched and not told of yet. */
static inline uint32_t rf_diff_left(const struct rf_diff *diff) {
    return diff->old.rows ? diff->old.rows->count - diff->old.at : 0;
}
/* All of these stop at the first thing that fails on any side. */
RF_MUST_USE enum rf_code rf_diff_rows(struct rf_diff *diff, const struct rf_keyed_rows *rows,
                                      struct rf_error *error);
/* The old rows at hand, or else those fetched next, are gone. */
RF_MUST_USE enum rf_code rf_diff_gone(struct rf_diff *diff, struct rf_error *error);
/* And so is whatever is left. */
RF_MUST_USE enum rf_code rf_diff_finish(struct rf_diff *diff, struct rf_error *error);

#endif
