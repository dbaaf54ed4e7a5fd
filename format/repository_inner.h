/* What the files of the repository module share. Inner header of format/. */
#ifndef RF_FORMAT_REPOSITORY_INNER_H
#define RF_FORMAT_REPOSITORY_INNER_H

#include "format/proven.h"
#include "format/repository.h"

/* A file of snapshots/: NNNNNNNNNN-DIGEST-GGGGGG-FOLDDIGEST.rff */
struct rf_fold_name {
    struct rf_snapshot_name snapshot;
    uint64_t generation;
    struct rf_hash digest; /* of the fold's own file */
};

struct rf_repository {
    struct rf_io *io;
    char *path;
    char *tmp;
    const uint8_t
        *founder;  /* while it is opened: the source that a new one is for; NULL: a new one */
    bool settling; /* archives are in their place that no manifest names yet */
    uint8_t source[RF_SOURCE_ID_SIZE];
    int lock;           /* -1 for readers */
    bool syncs_at_once; /* by way of the lock, which was opened before anything was written */
    _Atomic uint32_t count; /* a capture adds to it beside a replay that reads */
    uint32_t room;
    struct rf_snapshot_name *snapshots;
    uint32_t fold_count;
    struct rf_fold_name *folds;     /* in no order */
    const struct rf_signer *signer; /* NULL: nothing is signed */
    const struct rf_trust *trust;   /* NULL: nothing need be */
    uint32_t lent_count;
    const struct rf_pending_archive *lent; /* archives that lie elsewhere */
    bool proves_itself;                    /* whoever opens archives proves their SHA-256 himself */
    struct rf_proven *proven;              /* archives that the trust was found to hold for */
};

#define RF_MANIFEST_NAME_SIZE 64
#define RF_FOLD_NAME_SIZE 128
void rf_manifest_file_name(const struct rf_snapshot_name *name, char file[RF_MANIFEST_NAME_SIZE]);
void rf_fold_file_name(const struct rf_fold_name *name, char file[RF_FOLD_NAME_SIZE]);
/* A snapshot as files: the bytes of its manifest, and of the fold that lies over it. */
struct rf_snapshot_files {
    struct rf_snapshot_name name;
    const struct rf_buffer *manifest;
    const struct rf_fold_name *fold_name; /* NULL: none */
    const struct rf_buffer *fold;
};
/* What rf_repository_publish does, with a manifest that somebody else wrote. */
RF_MUST_USE enum rf_code rf_repository_show(struct rf_repository *repository,
                                            const struct rf_snapshot_files *shown,
                                            const struct rf_pending_archive *archives,
                                            uint32_t count, struct rf_error *error);
/* Puts archives in their place that a snapshot here lacks, all synced. */
RF_MUST_USE enum rf_code rf_repository_mend(struct rf_repository *repository,
                                            struct rf_pending_archive *archives, uint32_t count,
                                            struct rf_error *error);
/* The manifest as it was captured, without a fold. Released when it fails. */
RF_MUST_USE enum rf_code rf_repository_load_bare(const struct rf_repository *repository,
                                                 const struct rf_snapshot_name *name,
                                                 struct rf_manifest *manifest,
                                                 struct rf_error *error);
/* The fold of the highest generation; NULL where there is none. */
const struct rf_fold_name *rf_repository_fold(const struct rf_repository *repository,
                                              const struct rf_snapshot_name *snapshot);
RF_MUST_USE enum rf_code rf_repository_list(struct rf_repository *repository,
                                            struct rf_error *error);
/* Whether the manifest's file, or its fold's, is not here with all the bytes that its name is the
 * digest of; `file` is that one. */
bool rf_repository_is_cut(const struct rf_repository *repository,
                          const struct rf_snapshot_name *name, char file[RF_FOLD_NAME_SIZE]);
/* The digest in an archive's name; false where it is not named as archives are. */
bool rf_archive_name_digest(const char *name, struct rf_hash *digest);
/* The fold of that name, its digest checked. RF_CORRUPT. */
struct rf_fold;
RF_MUST_USE enum rf_code rf_repository_load_fold(const struct rf_repository *repository,
                                                 const struct rf_fold_name *name,
                                                 struct rf_fold *fold, struct rf_error *error);
/* Leaves a file in tmp/ that says to the next writer that archives/ may hold what nothing names; and takes it
 * away again. */
RF_MUST_USE enum rf_code rf_repository_mark_settling(struct rf_repository *repository,
                                                     struct rf_error *error);
void rf_repository_unmark_settling(struct rf_repository *repository);
/* A new file with these bytes, synced. */
RF_MUST_USE enum rf_code rf_repository_write_part(struct rf_repository *repository,
                                                  const struct rf_buffer *bytes, const char *path,
                                                  struct rf_error *error);
/* Removes what a dead writer left. */
RF_MUST_USE enum rf_code rf_repository_clear(struct rf_repository *repository,
                                             struct rf_error *error);

#endif
