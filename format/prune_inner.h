/* What the two halves of a prune share: planning, which makes archives and folds, and carrying out.
 * Inner header of format/. */
#ifndef RF_FORMAT_PRUNE_INNER_H
#define RF_FORMAT_PRUNE_INNER_H

#include "format/digest_set.h"
#include "format/pool.h"
#include "format/prune.h"
#include "format/repository_inner.h"

#define RF_PRUNE_LEVEL 3 /* zstd's, as captures have it */

struct rf_prune {
    struct rf_repository *repository;
    const struct rf_prune_options *options;
    struct rf_prune_result *result;
    struct rf_pool *pool;
    const char *folder;          /* where archives are written */
    struct rf_digest_set needed; /* archives that stay, or come */
    struct rf_digest_set known;  /* those that anything here names, before and after */
    /* Folds that come, written to tmp under names of their own; those of a rehearsal have no file. */
    struct rf_fold_name *folds;
    uint32_t fold_count;
};

#define RF_FOLD_PART_SIZE 32
void rf_prune_fold_part(uint32_t number, char file[RF_FOLD_PART_SIZE]);

/* Before anything is made. */
RF_MUST_USE enum rf_code rf_prune_know_all(struct rf_prune *prune, struct rf_error *error);
/* Steps 2 to 4 of prune.h; of a rehearsal only what would go is reckoned up. */
RF_MUST_USE enum rf_code rf_prune_carry_out(struct rf_prune *prune, struct rf_error *error);

/* The archives of one kept snapshot from now on. */
struct rf_prune_state {
    const struct rf_manifest_table *before; /* the table in the kept snapshot before; NULL: none */
    bool before_changed;                    /* and there its archives are others than they were */
    bool relinked;                          /* change and delta of the table are new */
    bool pinned;
};
/* Sets the table's state to what it is to be; *changed tells whether that is another than it was. */
RF_MUST_USE enum rf_code rf_prune_choose(struct rf_prune *prune, const struct rf_prune_state *given,
                                         uint64_t snapshot, struct rf_manifest_table *table,
                                         bool *changed, struct rf_error *error);
/* Puts an archive that was made into its place, or, of a rehearsal, away. Takes the path over. */
RF_MUST_USE enum rf_code rf_prune_take(struct rf_prune *prune, struct rf_pending_archive *archive,
                                       struct rf_error *error);

#endif
