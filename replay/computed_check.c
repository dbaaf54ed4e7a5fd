/* The stage is not there yet: NULLs of its columns' types stand for it. First the whole statement is
 * parsed; where the server refuses it, its parts are, one by one, so that each that is wrong is told
 * by its name. */
#include "replay/computed_check.h"

#include <string.h>

#include "replay/computed.h"
#include "replay/computed_join.h"
#include "replay/quote.h"
#include "replay/sql.h"

struct probe {
    struct rf_pg *pg;
    const struct rf_existing *existing;
    const struct rf_plan *plan;
    struct rf_troubles *troubles;
    const char *stage; /* SQL */
};

#define SAVEPOINT "rowferry_probe"

/* Whether the server parses it; its message if not. Only the loss of the connection and the like
 * are errors. One statement: several are refused. */
static enum rf_code parse(struct probe *probe, struct rf_buffer *sql, const char **message,
                          struct rf_error *error) {
    static const struct rf_pg_args none;
    *message = NULL;
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    if (code == RF_OK) {
        code = rf_pg_do(probe->pg, "SAVEPOINT " SAVEPOINT, NULL, error);
    }
    if (code != RF_OK) {
        return code;
    }
    code = rf_pg_do_args(probe->pg, (const char *)sql->bytes, &none, NULL, error);
    rf_buffer_clear(sql);
    if (code == RF_OK) {
        return rf_pg_do(probe->pg, "DEALLOCATE rowferry_probe; RELEASE SAVEPOINT " SAVEPOINT, NULL,
                        error);
    }
    if (rf_pg_broken(probe->pg) || code == RF_INTERRUPTED || !*error->sqlstate) {
        return code;
    }
    *message = rf_arena_copy(probe->troubles->arena, error->what);
    rf_error_clear(error);
    return rf_pg_do(probe->pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT "; RELEASE SAVEPOINT " SAVEPOINT,
                    NULL, error);
}

static void prepare(struct rf_buffer *sql) {
    rf_buffer_printf(sql, "PREPARE rowferry_probe AS ");
}

/* ---- the parts ---- */

static enum rf_code tell(struct probe *probe, struct rf_buffer *sql, const char *what,
                         const char *name, uint32_t *told, struct rf_error *error) {
    const char *message;
    enum rf_code code = parse(probe, sql, &message, error);
    if (code == RF_OK && message) {
        (*told)++;
        rf_trouble(probe->troubles, "table \"%s\": %s%s%s%s: %s", probe->plan->relation, what,
                   *name ? "\"" : "", name, *name ? "\"" : "", message);
    }
    return code;
}

static enum rf_code probe_where(struct probe *probe, uint32_t *told, struct rf_error *error) {
    struct rf_buffer sql = {0};
    prepare(&sql);
    rf_buffer_printf(&sql, "SELECT FROM ");
    rf_computed_rows(probe->plan, probe->stage, &sql);
    enum rf_code code = tell(probe, &sql, "where", "", told, error);
    rf_buffer_release(&sql);
    return code;
}

/* The first that is wrong, as those behind it may look at it. */
static enum rf_code probe_joins(struct probe *probe, uint32_t *told, struct rf_error *error) {
    struct rf_plan_computed some = *probe->plan->computed;
    struct rf_plan plan = *probe->plan;
    plan.computed = &some;
    enum rf_code code = RF_OK;
    uint32_t count = some.join_count;
    for (uint32_t i = 0; code == RF_OK && *told == 0 && i < count; i++) {
        struct rf_buffer sql = {0};
        some.join_count = i + 1;
        prepare(&sql);
        rf_buffer_printf(&sql, "SELECT FROM ");
        rf_computed_rows(&plan, probe->stage, &sql);
        rf_computed_joins(&plan, probe->existing->target->schema, &sql);
        code = tell(probe, &sql, "join of ", some.joins[i].relation, told, error);
        rf_buffer_release(&sql);
    }
    return code;
}

static enum rf_code probe_values(struct probe *probe, uint32_t *told, struct rf_error *error) {
    struct rf_plan_computed one = *probe->plan->computed;
    struct rf_plan plan = *probe->plan;
    plan.computed = &one;
    one.target_count = 1;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < probe->plan->computed->target_count; i++) {
        one.targets = &probe->plan->computed->targets[i];
        struct rf_buffer sql = {0};
        prepare(&sql);
        rf_computed_insert_from(&plan, probe->existing->target->schema, probe->stage, &sql);
        code = tell(probe, &sql, "value for column ", one.targets->name, told, error);
        rf_buffer_release(&sql);
    }
    return code;
}

static enum rf_code probe_parts(struct probe *probe, const char *whole, struct rf_error *error) {
    uint32_t told = 0;
    enum rf_code code = probe_where(probe, &told, error);
    if (code == RF_OK && told == 0) {
        code = probe_joins(probe, &told, error);
    }
    if (code == RF_OK && told == 0) {
        code = probe_values(probe, &told, error);
    }
    if (code == RF_OK && told == 0) {
        rf_trouble(probe->troubles, "table \"%s\": its rows cannot be computed: %s",
                   probe->plan->relation, whole);
    }
    return code;
}

/* ---- the whole ---- */

static enum rf_code probe_rows(struct probe *probe, struct rf_error *error) {
    struct rf_buffer sql = {0};
    const char *message = NULL;
    prepare(&sql);
    rf_computed_insert_from(probe->plan, probe->existing->target->schema, probe->stage, &sql);
    enum rf_code code = parse(probe, &sql, &message, error);
    if (code == RF_OK && message) {
        code = probe_parts(probe, message, error);
    }
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code may_update(struct probe *probe, bool *may, struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    struct rf_pg_rows *rows = NULL;
    struct rf_buffer name = {0};
    rf_quote_qualified(&name, probe->existing->target->schema, probe->plan->relation);
    rf_buffer_u8(&name, 0);
    enum rf_code code = rf_buffer_check(&name, error);
    if (code == RF_OK) {
        rf_pg_text(&args, (const char *)name.bytes);
        code = rf_pg_ask(probe->pg, rf_sql_computed_may_update, &args, &rows, error);
    }
    *may = code == RF_OK && rf_pg_rows_truth(rows, 0, 0);
    if (code == RF_OK && !*may) {
        const char *role = probe->existing->catalog.role;
        rf_trouble(probe->troubles,
                   "table \"%s\": role \"%s\" may not UPDATE, which its joined values need (GRANT "
                   "UPDATE ON %s TO \"%s\")",
                   probe->plan->relation, role, (const char *)name.bytes, role);
    }
    rf_pg_rows_free(rows);
    rf_buffer_release(&name);
    return code;
}

/* Joined values are brought up to date where they stand. */
static enum rf_code probe_refresh(struct probe *probe, struct rf_error *error) {
    struct rf_buffer sql = {0};
    uint32_t told = 0;
    bool may = false;
    enum rf_code code = may_update(probe, &may, error);
    prepare(&sql);
    if (code == RF_OK && may &&
        rf_computed_refresh_sql(&probe->existing->catalog, probe->plan, &sql)) {
        code = tell(probe, &sql, "joined values cannot be brought up to date", "", &told, error);
    }
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code in_transaction(struct probe *probe, struct rf_error *error) {
    uint32_t before = probe->troubles->count;
    enum rf_code code = rf_pg_do(probe->pg, "BEGIN READ ONLY", NULL, error);
    if (code == RF_OK) {
        code = rf_computed_begin(probe->pg, probe->existing->target->schema, error);
    }
    if (code == RF_OK) {
        code = probe_rows(probe, error);
    }
    if (code == RF_OK && probe->troubles->count == before &&
        probe->plan->computed->join_count > 0) {
        code = probe_refresh(probe, error);
    }
    rf_pg_rollback(probe->pg);
    return code;
}

static void put_stage(const struct rf_plan *plan, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "(SELECT ");
    for (uint32_t i = 0; i < plan->column_count; i++) {
        rf_buffer_printf(sql, "%sNULL::%s AS ", i > 0 ? ", " : "",
                         plan->columns[i].conversion->type);
        rf_quote_name(sql, plan->columns[i].name);
    }
    rf_buffer_append(sql, ")", 2);
}

enum rf_code rf_computed_find_troubles(const struct rf_existing *existing,
                                       const struct rf_plan *plan, struct rf_troubles *troubles,
                                       struct rf_error *error) {
    struct rf_pg *own = NULL;
    struct rf_buffer stage = {0};
    put_stage(plan, &stage);
    enum rf_code code = rf_buffer_check(&stage, error);
    if (code == RF_OK && !existing->pg) {
        code = rf_pg_open(existing->run, RF_PG_READER, &own, error);
    }
    struct probe probe = {.pg = own ? own : existing->pg,
                          .existing = existing,
                          .plan = plan,
                          .troubles = troubles,
                          .stage = (const char *)stage.bytes};
    if (code == RF_OK) {
        code = in_transaction(&probe, error);
    }
    rf_pg_close(own);
    rf_buffer_release(&stage);
    return code == RF_OK ? rf_arena_check(troubles->arena, error) : code;
}
