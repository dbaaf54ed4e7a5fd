/* The counts of a run, table by table, as they come in. */
#ifndef RF_REPLAY_RESULT_H
#define RF_REPLAY_RESULT_H

#include "format/error.h"
#include "replay/replay.h"

/* Adds to the table's counts and to the total; a table that is not in the result yet is put in, in
 * byte order of the names. */
RF_MUST_USE enum rf_code rf_result_add(struct rf_replay_result *result,
                                       const struct rf_replay_table *counts,
                                       struct rf_error *error);

#endif
