#include "replay/plan.h"

#include <string.h>

#include "replay/mapping.h"
#include "replay/quote.h"

/* Whether the index says nothing but columns: those that Postgres can be given as they are. */
static bool only_columns(const struct rf_index *index) {
    if (index->partial) {
        return false;
    }
    for (uint32_t i = 0; i < index->part_count; i++) {
        if (!index->parts[i].column) {
            return false;
        }
    }
    return index->part_count > 0;
}

static bool column_number(const struct rf_table *table, const char *name, uint32_t *number) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

/* Which columns two different values must not become alike in. */
static void find_distinct(const struct rf_table *table, bool *distinct) {
    for (uint32_t i = 0; i < table->key_count; i++) {
        distinct[table->key[i]] = true;
    }
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct rf_index *index = &table->indexes[i];
        if (!index->unique || !only_columns(index)) {
            continue;
        }
        for (uint32_t part = 0; part < index->part_count; part++) {
            uint32_t number;
            if (column_number(table, index->parts[part].column, &number)) {
                distinct[number] = true;
            }
        }
    }
}

static bool key_holds_null(const struct rf_manifest_table *source) {
    for (uint32_t i = 0; i < source->table.key_count; i++) {
        if (source->census[source->table.key[i]].count[RF_NULL] > 0) {
            return true;
        }
    }
    return false;
}

static void plan_columns(const struct rf_manifest_table *source, struct rf_arena *arena,
                         struct rf_plan *plan) {
    const struct rf_table *table = &source->table;
    bool *distinct = rf_arena_take(arena, table->column_count, sizeof *distinct);
    plan->columns = rf_arena_take(arena, table->column_count, sizeof *plan->columns);
    plan->key = rf_arena_take(arena, table->key_count, sizeof *plan->key);
    if (arena->failed) {
        return;
    }
    find_distinct(table, distinct);
    bool primary = table->key_count > 0 && !key_holds_null(source);
    plan->column_count = table->column_count;
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct rf_plan_column *column = &plan->columns[i];
        const struct rf_column *from = &table->columns[i];
        char reason[RF_MAPPING_REASON];
        column->source = rf_arena_copy(arena, from->name);
        column->name = column->source;
        column->cell = i;
        column->on_mismatch = RF_MISMATCH_SET_ASIDE;
        column->declared = rf_sayable(arena, from->declared ? from->declared : "");
        column->conversion = rf_mapping_choose(table, i, &source->census[i], distinct[i], reason);
        column->reason = rf_sayable(arena, reason);
        bool wanted = from->not_null || (primary && from->key_part > 0);
        column->not_null = wanted && source->census[i].count[RF_NULL] == 0;
    }
    plan->key_count = table->key_count;
    for (uint32_t i = 0; i < table->key_count; i++) {
        plan->key[i] = table->key[i];
        plan->columns[table->key[i]].key_part = i + 1;
    }
}

bool rf_plan_utf16(const struct rf_manifest *manifest) {
    return strcmp(manifest->encoding, "UTF-8") != 0;
}

enum rf_code rf_plan_make(const struct rf_manifest_table *source, bool utf16,
                          struct rf_names *names, struct rf_arena *arena, struct rf_plan *plan,
                          struct rf_error *error) {
    *plan = (struct rf_plan){.table = rf_arena_copy(arena, source->table.name)};
    plan->relation = plan->table;
    plan_columns(source, arena, plan);
    enum rf_code code = rf_arena_check(arena, error);
    if (code == RF_OK) {
        code = rf_plan_carry_columns(source, utf16, names, arena, plan, error);
    }
    if (code == RF_OK) {
        code = rf_plan_list_indexes(source, utf16, arena, plan, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        plan->indexes[i].name = rf_names_choose(names, plan->table, plan->indexes[i].wanted);
        code = rf_arena_check(arena, error);
    }
    if (code == RF_OK) {
        code = rf_plan_list_checks(source, utf16, arena, plan, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        rf_plan_name_constraint(plan, &plan->constraints[i], arena);
        code = rf_arena_check(arena, error);
    }
    return code;
}

/* A NOT NULL that the source dropped would keep rows out. One that it added changes nothing for the
 * rows, and a key's columns lose theirs only with NULLs in them, which are set aside. */
static bool column_outdated(const struct rf_plan_column *column, const struct rf_column *now,
                            struct rf_arena *arena) {
    const char *declared = now->declared ? now->declared : "";
    if (strcmp(column->declared, declared) != 0) {
        declared = rf_sayable(arena, declared);
    }
    return !declared || strcmp(column->source, now->name) != 0 ||
           strcmp(column->declared, declared) != 0 || column->key_part != now->key_part ||
           (column->not_null && !now->not_null && now->key_part == 0);
}

bool rf_plan_outdated(const struct rf_plan *plan, const struct rf_manifest_table *source,
                      struct rf_arena *arena) {
    const struct rf_table *table = &source->table;
    if (plan->column_count != table->column_count || plan->key_count != table->key_count) {
        return true;
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (column_outdated(&plan->columns[i], &table->columns[i], arena)) {
            return true;
        }
    }
    return false;
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
