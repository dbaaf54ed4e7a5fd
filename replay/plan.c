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

struct lister {
    const struct rf_manifest_table *source;
    struct rf_arena *arena;
    struct rf_plan *plan;
};

static void remark(struct lister *lister, const struct rf_index *index, const char *what) {
    const char *text =
        rf_arena_printf(lister->arena, "table %s: index %s %s%s%s", lister->source->table.name,
                        index->name, what, index->sql ? ": " : "", index->sql ? index->sql : "");
    if (text) {
        lister->plan->remarks[lister->plan->remark_count++] = rf_sayable(lister->arena, text);
    }
}

/* An index of the columns, each once: a second mention orders nothing. */
static struct rf_plan_index *add_index(struct lister *lister, enum rf_plan_index_kind kind,
                                       uint32_t parts) {
    struct rf_plan_index *index = &lister->plan->indexes[lister->plan->index_count];
    *index = (struct rf_plan_index){
        .kind = kind,
        .stands = true,
        .columns = rf_arena_take(lister->arena, parts, sizeof *index->columns),
        .descending = rf_arena_take(lister->arena, parts, sizeof *index->descending),
    };
    return lister->arena->failed ? NULL : index;
}

static void add_part(struct rf_plan_index *index, uint32_t column, bool descending) {
    for (uint32_t i = 0; i < index->part_count; i++) {
        if (index->columns[i] == column) {
            return;
        }
    }
    index->columns[index->part_count] = column;
    index->descending[index->part_count] = descending;
    index->part_count++;
}

/* "orders_customer_day_key", the way Postgres would call it itself. */
static const char *constraint_name(struct lister *lister, const struct rf_plan_index *index) {
    struct rf_buffer name = {0};
    rf_buffer_printf(&name, "%s", lister->source->table.name);
    for (uint32_t i = 0; i < index->part_count && index->kind != RF_PLAN_PRIMARY_KEY; i++) {
        rf_buffer_printf(&name, "_%s", lister->plan->columns[index->columns[i]].name);
    }
    rf_buffer_printf(&name, "%s", index->kind == RF_PLAN_PRIMARY_KEY ? "_pkey" : "_key");
    const char *copy =
        rf_arena_printf(lister->arena, "%.*s", (int)name.size, (const char *)name.bytes);
    if (name.failed) {
        lister->arena->failed = true;
    }
    rf_buffer_release(&name);
    return copy;
}

static bool is_too_wide(struct lister *lister, uint32_t parts, const char *what) {
    if (parts <= RF_PLAN_INDEX_PARTS_MAX) {
        return false;
    }
    const char *text = rf_arena_printf(
        lister->arena, "table %s: %s has %u columns and is left out, PostgreSQL takes %u",
        lister->source->table.name, what, parts, RF_PLAN_INDEX_PARTS_MAX);
    if (text) {
        lister->plan->remarks[lister->plan->remark_count++] = text;
    }
    return true;
}

static void list_key(struct lister *lister) {
    const struct rf_plan *plan = lister->plan;
    if (plan->key_count == 0 || is_too_wide(lister, plan->key_count, "the primary key")) {
        return;
    }
    /* Columns that came to hold NULL are not NOT NULL, so this reads the decision from the plan. */
    bool primary = true;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        primary = primary && plan->columns[plan->key[i]].not_null;
    }
    struct rf_plan_index *index =
        add_index(lister, primary ? RF_PLAN_PRIMARY_KEY : RF_PLAN_UNIQUE, plan->key_count);
    if (!index) {
        return;
    }
    for (uint32_t i = 0; i < plan->key_count; i++) {
        add_part(index, plan->key[i], false);
    }
    index->wanted = constraint_name(lister, index);
    lister->plan->index_count++;
}

static bool same_columns(const struct rf_plan_index *a, const struct rf_plan_index *b) {
    return a->part_count == b->part_count &&
           memcmp(a->columns, b->columns, a->part_count * sizeof *a->columns) == 0;
}

/* A constraint on the very columns of another one adds nothing. */
static bool is_repeated(const struct lister *lister, const struct rf_plan_index *index) {
    for (uint32_t i = 0; i < lister->plan->index_count; i++) {
        const struct rf_plan_index *other = &lister->plan->indexes[i];
        if (index->kind == RF_PLAN_UNIQUE && other->kind <= RF_PLAN_UNIQUE &&
            same_columns(index, other)) {
            return true;
        }
    }
    return false;
}

/* 1 and '1' are alike in such a column, and may both be there. */
static bool is_blurred(const struct lister *lister, const struct rf_plan_index *index) {
    for (uint32_t i = 0; i < index->part_count; i++) {
        const struct rf_plan_column *column = &lister->plan->columns[index->columns[i]];
        if (!column->conversion->exact) {
            return true;
        }
    }
    return false;
}

static void remark_collations(struct lister *lister, const struct rf_index *from) {
    for (uint32_t i = 0; i < from->part_count; i++) {
        const char *collation = from->parts[i].collation;
        if (collation && strcmp(collation, "BINARY") != 0) {
            remark(lister, from,
                   from->unique ? "compares exactly in the target, not by its collation"
                                : "orders by the target's collation, not by its own");
            return;
        }
    }
}

static void list_index(struct lister *lister, const struct rf_index *from) {
    if (from->origin == 'p') {
        return;
    }
    if (!only_columns(from)) {
        remark(lister, from,
               from->partial ? "is partial and not carried over"
                             : "is on an expression and not carried over");
        return;
    }
    if (is_too_wide(lister, from->part_count, from->name)) {
        return;
    }
    enum rf_plan_index_kind kind = from->origin == 'u' ? RF_PLAN_UNIQUE
                                   : from->unique      ? RF_PLAN_UNIQUE_INDEX
                                                       : RF_PLAN_INDEX;
    struct rf_plan_index *index = add_index(lister, kind, from->part_count);
    if (!index) {
        return;
    }
    for (uint32_t i = 0; i < from->part_count; i++) {
        uint32_t number;
        if (!column_number(&lister->source->table, from->parts[i].column, &number)) {
            remark(lister, from, "is on a column that the table does not have");
            return;
        }
        add_part(index, number, kind != RF_PLAN_UNIQUE && from->parts[i].descending);
    }
    if (is_repeated(lister, index)) {
        return;
    }
    if (kind != RF_PLAN_INDEX && is_blurred(lister, index)) {
        remark(lister, from, "is not unique in the target, where its numbers are text");
        index->kind = RF_PLAN_INDEX;
    }
    remark_collations(lister, from);
    index->wanted = from->origin == 'u' ? constraint_name(lister, index)
                                        : rf_sayable(lister->arena, from->name);
    lister->plan->index_count++;
}

enum rf_code rf_plan_list_indexes(const struct rf_manifest_table *source, struct rf_arena *arena,
                                  struct rf_plan *plan, struct rf_error *error) {
    const struct rf_table *table = &source->table;
    struct lister lister = {.source = source, .arena = arena, .plan = plan};
    plan->index_count = 0;
    plan->remark_count = 0;
    plan->indexes = rf_arena_take(arena, table->index_count + 1u, sizeof *plan->indexes);
    plan->remarks = rf_arena_take(arena, 2u * table->index_count + 1u, sizeof *plan->remarks);
    if (!arena->failed) {
        list_key(&lister);
        for (uint32_t i = 0; i < table->index_count; i++) {
            list_index(&lister, &table->indexes[i]);
        }
    }
    return rf_arena_check(arena, error);
}

enum rf_code rf_plan_make(const struct rf_manifest_table *source, struct rf_names *names,
                          struct rf_arena *arena, struct rf_plan *plan, struct rf_error *error) {
    *plan = (struct rf_plan){.table = rf_arena_copy(arena, source->table.name)};
    plan->relation = plan->table;
    plan_columns(source, arena, plan);
    enum rf_code code = rf_arena_check(arena, error);
    if (code == RF_OK) {
        code = rf_plan_list_indexes(source, arena, plan, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        plan->indexes[i].name = rf_names_choose(names, plan->table, plan->indexes[i].wanted);
        code = rf_arena_check(arena, error);
    }
    return code;
}

bool rf_plan_index_same(const struct rf_plan_index *a, const struct rf_plan_index *b) {
    bool alike = a->kind == b->kind && same_columns(a, b) &&
                 memcmp(a->descending, b->descending, a->part_count * sizeof *a->descending) == 0;
    return alike && strcmp(a->wanted, b->wanted) == 0;
}

static const char *const kind_names[] = {
    [RF_PLAN_PRIMARY_KEY] = "primary key",
    [RF_PLAN_UNIQUE] = "unique",
    [RF_PLAN_UNIQUE_INDEX] = "unique index",
    [RF_PLAN_INDEX] = "index",
};

const char *rf_plan_index_kind_name(enum rf_plan_index_kind kind) {
    return kind_names[kind];
}

bool rf_plan_index_kind_find(const char *name, enum rf_plan_index_kind *kind) {
    for (unsigned i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *kind = (enum rf_plan_index_kind)i;
            return true;
        }
    }
    return false;
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

enum rf_code rf_plan_encoder(const struct rf_plan *plan, const struct rf_census *census,
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
        encoder->may_alter = encoder->may_alter || encoder->columns[i].null_misfits ||
                             column->conversion->alters;
    }
    return rf_arena_check(arena, error);
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
