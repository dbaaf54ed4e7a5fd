#include "replay/existing_load.h"

#include <inttypes.h>
#include <string.h>

#include "replay/build.h"
#include "replay/closing.h"
#include "replay/commit.h"
#include "replay/computed_join.h"
#include "replay/fit.h"
#include "replay/quote.h"

/* ---- the first transaction ---- */

struct entry {
    const struct rf_manifest_table *source;
    const struct rf_catalog_table *standing;
    struct rf_plan plan;
    bool truncated;
};

struct beginning {
    struct rf_existing existing;
    uint32_t count;
    struct entry *entries;
    uint32_t *order; /* in which they are filled in one transaction */
};

/* What joins others comes behind them. */
static enum rf_code put_in_order(struct beginning *beginning, struct rf_troubles *troubles,
                                 struct rf_error *error) {
    struct rf_arena *arena = beginning->existing.arena;
    struct rf_joining *tables = rf_arena_take(arena, beginning->count, sizeof *tables);
    beginning->order = rf_arena_take(arena, beginning->count, sizeof *beginning->order);
    for (uint32_t i = 0; tables && i < beginning->count; i++) {
        if (beginning->entries[i].plan.relation) {
            tables[i] = rf_joining_of(&beginning->entries[i].plan, arena);
        }
    }
    enum rf_code code = rf_arena_check(arena, error);
    if (code == RF_OK && troubles->count == 0) {
        rf_joining_check(tables, beginning->count, beginning->order, troubles);
    }
    return code;
}

static enum rf_code fit_all(struct beginning *beginning, struct rf_error *error) {
    struct rf_existing *existing = &beginning->existing;
    const struct rf_manifest *manifest = existing->manifest;
    struct rf_troubles troubles = {.arena = existing->arena};
    beginning->entries =
        rf_arena_take(existing->arena, manifest->table_count, sizeof *beginning->entries);
    enum rf_code code = rf_arena_check(existing->arena, error);
    for (uint32_t i = 0; code == RF_OK && i < manifest->table_count; i++) {
        const struct rf_manifest_table *source = &manifest->tables[i];
        if (!rf_run_selects(existing->run, source->table.name)) {
            continue;
        }
        struct entry *entry = &beginning->entries[beginning->count++];
        entry->source = source;
        entry->standing =
            rf_fit_find(&existing->catalog, existing->run->options->rules, source->table.name);
        code = rf_existing_fit(existing, source, NULL, &entry->plan, &troubles, error);
    }
    if (code == RF_OK) {
        code = put_in_order(beginning, &troubles, error);
    }
    return code == RF_OK ? rf_existing_fail(existing, &troubles, error) : code;
}

static enum rf_code add_to_ledger(struct beginning *beginning, struct rf_error *error) {
    struct rf_existing *existing = &beginning->existing;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < beginning->count; i++) {
        const struct entry *entry = &beginning->entries[i];
        bool added;
        rf_build_remarks(existing->run, &entry->plan);
        code = rf_ledger_add_table(existing->pg, existing->target, &entry->plan,
                                   &entry->source->digest, &added, error);
        if (code == RF_OK && !added) {
            code = rf_fail(error, RF_MISPLACED, "another table of the target is fed from \"%s\"",
                           entry->plan.relation);
        }
    }
    return code;
}

/* Building an index of fewer rows at the end costs more than keeping it up to date. */
#define WORTH_ROWS 5000u

static enum rf_code put_indexes_aside(struct beginning *beginning, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < beginning->count; i++) {
        const struct entry *entry = &beginning->entries[i];
        if (!entry->plan.kept && entry->source->digest.rows >= WORTH_ROWS &&
            beginning->existing.catalog.may_create) {
            code = rf_hold_indexes(&beginning->existing.hold, entry->standing, error);
        }
    }
    return code;
}

static enum rf_code hold_all(struct beginning *beginning, struct rf_error *error) {
    struct rf_existing *existing = &beginning->existing;
    existing->hold = (struct rf_hold){
        .run = existing->run,
        .pg = existing->pg,
        .target = existing->target,
        .catalog = &existing->catalog,
        .count = beginning->count,
        .tables = rf_arena_take(existing->arena, beginning->count, sizeof *existing->hold.tables),
        .first_load = true,
        .across = !existing->run->options->rules->atomic,
    };
    enum rf_code code = rf_arena_check(existing->arena, error);
    for (uint32_t i = 0; code == RF_OK && i < beginning->count; i++) {
        existing->hold.tables[i] = beginning->entries[i].plan.relation;
    }
    if (code == RF_OK) {
        rf_hold_sort(&existing->hold);
        code = rf_hold_begin(&existing->hold, error);
    }
    return code == RF_OK ? put_indexes_aside(beginning, error) : code;
}

static struct entry *find_entry(const struct beginning *beginning, const char *schema,
                                const char *relation) {
    bool here = strcmp(schema, beginning->existing.catalog.schema) == 0;
    for (uint32_t i = 0; here && i < beginning->count; i++) {
        if (strcmp(beginning->entries[i].plan.relation, relation) == 0) {
            return &beginning->entries[i];
        }
    }
    return NULL;
}

/* To truncate makes new files for a table and each of its indexes: it takes longer than to delete
 * the few rows that an application made at its first start. */
#define WORTH_BYTES (1u << 20)

/* A table that a foreign key still leads to from one that is not emptied with it is not truncated:
 * the server would refuse, or, asked to cascade, empty that one too. */
static void choose_truncated(struct beginning *beginning) {
    const struct rf_catalog *catalog = &beginning->existing.catalog;
    for (uint32_t i = 0; i < beginning->count; i++) {
        struct entry *entry = &beginning->entries[i];
        entry->truncated = !entry->plan.kept && entry->standing->may_truncate &&
                           entry->standing->bytes >= WORTH_BYTES;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < catalog->foreign_key_count; i++) {
            const struct rf_catalog_foreign_key *key = &catalog->foreign_keys[i];
            struct entry *to = find_entry(beginning, key->to_schema, key->to_table);
            const struct entry *from = find_entry(beginning, key->schema, key->table);
            bool stays = !rf_hold_drops(&beginning->existing.hold, key);
            if (stays && to && to->truncated && (!from || !from->truncated)) {
                to->truncated = false;
                changed = true;
            }
        }
    }
}

static enum rf_code empty_all(struct beginning *beginning, struct rf_error *error) {
    struct rf_existing *existing = &beginning->existing;
    struct rf_buffer sql = {0};
    enum rf_code code = RF_OK;
    choose_truncated(beginning);
    for (uint32_t i = 0; code == RF_OK && i < beginning->count; i++) {
        const struct entry *entry = &beginning->entries[i];
        if (entry->truncated) {
            rf_buffer_printf(&sql, "%s ONLY ", sql.size == 0 ? "TRUNCATE" : ",");
            rf_quote_qualified(&sql, existing->target->schema, entry->plan.relation);
        } else if (!entry->plan.kept) {
            code = rf_existing_empty(existing->pg, existing->target->schema, entry->plan.relation,
                                     NULL, error);
        }
    }
    if (code == RF_OK && sql.size > 0) {
        code = rf_pg_do_buffer(existing->pg, &sql, NULL, error);
    }
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code begin(struct beginning *beginning, const struct rf_snapshot_name *at,
                          struct rf_error *error) {
    struct rf_existing *existing = &beginning->existing;
    enum rf_code code = rf_ledger_begin_load(existing->pg, existing->target, at, "", error);
    if (code == RF_OK) {
        code = rf_existing_read(existing, error);
    }
    if (code == RF_OK) {
        code = fit_all(beginning, error);
    }
    if (code == RF_OK) {
        code = add_to_ledger(beginning, error);
    }
    if (code == RF_OK) {
        code = hold_all(beginning, error);
    }
    return code == RF_OK ? empty_all(beginning, error) : code;
}

enum rf_code rf_existing_load_begin(struct rf_run *run, struct rf_pg *pg,
                                    const struct rf_target *target,
                                    const struct rf_manifest *manifest,
                                    const struct rf_snapshot_name *at, struct rf_error *error) {
    struct rf_arena arena = {0};
    struct beginning beginning = {
        .existing = {.run = run, .pg = pg, .target = target, .manifest = manifest, .arena = &arena},
    };
    enum rf_code code = rf_pg_begin(pg, error);
    if (code == RF_OK) {
        code = begin(&beginning, at, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(pg);
        rf_while(error, "while beginning the load of snapshot %" PRIu64, at->number);
    }
    rf_arena_release(&arena);
    return code;
}

/* ---- the work ---- */

static enum rf_code copy_aside(struct rf_load *load, struct rf_load_table *table,
                               const struct rf_put_aside *aside, struct rf_error *error) {
    struct rf_put_aside *copy = &table->asides[table->aside_count++];
    *copy = (struct rf_put_aside){
        .number = aside->number,
        .relation = rf_arena_copy(&load->arena, aside->relation),
        .kind = rf_arena_copy(&load->arena, aside->kind),
        .name = rf_arena_copy(&load->arena, aside->name),
        .definition = rf_arena_copy(&load->arena, aside->definition),
    };
    return rf_arena_check(&load->arena, error);
}

static enum rf_code share_asides(struct rf_load *load, struct rf_load_table *table,
                                 const struct rf_put_asides *asides, struct rf_error *error) {
    table->asides = rf_arena_take(&load->arena, asides->count, sizeof *table->asides);
    table->index_done = rf_arena_take(&load->arena, asides->count, sizeof *table->index_done);
    enum rf_code code = rf_arena_check(&load->arena, error);
    for (uint32_t i = 0; code == RF_OK && i < asides->count; i++) {
        const struct rf_put_aside *aside = &asides->lines[i];
        if (rf_put_aside_is_index(aside) && strcmp(aside->relation, table->plan.relation) == 0) {
            code = copy_aside(load, table, aside, error);
        }
    }
    table->indexes_left = table->aside_count;
    return code;
}

enum rf_code rf_existing_load_prepare(struct rf_load *load, struct rf_pg *pg,
                                      struct rf_error *error) {
    struct rf_put_asides asides;
    struct rf_existing existing = {.run = load->run,
                                   .pg = pg,
                                   .target = load->target,
                                   .manifest = load->manifest,
                                   .arena = &load->arena};
    enum rf_code code = rf_existing_look(&existing, error);
    load->replica = existing.catalog.may_be_replica;
    if (code == RF_OK) {
        code = rf_put_asides_read(pg, load->target, &asides, error);
    }
    if (code != RF_OK) {
        return code;
    }
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        code = share_asides(load, &load->tables[i], &asides, error);
    }
    rf_put_asides_release(&asides);
    return code;
}

/* ---- the last transaction ---- */

static bool joins_kept(const struct rf_load *load, const struct rf_joining *joining) {
    for (uint32_t i = 0; i < load->count; i++) {
        if (load->tables[i].plan.kept && rf_joining_has(joining, load->tables[i].plan.relation)) {
            return true;
        }
    }
    return false;
}

/* Rows of tables that keep theirs have come only now. */
static enum rf_code join_kept(struct rf_existing *existing, struct rf_load *load,
                              struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        const struct rf_load_table *table = &load->tables[i];
        const struct rf_joining joining = rf_joining_of(&table->plan, &load->arena);
        if (joins_kept(load, &joining)) {
            struct rf_counts counts = {.name = table->plan.table};
            code = rf_computed_rejoin(existing, table->source, &table->plan, load->snapshot,
                                      &counts, error);
        }
    }
    return code == RF_OK ? rf_arena_check(&load->arena, error) : code;
}

enum rf_code rf_existing_load_finish(struct rf_load *load, struct rf_pg *pg,
                                     struct rf_error *error) {
    struct rf_existing existing = {.run = load->run,
                                   .pg = pg,
                                   .target = load->target,
                                   .manifest = load->manifest,
                                   .arena = &load->arena};
    const char **names = rf_arena_take(&load->arena, load->count, sizeof *names);
    enum rf_code code = rf_arena_check(&load->arena, error);
    if (code == RF_OK) {
        code = rf_existing_read(&existing, error);
    }
    if (code != RF_OK) {
        return code;
    }
    for (uint32_t i = 0; i < load->count; i++) {
        names[i] = load->tables[i].plan.relation;
    }
    existing.hold = (struct rf_hold){
        .run = load->run,
        .pg = pg,
        .target = load->target,
        .catalog = &existing.catalog,
        .count = load->count,
        .tables = names,
        .first_load = true,
        .across = true,
    };
    rf_hold_sort(&existing.hold);
    code = rf_hold_session(pg, load->replica, true, error);
    for (uint32_t i = 0; code == RF_OK && i < load->count; i++) {
        struct rf_load_table *table = &load->tables[i];
        table->kept = (struct rf_counts){.name = table->plan.table};
        code = table->plan.kept ? rf_existing_fill(&existing, table->source, &table->plan,
                                                   load->snapshot, &table->kept, error)
                                : RF_OK;
    }
    if (code == RF_OK) {
        code = join_kept(&existing, load, error);
    }
    return code == RF_OK ? rf_hold_end(&existing.hold, error) : code;
}

/* ---- giving up ---- */

/* A table without a line for its rows has none of the source's. */
static bool has_rows(const struct rf_ledger_steps *steps, const char *table) {
    for (uint32_t i = 0; i < steps->count; i++) {
        if (strcmp(steps->steps[i].table, table) == 0) {
            return true;
        }
    }
    return false;
}

static enum rf_code empty_again(struct rf_pg *pg, const struct rf_target *target,
                                struct rf_error *error) {
    struct rf_ledger_tables tables;
    struct rf_ledger_steps steps;
    enum rf_code code = rf_ledger_read(pg, target, &tables, error);
    if (code != RF_OK) {
        return code;
    }
    code = rf_ledger_steps(pg, target, &steps, error);
    for (uint32_t i = 0; code == RF_OK && i < tables.count; i++) {
        const struct rf_plan *plan = &tables.tables[i].plan;
        if (!plan->kept && has_rows(&steps, plan->table)) {
            code = rf_existing_empty(pg, target->schema, plan->relation, NULL, error);
        }
    }
    rf_ledger_steps_release(&steps);
    rf_ledger_tables_release(&tables);
    return code;
}

bool rf_existing_load_hopeless(const struct rf_error *error) {
    bool data = strncmp(error->sqlstate, "22", 2) == 0 || strncmp(error->sqlstate, "23", 2) == 0;
    return data || error->code == RF_MISPLACED;
}

static enum rf_code discard(struct rf_existing *existing, struct rf_error *error) {
    enum rf_code code = rf_existing_read(existing, error);
    if (code == RF_OK) {
        code = rf_hold_session(existing->pg, existing->catalog.may_be_replica, true, error);
    }
    if (code == RF_OK) {
        code = empty_again(existing->pg, existing->target, error);
    }
    if (code == RF_OK) {
        code = rf_put_asides_restore(existing->run, existing->pg, existing->target, error);
    }
    return code == RF_OK ? rf_ledger_forget(existing->pg, existing->target, error) : code;
}

enum rf_code rf_existing_load_discard(struct rf_run *run, struct rf_pg *pg,
                                      const struct rf_target *target, struct rf_error *error) {
    struct rf_arena arena = {0};
    struct rf_existing existing = {.run = run, .pg = pg, .target = target, .arena = &arena};
    enum rf_code code = rf_pg_begin(pg, error);
    if (code == RF_OK) {
        code = discard(&existing, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(pg);
        rf_while(error, "while discarding an unfinished load");
    }
    rf_arena_release(&arena);
    return code;
}

/* ---- one transaction ---- */

static enum rf_code fill_entry(struct beginning *beginning, const struct entry *entry,
                               const struct rf_snapshot_name *at, struct rf_counts *counts,
                               struct rf_error *error) {
    struct rf_existing *existing = &beginning->existing;
    enum rf_code code =
        rf_existing_fill(existing, entry->source, &entry->plan, at->number, counts, error);
    if (code == RF_OK) {
        code = rf_ledger_add_trip(existing->pg, existing->target, 0, at->number, "load", counts,
                                  error);
    }
    return code == RF_OK
               ? rf_build_analyze(existing->pg, &entry->plan, existing->target->schema, error)
               : code;
}

static enum rf_code load_all(struct beginning *beginning, const struct rf_snapshot_name *at,
                             struct rf_counts *counts, struct rf_replay_result *result,
                             struct rf_error *error) {
    struct rf_existing *existing = &beginning->existing;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < beginning->count; i++) {
        uint32_t next = beginning->order[i];
        const struct entry *entry = &beginning->entries[next];
        counts[next] = (struct rf_counts){.name = entry->plan.table};
        code = fill_entry(beginning, entry, at, &counts[next], error);
    }
    if (code == RF_OK) {
        code = rf_hold_end(&existing->hold, error);
    }
    const struct rf_closing closing = {
        .run = existing->run,
        .pg = existing->pg,
        .target = existing->target,
        .manifest = existing->manifest,
        .first = true,
        .wrote = true,
        .result = result,
    };
    if (code == RF_OK) {
        code = rf_closing_run(&closing, error);
    }
    return code == RF_OK ? rf_ledger_ready(existing->pg, existing->target, at, error) : code;
}

enum rf_code rf_existing_load_atomic(struct rf_run *run, struct rf_pg **pg,
                                     const struct rf_target *target,
                                     const struct rf_manifest *manifest,
                                     const struct rf_snapshot_name *at,
                                     struct rf_replay_result *result, struct rf_error *error) {
    struct rf_arena arena = {0};
    struct beginning beginning = {
        .existing =
            {.run = run, .pg = *pg, .target = target, .manifest = manifest, .arena = &arena},
    };
    struct rf_counts *counts = rf_arena_take(&arena, manifest->table_count, sizeof *counts);
    enum rf_code code = rf_arena_check(&arena, error);
    if (code == RF_OK) {
        code = rf_pg_begin(*pg, error);
    }
    if (code == RF_OK) {
        code = begin(&beginning, at, error);
    }
    if (code == RF_OK) {
        code = load_all(&beginning, at, counts, result, error);
    }
    if (code == RF_OK) {
        code = rf_commit_move(run, pg, target, at, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(*pg);
        rf_while(error, "while loading snapshot %" PRIu64 " in one transaction", at->number);
    }
    for (uint32_t i = 0; code == RF_OK && i < beginning.count; i++) {
        code = rf_result_add(result, &counts[i], error);
    }
    rf_arena_release(&arena);
    return code;
}
