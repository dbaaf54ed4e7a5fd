/* Carrying out a prune: what comes first, then what goes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "format/fold.h"
#include "format/prune_inner.h"

/* What goes: removed and counted, or, of a rehearsal, only counted. */
static enum rf_code drop(struct rf_prune *prune, const char *folder, const char *file,
                         struct rf_error *error) {
    char path[PATH_MAX];
    struct stat status;
    enum rf_code code = rf_repository_place(prune->repository, folder, file, path, error);
    if (code == RF_OK && stat(path, &status) == 0) {
        prune->result->bytes_removed += (uint64_t)status.st_size;
        code = prune->options->rehearsal ? RF_OK : rf_io_unlink(prune->repository->io, path, error);
    }
    return code;
}

static enum rf_code sync_folder(struct rf_prune *prune, const char *folder,
                                struct rf_error *error) {
    char path[PATH_MAX];
    enum rf_code code = rf_repository_place(prune->repository, folder, NULL, path, error);
    return code == RF_OK && !prune->options->rehearsal
               ? rf_io_sync_directory(prune->repository->io, path, error)
               : code;
}

/* ---- what comes ---- */

static enum rf_code show_fold(struct rf_prune *prune, uint32_t number, struct rf_error *error) {
    char part[RF_FOLD_PART_SIZE], file[RF_FOLD_NAME_SIZE], from[PATH_MAX], to[PATH_MAX];
    rf_prune_fold_part(number, part);
    rf_fold_file_name(&prune->folds[number], file);
    enum rf_code code = rf_repository_place(prune->repository, "tmp", part, from, error);
    if (code == RF_OK) {
        code = rf_repository_place(prune->repository, "snapshots", file, to, error);
    }
    return code == RF_OK ? rf_io_rename(prune->repository->io, from, to, error) : code;
}

static enum rf_code show_folds(struct rf_prune *prune, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (!prune->options->rehearsal && !prune->repository->settling) {
        code = rf_repository_mark_settling(prune->repository, error);
    }
    if (code == RF_OK) {
        code = sync_folder(prune, "archives", error);
    }
    for (uint32_t i = 0; code == RF_OK && !prune->options->rehearsal && i < prune->fold_count;
         i++) {
        code = show_fold(prune, i, error);
    }
    return code == RF_OK ? sync_folder(prune, "snapshots", error) : code;
}

/* ---- what goes ---- */

static bool is_kept(const struct rf_prune *prune, uint32_t place) {
    return prune->options->fates[place].keep || place + 1 == prune->repository->count;
}

static enum rf_code drop_manifests(struct rf_prune *prune, struct rf_error *error) {
    const struct rf_repository *repository = prune->repository;
    enum rf_code code = RF_OK;
    for (uint32_t place = repository->count; code == RF_OK && place > 0; place--) {
        char file[RF_MANIFEST_NAME_SIZE];
        if (!is_kept(prune, place - 1)) {
            rf_manifest_file_name(&repository->snapshots[place - 1], file);
            code = drop(prune, "snapshots", file, error);
        }
    }
    return code == RF_OK ? sync_folder(prune, "snapshots", error) : code;
}

/* Whether a fold that was there before is still read: of a snapshot that stays, and no newer one came. */
static bool is_read(const struct rf_prune *prune, const struct rf_fold_name *fold) {
    const struct rf_repository *repository = prune->repository;
    for (uint32_t i = 0; i < prune->fold_count; i++) {
        if (prune->folds[i].snapshot.number == fold->snapshot.number) {
            return false;
        }
    }
    for (uint32_t place = 0; place < repository->count; place++) {
        if (repository->snapshots[place].number == fold->snapshot.number) {
            return is_kept(prune, place) &&
                   rf_repository_fold(repository, &repository->snapshots[place]) == fold;
        }
    }
    return false;
}

static enum rf_code drop_folds(struct rf_prune *prune, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < prune->repository->fold_count; i++) {
        const struct rf_fold_name *fold = &prune->repository->folds[i];
        char file[RF_FOLD_NAME_SIZE];
        if (!is_read(prune, fold)) {
            rf_fold_file_name(fold, file);
            code = drop(prune, "snapshots", file, error);
        }
    }
    return code == RF_OK ? sync_folder(prune, "snapshots", error) : code;
}

static void know(struct rf_prune *prune, const struct rf_manifest_table *tables, uint32_t count) {
    for (uint32_t t = 0; t < count; t++) {
        if (tables[t].change == RF_CHANGE_DELTA) {
            rf_digest_set_add(&prune->known, tables[t].delta.digest);
        }
        for (uint32_t i = 0; i < tables[t].state_count; i++) {
            rf_digest_set_add(&prune->known, tables[t].state[i].digest);
        }
    }
}

/* What nothing here names may have been brought by a copy that is under way, whose manifest comes last. */
enum rf_code rf_prune_know_all(struct rf_prune *prune, struct rf_error *error) {
    const struct rf_repository *repository = prune->repository;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < repository->count; i++) {
        struct rf_manifest manifest = {0};
        code = rf_repository_load_bare(repository, &repository->snapshots[i], &manifest, error);
        if (code == RF_OK) {
            know(prune, manifest.tables, manifest.table_count);
        }
        rf_manifest_release(&manifest);
    }
    for (uint32_t i = 0; code == RF_OK && i < repository->fold_count; i++) {
        struct rf_fold fold;
        code = rf_repository_load_fold(repository, &repository->folds[i], &fold, error);
        if (code == RF_OK) {
            know(prune, fold.tables, fold.table_count);
            rf_fold_release(&fold);
        }
    }
    return code == RF_OK && prune->known.failed ? rf_fail_memory(error) : code;
}

static enum rf_code drop_unneeded(void *context, const char *file, struct rf_error *error) {
    struct rf_prune *prune = context;
    struct rf_hash digest;
    if (!rf_archive_name_digest(file, &digest) || !rf_digest_set_has(&prune->known, digest) ||
        rf_digest_set_has(&prune->needed, digest)) {
        return RF_OK;
    }
    prune->result->archives_removed++;
    return drop(prune, "archives", file, error);
}

static enum rf_code drop_archives(struct rf_prune *prune, struct rf_error *error) {
    char folder[PATH_MAX];
    enum rf_code code = rf_repository_place(prune->repository, "archives", NULL, folder, error);
    if (code == RF_OK) {
        code = rf_io_list(folder, drop_unneeded, prune, error);
    }
    return code == RF_OK ? sync_folder(prune, "archives", error) : code;
}

enum rf_code rf_prune_carry_out(struct rf_prune *prune, struct rf_error *error) {
    enum rf_code code = show_folds(prune, error);
    if (code == RF_OK) {
        code = drop_manifests(prune, error);
    }
    if (code == RF_OK) {
        code = drop_folds(prune, error);
    }
    if (code == RF_OK) {
        code = drop_archives(prune, error);
    }
    if (code == RF_OK && !prune->options->rehearsal) {
        rf_repository_unmark_settling(prune->repository);
        code = rf_repository_list(prune->repository, error);
    }
    return code;
}
