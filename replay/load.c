/* Beginning a load or taking up one that was interrupted. */
#include "replay/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/build.h"
#include "replay/existing_load.h"
#include "replay/guard.h"
#include "replay/load_work.h"
#include "replay/preflight.h"
#include "replay/quote.h"
#include "replay/sequence.h"
#include "replay/sql.h"

/* The same source and target, the same name. */
static void staging_name(const struct rf_target *target, char name[64]) {
    snprintf(name, 64, "rowferry_load_%016" PRIx64,
             rf_ledger_lock_number("staging", target->schema, target->source));
}

/* Tables made in the staging schema shall have the privileges of those made in the target schema.
 */
static enum rf_code copy_default_privileges(struct rf_pg *pg, const struct rf_target *target,
                                            const char *staging, struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->schema);
    rf_pg_text(&args, staging);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_default_privileges, &args, &rows, error);
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        code = rf_pg_do(pg, rf_pg_rows_text(rows, i, 0), NULL, error);
    }
    rf_pg_rows_free(rows);
    return code;
}

static enum rf_code make_staging(struct rf_pg *pg, const struct rf_target *target,
                                 const char *staging, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "CREATE SCHEMA ");
    rf_quote_name(&sql, staging);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code == RF_OK ? copy_default_privileges(pg, target, staging, error) : code;
}

static enum rf_code begin(struct rf_pg *pg, const struct rf_target *target,
                          const struct rf_snapshot_name *at, const char *staging,
                          struct rf_error *error) {
    enum rf_code code = rf_pg_begin(pg, error);
    if (code == RF_OK) {
        code = make_staging(pg, target, staging, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_begin_load(pg, target, at, staging, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(pg);
        rf_while(error, "while beginning the load of snapshot %" PRIu64, at->number);
    }
    return code;
}

enum rf_code rf_load_discard(struct rf_pg *pg, const struct rf_target *target, const char *staging,
                             struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "DROP SCHEMA IF EXISTS ");
    rf_quote_name(&sql, staging);
    rf_buffer_printf(&sql, " CASCADE");
    enum rf_code code = rf_pg_begin(pg, error);
    if (code == RF_OK) {
        code = rf_pg_do_buffer(pg, &sql, NULL, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_forget(pg, target, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(pg);
        rf_while(error, "while discarding an unfinished load");
    }
    rf_buffer_release(&sql);
    return code;
}

/* ---- what is to be done ---- */

/* What a table takes, in rough microseconds: its bytes, of which an archive has about a third, and
 * its rows, which every index has to bring in order. */
uint64_t rf_load_cost(const struct rf_manifest_table *table) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < table->state_count; i++) {
        bytes += table->state[i].size;
    }
    return bytes / 128 + table->digest.rows / 2 * (1 + (uint64_t)table->table.index_count);
}

static int costly_first(const void *a, const void *b) {
    const struct rf_load_table *one = a, *other = b;
    if (one->cost != other->cost) {
        return one->cost > other->cost ? -1 : 1;
    }
    return strcmp(one->source->table.name, other->source->table.name);
}

static int by_name(const void *a, const void *b) {
    const struct rf_load_name *one = a, *other = b;
    return strcmp(one->table->source->table.name, other->table->source->table.name);
}

/* What is selected, and what an earlier run of this load made: it was selected then. */
static enum rf_code list_tables(struct rf_load *load, const struct rf_ledger_tables *standing,
                                struct rf_error *error) {
    const struct rf_manifest *manifest = load->manifest;
    load->tables = rf_arena_take(&load->arena, manifest->table_count, sizeof *load->tables);
    load->by_name = rf_arena_take(&load->arena, manifest->table_count, sizeof *load->by_name);
    load->ready =
        rf_arena_take(&load->arena, manifest->table_count, sizeof(struct rf_load_table *));
    if (load->arena.failed) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        const struct rf_manifest_table *table = &manifest->tables[i];
        if ((!load->existing && rf_run_selects(load->run, table->table.name)) ||
            rf_ledger_find_table(standing, table->table.name)) {
            load->tables[load->count].source = table;
            load->tables[load->count].coming = load->growth;
            load->tables[load->count].cost = load->growth ? 0 : rf_load_cost(table);
            load->count++;
        }
    }
    if (load->count > 0) {
        qsort(load->tables, load->count, sizeof *load->tables, costly_first);
    }
    for (uint32_t i = 0; i < load->count; i++) {
        load->by_name[i].table = &load->tables[i];
        load->ready[i] = &load->tables[i];
    }
    load->ready_count = load->growth ? 0 : load->count;
    if (load->count > 0) {
        qsort(load->by_name, load->count, sizeof *load->by_name, by_name);
    }
    return RF_OK;
}

static enum rf_code count_chunks(struct rf_load *load, struct rf_load_table *table,
                                 struct rf_error *error) {
    struct rf_state *state = NULL;
    enum rf_code code = rf_state_open(load->run->repository, table->source, &state, error);
    if (code != RF_OK) {
        return code;
    }
    table->parts = rf_state_parts(state);
    rf_state_close(state);
    table->chunk_count = (table->parts + RF_LOAD_CHUNK_PARTS - 1) / RF_LOAD_CHUNK_PARTS;
    table->chunks_left = table->chunk_count;
    table->whole = table->chunk_count == 1;
    table->chunk_done = rf_arena_take(&load->arena, table->chunk_count, sizeof *table->chunk_done);
    return rf_arena_check(&load->arena, error);
}

static enum rf_code make_plan(struct rf_load *load, struct rf_load_table *table,
                              struct rf_error *error) {
    const char *name = table->source->table.name;
    struct rf_plan_request request = {
        .run = load->run,
        .source = table->source,
        .utf16 = rf_plan_utf16(load->manifest),
        .rules = load->run->options->rules,
        .names = &load->names,
        .relation = rf_naming_find(&load->naming, name)->name,
    };
    enum rf_code code =
        rf_naming_columns(&load->naming, &table->source->table, NULL, &request.column_names, error);
    if (code == RF_OK) {
        rf_naming_remark(&load->naming, rf_naming_find(&load->naming, name));
        code = rf_plan_make(&request, &load->arena, &table->plan, error);
    }
    if (code == RF_OK) {
        rf_build_remarks(load->run, &table->plan);
    }
    return code;
}

/* A table that an earlier run of this load made keeps the plan that it was made by. */
static enum rf_code plan_table(struct rf_load *load, struct rf_load_table *table,
                               const struct rf_ledger_table *standing, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (standing) {
        table->plan = standing->plan;
    } else {
        code = make_plan(load, table, error);
    }
    if (code == RF_OK) {
        table->indexes_left = table->plan.index_count;
        table->index_done =
            rf_arena_take(&load->arena, table->plan.index_count, sizeof *table->index_done);
        code = rf_arena_check(&load->arena, error);
    }
    return code;
}

/* Tables of several chunks are made before the workers begin, each with its lines in the ledger. */
static enum rf_code make_table(struct rf_load *load, struct rf_load_table *table,
                               struct rf_error *error) {
    struct rf_pg *pg = load->control;
    bool added = false;
    enum rf_code code = rf_guard_begin(pg, load->target, error);
    if (code == RF_OK) {
        code = rf_ledger_add_table(pg, load->target, &table->plan, &table->source->digest, &added,
                                   error);
    }
    if (code == RF_OK && added) {
        code = rf_build_create_table(load->run, pg, load->target, &table->plan, load->staging,
                                     rf_sequences_are_few(load->manifest), error);
    }
    if (code == RF_OK && added) {
        code = rf_build_hold_autovacuum(pg, &table->plan, load->staging, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(pg);
    }
    return code;
}

enum rf_code rf_load_prepare_table(struct rf_load *load, struct rf_load_table *table,
                                   const struct rf_ledger_tables *standing,
                                   struct rf_error *error) {
    const struct rf_ledger_table *known = rf_ledger_find_table(standing, table->source->table.name);
    enum rf_code code = count_chunks(load, table, error);
    if (code == RF_OK) {
        code = plan_table(load, table, known, error);
    }
    if (code == RF_OK && known && table->whole) {
        table->finished = true; /* it came with all its rows and indexes */
    } else if (code == RF_OK && !known && !table->whole) {
        code = make_table(load, table, error);
    }
    return code;
}

struct rf_load_table *rf_load_find_table(const struct rf_load *load, const char *name) {
    uint32_t low = 0, high = load->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(load->by_name[middle].table->source->table.name, name);
        if (order == 0) {
            return load->by_name[middle].table;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static void mark_index(struct rf_load_table *table, const char *name) {
    for (uint32_t i = 0; i < table->plan.index_count; i++) {
        if (strcmp(table->plan.indexes[i].name, name) == 0 && !table->index_done[i]) {
            table->index_done[i] = true;
            table->indexes_left--;
        }
    }
}

/* False: the step cannot be of this load, which would cut the table into other chunks. */
static bool mark_step(struct rf_load *load, const struct rf_ledger_step *step) {
    struct rf_load_table *table = rf_load_find_table(load, step->table);
    if (!table) {
        return false;
    }
    if (strcmp(step->step, "finish") == 0) {
        table->finished = true;
    } else if (strcmp(step->step, "index") == 0) {
        mark_index(table, step->item);
    } else if (!table->whole) {
        unsigned long part = strtoul(step->item, NULL, 10);
        if (step->parts != RF_LOAD_CHUNK_PARTS || part % RF_LOAD_CHUNK_PARTS != 0 ||
            part >= table->parts) {
            return false;
        }
        table->chunk_done[part / RF_LOAD_CHUNK_PARTS] = true;
        table->chunks_left--;
        table->rows_done += step->digest.rows;
    }
    return true;
}

static enum rf_code mark_steps(struct rf_load *load, struct rf_pg *pg, struct rf_error *error) {
    struct rf_ledger_steps steps;
    enum rf_code code = rf_ledger_steps(pg, load->target, &steps, error);
    for (uint32_t i = 0; code == RF_OK && i < steps.count; i++) {
        if (!mark_step(load, &steps.steps[i])) {
            code = rf_fail(error, RF_MISPLACED,
                           "the unfinished load in the target does not fit this one (table %s)",
                           steps.steps[i].table);
            rf_hint(error,
                    "it was begun with other tables or by another version: run it with the "
                    "same ones, or drop schema %s and the lines of this schema in "
                    "rowferry.source.",
                    load->staging);
        }
    }
    rf_ledger_steps_release(&steps);
    return code;
}

/* What an earlier run of this load chose. */
static void add_names(struct rf_names *names, const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->index_count; i++) {
        rf_names_add(names, plan->indexes[i].name);
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].identity) {
            rf_names_add(names, plan->columns[i].identity);
        }
    }
}

/* Tables that the application made are in the ledger since the load began, and have no chunk that
 * brings anything else along. */
static enum rf_code prepare_existing(struct rf_load *load, struct rf_pg *pg,
                                     const struct rf_ledger_tables *standing,
                                     struct rf_error *error) {
    enum rf_code code = list_tables(load, standing, error);
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        struct rf_load_table *table = &load->tables[i];
        table->plan = rf_ledger_find_table(standing, table->source->table.name)->plan;
        code = table->plan.kept ? RF_OK : count_chunks(load, table, error);
        table->whole = false;
    }
    if (code == RF_OK) {
        code = rf_existing_load_prepare(load, pg, error);
    }
    return code == RF_OK ? mark_steps(load, pg, error) : code;
}

static enum rf_code prepare(struct rf_load *load, struct rf_pg *pg,
                            struct rf_ledger_tables *standing, struct rf_error *error) {
    struct rf_names *names = &load->names;
    rf_names_init(names, &load->arena);
    enum rf_code code = rf_preflight_taken(pg, load->target->schema, names, error);
    if (code == RF_OK) {
        code = rf_naming_make(load->run, load->manifest, standing, names, &load->naming, error);
    }
    if (code == RF_OK) {
        code = rf_preflight_free(&load->naming, NULL, names, error);
    }
    if (code == RF_OK) {
        code = list_tables(load, standing, error);
    }
    for (uint32_t i = 0; i < load->naming.count; i++) {
        rf_names_add(names, load->naming.tables[i].name);
    }
    for (uint32_t i = 0; i < standing->count; i++) {
        add_names(names, &standing->tables[i].plan);
    }
    /* In an order that rows have no part in, as check and deltas plan: names are given by turns. */
    for (uint32_t i = 0; code == RF_OK && !load->growth && i < load->count; i++) {
        code = rf_run_check(load->run, error);
        if (code == RF_OK) {
            code = rf_load_prepare_table(load, load->by_name[i].table, standing, error);
        }
    }
    return code == RF_OK && !load->growth ? mark_steps(load, pg, error) : code;
}

/* The application's tables are left without rows, but otherwise as they were. */
static void give_up(struct rf_load *load, struct rf_pg *pg, struct rf_error *error) {
    struct rf_error late;
    rf_error_clear(&late);
    rf_run_go_on(load->run);
    if (rf_existing_load_discard(load->run, pg, load->target, &late) == RF_OK) {
        rf_while(error, "the load was given up: its tables are empty, their indexes back");
    } else {
        rf_while(error, "the load could not be given up: %s", late.what);
    }
}

static enum rf_code carry_out(struct rf_load *load, struct rf_pg **pg,
                              const struct rf_snapshot_name *at, struct rf_replay_result *result,
                              struct rf_error *error) {
    struct rf_ledger_tables standing;
    enum rf_code code = rf_ledger_read(*pg, load->target, &standing, error);
    if (code != RF_OK) {
        return code;
    }
    load->control = *pg;
    code = load->existing ? prepare_existing(load, *pg, &standing, error)
                          : prepare(load, *pg, &standing, error);
    if (code == RF_OK) {
        code = rf_load_work(load, load->run->options->jobs, error);
    }
    struct rf_snapshot_name shown = *at;
    if (code == RF_OK && load->growth) {
        (void)rf_growth_result(load->growth, &shown);
    }
    if (code == RF_OK) {
        code = rf_load_show(load, pg, &shown, result, error);
    }
    if (code != RF_OK && load->existing && !load->keeps && rf_existing_load_hopeless(error)) {
        give_up(load, *pg, error);
    }
    rf_ledger_tables_release(&standing);
    return code;
}

/* Somebody who dropped the staging schema wants the load begun anew. */
static enum rf_code take_up(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                            const struct rf_snapshot_name *at, const char *staging,
                            struct rf_error *error) {
    struct rf_target probe = {.schema = staging};
    struct rf_preflight_facts facts = {.schema_stands = false};
    enum rf_code code = rf_preflight_rights(pg, &probe, &facts, error);
    if (code == RF_OK && facts.schema_stands) {
        rf_run_note(run, "going on with the load of snapshot %" PRIu64, at->number);
        return RF_OK;
    }
    if (code == RF_OK) {
        code = rf_load_discard(pg, target, staging, error);
    }
    return code == RF_OK ? begin(pg, target, at, staging, error) : code;
}

enum rf_code rf_load(struct rf_run *run, struct rf_pg **pg, const struct rf_target *target,
                     const struct rf_manifest *manifest, const struct rf_snapshot_name *at,
                     struct rf_replay_result *result, struct rf_error *error) {
    struct rf_ledger_source source;
    char staging[64];
    staging_name(target, staging);
    enum rf_code code = rf_ledger_source(*pg, target, false, &source, error);
    bool fresh = code == RF_OK && source.state == RF_TARGET_NONE;
    bool existing = fresh ? run->options->rules->existing : rf_existing_load_is(source.staging);
    if (fresh && existing && run->options->rules->atomic) {
        return rf_existing_load_atomic(run, pg, target, manifest, at, result, error);
    }
    if (fresh && existing) {
        code = rf_existing_load_begin(run, *pg, target, manifest, at, error);
    } else if (code == RF_OK && existing) {
        rf_run_note(run, "going on with the load of snapshot %" PRIu64, at->number);
    } else if (fresh) {
        code = begin(*pg, target, at, staging, error);
    } else if (code == RF_OK) {
        code = take_up(run, *pg, target, at, source.staging, error);
        memcpy(staging, source.staging, sizeof staging);
    }
    if (code != RF_OK) {
        return code;
    }
    struct rf_load load = {.run = run,
                           .target = target,
                           .manifest = manifest,
                           .snapshot = at->number,
                           .staging = existing ? target->schema : staging,
                           .existing = existing};
    code = carry_out(&load, pg, at, result, error);
    if (code == RF_MISPLACED && !load.keeps && !rf_pg_broken(*pg)) {
        /* A value that is to fail the run would fail this load for ever. */
        struct rf_error ignored;
        atomic_store(&run->give_up, false);
        (void)!rf_load_discard(*pg, target, staging, &ignored);
    }
    rf_naming_release(&load.naming);
    rf_arena_release(&load.arena);
    return code;
}

enum rf_code rf_load_growing(struct rf_run *run, struct rf_pg **pg, const struct rf_target *target,
                             struct rf_growth *growth, bool *loaded,
                             struct rf_replay_result *result, struct rf_error *error) {
    const struct rf_manifest *manifest = rf_growth_manifest(growth);
    struct rf_snapshot_name at = {.number = manifest->snapshot};
    char staging[64];
    staging_name(target, staging);
    *loaded = false;
    enum rf_code code = begin(*pg, target, &at, staging, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_load load = {.run = run,
                           .target = target,
                           .manifest = manifest,
                           .snapshot = at.number,
                           .growth = growth,
                           .staging = staging};
    code = carry_out(&load, pg, &at, result, error);
    *loaded = code == RF_OK;
    bool whole = rf_growth_result(growth, &at) && at.number == load.snapshot;
    if (code != RF_OK && !rf_pg_broken(*pg) &&
        (load.contended || !whole || (code == RF_MISPLACED && !load.keeps))) {
        struct rf_error ignored;
        rf_run_go_on(run);
        (void)!rf_load_discard(*pg, target, staging, &ignored);
    }
    if (code != RF_OK && (load.contended || !whole)) {
        rf_error_clear(error);
        code = RF_OK;
    }
    rf_naming_release(&load.naming);
    rf_arena_release(&load.arena);
    return code;
}
