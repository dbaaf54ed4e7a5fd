/* The capture of one table: what it needs to know, and the looks at clock and stop flag on its
 * way. */
#ifndef RF_CAPTURE_TABLE_JOB_H
#define RF_CAPTURE_TABLE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"
#include "capture/outlet.h"
#include "capture/parent_rows.h"
#include "capture/source.h"
#include "capture/spill.h"
#include "format/error.h"
#include "format/manifest.h"

struct rf_table_job {
    struct rf_source *source;
    const struct rf_capture_options *options;
    const struct rf_outlet_settings *settings;
    const struct rf_scratch *scratch;
    const struct rf_manifest_table *parent; /* NULL where the parent snapshot has no such rows */
    struct rf_manifest_table *child;        /* with its description; the rest is filled in */
    bool parent_from_state;                 /* no index: the parent's rows are read themselves */
    bool index_damaged;                     /* told by whoever reads the parent's index */
    uint64_t bytes;                         /* of the archives written */
    uint64_t rows_done;
    uint64_t rows_expected;  /* 0: unknown */
    int64_t *last_report_ms; /* of the whole capture */
};

/* Opens the old side. */
RF_MUST_USE enum rf_code rf_job_parent_rows(const struct rf_table_job *job,
                                            struct rf_parent_rows **rows, struct rf_error *error);
/* Called for each row of a pass over the table: now and then looks at the stop flag
 * (RF_INTERRUPTED) and the clock, and reports progress. */
RF_MUST_USE enum rf_code rf_job_report(struct rf_table_job *job, struct rf_error *error);
static inline enum rf_code rf_job_row(struct rf_table_job *job, struct rf_error *error) {
    return (++job->rows_done & 4095) != 0 ? RF_OK : rf_job_report(job, error);
}

#endif
