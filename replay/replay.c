/* The way of a replay: look where the target stands, check everything that can be checked, and only
 * then touch it. */
#include "replay/replay.h"

#include <inttypes.h>
#include <string.h>

#include "replay/aside.h"
#include "replay/closing.h"
#include "replay/connection.h"
#include "replay/delta.h"
#include "replay/existing_load.h"
#include "replay/guard.h"
#include "replay/leap.h"
#include "replay/ledger.h"
#include "replay/load.h"
#include "replay/preflight.h"
#include "replay/result.h"
#include "replay/route.h"
#include "replay/run.h"
#include "replay/sequence.h"

struct replay {
    struct rf_repository *repository;
    struct rf_run run;
    struct rf_target target;
    struct rf_pg *pg;
    const struct rf_snapshot_name *to;
    struct rf_ledger_source standing; /* where the target stands */
    struct rf_ledger_tables tables;   /* where it is ready */
    bool concerned;                   /* tables are the application's, and */
    bool looked;                      /* the catalog of them was read */
    struct rf_existing existing;
    struct rf_arena arena;
    struct rf_guard guard;
    bool load;    /* a first load, of `start`; else `start` is where it stands */
    bool discard; /* an unfinished load that cannot be gone on with */
    struct rf_snapshot_name start;
    struct rf_route route; /* from `start` to `to` */
    bool leaps;            /* to `to` at once, as `leap` says: no route leads there */
    struct rf_leap leap;
    struct rf_replay_result *result;
};

/* ---- looking ---- */

static enum rf_code look(struct replay *replay, struct rf_error *error) {
    bool found = false;
    enum rf_code code = rf_pg_open(&replay->run, RF_PG_CONTROL, &replay->pg, error);
    if (code == RF_OK && !replay->run.options->dry_run) {
        code = rf_ledger_lock(&replay->run, replay->pg, &replay->target, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_find(replay->pg, &found, error);
    }
    if (code == RF_OK && found) {
        code = rf_ledger_source(replay->pg, &replay->target, false, &replay->standing, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_check_owner(&replay->target, &replay->standing, error);
    }
    if (code == RF_OK && replay->standing.state == RF_TARGET_READY) {
        code = rf_ledger_read(replay->pg, &replay->target, &replay->tables, error);
    }
    /* An unfinished load goes on as it began, whatever the rules say now. */
    replay->concerned = replay->standing.state == RF_TARGET_LOADING
                            ? rf_existing_load_is(replay->standing.staging)
                            : rf_existing_concerns(&replay->run, &replay->tables);
    return code;
}

/* A load under way is gone on with when its snapshot is still there and leads to the one asked for.
 */
static bool can_go_on(struct replay *replay) {
    const struct rf_snapshot_name *begun = &replay->standing.at;
    const struct rf_snapshot_name *found =
        rf_repository_find(replay->run.repository, begun->number);
    if (!found || !rf_hash_equal(found->digest, begun->digest)) {
        return false;
    }
    struct rf_error ignored;
    return rf_route_find(replay->run.repository, begun, replay->to, &replay->route, &ignored) ==
           RF_OK;
}

/* Snapshot by snapshot where that leads there; else at once, where both ends are in the repository. */
static enum rf_code find_way(struct replay *replay, struct rf_error *error) {
    const struct rf_repository *repository = replay->run.repository;
    enum rf_code code =
        rf_route_find(repository, &replay->start, replay->to, &replay->route, error);
    bool settled = code == RF_OK || !replay->route.may_leap ||
                   !rf_leap_can(repository, &replay->start, replay->to);
    replay->leaps = !settled && replay->run.options->leaps;
    if (replay->leaps) {
        rf_error_clear(error);
        return rf_route_to(&replay->route, replay->to, error);
    }
    if (!settled) {
        rf_hint(error,
                "bring what is missing from where the repository was copied from, or go over the "
                "gap: `rowferry replay --to %" PRIu64 "`.",
                replay->to->number);
    }
    return code;
}

static enum rf_code choose_way(struct replay *replay, struct rf_error *error) {
    replay->load = replay->standing.state != RF_TARGET_READY;
    replay->start = replay->standing.at;
    if (!replay->load) {
        return find_way(replay, error);
    }
    if (replay->standing.state == RF_TARGET_LOADING && can_go_on(replay)) {
        return RF_OK;
    }
    replay->discard = replay->standing.state == RF_TARGET_LOADING;
    replay->start = *replay->to;
    return RF_OK;
}

static enum rf_code look_for_others(struct replay *replay, struct rf_error *error) {
    enum rf_code code = rf_guard_look(&replay->run, replay->pg, &replay->target, error);
    return code == RF_OK ? rf_guard_judge(&replay->run, error) : code;
}

/* ---- checking ---- */

/* What a snapshot of the chain will do with each table, for a dry run. */
static enum rf_code foresee(struct replay *replay, const struct rf_manifest_table *source,
                            enum rf_delta_step step, struct rf_error *error) {
    struct rf_counts counts = {.name = source->table.name};
    if (step == RF_DELTA_CHANGE) {
        counts.inserted = source->inserted;
        counts.updated = source->updated;
        counts.deleted = source->deleted;
    } else if (step == RF_DELTA_MAKE || step == RF_DELTA_EVOLVE) {
        counts.inserted = source->digest.rows;
    }
    return replay->run.options->dry_run ? rf_result_add(replay->result, &counts, error) : RF_OK;
}

static enum rf_code check_table(struct replay *replay, const struct rf_manifest_table *source,
                                bool load, struct rf_error *error) {
    const struct rf_ledger_table *standing =
        rf_ledger_find_table(&replay->tables, source->table.name);
    if (standing && !standing->plan.owned && !replay->looked) {
        return RF_OK;
    }
    enum rf_delta_step step = rf_delta_step_of(&replay->run, source, load ? NULL : standing,
                                               replay->looked ? &replay->existing.catalog : NULL);
    if (step == RF_DELTA_LEFT_OUT) {
        return RF_OK;
    }
    /* A table that an earlier snapshot of the chain makes is not in the ledger yet: its delta is
     * read then, and so is its state before. */
    bool changes = source->change == RF_CHANGE_DELTA && !load;
    enum rf_code code = RF_OK;
    if (changes && step != RF_DELTA_EVOLVE) {
        code = rf_route_prove_table(&replay->run, source, true, error);
    }
    if (code == RF_OK && (step == RF_DELTA_MAKE || step == RF_DELTA_EVOLVE)) {
        code = rf_route_prove_table(&replay->run, source, false, error);
    }
    return code == RF_OK ? foresee(replay, source, step, error) : code;
}

/* Tables that rowferry is to make. */
static enum rf_code check_names(struct replay *replay, const struct rf_manifest *manifest,
                                const struct rf_ledger_tables *standing, struct rf_error *error) {
    struct rf_arena arena = {0};
    struct rf_names taken;
    rf_names_init(&taken, &arena);
    struct rf_naming naming = {.count = 0};
    enum rf_code code = rf_preflight_shapes(&replay->run, manifest, standing, error);
    if (code == RF_OK) {
        code = rf_preflight_taken(replay->pg, replay->target.schema, &taken, error);
    }
    if (code == RF_OK) {
        code = rf_naming_make(&replay->run, manifest, standing, &taken, &naming, error);
    }
    if (code == RF_OK) {
        code = rf_preflight_free(&naming, standing, &taken, error);
    }
    rf_naming_release(&naming);
    rf_arena_release(&arena);
    return code;
}

static bool lacks_tables(const struct replay *replay, const struct rf_manifest *manifest) {
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        const char *name = manifest->tables[i].table.name;
        if (rf_run_selects(&replay->run, name) && !rf_ledger_find_table(&replay->tables, name)) {
            return true;
        }
    }
    return false;
}

static bool remakes_tables(const struct replay *replay) {
    for (uint32_t i = 0; i < replay->tables.count; i++) {
        if (rf_run_remakes(&replay->run, replay->tables.tables[i].plan.table)) {
            return true;
        }
    }
    return false;
}

/* Where nothing is to be done, nothing is asked. */
static enum rf_code check_existing(struct replay *replay, const struct rf_manifest *manifest,
                                   bool load, struct rf_error *error) {
    bool moves = load || replay->route.count > 0 || replay->guard.count > 0 ||
                 lacks_tables(replay, manifest) || remakes_tables(replay);
    enum rf_code code = RF_OK;
    if (!replay->concerned || !moves) {
        return RF_OK;
    }
    if (!replay->looked) {
        replay->existing = (struct rf_existing){.run = &replay->run,
                                                .pg = replay->pg,
                                                .target = &replay->target,
                                                .arena = &replay->arena};
        code = rf_existing_look(&replay->existing, error);
        replay->looked = code == RF_OK;
    }
    replay->existing.manifest = manifest;
    return code == RF_OK
               ? rf_existing_check(&replay->existing, load ? NULL : &replay->tables, error)
               : code;
}

static enum rf_code check_manifest(struct replay *replay, const struct rf_manifest *manifest,
                                   bool load, struct rf_error *error) {
    const struct rf_ledger_tables *standing = load ? NULL : &replay->tables;
    bool makes = load ? !replay->concerned : !replay->run.options->rules->existing;
    enum rf_code code = makes ? check_names(replay, manifest, standing, error) : RF_OK;
    if (code == RF_OK) {
        code = check_existing(replay, manifest, load, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < manifest->table_count; i++) {
        code = check_table(replay, &manifest->tables[i], load, error);
    }
    return code;
}

static enum rf_code check_snapshot(struct replay *replay, const struct rf_snapshot_name *name,
                                   bool load, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    enum rf_code code = RF_OK;
    if (replay->leaps) {
        code = check_manifest(replay, &replay->leap.link.manifest, load, error);
    } else {
        code = rf_repository_load(replay->run.repository, name, &manifest, error);
        if (code == RF_OK) {
            code = check_manifest(replay, &manifest, load, error);
        }
    }
    rf_manifest_release(&manifest);
    if (code != RF_OK) {
        rf_while(error, "while checking snapshot %" PRIu64 " before the target is touched",
                 name->number);
    }
    return code;
}

static void tell(void *context, const char *message) {
    rf_run_warn(context, "%s", message);
}

static enum rf_code check_rules(struct replay *replay, const struct rf_manifest *manifest,
                                struct rf_error *error) {
    rf_rules_tell_unused(replay->run.options->rules, manifest, tell, &replay->run);
    return rf_preflight_rules(&replay->run, manifest, &replay->tables, error);
}

static enum rf_code check_rules_at_end(struct replay *replay, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    enum rf_code code = rf_repository_load(replay->run.repository, replay->to, &manifest, error);
    if (code == RF_OK) {
        code = check_rules(replay, &manifest, error);
    }
    rf_manifest_release(&manifest);
    return code;
}

static enum rf_code check(struct replay *replay, struct rf_error *error) {
    enum rf_code code = check_rules_at_end(replay, error);
    if (code == RF_OK && replay->load) {
        struct rf_preflight_facts facts;
        code = replay->concerned ? rf_existing_rights(replay->pg, &replay->target, error)
                                 : rf_preflight_rights(replay->pg, &replay->target, &facts, error);
        if (code == RF_OK) {
            code = check_snapshot(replay, &replay->start, true, error);
        }
        if (code == RF_OK && replay->concerned) {
            code = rf_sequences_check(&replay->run, replay->pg, &replay->target, error);
        }
    } else if (code == RF_OK && replay->route.count == 0) {
        code = check_snapshot(replay, &replay->start, false, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < replay->route.count; i++) {
        code = check_snapshot(replay, &replay->route.names[i], false, error);
    }
    return code;
}

/* ---- doing ---- */

static enum rf_code load(struct replay *replay, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    enum rf_code code = rf_ledger_create(replay->pg, error);
    if (code == RF_OK && replay->discard) {
        rf_run_note(&replay->run, "discarding an unfinished load of snapshot %" PRIu64,
                    replay->standing.at.number);
        const char *staging = replay->standing.staging;
        code = rf_existing_load_is(staging)
                   ? rf_existing_load_discard(&replay->run, replay->pg, &replay->target, error)
                   : rf_load_discard(replay->pg, &replay->target, staging, error);
    }
    if (code == RF_OK) {
        code = rf_repository_load(replay->run.repository, &replay->start, &manifest, error);
    }
    if (code == RF_OK) {
        code = rf_load(&replay->run, &replay->pg, &replay->target, &manifest, &replay->start,
                       replay->result, error);
    }
    rf_manifest_release(&manifest);
    return code;
}

static enum rf_code apply(struct replay *replay, const struct rf_snapshot_name *from,
                          const struct rf_snapshot_name *to, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    if (replay->leaps) {
        return rf_delta_apply(&replay->run, &replay->pg, &replay->target, from, to,
                              &replay->leap.link.manifest, replay->result, error);
    }
    enum rf_code code = rf_repository_load(replay->run.repository, to, &manifest, error);
    if (code == RF_OK) {
        code = rf_delta_apply(&replay->run, &replay->pg, &replay->target, from, to, &manifest,
                              replay->result, error);
    }
    rf_manifest_release(&manifest);
    return code;
}

/* The target stands where it should; but an earlier run may have been told to leave tables out that
 * this one is to take, or not to make views that this one is to make; and tables may have to be
 * remade, or to become the source's again. */
static enum rf_code complete(struct replay *replay, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    enum rf_code code = rf_repository_load(replay->run.repository, replay->to, &manifest, error);
    bool changes = code == RF_OK && (lacks_tables(replay, &manifest) || remakes_tables(replay) ||
                                     replay->guard.count > 0);
    if (code == RF_OK && (changes || replay->run.options->rules->object_count > 0)) {
        if (changes && replay->result->mode == RF_REPLAY_NONE) {
            replay->result->mode = RF_REPLAY_DELTA;
        }
        if (!replay->run.options->dry_run) {
            code = rf_delta_apply(&replay->run, &replay->pg, &replay->target, replay->to,
                                  replay->to, &manifest, replay->result, error);
        }
    }
    rf_manifest_release(&manifest);
    return code;
}

static enum rf_code move_sequences(struct replay *replay, const struct rf_manifest *manifest,
                                   struct rf_error *error) {
    if (rf_sequences_are_few(manifest) && replay->result->mode != RF_REPLAY_NONE) {
        return RF_OK; /* seen to */
    }
    bool tells = replay->result->mode != RF_REPLAY_NONE;
    enum rf_code code = rf_sequences_make(replay->pg, &replay->target, error);
    return code == RF_OK ? rf_sequences_advance(&replay->run, replay->pg, &replay->target, manifest,
                                                tells, replay->result, error)
                         : code;
}

static struct rf_closing closing_of(struct replay *replay, const struct rf_manifest *manifest) {
    return (struct rf_closing){
        .run = &replay->run,
        .pg = replay->pg,
        .target = &replay->target,
        .manifest = manifest,
        .first = replay->load && replay->route.count == 0,
        .result = replay->result,
    };
}

/* What is left to be done where the target stands, be there anything new or not. */
static enum rf_code finish(struct replay *replay, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    enum rf_code code = rf_repository_load(replay->run.repository, replay->to, &manifest, error);
    if (code == RF_OK) {
        code = move_sequences(replay, &manifest, error);
    }
    if (code == RF_OK && replay->result->mode == RF_REPLAY_NONE) {
        const struct rf_closing closing = closing_of(replay, &manifest);
        code = rf_closing_finally(&closing, replay->to, error);
    }
    rf_manifest_release(&manifest);
    return code;
}

static enum rf_code carry_out(struct replay *replay, struct rf_error *error) {
    enum rf_code code = replay->load ? load(replay, error) : RF_OK;
    struct rf_snapshot_name from = replay->start;
    for (uint32_t i = 0; code == RF_OK && i < replay->route.count; i++) {
        code = apply(replay, &from, &replay->route.names[i], error);
        from = replay->route.names[i];
    }
    return code == RF_OK && remakes_tables(replay) ? complete(replay, error) : code;
}

#define REASONS_TOLD 100u

static enum rf_code count_asides(struct replay *replay, struct rf_error *error) {
    struct rf_replay_result *result = replay->result;
    enum rf_code code =
        rf_aside_count(replay->pg, &replay->target, NULL, &result->set_aside_total, error);
    bool any = result->total.set_aside + result->total.altered > 0;
    uint64_t since = result->from > result->to ? result->to - 1 : result->from;
    return code == RF_OK && any
               ? rf_aside_reasons(replay->pg, &replay->target, since, REASONS_TOLD, result, error)
               : code;
}

/* Tables that nothing happened to are in the result as well. */
static enum rf_code sum_up(struct replay *replay, struct rf_error *error) {
    if (replay->run.options->dry_run) {
        return RF_OK;
    }
    struct rf_ledger_tables tables;
    enum rf_code code = rf_ledger_read(replay->pg, &replay->target, &tables, error);
    for (uint32_t i = 0; code == RF_OK && i < tables.count; i++) {
        struct rf_counts nothing = {.name = tables.tables[i].plan.table};
        code = rf_result_add(replay->result, &nothing, error);
    }
    if (code == RF_OK) {
        code = count_asides(replay, error);
    }
    if (code == RF_OK) {
        const struct rf_closing closing = closing_of(replay, NULL);
        rf_closing_analyze(&closing, &tables);
    }
    rf_ledger_tables_release(&tables);
    return code;
}

static enum rf_code run_replay(struct replay *replay, struct rf_error *error) {
    enum rf_code code = look(replay, error);
    if (code == RF_OK) {
        code = choose_way(replay, error);
    }
    if (code == RF_OK && !replay->load) {
        code = look_for_others(replay, error);
    }
    if (code != RF_OK) {
        return code;
    }
    struct rf_replay_result *result = replay->result;
    result->from = replay->load ? 0 : replay->start.number;
    result->to = replay->to->number;
    result->mode = replay->load               ? RF_REPLAY_LOAD
                   : replay->route.count == 0 ? RF_REPLAY_NONE
                                              : RF_REPLAY_DELTA;
    if (replay->leaps) {
        code = rf_leap_make(&replay->run, replay->repository, &replay->tables, &replay->start,
                            replay->to, &replay->leap, error);
    }
    if (code == RF_OK) {
        code = check(replay, error);
    }
    if (code == RF_OK && result->mode == RF_REPLAY_NONE) {
        code = complete(replay, error);
    } else if (code == RF_OK && !replay->run.options->dry_run) {
        code = carry_out(replay, error);
    }
    if (code == RF_OK && !replay->run.options->dry_run) {
        code = finish(replay, error);
    }
    return code == RF_OK ? sum_up(replay, error) : code;
}

/* What a load needs to be checked before it begins, but for the archives, which are not there yet. */
static enum rf_code check_growing(struct replay *replay, const struct rf_manifest *manifest,
                                  struct rf_error *error) {
    struct rf_preflight_facts facts;
    enum rf_code code = check_rules(replay, manifest, error);
    if (code == RF_OK) {
        code = rf_preflight_rights(replay->pg, &replay->target, &facts, error);
    }
    return code == RF_OK ? check_names(replay, manifest, NULL, error) : code;
}

static enum rf_code load_growing(struct replay *replay, struct rf_growth *growth, bool *loaded,
                                 struct rf_error *error) {
    const struct rf_manifest *manifest = rf_growth_manifest(growth);
    enum rf_code code = check_growing(replay, manifest, error);
    replay->load = true;
    replay->result->to = manifest->snapshot;
    if (code == RF_OK) {
        code = rf_ledger_create(replay->pg, error);
    }
    if (code == RF_OK) {
        code = rf_load_growing(&replay->run, &replay->pg, &replay->target, growth, loaded,
                               replay->result, error);
    }
    if (code == RF_OK && *loaded) {
        replay->result->mode = RF_REPLAY_LOAD;
        code = move_sequences(replay, manifest, error);
    }
    return code == RF_OK && *loaded ? sum_up(replay, error) : code;
}

/* The capture is over, and the tables that were in time stand as they will. */
static enum rf_code check_grown(void *context, const struct rf_snapshot_name *to,
                                struct rf_error *error) {
    struct replay *replay = context;
    replay->to = to;
    enum rf_code code = choose_way(replay, error);
    return code == RF_OK ? check(replay, error) : code;
}

static enum rf_code change_growing(struct replay *replay, struct rf_growth *growth, bool *applied,
                                   struct rf_error *error) {
    const struct rf_manifest *manifest = rf_growth_manifest(growth);
    const struct rf_delta_check check = {.check = check_grown, .context = replay};
    replay->result->to = manifest->snapshot;
    enum rf_code code =
        rf_delta_apply_growing(&replay->run, &replay->pg, &replay->target, &replay->standing.at,
                               growth, &check, applied, replay->result, error);
    if (code == RF_OK && *applied) {
        replay->result->mode = RF_REPLAY_DELTA;
        replay->result->from = replay->standing.at.number;
        code = move_sequences(replay, manifest, error);
    }
    return code == RF_OK && *applied ? sum_up(replay, error) : code;
}

static bool stands_right_before(const struct replay *replay, const struct rf_manifest *manifest) {
    return replay->standing.state == RF_TARGET_READY && manifest->parent > 0 &&
           replay->standing.at.number == manifest->parent &&
           rf_hash_equal(replay->standing.at.digest, manifest->parent_digest);
}

/* The target has nothing else to do while the capture goes on. *waits: tables are to be overwritten,
 * which only a snapshot that is there can do. */
static enum rf_code look_beside(struct replay *replay, bool *waits, struct rf_error *error) {
    enum rf_code code = rf_guard_look(&replay->run, replay->pg, &replay->target, error);
    *waits = code == RF_OK && replay->guard.count > 0 && replay->run.options->overwrite;
    return code == RF_OK && !*waits ? rf_guard_judge(&replay->run, error) : code;
}

static enum rf_code run_growing(struct replay *replay, struct rf_growth *growth, bool *applied,
                                struct rf_error *error) {
    const struct rf_manifest *manifest = rf_growth_manifest(growth);
    if (!manifest) {
        return RF_OK;
    }
    bool waits = false;
    enum rf_code code = look(replay, error);
    if (code == RF_OK && replay->standing.state == RF_TARGET_READY) {
        code = look_beside(replay, &waits, error);
    }
    if (code != RF_OK || waits || replay->concerned) {
        return code;
    }
    if (replay->standing.state == RF_TARGET_NONE) {
        return load_growing(replay, growth, applied, error);
    }
    bool follows = stands_right_before(replay, manifest) && !remakes_tables(replay);
    return follows ? change_growing(replay, growth, applied, error) : RF_OK;
}

static void begin(struct replay *replay, struct rf_repository *repository,
                  const struct rf_target_options *options) {
    replay->target.schema = options->schema;
    rf_uuid_text(rf_repository_source(repository), replay->target.source);
    replay->repository = repository;
    rf_run_init(&replay->run, options, repository);
    replay->run.guard = &replay->guard;
}

static void end(struct replay *replay) {
    rf_ledger_unlock(replay->pg);
    rf_pg_close(replay->pg);
    rf_ledger_tables_release(&replay->tables);
    rf_arena_release(&replay->arena);
    rf_guard_release(&replay->guard);
    rf_leap_release(&replay->leap);
    rf_route_release(&replay->route);
    rf_run_release(&replay->run);
}

enum rf_code rf_replay_growing(struct rf_repository *repository,
                               const struct rf_target_options *options, struct rf_growth *growth,
                               bool *applied, struct rf_replay_result *result,
                               struct rf_error *error) {
    *result = (struct rf_replay_result){.mode = RF_REPLAY_NONE};
    *applied = false;
    enum rf_code code = rf_preflight_schema_name(options->schema, error);
    if (code != RF_OK) {
        return code;
    }
    struct replay replay = {.result = result};
    begin(&replay, repository, options);
    code = run_growing(&replay, growth, applied, error);
    end(&replay);
    if (code != RF_OK || !*applied) {
        rf_replay_result_release(result);
    }
    return code;
}

enum rf_code rf_replay(struct rf_repository *repository, const struct rf_target_options *options,
                       const struct rf_snapshot_name *to, struct rf_replay_result *result,
                       struct rf_error *error) {
    *result = (struct rf_replay_result){.mode = RF_REPLAY_NONE};
    enum rf_code code = rf_preflight_schema_name(options->schema, error);
    if (code != RF_OK) {
        return code;
    }
    struct replay replay = {.to = to, .result = result};
    begin(&replay, repository, options);
    code = run_replay(&replay, error);
    end(&replay);
    if (code != RF_OK) {
        rf_replay_result_release(result);
    }
    return code;
}
