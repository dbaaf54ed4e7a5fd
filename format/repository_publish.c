/* How a snapshot comes to be in a repository: archives to their place, then what names them.
 *
 * A publication leaves its manifest in tmp until everything else is in place. So whatever dies, either
 * the snapshot is there, or tmp is not empty: then archives that no manifest names are removed. */
#include <string.h>

#include "format/fold.h"
#include "format/repository_inner.h"

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
static enum rf_code show_manifest(struct rf_repository *repository,
                                  const struct rf_snapshot_files *files, const char *part,
                                  const char *fold_part, bool *shown, struct rf_error *error) {
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
static enum rf_code write_parts(struct rf_repository *repository,
                                const struct rf_snapshot_files *files, char part[PATH_MAX],
                                char fold_part[PATH_MAX], struct rf_error *error) {
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

/* A capture's snapshot goes behind the others, and those stay where they are: another thread may be
 * reading their names. */
static enum rf_code list_shown(struct rf_repository *repository,
                               const struct rf_snapshot_files *files, struct rf_error *error) {
    const struct rf_snapshot_name *newest = rf_repository_newest(repository);
    bool folds = files->fold_name;
    for (uint32_t i = 0; !folds && i < repository->fold_count; i++) {
        folds = repository->folds[i].snapshot.number == files->name.number;
    }
    if (folds || repository->count == repository->room ||
        (newest && newest->number > files->name.number)) {
        return rf_repository_list(repository, error);
    }
    repository->snapshots[repository->count] = files->name;
    repository->count++;
    return RF_OK;
}

enum rf_code rf_repository_show(struct rf_repository *repository,
                                const struct rf_snapshot_files *files,
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
    enum rf_code listed = list_shown(repository, files, &listing);
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
        const struct rf_snapshot_files shown = {.name = *name, .manifest = &bytes};
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
