/* The statements that a plan turns into. All names are quoted and qualified, so that no search path
 * and no folding decides what is meant. */
#include "replay/plan.h"
#include "replay/quote.h"

#include <string.h>

static void separate(struct rf_buffer *sql, uint32_t place) {
    if (place > 0) {
        rf_buffer_append(sql, ", ", 2);
    }
}

void rf_plan_create_table(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "CREATE TABLE ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " (");
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        separate(sql, i);
        rf_quote_name(sql, column->name);
        rf_buffer_printf(sql, " %s%s", column->conversion->type,
                         column->not_null ? " NOT NULL" : "");
    }
    rf_buffer_printf(sql, ")");
}

void rf_plan_column_list(const struct rf_plan *plan, const char *alias, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        separate(sql, i);
        if (alias) {
            rf_buffer_printf(sql, "%s.", alias);
        }
        rf_quote_name(sql, plan->columns[i].name);
    }
}

void rf_plan_copy_in(const struct rf_plan *plan, const char *schema, bool freeze,
                     struct rf_buffer *sql) {
    rf_buffer_printf(sql, "COPY ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " (");
    rf_plan_column_list(plan, NULL, sql);
    rf_buffer_printf(sql, ") FROM STDIN (FORMAT binary%s)", freeze ? ", FREEZE true" : "");
}

/* COPY of a table leaves out what inherits from it, like ONLY elsewhere. */
void rf_plan_copy_out(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "COPY ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " (");
    rf_plan_column_list(plan, NULL, sql);
    rf_buffer_printf(sql, ") TO STDOUT (FORMAT binary)");
}

void rf_plan_create_index(const struct rf_plan *plan, const struct rf_plan_index *index,
                          const char *schema, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "CREATE %sINDEX ", index->kind == RF_PLAN_INDEX ? "" : "UNIQUE ");
    rf_quote_name(sql, index->name);
    rf_buffer_printf(sql, " ON ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " (%s)", index->parts);
    if (index->predicate) {
        rf_buffer_printf(sql, " WHERE %s", index->predicate);
    }
}

void rf_plan_attach_constraint(const struct rf_plan *plan, const struct rf_plan_index *index,
                               const char *schema, struct rf_buffer *sql) {
    if (!rf_plan_index_is_constraint(index)) {
        return;
    }
    rf_buffer_printf(sql, "ALTER TABLE ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " ADD CONSTRAINT ");
    rf_quote_name(sql, index->name);
    rf_buffer_printf(sql, " %s USING INDEX ",
                     index->kind == RF_PLAN_PRIMARY_KEY ? "PRIMARY KEY" : "UNIQUE");
    rf_quote_name(sql, index->name);
}

void rf_plan_drop_index(const struct rf_plan *plan, const struct rf_plan_index *index,
                        const char *schema, struct rf_buffer *sql) {
    if (rf_plan_index_is_constraint(index)) {
        rf_buffer_printf(sql, "ALTER TABLE ");
        rf_quote_qualified(sql, schema, plan->relation);
        rf_buffer_printf(sql, " DROP CONSTRAINT IF EXISTS ");
        rf_quote_name(sql, index->name);
    } else {
        rf_buffer_printf(sql, "DROP INDEX IF EXISTS ");
        rf_quote_qualified(sql, schema, index->name);
    }
}
