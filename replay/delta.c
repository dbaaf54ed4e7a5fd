#include "replay/delta.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/commit.h"
#include "replay/delta_table.h"
#include "replay/object.h"
#include "replay/preflight.h"
#include "replay/result.h"

enum rf_delta_step rf_delta_step_of(const struct rf_run *run,
                                    const struct rf_manifest_table *source,
                                    const struct rf_ledger_table *standing) {
    if (!standing) {
        return rf_run_selects(run, source->table.name) ? RF_DELTA_MAKE : RF_DELTA_LEFT_OUT;
    }
    struct rf_arena arena = {0};
    bool outdated = rf_plan_outdated(&standing->plan, source, &arena);
    rf_arena_release(&arena);
    if (outdated || source->change == RF_CHANGE_NEW) {
        return RF_DELTA_REMAKE;
    }
    if (rf_digest_equal(&standing->digest, &source->digest) && source->change == RF_CHANGE_NONE) {
        return RF_DELTA_NOTHING;
    }
    return RF_DELTA_CHANGE;
}

struct apply {
    struct rf_delta delta;
    const struct rf_manifest *manifest;
    const struct rf_snapshot_name *from;
    const struct rf_snapshot_name *to;
    struct rf_ledger_tables standing;
    bool same; /* `from` is `to`: no table changed, some may be wanting */
    uint32_t touched_count;
    struct rf_counts *touched; /* names borrowed */
};

/* Only a table that is made anew has been touched before: it was dropped. */
static struct rf_counts *touch_again(struct apply *apply, const char *name) {
    uint32_t i = 0;
    while (i + 1 < apply->touched_count && strcmp(apply->touched[i].name, name) != 0) {
        i++;
    }
    return &apply->touched[i];
}

static struct rf_counts *touch(struct apply *apply, const char *name) {
    struct rf_counts *counts = &apply->touched[apply->touched_count++];
    *counts = (struct rf_counts){.name = name};
    return counts;
}

static enum rf_delta_step step_of(const struct apply *apply,
                                  const struct rf_manifest_table *source) {
    const struct rf_ledger_table *standing =
        rf_ledger_find_table(&apply->standing, source->table.name);
    if (apply->same && standing) {
        return RF_DELTA_NOTHING;
    }
    return rf_delta_step_of(apply->delta.run, source, standing);
}

/* First everything that goes, so that its names are free. */
static enum rf_code drop_tables(struct apply *apply, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < apply->standing.count; i++) {
        const struct rf_ledger_table *standing = &apply->standing.tables[i];
        const struct rf_manifest_table *source =
            rf_manifest_find(apply->manifest, standing->plan.table);
        if (!source || step_of(apply, source) == RF_DELTA_REMAKE) {
            code =
                rf_delta_drop(&apply->delta, standing, touch(apply, standing->plan.table), error);
        }
    }
    return code;
}

static enum rf_code apply_table(struct apply *apply, const struct rf_manifest_table *source,
                                struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    struct rf_ledger_table *standing = rf_ledger_find_table(&apply->standing, source->table.name);
    enum rf_delta_step step = step_of(apply, source);
    if (step == RF_DELTA_LEFT_OUT) {
        return RF_OK;
    }
    if (step == RF_DELTA_MAKE) {
        return rf_delta_make(delta, source, touch(apply, source->table.name), error);
    }
    if (step == RF_DELTA_REMAKE) {
        return rf_delta_make(delta, source, touch_again(apply, source->table.name), error);
    }
    if (apply->same) {
        return RF_OK;
    }
    enum rf_code code = rf_delta_drop_indexes(delta, source, standing, error);
    if (code == RF_OK && step == RF_DELTA_CHANGE) {
        code = rf_delta_change(delta, source, standing, touch(apply, source->table.name), error);
    }
    return code == RF_OK ? rf_delta_make_indexes(delta, source, standing, error) : code;
}

/* RF_CHANGE_NONE says that the table is as it was; the ledger must agree. */
static enum rf_code check_unchanged(const struct apply *apply,
                                    const struct rf_manifest_table *source,
                                    struct rf_error *error) {
    const struct rf_ledger_table *standing =
        rf_ledger_find_table(&apply->standing, source->table.name);
    if (!standing || source->change != RF_CHANGE_NONE || apply->same ||
        rf_digest_equal(&standing->digest, &source->digest)) {
        return RF_OK;
    }
    rf_fail(error, RF_CORRUPT, "table %s is unchanged by its manifest, but not by the ledger",
            source->table.name);
    rf_detail(error, "snapshot %" PRIu64 " has %" PRIu64 " rows, the ledger says %" PRIu64,
              apply->to->number, source->digest.rows, standing->digest.rows);
    return RF_CORRUPT;
}

/* Whether tables are dropped or made anew: views on them stand in the way. */
static bool makes_room(const struct apply *apply) {
    for (uint32_t i = 0; i < apply->standing.count; i++) {
        const struct rf_manifest_table *source =
            rf_manifest_find(apply->manifest, apply->standing.tables[i].plan.table);
        if (!source || step_of(apply, source) == RF_DELTA_REMAKE) {
            return true;
        }
    }
    return false;
}

static enum rf_code apply_tables(struct apply *apply, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (makes_room(apply)) {
        code = rf_objects_hold(apply->delta.pg, apply->delta.target, error);
    }
    if (code == RF_OK) {
        code = drop_tables(apply, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < apply->manifest->table_count; i++) {
        const struct rf_manifest_table *source = &apply->manifest->tables[i];
        code = rf_run_check(apply->delta.run, error);
        if (code == RF_OK) {
            code = check_unchanged(apply, source, error);
        }
        if (code == RF_OK) {
            code = apply_table(apply, source, error);
        }
    }
    return code;
}

static bool has_counts(const struct rf_counts *counts) {
    return counts->inserted || counts->updated || counts->deleted || counts->set_aside ||
           counts->altered;
}

static enum rf_code move_ledger(struct apply *apply, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < apply->touched_count; i++) {
        if (has_counts(&apply->touched[i])) {
            code = rf_ledger_add_trip(delta->pg, delta->target, apply->from->number,
                                      apply->to->number, "delta", &apply->touched[i], error);
        }
    }
    return code == RF_OK ? rf_ledger_ready(delta->pg, delta->target, apply->to, error) : code;
}

/* The ledger's line is held from here to the commit. *done: it stands at `to` already, as when the
 * answer to an earlier commit was lost together with the program. */
static enum rf_code hold_ledger(struct apply *apply, bool *done, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    struct rf_ledger_source source;
    enum rf_code code = rf_ledger_source(delta->pg, delta->target, true, &source, error);
    if (code != RF_OK) {
        return code;
    }
    bool ready =
        source.state == RF_TARGET_READY && strcmp(source.source, delta->target->source) == 0;
    *done = ready && !apply->same && source.at.number == apply->to->number &&
            rf_hash_equal(source.at.digest, apply->to->digest);
    if (*done || (ready && source.at.number == apply->from->number &&
                  rf_hash_equal(source.at.digest, apply->from->digest))) {
        return RF_OK;
    }
    rf_fail(error, RF_MISPLACED, "the target has moved to snapshot %" PRIu64 " meanwhile",
            source.at.number);
    return RF_MISPLACED;
}

static enum rf_code in_transaction(struct apply *apply, bool *done, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    enum rf_code code = hold_ledger(apply, done, error);
    if (code != RF_OK || *done) {
        return code;
    }
    code = rf_ledger_read(delta->pg, delta->target, &apply->standing, error);
    if (code != RF_OK) {
        return code;
    }
    apply->touched =
        rf_arena_take(&delta->arena, (size_t)apply->standing.count + apply->manifest->table_count,
                      sizeof *apply->touched);
    code = rf_arena_check(&delta->arena, error);
    if (code == RF_OK) {
        code = apply_tables(apply, error);
    }
    if (code == RF_OK) {
        code = rf_objects_make(delta->run, delta->pg, delta->target, apply->manifest, error);
    }
    return code == RF_OK ? move_ledger(apply, error) : code;
}

static enum rf_code add_results(const struct apply *apply, struct rf_replay_result *result,
                                struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < apply->touched_count; i++) {
        code = rf_result_add(result, &apply->touched[i], error);
    }
    return code;
}

enum rf_code rf_delta_apply(struct rf_run *run, struct rf_pg **pg, const struct rf_target *target,
                            const struct rf_snapshot_name *from, const struct rf_snapshot_name *to,
                            const struct rf_manifest *manifest, struct rf_replay_result *result,
                            struct rf_error *error) {
    struct apply apply = {
        .delta = {.run = run,
                  .pg = *pg,
                  .target = target,
                  .snapshot = to->number,
                  .utf16 = rf_plan_utf16(manifest)},
        .manifest = manifest,
        .from = from,
        .to = to,
        .same = from->number == to->number,
    };
    bool done = false;
    enum rf_code code = rf_pg_begin(*pg, error);
    if (code == RF_OK) {
        code = in_transaction(&apply, &done, error);
    }
    if (code == RF_OK && !done) {
        code = rf_commit_move(run, pg, target, to, error);
    }
    if (code != RF_OK || done) {
        rf_pg_rollback(*pg);
    }
    if (code == RF_OK) {
        code = add_results(&apply, result, error);
    } else {
        rf_while(error, "while applying snapshot %" PRIu64, to->number);
    }
    rf_ledger_tables_release(&apply.standing);
    rf_arena_release(&apply.delta.arena);
    return code;
}
