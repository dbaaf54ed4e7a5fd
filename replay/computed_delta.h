/* A delta of a table whose rows the server computes. The rows that are gone are staged as they were,
 * and what was made of them is deleted: by the key, or, without one that is in the table, by all
 * that was made but for joined values. Then the new ones go through the stage like those of a load.
 *
 * Where the rows that are gone cannot be had any more, the table is filled again. */
#ifndef RF_REPLAY_COMPUTED_DELTA_H
#define RF_REPLAY_COMPUTED_DELTA_H

#include "replay/delta_table.h"

/* As rf_delta_change, its line in the ledger included. */
RF_MUST_USE enum rf_code rf_computed_change(struct rf_delta *delta,
                                            const struct rf_manifest_table *source,
                                            struct rf_ledger_table *standing,
                                            struct rf_counts *counts, struct rf_error *error);

#endif
