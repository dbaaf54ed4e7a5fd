/* The databases that one run goes to, where an application's own configuration names them: one as a
 * rule, several where tables are split by the stores that a profile tells of.
 *
 * A table goes where a store of the database takes it. A store with the glob "*" takes all that no
 * other store takes; where there is none, tables that no store takes go to every database. */
#ifndef RF_TOOLS_DATABASES_H
#define RF_TOOLS_DATABASES_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "replay/replay.h"
#include "tools/config.h"
#include "tools/postgres_config.h"

struct rf_database {
    const char *name; /* its stores, "main" or "main+state"; NULL where it is the only one */
    const char *conninfo;
    const char *const *own;    /* globs, NULL-terminated; NULL where it is the only one */
    const char *const *others; /* likewise; see struct rf_target_options */
    unsigned jobs;             /* workers that have connections there */
    struct rf_rules rules;
};

/* What decides, beside the file. */
struct rf_databases_options {
    uint32_t store_count;
    const struct rf_store *stores;
    unsigned jobs;
    bool jobs_said;               /* by the user, so that cp_min does not raise them */
    const struct rf_rules *rules; /* copied */
};

/* The list goes to the arena; strings are those of the file and the stores. RF_USAGE where file and
 * stores do not go together. */
RF_MUST_USE enum rf_code rf_databases_make(const struct rf_postgres_config *config,
                                           const struct rf_databases_options *options,
                                           struct rf_arena *arena, struct rf_database **databases,
                                           struct rf_error *error);

/* RF_USAGE where a rule is for a store that there is none of. */
RF_MUST_USE enum rf_code rf_databases_check_rules(const struct rf_rules *rules,
                                                  const struct rf_store *stores,
                                                  uint32_t store_count, struct rf_error *error);

/* Says of the options that they are for this one, of `count`. */
void rf_database_options(const struct rf_database *database, uint32_t count,
                         struct rf_target_options *options);

#endif
