#include "replay/computed_gone.h"

#include "replay/quote.h"
#include "replay/sql.h"
#include "replay/template.h"

#define LIST "pg_temp.rowferry_gone"

static void separate(struct rf_buffer *sql, uint32_t place, const char *separator) {
    if (place > 0) {
        rf_buffer_append(sql, separator, strlen(separator));
    }
}

bool rf_computed_finds(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->computed->target_count; i++) {
        if (!plan->computed->targets[i].joined) {
            return true;
        }
    }
    return false;
}

/* ---- by their keys ---- */

static void put_key(const struct rf_plan *plan, uint32_t part, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "t.");
    rf_quote_name(sql, rf_plan_goes_to(plan, plan->key[part]));
}

void rf_computed_delete_keys(const struct rf_plan *plan, const char *schema,
                             struct rf_buffer *sql) {
    struct rf_buffer keys = {0};
    rf_buffer_printf(sql, "WITH deleted AS (DELETE FROM ONLY ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " AS t USING ");
    rf_computed_staged(plan, sql);
    rf_buffer_printf(sql, " WHERE ");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        separate(sql, i, " AND ");
        put_key(plan, i, sql);
        rf_buffer_printf(sql, " = source.");
        rf_quote_name(sql, plan->columns[plan->key[i]].name);
        separate(&keys, i, ", ");
        put_key(plan, i, &keys);
        rf_buffer_printf(&keys, " AS c%u", i + 1);
    }
    rf_buffer_printf(sql, " RETURNING ");
    rf_buffer_append(sql, keys.bytes, keys.size);
    rf_buffer_printf(sql, ") SELECT count(*), count(DISTINCT (");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        separate(sql, i, ", ");
        rf_buffer_printf(sql, "c%u", i + 1);
    }
    rf_buffer_printf(sql, ")) FROM deleted");
    sql->failed = sql->failed || keys.failed;
    rf_buffer_release(&keys);
}

void rf_computed_keep_keys(const struct rf_plan *plan, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "CREATE TEMPORARY TABLE " LIST " ON COMMIT DROP AS SELECT ");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        separate(sql, i, ", ");
        rf_buffer_printf(sql, "source.");
        rf_quote_name(sql, plan->columns[plan->key[i]].name);
        rf_buffer_printf(sql, " AS c%u", i + 1);
    }
    rf_buffer_printf(sql, " FROM ");
    rf_computed_staged(plan, sql);
}

void rf_computed_count_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SELECT count(*) FROM " LIST " AS d JOIN ONLY ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " AS t ON ");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        separate(sql, i, " AND ");
        put_key(plan, i, sql);
        rf_buffer_printf(sql, " = d.c%u", i + 1);
    }
}

/* ---- by all of them ---- */

struct parts {
    struct rf_buffer target, rows, made, columns, filter_t, filter_d;
};

static void list_images(const struct rf_plan *plan, const struct rf_catalog_table *table,
                        struct parts *parts) {
    uint32_t listed = 0;
    for (uint32_t i = 0; i < plan->computed->target_count; i++) {
        const struct rf_plan_target *target = &plan->computed->targets[i];
        const struct rf_catalog_column *column = rf_catalog_find_column(table, target->name);
        if (target->joined || !column) {
            continue;
        }
        separate(&parts->made, listed, ", ");
        separate(&parts->columns, listed++, ", ");
        rf_buffer_printf(&parts->made, "CAST(");
        rf_computed_value(target, &parts->made);
        rf_buffer_printf(&parts->made, " AS %s)", column->type);
        rf_buffer_printf(&parts->columns, "t.");
        rf_quote_name(&parts->columns, target->name);
        rf_buffer_printf(&parts->columns, "::%s", column->type);
    }
}

/* As in gone_sql.c. */
#define FILTER_COLUMNS 4u

static void filter_by(const char *function, uint32_t seed, const char *alias, const char *name,
                      struct rf_buffer *sql) {
    separate(sql, seed - 1, " # ");
    rf_buffer_printf(sql, "coalesce(%s(%s.", function, alias);
    rf_quote_name(sql, name);
    rf_buffer_printf(sql, ", %u), 0)", seed);
}

static void list_filters(const struct rf_plan *plan, struct parts *parts) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < plan->computed->target_count && used < FILTER_COLUMNS; i++) {
        const struct rf_plan_target *target = &plan->computed->targets[i];
        const struct rf_plan_column *column = &plan->columns[target->column];
        if (target->plain && column->conversion->hash_function) {
            used++;
            filter_by(column->conversion->hash_function, used, "t", target->name, &parts->filter_t);
            filter_by(column->conversion->hash_function, used, "source", column->name,
                      &parts->filter_d);
        }
    }
    if (used == 0) {
        rf_buffer_printf(&parts->filter_t, "0");
        rf_buffer_printf(&parts->filter_d, "0");
    }
}

void rf_computed_delete_rows(const struct rf_plan *plan, const struct rf_catalog_table *table,
                             const char *schema, struct rf_buffer *sql) {
    struct parts parts = {.target = {0}};
    rf_quote_qualified(&parts.target, schema, plan->relation);
    rf_computed_staged(plan, &parts.rows);
    list_images(plan, table, &parts);
    list_filters(plan, &parts);
    const struct rf_template_part places[] = {
        {"target", &parts.target},   {"rows", &parts.rows},         {"made", &parts.made},
        {"columns", &parts.columns}, {"filter_t", &parts.filter_t}, {"filter_d", &parts.filter_d},
    };
    rf_template_fill(rf_sql_computed_delete, places, sizeof places / sizeof places[0], sql);
    struct rf_buffer *all[] = {&parts.target,  &parts.rows,     &parts.made,
                               &parts.columns, &parts.filter_t, &parts.filter_d};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        rf_buffer_release(all[i]);
    }
}
