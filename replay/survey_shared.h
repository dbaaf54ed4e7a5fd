/* A survey of one table on several threads: each reads a run of its parts and gathers evidence of
 * its own, which is joined in the end. Inner to survey.c. */
#ifndef RF_REPLAY_SURVEY_SHARED_H
#define RF_REPLAY_SURVEY_SHARED_H

#include "format/state.h"
#include "replay/survey.h"

/* How many threads are worth their while, 1 where the questions have to be answered in the order of
 * the rows: examples of misfits are the first ones. */
unsigned rf_survey_shares(const struct rf_survey *survey, const struct rf_run *run,
                          const struct rf_state *state);
/* Answers the questions from all parts of the state; *done is how many rows were read. */
RF_MUST_USE enum rf_code rf_survey_run_shared(struct rf_survey *survey, struct rf_run *run,
                                              struct rf_state *state, unsigned shares,
                                              uint64_t *done, struct rf_error *error);

#endif
