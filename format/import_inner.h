/* What the files of the import share: the snapshot at hand. Inner header of format/. */
#ifndef RF_FORMAT_IMPORT_INNER_H
#define RF_FORMAT_IMPORT_INNER_H

#include "format/fold.h"
#include "format/import.h"
#include "format/named.h"
#include "format/repository_inner.h"

struct rf_arrival {
    struct rf_snapshot_name name;
    enum rf_import_fate fate;
    struct rf_buffer manifest_bytes, fold_bytes;
    struct rf_manifest manifest; /* without the fold */
    struct rf_fold fold;         /* where has_fold */
    bool has_fold;
    struct rf_hash fold_digest;
    bool follows;          /* upon the newest snapshot here by its manifest, */
    bool fold_follows;     /* or by its fold */
    struct rf_named named; /* by the manifest or the fold */
    bool *here;            /* for each of these: in the repository, or arrived */
    uint32_t count;        /* archives that arrived and were not here, ascending by digest */
    struct rf_pending_archive *pending;
    uint64_t bytes; /* of these */
};
void rf_arrival_release(struct rf_arrival *arrival);

/* What a snapshot is shown with: its own manifest alone, with the stream's fold, or with one made here. */
struct rf_showing {
    struct rf_named named; /* the archives that it then needs */
    struct rf_fold_name fold_name;
    const struct rf_buffer *fold; /* NULL: none */
    struct rf_fold made;
    struct rf_buffer made_bytes;
};
void rf_showing_release(struct rf_showing *showing);
/* RF_MISPLACED where it cannot be whole here in any way. */
RF_MUST_USE enum rf_code rf_showing_choose(const struct rf_repository *repository,
                                           const struct rf_arrival *arrival,
                                           struct rf_showing *showing, struct rf_error *error);

#endif
