/* What is in a repository: finding and loading snapshots, opening their archives. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
