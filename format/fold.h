/* A fold: what prune leaves in place of the snapshots it drops (SPEC.md, "Fold").
 *
 * A manifest never changes, since its digest is what targets and later snapshots know it by. But it
 * names its parent and archives that a prune removes. The fold of a kept snapshot says which snapshot now
 * comes before it, what leads here from there, and which archives make up its tables. rf_repository_load
 * lays it over the manifest: the states always; parent, changes, counts and deltas only where the manifest's
 * own parent is not in the repository, so that an unpruned copy stays what it is. */
#ifndef RF_FORMAT_FOLD_H
#define RF_FORMAT_FOLD_H

#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/manifest.h"

struct rf_fold {
    uint64_t snapshot;              /* that it is for */
    struct rf_hash digest;          /* of that */
    uint8_t sha256[RF_SHA256_SIZE]; /* of that one's manifest file */
    uint8_t source[RF_SOURCE_ID_SIZE];
    uint64_t generation; /* from 1; of several for one snapshot the highest counts */
    uint64_t parent;     /* 0: the repository begins here */
    struct rf_hash parent_digest;
    uint8_t parent_sha256[RF_SHA256_SIZE]; /* of that one's manifest file */
    /* As many as the manifest has, in its order; of each only change, counts, delta and state. */
    uint32_t table_count;
    struct rf_manifest_table *tables;
};
void rf_fold_release(struct rf_fold *fold);

/* The bytes of the fold's file and the XXH3-128 of them. `signer` may be NULL. */
RF_MUST_USE enum rf_code rf_fold_encode(const struct rf_fold *fold, const struct rf_signer *signer,
                                        struct rf_buffer *out, struct rf_hash *digest,
                                        struct rf_error *error);
/* `trust` as for rf_manifest_decode. */
RF_MUST_USE enum rf_code rf_fold_decode(const void *bytes, size_t size,
                                        const struct rf_trust *trust, struct rf_fold *fold,
                                        struct rf_error *error);
/* Lays it over the manifest, which it must be for: RF_CORRUPT otherwise. `relinks`: parent, changes,
 * counts and deltas as well. The fold's states are taken over. */
RF_MUST_USE enum rf_code rf_fold_apply(struct rf_fold *fold, struct rf_manifest *manifest,
                                       bool relinks, struct rf_error *error);
/* What leads to the table from its parent: change, counts and delta. */
void rf_fold_lay_link(const struct rf_manifest_table *from, struct rf_manifest_table *table);

#endif
