/* How the cells of a source's column go into a column that an application made: the spec of a
 * conversion (conversion.h), chosen from the type of the one, from what the other holds, and from
 * what the user asks. Pure; any thread. */
#ifndef RF_REPLAY_FIT_TYPE_H
#define RF_REPLAY_FIT_TYPE_H

#include <stdbool.h>

#include "format/manifest.h"
#include "format/table.h"
#include "replay/arena.h"
#include "replay/catalog.h"
#include "replay/rules.h"

struct rf_fit_type_question {
    const struct rf_catalog *catalog; /* for labels of enumerations; may be NULL without any */
    const struct rf_catalog_column *to;
    const struct rf_column *from;
    const struct rf_census *census;
    struct rf_column_settings settings;
    bool distinct;      /* two values of the source must not become alike */
    const char *proven; /* how the column keeps dates and times, by all its values: "unix-ms",
                           "iso YYYY-MM-DD"; NULL: not known */
};

struct rf_fit_type {
    const char *spec;    /* NULL: there is none, and */
    const char *trouble; /* a phrase: "is of type tsvector, which rowferry does not write" */
};

/* Want of memory shows in the arena. */
struct rf_fit_type rf_fit_type_choose(const struct rf_fit_type_question *question,
                                      struct rf_arena *arena);

/* Whether evidence of how dates and times are kept would decide something. */
bool rf_fit_type_wants_proof(const struct rf_catalog_column *to,
                             const struct rf_column_settings *settings);

/* Whether a conversion's type, as SQL writes it, is that of the column. */
bool rf_fit_type_is(const struct rf_catalog_column *to, const char *type);

#endif
