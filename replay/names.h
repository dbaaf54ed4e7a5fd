/* Which relation names are taken in a schema, and names for the indexes and constraints that come
 * to stand beside them. In PostgreSQL tables, indexes and constraints share one space of names,
 * with 63 bytes each; in SQLite an index may have a longer name, and a constraint has none at all.
 */
#ifndef RF_REPLAY_NAMES_H
#define RF_REPLAY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "format/error.h"
#include "replay/arena.h"

struct rf_names {
    struct rf_arena *arena; /* the names' memory; borrowed */
    const char **slots;
    size_t size; /* of slots: a power of two, or 0 */
    size_t used;
    bool contended; /* somebody chose a name that was taken: with others before it, or in another
                       order, it would have been another one */
};

void rf_names_init(struct rf_names *names, struct rf_arena *arena);
/* A copy of the name is kept. Want of memory shows in rf_arena_check. */
void rf_names_add(struct rf_names *names, const char *name);
bool rf_names_have(const struct rf_names *names, const char *name);

/* A free name for what would like to be called `wanted`, and takes it. `wanted` itself where that
 * is free and fits; else its beginning with a hash of `owner` and `wanted` behind it. The same
 * names taken, the same result. NULL only for want of memory. */
const char *rf_names_choose(struct rf_names *names, const char *owner, const char *wanted);

#endif
