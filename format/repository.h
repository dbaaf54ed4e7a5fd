/* A repository: one folder with the history of one source (SPEC.md, "Repository").
 *
 *   repository   what it is: format version, source id
 *   archives/    *.rfa, written once
 *   snapshots/   *.rfm, written once, in the end the only thing that makes a snapshot exist
 *   index/       local, rebuildable; never moved
 *   tmp/         files under way; emptied by the next writer
 *   lock         held by the one writer
 *
 * Readers take no lock: what a manifest names does not change. */
#ifndef RF_FORMAT_REPOSITORY_H
#define RF_FORMAT_REPOSITORY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/archive.h"
#include "format/error.h"
#include "format/io.h"
#include "format/key.h"
#include "format/manifest.h"

struct rf_repository;

enum rf_repository_mode {
    RF_REPOSITORY_READ,  /* must exist: RF_USAGE otherwise */
    RF_REPOSITORY_WRITE, /* must exist; takes the lock (RF_LOCKED), clears what a dead writer left */
    RF_REPOSITORY_CREATE, /* like WRITE, and made when it is not there (or the folder is empty) */
};

/* RF_MISPLACED: a newer format. RF_CORRUPT: a damaged `repository` file.  */
RF_MUST_USE enum rf_code rf_repository_open(struct rf_io *io, const char *path,
                                            enum rf_repository_mode mode,
                                            struct rf_repository **repository,
                                            struct rf_error *error);
/* RF_REPOSITORY_CREATE for the history of that source, which a new one gets. RF_MISPLACED: the repository
 * there is of another. */
RF_MUST_USE enum rf_code rf_repository_open_for(struct rf_io *io, const char *path,
                                                const uint8_t source[RF_SOURCE_ID_SIZE],
                                                struct rf_repository **repository,
                                                struct rf_error *error);
void rf_repository_close(struct rf_repository *repository); /* gives the lock back; NULL is fine */

/* Before anything is published or loaded; both are borrowed. What is published from here on is signed; and
 * manifests, folds and archives are refused (RF_CORRUPT) that none of the trusted keys vouches for. NULL:
 * not, and no more. */
void rf_repository_sign_with(struct rf_repository *repository, const struct rf_signer *signer);
void rf_repository_trust(struct rf_repository *repository, const struct rf_trust *trust);

struct rf_io *rf_repository_io(const struct rf_repository *repository);
const char *rf_repository_path(const struct rf_repository *repository);
const uint8_t *rf_repository_source(const struct rf_repository *repository); /* 16 bytes */
/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" */
#define RF_UUID_TEXT 37
const char *rf_uuid_text(const uint8_t id[RF_SOURCE_ID_SIZE], char text[RF_UUID_TEXT]);
const char *rf_repository_tmp(const struct rf_repository *repository); /* the folder's path */
/* "folder/name" below the repository, the folder alone without a name; RF_STORAGE where it would be
 * too long for a path. */
RF_MUST_USE enum rf_code rf_repository_place(const struct rf_repository *repository,
                                             const char *folder, const char *name,
                                             char path[PATH_MAX], struct rf_error *error);

/* Of all archives that are there, needed or not; as many as can be seen. */
uint64_t rf_repository_bytes(const struct rf_repository *repository);

struct rf_snapshot_name {
    uint64_t number;
    struct rf_hash digest;
};
/* The snapshots that are there, ascending; valid until the repository is closed, or a snapshot is
 * published that has a fold or does not come behind all others.
 * A folder with two manifests of one number is RF_CORRUPT at open; gaps show when a chain is walked. */
uint32_t rf_repository_count(const struct rf_repository *repository);
const struct rf_snapshot_name *rf_repository_snapshot(const struct rf_repository *repository,
                                                      uint32_t place);
/* NULL where there is none. */
const struct rf_snapshot_name *rf_repository_newest(const struct rf_repository *repository);
const struct rf_snapshot_name *rf_repository_find(const struct rf_repository *repository,
                                                  uint64_t number);
/* `text`: a number, "latest", or the first 4 or more digits of a digest. RF_USAGE: none, or several.
 * What is found is whole (whole.h): "latest" is the newest that is, and RF_CORRUPT says what is missing
 * where none is, or the one that was named is not. */
RF_MUST_USE enum rf_code rf_repository_resolve(const struct rf_repository *repository,
                                               const char *text, struct rf_snapshot_name *name,
                                               struct rf_error *error);
/* The same for those who want to look at a snapshot whether or not it is whole. */
RF_MUST_USE enum rf_code rf_repository_resolve_any(const struct rf_repository *repository,
                                                   const char *text,
                                                   struct rf_snapshot_name *name,
                                                   struct rf_error *error);
/* Reads and checks a manifest: its digest against its name, source and number; and lays the fold over
 * it that a prune may have left (fold.h). RF_CORRUPT. */
RF_MUST_USE enum rf_code rf_repository_load(const struct rf_repository *repository,
                                            const struct rf_snapshot_name *name,
                                            struct rf_manifest *manifest, struct rf_error *error);
RF_MUST_USE enum rf_code rf_repository_open_archive(const struct rf_repository *repository,
                                                    const struct rf_archive_ref *ref,
                                                    struct rf_archive **archive,
                                                    struct rf_error *error);

/* What rf_archive_writer_finish left in tmp, to be shown under its own name. */
struct rf_pending_archive {
    struct rf_archive_ref ref;
    char *path;    /* the temporary file; heap, freed by the caller */
    bool unsynced; /* to be synced before the manifest is shown */
    bool settled;
};
/* More archives of a publication than that are synced all at once, where that can be done; fewer one by
 * one, without bothering what else is on the disk. */
#define RF_SYNCED_SINGLY 24u
/* Archives that lie elsewhere, and are found by rf_repository_open_archive from here on as if they were in
 * their place; borrowed. NULL: no more. */
void rf_repository_lend(struct rf_repository *repository, const struct rf_pending_archive *archives,
                        uint32_t count);
/* Moves archives to their place before they are published, for readers in this process. Should the
 * capture come to nothing, rf_repository_discard removes them, or, after a crash, the next writer. */
RF_MUST_USE enum rf_code rf_repository_settle(struct rf_repository *repository,
                                              struct rf_pending_archive *archives, uint32_t count,
                                              struct rf_error *error);
/* Moves the archives to their place and then the manifest, all synced. After RF_OK the snapshot
 * exists; after anything else it does not, unless the last
 * sync of the snapshots folder is what failed, which the message says. `name` gets the snapshot's.
 * RF_MISPLACED: there is a snapshot of that number. */
RF_MUST_USE enum rf_code rf_repository_publish(struct rf_repository *repository,
                                               const struct rf_manifest *manifest,
                                               const struct rf_pending_archive *archives,
                                               uint32_t count, struct rf_snapshot_name *name,
                                               struct rf_error *error);
/* Removes the temporary files of a capture that is given up. */
void rf_repository_discard(struct rf_repository *repository,
                           const struct rf_pending_archive *archives, uint32_t count);

#endif
