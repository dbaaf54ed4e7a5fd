/* What the tables of one snapshot, and their columns, are called in the target: resolve.h applied to
 * all that is selected or stands in the ledger. */
#ifndef RF_REPLAY_NAMING_H
#define RF_REPLAY_NAMING_H

#include <stdint.h>

#include "format/error.h"
#include "format/manifest.h"
#include "replay/arena.h"
#include "replay/ledger.h"
#include "replay/names.h"
#include "replay/resolve.h"
#include "replay/run.h"

struct rf_naming {
    struct rf_arena arena;
    struct rf_run *run;
    uint32_t count;
    struct rf_resolve_name *tables; /* in byte order of their names in the source */
};

/* `standing` and `taken` may be NULL; what they point to must outlive the naming. RF_USAGE: renames
 * that cannot be. */
RF_MUST_USE enum rf_code rf_naming_make(struct rf_run *run, const struct rf_manifest *manifest,
                                        const struct rf_ledger_tables *standing,
                                        const struct rf_names *taken, struct rf_naming *naming,
                                        struct rf_error *error);
void rf_naming_release(struct rf_naming *naming);

/* NULL: the table is neither selected nor standing. */
const struct rf_resolve_name *rf_naming_find(const struct rf_naming *naming, const char *table);

/* The columns of a table, in the order of the source. `standing` are their names in the ledger, NULL
 * for those that are new, or NULL altogether. The answer has the names alone, in the arena of the
 * naming. What is new and not called as in the source, where nobody asked for that, is told to the
 * caller of the run. */
RF_MUST_USE enum rf_code rf_naming_columns(struct rf_naming *naming, const struct rf_table *table,
                                           const char *const *standing, const char ***names,
                                           struct rf_error *error);

/* The same is told of a table that is new. */
void rf_naming_remark(struct rf_naming *naming, const struct rf_resolve_name *table);

#endif
