/* The snapshot that a reader is to read.
 *
 * The newest whole one, unless one was named. Where newer ones came in part, because a copy of the
 * repository is under way or was cut off, that is told once: in a warning, and as the member
 * "in_part" of the summary. */
#ifndef RF_TOOLS_SNAPSHOT_H
#define RF_TOOLS_SNAPSHOT_H

#include <stdbool.h>

#include "format/repository.h"
#include "format/whole.h"
#include "tools/task.h"

/* `text` as in rf_repository_resolve; NULL: latest. */
RF_MUST_USE enum rf_code rf_snapshot_resolve(struct rf_task *task,
                                             const struct rf_repository *repository,
                                             const char *text, struct rf_snapshot_name *name,
                                             struct rf_error *error);

/* How many snapshots are there to be listed: all but the newest ones that are not whole, which are
 * told. RF_CORRUPT where none of those that are there is. */
RF_MUST_USE enum rf_code rf_snapshot_arrived(struct rf_task *task,
                                             const struct rf_repository *repository,
                                             uint32_t *count, struct rf_error *error);

/* {"snapshot":9,"files":5,"missing":2,"names":[…],"snapshots":1}: what is known of the newest that
 * came in part, and how many did. */
struct rf_json rf_snapshot_part(const struct rf_whole *newest, uint32_t in_part);

#endif
