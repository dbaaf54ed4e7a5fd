/* Planning a prune: from one kept snapshot to the next. */
#include "format/prune.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/fold.h"
#include "format/link.h"
#include "format/prune_inner.h"
#include "format/state.h"

/* A kept snapshot as it will be. */
struct kept {
    struct rf_snapshot_name name; /* number 0: there is none */
    struct rf_manifest manifest;
    bool *changed; /* by table: its state is another than it was */
};

static void kept_release(struct kept *kept) {
    rf_manifest_release(&kept->manifest);
    free(kept->changed);
    *kept = (struct kept){0};
}

static bool is_kept(const struct rf_prune *prune, uint32_t place) {
    return prune->options->fates[place].keep || place + 1 == rf_repository_count(prune->repository);
}

/* ---- archives ---- */

/* The same rows give the same bytes: an archive may be there before it is made. */
static void count_written(struct rf_prune *prune, const struct rf_archive_ref *ref) {
    char path[PATH_MAX];
    struct stat status;
    struct rf_error ignored;
    if (!rf_digest_set_has(&prune->needed, ref->digest) &&
        rf_repository_place(prune->repository, "archives", ref->name, path, &ignored) == RF_OK &&
        stat(path, &status) != 0) {
        prune->result->archives_written++;
        prune->result->bytes_written += ref->size;
    }
    rf_digest_set_add(&prune->needed, ref->digest);
}

enum rf_code rf_prune_take(struct rf_prune *prune, struct rf_pending_archive *archive,
                           struct rf_error *error) {
    struct rf_repository *repository = prune->repository;
    enum rf_code code = RF_OK;
    count_written(prune, &archive->ref);
    if (prune->options->rehearsal) {
        code = rf_io_unlink(rf_repository_io(repository), archive->path, error);
    } else {
        code = rf_repository_settle(repository, archive, 1, error);
    }
    free(archive->path);
    archive->path = NULL;
    return code;
}

/* Each archive that stays has to be there, in its full length: what is dropped may be all that is whole
 * otherwise. */
static enum rf_code need(struct rf_prune *prune, const struct rf_archive_ref *ref,
                         struct rf_error *error) {
    char path[PATH_MAX];
    struct stat status;
    if (rf_digest_set_has(&prune->needed, ref->digest)) {
        return RF_OK;
    }
    rf_digest_set_add(&prune->needed, ref->digest);
    if (prune->needed.failed) {
        return rf_fail_memory(error);
    }
    enum rf_code code = rf_repository_place(prune->repository, "archives", ref->name, path, error);
    if (code == RF_OK && (stat(path, &status) != 0 || (uint64_t)status.st_size != ref->size)) {
        code = rf_fail(error, RF_CORRUPT, "the archive %s is missing or cut short", ref->name);
        rf_detail(error, "a snapshot that is to be kept needs it; nothing was pruned");
        rf_hint(error, "the repository is being copied just now, or was copied in part: copy it "
                       "again.");
    }
    return code;
}

static enum rf_code need_all(struct rf_prune *prune, const struct rf_manifest *manifest,
                             struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t t = 0; code == RF_OK && t < manifest->table_count; t++) {
        const struct rf_manifest_table *table = &manifest->tables[t];
        if (table->change == RF_CHANGE_DELTA) {
            code = need(prune, &table->delta, error);
        }
        for (uint32_t i = 0; code == RF_OK && i < table->state_count; i++) {
            code = need(prune, &table->state[i], error);
        }
    }
    return code;
}

/* ---- links ---- */

static void begin_history(struct rf_manifest *manifest) {
    manifest->parent = 0;
    manifest->parent_digest = (struct rf_hash){0};
    memset(manifest->parent_sha256, 0, sizeof manifest->parent_sha256);
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        struct rf_manifest_table *table = &manifest->tables[i];
        table->change = RF_CHANGE_NEW;
        table->inserted = table->digest.rows;
        table->updated = table->deleted = table->moved = 0;
        table->delta = (struct rf_archive_ref){0};
    }
}

static enum rf_code take_link(struct rf_prune *prune, struct rf_link *link,
                              const struct kept *before, struct kept *now, struct rf_error *error) {
    enum rf_code code = RF_OK;
    struct rf_manifest *manifest = &now->manifest;
    for (uint32_t i = 0; i < link->count; i++) {
        struct rf_pending_archive *archive = &link->archives[i];
        code = code == RF_OK ? rf_prune_take(prune, archive, error) : code;
    }
    manifest->parent = before->name.number;
    manifest->parent_digest = before->name.digest;
    memcpy(manifest->parent_sha256, before->manifest.sha256, sizeof manifest->parent_sha256);
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        rf_fold_lay_link(&link->manifest.tables[i], &manifest->tables[i]);
    }
    return code;
}

static enum rf_code link_to(struct rf_prune *prune, const struct kept *before, struct kept *now,
                            struct rf_error *error) {
    struct rf_link link = {0};
    struct rf_link_options options = {.folder = prune->folder,
                                      .pool = prune->pool,
                                      .level = RF_PRUNE_LEVEL,
                                      .unsynced = prune->options->rehearsal != NULL,
                                      .stop = prune->options->stop,
                                      .progress = prune->options->progress,
                                      .context = prune->options->context};
    enum rf_code code =
        rf_link_make(prune->repository, &before->name, &now->name, &options, &link, error);
    if (code == RF_OK) {
        code = take_link(prune, &link, before, now, error);
    }
    rf_link_release(&link);
    return code;
}

/* ---- folds ---- */

void rf_prune_fold_part(uint32_t number, char file[RF_FOLD_PART_SIZE]) {
    snprintf(file, RF_FOLD_PART_SIZE, "fold-%u.part", number);
}

static enum rf_code write_fold_file(struct rf_prune *prune, const struct rf_buffer *bytes,
                                    struct rf_error *error) {
    char file[RF_FOLD_PART_SIZE], path[PATH_MAX];
    rf_prune_fold_part(prune->fold_count, file);
    enum rf_code code = rf_repository_place(prune->repository, "tmp", file, path, error);
    return code == RF_OK ? rf_repository_write_part(prune->repository, bytes, path, error) : code;
}

static enum rf_code add_fold(struct rf_prune *prune, const struct rf_fold_name *name,
                             const struct rf_buffer *bytes, struct rf_error *error) {
    size_t room = (size_t)prune->fold_count + 1;
    struct rf_fold_name *grown = realloc(prune->folds, room * sizeof *grown);
    if (!grown) {
        return rf_fail_memory(error);
    }
    prune->folds = grown;
    enum rf_code code = prune->options->rehearsal ? RF_OK : write_fold_file(prune, bytes, error);
    grown[prune->fold_count] = *name;
    prune->fold_count += code == RF_OK;
    prune->result->folded++;
    prune->result->bytes_written += bytes->size;
    return code;
}

static enum rf_code write_fold(struct rf_prune *prune, const struct kept *kept,
                               struct rf_error *error) {
    const struct rf_manifest *manifest = &kept->manifest;
    const struct rf_fold_name *old = rf_repository_fold(prune->repository, &kept->name);
    struct rf_fold_name name = {.snapshot = kept->name,
                                .generation = old ? old->generation + 1 : 1};
    struct rf_fold fold = {.snapshot = kept->name.number,
                           .digest = kept->name.digest,
                           .generation = name.generation,
                           .parent = manifest->parent,
                           .parent_digest = manifest->parent_digest,
                           .table_count = manifest->table_count,
                           .tables = manifest->tables};
    memcpy(fold.sha256, manifest->sha256, sizeof fold.sha256);
    memcpy(fold.source, manifest->source, sizeof fold.source);
    memcpy(fold.parent_sha256, manifest->parent_sha256, sizeof fold.parent_sha256);
    struct rf_buffer bytes = {0};
    enum rf_code code =
        rf_fold_encode(&fold, prune->repository->signer, &bytes, &name.digest, error);
    if (code == RF_OK) {
        code = add_fold(prune, &name, &bytes, error);
    }
    rf_buffer_release(&bytes);
    return code;
}

/* A fold whose link leads from elsewhere than the snapshot now does: an earlier prune was cut off before it
 * dropped what the link passes over. Its archives would be missed if it stayed. */
static enum rf_code is_stale(struct rf_prune *prune, const struct kept *kept, bool *stale,
                             struct rf_error *error) {
    struct rf_fold fold;
    const struct rf_fold_name *name = rf_repository_fold(prune->repository, &kept->name);
    *stale = false;
    if (!name) {
        return RF_OK;
    }
    enum rf_code code = rf_repository_load_fold(prune->repository, name, &fold, error);
    if (code == RF_OK) {
        *stale = fold.parent != kept->manifest.parent;
        rf_fold_release(&fold);
    }
    return code;
}

/* ---- one snapshot after another ---- */

static enum rf_code relink(struct rf_prune *prune, const struct kept *before, struct kept *now,
                           bool *relinked, struct rf_error *error) {
    const struct rf_manifest *manifest = &now->manifest;
    *relinked = manifest->parent != before->name.number ||
                !rf_hash_equal(manifest->parent_digest, before->name.digest);
    if (!*relinked) {
        return RF_OK;
    }
    if (before->name.number == 0) {
        begin_history(&now->manifest);
        return RF_OK;
    }
    return link_to(prune, before, now, error);
}

static enum rf_code choose_states(struct rf_prune *prune, const struct kept *before,
                                  struct kept *now, bool relinked, bool pinned, bool *any,
                                  struct rf_error *error) {
    enum rf_code code = RF_OK;
    now->changed = calloc((size_t)now->manifest.table_count + 1, sizeof *now->changed);
    if (!now->changed) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; code == RF_OK && i < now->manifest.table_count; i++) {
        struct rf_manifest_table *table = &now->manifest.tables[i];
        const struct rf_manifest_table *old =
            rf_manifest_find(&before->manifest, table->table.name);
        struct rf_prune_state given = {.before = old,
                                       .before_changed =
                                           old && before->changed[old - before->manifest.tables],
                                       .relinked = relinked,
                                       .pinned = pinned};
        code = rf_prune_choose(prune, &given, now->name.number, table, &now->changed[i], error);
        *any |= now->changed[i];
    }
    return code;
}

/* What the archives themselves say: that they continue each other and make the rows of the manifest. */
static enum rf_code try_states(const struct rf_prune *prune, const struct kept *kept,
                               struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < kept->manifest.table_count; i++) {
        struct rf_state *state = NULL;
        if (kept->changed[i] && !prune->options->rehearsal) {
            code = rf_state_open(prune->repository, &kept->manifest.tables[i], &state, error);
            rf_state_close(state);
        }
    }
    return code;
}

static enum rf_code plan_one(struct rf_prune *prune, const struct kept *before, struct kept *now,
                             bool pinned, struct rf_error *error) {
    bool relinked = false, changed = false, stale = false;
    enum rf_code code = rf_repository_load(prune->repository, &now->name, &now->manifest, error);
    if (code == RF_OK) {
        code = relink(prune, before, now, &relinked, error);
    }
    if (code == RF_OK) {
        code = choose_states(prune, before, now, relinked, pinned, &changed, error);
    }
    if (code == RF_OK) {
        code = need_all(prune, &now->manifest, error);
    }
    if (code == RF_OK) {
        code = try_states(prune, now, error);
    }
    if (code == RF_OK && !relinked && !changed) {
        code = is_stale(prune, now, &stale, error);
    }
    return code == RF_OK && (relinked || changed || stale) ? write_fold(prune, now, error) : code;
}

static enum rf_code plan(struct rf_prune *prune, struct rf_error *error) {
    struct kept before = {0};
    enum rf_code code = RF_OK;
    uint32_t count = rf_repository_count(prune->repository);
    for (uint32_t place = 0; code == RF_OK && place < count; place++) {
        if (!is_kept(prune, place)) {
            prune->result->dropped++;
            continue;
        }
        prune->result->kept++;
        struct kept now = {.name = *rf_repository_snapshot(prune->repository, place)};
        code =
            atomic_load(prune->options->stop) ? rf_fail(error, RF_INTERRUPTED, "stopped") : RF_OK;
        if (code == RF_OK) {
            code = plan_one(prune, &before, &now, prune->options->fates[place].pinned, error);
        }
        if (code != RF_OK && code != RF_INTERRUPTED) {
            rf_while(error, "while pruning up to snapshot %llu",
                     (unsigned long long)now.name.number);
        }
        kept_release(&before);
        before = now;
    }
    kept_release(&before);
    return code;
}

/* What was made so far goes again; what cannot be removed now, the next writer removes. */
static void give_up(struct rf_prune *prune) {
    struct rf_error ignored;
    if (prune->options->rehearsal || rf_repository_list(prune->repository, &ignored) != RF_OK) {
        return;
    }
    (void)!rf_repository_mark_settling(prune->repository, &ignored);
    if (rf_repository_clear(prune->repository, &ignored) == RF_OK) {
        prune->repository->settling = false;
    }
}

enum rf_code rf_prune(struct rf_repository *repository, const struct rf_prune_options *options,
                      struct rf_prune_result *result, struct rf_error *error) {
    struct rf_prune prune = {.repository = repository,
                             .options = options,
                             .result = result,
                             .folder = options->rehearsal ? options->rehearsal
                                                          : rf_repository_tmp(repository)};
    *result = (struct rf_prune_result){0};
    enum rf_code code = rf_pool_new(options->jobs, &prune.pool, error);
    if (code == RF_OK) {
        code = rf_prune_know_all(&prune, error);
    }
    if (code == RF_OK) {
        code = plan(&prune, error);
    }
    if (code == RF_OK && prune.needed.failed) {
        code = rf_fail_memory(error);
    }
    if (code == RF_OK && result->dropped + prune.fold_count > 0) {
        code = rf_prune_carry_out(&prune, error);
    }
    if (code != RF_OK) {
        give_up(&prune);
    }
    rf_pool_free(prune.pool);
    rf_digest_set_release(&prune.needed);
    rf_digest_set_release(&prune.known);
    free(prune.folds);
    return code;
}
