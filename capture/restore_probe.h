/* Which of the tables that stay empty are WITHOUT ROWID: nothing but their SQL tells, and SQLite is
 * who reads that. Inner header of capture/restore*. */
#ifndef RF_CAPTURE_RESTORE_PROBE_H
#define RF_CAPTURE_RESTORE_PROBE_H

#include "capture/restore_plan.h"

/* Sets without_rowid of RF_RESTORE_EMPTY tables. RF_CORRUPT: SQL that SQLite does not read. */
RF_MUST_USE enum rf_code rf_restore_probe(struct rf_restore_plan *plan, struct rf_error *error);

#endif
