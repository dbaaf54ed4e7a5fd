/* What is in a repository: finding, loading and publishing snapshots, and clearing up after a writer
 * that died.
 *
 * A publication leaves its manifest in tmp until everything else is in place. So whatever dies, either
 * the snapshot is there, or tmp is not empty: then archives that no manifest names are removed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/digest_set.h"
#include "format/envelope.h"
#include "format/fold.h"
#include "format/repository_inner.h"
#include "format/whole.h"

#define DIGEST_PREFIX_LEAST 4u

void rf_repository_sign_with(struct rf_repository *repository, const struct rf_signer *signer) {
    repository->signer = signer;
}

void rf_repository_trust(struct rf_repository *repository, const struct rf_trust *trust) {
    repository->trust = trust;
}

struct rf_io *rf_repository_io(const struct rf_repository *repository) {
    return repository->io;
}

const char *rf_repository_path(const struct rf_repository *repository) {
    return repository->path;
}

const char *rf_repository_tmp(const struct rf_repository *repository) {
    return repository->tmp;
}

const uint8_t *rf_repository_source(const struct rf_repository *repository) {
    return repository->source;
}

uint32_t rf_repository_count(const struct rf_repository *repository) {
    return repository->count;
}

const struct rf_snapshot_name *rf_repository_snapshot(const struct rf_repository *repository,
                                                      uint32_t place) {
    return &repository->snapshots[place];
}

const struct rf_snapshot_name *rf_repository_newest(const struct rf_repository *repository) {
    return repository->count > 0 ? &repository->snapshots[repository->count - 1] : NULL;
}

const struct rf_snapshot_name *rf_repository_find(const struct rf_repository *repository,
                                                  uint64_t number) {
    for (uint32_t i = 0; i < repository->count; i++) {
        if (repository->snapshots[i].number == number) {
            return &repository->snapshots[i];
        }
    }
    return NULL;
}

static enum rf_code unresolved(const struct rf_repository *repository, const char *text,
                               const char *why, struct rf_error *error) {
    rf_fail(error, RF_USAGE, "%s \"%.100s\" in the repository %s", why, text, repository->path);
    rf_hint(error, "`rowferry log` lists the snapshots; name one by number, by the first digits of "
                   "its digest, or say latest.");
    return RF_USAGE;
}

static enum rf_code no_snapshot(const struct rf_repository *repository, struct rf_error *error) {
    enum rf_code code = rf_whole_headless(repository, error);
    if (code == RF_OK) {
        code = rf_fail(error, RF_USAGE, "the repository %s has no snapshot yet", repository->path);
        rf_hint(error, "`rowferry capture` makes the first one.");
    }
    return code;
}

enum rf_code rf_repository_resolve_any(const struct rf_repository *repository, const char *text,
                                       struct rf_snapshot_name *name, struct rf_error *error) {
    const struct rf_snapshot_name *found = NULL;
    if (strcmp(text, "latest") == 0) {
        found = rf_repository_newest(repository);
        if (!found) {
            return no_snapshot(repository, error);
        }
        *name = *found;
        return RF_OK;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0) {
        found = rf_repository_find(repository, number);
    }
    size_t length = strlen(text);
    for (uint32_t i = 0; !found && length >= DIGEST_PREFIX_LEAST && i < repository->count; i++) {
        char hex[RF_HASH_HEX];
        rf_hash_text(repository->snapshots[i].digest, hex);
        if (strncmp(hex, text, length) != 0) {
            continue;
        }
        for (uint32_t j = i + 1; j < repository->count; j++) {
            rf_hash_text(repository->snapshots[j].digest, hex);
            if (strncmp(hex, text, length) == 0) {
                return unresolved(repository, text, "several snapshots begin with", error);
            }
        }
        found = &repository->snapshots[i];
    }
    if (!found) {
        return unresolved(repository, text, "there is no snapshot", error);
    }
    *name = *found;
    return RF_OK;
}

enum rf_code rf_repository_resolve(const struct rf_repository *repository, const char *text,
                                   struct rf_snapshot_name *name, struct rf_error *error) {
    struct rf_whole whole;
    uint32_t in_part;
    enum rf_code code = rf_repository_resolve_any(repository, text, name, error);
    if (code != RF_OK) {
        return code;
    }
    if (strcmp(text, "latest") == 0) {
        code = rf_whole_newest(repository, name, &whole, &in_part, error);
        return code == RF_OK && name->number == 0 ? rf_whole_refuse(repository, &whole, error)
                                                  : code;
    }
    code = rf_whole_look(repository, name, &whole, error);
    return code == RF_OK && whole.missing > 0 ? rf_whole_refuse(repository, &whole, error) : code;
}

/* Reads a whole file that is no larger than a manifest may be. */
static enum rf_code read_file(const struct rf_repository *repository, const char *path,
                              uint8_t **bytes, size_t *size, struct rf_error *error) {
    int fd;
    uint64_t length;
    *bytes = NULL;
    enum rf_code code = rf_io_open_read(repository->io, path, &fd, &length, error);
    if (code != RF_OK) {
        return code;
    }
    if (length > RF_ENVELOPE_FILE_MAX) {
        code = rf_fail(error, RF_CORRUPT, "%s is too large for a manifest", path);
    } else if (!(*bytes = malloc((size_t)length + 1))) {
        code = rf_fail_memory(error);
    } else {
        *size = (size_t)length;
        code = rf_io_read_at(repository->io, fd, path, *bytes, *size, 0, error);
    }
    rf_io_discard(repository->io, &fd);
    return code;
}

static enum rf_code check_identity(const struct rf_repository *repository,
                                   const struct rf_snapshot_name *name,
                                   const struct rf_manifest *manifest, struct rf_error *error) {
    if (memcmp(manifest->source, repository->source, RF_SOURCE_ID_SIZE) != 0) {
        char theirs[RF_UUID_TEXT], ours[RF_UUID_TEXT];
        rf_fail(error, RF_CORRUPT, "snapshot %llu belongs to another source",
                (unsigned long long)name->number);
        rf_detail(error, "the repository is of source %s, the snapshot of %s",
                  rf_uuid_text(repository->source, ours), rf_uuid_text(manifest->source, theirs));
        return RF_CORRUPT;
    }
    if (manifest->snapshot != name->number) {
        return rf_fail(error, RF_CORRUPT, "the manifest of snapshot %llu says it is number %llu",
                       (unsigned long long)name->number, (unsigned long long)manifest->snapshot);
    }
    return RF_OK;
}

/* The bytes of a file in snapshots/, which are those of the digest. A reader, who holds no lock, may
 * find a file gone that was there when the folder was listed. */
static enum rf_code read_named(const struct rf_repository *repository, const char *file,
                               struct rf_hash digest, uint8_t **bytes, size_t *size,
                               struct rf_error *error) {
    char path[PATH_MAX];
    *bytes = NULL;
    enum rf_code code = rf_repository_place(repository, "snapshots", file, path, error);
    if (code == RF_OK) {
        code = read_file(repository, path, bytes, size, error);
    }
    if (code == RF_STORAGE && error->sys_errno == ENOENT) {
        rf_fail(error, RF_CORRUPT, "snapshots/%s is not there any more", file);
        rf_hint(error, "the repository is being pruned or copied just now; run this again.");
        code = RF_CORRUPT;
    }
    if (code == RF_OK && !rf_hash_equal(rf_hash_bytes(*bytes, *size), digest)) {
        code = rf_fail(error, RF_CORRUPT, "a manifest is not what its name says");
        rf_hint(error, "copy this file again from the repository that it was captured into.");
    }
    return code;
}

static bool has_parent(const struct rf_repository *repository, const struct rf_manifest *manifest) {
    const struct rf_snapshot_name *parent = rf_repository_find(repository, manifest->parent);
    return parent && rf_hash_equal(parent->digest, manifest->parent_digest);
}

enum rf_code rf_repository_load_fold(const struct rf_repository *repository,
                                     const struct rf_fold_name *name, struct rf_fold *fold,
                                     struct rf_error *error) {
    char file[RF_FOLD_NAME_SIZE];
    uint8_t *bytes = NULL;
    size_t size = 0;
    *fold = (struct rf_fold){0};
    rf_fold_file_name(name, file);
    enum rf_code code = read_named(repository, file, name->digest, &bytes, &size, error);
    if (code == RF_OK) {
        code = rf_fold_decode(bytes, size, repository->trust, fold, error);
    }
    free(bytes);
    if (code != RF_OK) {
        rf_while(error, "while reading snapshots/%s", file);
    }
    return code;
}

static enum rf_code lay_fold(const struct rf_repository *repository,
                             const struct rf_fold_name *name, struct rf_manifest *manifest,
                             struct rf_error *error) {
    struct rf_fold fold;
    enum rf_code code = rf_repository_load_fold(repository, name, &fold, error);
    if (code == RF_OK) {
        code = rf_fold_apply(&fold, manifest, !has_parent(repository, manifest), error);
        rf_fold_release(&fold);
    }
    return code;
}

/* Whoever trusts keys is told by the child which file its parent is, by more than a digest that somebody could
 * bring about. A parent that is not here, or damaged, cannot mislead. */
static enum rf_code prove_parent(const struct rf_repository *repository,
                                 const struct rf_manifest *manifest, struct rf_error *error) {
    struct rf_snapshot_name parent = {.number = manifest->parent,
                                      .digest = manifest->parent_digest};
    char file[RF_MANIFEST_NAME_SIZE];
    uint8_t *bytes = NULL;
    uint8_t found[RF_SHA256_SIZE];
    size_t size = 0;
    if (!repository->trust || !has_parent(repository, manifest)) {
        return RF_OK;
    }
    rf_manifest_file_name(&parent, file);
    enum rf_code code = read_named(repository, file, parent.digest, &bytes, &size, error);
    if (code == RF_OK) {
        rf_sha256_bytes(bytes, size, found);
        if (memcmp(found, manifest->parent_sha256, sizeof found) != 0) {
            char named[RF_SHA256_HEX], is[RF_SHA256_HEX];
            code = rf_fail(
                error, RF_CORRUPT, "snapshot %llu does not continue the snapshot %llu that is here",
                (unsigned long long)manifest->snapshot, (unsigned long long)manifest->parent);
            rf_detail(error, "it names a parent of SHA-256 %s, this one has %s",
                      rf_sha256_text(manifest->parent_sha256, named), rf_sha256_text(found, is));
        }
    } else if (code != RF_NO_MEMORY) {
        rf_error_clear(error);
        code = RF_OK; /* whoever reads that one is told */
    }
    free(bytes);
    return code;
}

enum rf_code rf_repository_load_bare(const struct rf_repository *repository,
                                     const struct rf_snapshot_name *name,
                                     struct rf_manifest *manifest, struct rf_error *error) {
    *manifest = (struct rf_manifest){0};
    char file[RF_MANIFEST_NAME_SIZE];
    uint8_t *bytes = NULL;
    size_t size = 0;
    rf_manifest_file_name(name, file);
    enum rf_code code = read_named(repository, file, name->digest, &bytes, &size, error);
    if (code == RF_OK) {
        code = rf_manifest_decode(bytes, size, repository->trust, manifest, error);
    }
    if (code == RF_OK) {
        code = check_identity(repository, name, manifest, error);
    }
    free(bytes);
    if (code != RF_OK) {
        rf_while(error, "while reading snapshots/%s", file);
        rf_manifest_release(manifest);
    }
    return code;
}

enum rf_code rf_repository_load(const struct rf_repository *repository,
                                const struct rf_snapshot_name *name, struct rf_manifest *manifest,
                                struct rf_error *error) {
    enum rf_code code = rf_repository_load_bare(repository, name, manifest, error);
    const struct rf_fold_name *fold = rf_repository_fold(repository, name);
    if (code == RF_OK && fold) {
        code = lay_fold(repository, fold, manifest, error);
    }
    if (code == RF_OK) {
        code = prove_parent(repository, manifest, error);
    }
    if (code != RF_OK) {
        rf_manifest_release(manifest);
    }
    return code;
}

static bool is_cut(const struct rf_repository *repository, const char *file,
                   struct rf_hash digest) {
    struct rf_error ignored;
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool read = read_named(repository, file, digest, &bytes, &size, &ignored) == RF_OK;
    free(bytes);
    return !read;
}

bool rf_repository_is_cut(const struct rf_repository *repository,
                          const struct rf_snapshot_name *name, char file[RF_FOLD_NAME_SIZE]) {
    const struct rf_fold_name *fold = rf_repository_fold(repository, name);
    rf_manifest_file_name(name, file);
    if (is_cut(repository, file, name->digest)) {
        return true;
    }
    if (fold) {
        rf_fold_file_name(fold, file);
    }
    return fold && is_cut(repository, file, fold->digest);
}

static enum rf_code missing_archive(const struct rf_archive_ref *ref, struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "the archive %s is missing", ref->name);
    rf_hint(error,
            "the repository is being copied or pruned just now, or was copied in part: run this "
            "again, and where that does not help copy the repository again.");
    return RF_CORRUPT;
}

void rf_repository_lend(struct rf_repository *repository, const struct rf_pending_archive *archives,
                        uint32_t count) {
    repository->lent = archives;
    repository->lent_count = archives ? count : 0;
}

static enum rf_code place_of(const struct rf_repository *repository,
                             const struct rf_archive_ref *ref, char path[PATH_MAX],
                             struct rf_error *error) {
    for (uint32_t i = 0; i < repository->lent_count; i++) {
        const struct rf_pending_archive *lent = &repository->lent[i];
        if (rf_hash_equal(lent->ref.digest, ref->digest) && strlen(lent->path) < PATH_MAX) {
            strcpy(path, lent->path);
            return RF_OK;
        }
    }
    return rf_repository_place(repository, "archives", ref->name, path, error);
}

enum rf_code rf_repository_open_archive(const struct rf_repository *repository,
                                        const struct rf_archive_ref *ref,
                                        struct rf_archive **archive, struct rf_error *error) {
    char path[PATH_MAX];
    *archive = NULL;
    enum rf_code code = place_of(repository, ref, path, error);
    if (code != RF_OK) {
        return code;
    }
    code = rf_archive_open(repository->io, path, ref, archive, error);
    if (code == RF_STORAGE && error->sys_errno == ENOENT) {
        return missing_archive(ref, error);
    }
    if (code == RF_OK &&
        memcmp(rf_archive_head_of(*archive)->source, repository->source, RF_SOURCE_ID_SIZE) != 0) {
        rf_archive_close(*archive);
        *archive = NULL;
        code = rf_fail(error, RF_CORRUPT, "the archive %s belongs to another source", ref->name);
    }
    if (code == RF_OK && repository->trust && !repository->proves_itself &&
        (code = rf_proven_demand(repository->proven, *archive, ref->sha256, repository->trust->stop,
                                 error)) != RF_OK) {
        rf_archive_close(*archive);
        *archive = NULL;
    }
    return code;
}

static enum rf_code move_archive(struct rf_repository *repository,
                                 const struct rf_pending_archive *pending, struct rf_error *error) {
    char path[PATH_MAX];
    if (pending->settled) {
        return RF_OK;
    }
    enum rf_code code = rf_repository_place(repository, "archives", pending->ref.name, path, error);
    return code == RF_OK ? rf_io_rename(repository->io, pending->path, path, error) : code;
}

static enum rf_code move_archives(struct rf_repository *repository,
                                  const struct rf_pending_archive *archives, uint32_t count,
                                  uint32_t *moved, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (*moved = 0; code == RF_OK && *moved < count; (*moved)++) {
        code = move_archive(repository, &archives[*moved], error);
        if (code != RF_OK) {
            break;
        }
    }
    return code;
}

/* A file in tmp/ says to the next writer that archives/ may hold what no manifest names. It has to be
 * on disk before the first of them is there. */
#define SETTLING "settling"

enum rf_code rf_repository_mark_settling(struct rf_repository *repository, struct rf_error *error) {
    char path[PATH_MAX];
    struct rf_io *io = repository->io;
    int fd = -1;
    enum rf_code code = rf_repository_place(repository, "tmp", SETTLING, path, error);
    if (code == RF_OK) {
        code = rf_io_create(io, path, &fd, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(io, &fd, path, error);
    }
    if (code == RF_OK) {
        code = rf_io_sync_directory(io, repository->tmp, error);
    }
    rf_io_discard(io, &fd);
    repository->settling = code == RF_OK;
    return code;
}

void rf_repository_unmark_settling(struct rf_repository *repository) {
    char path[PATH_MAX];
    struct rf_error ignored;
    if (repository->settling &&
        rf_repository_place(repository, "tmp", SETTLING, path, &ignored) == RF_OK) {
        (void)!rf_io_unlink(repository->io, path, &ignored);
    }
    repository->settling = false;
}

enum rf_code rf_repository_settle(struct rf_repository *repository,
                                  struct rf_pending_archive *archives, uint32_t count,
                                  struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (count > 0 && !repository->settling) {
        code = rf_repository_mark_settling(repository, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        code = move_archive(repository, &archives[i], error);
        archives[i].settled = code == RF_OK;
    }
    return code;
}

static void take_back(struct rf_repository *repository, const struct rf_pending_archive *archives,
                      uint32_t moved) {
    struct rf_error ignored;
    char path[PATH_MAX];
    for (uint32_t i = 0; i < moved; i++) {
        const struct rf_archive_ref *ref = &archives[i].ref;
        if (rf_repository_place(repository, "archives", ref->name, path, &ignored) == RF_OK) {
            (void)!rf_io_unlink(repository->io, path, &ignored);
        }
    }
}

enum rf_code rf_repository_write_part(struct rf_repository *repository,
                                      const struct rf_buffer *bytes, const char *part,
                                      struct rf_error *error) {
    struct rf_io *io = repository->io;
    int fd = -1;
    enum rf_code code = rf_io_create(io, part, &fd, error);
    if (code == RF_OK) {
        code = rf_io_write_all(io, fd, part, bytes->bytes, bytes->size, error);
    }
    if (code == RF_OK) {
        code = rf_io_sync(io, fd, part, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(io, &fd, part, error);
    }
    rf_io_discard(io, &fd);
    return code;
}

static enum rf_code sync_archive(struct rf_repository *repository,
                                 const struct rf_pending_archive *pending, struct rf_error *error) {
    char place[PATH_MAX];
    const char *path = pending->settled ? place : pending->path;
    struct rf_io *io = repository->io;
    int fd = -1;
    uint64_t size;
    enum rf_code code =
        rf_repository_place(repository, "archives", pending->ref.name, place, error);
    if (code == RF_OK) {
        code = rf_io_open_read(io, path, &fd, &size, error);
    }
    if (code == RF_OK) {
        code = rf_io_sync(io, fd, path, error);
    }
    rf_io_discard(io, &fd);
    return code;
}

/* All files of a large capture in one go: on a common disk ten thousand syncs take a minute, this a
 * second. */
static enum rf_code sync_pending(struct rf_repository *repository,
                                 const struct rf_pending_archive *archives, uint32_t count,
                                 struct rf_error *error) {
    enum rf_code code = RF_OK;
    uint32_t unsynced = 0;
    for (uint32_t i = 0; i < count; i++) {
        unsynced += archives[i].unsynced;
    }
    if (unsynced > RF_SYNCED_SINGLY && repository->syncs_at_once) {
        return rf_io_sync_all(repository->io, repository->lock, repository->path, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        code = archives[i].unsynced ? sync_archive(repository, &archives[i], error) : RF_OK;
    }
    return code;
}

static enum rf_code sync_archives(struct rf_repository *repository, struct rf_error *error) {
    char folder[PATH_MAX];
    enum rf_code code = rf_repository_place(repository, "archives", NULL, folder, error);
    return code == RF_OK ? rf_io_sync_directory(repository->io, folder, error) : code;
}

/* The moment at which the snapshot comes to be. A fold without its manifest is nothing to a reader, a
 * manifest without its fold may lack archives. */
static enum rf_code show_manifest(struct rf_repository *repository, const struct rf_shown *files,
                                  const char *part, const char *fold_part, bool *shown,
                                  struct rf_error *error) {
    char file[RF_MANIFEST_NAME_SIZE], fold[RF_FOLD_NAME_SIZE], path[PATH_MAX], folder[PATH_MAX];
    enum rf_code code = rf_repository_place(repository, "snapshots", NULL, folder, error);
    if (code == RF_OK && files->fold_name) {
        rf_fold_file_name(files->fold_name, fold);
        code = rf_repository_place(repository, "snapshots", fold, path, error);
        if (code == RF_OK) {
            code = rf_io_rename(repository->io, fold_part, path, error);
        }
        if (code == RF_OK) {
            code = rf_io_sync_directory(repository->io, folder, error);
        }
    }
    rf_manifest_file_name(&files->name, file);
    if (code == RF_OK) {
        code = rf_repository_place(repository, "snapshots", file, path, error);
    }
    if (code == RF_OK) {
        code = rf_io_rename(repository->io, part, path, error);
    }
    if (code != RF_OK) {
        return code;
    }
    *shown = true;
    code = rf_io_sync_directory(repository->io, folder, error);
    if (code != RF_OK) {
        rf_detail(error, "snapshot %llu is in the repository, but may be lost if power fails now",
                  (unsigned long long)files->name.number);
    }
    return code;
}

/* Manifest and fold in tmp, under names that say nothing. */
static enum rf_code write_parts(struct rf_repository *repository, const struct rf_shown *files,
                                char part[PATH_MAX], char fold_part[PATH_MAX],
                                struct rf_error *error) {
    enum rf_code code = rf_repository_place(repository, "tmp", "manifest.part", part, error);
    if (code == RF_OK) {
        code = rf_repository_write_part(repository, files->manifest, part, error);
    }
    if (code == RF_OK && files->fold_name) {
        code = rf_repository_place(repository, "tmp", "fold.part", fold_part, error);
        if (code == RF_OK) {
            code = rf_repository_write_part(repository, files->fold, fold_part, error);
        }
    }
    return code;
}

/* Folds of a snapshot that is not there: what a publication left that died before its manifest. */
static enum rf_code remove_stale_folds(struct rf_repository *repository,
                                       const struct rf_snapshot_name *name,
                                       struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < repository->fold_count; i++) {
        char file[RF_FOLD_NAME_SIZE], path[PATH_MAX];
        if (repository->folds[i].snapshot.number != name->number) {
            continue;
        }
        rf_fold_file_name(&repository->folds[i], file);
        code = rf_repository_place(repository, "snapshots", file, path, error);
        if (code == RF_OK) {
            code = rf_io_unlink(repository->io, path, error);
        }
    }
    return code;
}

static void remove_part(struct rf_repository *repository, const char *part) {
    struct rf_error ignored;
    if (*part) {
        (void)!rf_io_unlink(repository->io, part, &ignored);
    }
}

enum rf_code rf_repository_show(struct rf_repository *repository, const struct rf_shown *files,
                                const struct rf_pending_archive *archives, uint32_t count,
                                struct rf_error *error) {
    char part[PATH_MAX] = "", fold_part[PATH_MAX] = "";
    uint32_t moved = 0;
    bool shown = false;
    if (rf_repository_find(repository, files->name.number)) {
        return rf_fail(error, RF_MISPLACED, "the repository %s has a snapshot %llu already",
                       repository->path, (unsigned long long)files->name.number);
    }
    enum rf_code code = remove_stale_folds(repository, &files->name, error);
    if (code == RF_OK) {
        code = write_parts(repository, files, part, fold_part, error);
    }
    if (code == RF_OK) {
        code = sync_pending(repository, archives, count, error);
    }
    if (code == RF_OK) {
        code = move_archives(repository, archives, count, &moved, error);
    }
    if (code == RF_OK) {
        code = sync_archives(repository, error);
    }
    if (code == RF_OK) {
        code = show_manifest(repository, files, part, fold_part, &shown, error);
    }
    if (!shown) {
        take_back(repository, archives, moved);
        remove_part(repository, fold_part);
        remove_part(repository, part);
        return code;
    }
    rf_repository_unmark_settling(repository);
    struct rf_error listing;
    enum rf_code listed = rf_repository_list(repository, &listing);
    if (code == RF_OK && listed != RF_OK) {
        *error = listing;
        code = listed;
    }
    return code;
}

enum rf_code rf_repository_publish(struct rf_repository *repository,
                                   const struct rf_manifest *manifest,
                                   const struct rf_pending_archive *archives, uint32_t count,
                                   struct rf_snapshot_name *name, struct rf_error *error) {
    struct rf_buffer bytes = {0};
    name->number = manifest->snapshot;
    enum rf_code code =
        rf_manifest_encode(manifest, repository->signer, &bytes, &name->digest, error);
    if (code == RF_OK) {
        const struct rf_shown shown = {.name = *name, .manifest = &bytes};
        code = rf_repository_show(repository, &shown, archives, count, error);
    }
    rf_buffer_release(&bytes);
    return code;
}

enum rf_code rf_repository_mend(struct rf_repository *repository,
                                struct rf_pending_archive *archives, uint32_t count,
                                struct rf_error *error) {
    enum rf_code code = sync_pending(repository, archives, count, error);
    if (code == RF_OK) {
        code = rf_repository_settle(repository, archives, count, error);
    }
    if (code == RF_OK) {
        code = sync_archives(repository, error);
    }
    if (code == RF_OK) {
        rf_repository_unmark_settling(repository);
    }
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        archives[i].settled = false; /* theirs to keep, whatever becomes of the rest */
    }
    return code;
}

void rf_repository_discard(struct rf_repository *repository,
                           const struct rf_pending_archive *archives, uint32_t count) {
    struct rf_error ignored;
    for (uint32_t i = 0; i < count; i++) {
        if (archives[i].settled) {
            take_back(repository, &archives[i], 1);
        } else {
            (void)!rf_io_unlink(repository->io, archives[i].path, &ignored);
        }
    }
    rf_repository_unmark_settling(repository);
}

/* Archives that manifests and folds need. */
struct needed {
    struct rf_digest_set archives;
    struct rf_repository *repository;
};

static void need_delta(struct needed *needed, const struct rf_manifest_table *table) {
    if (table->change == RF_CHANGE_DELTA) {
        rf_digest_set_add(&needed->archives, table->delta.digest);
    }
}

static void need_manifest(struct needed *needed, const struct rf_manifest *manifest) {
    for (uint32_t t = 0; t < manifest->table_count; t++) {
        const struct rf_manifest_table *table = &manifest->tables[t];
        need_delta(needed, table);
        for (uint32_t i = 0; i < table->state_count; i++) {
            rf_digest_set_add(&needed->archives, table->state[i].digest);
        }
    }
}

/* What the snapshot itself needs; and what its fold promises for when what it passes over is gone. */
static enum rf_code need_snapshot(struct needed *needed, const struct rf_snapshot_name *name,
                                  struct rf_error *error) {
    struct rf_manifest manifest;
    struct rf_fold fold;
    const struct rf_fold_name *fold_name = rf_repository_fold(needed->repository, name);
    enum rf_code code = rf_repository_load(needed->repository, name, &manifest, error);
    if (code != RF_OK) {
        return code;
    }
    need_manifest(needed, &manifest);
    rf_manifest_release(&manifest);
    code = fold_name ? rf_repository_load_fold(needed->repository, fold_name, &fold, error) : RF_OK;
    if (code == RF_OK && fold_name) {
        for (uint32_t t = 0; t < fold.table_count; t++) {
            need_delta(needed, &fold.tables[t]);
        }
        rf_fold_release(&fold);
    }
    return code == RF_OK && needed->archives.failed ? rf_fail_memory(error) : code;
}

bool rf_archive_name_digest(const char *name, struct rf_hash *digest) {
    size_t length = strlen(name);
    char hex[RF_HASH_HEX] = "";
    if (length < RF_HASH_HEX + 4 || strcmp(name + length - 4, ".rfa") != 0 ||
        name[length - 4 - RF_HASH_HEX] != '-') {
        return false;
    }
    memcpy(hex, name + length - 3 - RF_HASH_HEX, RF_HASH_HEX - 1);
    return rf_hash_parse(hex, digest);
}

/* What another program has under way, or somebody put there, is not a writer's that died. */
static bool is_archive_name(const char *name) {
    size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".rfa") == 0;
}

static enum rf_code remove_unneeded(void *context, const char *name, struct rf_error *error) {
    struct needed *needed = context;
    struct rf_hash digest;
    char path[PATH_MAX];
    if (!is_archive_name(name) ||
        (rf_archive_name_digest(name, &digest) && rf_digest_set_has(&needed->archives, digest))) {
        return RF_OK;
    }
    enum rf_code code = rf_repository_place(needed->repository, "archives", name, path, error);
    return code == RF_OK ? rf_io_unlink(needed->repository->io, path, error) : code;
}

/* What a copy brought that is still going on must not be taken from it. */
static bool came_in_part(const struct rf_repository *repository) {
    const struct rf_snapshot_name *newest = rf_repository_newest(repository);
    struct rf_error ignored;
    struct rf_whole whole;
    return newest &&
           (rf_whole_look(repository, newest, &whole, &ignored) != RF_OK || whole.missing > 0);
}

/* A manifest that cannot be read may need anything: then nothing is removed. */
static enum rf_code sweep_archives(struct rf_repository *repository, struct rf_error *error) {
    struct needed needed = {.repository = repository};
    char folder[PATH_MAX];
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < repository->count; i++) {
        code = need_snapshot(&needed, &repository->snapshots[i], error);
    }
    if (code == RF_OK) {
        code = rf_repository_place(repository, "archives", NULL, folder, error);
        if (code == RF_OK) {
            code = rf_io_list(folder, remove_unneeded, &needed, error);
        }
    } else if (code != RF_NO_MEMORY) {
        code = RF_OK;
    }
    rf_digest_set_release(&needed.archives);
    return code;
}

struct leftovers {
    struct rf_repository *repository;
    bool any;
    bool remove;
};

static enum rf_code visit_leftover(void *context, const char *name, struct rf_error *error) {
    struct leftovers *leftovers = context;
    leftovers->any = true;
    if (!leftovers->remove) {
        return RF_OK;
    }
    char path[PATH_MAX];
    enum rf_code code = rf_repository_place(leftovers->repository, "tmp", name, path, error);
    return code == RF_OK ? rf_io_unlink(leftovers->repository->io, path, error) : code;
}

enum rf_code rf_repository_clear(struct rf_repository *repository, struct rf_error *error) {
    struct leftovers leftovers = {.repository = repository};
    enum rf_code code = rf_io_list(repository->tmp, visit_leftover, &leftovers, error);
    if (code != RF_OK || !leftovers.any) {
        return code;
    }
    code = came_in_part(repository) ? RF_OK : sweep_archives(repository, error);
    if (code == RF_OK) {
        leftovers.remove = true;
        code = rf_io_list(repository->tmp, visit_leftover, &leftovers, error);
    }
    return code;
}
