/* The way from where a target stands to the snapshot that is asked for, checked before the target
 * is touched: every manifest is there and continues the one before it, and every archive that will
 * be read is whole. */
#ifndef RF_REPLAY_ROUTE_H
#define RF_REPLAY_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"
#include "replay/run.h"

struct rf_route {
    uint32_t count; /* snapshots to apply, in order */
    struct rf_snapshot_name *names;
    /* There is none, but both ends may be of one history: `from` is ahead, or snapshots in between are
     * not here. Where both ends are, a leap does it (leap.h). */
    bool may_leap;
};

/* From a target at `from` (exclusive) to `to`. RF_MISPLACED: `from` is ahead, of another history,
 * or the repository begins behind it. RF_CORRUPT: a manifest is missing or damaged. */
RF_MUST_USE enum rf_code rf_route_find(const struct rf_repository *repository,
                                       const struct rf_snapshot_name *from,
                                       const struct rf_snapshot_name *to, struct rf_route *route,
                                       struct rf_error *error);
/* One step, whatever lies in between. */
RF_MUST_USE enum rf_code rf_route_to(struct rf_route *route, const struct rf_snapshot_name *to,
                                     struct rf_error *error);
void rf_route_release(struct rf_route *route);

/* Reads every byte of the archives that hold the rows of the table, or, with `delta`, lead there
 * from the parent. */
RF_MUST_USE enum rf_code rf_route_prove_table(struct rf_run *run,
                                              const struct rf_manifest_table *table, bool delta,
                                              struct rf_error *error);

#endif
