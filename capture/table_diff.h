/* A table against its parent snapshot: writes the delta archive and the new index.
 *
 * Chunks that the parent's index knows are passed over on both sides; the rest of both sides is
 * walked side by side. Where a rowid is a column, or keys are columns, a row cannot move without
 * changing, and that one pass does it all. For other tables the first pass leaves over what has no
 * counterpart, the content pass finds what merely moved, and a second pass fetches the rest.
 *
 * A new index is begun where the first thing differs, or where a chunk is new by its identity
 * though its rows are not (pages were packed anew): next time it will be known. */
#ifndef RF_CAPTURE_TABLE_DIFF_H
#define RF_CAPTURE_TABLE_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/index_outlet.h"
#include "capture/table_job.h"
#include "format/archive.h"
#include "format/error.h"

/* Fills in child->digest, census and the counts of changes. Where *changed, `delta` names the
 * finished archive, else none was written. `index`, if open, has all rows put, and is to be
 * finished with the table's state. On failure both are aborted; job->index_missing, index_damaged
 * and unusual tell whether something else may be tried. */
RF_MUST_USE enum rf_code rf_table_diff(struct rf_table_job *job, bool *changed,
                                       struct rf_archive_ref *delta, struct rf_index_outlet *index,
                                       struct rf_error *error);

#endif
