/* Memory that is given back all at once: the many small strings of a plan or of the ledger.
 *
 * Sticky like rf_buffer: what could not be allocated comes back as NULL and rf_arena_check says so
 * once, at the end. One thread at a time. */
#ifndef RF_REPLAY_ARENA_H
#define RF_REPLAY_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "format/error.h"

struct rf_arena_page;

struct rf_arena {
    struct rf_arena_page *pages;
    bool failed;
};

/* Zeroed bytes, aligned for anything. NULL, and failed, when there is no memory. */
void *rf_arena_take(struct rf_arena *arena, size_t count, size_t size);
char *rf_arena_copy(struct rf_arena *arena, const char *string); /* NULL stays NULL */
char *rf_arena_printf(struct rf_arena *arena, const char *format, ...) RF_PRINTF(2, 3);
RF_MUST_USE enum rf_code rf_arena_check(const struct rf_arena *arena, struct rf_error *error);
void rf_arena_release(struct rf_arena *arena); /* all zero again; twice is fine */

#endif
