/* CHECK constraints of the source, as far as PostgreSQL can be held to them in the same way. */
#include <string.h>

#include "replay/expression_statement.h"
#include "replay/plan_expression.h"
#include "replay/quote.h"

struct lister {
    struct rf_arena *arena;
    struct rf_plan *plan;
    struct rf_expression_table expressions;
    const struct rf_statement_table *statement;
};

/* "orders_price_check", the way Postgres would call it itself. */
static const char *wanted_name(const struct lister *lister,
                               const struct rf_statement_check *check) {
    if (check->name) {
        return rf_sayable(lister->arena, check->name);
    }
    const char *column =
        check->column >= 0 && (uint32_t)check->column < lister->statement->column_count
            ? lister->statement->columns[check->column].name
            : NULL;
    const char *name = rf_arena_printf(lister->arena, "%s%s%s_check", lister->plan->relation,
                                       column ? "_" : "", column ? column : "");
    return name ? rf_sayable(lister->arena, name) : NULL;
}

static void list_check(struct lister *lister, const struct rf_statement_check *check) {
    struct rf_plan *plan = lister->plan;
    struct rf_expression condition =
        rf_expression_condition(&lister->expressions, check->text, lister->arena);
    struct rf_plan_constraint *constraint = &plan->constraints[plan->constraint_count++];
    *constraint = (struct rf_plan_constraint){
        .kind = RF_PLAN_CHECK,
        .wanted = wanted_name(lister, check),
        .stands = condition.sql,
        .valid = condition.sql,
    };
    if (condition.sql) {
        constraint->definition = rf_arena_printf(lister->arena, "CHECK (%s)", condition.sql);
        return;
    }
    constraint->refusal = rf_sayable(lister->arena, condition.refusal ? condition.refusal : "");
    const char *written = rf_arena_printf(lister->arena, "CHECK (%s)", check->text);
    constraint->definition = written ? rf_sayable(lister->arena, written) : NULL;
    rf_plan_remark(plan, lister->arena, "table %s: %s is not carried over: %s", plan->table,
                   written ? written : "", constraint->refusal ? constraint->refusal : "");
}

enum rf_code rf_plan_list_checks(const struct rf_manifest_table *source, bool utf16,
                                 struct rf_arena *arena, struct rf_plan *plan,
                                 struct rf_error *error) {
    struct rf_statement_table statement = {0};
    plan->constraint_count = 0;
    plan->constraints = NULL;
    const char *trouble =
        source->table.sql ? rf_statement_table(source->table.sql, arena, &statement) : NULL;
    if (trouble) {
        rf_plan_remark(plan, arena, "table %s: CHECK constraints, if any, are not carried over: %s",
                       plan->table, trouble);
        return rf_arena_check(arena, error);
    }
    struct lister lister = {
        .arena = arena,
        .plan = plan,
        .expressions = rf_plan_expressions(source, plan, utf16, arena),
        .statement = &statement,
    };
    plan->constraints = rf_arena_take(arena, statement.check_count, sizeof *plan->constraints);
    for (uint32_t i = 0; !arena->failed && i < statement.check_count; i++) {
        list_check(&lister, &statement.checks[i]);
    }
    return rf_arena_check(arena, error);
}

/* Names of constraints are the table's own; those that an index stands behind are among them. */
void rf_plan_name_constraint(const struct rf_plan *plan, struct rf_plan_constraint *constraint,
                             struct rf_arena *arena) {
    struct rf_names names;
    rf_names_init(&names, arena);
    for (uint32_t i = 0; i < plan->index_count; i++) {
        if (plan->indexes[i].name) {
            rf_names_add(&names, plan->indexes[i].name);
        }
    }
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        if (plan->constraints[i].name) {
            rf_names_add(&names, plan->constraints[i].name);
        }
    }
    constraint->name =
        constraint->wanted ? rf_names_choose(&names, plan->table, constraint->wanted) : NULL;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool rf_plan_constraint_same(const struct rf_plan_constraint *a,
                             const struct rf_plan_constraint *b) {
    return a->kind == b->kind && !a->refusal == !b->refusal &&
           same_text(a->definition, b->definition) && same_text(a->wanted, b->wanted) &&
           same_text(a->parent, b->parent);
}

static const char *const kind_names[] = {
    [RF_PLAN_CHECK] = "check",
    [RF_PLAN_FOREIGN_KEY] = "foreign key",
};

const char *rf_plan_constraint_kind_name(enum rf_plan_constraint_kind kind) {
    return kind_names[kind];
}

bool rf_plan_constraint_kind_find(const char *name, enum rf_plan_constraint_kind *kind) {
    for (unsigned i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++) {
        if (name && strcmp(kind_names[i], name) == 0) {
            *kind = (enum rf_plan_constraint_kind)i;
            return true;
        }
    }
    return false;
}
