/* A table of the source held against the table of the target that it is to go to, which an
 * application made: which column goes where and how, what fills the columns that the source does
 * not have, and everything that stands against it.
 *
 * Columns are matched by name: the one that a rule gives, else the source's own, else that in lower
 * case, which is what the server makes of a name without quotes; to SQLite it is the same name.
 * Nothing here asks the server or writes: a catalog was read
 * before. The result is a plan like any other, but of a table that is not owned. */
#ifndef RF_REPLAY_FIT_H
#define RF_REPLAY_FIT_H

#include "format/manifest.h"
#include "replay/arena.h"
#include "replay/catalog.h"
#include "replay/plan.h"
#include "replay/rules.h"
#include "replay/troubles.h"

struct rf_fit_question {
    const struct rf_rules *rules;
    const struct rf_catalog *catalog;
    const struct rf_manifest_table *source;
    /* How each column keeps dates and times, where its values prove it (fit_type.h). NULL, as
     * every element, where that is not known. */
    const char *const *proven;
    /* The plan by which the table was filled so far: conversions in it stay, where the column is
     * declared as it was. NULL: it was not. */
    const struct rf_plan *before;
};

/* The table that the source's is to go to; NULL where there is none of that name. */
const struct rf_catalog_table *rf_fit_find(const struct rf_catalog *catalog,
                                           const struct rf_rules *rules, const char *table);
/* The same for a column. */
const struct rf_catalog_column *rf_fit_find_column(const struct rf_catalog_table *table,
                                                   const struct rf_rules *rules,
                                                   const char *source_table, const char *column);

/* What stands against it is added to `troubles`, and then the plan is not whole. plan->remarks are
 * what the user should know: rows that will be set aside. */
RF_MUST_USE enum rf_code rf_fit_table(const struct rf_fit_question *question,
                                      struct rf_arena *arena, struct rf_plan *plan,
                                      struct rf_troubles *troubles, struct rf_error *error);

/* Whether a plan that is not owned no longer says what the source's declaration and the target's
 * columns are: then the table is fitted anew. */
bool rf_fit_outdated(const struct rf_plan *plan, const struct rf_manifest_table *source,
                     const struct rf_catalog *catalog, struct rf_arena *arena);

#endif
