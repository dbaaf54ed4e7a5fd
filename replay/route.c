#include "replay/route.h"

#include <inttypes.h>
#include <stdlib.h>

/* Walked from the end, since a manifest knows its parent and not its child. */

static enum rf_code fail_history(const struct rf_snapshot_name *from,
                                 const struct rf_snapshot_name *parent, struct rf_error *error) {
    char stands[RF_HASH_HEX], leads[RF_HASH_HEX];
    rf_fail(error, RF_MISPLACED, "the target stands at snapshot %" PRIu64 " of another history",
            from->number);
    rf_detail(error, "the ledger says %s, the repository's is %s",
              rf_hash_text(from->digest, stands), rf_hash_text(parent->digest, leads));
    rf_hint(error, "was the repository made anew, or an older copy of it put back? Replay into "
                   "another schema, or drop the tables and schema rowferry and replay again.");
    return RF_MISPLACED;
}

static enum rf_code fail_ahead(const struct rf_snapshot_name *from,
                               const struct rf_snapshot_name *to, struct rf_error *error) {
    rf_fail(error, RF_MISPLACED,
            "the target stands at snapshot %" PRIu64 ", ahead of snapshot %" PRIu64, from->number,
            to->number);
    rf_hint(error, "to go back, the repository has to have the snapshot that the target stands at: "
                   "bring it, or replay the older one into another schema.");
    return RF_MISPLACED;
}

/* A hole in the middle is damage; a repository that begins later was pruned or is another copy. */
static enum rf_code fail_missing(const struct rf_repository *repository,
                                 const struct rf_snapshot_name *from,
                                 const struct rf_snapshot_name *missing, struct rf_error *error) {
    const struct rf_snapshot_name *first =
        rf_repository_count(repository) > 0 ? rf_repository_snapshot(repository, 0) : NULL;
    bool hole = first && first->number < missing->number;
    char digest[RF_HASH_HEX];
    if (hole) {
        rf_fail(error, RF_CORRUPT, "the manifest of snapshot %" PRIu64 " is missing",
                missing->number);
        rf_detail(error, "it has digest %s", rf_hash_text(missing->digest, digest));
        rf_hint(error, "bring the file back from where the repository was copied from.");
        return RF_CORRUPT;
    }
    rf_fail(error, RF_MISPLACED,
            "there is a gap: the target stands at snapshot %" PRIu64
            ", the repository begins at %" PRIu64,
            from->number, first ? first->number : 0);
    rf_hint(error, "bring the snapshots in between, or replay into another schema.");
    return RF_MISPLACED;
}

/* What a prune dropped is known by what it left. */
static enum rf_code fail_pruned(const struct rf_snapshot_name *from,
                                const struct rf_snapshot_name *child, struct rf_error *error) {
    rf_fail(error, RF_MISPLACED,
            "there is a gap: the target stands at snapshot %" PRIu64
            ", which is no longer in the repository",
            from->number);
    rf_detail(error, "snapshot %" PRIu64 " was pruned to follow an earlier one", child->number);
    rf_hint(error, "bring a copy of the repository that has it, or replay into another schema.");
    return RF_MISPLACED;
}

/* The parent as the repository has it; `child` is left to the caller. */
static enum rf_code find_parent(const struct rf_repository *repository,
                                const struct rf_snapshot_name *child,
                                const struct rf_snapshot_name *from,
                                struct rf_snapshot_name *parent, bool *may_leap,
                                struct rf_error *error) {
    struct rf_manifest manifest = {0};
    enum rf_code code = rf_repository_load(repository, child, &manifest, error);
    if (code != RF_OK) {
        return code;
    }
    *parent =
        (struct rf_snapshot_name){.number = manifest.parent, .digest = manifest.parent_digest};
    bool folded = manifest.fold > 0;
    rf_manifest_release(&manifest);
    if (parent->number == from->number) {
        return rf_hash_equal(parent->digest, from->digest) ? RF_OK
                                                           : fail_history(from, parent, error);
    }
    if (parent->number >= child->number) {
        return rf_fail(error, RF_CORRUPT,
                       "the manifest of snapshot %" PRIu64 " names a later one as its parent",
                       child->number);
    }
    if (parent->number < from->number) {
        *may_leap = folded;
        return folded ? fail_pruned(from, child, error) : fail_history(from, parent, error);
    }
    const struct rf_snapshot_name *found = rf_repository_find(repository, parent->number);
    *may_leap = !found;
    if (!found) {
        return fail_missing(repository, from, parent, error);
    }
    if (!rf_hash_equal(found->digest, parent->digest)) {
        return rf_fail(error, RF_CORRUPT,
                       "snapshot %" PRIu64 " does not continue the snapshot %" PRIu64
                       " that is in the repository",
                       child->number, parent->number);
    }
    return RF_OK;
}

static enum rf_code push(struct rf_route *route, const struct rf_snapshot_name *name,
                         struct rf_error *error) {
    if ((route->count & (route->count - 1)) == 0) {
        size_t room = route->count ? 2 * (size_t)route->count : 1;
        struct rf_snapshot_name *grown = realloc(route->names, room * sizeof *grown);
        if (!grown) {
            return rf_fail_memory(error);
        }
        route->names = grown;
    }
    route->names[route->count++] = *name;
    return RF_OK;
}

static void turn_around(struct rf_route *route) {
    for (uint32_t i = 0, j = route->count; i + 1 < j; i++) {
        j--;
        struct rf_snapshot_name held = route->names[i];
        route->names[i] = route->names[j];
        route->names[j] = held;
    }
}

enum rf_code rf_route_find(const struct rf_repository *repository,
                           const struct rf_snapshot_name *from, const struct rf_snapshot_name *to,
                           struct rf_route *route, struct rf_error *error) {
    *route = (struct rf_route){.count = 0};
    if (from->number > to->number) {
        route->may_leap = true;
        return fail_ahead(from, to, error);
    }
    if (from->number == to->number) {
        return rf_hash_equal(from->digest, to->digest) ? RF_OK : fail_history(from, to, error);
    }
    struct rf_snapshot_name at = *to;
    bool may_leap = false;
    enum rf_code code = RF_OK;
    while (code == RF_OK && at.number != from->number) {
        code = push(route, &at, error);
        const struct rf_snapshot_name child = at;
        if (code == RF_OK) {
            code = find_parent(repository, &child, from, &at, &may_leap, error);
        }
    }
    if (code != RF_OK) {
        rf_route_release(route);
        route->may_leap = may_leap;
        return code;
    }
    turn_around(route);
    return RF_OK;
}

enum rf_code rf_route_to(struct rf_route *route, const struct rf_snapshot_name *to,
                         struct rf_error *error) {
    *route = (struct rf_route){.count = 0};
    return push(route, to, error);
}

void rf_route_release(struct rf_route *route) {
    free(route->names);
    *route = (struct rf_route){.count = 0};
}

static enum rf_code prove(struct rf_run *run, const struct rf_archive_ref *ref,
                          struct rf_error *error) {
    enum rf_code code = rf_run_check(run, error);
    struct rf_archive *archive = NULL;
    if (code == RF_OK) {
        code = rf_repository_open_archive(run->repository, ref, &archive, error);
    }
    if (code == RF_OK) {
        code = rf_archive_prove(archive, ref->digest, error);
    }
    rf_archive_close(archive);
    return code;
}

enum rf_code rf_route_prove_table(struct rf_run *run, const struct rf_manifest_table *table,
                                  bool delta, struct rf_error *error) {
    if (delta) {
        return prove(run, &table->delta, error);
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < table->state_count; i++) {
        code = prove(run, &table->state[i], error);
    }
    return code;
}
