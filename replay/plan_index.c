/* Which indexes and unique constraints a table gets.
 *
 * They keep what SQLite's keep: the same rows, alike in the same way. A unique index must refuse
 * exactly the rows that SQLite refuses, and a partial one has the rows that SQLite's has; where an
 * expression, a collation or a predicate does not carry over, the index does not either, and says
 * so. Of the rest the order is SQLite's as well, with NULLs first. Only a column of text by itself
 * keeps the order of its own collation in the target: the server looks rows up by an index of that
 * collation and no other.
 *
 * A primary key or UNIQUE constraint is one in the target too, where it is about columns as they
 * are. Where it compares without regard to case, a unique index over an expression does that. */
#include <string.h>

#include "replay/expression_statement.h"
#include "replay/plan_expression.h"
#include "replay/quote.h"

struct lister {
    const struct rf_manifest_table *source;
    struct rf_arena *arena;
    struct rf_plan *plan;
    struct rf_expression_table expressions;
};

/* One index on its way into the plan. */
struct draft {
    struct rf_plan_index index;
    struct rf_buffer parts;
    uint32_t part_count;
    const char *refusal;
};

bool rf_plan_index_is_constraint(const struct rf_plan_index *index) {
    return index->kind == RF_PLAN_PRIMARY_KEY || index->kind == RF_PLAN_UNIQUE;
}

static void begin(struct lister *lister, struct draft *draft, enum rf_plan_index_kind kind,
                  uint32_t parts) {
    *draft = (struct draft){
        .index = {.kind = kind,
                  .stands = true,
                  .columns = rf_arena_take(lister->arena, parts, sizeof(uint32_t))},
    };
}

static void put_part(struct draft *draft, const char *sql, const char *order) {
    rf_buffer_printf(&draft->parts, "%s%s%s", draft->part_count > 0 ? ", " : "", sql, order);
    draft->part_count++;
}

static bool has_column(const struct rf_plan_index *index, uint32_t column) {
    for (uint32_t i = 0; i < index->column_count; i++) {
        if (index->columns[i] == column) {
            return true;
        }
    }
    return false;
}

/* SQLite's NULLs are less than everything, the server's are more unless it is told. */
static const char *order_of(bool descending, bool not_null) {
    if (not_null) {
        return descending ? " DESC" : "";
    }
    return descending ? " DESC NULLS LAST" : " NULLS FIRST";
}

/* A second mention of a column orders nothing. */
static void put_column(struct lister *lister, struct draft *draft, uint32_t number,
                       bool descending) {
    if (lister->arena->failed || has_column(&draft->index, number)) {
        return;
    }
    const struct rf_plan_column *column = &lister->plan->columns[number];
    const char *sql = rf_plan_quoted(lister->arena, column->name);
    bool plain = rf_plan_index_is_constraint(&draft->index);
    draft->index.columns[draft->index.column_count++] = number;
    if (sql) {
        put_part(draft, sql, plain ? "" : order_of(descending, column->not_null));
    }
}

static void finish_parts(struct lister *lister, struct draft *draft) {
    rf_buffer_u8(&draft->parts, 0);
    if (draft->parts.failed) {
        lister->arena->failed = true;
    } else {
        draft->index.parts = rf_arena_copy(lister->arena, (const char *)draft->parts.bytes);
    }
    rf_buffer_release(&draft->parts);
}

static void add(struct lister *lister, const struct draft *draft) {
    lister->plan->indexes[lister->plan->index_count++] = draft->index;
}

/* ---- the key ---- */

/* "orders_customer_day_key", the way Postgres would call it itself. */
static const char *constraint_name(struct lister *lister, const uint32_t *columns, uint32_t count,
                                   const char *ending) {
    struct rf_buffer name = {0};
    rf_buffer_printf(&name, "%s", lister->plan->relation);
    for (uint32_t i = 0; i < count; i++) {
        rf_buffer_printf(&name, "_%s", lister->plan->columns[columns[i]].name);
    }
    rf_buffer_printf(&name, "%s", ending);
    const char *copy =
        rf_arena_printf(lister->arena, "%.*s", (int)name.size, (const char *)name.bytes);
    lister->arena->failed = lister->arena->failed || name.failed;
    rf_buffer_release(&name);
    return copy;
}

static const char *too_wide(struct lister *lister, uint32_t parts) {
    if (parts <= RF_PLAN_INDEX_PARTS_MAX) {
        return NULL;
    }
    return rf_arena_printf(lister->arena, "it has %u columns, PostgreSQL takes %u", parts,
                           RF_PLAN_INDEX_PARTS_MAX);
}

bool rf_plan_key_blurs(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (rf_plan_column_blurs(&plan->columns[plan->key[i]])) {
            return true;
        }
    }
    return false;
}

/* Columns that came to hold NULL are not NOT NULL, so this reads the decision from the plan. */
static enum rf_plan_index_kind kind_of_key(const struct rf_plan *plan) {
    if (plan->blurred) {
        return RF_PLAN_INDEX;
    }
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (!plan->columns[plan->key[i]].not_null) {
            return RF_PLAN_UNIQUE;
        }
    }
    return RF_PLAN_PRIMARY_KEY;
}

static void list_key(struct lister *lister) {
    struct rf_plan *plan = lister->plan;
    plan->blurred = rf_plan_key_blurs(plan);
    if (plan->key_count == 0) {
        return;
    }
    const char *refusal = too_wide(lister, plan->key_count);
    if (refusal) {
        rf_plan_remark(plan, lister->arena, "table %s: the primary key is left out, %s",
                       plan->table, refusal);
        return;
    }
    struct draft draft;
    begin(lister, &draft, kind_of_key(plan), plan->key_count);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        put_column(lister, &draft, plan->key[i], false);
    }
    finish_parts(lister, &draft);
    draft.index.wanted =
        draft.index.kind == RF_PLAN_PRIMARY_KEY
            ? constraint_name(lister, NULL, 0, "_pkey")
            : constraint_name(lister, plan->key, plan->key_count, plan->blurred ? "_idx" : "_key");
    add(lister, &draft);
    if (plan->blurred) {
        rf_plan_remark(plan, lister->arena,
                       "table %s: the primary key is not unique in the target, where values of "
                       "different kinds are alike",
                       plan->table);
    }
}

/* ---- all others ---- */

static bool find_column(const struct rf_plan *plan, const char *name, uint32_t *number) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (strcmp(plan->columns[i].source, name) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

static bool is_binary(const char *collation) {
    return !collation || strcmp(collation, "BINARY") == 0;
}

/* Whether values of the column can be text, which alone a collation is about. */
static bool holds_text(const struct lister *lister, uint32_t number) {
    uint32_t cell = lister->plan->columns[number].cell;
    switch (lister->expressions.columns[cell].type) {
    case RF_EXPRESSION_TEXT:
    case RF_EXPRESSION_TEXT_OR_NUMBER:
    case RF_EXPRESSION_OTHER:
        return true;
    default:
        return false;
    }
}

static void put_expression(struct lister *lister, struct draft *draft, const char *text,
                           const struct rf_index_part *from, bool descending) {
    struct rf_expression part =
        rf_expression_index_part(&lister->expressions, text, from->collation, lister->arena);
    if (part.sql) {
        draft->index.expressions = true;
        put_part(draft, part.sql, order_of(descending, false));
    } else {
        draft->refusal = part.refusal;
    }
}

static void list_part(struct lister *lister, struct draft *draft, const struct rf_index_part *from,
                      const struct rf_statement_part *written) {
    uint32_t number;
    if (!from->column) {
        if (written) {
            put_expression(lister, draft, written->text, from, from->descending);
        } else {
            draft->refusal = "an expression that its statement does not show";
        }
    } else if (!find_column(lister->plan, from->column, &number)) {
        draft->refusal = "a column that the target does not have";
    } else if (is_binary(from->collation) || !holds_text(lister, number)) {
        put_column(lister, draft, number, from->descending);
    } else if (rf_plan_column_blurs(&lister->plan->columns[number])) {
        draft->refusal = "a collation, over numbers that are text in the target";
    } else {
        const char *name = rf_plan_quoted(lister->arena, from->column);
        put_expression(lister, draft, name ? name : "", from, from->descending);
    }
}

static bool compares_text_otherwise(const struct lister *lister, const struct rf_index *from) {
    for (uint32_t i = 0; i < from->part_count; i++) {
        uint32_t number;
        const struct rf_index_part *part = &from->parts[i];
        if (!part->column ||
            (!is_binary(part->collation) && find_column(lister->plan, part->column, &number) &&
             holds_text(lister, number))) {
            return true;
        }
    }
    return false;
}

static bool any_blurs(const struct rf_plan *plan, const struct rf_plan_index *index) {
    for (uint32_t i = 0; i < index->column_count; i++) {
        if (rf_plan_column_blurs(&plan->columns[index->columns[i]])) {
            return true;
        }
    }
    return false;
}

static enum rf_plan_index_kind kind_of(const struct lister *lister, const struct rf_index *from) {
    if (!from->unique) {
        return RF_PLAN_INDEX;
    }
    return from->origin == 'c' || compares_text_otherwise(lister, from) ? RF_PLAN_UNIQUE_INDEX
                                                                        : RF_PLAN_UNIQUE;
}

static void read_statement(struct lister *lister, struct draft *draft, const struct rf_index *from,
                           struct rf_statement_index *statement) {
    const char *trouble =
        from->sql ? rf_statement_index(from->sql, lister->arena, statement) : NULL;
    bool complete = from->sql && !trouble && statement->part_count == from->part_count;
    if (!complete) {
        statement->part_count = 0;
    }
    if (from->partial && !(complete && statement->predicate)) {
        draft->refusal = trouble ? trouble : "a predicate that its statement does not show";
    } else if (from->partial) {
        struct rf_expression predicate =
            rf_expression_condition(&lister->expressions, statement->predicate, lister->arena);
        draft->index.predicate = predicate.sql;
        draft->refusal = predicate.sql ? NULL : predicate.refusal;
    }
}

static void list_parts(struct lister *lister, struct draft *draft, const struct rf_index *from) {
    struct rf_statement_index statement = {0};
    read_statement(lister, draft, from, &statement);
    if (!draft->refusal) {
        draft->refusal = too_wide(lister, from->part_count);
    }
    for (uint32_t i = 0; i < from->part_count && !draft->refusal && !lister->arena->failed; i++) {
        list_part(lister, draft, &from->parts[i],
                  i < statement.part_count ? &statement.parts[i] : NULL);
    }
    finish_parts(lister, draft);
}

/* It stays in the plan as what it was. */
static void refuse(struct lister *lister, struct draft *draft, const struct rf_index *from) {
    struct rf_plan_index *index = &draft->index;
    index->stands = false;
    index->predicate = NULL;
    index->column_count = 0;
    index->refusal = rf_sayable(lister->arena, draft->refusal);
    index->parts = rf_sayable(lister->arena, from->sql ? from->sql : "");
    rf_plan_remark(lister->plan, lister->arena, "table %s: index %s is not carried over: %s%s%s",
                   lister->plan->table, from->name, draft->refusal, from->sql ? "; it is " : "",
                   from->sql ? from->sql : "");
}

/* A constraint on the very columns of another one adds nothing. */
static bool is_repeated(const struct lister *lister, const struct rf_plan_index *index) {
    for (uint32_t i = 0; i < lister->plan->index_count; i++) {
        const struct rf_plan_index *other = &lister->plan->indexes[i];
        if (index->kind == RF_PLAN_UNIQUE && rf_plan_index_is_constraint(other) &&
            strcmp(index->parts, other->parts) == 0) {
            return true;
        }
    }
    return false;
}

/* Constraints have no name in SQLite; `parts` name those columns that are in the target. */
static const char *wanted_name(struct lister *lister, const struct rf_index *from) {
    if (from->origin == 'c') {
        return rf_sayable(lister->arena, from->name);
    }
    uint32_t count = 0;
    uint32_t *columns = rf_arena_take(lister->arena, from->part_count, sizeof *columns);
    for (uint32_t i = 0; columns && i < from->part_count; i++) {
        const char *name = from->parts[i].column;
        count += name && find_column(lister->plan, name, &columns[count]);
    }
    return constraint_name(lister, columns, count, "_key");
}

static void list_index(struct lister *lister, const struct rf_index *from) {
    if (from->origin == 'p' && !compares_text_otherwise(lister, from)) {
        return; /* list_key had it */
    }
    struct draft draft;
    begin(lister, &draft, kind_of(lister, from), from->part_count);
    list_parts(lister, &draft, from);
    if (lister->arena->failed) {
        return;
    }
    if (draft.refusal) {
        refuse(lister, &draft, from);
    } else if (is_repeated(lister, &draft.index)) {
        return;
    } else if (draft.index.kind != RF_PLAN_INDEX && any_blurs(lister->plan, &draft.index)) {
        draft.index.kind = RF_PLAN_INDEX;
        rf_plan_remark(lister->plan, lister->arena,
                       "table %s: index %s is not unique in the target, where values of "
                       "different kinds are alike",
                       lister->plan->table, from->name);
    }
    draft.index.wanted = wanted_name(lister, from);
    add(lister, &draft);
}

enum rf_code rf_plan_list_indexes(const struct rf_manifest_table *source, bool utf16,
                                  struct rf_arena *arena, struct rf_plan *plan,
                                  struct rf_error *error) {
    const struct rf_table *table = &source->table;
    struct lister lister = {.source = source, .arena = arena, .plan = plan};
    lister.expressions = rf_plan_expressions(source, plan, utf16, arena);
    plan->index_count = 0;
    plan->indexes = rf_arena_take(arena, table->index_count + 1u, sizeof *plan->indexes);
    if (!arena->failed) {
        list_key(&lister);
        for (uint32_t i = 0; i < table->index_count; i++) {
            list_index(&lister, &table->indexes[i]);
        }
    }
    return rf_arena_check(arena, error);
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool rf_plan_index_same(const struct rf_plan_index *a, const struct rf_plan_index *b) {
    return a->kind == b->kind && !a->refusal == !b->refusal && same_text(a->parts, b->parts) &&
           same_text(a->predicate, b->predicate) && same_text(a->wanted, b->wanted);
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
