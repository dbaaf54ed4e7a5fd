/* The statements of a first load that make tables and what belongs to them. */
#include "replay/check_inner.h"

#include "replay/quote.h"

static void end_statement(struct rf_buffer *sql, size_t start) {
    if (sql->size > start) {
        rf_buffer_append(sql, ";\n", 2);
    }
}

static void put_indexes(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->index_count; i++) {
        if (plan->indexes[i].refusal) {
            continue;
        }
        size_t start = sql->size;
        rf_plan_create_index(plan, &plan->indexes[i], schema, sql);
        end_statement(sql, start);
        start = sql->size;
        rf_plan_attach_constraint(plan, &plan->indexes[i], schema, sql);
        end_statement(sql, start);
    }
}

static void put_constraints(const struct rf_plan *plan, enum rf_plan_constraint_kind kind,
                            const char *schema, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        const struct rf_plan_constraint *constraint = &plan->constraints[i];
        if (constraint->kind == kind && !constraint->refusal) {
            size_t start = sql->size;
            rf_plan_add_constraint(plan, constraint, schema, sql);
            end_statement(sql, start);
            if (kind == RF_PLAN_FOREIGN_KEY) {
                start = sql->size;
                rf_plan_validate_constraint(plan, constraint, schema, sql);
                end_statement(sql, start);
            }
        }
    }
}

/* Tables first, what refers from one to another last. */
static void put_table(const struct rf_plan *plan, unsigned pass, const char *schema,
                      struct rf_buffer *sql) {
    if (pass == 0) {
        size_t start = sql->size;
        rf_plan_create_table(plan, schema, true, sql);
        end_statement(sql, start);
    } else if (pass == 1) {
        put_indexes(plan, schema, sql);
        put_constraints(plan, RF_PLAN_CHECK, schema, sql);
    } else {
        put_constraints(plan, RF_PLAN_FOREIGN_KEY, schema, sql);
    }
}

static void put_objects(const struct rf_check *check, struct rf_buffer *sql) {
    if (check->object_count > 0) {
        size_t start = sql->size;
        rf_buffer_printf(sql, "SET search_path = ");
        rf_quote_name(sql, check->target.schema);
        rf_buffer_printf(sql, ", pg_catalog");
        end_statement(sql, start);
    }
    for (uint32_t i = 0; i < check->object_count; i++) {
        rf_buffer_printf(sql, "%s;\n", check->objects[i].sql);
    }
}

void rf_check_ddl(const struct rf_check *check, struct rf_buffer *sql) {
    const char *schema = check->target.schema;
    if (!check->options.rules->existing) {
        rf_buffer_printf(sql, "CREATE SCHEMA IF NOT EXISTS ");
        rf_quote_name(sql, schema);
        end_statement(sql, 0);
    }
    for (unsigned pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < check->table_count; i++) {
            if (check->planned[i].step == RF_CHECK_MAKE) {
                put_table(&check->planned[i].plan, pass, schema, sql);
            }
        }
    }
    put_objects(check, sql);
}
