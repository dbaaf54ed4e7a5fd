/* The capture of one table: what it needs to know, and the looks at clock and stop flag on its
 * way. */
#ifndef RF_CAPTURE_TABLE_JOB_H
#define RF_CAPTURE_TABLE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/capture.h"
#include "capture/outlet.h"
#include "capture/parent_rows.h"
#include "capture/row_feed.h"
#include "capture/source.h"
#include "capture/spill.h"
#include "format/error.h"
#include "format/manifest.h"

struct rf_table_job {
    struct rf_source *source;
    const struct rf_capture_options *options;
    const struct rf_outlet_settings *settings;
    const struct rf_scratch *scratch;
    enum rf_code (*open_feed)(const struct rf_row_feed_options *options, struct rf_row_feed **feed,
                              struct rf_error *error);
    const struct rf_manifest_table *parent; /* NULL where the parent snapshot has no such rows */
    struct rf_manifest_table *child;        /* with its description; the rest is filled in */
    bool parent_from_state;                 /* no index: the parent's rows are read themselves */
    bool index_missing;                     /* told by whoever opens the parent's index */
    bool index_damaged;                     /* and by whoever reads it */
    bool index_repaired;
    bool through_sqlite; /* no pages are read */
    bool refused_told;
    char unusual[256]; /* why reading pages failed; "": it did not */
    uint64_t bytes;    /* of the archives written */
    uint64_t rows_done;
    uint64_t rows_expected;         /* 0: unknown */
    uint64_t bytes_done;            /* of those rows */
    uint64_t rows_told, bytes_told; /* to whoever looks on; more than done after a second try */
    int64_t *last_report_ms;        /* of the whole capture */
};

/* Opens the old side. */
RF_MUST_USE enum rf_code rf_job_parent_rows(struct rf_table_job *job, struct rf_parent_rows **rows,
                                            struct rf_error *error);
/* The next rows of it, see rf_parent_rows_next. */
RF_MUST_USE enum rf_code rf_job_old_rows(struct rf_table_job *job, struct rf_parent_rows *rows,
                                         const struct rf_keyed_rows **stretch,
                                         struct rf_error *error);
/* Takes down that it is the index that is to blame, if `code` says so. */
enum rf_code rf_job_index_code(struct rf_table_job *job, enum rf_code code);

/* Opens the new side; `index`, NULL or open as long, tells which chunks are known. */
RF_MUST_USE enum rf_code rf_job_feed(struct rf_table_job *job, struct rf_index_reader *index,
                                     struct rf_row_feed **feed, struct rf_error *error);
/* The next rows of it, see rf_row_feed_next. Looks at the stop flag, and reports progress. */
RF_MUST_USE enum rf_code rf_job_new_rows(struct rf_table_job *job, struct rf_row_feed *feed,
                                         const struct rf_piece **piece, struct rf_error *error);

/* Tells whoever looks on what was added, and what becomes of the table. */
void rf_job_tell(struct rf_table_job *job, enum rf_watch_state state, int64_t expected);

/* Called for each row that is looked at by itself: now and then looks at the stop flag
 * (RF_INTERRUPTED) and the clock, and reports progress. */
RF_MUST_USE enum rf_code rf_job_report(struct rf_table_job *job, struct rf_error *error);
static inline enum rf_code rf_job_row(struct rf_table_job *job, struct rf_error *error) {
    return (++job->rows_done & 4095) != 0 ? RF_OK : rf_job_report(job, error);
}

#endif
