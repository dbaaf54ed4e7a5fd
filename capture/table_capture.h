/* One table of the source into the manifest: unchanged, as a delta, or whole. */
#ifndef RF_CAPTURE_TABLE_CAPTURE_H
#define RF_CAPTURE_TABLE_CAPTURE_H

#include <stdint.h>

#include "capture/table_job.h"
#include "format/error.h"

/* A state is folded into one full archive before it has more archives than this, or when its deltas
 * are larger than half of its full archive: what a reader must do for a table does not grow with
 * age. Deltas smaller than the least are not worth folding for their size: they are mostly
 * headers. */
#define RF_STATE_ARCHIVES_MAX 16u
#define RF_FOLD_BYTES_LEAST (64u << 10)

struct rf_index_repairs { /* indexes that had to be made anew */
    uint32_t count;
    double seconds;
};

/* Fills in job->child but for its description, and job->bytes. Archives go to the settings' pending
 * list; on failure those that are there already stay there, to be discarded. */
RF_MUST_USE enum rf_code rf_table_capture(struct rf_table_job *job,
                                          struct rf_index_repairs *repairs, struct rf_error *error);

#endif
