/* What only the rows can tell of a table that is fitted: how dates and times are kept, where a
 * column of the target leaves that open; and whether values are there that are to fail. */
#include <string.h>

#include "replay/existing.h"
#include "replay/fit.h"
#include "replay/fit_type.h"
#include "replay/survey.h"

static bool has_values(const struct rf_census *census) {
    return census->count[RF_INTEGER] + census->count[RF_REAL] + census->count[RF_TEXT] > 0;
}

static bool is_text(enum rf_instant_encoding encoding) {
    return encoding == RF_INSTANT_ISO_DATE || encoding == RF_INSTANT_ISO_TIME ||
           encoding == RF_INSTANT_ISO_LOCAL || encoding == RF_INSTANT_ISO_ZONED;
}

static const char *spell(struct rf_arena *arena, const struct rf_instant_evidence *evidence) {
    struct rf_spelling spelling;
    char text[RF_SPELLING_TEXT];
    if (!rf_instant_evidence_proven(evidence, &spelling)) {
        return NULL;
    }
    if (!is_text(evidence->encoding)) {
        return rf_instant_name(evidence->encoding);
    }
    rf_spelling_print(&spelling, text);
    return rf_arena_printf(arena, "iso %s", text);
}

static void ask_instants(const struct rf_existing *existing, const struct rf_catalog_table *to,
                         struct rf_survey *survey) {
    const struct rf_rules *rules = existing->run->options->rules;
    const struct rf_table *table = &survey->source->table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        struct rf_column_settings settings = rf_rules_column(rules, table->name, name);
        const struct rf_catalog_column *column = rf_fit_find_column(to, rules, table->name, name);
        if (column && !settings.exclude && rf_fit_type_wants_proof(column, &settings) &&
            has_values(&survey->source->census[i])) {
            (void)rf_survey_ask(survey, RF_SURVEY_INSTANTS, i, NULL, 0);
        }
    }
}

enum rf_code rf_existing_prove(struct rf_existing *existing, const struct rf_manifest_table *source,
                               const char *const **proven, struct rf_error *error) {
    struct rf_arena *arena = existing->arena;
    const struct rf_catalog_table *to =
        rf_fit_find(&existing->catalog, existing->run->options->rules, source->table.name);
    *proven = NULL;
    if (!to) {
        return RF_OK;
    }
    const char **found = rf_arena_take(arena, source->table.column_count, sizeof *found);
    struct rf_survey survey;
    rf_survey_init(&survey, source, arena);
    ask_instants(existing, to, &survey);
    enum rf_code code = rf_arena_check(arena, error);
    if (code == RF_OK) {
        code = rf_survey_run(&survey, existing->run, error);
    }
    for (struct rf_survey_question *at = survey.first; code == RF_OK && at; at = at->next) {
        found[at->cell] = spell(arena, &at->instants);
    }
    *proven = found;
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}

enum rf_code rf_existing_find_failing(struct rf_existing *existing,
                                      const struct rf_manifest_table *source,
                                      const struct rf_plan *plan, struct rf_troubles *troubles,
                                      struct rf_error *error) {
    struct rf_survey survey;
    rf_survey_init(&survey, source, existing->arena);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        if (column->on_mismatch == RF_MISMATCH_FAIL &&
            rf_conversion_fits_census(column->conversion, &source->census[column->cell]) ==
                RF_VERDICT_UNSURE) {
            (void)rf_survey_ask(&survey, RF_SURVEY_FIT, column->cell, column->conversion, 1);
        }
    }
    enum rf_code code = rf_arena_check(existing->arena, error);
    if (code == RF_OK) {
        code = rf_survey_run(&survey, existing->run, error);
    }
    for (const struct rf_survey_question *at = survey.first; code == RF_OK && at; at = at->next) {
        if (at->misfits > 0) {
            rf_trouble(troubles, "table \"%s\": column \"%s\" does not hold %s of row %s",
                       plan->relation, source->table.columns[at->cell].name, at->examples[0].value,
                       at->examples[0].key);
        }
    }
    return code;
}
