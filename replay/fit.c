#include "replay/fit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/fit_inner.h"
#include "replay/fit_type.h"
#include "replay/quote.h"

/* ---- names ---- */

#define FOLDED 512

/* ASCII alone, as the server folds. False: too long for any name there. */
static bool fold(const char *name, char folded[FOLDED]) {
    size_t size = strlen(name);
    if (size >= FOLDED) {
        return false;
    }
    for (size_t i = 0; i <= size; i++) {
        folded[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + ('a' - 'A')) : name[i];
    }
    return true;
}

const struct rf_catalog_table *rf_fit_find(const struct rf_catalog *catalog,
                                           const struct rf_rules *rules, const char *table) {
    char folded[FOLDED];
    struct rf_table_settings settings = rf_rules_table(rules, table);
    if (settings.rename) {
        return rf_catalog_find(catalog, settings.rename);
    }
    const struct rf_catalog_table *found = rf_catalog_find(catalog, table);
    return found || !fold(table, folded) ? found : rf_catalog_find(catalog, folded);
}

const struct rf_catalog_column *rf_fit_find_column(const struct rf_catalog_table *table,
                                                   const struct rf_rules *rules,
                                                   const char *source_table, const char *column) {
    char folded[FOLDED];
    struct rf_column_settings settings = rf_rules_column(rules, source_table, column);
    if (settings.rename) {
        return rf_catalog_find_column(table, settings.rename);
    }
    const struct rf_catalog_column *found = rf_catalog_find_column(table, column);
    return found || !fold(column, folded) ? found : rf_catalog_find_column(table, folded);
}

/* ---- one fit ---- */

/* "public"."orders", for statements to copy. */
const char *rf_fit_qualified(struct rf_fit *fit) {
    struct rf_buffer name = {0};
    rf_quote_qualified(&name, fit->question->catalog->schema, fit->to->name);
    rf_buffer_u8(&name, 0);
    const char *copy = name.failed ? NULL : rf_arena_copy(fit->arena, (const char *)name.bytes);
    fit->arena->failed = fit->arena->failed || name.failed;
    rf_buffer_release(&name);
    return copy ? copy : "";
}

const char *rf_fit_quoted(struct rf_fit *fit, const char *name) {
    struct rf_buffer text = {0};
    rf_quote_name(&text, name);
    rf_buffer_u8(&text, 0);
    const char *copy = text.failed ? NULL : rf_arena_copy(fit->arena, (const char *)text.bytes);
    fit->arena->failed = fit->arena->failed || text.failed;
    rf_buffer_release(&text);
    return copy ? copy : "";
}

#define REMARKS_PER_COLUMN 2u

static void remark(struct rf_fit *fit, const char *text) {
    if (text) {
        fit->plan->remarks[fit->plan->remark_count++] = rf_sayable(fit->arena, text);
    }
}

const char *rf_fit_table_name(const struct rf_fit *fit) {
    return fit->question->source->table.name;
}

/* ---- the table as a whole ---- */

static const char *kind_trouble(char kind) {
    switch (kind) {
    case 'r':
        return NULL;
    case 'p':
        return "is partitioned";
    case 'v':
        return "is a view";
    case 'm':
        return "is a materialized view";
    default:
        return "is a foreign table";
    }
}

static void check_right(struct rf_fit *fit, bool may, const char *right) {
    if (!may) {
        rf_trouble(fit->troubles, "table \"%s\": role \"%s\" may not %s (GRANT %s ON %s TO %s)",
                   fit->to->name, fit->question->catalog->role, right, right, rf_fit_qualified(fit),
                   rf_fit_quoted(fit, fit->question->catalog->role));
    }
}

static void check_table(struct rf_fit *fit) {
    const struct rf_catalog_table *to = fit->to;
    const char *kind = kind_trouble(to->kind);
    if (kind) {
        rf_trouble(fit->troubles, "\"%s\" %s, which rowferry does not fill", to->name, kind);
        return;
    }
    if (to->guarded) {
        const char *role = rf_fit_quoted(fit, fit->question->catalog->role);
        rf_trouble(fit->troubles,
                   "table \"%s\": row security would hide rows from role \"%s\" (ALTER ROLE %s "
                   "BYPASSRLS)",
                   to->name, fit->question->catalog->role, role);
    }
    check_right(fit, to->may_select, "SELECT");
    check_right(fit, to->may_insert, "INSERT");
    check_right(fit, to->may_delete, "DELETE");
}

/* ---- columns ---- */

/* The type to propose for a column that is not there. */
static const char *proposed_type(const struct rf_column *column) {
    switch (rf_affinity_of(column->declared)) {
    case RF_AFFINITY_INTEGER:
        return "bigint";
    case RF_AFFINITY_REAL:
        return "double precision";
    case RF_AFFINITY_TEXT:
        return "text";
    case RF_AFFINITY_NUMERIC:
        return "numeric";
    case RF_AFFINITY_BLOB:
        break;
    }
    return column->declared && *column->declared ? "bytea" : "text";
}

void rf_fit_tell_missing(struct rf_fit *fit, const struct rf_column *from,
                         const struct rf_column_settings *settings) {
    const char *name = settings->rename ? settings->rename : from->name;
    rf_trouble(fit->troubles,
               "table \"%s\" has no column \"%s\" (ALTER TABLE %s ADD COLUMN %s %s, or leave the "
               "column out with exclude)",
               fit->to->name, name, rf_fit_qualified(fit), rf_fit_quoted(fit, name),
               proposed_type(from));
}

static const struct rf_plan_column *column_before(const struct rf_fit *fit,
                                                  const struct rf_column *from,
                                                  const struct rf_catalog_column *to) {
    const struct rf_plan *before = fit->question->before;
    for (uint32_t i = 0; before && i < before->column_count; i++) {
        const struct rf_plan_column *column = &before->columns[i];
        const char *declared = rf_sayable(fit->arena, from->declared ? from->declared : "");
        if (declared && strcmp(column->source, from->name) == 0) {
            const char *name = rf_plan_goes_to(before, i);
            bool same = strcmp(column->declared, declared) == 0 && name &&
                        strcmp(name, to->name) == 0 && rf_fit_type_is(to, column->conversion->type);
            return same ? column : NULL;
        }
    }
    return NULL;
}

static bool in_unique_index(const struct rf_catalog_table *table, uint32_t number) {
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct rf_catalog_index *index = &table->indexes[i];
        for (uint32_t part = 0; index->unique && part < index->column_count; part++) {
            if (index->columns[part] == number) {
                return true;
            }
        }
    }
    return false;
}

static const char *spec_for(struct rf_fit *fit, uint32_t number, const struct rf_catalog_column *to,
                            const struct rf_column_settings *settings, const char **trouble) {
    const struct rf_fit_question *question = fit->question;
    const struct rf_column *from = &question->source->table.columns[number];
    const struct rf_plan_column *before = column_before(fit, from, to);
    *trouble = NULL;
    if (before) {
        return rf_arena_copy(fit->arena, before->conversion->name);
    }
    const struct rf_fit_type_question type = {
        .catalog = question->catalog,
        .to = to,
        .from = from,
        .census = &question->source->census[number],
        .settings = *settings,
        .distinct = from->key_part > 0 || in_unique_index(fit->to, to->number),
        .proven = question->proven ? question->proven[number] : NULL,
    };
    struct rf_fit_type chosen = rf_fit_type_choose(&type, fit->arena);
    *trouble = chosen.trouble;
    return chosen.spec;
}

static enum rf_code choose_conversion(struct rf_fit *fit, uint32_t number,
                                      const struct rf_catalog_column *to,
                                      const struct rf_column_settings *settings,
                                      const struct rf_conversion **conversion,
                                      struct rf_error *error) {
    const char *trouble;
    const char *spec = spec_for(fit, number, to, settings, &trouble);
    *conversion = NULL;
    if (trouble) {
        rf_trouble(fit->troubles, "table \"%s\": column \"%s\" %s", fit->to->name, to->name,
                   trouble);
        return RF_OK;
    }
    enum rf_code code =
        spec ? rf_conversion_read(spec, fit->arena, conversion, error) : rf_fail_memory(error);
    if (code == RF_USAGE) {
        rf_trouble(fit->troubles, "table \"%s\": column \"%s\": %s", fit->to->name, to->name,
                   error->what);
        rf_error_clear(error);
        return RF_OK;
    }
    if (code == RF_OK && !rf_fit_type_is(to, (*conversion)->type)) {
        rf_trouble(fit->troubles, "table \"%s\": column \"%s\" is %s, not %s as its rule says",
                   fit->to->name, to->name, to->declared, (*conversion)->type);
        *conversion = NULL;
    }
    return code;
}

/* What will happen to values that surely do not fit is said before it does. */
static void foresee(struct rf_fit *fit, const struct rf_plan_column *column,
                    const struct rf_catalog_column *to) {
    const struct rf_census *census = &fit->question->source->census[column->cell];
    const char *wanting = NULL;
    if (to->not_null && census->count[RF_NULL] > 0) {
        wanting = rf_arena_printf(fit->arena, "is NOT NULL, and the source has %" PRIu64 " NULL%s",
                                  census->count[RF_NULL], census->count[RF_NULL] == 1 ? "" : "s");
    } else if (rf_conversion_fits_census(column->conversion, census) == RF_VERDICT_NO) {
        wanting = rf_arena_printf(fit->arena, "is %s, which does not hold all that the source has",
                                  to->declared);
    }
    if (!wanting) {
        return;
    }
    if (column->on_mismatch == RF_MISMATCH_FAIL) {
        rf_trouble(fit->troubles, "table \"%s\": column \"%s\" %s", fit->to->name, to->name,
                   wanting);
        return;
    }
    bool null = column->on_mismatch == RF_MISMATCH_NULL && !to->not_null;
    remark(fit, rf_arena_printf(fit->arena, "table %s: column %s %s: %s", fit->to->name, to->name,
                                wanting, null ? "those become NULL" : "their rows are set aside"));
}

void rf_fit_exclude(struct rf_fit *fit, const struct rf_column *from) {
    fit->plan->excluded[fit->plan->excluded_count++] = rf_arena_copy(fit->arena, from->name);
}

static enum rf_mismatch policy_of(struct rf_fit *fit, const struct rf_column_settings *settings,
                                  const char *name) {
    if (settings->on_mismatch != RF_MISMATCH_WIDEN) {
        return settings->on_mismatch;
    }
    if (settings->mismatch_said) {
        rf_trouble(fit->troubles,
                   "table \"%s\": column \"%s\" cannot be widened, the table is not rowferry's "
                   "(choose another on_mismatch)",
                   fit->to->name, name);
    }
    return RF_MISMATCH_SET_ASIDE;
}

/* With how its values are read, where the type alone does not say it. */
static const char *reason_for(struct rf_fit *fit, const struct rf_catalog_column *to,
                              const struct rf_conversion *conversion) {
    const char *from = strstr(conversion->name, " from ");
    return rf_arena_printf(fit->arena, "the column is %s%s", to->declared, from ? from : "");
}

enum rf_code rf_fit_carry(struct rf_fit *fit, uint32_t number, const struct rf_catalog_column *to,
                          const struct rf_column_settings *settings, struct rf_error *error) {
    const struct rf_column *from = &fit->question->source->table.columns[number];
    const struct rf_conversion *conversion;
    fit->written[to - fit->to->columns] = true;
    enum rf_code code = choose_conversion(fit, number, to, settings, &conversion, error);
    if (code != RF_OK || !conversion) {
        return code;
    }
    struct rf_plan *plan = fit->plan;
    struct rf_plan_column *column = &plan->columns[plan->column_count++];
    *column = (struct rf_plan_column){
        .source = rf_arena_copy(fit->arena, from->name),
        .name = rf_arena_copy(fit->arena, to->name),
        .cell = number,
        .declared = rf_sayable(fit->arena, from->declared ? from->declared : ""),
        .conversion = conversion,
        .on_mismatch = policy_of(fit, settings, to->name),
        .bad_text = settings->bad_text,
        .asked = settings->type ? conversion->name : NULL,
        .reason = reason_for(fit, to, conversion),
        .not_null = to->not_null,
    };
    fit->place[number] = plan->column_count;
    foresee(fit, column, to);
    return RF_OK;
}

/* Whether a column of the target that cannot be written leaves the source's without a place. */
static bool is_computed(struct rf_fit *fit, const struct rf_column *from,
                        const struct rf_catalog_column *to) {
    if (!to->generated) {
        return false;
    }
    fit->written[to - fit->to->columns] = true;
    rf_fit_exclude(fit, from);
    return true;
}

static enum rf_code match_column(struct rf_fit *fit, uint32_t number, struct rf_error *error) {
    const struct rf_column *from = &fit->question->source->table.columns[number];
    const struct rf_rules *rules = fit->question->rules;
    struct rf_column_settings settings = rf_rules_column(rules, rf_fit_table_name(fit), from->name);
    if (fit->computed) {
        return rf_fit_match_computed(fit, number, &settings, error);
    }
    if (settings.exclude) {
        rf_fit_exclude(fit, from);
        return RF_OK;
    }
    const struct rf_catalog_column *to =
        rf_fit_find_column(fit->to, rules, rf_fit_table_name(fit), from->name);
    if (!to) {
        rf_fit_tell_missing(fit, from, &settings);
        return RF_OK;
    }
    if (fit->written[to - fit->to->columns]) {
        rf_trouble(fit->troubles, "table \"%s\": two columns of the source are meant for \"%s\"",
                   fit->to->name, to->name);
        return RF_OK;
    }
    return is_computed(fit, from, to) ? RF_OK : rf_fit_carry(fit, number, to, &settings, error);
}

/* Columns that the source does not have are filled by the server. */
static void check_others(struct rf_fit *fit) {
    for (uint32_t i = 0; i < fit->to->column_count; i++) {
        const struct rf_catalog_column *column = &fit->to->columns[i];
        bool filled = !column->not_null || column->has_default || column->identity ||
                      column->generated || fit->written[i];
        if (!filled) {
            rf_trouble(fit->troubles,
                       "table \"%s\": column \"%s\" is NOT NULL without a default, and the source "
                       "has no such column (ALTER TABLE %s ALTER COLUMN %s SET DEFAULT …, or DROP "
                       "COLUMN %s)",
                       fit->to->name, column->name, rf_fit_qualified(fit),
                       rf_fit_quoted(fit, column->name), rf_fit_quoted(fit, column->name));
        }
    }
}

/* ---- the key ---- */

void rf_fit_add_key_part(struct rf_fit *fit, uint32_t place) {
    struct rf_plan *plan = fit->plan;
    plan->key[plan->key_count] = place - 1;
    plan->columns[place - 1].key_part = ++plan->key_count;
}

void rf_fit_take_key(struct rf_fit *fit, const char *const *key) {
    const struct rf_table *table = &fit->question->source->table;
    uint32_t count = 0;
    while (key[count]) {
        count++;
    }
    fit->plan->key = rf_arena_take(fit->arena, count, sizeof *fit->plan->key);
    fit->plan->key_given = count > 0;
    for (uint32_t i = 0; !fit->arena->failed && i < count; i++) {
        uint32_t number = 0;
        while (number < table->column_count && strcmp(table->columns[number].name, key[i]) != 0) {
            number++;
        }
        uint32_t place = number < table->column_count ? fit->place[number] : 0;
        if (!rf_fit_is_plain(fit, place) || fit->plan->columns[place - 1].key_part > 0) {
            rf_trouble(fit->troubles, "table \"%s\": \"%s\" cannot be part of its key%s",
                       fit->to->name, key[i],
                       fit->computed ? ", as it is no column of the source that goes into the "
                                       "table as it is"
                                     : "");
        } else {
            rf_fit_add_key_part(fit, place);
        }
    }
}

/* A delta names the rows that are gone by the source's key alone. */
static void find_key(struct rf_fit *fit) {
    if (fit->computed) {
        rf_fit_find_computed_key(fit);
        return;
    }
    const struct rf_table *table = &fit->question->source->table;
    const char *const *given = rf_rules_table(fit->question->rules, table->name).key;
    if (table->key_count == 0 && given) {
        rf_fit_take_key(fit, given);
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        uint32_t place = fit->place[table->key[i]];
        if (place == 0) {
            rf_trouble(fit->troubles,
                       "table \"%s\": column \"%s\" is of the source's key, without which no row "
                       "could be found again",
                       fit->to->name, table->columns[table->key[i]].name);
        } else {
            rf_fit_add_key_part(fit, place);
        }
    }
}

/* Rows that stay are told from those that come by the key alone. */
static void find_kept(struct rf_fit *fit) {
    const char *table = fit->question->source->table.name;
    fit->plan->kept = rf_rules_table(fit->question->rules, table).standing_rows == RF_STANDING_KEEP;
    if (fit->plan->kept && fit->plan->key_count == 0) {
        rf_trouble(
            fit->troubles,
            "table \"%s\": its rows cannot be kept, as the source's table has no key to tell "
            "them by (give it one by a rule, or rows: replace, or skip)",
            fit->to->name);
    }
    if (fit->plan->kept && fit->computed) {
        rf_trouble(
            fit->troubles,
            "table \"%s\": its rows cannot be kept where others are computed (rows: replace, "
            "or skip)",
            fit->to->name);
    }
}

static bool make_room(struct rf_fit *fit) {
    uint32_t count = fit->question->source->table.column_count;
    struct rf_plan *plan = fit->plan;
    plan->columns = rf_arena_take(fit->arena, count, sizeof *plan->columns);
    plan->excluded = rf_arena_take(fit->arena, count, sizeof *plan->excluded);
    plan->key =
        rf_arena_take(fit->arena, fit->question->source->table.key_count, sizeof *plan->key);
    plan->remarks =
        rf_arena_take(fit->arena, (size_t)REMARKS_PER_COLUMN * count, sizeof *plan->remarks);
    fit->written = rf_arena_take(fit->arena, fit->to->column_count, sizeof *fit->written);
    fit->place = rf_arena_take(fit->arena, count, sizeof *fit->place);
    return !fit->arena->failed;
}

enum rf_code rf_fit_table(const struct rf_fit_question *question, struct rf_arena *arena,
                          struct rf_plan *plan, struct rf_troubles *troubles,
                          struct rf_error *error) {
    const struct rf_table *table = &question->source->table;
    const struct rf_catalog_table *to =
        question->before ? rf_catalog_find(question->catalog, question->before->relation)
                         : rf_fit_find(question->catalog, question->rules, table->name);
    *plan = (struct rf_plan){.table = rf_arena_copy(arena, table->name)};
    if (!to) {
        rf_trouble(troubles,
                   "table \"%s\" is not in the target (make it, or leave it out with "
                   "--exclude-table)",
                   table->name);
        return rf_arena_check(arena, error);
    }
    plan->relation = rf_arena_copy(arena, to->name);
    struct rf_fit fit = {
        .question = question, .to = to, .arena = arena, .plan = plan, .troubles = troubles};
    check_table(&fit);
    if (to->kind != 'r') {
        return rf_arena_check(arena, error);
    }
    enum rf_code code = make_room(&fit) ? RF_OK : rf_fail_memory(error);
    uint32_t before = troubles->count;
    if (code == RF_OK && rf_computed_wanted(question->rules, table->name)) {
        code = rf_fit_begin_computed(&fit, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < table->column_count; i++) {
        code = match_column(&fit, i, error);
    }
    if (code == RF_OK) {
        check_others(&fit);
        rf_fit_end_computed(&fit);
        if (plan->column_count == 0 && troubles->count == before) {
            rf_trouble(troubles, "table \"%s\": no column of it is carried", to->name);
        }
        if (troubles->count == before) {
            find_key(&fit);
            find_kept(&fit);
        }
        code = rf_arena_check(arena, error);
    }
    return code;
}

/* ---- afterwards ---- */

static const struct rf_plan_column *planned(const struct rf_plan *plan, const char *source) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (strcmp(plan->columns[i].source, source) == 0) {
            return &plan->columns[i];
        }
    }
    return NULL;
}

static bool is_excluded(const struct rf_plan *plan, const char *source) {
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        if (strcmp(plan->excluded[i], source) == 0) {
            return true;
        }
    }
    return false;
}

static bool source_changed(const struct rf_plan *plan, const struct rf_table *table,
                           struct rf_arena *arena) {
    if (table->column_count != plan->column_count + plan->excluded_count ||
        table->key_count != (plan->key_given ? 0 : plan->key_count)) {
        return true;
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct rf_column *now = &table->columns[i];
        const struct rf_plan_column *column = planned(plan, now->name);
        if (!column && !is_excluded(plan, now->name)) {
            return true;
        }
        const char *declared = rf_sayable(arena, now->declared ? now->declared : "");
        bool other_key = column && !plan->key_given && column->key_part != now->key_part;
        if (column && (column->cell != i || other_key || !declared ||
                       strcmp(column->declared, declared) != 0)) {
            return true;
        }
    }
    return false;
}

static bool target_changed(const struct rf_plan *plan, const struct rf_catalog_table *standing) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        const struct rf_catalog_column *now = rf_catalog_find_column(standing, column->name);
        if (!now || now->generated || now->not_null != column->not_null ||
            !rf_fit_type_is(now, column->conversion->type)) {
            return true;
        }
    }
    return false;
}

bool rf_fit_outdated(const struct rf_plan *plan, const struct rf_manifest_table *source,
                     const struct rf_catalog *catalog, struct rf_arena *arena) {
    const struct rf_catalog_table *standing = rf_catalog_find(catalog, plan->relation);
    if (plan->computed && standing) {
        return rf_computed_outdated(plan, source, standing, arena);
    }
    return !standing || standing->kind != 'r' || source_changed(plan, &source->table, arena) ||
           target_changed(plan, standing);
}
