/* rf_restore with limits of one's own: tests make them so small that every edge is met. */
#ifndef RF_CAPTURE_RESTORE_RUN_H
#define RF_CAPTURE_RESTORE_RUN_H

#include "capture/restore.h"

struct rf_restore_limits {
    int cache_kib; /* SQLite's pages; what it sorts takes as much again */
};

RF_MUST_USE enum rf_code rf_restore_run_with(const struct rf_repository *repository,
                                             const struct rf_snapshot_name *snapshot,
                                             const struct rf_restore_options *options,
                                             const struct rf_restore_limits *limits,
                                             struct rf_restore_result *result,
                                             struct rf_error *error);

#endif
