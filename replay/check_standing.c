/* Tables that stand in the target: what the next delta would make of their plans. A snapshot by itself
 * has no delta, so all of its rows are looked at where the delta would look at those that changed. */
#include "replay/check_inner.h"

#include <string.h>

#include "replay/survey.h"

/* Whether some row does not fit the columns that the census leaves open. */
static enum rf_code look_at_rows(struct rf_check *check, const struct rf_manifest_table *source,
                                 const struct rf_plan *plan, const struct rf_plan_narrow *narrow,
                                 bool *too_narrow, struct rf_error *error) {
    struct rf_survey survey;
    rf_survey_init(&survey, source, &check->delta.arena);
    for (uint32_t i = 0; i < narrow->unsure_count; i++) {
        const struct rf_plan_column *column = &plan->columns[narrow->unsure[i]];
        (void)rf_survey_ask(&survey, RF_SURVEY_FIT, column->cell, column->conversion, 1);
    }
    enum rf_code code = rf_survey_run(&survey, &check->run, error);
    for (const struct rf_survey_question *at = survey.first; code == RF_OK && at; at = at->next) {
        *too_narrow = *too_narrow || at->misfits > 0;
    }
    return code;
}

static enum rf_code find_evolution(struct rf_check *check, const struct rf_manifest_table *source,
                                   const struct rf_plan *plan, bool *evolves,
                                   struct rf_error *error) {
    struct rf_plan_narrow narrow;
    *evolves = rf_plan_outdated(plan, source, &check->delta.arena);
    if (*evolves) {
        return RF_OK;
    }
    enum rf_code code = rf_plan_too_narrow(plan, source, &check->delta.arena, &narrow, error);
    *evolves = code == RF_OK && narrow.count > 0;
    return code == RF_OK && !*evolves && narrow.unsure_count > 0
               ? look_at_rows(check, source, plan, &narrow, evolves, error)
               : code;
}

/* Indexes and constraints of a table that gets another shape are found anew; those that it keeps
 * keep their names. */
static enum rf_code list_indexes(struct rf_check *check, const struct rf_plan *standing,
                                 struct rf_check_table *table, struct rf_error *error) {
    struct rf_plan *plan = &table->plan;
    enum rf_code code =
        rf_plan_list_indexes(table->source, check->delta.utf16, &check->delta.arena, plan, error);
    if (code == RF_OK) {
        code = rf_plan_list_checks(table->source, check->delta.utf16, &check->delta.arena, plan,
                                   error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        struct rf_plan_index *index = &plan->indexes[i];
        index->name = index->wanted;
        for (uint32_t k = 0; k < standing->index_count; k++) {
            if (rf_plan_index_same(index, &standing->indexes[k])) {
                index->name = standing->indexes[k].name;
            }
        }
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        plan->constraints[i].name = plan->constraints[i].wanted;
    }
    return code;
}

static enum rf_code evolve(struct rf_check *check, struct rf_ledger_table *standing,
                           struct rf_check_table *table, struct rf_error *error) {
    struct rf_evolution evolution = {.source = table->source, .standing = standing};
    enum rf_code code = rf_delta_plan_evolution(&check->delta, &evolution, error);
    if (code != RF_OK) {
        return code;
    }
    table->plan = evolution.to;
    table->step = evolution.refill ? RF_CHECK_REFILL : RF_CHECK_ALTER;
    return list_indexes(check, &standing->plan, table, error);
}

/* What the rules of today would have made otherwise stays as it is, but not in silence. */
static enum rf_code note_disagreements(struct rf_check *check, const struct rf_check_table *table,
                                       struct rf_error *error) {
    uint32_t count = 0;
    const char **lines = NULL;
    enum rf_code code = rf_plan_disagrees(&table->plan, table->source, check->options.rules,
                                          &check->delta.arena, &count, &lines, error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        rf_run_warn(&check->run, "table %s: %s; replay --remake makes it so", table->plan.table,
                    lines[i]);
    }
    return code;
}

enum rf_code rf_check_plan_standing(struct rf_check *check, struct rf_ledger_table *standing,
                                    struct rf_check_table *table, struct rf_error *error) {
    bool evolves = false;
    table->plan = standing->plan;
    table->step = RF_CHECK_KEEP;
    enum rf_code code = find_evolution(check, table->source, &standing->plan, &evolves, error);
    if (code == RF_OK && evolves) {
        code = evolve(check, standing, table, error);
    }
    return code == RF_OK ? note_disagreements(check, table, error) : code;
}
