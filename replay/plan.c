#include "replay/plan.h"

#include <string.h>

#include "replay/plan_inner.h"
#include "replay/quote.h"

bool rf_plan_utf16(const struct rf_manifest *manifest) {
    return strcmp(manifest->encoding, "UTF-8") != 0;
}

enum rf_code rf_plan_make(const struct rf_plan_request *request, struct rf_arena *arena,
                          struct rf_plan *plan, struct rf_error *error) {
    const char *table = rf_arena_copy(arena, request->source->table.name);
    *plan = (struct rf_plan){
        .table = table,
        .relation = request->relation ? rf_arena_copy(arena, request->relation) : table,
        .owned = true,
    };
    enum rf_code code = rf_plan_columns(request, arena, plan, error);
    if (code == RF_OK) {
        code = rf_plan_carry_columns(request->source, request->utf16, request->names, arena, plan,
                                     error);
    }
    if (code == RF_OK) {
        code = rf_plan_list_indexes(request->source, request->utf16, arena, plan, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        plan->indexes[i].name =
            rf_names_choose(request->names, plan->table, plan->indexes[i].wanted);
        code = rf_arena_check(arena, error);
    }
    if (code == RF_OK) {
        code = rf_plan_list_checks(request->source, request->utf16, arena, plan, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        rf_plan_name_constraint(plan, &plan->constraints[i], arena);
        code = rf_arena_check(arena, error);
    }
    return code;
}

/* A NOT NULL that the source dropped would keep rows out, and one that it added is promised once it
 * holds. A key's columns lose theirs only with NULLs in them (rf_plan_too_narrow). */
static bool other_not_null(const struct rf_plan_column *column, const struct rf_column *now,
                           const struct rf_census *census) {
    bool dropped = column->not_null && !now->not_null && column->key_part == 0;
    bool added = !column->not_null && now->not_null && census->count[RF_NULL] == 0;
    return dropped || added;
}

static bool column_outdated(const struct rf_plan *plan, const struct rf_plan_column *column,
                            const struct rf_column *now, const struct rf_census *census,
                            struct rf_arena *arena) {
    const char *declared = now->declared ? now->declared : "";
    if (strcmp(column->declared, declared) != 0) {
        declared = rf_sayable(arena, declared);
    }
    bool other_key = !plan->key_given && column->key_part != now->key_part;
    return !declared || strcmp(column->source, now->name) != 0 ||
           strcmp(column->declared, declared) != 0 || other_key ||
           other_not_null(column, now, census);
}

static bool is_excluded(const struct rf_plan *plan, const char *column) {
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        if (strcmp(plan->excluded[i], column) == 0) {
            return true;
        }
    }
    return false;
}

bool rf_plan_outdated(const struct rf_plan *plan, const struct rf_manifest_table *source,
                      struct rf_arena *arena) {
    const struct rf_table *table = &source->table;
    uint32_t key_count = plan->key_given ? 0 : plan->key_count;
    if (plan->column_count + plan->excluded_count != table->column_count ||
        key_count != table->key_count) {
        return true;
    }
    uint32_t next = 0;
    for (uint32_t cell = 0; cell < table->column_count; cell++) {
        const struct rf_column *now = &table->columns[cell];
        const struct rf_plan_column *column = &plan->columns[next];
        if (next < plan->column_count && column->cell == cell) {
            next++;
            if (column_outdated(plan, column, now, &source->census[cell], arena)) {
                return true;
            }
        } else if (!is_excluded(plan, now->name)) {
            return true;
        }
    }
    return next != plan->column_count || rf_plan_carries_otherwise(plan, source, arena);
}

uint32_t rf_plan_widened(const struct rf_plan *plan) {
    uint32_t widened = 0;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        widened += plan->columns[i].widened;
    }
    return widened;
}

static bool is_clean(const struct rf_census *census) {
    return census && census->text_with_nul == 0 && census->text_not_utf8 == 0;
}

enum rf_code rf_plan_whole_encoder(const struct rf_plan *plan, const struct rf_census *census,
                                   struct rf_arena *arena, struct rf_encoder *encoder,
                                   struct rf_error *error) {
    *encoder = (struct rf_encoder){.count = plan->column_count};
    encoder->columns = rf_arena_take(arena, plan->column_count, sizeof *encoder->columns);
    for (uint32_t i = 0; encoder->columns && i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        encoder->columns[i] = (struct rf_encoder_column){
            .conversion = column->conversion,
            .cell = column->cell,
            .not_null = column->not_null,
            .clean = is_clean(census ? &census[column->cell] : NULL),
            .null_misfits = column->on_mismatch == RF_MISMATCH_NULL,
            .fail_misfits = column->on_mismatch == RF_MISMATCH_FAIL,
        };
        encoder->may_alter =
            encoder->may_alter || encoder->columns[i].null_misfits || column->conversion->alters;
    }
    return rf_arena_check(arena, error);
}

enum rf_code rf_plan_encoder(const struct rf_plan *plan, const struct rf_census *census,
                             struct rf_arena *arena, struct rf_encoder *encoder,
                             struct rf_error *error) {
    enum rf_code code = rf_plan_whole_encoder(plan, census, arena, encoder, error);
    for (uint32_t i = 0; code == RF_OK && i < plan->column_count; i++) {
        encoder->columns[i].generated = plan->columns[i].generated_sql;
        encoder->generated += encoder->columns[i].generated;
    }
    return code;
}

enum rf_code rf_plan_key_encoder(const struct rf_plan *plan, struct rf_arena *arena,
                                 struct rf_encoder *encoder, struct rf_error *error) {
    *encoder = (struct rf_encoder){.count = plan->key_count};
    encoder->columns = rf_arena_take(arena, plan->key_count, sizeof *encoder->columns);
    for (uint32_t i = 0; encoder->columns && i < plan->key_count; i++) {
        encoder->columns[i] = (struct rf_encoder_column){
            .conversion = plan->columns[plan->key[i]].conversion,
            .cell = i,
            .not_null = true,
        };
    }
    return rf_arena_check(arena, error);
}
