/* The columns of a plan: which of them are carried, how they are converted, which of them are the
 * key; what of that no longer holds, and what the rules would have otherwise by now. */
#include <string.h>

#include "replay/computed.h"
#include "replay/mapping.h"
#include "replay/plan_expression.h"
#include "replay/plan_inner.h"
#include "replay/quote.h"

static const struct rf_rules no_rules = {.table_count = 0};

static const struct rf_rules *rules_of(const struct rf_plan_request *request) {
    return request->rules ? request->rules : &no_rules;
}

static uint32_t column_number(const struct rf_table *table, const char *name) {
    uint32_t i = 0;
    while (i < table->column_count && strcmp(table->columns[i].name, name) != 0) {
        i++;
    }
    return i;
}

/* ---- which columns there are ---- */

static enum rf_code fail_rule(struct rf_error *error, const char *table, const char *column,
                              const char *what) {
    rf_fail(error, RF_USAGE, "table %s: column %s %s", table, column, what);
    rf_hint(error, "this is what the configuration says of the table.");
    return RF_USAGE;
}

/* What the rules ask for, in one way of writing it. */
static enum rf_code read_asked(const char *table, const char *column, const char *type,
                               struct rf_arena *arena, const char **asked, struct rf_error *error) {
    const struct rf_conversion *conversion;
    *asked = NULL;
    if (!type) {
        return RF_OK;
    }
    enum rf_code code = rf_conversion_read(type, arena, &conversion, error);
    if (code == RF_OK) {
        *asked = conversion->name;
    } else {
        rf_while(error, "while reading the type of column %s of table %s", column, table);
    }
    return code;
}

static enum rf_code add_column(const struct rf_plan_request *request, uint32_t cell,
                               struct rf_arena *arena, struct rf_plan *plan,
                               struct rf_error *error) {
    const struct rf_column *from = &request->source->table.columns[cell];
    const char *source = rf_arena_copy(arena, from->name);
    const struct rf_column_settings settings =
        rf_rules_column(rules_of(request), request->source->table.name, from->name);
    if (settings.exclude) {
        plan->excluded[plan->excluded_count++] = source;
        return RF_OK;
    }
    struct rf_plan_column *column = &plan->columns[plan->column_count++];
    *column = (struct rf_plan_column){
        .source = source,
        .name = request->column_names ? rf_arena_copy(arena, request->column_names[cell]) : source,
        .cell = cell,
        .declared = rf_sayable(arena, from->declared ? from->declared : ""),
        .on_mismatch = settings.on_mismatch,
        .bad_text = settings.bad_text,
    };
    return read_asked(request->source->table.name, from->name, settings.type, arena, &column->asked,
                      error);
}

static enum rf_code list_columns(const struct rf_plan_request *request, struct rf_arena *arena,
                                 struct rf_plan *plan, struct rf_error *error) {
    const struct rf_table *table = &request->source->table;
    plan->columns = rf_arena_take(arena, table->column_count, sizeof *plan->columns);
    plan->excluded = rf_arena_take(arena, table->column_count, sizeof *plan->excluded);
    enum rf_code code = rf_arena_check(arena, error);
    for (uint32_t i = 0; code == RF_OK && i < table->column_count; i++) {
        code = add_column(request, i, arena, plan, error);
    }
    if (code == RF_OK && plan->column_count == 0) {
        code = rf_fail(error, RF_USAGE, "table %s: all columns are excluded", table->name);
        rf_hint(error, "exclude the table instead.");
    }
    return code;
}

/* ---- the key ---- */

/* The place in the plan; column_count where the column is not in it. */
static uint32_t find_cell(const struct rf_plan *plan, uint32_t cell) {
    uint32_t i = 0;
    while (i < plan->column_count && plan->columns[i].cell != cell) {
        i++;
    }
    return i;
}

static enum rf_code add_key_part(const struct rf_plan_request *request, uint32_t cell,
                                 struct rf_plan *plan, struct rf_error *error) {
    const struct rf_table *table = &request->source->table;
    uint32_t number = find_cell(plan, cell);
    if (number == plan->column_count) {
        return fail_rule(error, table->name, table->columns[cell].name,
                         "is part of the key and cannot be excluded");
    }
    if (plan->columns[number].key_part > 0) {
        return fail_rule(error, table->name, table->columns[cell].name, "is in the key twice");
    }
    plan->key[plan->key_count++] = number;
    plan->columns[number].key_part = plan->key_count;
    return RF_OK;
}

static enum rf_code take_given_key(const struct rf_plan_request *request, const char *const *key,
                                   struct rf_arena *arena, struct rf_plan *plan,
                                   struct rf_error *error) {
    const struct rf_table *table = &request->source->table;
    uint32_t count = 0;
    while (key[count]) {
        count++;
    }
    plan->key = rf_arena_take(arena, count, sizeof *plan->key);
    plan->key_given = count > 0;
    enum rf_code code = rf_arena_check(arena, error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        uint32_t cell = column_number(table, key[i]);
        code = cell == table->column_count
                   ? fail_rule(error, table->name, key[i],
                               "is to be part of the key, but there is no such column")
                   : add_key_part(request, cell, plan, error);
    }
    return code;
}

static bool key_is_declared(const struct rf_table *table, const char *const *key) {
    uint32_t i = 0;
    while (i < table->key_count && key[i] &&
           strcmp(table->columns[table->key[i]].name, key[i]) == 0) {
        i++;
    }
    return i == table->key_count && !key[i];
}

static enum rf_code choose_key(const struct rf_plan_request *request, struct rf_arena *arena,
                               struct rf_plan *plan, struct rf_error *error) {
    const struct rf_table *table = &request->source->table;
    const struct rf_table_settings settings = rf_rules_table(rules_of(request), table->name);
    if (table->key_count == 0) {
        return settings.key ? take_given_key(request, settings.key, arena, plan, error) : RF_OK;
    }
    if (settings.key && !key_is_declared(table, settings.key)) {
        rf_plan_remark(plan, arena,
                       "table %s: it declares a primary key, which stands; the key in "
                       "the configuration is for tables without one",
                       table->name);
    }
    plan->key = rf_arena_take(arena, table->key_count, sizeof *plan->key);
    enum rf_code code = rf_arena_check(arena, error);
    for (uint32_t i = 0; code == RF_OK && i < table->key_count; i++) {
        code = add_key_part(request, table->key[i], plan, error);
    }
    return code;
}

/* NOT NULL is promised where it is declared, or comes with the key, and holds. */
static void promise_not_null(const struct rf_manifest_table *source, struct rf_plan *plan) {
    bool primary = plan->key_count > 0;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        const struct rf_plan_column *column = &plan->columns[plan->key[i]];
        primary = primary && source->census[column->cell].count[RF_NULL] == 0;
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        struct rf_plan_column *column = &plan->columns[i];
        bool wanted =
            source->table.columns[column->cell].not_null || (primary && column->key_part > 0);
        column->not_null = wanted && source->census[column->cell].count[RF_NULL] == 0;
    }
}

/* ---- types ---- */

/* Whether two different values must not become alike in the column. */
static bool is_distinct(const struct rf_table *table, const struct rf_plan_column *column) {
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct rf_index *index = &table->indexes[i];
        for (uint32_t part = 0; index->unique && part < index->part_count; part++) {
            const char *name = index->parts[part].column;
            if (name && strcmp(name, column->source) == 0) {
                return true;
            }
        }
    }
    return column->key_part > 0;
}

static void set_up(const struct rf_manifest_table *source, const struct rf_plan_column *column,
                   bool anew, struct rf_mapping *mapping) {
    *mapping = (struct rf_mapping){
        .table = &source->table,
        .column = column->cell,
        .census = &source->census[column->cell],
        .asked = column->asked,
        .on_mismatch = column->on_mismatch,
        .bad_text = column->bad_text,
        .distinct = is_distinct(&source->table, column),
        .standing = anew ? NULL : column->conversion,
    };
}

static void remark_choice(const struct rf_mapping *mapping, const struct rf_plan_column *column,
                          struct rf_plan *plan, struct rf_arena *arena) {
    const char *type = column->conversion->type;
    const char *instead = mapping->wanted ? mapping->wanted->type : "";
    if (mapping->standing) {
        instead = mapping->standing->type;
    }
    rf_plan_remark(plan, arena, "table %s: column %s is %s%s%s; %s", plan->table, column->source,
                   type, strcmp(type, instead) == 0 ? "" : ", not ",
                   strcmp(type, instead) == 0 ? "" : instead, column->reason);
}

/* Chooses the types of these columns from the rows; `anew`: none has one yet. A column whose type
 * still holds keeps it. */
static enum rf_code choose_types(const struct rf_plan_request *request, struct rf_plan *plan,
                                 const uint32_t *columns, uint32_t count, bool anew,
                                 struct rf_arena *arena, struct rf_error *error) {
    struct rf_survey survey;
    struct rf_mapping *mappings = rf_arena_take(arena, count, sizeof *mappings);
    rf_survey_init(&survey, request->source, arena);
    enum rf_code code = rf_arena_check(arena, error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        set_up(request->source, &plan->columns[columns[i]], anew, &mappings[i]);
        code = rf_mapping_begin(&mappings[i], &survey, error);
    }
    if (code == RF_OK) {
        code = rf_survey_run(&survey, request->run, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        struct rf_plan_column *column = &plan->columns[columns[i]];
        code = rf_mapping_end(&mappings[i], arena, error);
        if (code != RF_OK || mappings[i].conversion == column->conversion) {
            continue;
        }
        column->conversion = mappings[i].conversion;
        column->reason = mappings[i].reason;
        column->widened = mappings[i].forced;
        if (column->widened || !anew) {
            remark_choice(&mappings[i], column, plan, arena);
        }
    }
    if (code != RF_OK) {
        rf_while(error, "while choosing the types of table %s", request->source->table.name);
    }
    return code;
}

static enum rf_code choose_all_types(const struct rf_plan_request *request, struct rf_plan *plan,
                                     struct rf_arena *arena, struct rf_error *error) {
    uint32_t *all = rf_arena_take(arena, plan->column_count, sizeof *all);
    for (uint32_t i = 0; all && i < plan->column_count; i++) {
        all[i] = i;
    }
    enum rf_code code = rf_arena_check(arena, error);
    return code == RF_OK ? choose_types(request, plan, all, plan->column_count, true, arena, error)
                         : code;
}

/* The server computes rows of tables that are there before. */
static enum rf_code refuse_computed(const struct rf_plan_request *request, struct rf_error *error) {
    const char *table = request->source->table.name;
    const struct rf_table_settings settings = rf_rules_table(rules_of(request), table);
    if (!settings.where && settings.value_count == 0) {
        return RF_OK;
    }
    rf_fail(error, RF_USAGE, "table %s: its rows cannot be computed or left out", table);
    rf_hint(error, "values and where are for tables that the application made (--existing).");
    return RF_USAGE;
}

enum rf_code rf_plan_choose_types(struct rf_run *run, const struct rf_manifest_table *source,
                                  struct rf_plan *plan, struct rf_arena *arena,
                                  struct rf_error *error) {
    const struct rf_plan_request request = {.run = run, .source = source};
    uint32_t *columns = rf_arena_take(arena, plan->column_count, sizeof *columns);
    uint32_t count = 0;
    for (uint32_t i = 0; columns && i < plan->column_count; i++) {
        if (!plan->columns[i].conversion) {
            columns[count++] = i;
        }
    }
    enum rf_code code = rf_arena_check(arena, error);
    return code == RF_OK && count > 0
               ? choose_types(&request, plan, columns, count, true, arena, error)
               : code;
}

enum rf_code rf_plan_columns(const struct rf_plan_request *request, struct rf_arena *arena,
                             struct rf_plan *plan, struct rf_error *error) {
    enum rf_code code = refuse_computed(request, error);
    if (code == RF_OK) {
        code = list_columns(request, arena, plan, error);
    }
    if (code == RF_OK) {
        code = choose_key(request, arena, plan, error);
    }
    if (code == RF_OK) {
        promise_not_null(request->source, plan);
        code = choose_all_types(request, plan, arena, error);
    }
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}

/* ---- what no longer holds ---- */

static bool lost_not_null(const struct rf_plan_column *column, const struct rf_census *census) {
    return column->not_null && census->count[RF_NULL] > 0;
}

enum rf_code rf_plan_too_narrow(const struct rf_plan *plan, const struct rf_manifest_table *source,
                                struct rf_arena *arena, struct rf_plan_narrow *narrow,
                                struct rf_error *error) {
    *narrow = (struct rf_plan_narrow){
        .columns = rf_arena_take(arena, plan->column_count, sizeof *narrow->columns),
        .unsure = rf_arena_take(arena, plan->column_count, sizeof *narrow->unsure),
    };
    enum rf_code code = rf_arena_check(arena, error);
    for (uint32_t i = 0; code == RF_OK && i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        if (column->on_mismatch != RF_MISMATCH_WIDEN) {
            continue;
        }
        const struct rf_census *census = &source->census[column->cell];
        enum rf_verdict verdict = rf_mapping_holds(column->conversion, census, column->bad_text);
        if (verdict == RF_VERDICT_NO || lost_not_null(column, census)) {
            narrow->columns[narrow->count++] = i;
        } else if (verdict == RF_VERDICT_UNSURE) {
            narrow->unsure[narrow->unsure_count++] = i;
        }
    }
    return code;
}

static enum rf_code copy_columns(const struct rf_plan *standing, struct rf_arena *arena,
                                 struct rf_plan *plan, struct rf_error *error) {
    *plan = *standing;
    plan->columns = rf_arena_take(arena, plan->column_count, sizeof *plan->columns);
    plan->remarks = NULL;
    plan->remark_count = 0;
    enum rf_code code = rf_arena_check(arena, error);
    for (uint32_t i = 0; code == RF_OK && i < plan->column_count; i++) {
        plan->columns[i] = standing->columns[i];
    }
    return code;
}

enum rf_code rf_plan_widen(const struct rf_plan_request *request, const struct rf_plan *standing,
                           const uint32_t *columns, uint32_t count, struct rf_arena *arena,
                           struct rf_plan *plan, bool *widened, struct rf_error *error) {
    *widened = false;
    enum rf_code code = copy_columns(standing, arena, plan, error);
    if (code == RF_OK) {
        code = choose_types(request, plan, columns, count, false, arena, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        struct rf_plan_column *column = &plan->columns[columns[i]];
        *widened |= column->conversion != standing->columns[columns[i]].conversion;
        if (lost_not_null(column, &request->source->census[column->cell])) {
            column->not_null = false;
            *widened = true;
            rf_plan_remark(plan, arena,
                           "table %s: column %s is no longer NOT NULL; it "
                           "holds NULLs now",
                           plan->table, column->source);
        }
    }
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}

/* ---- what the rules would have otherwise ---- */

struct dispute {
    const struct rf_plan *plan;
    struct rf_arena *arena;
    const char **lines;
    uint32_t count;
};

static void dispute(struct dispute *at, const char *line) {
    if (line) {
        at->lines[at->count++] = line;
    }
}

static void dispute_word(struct dispute *at, const struct rf_plan_column *column,
                         const char *setting, const char *said, const char *is) {
    dispute(at, rf_arena_printf(at->arena, "column %s: %s %s is asked for, it is %s",
                                column->source, setting, said, is));
}

static enum rf_code dispute_type(struct dispute *at, const struct rf_plan_column *column,
                                 const char *type, struct rf_error *error) {
    const char *asked;
    enum rf_code code = read_asked(at->plan->table, column->source, type, at->arena, &asked, error);
    if (code != RF_OK || !asked) {
        return code;
    }
    const char *stands = column->asked ? column->asked : column->conversion->name;
    if (strcmp(asked, stands) != 0) {
        dispute_word(at, column, "type", asked, column->conversion->name);
    }
    return RF_OK;
}

static enum rf_code dispute_column(struct dispute *at, const struct rf_plan_column *column,
                                   const struct rf_column_settings *settings,
                                   struct rf_error *error) {
    const char *name = rf_plan_goes_to(at->plan, (uint32_t)(column - at->plan->columns));
    if (settings->exclude && name) {
        dispute(at, rf_arena_printf(at->arena, "column %s: it is to be excluded, and is there",
                                    column->source));
        return RF_OK;
    }
    if (settings->rename && name && strcmp(settings->rename, name) != 0) {
        dispute_word(at, column, "name", settings->rename, name);
    }
    if (settings->mismatch_said && settings->on_mismatch != column->on_mismatch) {
        dispute_word(at, column, "on_mismatch", rf_mismatch_name(settings->on_mismatch),
                     rf_mismatch_name(column->on_mismatch));
    }
    if (settings->bad_text != RF_BAD_TEXT_SET_ASIDE && settings->bad_text != column->bad_text) {
        dispute_word(at, column, "bad_text", rf_bad_text_name(settings->bad_text),
                     rf_bad_text_name(column->bad_text));
    }
    return dispute_type(at, column, settings->type, error);
}

static bool has_key(const struct rf_plan *plan, const char *const *key) {
    uint32_t i = 0;
    while (i < plan->key_count && key[i] &&
           strcmp(plan->columns[plan->key[i]].source, key[i]) == 0) {
        i++;
    }
    return i == plan->key_count && !key[i];
}

static void dispute_table(struct dispute *at, const struct rf_manifest_table *source,
                          const struct rf_table_settings *settings) {
    if (settings->rename && strcmp(settings->rename, at->plan->relation) != 0) {
        dispute(at, rf_arena_printf(at->arena, "name %s is asked for, it is %s", settings->rename,
                                    at->plan->relation));
    }
    bool asked = settings->key && (source->table.key_count == 0 || at->plan->computed);
    if (asked && !has_key(at->plan, settings->key)) {
        dispute(at, rf_arena_printf(at->arena, "another key is asked for than the table has"));
    }
}

#define LINES_A_COLUMN 4u
#define LINES_A_TABLE 3u

enum rf_code rf_plan_disagrees(const struct rf_plan *plan, const struct rf_manifest_table *source,
                               const struct rf_rules *rules, struct rf_arena *arena,
                               uint32_t *count, const char ***lines, struct rf_error *error) {
    uint32_t most = plan->column_count * LINES_A_COLUMN + LINES_A_TABLE;
    struct dispute at = {.plan = plan, .arena = arena};
    at.lines = rf_arena_take(arena, most, sizeof *at.lines);
    enum rf_code code = rf_arena_check(arena, error);
    if (code == RF_OK) {
        const struct rf_table_settings settings = rf_rules_table(rules, plan->table);
        dispute_table(&at, source, &settings);
        dispute(&at, rf_computed_disagrees(plan, &settings, arena));
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        const struct rf_column_settings settings =
            rf_rules_column(rules, plan->table, column->source);
        code = dispute_column(&at, column, &settings, error);
    }
    *count = at.count;
    *lines = at.lines;
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}
