/* What the files of the ledger share. Inner to ledger*.c. */
#ifndef RF_REPLAY_LEDGER_INNER_H
#define RF_REPLAY_LEDGER_INNER_H

#include "replay/ledger.h"

/* The first two parameters of nearly every statement: source and schema. */
struct rf_pg_args rf_ledger_args(const struct rf_target *target);

/* RF_MISPLACED: what the ledger says of this cannot be understood. `table` may be NULL. */
RF_MUST_USE enum rf_code rf_ledger_fail(struct rf_error *error, const char *what,
                                        const char *table);

/* Lines [from, to) of a list are about one table, whose plan gets what they say. */
typedef enum rf_code rf_ledger_take(const struct rf_pg_rows *rows, uint32_t from, uint32_t to,
                                    struct rf_arena *arena, struct rf_plan *plan,
                                    struct rf_error *error);
rf_ledger_take rf_ledger_take_indexes;  /* of index_list.sql */
rf_ledger_take rf_ledger_take_computed; /* of computed_list.sql, behind the columns */
/* Lines of rowferry.computed for a table that is. */
RF_MUST_USE enum rf_code rf_ledger_add_computed(struct rf_pg *pg, const struct rf_target *target,
                                                const struct rf_plan *plan, struct rf_error *error);
rf_ledger_take rf_ledger_take_constraints; /* of constraint_list.sql */

#endif
