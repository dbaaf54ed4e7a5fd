#include "replay/existing.h"

#include <inttypes.h>
#include <string.h>

#include "replay/computed_check.h"
#include "replay/computed_join.h"
#include "replay/delta.h"
#include "replay/fill.h"
#include "replay/fit.h"
#include "replay/fit_type.h"
#include "replay/quote.h"
#include "replay/sql.h"

bool rf_existing_concerns(const struct rf_run *run, const struct rf_ledger_tables *standing) {
    for (uint32_t i = 0; standing && i < standing->count; i++) {
        if (!standing->tables[i].plan.owned) {
            return true;
        }
    }
    return run->options->rules->existing;
}

enum rf_code rf_existing_read(struct rf_existing *existing, struct rf_error *error) {
    return rf_catalog_read(existing->pg, existing->target->schema, existing->arena,
                           &existing->catalog, error);
}

enum rf_code rf_existing_look(struct rf_existing *existing, struct rf_error *error) {
    enum rf_code code = rf_pg_begin(existing->pg, error);
    if (code == RF_OK) {
        code = rf_existing_read(existing, error);
    }
    rf_pg_rollback(existing->pg);
    return code;
}

/* ---- fitting ---- */

const struct rf_catalog_table *rf_existing_target(const struct rf_existing *existing,
                                                  const struct rf_manifest_table *source,
                                                  const struct rf_plan *before) {
    return before
               ? rf_catalog_find(&existing->catalog, before->relation)
               : rf_fit_find(&existing->catalog, existing->run->options->rules, source->table.name);
}

enum rf_code rf_existing_fit(struct rf_existing *existing, const struct rf_manifest_table *source,
                             const struct rf_plan *before, struct rf_plan *plan,
                             struct rf_troubles *troubles, struct rf_error *error) {
    struct rf_fit_question question = {
        .rules = existing->run->options->rules,
        .catalog = &existing->catalog,
        .source = source,
        .before = before,
    };
    enum rf_code code = rf_existing_prove(existing, source, &question.proven, error);
    uint32_t known = troubles->count;
    if (code == RF_OK) {
        code = rf_fit_table(&question, existing->arena, plan, troubles, error);
    }
    return code == RF_OK && plan->computed && troubles->count == known
               ? rf_plan_choose_types(existing->run, source, plan, existing->arena, error)
               : code;
}

enum rf_code rf_existing_fail(const struct rf_existing *existing,
                              const struct rf_troubles *troubles, struct rf_error *error) {
    return rf_troubles_fail(troubles, existing->run, RF_MISPLACED,
                            "the application's tables cannot take the source's rows as they are",
                            "nothing was changed. Mend what is listed, or leave tables out with "
                            "--exclude-table and columns with a rule, then run the same command "
                            "again.",
                            error);
}

enum rf_code rf_existing_rights(struct rf_pg *pg, const struct rf_target *target,
                                struct rf_error *error) {
    enum { STANDS, MAY_CREATE, MAY_CREATE_SCHEMA, DATABASE, ROLE };
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->schema);
    struct rf_pg_rows *rows = NULL;
    bool ledger = false;
    enum rf_code code = rf_ledger_find(pg, &ledger, error);
    if (code == RF_OK) {
        code = rf_pg_ask(pg, rf_sql_schema_facts, &args, &rows, error);
    }
    if (code == RF_OK && !rf_pg_rows_truth(rows, 0, STANDS)) {
        code = rf_fail(error, RF_MISPLACED, "the target has no schema \"%s\"", target->schema);
        rf_hint(error, "with --existing the application makes the tables first.");
    } else if (code == RF_OK && !ledger && !rf_pg_rows_truth(rows, 0, MAY_CREATE_SCHEMA)) {
        const char *database = rf_pg_rows_text(rows, 0, DATABASE);
        const char *role = rf_pg_rows_text(rows, 0, ROLE);
        code = rf_fail(error, RF_CONNECT, "role \"%s\" may not create schemas in database \"%s\"",
                       role, database);
        rf_hint(error,
                "GRANT CREATE ON DATABASE \"%s\" TO \"%s\"; the ledger has a schema of its "
                "own.",
                database, role);
    }
    rf_pg_rows_free(rows);
    return code;
}

struct checking {
    struct rf_existing *existing;
    const struct rf_ledger_tables *standing; /* NULL: a first load */
    struct rf_troubles *troubles;
    uint32_t count;
    const char **names;          /* of tables that will be written, in the target */
    struct rf_joining *joinings; /* of all tables of the manifest */
};

static void will_be_written(struct checking *checking, const char *relation) {
    checking->names[checking->count++] = relation;
}

static void note_joins(struct checking *checking, const struct rf_manifest_table *source,
                       const struct rf_plan *plan) {
    struct rf_joining *joining = &checking->joinings[source - checking->existing->manifest->tables];
    if (plan && plan->relation) {
        *joining = rf_joining_of(plan, checking->existing->arena);
    }
}

/* What joins others comes behind them. */
static void check_joins(struct checking *checking) {
    struct rf_arena *arena = checking->existing->arena;
    uint32_t count = checking->existing->manifest->table_count;
    uint32_t *order = rf_arena_take(arena, count, sizeof *order);
    for (uint32_t i = 0; i < count; i++) {
        const char *relation = checking->joinings[i].relation;
        checking->joinings[i].relation = relation ? relation : "";
    }
    if (order) {
        rf_joining_check(checking->joinings, count, order, checking->troubles);
    }
}

static enum rf_code check_table(struct checking *checking, const struct rf_manifest_table *source,
                                struct rf_error *error) {
    struct rf_existing *existing = checking->existing;
    const struct rf_ledger_table *standing =
        checking->standing ? rf_ledger_find_table(checking->standing, source->table.name) : NULL;
    enum rf_delta_step step = rf_delta_step_of(existing->run, source, standing, &existing->catalog);
    note_joins(checking, source, standing ? &standing->plan : NULL);
    bool owned = standing ? standing->plan.owned : !existing->run->options->rules->existing;
    if (owned && checking->standing) {
        return RF_OK;
    }
    bool anew = standing && rf_existing_remakes(existing->run, &standing->plan);
    if (step == RF_DELTA_CHANGE && !anew) {
        will_be_written(checking, standing->plan.relation);
    }
    if (step != RF_DELTA_MAKE && step != RF_DELTA_EVOLVE && !anew) {
        return RF_OK;
    }
    struct rf_plan plan;
    uint32_t known = checking->troubles->count;
    enum rf_code code =
        rf_existing_fit(existing, source, standing && !anew ? &standing->plan : NULL, &plan,
                        checking->troubles, error);
    note_joins(checking, source, &plan);
    if (code == RF_OK && plan.computed && checking->troubles->count == known) {
        code = rf_computed_find_troubles(existing, &plan, checking->troubles, error);
    }
    if (code == RF_OK && plan.relation) {
        will_be_written(checking, plan.relation);
        code = rf_existing_find_failing(existing, source, &plan, checking->troubles, error);
    }
    return code;
}

/* A table that the source dropped is not ours to drop. */
static void check_gone(struct checking *checking) {
    const struct rf_manifest *manifest = checking->existing->manifest;
    const struct rf_catalog *catalog = &checking->existing->catalog;
    for (uint32_t i = 0; checking->standing && i < checking->standing->count; i++) {
        const struct rf_plan *plan = &checking->standing->tables[i].plan;
        if (!plan->owned && !rf_manifest_find(manifest, plan->table) &&
            rf_catalog_find(catalog, plan->relation)) {
            rf_trouble(checking->troubles,
                       "table \"%s\" is not in the source any more (DROP TABLE \"%s\".\"%s\")",
                       plan->table, catalog->schema, plan->relation);
        }
    }
}

enum rf_code rf_existing_find_troubles(struct rf_existing *existing,
                                       const struct rf_ledger_tables *standing,
                                       struct rf_troubles *troubles, struct rf_error *error) {
    const struct rf_manifest *manifest = existing->manifest;
    struct checking checking = {
        .existing = existing,
        .standing = standing,
        .troubles = troubles,
        .names = rf_arena_take(existing->arena, manifest->table_count, sizeof *checking.names),
        .joinings =
            rf_arena_take(existing->arena, manifest->table_count, sizeof *checking.joinings),
    };
    enum rf_code code = rf_arena_check(existing->arena, error);
    for (uint32_t i = 0; code == RF_OK && i < manifest->table_count; i++) {
        code = check_table(&checking, &manifest->tables[i], error);
    }
    if (code != RF_OK) {
        return code;
    }
    check_gone(&checking);
    check_joins(&checking);
    rf_joining_follow(standing, manifest, checking.names, &checking.count);
    bool first = standing == NULL;
    struct rf_hold hold = {
        .catalog = &existing->catalog,
        .count = checking.count,
        .tables = checking.names,
        .first_load = first,
        .across = first && !existing->run->options->rules->atomic,
    };
    rf_hold_sort(&hold);
    rf_hold_check(&hold, troubles);
    return rf_arena_check(existing->arena, error);
}

enum rf_code rf_existing_check(struct rf_existing *existing,
                               const struct rf_ledger_tables *standing, struct rf_error *error) {
    struct rf_troubles troubles = {.arena = existing->arena};
    enum rf_code code = rf_existing_find_troubles(existing, standing, &troubles, error);
    return code == RF_OK ? rf_existing_fail(existing, &troubles, error) : code;
}

/* ---- rows ---- */

enum rf_code rf_existing_empty(struct rf_pg *pg, const char *schema, const char *relation,
                               uint64_t *rows, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "DELETE FROM ONLY ");
    rf_quote_qualified(&sql, schema, relation);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, rows, error);
    rf_buffer_release(&sql);
    if (code != RF_OK) {
        rf_while(error, "while emptying table %s", relation);
    }
    return code;
}

static enum rf_code fill_beside(const struct rf_fill_options *options, struct rf_counts *counts,
                                struct rf_error *error) {
    struct rf_keep keep = {
        .run = options->run, .pg = options->pg, .target = options->target, .plan = options->plan};
    struct rf_fill_options beside = *options;
    beside.keep = &keep;
    uint64_t kept = 0;
    enum rf_code code = rf_keep_remember(options->pg, options->target, options->plan, &kept, error);
    if (code == RF_OK) {
        code = rf_fill_whole(&beside, counts, error);
    }
    if (code == RF_OK) {
        rf_run_note(options->run,
                    "table %s keeps %" PRIu64 " rows; %u of the source with a key of theirs are "
                    "left out",
                    options->plan->relation, kept, keep.count);
    }
    rf_keep_release(&keep);
    return code;
}

enum rf_code rf_existing_fill(struct rf_existing *existing, const struct rf_manifest_table *source,
                              const struct rf_plan *plan, uint64_t snapshot,
                              struct rf_counts *counts, struct rf_error *error) {
    const struct rf_fill_options options = {
        .run = existing->run,
        .pg = existing->pg,
        .target = existing->target,
        .schema = existing->target->schema,
        .source = source,
        .plan = plan,
        .snapshot = snapshot,
    };
    return plan->kept ? fill_beside(&options, counts, error)
                      : rf_fill_whole(&options, counts, error);
}
