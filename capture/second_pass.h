/* Fetches into the delta what the content pass found to be gone or new: old keys from the index, or
 * whole old rows from the archives, and new rows from the source. */
#ifndef RF_CAPTURE_SECOND_PASS_H
#define RF_CAPTURE_SECOND_PASS_H

#include "capture/delta.h"
#include "capture/moves.h"
#include "capture/table_job.h"
#include "format/error.h"

/* Counts the changes into job->child. */
RF_MUST_USE enum rf_code rf_second_pass(struct rf_table_job *job, struct rf_delta *delta,
                                        const struct rf_moves *moves, struct rf_error *error);

#endif
