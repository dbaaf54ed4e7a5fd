/* One table of the source into the manifest: unchanged, as a delta, or whole. */
#ifndef RF_CAPTURE_TABLE_CAPTURE_H
#define RF_CAPTURE_TABLE_CAPTURE_H

#include <stdint.h>

#include "capture/table_job.h"
#include "format/error.h"

struct rf_index_repairs { /* indexes that had to be made anew */
    uint32_t count;
    double seconds;
};

/* Fills in job->child but for its description, and job->bytes. Archives go to the settings' pending
 * list; on failure those that are there already stay there, to be discarded. */
RF_MUST_USE enum rf_code rf_table_capture(struct rf_table_job *job,
                                          struct rf_index_repairs *repairs, struct rf_error *error);

#endif
