/* What stands against a run, gathered to be told all at once.
 *
 * A line names a table and what is wrong with it, and ends where there is one in the statement that
 * mends it, ready to be copied. */
#ifndef RF_REPLAY_TROUBLES_H
#define RF_REPLAY_TROUBLES_H

#include "format/error.h"
#include "replay/arena.h"
#include "replay/run.h"

struct rf_trouble {
    struct rf_trouble *next;
    const char *line;
};

struct rf_troubles {
    struct rf_arena *arena; /* borrowed */
    uint32_t count;
    struct rf_trouble *first, *last;
};

/* Want of memory shows in the arena. */
void rf_trouble(struct rf_troubles *troubles, const char *format, ...) RF_PRINTF(2, 3);

/* RF_OK without any; else the code, with as many lines as an error holds. Those that it does not
 * hold are told one by one, as warnings. */
RF_MUST_USE enum rf_code rf_troubles_fail(const struct rf_troubles *troubles, struct rf_run *run,
                                          enum rf_code code, const char *what, const char *hint,
                                          struct rf_error *error);

#endif
