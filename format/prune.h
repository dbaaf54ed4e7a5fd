/* Dropping snapshots, so that those that are kept stay whole (SPEC.md, "Fold").
 *
 * What is kept is looked at from the oldest to the newest. Where what came before it is dropped, a link
 * (link.h) leads there from the snapshot that is now before it; and its tables are made of the archives of that
 * one and the link, so that a row is not kept twice, as long as the rule of SPEC.md, "When chains
 * fold", allows. A fold says so. Rows are never touched: each digest is what it was, and a capture goes on
 * from the newest as if nothing had been.
 *
 * Nothing is removed before everything that takes its place is on disk:
 *   1. new archives are moved to their place, marked by a file in tmp/
 *   2. folds are shown. From here on the kept snapshots no longer need what will go
 *   3. manifests of dropped snapshots go, the newest first, so that each that is there has its parent
 *   4. their folds go, folds that others have replaced, and archives that nothing names
 * Whatever dies in between, every kept snapshot is whole, the next writer removes archives that nothing
 * names, and the same prune again does the rest. */
#ifndef RF_FORMAT_PRUNE_H
#define RF_FORMAT_PRUNE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"

/* What becomes of a snapshot. */
struct rf_prune_fate {
    bool keep;   /* of the newest, always */
    bool pinned; /* its archives stay those that they are: somebody is at work with them */
};

struct rf_prune_options {
    const struct rf_prune_fate *fates; /* of the repository's snapshots, in their order */
    /* The work is done, and then thrown away: the repository is only read, and archives are written to
     * this folder, one after another. NULL: in earnest; the repository is open for writing. */
    const char *rehearsal;
    unsigned jobs;          /* >= 1 */
    const atomic_int *stop; /* not NULL */
    /* May be NULL. Rows that were passed on the way from one kept snapshot to the next. */
    void (*progress)(void *context, const char *table, uint64_t rows);
    void *context;
};

struct rf_prune_result {
    uint32_t kept, dropped;    /* snapshots */
    uint32_t folded;           /* kept ones that got a fold */
    uint32_t archives_removed; /* and written: */
    uint32_t archives_written;
    uint64_t bytes_removed; /* of all files that went */
    uint64_t bytes_written; /* of archives and folds that came in their place */
};

/* RF_CORRUPT where a snapshot that is to be kept is not whole: then nothing is changed. Signs folds as
 * rf_repository_sign_with says. */
RF_MUST_USE enum rf_code rf_prune(struct rf_repository *repository,
                                  const struct rf_prune_options *options,
                                  struct rf_prune_result *result, struct rf_error *error);

#endif
