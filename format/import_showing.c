/* How a snapshot that arrived is made whole here.
 *
 * Sender and reader may each have been pruned, so that the same snapshot is made of other archives on either
 * side. In this order: the manifest as it was captured; with the sender's fold; with a fold made here, which lays
 * what changed, as it arrived, upon the archives of the snapshot before, as they are here. A delta fits upon any
 * archives with the same rows. */
#include <stdlib.h>
#include <string.h>

#include "format/import_inner.h"

void rf_showing_release(struct rf_showing *showing) {
    rf_named_release(&showing->named);
    rf_fold_release(&showing->made);
    rf_buffer_release(&showing->made_bytes);
}

static bool is_here(const struct rf_arrival *arrival, const struct rf_archive_ref *ref) {
    uint32_t place = rf_named_find(&arrival->named, ref->digest);
    return place != RF_NAMED_NOT && arrival->here[place];
}

static bool state_is_here(const struct rf_arrival *arrival, const struct rf_manifest_table *table) {
    bool here = true;
    for (uint32_t i = 0; here && i < table->state_count; i++) {
        here = is_here(arrival, &table->state[i]);
    }
    return here;
}

static bool states_are_here(const struct rf_arrival *arrival,
                            const struct rf_manifest_table *tables) {
    bool here = true;
    for (uint32_t i = 0; here && i < arrival->manifest.table_count; i++) {
        here = state_is_here(arrival, &tables[i]);
    }
    return here;
}

static bool deltas_are_here(const struct rf_arrival *arrival,
                            const struct rf_manifest_table *tables) {
    bool here = true;
    for (uint32_t i = 0; here && i < arrival->manifest.table_count; i++) {
        here = tables[i].change != RF_CHANGE_DELTA || is_here(arrival, &tables[i].delta);
    }
    return here;
}

/* ---- a fold made here ---- */

static enum rf_code lacking(const struct rf_arrival *arrival, struct rf_error *error) {
    rf_fail(error, RF_MISPLACED,
            "snapshot %llu needs archives that are neither here nor in the stream",
            (unsigned long long)arrival->name.number);
    rf_hint(error, "import `rowferry export` without --since, into a new repository if need be.");
    return RF_MISPLACED;
}

/* The table's archives in the snapshot before, with its delta upon them. */
static enum rf_code lay_upon(const struct rf_manifest_table *before,
                             const struct rf_manifest_table *link, struct rf_manifest_table *made,
                             struct rf_error *error) {
    uint32_t more = link->change == RF_CHANGE_DELTA;
    made->state = calloc((size_t)before->state_count + more, sizeof *made->state);
    if (!made->state) {
        return rf_fail_memory(error);
    }
    memcpy(made->state, before->state, before->state_count * sizeof *made->state);
    if (more) {
        made->state[before->state_count] = link->delta;
    }
    made->state_count = before->state_count + more;
    return RF_OK;
}

static enum rf_code take_state(const struct rf_arrival *arrival, uint32_t place,
                               struct rf_manifest_table *made, struct rf_error *error) {
    const struct rf_manifest_table *own = &arrival->manifest.tables[place];
    const struct rf_manifest_table *folded = arrival->has_fold ? &arrival->fold.tables[place] : own;
    const struct rf_manifest_table *from = state_is_here(arrival, own) ? own : folded;
    if (!state_is_here(arrival, from)) {
        return lacking(arrival, error);
    }
    made->state = calloc(from->state_count, sizeof *made->state);
    if (!made->state) {
        return rf_fail_memory(error);
    }
    memcpy(made->state, from->state, from->state_count * sizeof *made->state);
    made->state_count = from->state_count;
    return RF_OK;
}

static enum rf_code make_table(const struct rf_arrival *arrival, const struct rf_manifest *before,
                               uint32_t place, struct rf_manifest_table *made,
                               struct rf_error *error) {
    const struct rf_manifest_table *own = &arrival->manifest.tables[place];
    const struct rf_manifest_table *link = arrival->follows ? own : &arrival->fold.tables[place];
    const struct rf_manifest_table *old = rf_manifest_find(before, own->table.name);
    made->change = link->change;
    made->inserted = link->inserted;
    made->updated = link->updated;
    made->deleted = link->deleted;
    made->moved = link->moved;
    made->delta = link->delta;
    bool same = link->change == RF_CHANGE_NONE;
    if (!old || link->change == RF_CHANGE_NEW ||
        (same && !rf_digest_equal(&old->digest, &own->digest))) {
        return take_state(arrival, place, made, error);
    }
    return lay_upon(old, link, made, error);
}

static enum rf_code fill_fold(const struct rf_arrival *arrival, const struct rf_manifest *before,
                              struct rf_fold *fold, struct rf_error *error) {
    const struct rf_manifest *manifest = &arrival->manifest;
    *fold = (struct rf_fold){.snapshot = arrival->name.number,
                             .digest = arrival->name.digest,
                             .generation = arrival->has_fold ? arrival->fold.generation + 1 : 1,
                             .parent = arrival->follows ? manifest->parent : arrival->fold.parent,
                             .parent_digest = arrival->follows ? manifest->parent_digest
                                                               : arrival->fold.parent_digest};
    memcpy(fold->sha256, manifest->sha256, sizeof fold->sha256);
    memcpy(fold->source, manifest->source, sizeof fold->source);
    memcpy(fold->parent_sha256,
           arrival->follows ? manifest->parent_sha256 : arrival->fold.parent_sha256,
           sizeof fold->parent_sha256);
    fold->tables = calloc((size_t)manifest->table_count + 1, sizeof *fold->tables);
    if (!fold->tables) {
        return rf_fail_memory(error);
    }
    fold->table_count = manifest->table_count;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < fold->table_count; i++) {
        code = make_table(arrival, before, i, &fold->tables[i], error);
    }
    return code;
}

/* Whoever trusts keys takes no fold that nobody signed. */
static enum rf_code may_make_fold(const struct rf_repository *repository,
                                  const struct rf_arrival *arrival, struct rf_error *error) {
    bool links = deltas_are_here(arrival, arrival->follows ? arrival->manifest.tables
                                                           : arrival->fold.tables);
    if (!links || (!arrival->follows && !arrival->fold_follows)) {
        return lacking(arrival, error);
    }
    if (repository->trust) {
        rf_fail(
            error, RF_MISPLACED,
            "snapshot %llu would have to be laid upon the archives that are here, and nobody signs that",
            (unsigned long long)arrival->name.number);
        rf_hint(error, "import `rowferry export` without --since into a new repository.");
        return RF_MISPLACED;
    }
    return RF_OK;
}

static enum rf_code make_fold(const struct rf_repository *repository,
                              const struct rf_arrival *arrival, struct rf_showing *showing,
                              struct rf_error *error) {
    struct rf_manifest before = {0};
    const struct rf_snapshot_name *newest = rf_repository_newest(repository);
    enum rf_code code =
        newest ? may_make_fold(repository, arrival, error) : lacking(arrival, error);
    if (code == RF_OK) {
        code = rf_repository_load(repository, newest, &before, error);
    }
    if (code == RF_OK) {
        code = fill_fold(arrival, &before, &showing->made, error);
    }
    rf_manifest_release(&before);
    if (code == RF_OK) {
        code = rf_fold_encode(&showing->made, repository->signer, &showing->made_bytes,
                              &showing->fold_name.digest, error);
    }
    showing->fold_name.snapshot = arrival->name;
    showing->fold_name.generation = showing->made.generation;
    showing->fold = &showing->made_bytes;
    return code;
}

/* ---- the choice ---- */

/* What rf_repository_load will say that the snapshot is made of. */
static enum rf_code name_needed(const struct rf_arrival *arrival, const struct rf_fold *fold,
                                struct rf_showing *showing, struct rf_error *error) {
    uint32_t count = arrival->manifest.table_count;
    const struct rf_manifest_table *own = arrival->manifest.tables;
    enum rf_code code = rf_named_add(&showing->named, fold ? fold->tables : own, count, error);
    if (code == RF_OK && fold && arrival->follows) {
        code = rf_named_add(&showing->named, own, count, error);
    }
    rf_named_sort(&showing->named);
    return code;
}

enum rf_code rf_showing_choose(const struct rf_repository *repository,
                               const struct rf_arrival *arrival, struct rf_showing *showing,
                               struct rf_error *error) {
    const struct rf_manifest_table *own = arrival->manifest.tables;
    const struct rf_fold *fold = arrival->has_fold ? &arrival->fold : NULL;
    bool own_link = arrival->follows && deltas_are_here(arrival, own);
    *showing = (struct rf_showing){0};
    if (own_link && states_are_here(arrival, own)) {
        return name_needed(arrival, NULL, showing, error);
    }
    bool fold_link = arrival->follows
                         ? own_link
                         : arrival->fold_follows && fold && deltas_are_here(arrival, fold->tables);
    enum rf_code code = RF_OK;
    if (fold && fold_link && states_are_here(arrival, fold->tables)) {
        showing->fold = &arrival->fold_bytes;
        showing->fold_name = (struct rf_fold_name){.snapshot = arrival->name,
                                                   .generation = fold->generation,
                                                   .digest = arrival->fold_digest};
    } else {
        code = make_fold(repository, arrival, showing, error);
        fold = &showing->made;
    }
    return code == RF_OK ? name_needed(arrival, fold, showing, error) : code;
}
