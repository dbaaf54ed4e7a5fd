#include "replay/computed_join.h"

#include <stdio.h>
#include <string.h>

#include "replay/computed_fill.h"
#include "replay/computed_names.h"
#include "replay/quote.h"

/* ---- order ---- */

struct rf_joining rf_joining_of(const struct rf_plan *plan, struct rf_arena *arena) {
    struct rf_joining joining = {.relation = plan->relation};
    uint32_t count = plan->computed ? plan->computed->join_count : 0;
    const char **joined = rf_arena_take(arena, count, sizeof *joined);
    for (uint32_t i = 0; joined && i < count; i++) {
        joined[i] = plan->computed->joins[i].relation;
        joining.count++;
    }
    joining.joined = joined;
    return joining;
}

bool rf_joining_has(const struct rf_joining *joining, const char *relation) {
    for (uint32_t i = 0; i < joining->count; i++) {
        if (strcmp(joining->joined[i], relation) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_in(const uint32_t *order, uint32_t placed, uint32_t table) {
    for (uint32_t i = 0; i < placed; i++) {
        if (order[i] == table) {
            return true;
        }
    }
    return false;
}

/* All that it joins is placed, or comes from elsewhere. */
static bool may_come(const struct rf_joining *tables, uint32_t count, const uint32_t *order,
                     uint32_t placed, uint32_t table) {
    for (uint32_t i = 0; tables[table].count > 0 && i < count; i++) {
        if (rf_joining_has(&tables[table], tables[i].relation) && !is_in(order, placed, i)) {
            return false;
        }
    }
    return true;
}

/* Tables that join nothing first; then round after round those that wait for nothing any more. */
bool rf_joining_order(const struct rf_joining *tables, uint32_t count, uint32_t *order,
                      uint32_t *stuck) {
    uint32_t placed = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (tables[i].count == 0) {
            order[placed++] = i;
        }
    }
    for (uint32_t before = count; placed < count && before != placed;) {
        before = placed;
        for (uint32_t i = 0; i < count; i++) {
            if (tables[i].count > 0 && !is_in(order, placed, i)) {
                *stuck = i;
                if (may_come(tables, count, order, placed, i)) {
                    order[placed++] = i;
                }
            }
        }
    }
    return placed == count;
}

void rf_joining_check(const struct rf_joining *tables, uint32_t count, uint32_t *order,
                      struct rf_troubles *troubles) {
    uint32_t stuck = 0;
    if (!rf_joining_order(tables, count, order, &stuck)) {
        rf_trouble(troubles, "table \"%s\": it joins tables that in the end join it",
                   tables[stuck].relation);
    }
}

static bool has_name(const char *const *names, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool joins_any(const struct rf_plan *plan, const char *const *names, uint32_t count) {
    for (uint32_t i = 0; plan->computed && i < plan->computed->join_count; i++) {
        if (has_name(names, count, plan->computed->joins[i].relation)) {
            return true;
        }
    }
    return false;
}

void rf_joining_follow(const struct rf_ledger_tables *standing, const struct rf_manifest *manifest,
                       const char **names, uint32_t *count) {
    for (uint32_t before = *count + 1; standing && before != *count;) {
        before = *count;
        for (uint32_t i = 0; i < standing->count; i++) {
            const struct rf_plan *plan = &standing->tables[i].plan;
            if (rf_manifest_find(manifest, plan->table) && joins_any(plan, names, *count) &&
                !has_name(names, *count, plan->relation)) {
                names[(*count)++] = plan->relation;
            }
        }
    }
}

/* ---- joined values anew ---- */

#define PREFIX 32

static bool mentions(const struct rf_plan *plan, const char *sql) {
    if (rf_sql_mentions_row(sql, "source")) {
        return true;
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (!rf_plan_goes_to(plan, i) && rf_sql_mentions(sql, plan->columns[i].name)) {
            return true;
        }
    }
    return false;
}

bool rf_computed_refreshes(const struct rf_plan *plan) {
    const struct rf_plan_computed *computed = plan->computed;
    for (uint32_t i = 0; i < computed->join_count; i++) {
        if (mentions(plan, computed->joins[i].on)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < computed->target_count; i++) {
        if (computed->targets[i].joined && mentions(plan, computed->targets[i].sql)) {
            return false;
        }
    }
    return true;
}

static bool begins_any(const struct rf_plan *plan, const char *start) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (strncmp(plan->columns[i].name, start, strlen(start)) == 0) {
            return true;
        }
    }
    return false;
}

/* What begins the names of a row's place and values beside the source's columns: none of these
 * begins like it. */
static void choose_prefix(const struct rf_plan *plan, char prefix[PREFIX]) {
    unsigned number = 0;
    do {
        snprintf(prefix, PREFIX, "rowferry_%u_", number++);
    } while (begins_any(plan, prefix));
}

#define LIST "pg_temp.rowferry_joined"

struct refresh {
    const struct rf_plan *plan;
    const struct rf_catalog_table *table;
    const char *schema;
    char prefix[PREFIX];
    bool any;              /* values are joined */
    struct rf_buffer made; /* place, each value as it is to be (v1, …) and as it is (w1, …), AS n */
    struct rf_buffer differ; /* a condition on these */
    struct rf_buffer set;    /* for UPDATE, from the list AS n */
};

/* What cannot be compared is compared as text. */
static const char *compared_as(const struct rf_catalog_column *column) {
    bool comparable = column->kind != RF_KIND_OTHER && column->kind != RF_KIND_JSON;
    return comparable ? column->type : "text";
}

static const struct rf_catalog_column *joined_column(const struct refresh *refresh,
                                                     uint32_t target) {
    const struct rf_plan_target *at = &refresh->plan->computed->targets[target];
    return at->joined ? rf_catalog_find_column(refresh->table, at->name) : NULL;
}

/* The rows as they stand, under the names of the source. */
static void put_standing(const struct refresh *refresh, struct rf_buffer *sql) {
    const struct rf_plan *plan = refresh->plan;
    rf_buffer_printf(sql, "(SELECT r.ctid AS %splace", refresh->prefix);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const char *name = rf_plan_goes_to(plan, i);
        if (name) {
            rf_buffer_printf(sql, ", r.");
            rf_quote_name(sql, name);
            rf_buffer_printf(sql, " AS ");
            rf_quote_name(sql, plan->columns[i].name);
        }
    }
    for (uint32_t i = 0; i < plan->computed->target_count; i++) {
        if (joined_column(refresh, i)) {
            rf_buffer_printf(sql, ", r.");
            rf_quote_name(sql, plan->computed->targets[i].name);
            rf_buffer_printf(sql, " AS %s%u", refresh->prefix, i);
        }
    }
    rf_buffer_printf(sql, " FROM ONLY ");
    rf_quote_qualified(sql, refresh->schema, plan->relation);
    rf_buffer_printf(sql, " AS r) AS source");
}

static void put_value(struct refresh *refresh, uint32_t target,
                      const struct rf_catalog_column *column) {
    const struct rf_plan_target *at = &refresh->plan->computed->targets[target];
    const char *type = compared_as(column);
    rf_buffer_printf(&refresh->made, ", ");
    rf_computed_value(at, &refresh->made);
    rf_buffer_printf(&refresh->made, " AS v%u, source.%s%u AS w%u", target, refresh->prefix, target,
                     target);
    rf_buffer_printf(&refresh->differ, "%sn.v%u::%s IS DISTINCT FROM n.w%u::%s",
                     refresh->any ? " OR " : "", target, type, target, type);
    rf_buffer_printf(&refresh->set, "%s", refresh->any ? ", " : "");
    rf_quote_name(&refresh->set, at->name);
    rf_buffer_printf(&refresh->set, " = n.v%u", target);
    refresh->any = true;
}

static void put_made(struct refresh *refresh) {
    rf_buffer_printf(&refresh->made, "(SELECT source.%splace AS place", refresh->prefix);
    for (uint32_t i = 0; i < refresh->plan->computed->target_count; i++) {
        const struct rf_catalog_column *column = joined_column(refresh, i);
        if (column) {
            put_value(refresh, i, column);
        }
    }
    rf_buffer_printf(&refresh->made, " FROM ");
    put_standing(refresh, &refresh->made);
    rf_computed_joins(refresh->plan, refresh->schema, &refresh->made);
    rf_buffer_printf(&refresh->made, ") AS n");
}

static void append(struct rf_buffer *to, const struct rf_buffer *from) {
    rf_buffer_append(to, from->bytes, from->size);
    to->failed = to->failed || from->failed;
}

/* The rows that have not what they should, which are few. */
static enum rf_code list_rows(struct refresh *refresh, struct rf_pg *pg, uint64_t *rows,
                              struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "CREATE TEMPORARY TABLE " LIST " ON COMMIT DROP AS SELECT * FROM ");
    append(&sql, &refresh->made);
    rf_buffer_printf(&sql, " WHERE ");
    append(&sql, &refresh->differ);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, rows, error);
    rf_buffer_release(&sql);
    return code;
}

/* Of several rows that a join finds for one, some may be as the row is. */
static enum rf_code check_single(struct refresh *refresh, struct rf_pg *pg,
                                 struct rf_error *error) {
    struct rf_buffer sql = {0};
    struct rf_pg_rows *rows = NULL;
    rf_buffer_printf(&sql, "SELECT EXISTS (SELECT FROM ");
    append(&sql, &refresh->made);
    rf_buffer_printf(&sql, " WHERE n.place IN (SELECT place FROM " LIST ") "
                           "GROUP BY n.place HAVING count(*) > 1)");
    rf_buffer_u8(&sql, 0);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(pg, (const char *)sql.bytes, NULL, &rows, error);
    }
    if (code == RF_OK && rf_pg_rows_truth(rows, 0, 0)) {
        code = rf_fail(error, RF_MISPLACED, "joins find several rows for one of table \"%s\"",
                       refresh->plan->relation);
        rf_hint(error, "each row of the source is to become one: a join must find at most one row "
                       "(DISTINCT, a unique column).");
    }
    rf_pg_rows_free(rows);
    rf_buffer_release(&sql);
    return code;
}

static void put_update(const struct refresh *refresh, const struct rf_buffer *from,
                       struct rf_buffer *sql) {
    rf_buffer_printf(sql, "UPDATE ONLY ");
    rf_quote_qualified(sql, refresh->schema, refresh->plan->relation);
    rf_buffer_printf(sql, " AS t SET ");
    append(sql, &refresh->set);
    rf_buffer_printf(sql, " FROM ");
    append(sql, from);
    rf_buffer_printf(sql, " WHERE t.ctid = n.place");
}

static enum rf_code update(struct refresh *refresh, struct rf_pg *pg, struct rf_error *error) {
    struct rf_buffer sql = {0}, list = {0};
    rf_buffer_printf(&list, LIST " AS n");
    put_update(refresh, &list, &sql);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    rf_buffer_release(&list);
    return code;
}

static enum rf_code carry_out(struct refresh *refresh, struct rf_pg *pg, uint64_t *rows,
                              struct rf_error *error) {
    enum rf_code code = rf_computed_begin(pg, refresh->schema, error);
    if (code == RF_OK) {
        code = list_rows(refresh, pg, rows, error);
    }
    if (code == RF_OK && *rows > 0) {
        code = rf_pg_do(pg, "ANALYZE " LIST, NULL, error);
    }
    if (code == RF_OK && *rows > 0) {
        code = check_single(refresh, pg, error);
    }
    if (code == RF_OK && *rows > 0) {
        code = update(refresh, pg, error);
    }
    if (code != RF_OK) {
        return rf_computed_explain(refresh->plan, error);
    }
    code = rf_pg_do(pg, "DROP TABLE " LIST, NULL, error);
    return code == RF_OK ? rf_computed_end(pg, error) : code;
}

/* False: no value is joined. */
static bool begin(struct refresh *refresh, const struct rf_catalog *catalog,
                  const struct rf_plan *plan) {
    *refresh = (struct refresh){
        .plan = plan,
        .table = rf_catalog_find(catalog, plan->relation),
        .schema = catalog->schema,
    };
    if (refresh->table) {
        choose_prefix(plan, refresh->prefix);
        put_made(refresh);
    }
    return refresh->any;
}

static void end(struct refresh *refresh) {
    rf_buffer_release(&refresh->made);
    rf_buffer_release(&refresh->differ);
    rf_buffer_release(&refresh->set);
}

bool rf_computed_refresh_sql(const struct rf_catalog *catalog, const struct rf_plan *plan,
                             struct rf_buffer *sql) {
    struct refresh refresh;
    if (!rf_computed_refreshes(plan)) {
        return false;
    }
    bool any = begin(&refresh, catalog, plan);
    struct rf_buffer from = {0};
    if (any) {
        rf_buffer_printf(&from, "(SELECT * FROM ");
        append(&from, &refresh.made);
        rf_buffer_printf(&from, " WHERE ");
        append(&from, &refresh.differ);
        rf_buffer_printf(&from, ") AS n");
        put_update(&refresh, &from, sql);
    }
    rf_buffer_release(&from);
    end(&refresh);
    return any;
}

enum rf_code rf_computed_refresh(struct rf_pg *pg, const struct rf_catalog *catalog,
                                 const struct rf_plan *plan, uint64_t *rows,
                                 struct rf_error *error) {
    struct refresh refresh;
    *rows = 0;
    enum rf_code code =
        begin(&refresh, catalog, plan) ? carry_out(&refresh, pg, rows, error) : RF_OK;
    end(&refresh);
    return code;
}
