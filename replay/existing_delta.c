/* What a delta does with tables that the application made. */
#include <string.h>

#include "replay/build.h"
#include "replay/computed_delta.h"
#include "replay/computed_join.h"
#include "replay/delta_table.h"
#include "replay/guard.h"
#include "replay/keep.h"
#include "replay/preflight.h"

static bool is_written(const struct rf_existing *existing, const struct rf_manifest_table *source,
                       const struct rf_ledger_table *standing, bool same) {
    bool overwritten = rf_guard_overwrites(existing->run, source->table.name) != NULL;
    if (standing && standing->plan.owned) {
        return false;
    }
    if (standing && same) {
        return overwritten || rf_existing_remakes(existing->run, &standing->plan);
    }
    enum rf_delta_step step = rf_delta_step_of(existing->run, source, standing, &existing->catalog);
    return standing ? step == RF_DELTA_CHANGE || step == RF_DELTA_EVOLVE
                    : rf_existing_makes(existing, NULL, step);
}

enum rf_code rf_existing_hold(struct rf_existing *existing, const struct rf_ledger_tables *standing,
                              bool same, struct rf_error *error) {
    const struct rf_manifest *manifest = existing->manifest;
    const char **names = rf_arena_take(existing->arena, manifest->table_count, sizeof *names);
    uint32_t count = 0;
    for (uint32_t i = 0; names && i < manifest->table_count; i++) {
        const struct rf_manifest_table *source = &manifest->tables[i];
        const struct rf_ledger_table *known = rf_ledger_find_table(standing, source->table.name);
        if (!is_written(existing, source, known, same)) {
            continue;
        }
        const struct rf_catalog_table *to =
            rf_existing_target(existing, source, known ? &known->plan : NULL);
        if (to) {
            names[count++] = to->name;
        }
    }
    if (names) {
        rf_joining_follow(standing, manifest, names, &count);
    }
    existing->hold = (struct rf_hold){
        .run = existing->run,
        .pg = existing->pg,
        .target = existing->target,
        .catalog = &existing->catalog,
        .count = count,
        .tables = names,
    };
    rf_hold_sort(&existing->hold);
    enum rf_code code = rf_arena_check(existing->arena, error);
    return code == RF_OK && count > 0 ? rf_hold_begin(&existing->hold, error) : code;
}

bool rf_existing_remakes(const struct rf_run *run, const struct rf_plan *before) {
    return !before->owned && !before->kept && rf_run_remakes(run, before->table);
}

bool rf_existing_makes(const struct rf_existing *existing, const struct rf_plan *before,
                       enum rf_delta_step step) {
    if (!existing || (step != RF_DELTA_MAKE && step != RF_DELTA_EVOLVE)) {
        return false;
    }
    return before ? !before->owned : existing->run->options->rules->existing;
}

static enum rf_code plan_table(struct rf_existing *existing, const struct rf_manifest_table *source,
                               const struct rf_plan *before, struct rf_plan *plan,
                               struct rf_error *error) {
    struct rf_troubles troubles = {.arena = existing->arena};
    bool added = false;
    enum rf_code code = rf_existing_fit(existing, source, before, plan, &troubles, error);
    if (code == RF_OK) {
        code = rf_existing_fail(existing, &troubles, error);
    }
    if (code == RF_OK) {
        rf_build_remarks(existing->run, plan);
        code = rf_ledger_add_table(existing->pg, existing->target, plan, &source->digest, &added,
                                   error);
    }
    return code == RF_OK && !added
               ? rf_fail(error, RF_MISPLACED, "another table of the source feeds \"%s\" already",
                         plan->relation)
               : code;
}

/* Rows that came by an earlier plan, or that were there before any. */
static enum rf_code empty(struct rf_delta *delta, const struct rf_ledger_table *standing,
                          const struct rf_plan *plan, struct rf_counts *counts,
                          struct rf_error *error) {
    uint64_t rows = 0;
    enum rf_code code =
        rf_existing_empty(delta->pg, delta->target->schema, plan->relation, &rows, error);
    counts->deleted += standing ? rows : 0;
    return code;
}

/* Which rows are the application's can be told as long as the columns are what they were. */
static enum rf_code leave_kept(struct rf_delta *delta, const struct rf_plan *plan,
                               struct rf_counts *counts, struct rf_error *error) {
    uint64_t rows = 0;
    enum rf_code code = rf_preflight_columns(delta->pg, delta->target->schema, plan, error);
    if (code == RF_OK) {
        code = rf_keep_restore(delta->pg, delta->target, plan, &rows, error);
    }
    counts->deleted += rows;
    return code;
}

/* What it brought to another table would stay there. */
static enum rf_code check_place(const struct rf_plan *before, const struct rf_plan *now,
                                struct rf_error *error) {
    if (strcmp(before->relation, now->relation) == 0) {
        return RF_OK;
    }
    rf_fail(error, RF_MISPLACED, "table %s feeds \"%s\", and is to feed \"%s\"", before->table,
            before->relation, now->relation);
    rf_hint(error,
            "empty \"%s\", delete its line in rowferry.relation, and run the same command "
            "again.",
            before->relation);
    return RF_MISPLACED;
}

enum rf_code rf_existing_make(struct rf_delta *delta, const struct rf_manifest_table *source,
                              const struct rf_ledger_table *standing, bool anew,
                              struct rf_counts *counts, struct rf_error *error) {
    struct rf_existing *existing = delta->existing;
    struct rf_plan plan;
    bool overwritten = rf_guard_overwrites(delta->run, source->table.name) != NULL;
    if (standing && standing->plan.kept && !overwritten) {
        rf_fail(error, RF_MISPLACED,
                "table \"%s\" has another shape, and rows of the application that it keeps",
                standing->plan.relation);
        rf_hint(error, "which rows are whose cannot be told any more: empty the table, delete its "
                       "line in rowferry.relation, and run the same command again.");
        return RF_MISPLACED;
    }
    enum rf_code code = RF_OK;
    if (standing && standing->plan.kept) {
        code = leave_kept(delta, &standing->plan, counts, error);
    }
    if (code == RF_OK && standing) {
        code = rf_ledger_remove_table(delta->pg, delta->target, standing->plan.table, error);
    }
    if (code == RF_OK) {
        code =
            plan_table(existing, source, standing && !anew ? &standing->plan : NULL, &plan, error);
    }
    if (code == RF_OK && anew) {
        code = check_place(&standing->plan, &plan, error);
    }
    if (code == RF_OK && !plan.kept) {
        code = empty(delta, standing, &plan, counts, error);
    }
    if (code == RF_OK) {
        code = rf_existing_fill(existing, source, &plan, delta->snapshot, counts, error);
    }
    return code == RF_OK ? rf_build_analyze(delta->pg, &plan, delta->target->schema, error) : code;
}

/* Types whose values are equal in an index where their bytes are, and which the list of rows has in
 * the same way. */
static bool leads(const struct rf_catalog_column *column) {
    return column->kind == RF_KIND_INT2 || column->kind == RF_KIND_INT4 ||
           column->kind == RF_KIND_INT8 || column->kind == RF_KIND_TEXT ||
           column->kind == RF_KIND_VARCHAR || column->kind == RF_KIND_UUID;
}

static uint32_t place_of(const struct rf_plan *plan, const struct rf_catalog_table *table,
                         uint32_t number) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_catalog_column *column =
            rf_catalog_find_column(table, plan->columns[i].name);
        if (column && column->number == number && leads(column)) {
            return i + 1;
        }
    }
    return 0;
}

/* How rows of a table without a key are found without reading all of it. */
static uint32_t find_lookup(const struct rf_existing *existing, const struct rf_plan *plan) {
    const struct rf_catalog_table *table = rf_catalog_find(&existing->catalog, plan->relation);
    uint32_t found = 0;
    bool unique = false;
    for (uint32_t i = 0; table && i < table->index_count && !unique; i++) {
        const struct rf_catalog_index *index = &table->indexes[i];
        uint32_t place =
            index->valid && index->column_count > 0 ? place_of(plan, table, index->columns[0]) : 0;
        if (place > 0 && (found == 0 || index->unique)) {
            found = place;
            unique = index->unique;
        }
    }
    return found;
}

enum rf_code rf_existing_change(struct rf_delta *delta, const struct rf_manifest_table *source,
                                struct rf_ledger_table *standing, struct rf_counts *counts,
                                struct rf_error *error) {
    if (standing->plan.computed) {
        return rf_computed_change(delta, source, standing, counts, error);
    }
    standing->plan.lookup = find_lookup(delta->existing, &standing->plan);
    return rf_delta_change(delta, source, standing, counts, error);
}

enum rf_code rf_existing_drop(struct rf_delta *delta, const struct rf_ledger_table *standing,
                              struct rf_error *error) {
    const struct rf_plan *plan = &standing->plan;
    if (rf_catalog_find(&delta->existing->catalog, plan->relation)) {
        rf_fail(error, RF_MISPLACED, "table \"%s\" is not in the source any more", plan->table);
        rf_hint(error, "the application made it: drop it, then run the same command again.");
        return RF_MISPLACED;
    }
    return rf_ledger_remove_table(delta->pg, delta->target, plan->table, error);
}
