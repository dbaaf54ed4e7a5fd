/* A table against its parent snapshot: writes the delta archive and the new index.
 *
 * Where a rowid is a column, or keys are columns, a row cannot move without changing, and one pass
 * over both sides does it all. For other tables the first pass leaves over what has no counterpart,
 * the content pass finds what merely moved, and a second pass fetches the rest. */
#ifndef RF_CAPTURE_TABLE_DIFF_H
#define RF_CAPTURE_TABLE_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/outlet.h"
#include "capture/table_job.h"
#include "format/archive.h"
#include "format/error.h"

/* Fills in child->digest, census and the counts of changes. Where *changed, `delta` names the
 * finished archive and `index` is left open with all rows put, to be finished with the table's
 * state; else neither was written. On failure both are aborted; job->index_damaged tells whether
 * the parent's index is to blame. */
RF_MUST_USE enum rf_code rf_table_diff(struct rf_table_job *job, bool *changed,
                                       struct rf_archive_ref *delta, struct rf_outlet *index,
                                       struct rf_error *error);

#endif
