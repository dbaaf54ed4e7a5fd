/* A link: the way from one snapshot of a repository to another as if they were parent and child,
 * whatever lies between them and whichever is the older.
 *
 * It is the manifest of `to` with `from` for its parent: per table no change, a delta, or new
 * (not in `from`, or with other columns or another key there); and the delta archives that it
 * names, as files of their own that no folder of the repository knows. A prune folds with it,
 * and a replay goes back with it, or over a gap. */
#ifndef RF_FORMAT_LINK_H
#define RF_FORMAT_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/manifest.h"
#include "format/pool.h"
#include "format/repository.h"

struct rf_link_options {
    const char *folder; /* where the archives are written */
    struct rf_pool *pool;
    int level;     /* zstd's */
    bool unsynced; /* the archives need not outlive a power failure */
    /* NULL: all tables are wanted. The others are not looked into, and count as new. */
    bool (*wants)(void *context, const char *table);
    const atomic_int *stop; /* may be NULL; RF_INTERRUPTED once it is not 0 */
    /* May be NULL. Rows of the table passed since the last call. */
    void (*progress)(void *context, const char *table, uint64_t rows);
    void *context;
};

struct rf_link {
    struct rf_manifest manifest; /* not to be encoded: its parent may be later than it is */
    struct rf_pending_archive *archives;
    uint32_t count;
};

/* Every archive is proven before this returns: reread, and before - gone + rows = after. On failure
 * nothing is left in the folder. */
RF_MUST_USE enum rf_code rf_link_make(const struct rf_repository *repository,
                                      const struct rf_snapshot_name *from,
                                      const struct rf_snapshot_name *to,
                                      const struct rf_link_options *options, struct rf_link *link,
                                      struct rf_error *error);
/* The files stay; rf_repository_discard removes them, rf_repository_settle puts them in their
 * place. Twice is fine. */
void rf_link_release(struct rf_link *link);

#endif
