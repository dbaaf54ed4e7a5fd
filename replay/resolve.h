/* What tables and columns of the source are called in the target.
 *
 * A name of the source is kept exactly wherever PostgreSQL takes it. Else, or where the rules ask
 * for another one, the name is found so:
 *   - a name that stands in the ledger wins over everything, so that nothing is ever renamed in
 *     silence;
 *   - then a rename of the rules, to the letter. One that PostgreSQL does not take, or that
 *     another table (or column of the table) has as well, is an error: nobody's wish is bent;
 *   - then, with fold_names, the source's name in lower case. A to Z alone are folded, as
 *     PostgreSQL folds names without quotes in UTF-8, and as SQLite takes letters for the same:
 *     two names of one source never become one by that;
 *   - what is still not possible (over 63 bytes, empty, not UTF-8, a system column's name), or what
 *     several would be called, gets the beginning of its name with a hash of its name in the source
 *     behind it. Of several the one that is called exactly so in the source keeps the name.
 * The order of the tables does not matter, and neither does which others are there, but for those
 * that want the same name. */
#ifndef RF_REPLAY_RESOLVE_H
#define RF_REPLAY_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "replay/arena.h"
#include "replay/names.h"
#include "replay/rules.h"

struct rf_resolve_name {
    const char *source;   /* different from all others in the array */
    const char *standing; /* its name in the ledger; NULL where it is new */
    /* Filled in: */
    const char *name; /* in the target: one of the two above, or of the arena */
    const char *why;  /* it is not called as in the source; NULL where it is */
    bool asked;       /* why is what the rules or the ledger say: nothing to warn of */
};

/* The tables of one snapshot. `taken` are names that the target has already (NULL: none, or tables
 * that the application made): an altered name avoids them, a whole one does not, since whether it
 * is free is for preflight.h to say. RF_USAGE: renames that cannot be. */
RF_MUST_USE enum rf_code rf_resolve_tables(const struct rf_rules *rules,
                                           const struct rf_names *taken,
                                           struct rf_resolve_name *tables, uint32_t count,
                                           struct rf_arena *arena, struct rf_error *error);
/* The columns of one table, named as in the source, that are carried. */
RF_MUST_USE enum rf_code rf_resolve_columns(const struct rf_rules *rules, const char *table,
                                            struct rf_resolve_name *columns, uint32_t count,
                                            struct rf_arena *arena, struct rf_error *error);

#endif
