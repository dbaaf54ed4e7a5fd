/* The file read back, through SQLite, and held against the manifest. Inner header of
 * capture/restore*. One thread. */
#ifndef RF_CAPTURE_RESTORE_VERIFY_H
#define RF_CAPTURE_RESTORE_VERIFY_H

#include "capture/restore_plan.h"
#include "capture/restore_table.h"

/* No connection to the file is open. RF_CORRUPT: it differs, and in what. */
RF_MUST_USE enum rf_code rf_restore_verify(struct rf_restore_job *job,
                                           const struct rf_restore_plan *plan,
                                           struct rf_error *error);

#endif
