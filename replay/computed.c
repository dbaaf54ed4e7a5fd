#include "replay/computed.h"

#include "replay/quote.h"

const char *rf_plan_goes_to(const struct rf_plan *plan, uint32_t column) {
    if (!plan->computed) {
        return plan->columns[column].name;
    }
    for (uint32_t i = 0; i < plan->computed->target_count; i++) {
        const struct rf_plan_target *target = &plan->computed->targets[i];
        if (target->plain && target->column == column) {
            return target->name;
        }
    }
    return NULL;
}

/* ---- what names mean ---- */

static enum rf_code set_path(struct rf_pg *pg, struct rf_buffer *sql, struct rf_error *error) {
    enum rf_code code = rf_pg_do_buffer(pg, sql, NULL, error);
    rf_buffer_release(sql);
    return code;
}

/* What is PostgreSQL's comes first: whoever may write to the target's schema does not stand in for it.
 * Temporary tables would come before all, were they not named. */
enum rf_code rf_computed_begin(struct rf_pg *pg, const char *schema, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "SET LOCAL search_path = pg_catalog, ");
    rf_quote_name(&sql, schema);
    rf_buffer_printf(&sql, ", pg_temp");
    return set_path(pg, &sql, error);
}

enum rf_code rf_computed_end(struct rf_pg *pg, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "SET LOCAL search_path = pg_catalog");
    return set_path(pg, &sql, error);
}

/* ---- statements ---- */

static void separate(struct rf_buffer *sql, uint32_t place) {
    if (place > 0) {
        rf_buffer_append(sql, ", ", 2);
    }
}

static void put_written(struct rf_buffer *sql, const char *written) {
    rf_buffer_u8(sql, '(');
    rf_buffer_append(sql, written, strlen(written));
    rf_buffer_append(sql, "\n)", 2);
}

void rf_computed_stage_name(const struct rf_plan *plan, struct rf_buffer *sql) {
    rf_quote_qualified(sql, RF_COMPUTED_SCHEMA, plan->relation);
}

void rf_computed_stage(const struct rf_plan *plan, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "CREATE TEMPORARY TABLE ");
    rf_computed_stage_name(plan, sql);
    rf_buffer_printf(sql, " (");
    for (uint32_t i = 0; i < plan->column_count; i++) {
        separate(sql, i);
        rf_quote_name(sql, plan->columns[i].name);
        rf_buffer_printf(sql, " %s", plan->columns[i].conversion->type);
    }
    rf_buffer_printf(sql, ") ON COMMIT DROP");
}

void rf_computed_drop(const struct rf_plan *plan, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "DROP TABLE ");
    rf_computed_stage_name(plan, sql);
}

void rf_computed_value(const struct rf_plan_target *target, struct rf_buffer *sql) {
    put_written(sql, target->sql);
}

void rf_computed_rows(const struct rf_plan *plan, const char *stage, struct rf_buffer *sql) {
    const char *where = plan->computed->where;
    if (where) {
        rf_buffer_printf(sql, "(SELECT * FROM ");
    }
    rf_buffer_append(sql, stage, strlen(stage));
    rf_buffer_printf(sql, " AS source");
    if (where) {
        rf_buffer_printf(sql, " WHERE ");
        put_written(sql, where);
        rf_buffer_printf(sql, ") AS source");
    }
}

void rf_computed_joins(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->computed->join_count; i++) {
        const struct rf_plan_join *join = &plan->computed->joins[i];
        rf_buffer_printf(sql, " LEFT JOIN ");
        rf_quote_qualified(sql, schema, join->relation);
        rf_buffer_printf(sql, " AS ");
        rf_quote_name(sql, join->alias);
        rf_buffer_printf(sql, " ON ");
        put_written(sql, join->on);
    }
}

static void select_from(const struct rf_plan *plan, const char *schema, const char *stage,
                        struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SELECT ");
    for (uint32_t i = 0; i < plan->computed->target_count; i++) {
        separate(sql, i);
        rf_computed_value(&plan->computed->targets[i], sql);
        rf_buffer_printf(sql, " AS ");
        rf_quote_name(sql, plan->computed->targets[i].name);
    }
    rf_buffer_printf(sql, " FROM ");
    rf_computed_rows(plan, stage, sql);
    rf_computed_joins(plan, schema, sql);
}

/* An identity column takes what it is given, as it does from COPY. */
void rf_computed_insert_from(const struct rf_plan *plan, const char *schema, const char *stage,
                             struct rf_buffer *sql) {
    rf_buffer_printf(sql, "INSERT INTO ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " (");
    for (uint32_t i = 0; i < plan->computed->target_count; i++) {
        separate(sql, i);
        rf_quote_name(sql, plan->computed->targets[i].name);
    }
    rf_buffer_printf(sql, ") OVERRIDING SYSTEM VALUE ");
    select_from(plan, schema, stage, sql);
}

/* With the name of the stage, NUL and all. */
static const char *name_stage(const struct rf_plan *plan, struct rf_buffer *name) {
    rf_computed_stage_name(plan, name);
    rf_buffer_u8(name, 0);
    return name->failed ? "" : (const char *)name->bytes;
}

void rf_computed_select(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    struct rf_buffer stage = {0};
    select_from(plan, schema, name_stage(plan, &stage), sql);
    sql->failed = sql->failed || stage.failed;
    rf_buffer_release(&stage);
}

void rf_computed_insert(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    struct rf_buffer stage = {0};
    rf_computed_insert_from(plan, schema, name_stage(plan, &stage), sql);
    sql->failed = sql->failed || stage.failed;
    rf_buffer_release(&stage);
}

void rf_computed_staged(const struct rf_plan *plan, struct rf_buffer *sql) {
    struct rf_buffer stage = {0};
    rf_computed_rows(plan, name_stage(plan, &stage), sql);
    sql->failed = sql->failed || stage.failed;
    rf_buffer_release(&stage);
}

void rf_computed_count(const struct rf_plan *plan, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SELECT count(*) FROM ");
    rf_computed_staged(plan, sql);
}
