/* What columns do by themselves: their default, the expression of a generated one, and the sequence
 * behind an INTEGER PRIMARY KEY.
 *
 * Each is carried over where it gives the same value in both databases, and else left out and
 * named: the column stays. A generated column that is left out has its values from the source, like
 * any other. */
#include <string.h>

#include "replay/expression_statement.h"
#include "replay/plan_expression.h"
#include "replay/plan_inner.h"

struct carrier {
    const struct rf_manifest_table *source;
    struct rf_arena *arena;
    struct rf_plan *plan;
    struct rf_expression_table expressions;
    struct rf_statement_table statement;
    const char *trouble; /* why the statement was not understood */
    bool alters;         /* a column may have another value than the source's */
};

static void tell(struct carrier *carrier, const struct rf_plan_column *column, const char *what,
                 const char *refusal, const char *text) {
    rf_plan_remark(carrier->plan, carrier->arena,
                   "table %s: column %s: %s is not carried over: %s%s%s", carrier->plan->table,
                   column->source, what, refusal ? refusal : "", text ? "; it is " : "",
                   text ? text : "");
}

static void carry_default(struct carrier *carrier, struct rf_plan_column *column) {
    const char *text = carrier->source->table.columns[column->cell].default_sql;
    if (!text) {
        return;
    }
    struct rf_expression value =
        rf_expression_default(&carrier->expressions.columns[column->cell], text, carrier->arena);
    column->default_sql = value.sql;
    if (!value.sql) {
        tell(carrier, column, "its default", value.refusal, text);
    }
}

static const char *generating_text(const struct carrier *carrier, const char *name) {
    for (uint32_t i = 0; i < carrier->statement.column_count; i++) {
        if (strcmp(carrier->statement.columns[i].name, name) == 0) {
            return carrier->statement.columns[i].generated;
        }
    }
    return NULL;
}

static void carry_generated(struct carrier *carrier, struct rf_plan_column *column) {
    const char *text = generating_text(carrier, column->source);
    struct rf_expression value = {.refusal = carrier->trouble ? carrier->trouble
                                                              : "its statement does not show it"};
    if (carrier->alters) {
        value.refusal = "values that it is made of may be altered on their way";
    } else if (text) {
        value = rf_expression_generated(&carrier->expressions, column->cell, text, carrier->arena);
    }
    if (value.sql && !value.immutable) {
        value = (struct rf_expression){.refusal = "it depends on more than the row"};
    }
    column->generated_sql = value.sql;
    if (!value.sql) {
        tell(carrier, column, "its expression", value.refusal, text);
    }
}

static void carry_identity(struct carrier *carrier, struct rf_names *names,
                           struct rf_plan_column *column) {
    bool fits = (int64_t)column->cell == carrier->source->table.alias && column->not_null &&
                strcmp(column->conversion->name, "bigint") == 0;
    if (!fits) {
        column->identity = NULL;
    } else if (names && !column->identity) {
        const char *wanted =
            rf_arena_printf(carrier->arena, "%s_%s_seq", carrier->plan->relation, column->name);
        column->identity = wanted ? rf_names_choose(names, carrier->plan->table, wanted) : NULL;
    }
}

static bool may_alter(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].on_mismatch == RF_MISMATCH_NULL ||
            plan->columns[i].conversion->alters) {
            return true;
        }
    }
    return false;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What the columns would do by themselves today; NULL for want of memory. */
static const struct rf_plan_column *today(const struct rf_plan *plan,
                                          const struct rf_manifest_table *source, bool utf16,
                                          struct rf_arena *arena) {
    struct rf_plan copy = *plan;
    struct rf_error ignored;
    copy.remark_count = 0;
    copy.columns = rf_arena_take(arena, plan->column_count, sizeof *copy.columns);
    if (!copy.columns) {
        return NULL;
    }
    memcpy(copy.columns, plan->columns, plan->column_count * sizeof *copy.columns);
    return rf_plan_carry_columns(source, utf16, NULL, arena, &copy, &ignored) == RF_OK
               ? copy.columns
               : NULL;
}

static bool does_anything(const struct rf_plan *plan, const struct rf_table *table) {
    bool does = false;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        const struct rf_column *from = &table->columns[column->cell];
        does = does || column->default_sql || column->generated_sql || from->default_sql ||
               from->generated != RF_STORED_AS_IS;
    }
    return does;
}

/* A generated column that stands by its values may go on doing so. The plan does not say which
 * encoding it was made for; neither may give other values. */
bool rf_plan_carries_otherwise(const struct rf_plan *plan, const struct rf_manifest_table *source,
                               struct rf_arena *arena) {
    if (!does_anything(plan, &source->table)) {
        return false;
    }
    const struct rf_plan_column *utf8 = today(plan, source, false, arena),
                                *utf16 = utf8 ? today(plan, source, true, arena) : NULL;
    if (!utf16) {
        return true;
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        bool generated = column->generated_sql &&
                         !same_text(column->generated_sql, utf8[i].generated_sql) &&
                         !same_text(column->generated_sql, utf16[i].generated_sql);
        if (generated || !same_text(column->default_sql, utf8[i].default_sql)) {
            return true;
        }
    }
    return false;
}

enum rf_code rf_plan_carry_columns(const struct rf_manifest_table *source, bool utf16,
                                   struct rf_names *names, struct rf_arena *arena,
                                   struct rf_plan *plan, struct rf_error *error) {
    struct carrier carrier = {
        .source = source,
        .arena = arena,
        .plan = plan,
        .expressions = rf_plan_expressions(source, plan, utf16, arena),
        .alters = may_alter(plan),
    };
    if (source->table.sql) {
        carrier.trouble = rf_statement_table(source->table.sql, arena, &carrier.statement);
    }
    if (carrier.trouble) {
        carrier.statement.column_count = 0;
    }
    for (uint32_t i = 0; !arena->failed && i < plan->column_count; i++) {
        struct rf_plan_column *column = &plan->columns[i];
        column->default_sql = NULL;
        column->generated_sql = NULL;
        if (source->table.columns[column->cell].generated != RF_STORED_AS_IS) {
            carry_generated(&carrier, column);
        } else {
            carry_default(&carrier, column);
        }
        carry_identity(&carrier, names, column);
    }
    return rf_arena_check(arena, error);
}
