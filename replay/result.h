/* The counts of a run, table by table, as they come in. */
#ifndef RF_REPLAY_RESULT_H
#define RF_REPLAY_RESULT_H

#include "format/error.h"
#include "replay/replay.h"

/* What happened to one table; names are borrowed. */
struct rf_counts {
    const char *name;
    uint64_t inserted, updated, deleted; /* rows in the target */
    uint64_t set_aside;
    uint64_t altered;  /* rows with a value that was altered to fit */
    uint64_t left_out; /* rows that a rule leaves out (where) */
    uint64_t widened;  /* columns that got another type than was declared, asked for or there */
};

/* Adds to the table's counts and to the total; a table that is not in the result yet is put in, in
 * byte order of the names. */
RF_MUST_USE enum rf_code rf_result_add(struct rf_replay_result *result,
                                       const struct rf_counts *counts, struct rf_error *error);
/* The sequence was set to this value; of several times the last one is told. */
RF_MUST_USE enum rf_code rf_result_add_sequence(struct rf_replay_result *result, const char *name,
                                                int64_t value, struct rf_error *error);

/* Takes the strings over, whatever comes of it. */
RF_MUST_USE enum rf_code rf_result_add_aside(struct rf_replay_result *result,
                                             const struct rf_replay_aside *aside,
                                             struct rf_error *error);

#endif
