/* A leap: to a snapshot that no chain of parents leads to from where the target stands, because
 * it is an earlier one, or because snapshots in between are not in the repository. Where both
 * ends are, what differs between them is found in the archives (format/link.h), and applied in
 * one transaction like any other delta.
 *
 * The repository may be read-only, so the deltas are written to a folder of their own below
 * $TMPDIR. It is removed in the end; after a kill it stays, and may be removed by anybody. */
#ifndef RF_REPLAY_LEAP_H
#define RF_REPLAY_LEAP_H

#include <limits.h>
#include <stdbool.h>

#include "format/error.h"
#include "format/link.h"
#include "replay/ledger.h"
#include "replay/run.h"

struct rf_leap {
    struct rf_repository *repository; /* while archives are lent to it; else NULL */
    struct rf_link link;
    char folder[PATH_MAX]; /* "": there is none */
};

/* Whether both ends are in the repository, with the same digests. */
bool rf_leap_can(const struct rf_repository *repository, const struct rf_snapshot_name *from,
                 const struct rf_snapshot_name *to);
/* From here on the repository finds the archives that the link names. Tables that do not stand
 * in the target are not looked into. */
RF_MUST_USE enum rf_code rf_leap_make(struct rf_run *run, struct rf_repository *repository,
                                      struct rf_ledger_tables *standing,
                                      const struct rf_snapshot_name *from,
                                      const struct rf_snapshot_name *to, struct rf_leap *leap,
                                      struct rf_error *error);
void rf_leap_release(struct rf_leap *leap); /* twice is fine */

#endif
