#include "replay/build.h"

#include <string.h>

#include "replay/guard.h"
#include "replay/quote.h"
#include "replay/server_error.h"

#define SAVEPOINT "rowferry_index"
#define ROLL_BACK "ROLLBACK TO SAVEPOINT " SAVEPOINT "; RELEASE SAVEPOINT " SAVEPOINT

/* An entry that is too large; a type that has no order; an expression that the server finds at
 * fault (not immutable, of another type, without such a function), or that a row makes fail. */
static bool is_refusal(const char *sqlstate) {
    static const char *const states[] = {
        RF_SQLSTATE_LIMIT, "0A000", "42704", "42804", "42846", "42883",
        "42P17",           "42P18", "42P21", "42P22", "42601",
    };
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(sqlstate, states[i]) == 0) {
            return true;
        }
    }
    return strncmp(sqlstate, "22", 2) == 0;
}

static enum rf_code refuse(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                           const struct rf_plan *plan, struct rf_plan_index *index,
                           struct rf_error *error) {
    char reason[sizeof error->what];
    memcpy(reason, error->what, sizeof reason);
    rf_error_clear(error);
    index->stands = false;
    rf_run_warn(run, "table %s: index %s is left out; %s", plan->table, index->name, reason);
    enum rf_code code = rf_pg_do(pg, ROLL_BACK, NULL, error);
    return code == RF_OK ? rf_ledger_refuse_index(pg, target, index, reason, error) : code;
}

enum rf_code rf_build_index(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                            const struct rf_plan *plan, struct rf_plan_index *index,
                            const char *schema, bool attach, struct rf_error *error) {
    if (index->refusal) {
        return RF_OK;
    }
    struct rf_buffer sql = {0};
    rf_guard_savepoint(target, SAVEPOINT, &sql);
    rf_plan_create_index(plan, index, schema, &sql);
    rf_buffer_printf(&sql, "; ");
    if (attach) {
        rf_plan_attach_constraint(plan, index, schema, &sql);
    }
    rf_buffer_printf(&sql, "; RELEASE SAVEPOINT " SAVEPOINT);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    if (code != RF_OK && is_refusal(error->sqlstate)) {
        code = refuse(run, pg, target, plan, index, error);
    }
    if (code != RF_OK && strcmp(error->sqlstate, RF_SQLSTATE_UNIQUE) == 0) {
        rf_hint(error, "two rows have the same key: is the source's own index sound (PRAGMA "
                       "integrity_check)?");
    }
    if (code != RF_OK) {
        rf_while(error, "while building index %s of table %s", index->name, plan->table);
    }
    return code;
}

enum rf_code rf_build_all(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                          struct rf_plan *plan, const char *schema, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        code = rf_build_index(run, pg, target, plan, &plan->indexes[i], schema, true, error);
    }
    return code == RF_OK ? rf_build_checks(run, pg, target, plan, schema, error) : code;
}

static enum rf_code refuse_check(struct rf_run *run, struct rf_pg *pg,
                                 const struct rf_target *target, const struct rf_plan *plan,
                                 struct rf_plan_constraint *check, struct rf_error *error) {
    char reason[sizeof error->what];
    memcpy(reason, error->what, sizeof reason);
    rf_error_clear(error);
    check->stands = check->valid = false;
    rf_run_warn(run, "table %s: constraint %s is left out; %s", plan->table, check->name, reason);
    enum rf_code code = rf_pg_do(pg, ROLL_BACK, NULL, error);
    return code == RF_OK ? rf_ledger_judge_constraint(pg, target, plan->table, check, reason, error)
                         : code;
}

enum rf_code rf_build_check(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                            const struct rf_plan *plan, struct rf_plan_constraint *check,
                            const char *schema, struct rf_error *error) {
    if (check->kind != RF_PLAN_CHECK || !check->stands) {
        return RF_OK;
    }
    struct rf_buffer sql = {0};
    rf_guard_savepoint(target, SAVEPOINT, &sql);
    rf_plan_add_constraint(plan, check, schema, &sql);
    rf_buffer_printf(&sql, "; RELEASE SAVEPOINT " SAVEPOINT);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    if (code != RF_OK &&
        (strcmp(error->sqlstate, RF_SQLSTATE_CHECK) == 0 || is_refusal(error->sqlstate))) {
        code = refuse_check(run, pg, target, plan, check, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while adding constraint %s to table %s", check->name, plan->table);
    }
    return code;
}

enum rf_code rf_build_checks(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                             struct rf_plan *plan, const char *schema, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        code = rf_build_check(run, pg, target, plan, &plan->constraints[i], schema, error);
    }
    return code;
}

enum rf_code rf_build_attach(struct rf_pg *pg, const struct rf_plan *plan, const char *schema,
                             struct rf_error *error) {
    enum rf_code code = RF_OK;
    struct rf_buffer sql = {0};
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        if (plan->indexes[i].stands) {
            rf_plan_attach_constraint(plan, &plan->indexes[i], schema, &sql);
        }
        if (sql.size > 0) {
            code = rf_pg_do_buffer(pg, &sql, NULL, error);
        }
    }
    rf_buffer_release(&sql);
    return code;
}

static bool has_expressions(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].default_sql || plan->columns[i].generated_sql) {
            return true;
        }
    }
    return false;
}

static enum rf_code create_table(struct rf_pg *pg, const struct rf_target *target,
                                 const struct rf_plan *plan, const char *schema, bool identities,
                                 struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_guard_savepoint(target, SAVEPOINT, &sql);
    rf_plan_create_table(plan, schema, identities, &sql);
    rf_buffer_printf(&sql, "; RELEASE SAVEPOINT " SAVEPOINT);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code create_plain(struct rf_run *run, struct rf_pg *pg,
                                 const struct rf_target *target, struct rf_plan *plan,
                                 const char *schema, bool identities, struct rf_error *error) {
    rf_run_warn(run, "table %s: defaults and generated columns are not carried over; %s",
                plan->table, error->what);
    rf_error_clear(error);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        plan->columns[i].default_sql = NULL;
        plan->columns[i].generated_sql = NULL;
    }
    enum rf_code code = rf_pg_do(pg, ROLL_BACK, NULL, error);
    if (code == RF_OK) {
        code = rf_ledger_plain_columns(pg, target, plan->table, error);
    }
    return code == RF_OK ? create_table(pg, target, plan, schema, identities, error) : code;
}

enum rf_code rf_build_create_table(struct rf_run *run, struct rf_pg *pg,
                                   const struct rf_target *target, struct rf_plan *plan,
                                   const char *schema, bool identities, struct rf_error *error) {
    enum rf_code code = create_table(pg, target, plan, schema, identities, error);
    if (code != RF_OK && has_expressions(plan) && is_refusal(error->sqlstate)) {
        code = create_plain(run, pg, target, plan, schema, identities, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while creating table %s", plan->table);
    }
    return code;
}

enum rf_code rf_build_hold_autovacuum(struct rf_pg *pg, const struct rf_plan *plan,
                                      const char *schema, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "ALTER TABLE ");
    rf_quote_qualified(&sql, schema, plan->relation);
    rf_buffer_printf(&sql, " SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)");
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

void rf_build_free_autovacuum(const struct rf_plan *plan, const char *schema,
                              struct rf_buffer *sql) {
    rf_buffer_printf(sql, "ALTER TABLE ");
    rf_quote_qualified(sql, schema, plan->relation);
    rf_buffer_printf(sql, " RESET (autovacuum_enabled, toast.autovacuum_enabled);\n");
}

enum rf_code rf_build_analyze(struct rf_pg *pg, const struct rf_plan *plan, const char *schema,
                              struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "ANALYZE ");
    rf_quote_qualified(&sql, schema, plan->relation);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

void rf_build_remarks(struct rf_run *run, const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->remark_count; i++) {
        rf_run_warn(run, "%s", plan->remarks[i]);
    }
}
