/* Exit codes: what a script learns from how rowferry ended. A contract; see rowferry(1). */
#ifndef RF_TOOLS_EXIT_H
#define RF_TOOLS_EXIT_H

#include "format/error.h"

enum rf_exit {
    RF_EXIT_DONE = 0,
    RF_EXIT_FAILED = 1,
    RF_EXIT_USAGE = 2,
    RF_EXIT_DAMAGE = 3, /* or a difference */
    RF_EXIT_MISPLACED = 4,
    RF_EXIT_CONNECT = 5,
    RF_EXIT_LOCKED = 6,
    RF_EXIT_STORAGE = 7,
    RF_EXIT_SET_ASIDE = 8,
    RF_EXIT_SIGNAL = 128, /* plus the signal's number */
};

/* `signal` is looked at for RF_INTERRUPTED. */
int rf_exit_of(enum rf_code code, int signal);

/* The table for the help text; ends where meaning is NULL. */
struct rf_exit_meaning {
    const char *code;
    const char *meaning;
};
extern const struct rf_exit_meaning rf_exit_meanings[];

#endif
