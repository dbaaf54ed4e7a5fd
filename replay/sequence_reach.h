/* How far a sequence has to be moved on to pass a number: arithmetic, without a server.
 *
 * A sequence gives the numbers of a grid: its last value and every increment from there. It is only
 * ever moved to a number of that grid, so that one which counts in steps of its own (odd numbers
 * here, even ones on another server) goes on as it did; and only in the direction that it counts. */
#ifndef RF_REPLAY_SEQUENCE_REACH_H
#define RF_REPLAY_SEQUENCE_REACH_H

#include <stdbool.h>
#include <stdint.h>

struct rf_sequence_state {
    int64_t increment; /* negative: it counts down */
    int64_t min, max;
    int64_t last; /* within these */
    bool called;  /* `last` was given out; else it is what comes next */
};

enum rf_sequence_reach {
    RF_SEQUENCE_THERE,  /* whatever comes next is past the number, or nothing comes any more */
    RF_SEQUENCE_MOVE,   /* `value` is what it has to be set to, as given out */
    RF_SEQUENCE_BEYOND, /* the number lies behind the sequence's own end */
};
enum rf_sequence_reach rf_sequence_reach(const struct rf_sequence_state *state, int64_t passed,
                                         int64_t *value);

/* The one of two numbers that is harder to pass. */
int64_t rf_sequence_farther(const struct rf_sequence_state *state, int64_t a, int64_t b);

/* A number as the server prints it, maybe with zeros behind a point. */
enum rf_sequence_text {
    RF_SEQUENCE_NUMBER,
    RF_SEQUENCE_TOO_LARGE, /* an integer that is no bigint, and */
    RF_SEQUENCE_TOO_SMALL,
    RF_SEQUENCE_NO_NUMBER,
};
enum rf_sequence_text rf_sequence_read(const char *text, int64_t *number);

#endif
