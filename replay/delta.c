#include "replay/delta.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/build.h"
#include "replay/closing.h"
#include "replay/commit.h"
#include "replay/computed_join.h"
#include "replay/delta_table.h"
#include "replay/fit.h"
#include "replay/foreign_key.h"
#include "replay/guard.h"
#include "replay/object.h"
#include "replay/preflight.h"
#include "replay/result.h"
#include "replay/scout.h"
#include "replay/server_error.h"

static bool is_too_narrow(const struct rf_plan *plan, const struct rf_manifest_table *source,
                          struct rf_arena *arena) {
    struct rf_plan_narrow narrow;
    struct rf_error ignored;
    return rf_plan_too_narrow(plan, source, arena, &narrow, &ignored) == RF_OK && narrow.count > 0;
}

enum rf_delta_step rf_delta_step_of(const struct rf_run *run,
                                    const struct rf_manifest_table *source,
                                    const struct rf_ledger_table *standing,
                                    const struct rf_catalog *catalog) {
    if (!standing) {
        return rf_run_selects(run, source->table.name) ? RF_DELTA_MAKE : RF_DELTA_LEFT_OUT;
    }
    if (rf_guard_overwrites(run, standing->plan.table)) {
        return RF_DELTA_EVOLVE;
    }
    struct rf_arena arena = {0};
    bool evolves = standing->plan.owned ? rf_plan_outdated(&standing->plan, source, &arena) ||
                                              is_too_narrow(&standing->plan, source, &arena)
                                        : rf_fit_outdated(&standing->plan, source, catalog, &arena);
    rf_arena_release(&arena);
    if (evolves || source->change == RF_CHANGE_NEW) {
        return RF_DELTA_EVOLVE;
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
    struct rf_existing existing;
    bool same; /* `from` is `to`: no table changed, some may be wanting, or to be remade */
    struct rf_growth *growth; /* NULL: the snapshot is there */
    const struct rf_delta_check *check;
    struct rf_snapshot_name grown; /* what `to` is then */
    bool came_to_nothing;
    bool *
        early; /* for each table of the manifest: its rows were exchanged while others were captured */
    struct rf_evolution **evolutions; /* for each table of the manifest; NULL: none */
    bool any_evolves;
    uint32_t *order;             /* of the manifest's tables: what joins others comes behind them */
    struct rf_joining *joinings; /* by their places in the manifest */
    const char *watched;         /* the table that whoever looks on was told of; NULL: none */
    uint32_t touched_count;
    struct rf_counts *touched; /* names borrowed */
    struct rf_replay_result *result;
};

static struct rf_counts *touch(struct apply *apply, const char *name) {
    struct rf_counts *counts = &apply->touched[apply->touched_count++];
    *counts = (struct rf_counts){.name = name};
    return counts;
}

static enum rf_delta_step step_of(const struct apply *apply,
                                  const struct rf_manifest_table *source) {
    const struct rf_ledger_table *standing =
        rf_ledger_find_table(&apply->standing, source->table.name);
    if (apply->same && standing && !rf_guard_overwrites(apply->delta.run, source->table.name)) {
        return RF_DELTA_NOTHING;
    }
    const struct rf_existing *existing = apply->delta.existing;
    return rf_delta_step_of(apply->delta.run, source, standing,
                            existing ? &existing->catalog : NULL);
}

/* ---- tables that get another shape ---- */

static bool is_taken_over(const struct apply *apply, const struct rf_ledger_table *standing) {
    for (uint32_t i = 0; i < apply->manifest->table_count; i++) {
        if (apply->evolutions[i] && apply->evolutions[i]->standing == standing) {
            return true;
        }
    }
    return false;
}

static bool same_columns(const struct rf_plan *plan, const struct rf_manifest_table *source,
                         struct rf_arena *arena) {
    return !rf_plan_outdated(plan, source, arena);
}

/* A table that is gone, and is this new one to the last row. */
static struct rf_ledger_table *renamed_from(struct apply *apply,
                                            const struct rf_manifest_table *source) {
    for (uint32_t i = 0; i < apply->standing.count && source->digest.rows > 0; i++) {
        struct rf_ledger_table *standing = &apply->standing.tables[i];
        if (standing->plan.owned && rf_digest_equal(&standing->digest, &source->digest) &&
            !rf_manifest_find(apply->manifest, standing->plan.table) &&
            !is_taken_over(apply, standing) &&
            same_columns(&standing->plan, source, &apply->delta.arena)) {
            return standing;
        }
    }
    return NULL;
}

/* Why a table is to get another shape; NULL for `standing`: it is not. */
static enum rf_code find_evolution(struct apply *apply, const struct rf_manifest_table *source,
                                   struct rf_ledger_table **standing, bool *fresh,
                                   struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    bool evolves = false;
    *standing = rf_ledger_find_table(&apply->standing, source->table.name);
    if (apply->early[source - apply->manifest->tables]) {
        *standing = NULL;
        return RF_OK;
    }
    *fresh = *standing && apply->same && rf_run_remakes(delta->run, source->table.name);
    if (*standing && !(*standing)->plan.owned) {
        if (*fresh && (*standing)->plan.kept) {
            rf_run_warn(delta->run, "table %s keeps rows of the application, and is not made anew",
                        source->table.name);
        }
        *standing = NULL; /* its shape is not ours to change */
        return RF_OK;
    }
    if (!*standing) {
        bool wanted = !apply->same && !delta->run->options->rules->existing &&
                      rf_run_selects(delta->run, source->table.name);
        *standing = wanted ? renamed_from(apply, source) : NULL;
        return RF_OK;
    }
    enum rf_code code = RF_OK;
    enum rf_delta_step step = step_of(apply, source);
    if (step == RF_DELTA_CHANGE) {
        code = rf_delta_is_too_narrow(delta, source, &(*standing)->plan, &evolves, error);
    }
    if (code == RF_OK && step == RF_DELTA_CHANGE && !evolves) {
        code = rf_delta_is_blurred(delta, source, &(*standing)->plan, &evolves, error);
    }
    if (!*fresh && !evolves && step != RF_DELTA_EVOLVE) {
        *standing = NULL;
    }
    return code;
}

static enum rf_code plan_evolution(struct apply *apply, uint32_t table, struct rf_error *error) {
    const struct rf_manifest_table *source = &apply->manifest->tables[table];
    struct rf_ledger_table *standing;
    bool fresh;
    enum rf_code code = find_evolution(apply, source, &standing, &fresh, error);
    if (code != RF_OK || !standing) {
        return code;
    }
    struct rf_evolution *evolution = rf_arena_take(&apply->delta.arena, 1, sizeof *evolution);
    if (!evolution) {
        return rf_fail_memory(error);
    }
    evolution->source = source;
    evolution->standing = standing;
    evolution->fresh = fresh;
    apply->evolutions[table] = evolution;
    apply->any_evolves = true;
    return rf_delta_plan_evolution(&apply->delta, evolution, error);
}

static enum rf_code plan_evolutions(struct apply *apply, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    apply->evolutions =
        rf_arena_take(&delta->arena, apply->manifest->table_count, sizeof(struct rf_evolution *));
    struct rf_names taken;
    rf_names_init(&taken, &delta->arena);
    enum rf_code code = rf_preflight_taken(delta->pg, delta->target->schema, &taken, error);
    if (code == RF_OK) {
        code = rf_naming_make(delta->run, apply->manifest, &apply->standing, &taken, &delta->naming,
                              error);
    }
    for (uint32_t i = 0; code == RF_OK && i < apply->manifest->table_count; i++) {
        code = rf_run_check(delta->run, error);
        if (code == RF_OK) {
            code = plan_evolution(apply, i, error);
        }
    }
    return code;
}

/* Whether views on tables stand in the way of what is done to them. */
static bool makes_room(const struct apply *apply) {
    for (uint32_t i = 0; i < apply->standing.count; i++) {
        if (!rf_manifest_find(apply->manifest, apply->standing.tables[i].plan.table)) {
            return true;
        }
    }
    return apply->any_evolves;
}

/* First everything that goes, so that its names are free. */
static enum rf_code drop_tables(struct apply *apply, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < apply->standing.count; i++) {
        const struct rf_ledger_table *standing = &apply->standing.tables[i];
        if (!rf_manifest_find(apply->manifest, standing->plan.table) &&
            !is_taken_over(apply, standing)) {
            code =
                rf_delta_drop(&apply->delta, standing, touch(apply, standing->plan.table), error);
        }
    }
    return code;
}

static enum rf_code make_room(struct apply *apply, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (makes_room(apply)) {
        code = rf_objects_hold(apply->delta.pg, apply->delta.target, error);
    }
    if (code == RF_OK) {
        code = drop_tables(apply, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < apply->manifest->table_count; i++) {
        if (apply->evolutions[i]) {
            code = rf_delta_empty(&apply->delta, apply->evolutions[i], error);
        }
    }
    for (uint32_t i = 0; code == RF_OK && i < apply->manifest->table_count; i++) {
        if (apply->evolutions[i]) {
            code = rf_delta_alter(&apply->delta, apply->evolutions[i], error);
        }
    }
    return code;
}

/* ---- tables one by one ---- */

static enum rf_code change_table(struct apply *apply, const struct rf_manifest_table *source,
                                 struct rf_ledger_table *standing, bool rows,
                                 struct rf_counts *counts, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    enum rf_code code = rf_delta_drop_indexes(delta, source, standing, error);
    if (code == RF_OK && rows) {
        code = rf_delta_change(delta, source, standing, counts, error);
    }
    return code == RF_OK ? rf_delta_make_indexes(delta, source, standing, error) : code;
}

static enum rf_code evolve_table(struct apply *apply, struct rf_evolution *evolution,
                                 struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    const struct rf_manifest_table *source = evolution->source;
    struct rf_ledger_table *standing = evolution->standing;
    struct rf_counts *counts = touch(apply, source->table.name);
    bool renamed = strcmp(standing->plan.table, source->table.name) != 0;
    enum rf_code code = rf_delta_evolve(delta, evolution, counts, error);
    if (code != RF_OK) {
        return code;
    }
    apply->standing.unordered = apply->standing.unordered || renamed;
    if (!evolution->refill) {
        bool rows = source->change == RF_CHANGE_DELTA && !apply->same;
        return change_table(apply, source, standing, rows, counts, error);
    }
    code = rf_delta_make_indexes(delta, source, standing, error);
    return code == RF_OK
               ? rf_build_analyze(delta->pg, &standing->plan, delta->target->schema, error)
               : code;
}

/* For whoever looks on. */
static void end_watched(struct apply *apply) {
    if (apply->watched) {
        rf_run_worker(apply->delta.run, 0, NULL, NULL);
        rf_run_reach(apply->delta.run, apply->watched, RF_WATCH_DONE);
        apply->watched = NULL;
    }
}

/* Until the next one begins, or all is over. */
static void begin_watched(struct apply *apply, const char *table) {
    end_watched(apply);
    apply->watched = table;
    rf_run_worker(apply->delta.run, 0, "applies", table);
    rf_run_reach(apply->delta.run, table, RF_WATCH_ROWS);
}

static enum rf_code apply_table(struct apply *apply, uint32_t table, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    const struct rf_manifest_table *source = &apply->manifest->tables[table];
    struct rf_ledger_table *standing = rf_ledger_find_table(&apply->standing, source->table.name);
    if (apply->evolutions[table]) {
        begin_watched(apply, source->table.name);
        return evolve_table(apply, apply->evolutions[table], error);
    }
    enum rf_delta_step step = step_of(apply, source);
    if (step == RF_DELTA_LEFT_OUT) {
        return RF_OK;
    }
    if (step != RF_DELTA_NOTHING) {
        begin_watched(apply, source->table.name);
    }
    if (rf_existing_makes(delta->existing, standing ? &standing->plan : NULL, step)) {
        return rf_existing_make(delta, source, standing, false, touch(apply, source->table.name),
                                error);
    }
    if (apply->same && standing && rf_existing_remakes(delta->run, &standing->plan)) {
        return rf_existing_make(delta, source, standing, true, touch(apply, source->table.name),
                                error);
    }
    if (step == RF_DELTA_MAKE) {
        return rf_delta_make(delta, source, touch(apply, source->table.name), error);
    }
    if (apply->same) {
        return RF_OK;
    }
    bool rows = step == RF_DELTA_CHANGE && !apply->early[table];
    struct rf_counts *counts = rows ? touch(apply, source->table.name) : NULL;
    if (!standing->plan.owned) {
        return rows ? rf_existing_change(delta, source, standing, counts, error) : RF_OK;
    }
    return change_table(apply, source, standing, rows, counts, error);
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

static bool evolves(const struct apply *apply, const char *name) {
    for (uint32_t i = 0; i < apply->manifest->table_count; i++) {
        const struct rf_evolution *evolution = apply->evolutions[i];
        if (evolution && (strcmp(evolution->source->table.name, name) == 0 ||
                          strcmp(evolution->standing->plan.table, name) == 0)) {
            return true;
        }
    }
    return false;
}

/* What becomes of a table's rows, as far as foreign keys go. */
static unsigned touch_of(void *context, const char *name) {
    struct apply *apply = context;
    const struct rf_manifest_table *source = rf_manifest_find(apply->manifest, name);
    const struct rf_ledger_table *standing = rf_ledger_find_table(&apply->standing, name);
    if (!source || evolves(apply, name)) {
        return RF_TOUCHED | RF_TOUCHED_COMING | RF_TOUCHED_GOING;
    }
    unsigned touched = 0;
    if (step_of(apply, source) == RF_DELTA_CHANGE) {
        touched |= RF_TOUCHED;
        touched |= source->inserted + source->updated > 0 ? RF_TOUCHED_COMING : 0;
        touched |= source->deleted + source->updated > 0 ? RF_TOUCHED_GOING : 0;
    }
    if (standing && !apply->same && rf_delta_disturbs_indexes(&apply->delta, source, standing)) {
        touched |= RF_TOUCHED | RF_TOUCHED_GOING;
    }
    return touched;
}

static struct rf_scout *send_scout(const struct apply *apply) {
    struct rf_scout *scout =
        rf_scout_new(apply->delta.run, apply->delta.target, apply->manifest->table_count);
    for (uint32_t i = 0; i < apply->manifest->table_count; i++) {
        const struct rf_manifest_table *source = &apply->manifest->tables[i];
        if (!apply->evolutions[i] && !apply->early[i] &&
            step_of(apply, source) == RF_DELTA_CHANGE) {
            rf_scout_add(scout, i, source,
                         &rf_ledger_find_table(&apply->standing, source->table.name)->plan);
        }
    }
    rf_scout_send(scout);
    return scout;
}

static bool has_counts(const struct rf_counts *counts) {
    return counts->inserted || counts->updated || counts->deleted || counts->set_aside ||
           counts->altered || counts->widened || counts->left_out;
}

/* ---- tables that look others up ---- */

static struct rf_joining joining_by_rules(const struct apply *apply,
                                          const struct rf_manifest_table *source,
                                          struct rf_arena *arena) {
    const struct rf_existing *existing = apply->delta.existing;
    const struct rf_table_settings settings =
        rf_rules_table(apply->delta.run->options->rules, source->table.name);
    const struct rf_catalog_table *to = rf_existing_target(existing, source, NULL);
    const char **joined = rf_arena_take(arena, settings.join_count, sizeof *joined);
    struct rf_joining joining = {.relation = to ? to->name : "", .joined = joined};
    for (uint32_t i = 0; joined && i < settings.join_count; i++) {
        joined[joining.count++] = settings.joins[i].table;
    }
    return joining;
}

/* They come behind those that they join. */
static enum rf_code order_tables(struct apply *apply, struct rf_error *error) {
    struct rf_arena *arena = &apply->delta.arena;
    uint32_t count = apply->manifest->table_count, stuck = 0;
    apply->joinings = rf_arena_take(arena, count, sizeof *apply->joinings);
    apply->order = rf_arena_take(arena, count, sizeof *apply->order);
    for (uint32_t i = 0; apply->joinings && i < count; i++) {
        const struct rf_manifest_table *source = &apply->manifest->tables[i];
        const struct rf_ledger_table *standing =
            rf_ledger_find_table(&apply->standing, source->table.name);
        apply->joinings[i] = (struct rf_joining){.relation = ""};
        if (standing) {
            apply->joinings[i] = rf_joining_of(&standing->plan, arena);
        } else if (apply->delta.existing) {
            apply->joinings[i] = joining_by_rules(apply, source, arena);
        }
    }
    enum rf_code code = rf_arena_check(arena, error);
    if (code == RF_OK && !rf_joining_order(apply->joinings, count, apply->order, &stuck)) {
        code = rf_fail(error, RF_MISPLACED, "table \"%s\" joins tables that in the end join it",
                       apply->joinings[stuck].relation);
    }
    return code;
}

static bool joined_changed(const struct apply *apply, uint32_t table) {
    const struct rf_joining *joining = &apply->joinings[table];
    for (uint32_t i = 0; joining->count > 0 && i < apply->manifest->table_count; i++) {
        if (apply->joinings[i].changed && rf_joining_has(joining, apply->joinings[i].relation)) {
            return true;
        }
    }
    return false;
}

/* A table that was filled just now has what the joins give now. */
static enum rf_code join_again(struct apply *apply, uint32_t table, uint32_t touched,
                               struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    const struct rf_manifest_table *source = &apply->manifest->tables[table];
    const struct rf_ledger_table *standing =
        rf_ledger_find_table(&apply->standing, source->table.name);
    enum rf_delta_step step = step_of(apply, source);
    bool filled = step != RF_DELTA_NOTHING && step != RF_DELTA_CHANGE;
    if (!standing || filled || !joined_changed(apply, table) ||
        (apply->same && rf_existing_remakes(delta->run, &standing->plan))) {
        return RF_OK;
    }
    struct rf_counts *counts = apply->touched_count > touched
                                   ? &apply->touched[apply->touched_count - 1]
                                   : touch(apply, source->table.name);
    return rf_computed_rejoin(delta->existing, source, &standing->plan, delta->snapshot, counts,
                              error);
}

static enum rf_code apply_in_turn(struct apply *apply, uint32_t table, struct rf_error *error) {
    uint32_t touched = apply->touched_count;
    enum rf_code code = rf_run_check(apply->delta.run, error);
    if (code == RF_OK) {
        code = check_unchanged(apply, &apply->manifest->tables[table], error);
    }
    if (code == RF_OK) {
        code = apply_table(apply, table, error);
    }
    if (code == RF_OK) {
        code = join_again(apply, table, touched, error);
    }
    for (uint32_t i = touched; i < apply->touched_count; i++) {
        apply->joinings[table].changed |= has_counts(&apply->touched[i]);
    }
    return code;
}

static enum rf_code apply_tables(struct apply *apply, struct rf_error *error) {
    enum rf_code code = make_room(apply, error);
    if (code == RF_OK) {
        code = order_tables(apply, error);
    }
    struct rf_scout *scout = code == RF_OK ? send_scout(apply) : NULL;
    for (uint32_t i = 0; code == RF_OK && i < apply->manifest->table_count; i++) {
        uint32_t table = apply->order[i];
        if (apply->joinings[table].count == 0) {
            rf_scout_pass(scout, table);
        }
        code = apply_in_turn(apply, table, error);
    }
    rf_scout_end(scout);
    return code;
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

/* The tables of the application that will be written must do nothing of themselves meanwhile. */
static enum rf_code hold_existing(struct apply *apply, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    if (!rf_existing_concerns(delta->run, &apply->standing)) {
        return RF_OK;
    }
    apply->existing = (struct rf_existing){.run = delta->run,
                                           .pg = delta->pg,
                                           .target = delta->target,
                                           .manifest = apply->manifest,
                                           .arena = &delta->arena};
    delta->existing = &apply->existing;
    enum rf_code code = rf_existing_read(delta->existing, error);
    return code == RF_OK ? rf_existing_hold(delta->existing, &apply->standing, apply->same, error)
                         : code;
}

/* ---- tables whose rows come while others are being captured ---- */

/* Foreign keys, and what the application made, are seen to for all tables at once. */
static bool goes_table_by_table(const struct apply *apply) {
    for (uint32_t i = 0; i < apply->standing.count; i++) {
        const struct rf_plan *plan = &apply->standing.tables[i].plan;
        for (uint32_t j = 0; j < plan->constraint_count; j++) {
            if (plan->constraints[j].kind == RF_PLAN_FOREIGN_KEY) {
                return false;
            }
        }
        if (!plan->owned) {
            return false;
        }
    }
    return true;
}

static enum rf_code changes_rows_only(struct apply *apply, const struct rf_manifest_table *source,
                                      const struct rf_ledger_table *standing, bool *only,
                                      struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    bool narrow = false, blurred = false;
    *only = false;
    if (!standing || step_of(apply, source) != RF_DELTA_CHANGE ||
        rf_run_remakes(delta->run, source->table.name) ||
        rf_delta_disturbs_indexes(delta, source, standing)) {
        return RF_OK;
    }
    enum rf_code code = rf_delta_is_too_narrow(delta, source, &standing->plan, &narrow, error);
    if (code == RF_OK) {
        code = rf_delta_is_blurred(delta, source, &standing->plan, &blurred, error);
    }
    *only = code == RF_OK && !narrow && !blurred;
    return code;
}

static enum rf_code change_early(struct apply *apply, uint32_t table, struct rf_error *error) {
    const struct rf_manifest_table *source = &apply->manifest->tables[table];
    struct rf_ledger_table *standing = rf_ledger_find_table(&apply->standing, source->table.name);
    enum rf_code code = rf_run_check(apply->delta.run, error);
    if (code == RF_OK) {
        code = changes_rows_only(apply, source, standing, &apply->early[table], error);
    }
    if (code == RF_OK && apply->early[table]) {
        begin_watched(apply, source->table.name);
        code = rf_delta_change(&apply->delta, source, standing, touch(apply, source->table.name),
                               error);
        end_watched(apply);
    }
    return code;
}

static enum rf_code grow(struct apply *apply, struct rf_error *error) {
    enum rf_code code = RF_OK;
    uint32_t table;
    bool by_table = goes_table_by_table(apply);
    while (code == RF_OK && by_table && rf_growth_next(apply->growth, &table)) {
        code = change_early(apply, table, error);
    }
    if (code != RF_OK) {
        return code;
    }
    apply->came_to_nothing = !rf_growth_result(apply->growth, &apply->grown) ||
                             apply->grown.number != apply->delta.snapshot;
    if (apply->came_to_nothing) {
        return rf_fail(error, RF_FAILED, "the capture came to nothing");
    }
    return apply->check->check(apply->check->context, &apply->grown, error);
}

static enum rf_code close_delta(struct apply *apply, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    struct rf_closing closing = {
        .run = delta->run,
        .pg = delta->pg,
        .target = delta->target,
        .manifest = apply->manifest,
        .result = apply->result,
    };
    for (uint32_t i = 0; i < apply->touched_count; i++) {
        const struct rf_counts *counts = &apply->touched[i];
        closing.wrote = closing.wrote || counts->inserted + counts->updated + counts->deleted > 0;
    }
    return rf_closing_run(&closing, error);
}

static enum rf_code in_transaction(struct apply *apply, bool *done, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    enum rf_code code = hold_ledger(apply, done, error);
    if (code != RF_OK || *done) {
        return code;
    }
    code = rf_guard_hold(delta->run, delta->pg, delta->target, error);
    if (code != RF_OK) {
        return code;
    }
    code = rf_ledger_read(delta->pg, delta->target, &apply->standing, error);
    if (code != RF_OK) {
        return code;
    }
    apply->touched =
        rf_arena_take(&delta->arena, (size_t)apply->standing.count + apply->manifest->table_count,
                      sizeof *apply->touched);
    apply->early = rf_arena_take(&delta->arena, apply->manifest->table_count, sizeof *apply->early);
    code = rf_arena_check(&delta->arena, error);
    if (code == RF_OK && apply->growth) {
        code = grow(apply, error);
    }
    const struct rf_foreign_keys keys = {delta->run, delta->pg, delta->target, apply->manifest,
                                         &delta->arena};
    if (code == RF_OK) {
        code = plan_evolutions(apply, error);
    }
    if (code == RF_OK) {
        code = rf_foreign_keys_hold(&keys, &apply->standing, touch_of, apply, error);
    }
    if (code == RF_OK) {
        code = hold_existing(apply, error);
    }
    if (code == RF_OK) {
        code = apply_tables(apply, error);
    }
    end_watched(apply);
    if (code == RF_OK && delta->existing) {
        code = rf_hold_end(&delta->existing->hold, error);
    }
    if (code == RF_OK) {
        code = rf_foreign_keys_put_back(&keys, error);
    }
    if (code == RF_OK) {
        code = close_delta(apply, error);
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

/* The transaction's snapshot is fixed, so rows that others change are not changed over. */
static void explain_conflict(struct rf_error *error) {
    if (strcmp(error->sqlstate, RF_SQLSTATE_SERIALIZATION) == 0) {
        error->code = RF_MISPLACED;
        rf_hint(error, "somebody else writes to the target right now; nothing was applied. Run the "
                       "same command again to see what was written.");
    }
}

static enum rf_code carry_out(struct apply *apply, struct rf_pg **pg,
                              struct rf_replay_result *result, struct rf_error *error) {
    struct rf_delta *delta = &apply->delta;
    bool done = false;
    enum rf_code code = rf_pg_begin_fixed(*pg, false, error);
    if (code == RF_OK) {
        code = in_transaction(apply, &done, error);
    }
    if (code == RF_OK && !done) {
        code = rf_commit_move(delta->run, pg, delta->target, apply->to, error);
    }
    if (code != RF_OK || done) {
        rf_pg_rollback(*pg);
    }
    if (code == RF_OK) {
        rf_guard_committed(delta->run);
        code = add_results(apply, result, error);
    } else {
        explain_conflict(error);
        code = error->code;
        rf_while(error, "while applying snapshot %" PRIu64, apply->to->number);
    }
    rf_naming_release(&delta->naming);
    rf_ledger_tables_release(&apply->standing);
    rf_arena_release(&delta->arena);
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
                  .from = from,
                  .utf16 = rf_plan_utf16(manifest)},
        .manifest = manifest,
        .from = from,
        .to = to,
        .same = from->number == to->number,
        .result = result,
    };
    return carry_out(&apply, pg, result, error);
}

enum rf_code rf_delta_apply_growing(struct rf_run *run, struct rf_pg **pg,
                                    const struct rf_target *target,
                                    const struct rf_snapshot_name *from, struct rf_growth *growth,
                                    const struct rf_delta_check *check, bool *applied,
                                    struct rf_replay_result *result, struct rf_error *error) {
    const struct rf_manifest *manifest = rf_growth_manifest(growth);
    struct apply apply = {
        .delta = {.run = run,
                  .pg = *pg,
                  .target = target,
                  .snapshot = manifest->snapshot,
                  .from = from,
                  .utf16 = rf_plan_utf16(manifest)},
        .manifest = manifest,
        .from = from,
        .grown = {.number = manifest->snapshot},
        .growth = growth,
        .check = check,
        .result = result,
    };
    apply.to = &apply.grown;
    enum rf_code code = carry_out(&apply, pg, result, error);
    *applied = code == RF_OK;
    if (apply.came_to_nothing) {
        rf_error_clear(error);
        return RF_OK;
    }
    return code;
}
