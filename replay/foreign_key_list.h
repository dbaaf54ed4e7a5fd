/* The foreign keys that a table is to have. Inner to foreign_key*.c. */
#ifndef RF_REPLAY_FOREIGN_KEY_LIST_H
#define RF_REPLAY_FOREIGN_KEY_LIST_H

#include "replay/foreign_key.h"

/* What it refers with and to, for the count of orphans. */
struct rf_foreign_key_pair {
    const struct rf_plan_column *from, *to;
};

struct rf_foreign_key_wish {
    struct rf_plan_constraint constraint; /* unnamed */
    const struct rf_plan *parent;         /* NULL where it is refused */
    uint32_t count;
    struct rf_foreign_key_pair *pairs;
};

/* `tables`: all that are in the target. */
RF_MUST_USE enum rf_code rf_foreign_key_list(const struct rf_foreign_keys *keys,
                                             const struct rf_manifest_table *child,
                                             const struct rf_plan *plan,
                                             const struct rf_ledger_tables *tables, uint32_t *count,
                                             struct rf_foreign_key_wish **wishes,
                                             struct rf_error *error);

#endif
