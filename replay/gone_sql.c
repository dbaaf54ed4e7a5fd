#include "replay/gone_sql.h"

#include "replay/quote.h"
#include "replay/sql.h"
#include "replay/template.h"

#define LIST "pg_temp.rowferry_gone"

static uint32_t count_of(const struct rf_plan *plan, enum rf_gone_form form) {
    return form == RF_GONE_KEY ? plan->key_count : plan->column_count;
}

static const struct rf_plan_column *column_of(const struct rf_plan *plan, enum rf_gone_form form,
                                              uint32_t place) {
    return &plan->columns[form == RF_GONE_KEY ? plan->key[place] : place];
}

/* Columns that the server generates are what the others make of them. */
static bool is_listed(const struct rf_plan *plan, enum rf_gone_form form, uint32_t place) {
    return form == RF_GONE_KEY || !plan->columns[place].generated_sql;
}

static void separate(struct rf_buffer *sql, uint32_t place, const char *separator) {
    if (place > 0) {
        rf_buffer_printf(sql, "%s", separator);
    }
}

void rf_gone_create(const struct rf_plan *plan, enum rf_gone_form form, bool hashes,
                    struct rf_buffer *sql) {
    rf_buffer_printf(sql, "CREATE TEMPORARY TABLE " LIST " (");
    for (uint32_t i = 0, listed = 0; i < count_of(plan, form); i++) {
        if (is_listed(plan, form, i)) {
            separate(sql, listed++, ", ");
            rf_buffer_printf(sql, "c%u %s", i + 1, column_of(plan, form, i)->conversion->type);
        }
    }
    rf_buffer_printf(sql, "%s) ON COMMIT DROP", hashes ? ", h bytea" : "");
}

void rf_gone_copy_in(const struct rf_plan *plan, enum rf_gone_form form, bool hashes,
                     struct rf_buffer *sql) {
    rf_buffer_printf(sql, "COPY " LIST " (");
    for (uint32_t i = 0, listed = 0; i < count_of(plan, form); i++) {
        if (is_listed(plan, form, i)) {
            separate(sql, listed++, ", ");
            rf_buffer_printf(sql, "c%u", i + 1);
        }
    }
    rf_buffer_printf(sql, "%s) FROM STDIN (FORMAT binary)", hashes ? ", h" : "");
}

static void match_keys(const struct rf_plan *plan, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->key_count; i++) {
        separate(sql, i, " AND ");
        rf_buffer_printf(sql, "t.");
        rf_quote_name(sql, plan->columns[plan->key[i]].name);
        rf_buffer_printf(sql, " = d.c%u", i + 1);
    }
}

void rf_gone_delete_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "DELETE FROM ONLY ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " AS t USING " LIST " AS d WHERE ");
    match_keys(plan, sql);
}

static void count_keys(const struct rf_plan *plan, const char *schema, const char *what,
                       struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SELECT count(%s) FROM " LIST " AS d JOIN ONLY ", what);
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " AS t ON ");
    match_keys(plan, sql);
}

void rf_gone_count_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    count_keys(plan, schema, "*", sql);
}

void rf_gone_touch_keys(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    count_keys(plan, schema, "t.ctid", sql);
}

/* An image has the types of its columns in it: a domain's would not be that of the list. */
static void target_columns(const struct rf_plan *plan, struct rf_buffer *sql) {
    for (uint32_t i = 0, listed = 0; i < plan->column_count; i++) {
        if (!is_listed(plan, RF_GONE_ROW, i)) {
            continue;
        }
        separate(sql, listed++, ", ");
        rf_buffer_printf(sql, "t.");
        rf_quote_name(sql, plan->columns[i].name);
        if (!plan->owned) {
            rf_buffer_printf(sql, "::%s", plan->columns[i].conversion->type);
        }
    }
}

static void list_columns(const struct rf_plan *plan, struct rf_buffer *sql) {
    for (uint32_t i = 0, listed = 0; i < plan->column_count; i++) {
        if (is_listed(plan, RF_GONE_ROW, i)) {
            separate(sql, listed++, ", ");
            rf_buffer_printf(sql, "d.c%u", i + 1);
        }
    }
}

/* The hash functions of a type take a seed, which keeps equal values of two columns apart. They
 * agree whenever the values' bytes do. */
#define FILTER_COLUMNS 4u

static void filter(const struct rf_plan *plan, bool table, struct rf_buffer *sql) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < plan->column_count && used < FILTER_COLUMNS; i++) {
        const char *function = plan->columns[i].conversion->hash_function;
        if (!function || !is_listed(plan, RF_GONE_ROW, i)) {
            continue;
        }
        separate(sql, used, " # ");
        rf_buffer_printf(sql, "coalesce(%s(", function);
        if (table) {
            rf_buffer_printf(sql, "t.");
            rf_quote_name(sql, plan->columns[i].name);
        } else {
            rf_buffer_printf(sql, "d.c%u", i + 1);
        }
        rf_buffer_printf(sql, ", %u), 0)", ++used);
    }
    if (used == 0) {
        rf_buffer_printf(sql, "0");
    }
}

/* An index of which the first part is a listed column by itself: it leads to the rows that have one
 * of the list's values there. Unique ones lead to the fewest. 1 + the column; 0: there is none. */
static uint32_t leading_column(const struct rf_plan *plan) {
    const struct rf_plan_index *best = NULL;
    for (uint32_t i = 0; plan->owned && i < plan->index_count; i++) {
        const struct rf_plan_index *index = &plan->indexes[i];
        bool plain = index->stands && !index->predicate && !index->expressions &&
                     index->column_count > 0 && is_listed(plan, RF_GONE_ROW, index->columns[0]);
        if (plain && (!best || (index->kind != RF_PLAN_INDEX && best->kind == RF_PLAN_INDEX))) {
            best = index;
        }
    }
    return best ? best->columns[0] + 1 : plan->lookup;
}

struct rows_parts {
    struct rf_buffer target, columns_t, columns_d, filter_t, filter_d, narrow, found;
};

static void fill_parts(const char *template, const struct rows_parts *rows, struct rf_buffer *sql) {
    const struct rf_template_part parts[] = {
        {"target", &rows->target},       {"columns_t", &rows->columns_t},
        {"columns_d", &rows->columns_d}, {"filter_t", &rows->filter_t},
        {"filter_d", &rows->filter_d},   {"narrow", &rows->narrow},
        {"found", &rows->found},
    };
    rf_template_fill(template, parts, sizeof parts / sizeof parts[0], sql);
}

/* Rows with one of the list's values there, and those with NULL, where the list has it: an index
 * finds the two by different conditions. */
static void find_by_index(const struct rf_plan *plan, uint32_t number, struct rows_parts *rows) {
    const struct rf_plan_column *column = &plan->columns[number - 1];
    struct rf_buffer name = {0};
    rf_quote_name(&name, column->name);
    rf_buffer_u8(&name, 0);
    const char *quoted = name.failed ? "" : (const char *)name.bytes;
    rf_buffer_printf(&rows->narrow, "t.%s IN (SELECT d.c%u FROM " LIST " AS d) AND ", quoted,
                     number);
    fill_parts(rf_sql_keyless_found, rows, &rows->found);
    if (!column->not_null) {
        rf_buffer_clear(&rows->narrow);
        rf_buffer_printf(&rows->narrow,
                         "t.%s IS NULL AND EXISTS (SELECT FROM " LIST
                         " AS d WHERE d.c%u IS NULL) AND ",
                         quoted, number);
        rf_buffer_printf(&rows->found, " UNION ALL ");
        fill_parts(rf_sql_keyless_found, rows, &rows->found);
    }
    rows->found.failed = rows->found.failed || name.failed;
    rf_buffer_release(&name);
}

void rf_gone_delete_rows(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    struct rows_parts rows = {.target = {0}};
    uint32_t lead = leading_column(plan);
    rf_quote_qualified(&rows.target, schema, plan->relation);
    target_columns(plan, &rows.columns_t);
    list_columns(plan, &rows.columns_d);
    filter(plan, true, &rows.filter_t);
    filter(plan, false, &rows.filter_d);
    if (lead > 0) {
        find_by_index(plan, lead, &rows);
    } else {
        fill_parts(rf_sql_keyless_found, &rows, &rows.found);
    }
    fill_parts(rf_sql_keyless_delete, &rows, sql);
    struct rf_buffer *all[] = {&rows.target,   &rows.columns_t, &rows.columns_d, &rows.filter_t,
                               &rows.filter_d, &rows.narrow,    &rows.found};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        rf_buffer_release(all[i]);
    }
}
