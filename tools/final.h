/* The last trip: the source is held while it is carried, and in the end the target is proven to
 * be what it is. Also the proof alone, of a trip that is not the last one. */
#ifndef RF_TOOLS_FINAL_H
#define RF_TOOLS_FINAL_H

#include "capture/write_lock.h"
#include "tools/task.h"

/* *lock is NULL for a trip that is not the last one. Before anything else of this process opens the
 * source. */
RF_MUST_USE enum rf_code rf_final_begin(const struct rf_task *task, struct rf_write_lock **lock,
                                        struct rf_error *error);
/* After the replay: the proof, where one is wanted, and after a last trip that the source is what it
 * was, and what comes next. */
RF_MUST_USE enum rf_code rf_final_end(struct rf_task *task, struct rf_repository *repository,
                                      const struct rf_snapshot_name *snapshot,
                                      const struct rf_write_lock *lock, struct rf_error *error);

#endif
