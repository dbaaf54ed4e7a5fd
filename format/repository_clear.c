/* Clearing up after a writer that died: archives that nothing names, and what is left in tmp. */
#include <string.h>

#include "format/digest_set.h"
#include "format/fold.h"
#include "format/repository_inner.h"
#include "format/whole.h"

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
