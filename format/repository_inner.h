/* What the files of the repository module share. Inner header of format/. */
#ifndef RF_FORMAT_REPOSITORY_INNER_H
#define RF_FORMAT_REPOSITORY_INNER_H

#include "format/repository.h"

struct rf_repository {
    struct rf_io *io;
    char *path;
    char *tmp;
    bool settling; /* archives are in their place that no manifest names yet */
    uint8_t source[RF_SOURCE_ID_SIZE];
    int lock; /* -1 for readers */
    bool syncs_at_once; /* by way of the lock, which was opened before anything was written */
    uint32_t count;
    struct rf_snapshot_name *snapshots;
};

#define RF_MANIFEST_NAME_SIZE 64
void rf_manifest_file_name(const struct rf_snapshot_name *name, char file[RF_MANIFEST_NAME_SIZE]);
RF_MUST_USE enum rf_code rf_repository_list(struct rf_repository *repository,
                                            struct rf_error *error);
/* Removes what a dead writer left. */
RF_MUST_USE enum rf_code rf_repository_clear(struct rf_repository *repository,
                                             struct rf_error *error);

#endif
