/* The schema over b-trees that are filled, and what only the true schema lets one make: indexes over
 * expressions, and virtual tables. Inner header of capture/restore*. One thread. */
#ifndef RF_CAPTURE_RESTORE_SCHEMA_H
#define RF_CAPTURE_RESTORE_SCHEMA_H

#include "capture/restore_plan.h"
#include "capture/restore_table.h"

/* Encoding, page size and the like, before anything is in the file. */
RF_MUST_USE enum rf_code rf_restore_settings(struct rf_restore_job *job,
                                             const struct rf_manifest *manifest,
                                             struct rf_error *error);
/* The entries of sqlite_schema, as they were but for their root pages. RF_CORRUPT: SQLite does not
 * take them for a schema. */
RF_MUST_USE enum rf_code rf_restore_entries(struct rf_restore_job *job,
                                            const struct rf_restore_plan *plan,
                                            int64_t sequences_root, struct rf_error *error);
/* RF_RESTORE_SQL and RF_RESTORE_MODULE, outside of any transaction. What SQLite cannot make is told
 * as a lack. */
RF_MUST_USE enum rf_code rf_restore_made(struct rf_restore_job *job,
                                         const struct rf_restore_plan *plan,
                                         struct rf_error *error);

#endif
