/* Fitting tables whose rows the server computes: which columns of the target take one of the
 * source's as it is, what fills the others, and what stands in the stage for expressions alone.
 *
 * Every column of the source has a place in the stage, called as the source calls it, unless the
 * server has no such name for a column; one that goes into the target as it is has the target's
 * type there, any other the type that rowferry would choose for a table of its own
 * (rf_plan_choose_types, which is left to the caller: it may have to read rows). */
#include <string.h>

#include "replay/computed_names.h"
#include "replay/fit_inner.h"
#include "replay/fit_type.h"
#include "replay/quote.h"

bool rf_computed_wanted(const struct rf_rules *rules, const char *table) {
    const struct rf_table_settings settings = rf_rules_table(rules, table);
    return settings.where || settings.value_count > 0;
}

static struct rf_table_settings settings_of(const struct rf_fit *fit) {
    return rf_rules_table(fit->question->rules, rf_fit_table_name(fit));
}

/* ---- joins ---- */

static bool is_source(const char *alias) {
    return strcmp(alias, "source") == 0;
}

static void check_alias(struct rf_fit *fit, const struct rf_plan_join *join) {
    const char *refusal = rf_name_refusal(join->alias);
    bool taken = is_source(join->alias);
    for (const struct rf_plan_join *other = fit->computed->joins; other < join; other++) {
        taken = taken || strcmp(other->alias, join->alias) == 0;
    }
    if (taken || refusal) {
        rf_trouble(fit->troubles,
                   "table \"%s\": \"%s\" cannot be what a joined table is called: %s",
                   fit->to->name, join->alias, refusal ? refusal : "the name is taken");
    }
}

static void check_joined(struct rf_fit *fit, const struct rf_plan_join *join) {
    const struct rf_catalog *catalog = fit->question->catalog;
    const struct rf_catalog_table *to = rf_catalog_find(catalog, join->relation);
    if (!to || (to->kind != 'r' && to->kind != 'p')) {
        rf_trouble(fit->troubles, "table \"%s\" joins \"%s\", which is no table of the target",
                   fit->to->name, join->relation);
    } else if (to == fit->to) {
        rf_trouble(fit->troubles, "table \"%s\" joins itself", fit->to->name);
    } else if (!to->may_select) {
        rf_trouble(fit->troubles, "table \"%s\" joins \"%s\", which role \"%s\" may not SELECT",
                   fit->to->name, join->relation, catalog->role);
    }
}

static void take_joins(struct rf_fit *fit, const struct rf_table_settings *settings) {
    struct rf_plan_computed *computed = fit->computed;
    computed->joins = rf_arena_take(fit->arena, settings->join_count, sizeof *computed->joins);
    for (uint32_t i = 0; computed->joins && i < settings->join_count; i++) {
        const struct rf_join_rule *rule = &settings->joins[i];
        struct rf_plan_join *join = &computed->joins[computed->join_count++];
        *join = (struct rf_plan_join){
            .relation = rf_arena_copy(fit->arena, rule->table),
            .alias = rf_arena_copy(fit->arena, rule->alias ? rule->alias : rule->table),
            .on = rf_arena_copy(fit->arena, rule->on),
        };
        if (!fit->arena->failed) {
            check_alias(fit, join);
            check_joined(fit, join);
        }
    }
}

/* ---- values ---- */

static bool has_column(const struct rf_table *table, const char *name) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A name that the source has as well means the source's column, or it is qualified. */
static bool mentions_join(const struct rf_fit *fit, const char *sql,
                          const struct rf_plan_join *join) {
    const struct rf_catalog_table *joined = rf_catalog_find(fit->question->catalog, join->relation);
    if (rf_sql_mentions(sql, join->alias)) {
        return true;
    }
    for (uint32_t i = 0; joined && i < joined->column_count; i++) {
        const char *name = joined->columns[i].name;
        if (!has_column(&fit->question->source->table, name) && rf_sql_mentions(sql, name)) {
            return true;
        }
    }
    return false;
}

static bool is_joined(const struct rf_fit *fit, const char *sql) {
    for (uint32_t i = 0; i < fit->computed->join_count; i++) {
        if (mentions_join(fit, sql, &fit->computed->joins[i])) {
            return true;
        }
    }
    return false;
}

static void take_value(struct rf_fit *fit, const struct rf_value_rule *rule) {
    const struct rf_catalog_column *to = rf_catalog_find_column(fit->to, rule->column);
    if (!to) {
        rf_trouble(fit->troubles, "table \"%s\" has no column \"%s\", which a value is for",
                   fit->to->name, rule->column);
        return;
    }
    uint32_t number = (uint32_t)(to - fit->to->columns);
    if (to->generated || fit->valued[number]) {
        rf_trouble(fit->troubles, "table \"%s\": column \"%s\" cannot take a value: %s",
                   fit->to->name, to->name,
                   to->generated ? "the server generates it" : "another value is for it");
        return;
    }
    fit->valued[number] = fit->written[number] = true;
    fit->values[fit->value_count++] = (struct rf_plan_target){
        .name = rf_arena_copy(fit->arena, to->name),
        .sql = rf_arena_copy(fit->arena, rule->sql),
        .joined = is_joined(fit, rule->sql),
    };
}

enum rf_code rf_fit_begin_computed(struct rf_fit *fit, struct rf_error *error) {
    const struct rf_table_settings settings = settings_of(fit);
    struct rf_arena *arena = fit->arena;
    size_t most = (size_t)settings.value_count + fit->question->source->table.column_count;
    fit->computed = rf_arena_take(arena, 1, sizeof *fit->computed);
    fit->valued = rf_arena_take(arena, fit->to->column_count, sizeof *fit->valued);
    fit->values = rf_arena_take(arena, settings.value_count, sizeof *fit->values);
    if (!arena->failed) {
        fit->computed->targets = rf_arena_take(arena, most, sizeof *fit->computed->targets);
        fit->computed->where = rf_arena_copy(arena, settings.where);
        take_joins(fit, &settings);
    }
    for (uint32_t i = 0; !arena->failed && i < settings.value_count; i++) {
        take_value(fit, &settings.values[i]);
    }
    fit->plan->computed = fit->computed;
    return rf_arena_check(arena, error);
}

/* ---- columns of the source ---- */

/* For expressions alone. */
static enum rf_code stage_column(struct rf_fit *fit, uint32_t number,
                                 const struct rf_column_settings *settings,
                                 struct rf_error *error) {
    const struct rf_column *from = &fit->question->source->table.columns[number];
    const struct rf_conversion *asked = NULL;
    enum rf_code code =
        settings->type ? rf_conversion_read(settings->type, fit->arena, &asked, error) : RF_OK;
    if (code == RF_USAGE) {
        rf_trouble(fit->troubles, "table \"%s\": column \"%s\" of the source: %s", fit->to->name,
                   from->name, error->what);
        rf_error_clear(error);
        return RF_OK;
    }
    fit->plan->columns[fit->plan->column_count++] = (struct rf_plan_column){
        .source = rf_arena_copy(fit->arena, from->name),
        .name = rf_arena_copy(fit->arena, from->name),
        .cell = number,
        .declared = rf_sayable(fit->arena, from->declared ? from->declared : ""),
        .on_mismatch = settings->mismatch_said ? settings->on_mismatch : RF_MISMATCH_WIDEN,
        .bad_text = settings->bad_text,
        .asked = asked ? asked->name : NULL,
    };
    fit->place[number] = fit->plan->column_count;
    return code;
}

static void add_plain(struct rf_fit *fit, const struct rf_catalog_column *to) {
    uint32_t place = fit->plan->column_count - 1;
    struct rf_plan_column *column = &fit->plan->columns[place];
    column->name = column->source;
    fit->computed->targets[fit->computed->target_count++] = (struct rf_plan_target){
        .name = rf_arena_copy(fit->arena, to->name),
        .sql = rf_arena_printf(fit->arena, "source.%s", rf_fit_quoted(fit, column->source)),
        .plain = true,
        .column = place,
    };
}

static enum rf_code carry_plain(struct rf_fit *fit, uint32_t number,
                                const struct rf_catalog_column *to,
                                const struct rf_column_settings *settings, struct rf_error *error) {
    uint32_t before = fit->plan->column_count;
    enum rf_code code = rf_fit_carry(fit, number, to, settings, error);
    if (code == RF_OK && fit->plan->column_count > before) {
        add_plain(fit, to);
    }
    return code;
}

/* A column that the server has no name for cannot be in the stage, and so not in the target. */
static void refuse_name(struct rf_fit *fit, const struct rf_column *from,
                        const struct rf_column_settings *settings, const char *refusal) {
    if (settings->exclude) {
        rf_fit_exclude(fit, from);
        return;
    }
    rf_trouble(fit->troubles,
               "table \"%s\": column \"%s\" of the source cannot be in SQL: %s (leave the column "
               "out with exclude)",
               fit->to->name, from->name, refusal);
}

enum rf_code rf_fit_match_computed(struct rf_fit *fit, uint32_t number,
                                   const struct rf_column_settings *settings,
                                   struct rf_error *error) {
    const struct rf_column *from = &fit->question->source->table.columns[number];
    const char *refusal = rf_column_refusal(from->name);
    if (refusal) {
        refuse_name(fit, from, settings, refusal);
        return RF_OK;
    }
    if (settings->exclude) {
        return stage_column(fit, number, settings, error);
    }
    const struct rf_catalog_column *to =
        rf_fit_find_column(fit->to, fit->question->rules, rf_fit_table_name(fit), from->name);
    if (!to) {
        rf_fit_tell_missing(fit, from, settings);
        return RF_OK;
    }
    uint32_t place = (uint32_t)(to - fit->to->columns);
    if (to->generated || fit->valued[place]) {
        return stage_column(fit, number, settings, error);
    }
    if (fit->written[place]) {
        rf_trouble(fit->troubles, "table \"%s\": two columns of the source are meant for \"%s\"",
                   fit->to->name, to->name);
        return RF_OK;
    }
    return carry_plain(fit, number, to, settings, error);
}

void rf_fit_end_computed(struct rf_fit *fit) {
    for (uint32_t i = 0; fit->computed && i < fit->value_count; i++) {
        fit->computed->targets[fit->computed->target_count++] = fit->values[i];
    }
}

/* ---- the key ---- */

bool rf_fit_is_plain(const struct rf_fit *fit, uint32_t place) {
    return place > 0 && rf_plan_goes_to(fit->plan, place - 1);
}

/* Without a key that is in the target whole, rows are found there by all that was made of them. */
void rf_fit_find_computed_key(struct rf_fit *fit) {
    const struct rf_table *table = &fit->question->source->table;
    const char *const *given = settings_of(fit).key;
    if (given) {
        rf_fit_take_key(fit, given);
        return;
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (!rf_fit_is_plain(fit, fit->place[table->key[i]])) {
            return;
        }
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        rf_fit_add_key_part(fit, fit->place[table->key[i]]);
    }
}

/* ---- afterwards ---- */

static bool source_changed(const struct rf_plan *plan, const struct rf_table *table,
                           struct rf_arena *arena) {
    if (table->column_count != plan->column_count + plan->excluded_count) {
        return true;
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        if (column->cell >= table->column_count) {
            return true;
        }
        const struct rf_column *now = &table->columns[column->cell];
        const char *declared = rf_sayable(arena, now->declared ? now->declared : "");
        if (strcmp(column->source, now->name) != 0 || !declared ||
            strcmp(column->declared, declared) != 0) {
            return true;
        }
    }
    return false;
}

static bool target_changed(const struct rf_plan *plan, const struct rf_catalog_table *standing) {
    for (uint32_t i = 0; i < plan->computed->target_count; i++) {
        const struct rf_plan_target *target = &plan->computed->targets[i];
        const struct rf_catalog_column *now = rf_catalog_find_column(standing, target->name);
        const struct rf_plan_column *column = &plan->columns[target->column];
        if (!now || now->generated ||
            (target->plain && (now->not_null != column->not_null ||
                               !rf_fit_type_is(now, column->conversion->type)))) {
            return true;
        }
    }
    return false;
}

/* What the stage alone has is of a type that held all of it; it may not hold what came since. */
static bool is_too_narrow(const struct rf_plan *plan, const struct rf_manifest_table *source,
                          struct rf_arena *arena) {
    struct rf_plan_narrow narrow;
    struct rf_error ignored;
    return rf_plan_too_narrow(plan, source, arena, &narrow, &ignored) == RF_OK && narrow.count > 0;
}

bool rf_computed_outdated(const struct rf_plan *plan, const struct rf_manifest_table *source,
                          const struct rf_catalog_table *standing, struct rf_arena *arena) {
    return standing->kind != 'r' || source_changed(plan, &source->table, arena) ||
           target_changed(plan, standing) || is_too_narrow(plan, source, arena);
}
