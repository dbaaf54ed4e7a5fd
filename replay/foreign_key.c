#include "replay/foreign_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/foreign_key_list.h"
#include "replay/guard.h"
#include "replay/quote.h"
#include "replay/server_error.h"

#define SAVEPOINT "rowferry_key"
#define ROLL_BACK "ROLLBACK TO SAVEPOINT " SAVEPOINT "; RELEASE SAVEPOINT " SAVEPOINT

/* ---- taking away ---- */

static enum rf_code drop(const struct rf_foreign_keys *keys, const struct rf_plan *child,
                         const struct rf_plan_constraint *constraint, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_plan_drop_constraint(child, constraint, keys->target->schema, &sql);
    enum rf_code code = rf_pg_do_buffer(keys->pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    if (code != RF_OK) {
        rf_while(error, "while dropping constraint %s of table %s", constraint->name, child->table);
    }
    return code;
}

/* The ledger keeps what was found of it last time, and that it does not stand. */
static enum rf_code hold(const struct rf_foreign_keys *keys, const struct rf_plan *child,
                         struct rf_plan_constraint *constraint, struct rf_error *error) {
    enum rf_code code = drop(keys, child, constraint, error);
    constraint->stands = false;
    return code == RF_OK ? rf_ledger_judge_constraint(keys->pg, keys->target, child->table,
                                                      constraint, constraint->reason, error)
                         : code;
}

static bool is_disturbed(const struct rf_plan_constraint *constraint, unsigned child,
                         unsigned parent) {
    if (!constraint->valid && ((child | parent) & RF_TOUCHED)) {
        return true; /* the orphans may be gone */
    }
    return (child & RF_TOUCHED_COMING) || (parent & RF_TOUCHED_GOING);
}

enum rf_code rf_foreign_keys_hold(const struct rf_foreign_keys *keys,
                                  struct rf_ledger_tables *standing,
                                  unsigned (*touch)(void *context, const char *table),
                                  void *context, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < standing->count; i++) {
        struct rf_plan *child = &standing->tables[i].plan;
        for (uint32_t c = 0; code == RF_OK && c < child->constraint_count; c++) {
            struct rf_plan_constraint *constraint = &child->constraints[c];
            if (constraint->kind == RF_PLAN_FOREIGN_KEY && constraint->stands &&
                is_disturbed(constraint, touch(context, child->table),
                             touch(context, constraint->parent))) {
                code = hold(keys, child, constraint, error);
            }
        }
    }
    return code;
}

/* ---- putting back ---- */

struct key {
    const struct rf_foreign_keys *keys;
    const struct rf_plan *child;
    const struct rf_foreign_key_wish *wish;
    struct rf_plan_constraint *constraint; /* named, and in the ledger */
};

static void put_columns(const struct key *key, const char *alias, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < key->wish->count; i++) {
        rf_buffer_printf(sql, "%s%s.", i == 0 ? "" : ", ", alias);
        rf_quote_name(sql, key->wish->pairs[i].from->name);
    }
}

/* How many rows refer to nothing, and what the first of them refers to. */
static void put_orphans(const struct key *key, struct rf_buffer *sql) {
    const struct rf_foreign_key_wish *wish = key->wish;
    const char *schema = key->keys->target->schema;
    rf_buffer_printf(sql, "SELECT count(*) OVER (), left(ROW(");
    put_columns(key, "c", sql);
    rf_buffer_printf(sql, ")::text, 200) FROM ONLY ");
    rf_quote_qualified(sql, schema, key->child->relation);
    rf_buffer_printf(sql, " AS c WHERE NOT EXISTS (SELECT FROM ONLY ");
    rf_quote_qualified(sql, schema, wish->parent->relation);
    rf_buffer_printf(sql, " AS p WHERE ");
    for (uint32_t i = 0; i < wish->count; i++) {
        rf_buffer_printf(sql, "%sp.", i == 0 ? "" : " AND ");
        rf_quote_name(sql, wish->pairs[i].to->name);
        rf_buffer_printf(sql, " = c.");
        rf_quote_name(sql, wish->pairs[i].from->name);
    }
    rf_buffer_printf(sql, ")");
    for (uint32_t i = 0; i < wish->count; i++) {
        rf_buffer_printf(sql, " AND c.");
        rf_quote_name(sql, wish->pairs[i].from->name);
        rf_buffer_printf(sql, " IS NOT NULL");
    }
    rf_buffer_printf(sql, " ORDER BY ");
    put_columns(key, "c", sql);
    rf_buffer_printf(sql, " LIMIT 1");
    rf_buffer_u8(sql, 0);
}

/* Told again only where it is something else than last time. */
static enum rf_code judge(const struct key *key, const char *reason, struct rf_error *error) {
    const struct rf_foreign_keys *keys = key->keys;
    struct rf_plan_constraint *constraint = key->constraint;
    bool known = constraint->reason && reason && strcmp(constraint->reason, reason) == 0;
    if (reason && !known) {
        rf_run_warn(keys->run, "table %s: foreign key %s %s: %s", key->child->table,
                    constraint->name, constraint->stands ? "is not valid" : "is left out", reason);
    }
    return rf_ledger_judge_constraint(keys->pg, keys->target, key->child->table, constraint, reason,
                                      error);
}

static enum rf_code tell_orphans(const struct key *key, struct rf_error *error) {
    struct rf_buffer sql = {0};
    put_orphans(key, &sql);
    struct rf_pg_rows *rows = NULL;
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(key->keys->pg, (const char *)sql.bytes, NULL, &rows, error);
    }
    rf_buffer_release(&sql);
    if (code != RF_OK) {
        return code;
    }
    char reason[512];
    bool any = rf_pg_rows_count(rows) > 0;
    uint64_t count = any ? rf_pg_rows_number(rows, 0, 0) : 0;
    const char *first = any ? rf_pg_rows_text(rows, 0, 1) : NULL;
    snprintf(reason, sizeof reason,
             "%" PRIu64 " row%s to rows that table %s does not have, the first to %s", count,
             count == 1 ? " refers" : "s refer", key->wish->parent->table, first ? first : "one");
    rf_pg_rows_free(rows);
    rf_make_sayable(reason);
    return judge(key, reason, error);
}

/* A statement behind a savepoint. `state` and `reason`: why the server would not; "" where it did.
 */
static enum rf_code attempt(const struct key *key, struct rf_buffer *sql, char state[6],
                            char *reason, size_t size, struct rf_error *error) {
    struct rf_buffer whole = {0};
    rf_guard_savepoint(key->keys->target, SAVEPOINT, &whole);
    rf_buffer_append(&whole, sql->bytes, sql->size);
    rf_buffer_printf(&whole, "; RELEASE SAVEPOINT " SAVEPOINT);
    whole.failed = whole.failed || sql->failed;
    rf_buffer_release(sql);
    enum rf_code code = rf_pg_do_buffer(key->keys->pg, &whole, NULL, error);
    rf_buffer_release(&whole);
    state[0] = 0;
    bool refused = code != RF_OK && (strncmp(error->sqlstate, "42", 2) == 0 ||
                                     strcmp(error->sqlstate, RF_SQLSTATE_FOREIGN_KEY) == 0);
    if (!refused || strcmp(error->sqlstate, "42501") == 0) {
        return code;
    }
    memcpy(state, error->sqlstate, 6);
    snprintf(reason, size, "%.*s", (int)size - 1, error->what);
    rf_error_clear(error);
    return rf_pg_do(key->keys->pg, ROLL_BACK, NULL, error);
}

static enum rf_code make(const struct key *key, struct rf_error *error) {
    struct rf_plan_constraint *constraint = key->constraint;
    struct rf_buffer sql = {0};
    char state[6], reason[256];
    rf_plan_add_constraint(key->child, constraint, key->keys->target->schema, &sql);
    enum rf_code code = attempt(key, &sql, state, reason, sizeof reason, error);
    if (code != RF_OK || state[0]) {
        return code == RF_OK ? judge(key, reason, error) : code;
    }
    constraint->stands = true;
    rf_plan_validate_constraint(key->child, constraint, key->keys->target->schema, &sql);
    code = attempt(key, &sql, state, reason, sizeof reason, error);
    constraint->valid = code == RF_OK && !state[0];
    if (code != RF_OK || constraint->valid) {
        return code == RF_OK ? judge(key, NULL, error) : code;
    }
    return strcmp(state, RF_SQLSTATE_FOREIGN_KEY) == 0 ? tell_orphans(key, error)
                                                       : judge(key, reason, error);
}

static struct rf_plan_constraint *find_line(struct rf_plan *plan,
                                            const struct rf_plan_constraint *wanted,
                                            const bool *taken) {
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        if (!taken[i] && rf_plan_constraint_same(&plan->constraints[i], wanted)) {
            return &plan->constraints[i];
        }
    }
    return NULL;
}

/* Appends it to the plan, named, and to the ledger. */
static enum rf_code add_line(const struct rf_foreign_keys *keys, struct rf_plan *plan,
                             const struct rf_plan_constraint *wanted, struct rf_error *error) {
    struct rf_plan_constraint *constraint = &plan->constraints[plan->constraint_count];
    *constraint = *wanted;
    rf_plan_name_constraint(plan, constraint, keys->arena);
    enum rf_code code = rf_arena_check(keys->arena, error);
    if (code == RF_OK && constraint->refusal) {
        rf_run_warn(keys->run, "table %s: %s is not carried over: %s", plan->table,
                    constraint->definition, constraint->refusal);
    }
    plan->constraint_count++;
    return code == RF_OK
               ? rf_ledger_add_constraint(keys->pg, keys->target, plan->table, constraint, error)
               : code;
}

/* Lines that nobody wants go first, so that their names are free. */
static enum rf_code remove_others(const struct rf_foreign_keys *keys, struct rf_plan *plan,
                                  const bool *taken, struct rf_error *error) {
    enum rf_code code = RF_OK;
    uint32_t kept = 0;
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        struct rf_plan_constraint constraint = plan->constraints[i];
        if (constraint.kind != RF_PLAN_FOREIGN_KEY || taken[i]) {
            plan->constraints[kept++] = constraint;
            continue;
        }
        code = constraint.stands ? drop(keys, plan, &constraint, error) : RF_OK;
        if (code == RF_OK) {
            code = rf_ledger_remove_constraint(keys->pg, keys->target, plan->table, &constraint,
                                               error);
        }
    }
    plan->constraint_count = kept;
    return code;
}

/* The plan's list with room for all that are wanted. */
static bool make_room(const struct rf_foreign_keys *keys, struct rf_plan *plan, uint32_t wanted) {
    struct rf_plan_constraint *constraints =
        rf_arena_take(keys->arena, (size_t)plan->constraint_count + wanted, sizeof *constraints);
    if (constraints && plan->constraint_count > 0) {
        memcpy(constraints, plan->constraints, plan->constraint_count * sizeof *constraints);
    }
    plan->constraints = constraints;
    return constraints;
}

static enum rf_code put_back_all(const struct rf_foreign_keys *keys, struct rf_plan *plan,
                                 uint32_t count, const struct rf_foreign_key_wish *wishes,
                                 struct rf_error *error) {
    bool *taken = rf_arena_take(keys->arena, (size_t)plan->constraint_count + count, sizeof *taken);
    bool *known = rf_arena_take(keys->arena, count, sizeof *known);
    if (!taken || !known || !make_room(keys, plan, count)) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct rf_plan_constraint *line = find_line(plan, &wishes[i].constraint, taken);
        known[i] = line;
        if (line) {
            taken[line - plan->constraints] = true;
        }
    }
    enum rf_code code = remove_others(keys, plan, taken, error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        if (!known[i]) {
            code = add_line(keys, plan, &wishes[i].constraint, error);
        }
    }
    memset(taken, 0, plan->constraint_count * sizeof *taken);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        struct rf_plan_constraint *line = find_line(plan, &wishes[i].constraint, taken);
        if (!line) {
            continue;
        }
        taken[line - plan->constraints] = true;
        if (!line->refusal && !line->stands) {
            const struct key key = {keys, plan, &wishes[i], line};
            code = make(&key, error);
        }
    }
    return code;
}

static bool has_foreign_keys(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        if (plan->constraints[i].kind == RF_PLAN_FOREIGN_KEY) {
            return true;
        }
    }
    return false;
}

enum rf_code rf_foreign_keys_put_back(const struct rf_foreign_keys *keys, struct rf_error *error) {
    struct rf_ledger_tables tables;
    enum rf_code code = rf_ledger_read(keys->pg, keys->target, &tables, error);
    if (code != RF_OK) {
        return code;
    }
    for (uint32_t i = 0; code == RF_OK && i < tables.count; i++) {
        struct rf_plan *plan = &tables.tables[i].plan;
        const struct rf_manifest_table *child = rf_manifest_find(keys->manifest, plan->table);
        if (!child || !plan->owned ||
            (child->table.foreign_key_count == 0 && !has_foreign_keys(plan))) {
            continue;
        }
        uint32_t count = 0;
        struct rf_foreign_key_wish *wishes = NULL;
        code = rf_foreign_key_list(keys, child, plan, &tables, &count, &wishes, error);
        if (code == RF_OK) {
            code = put_back_all(keys, plan, count, wishes, error);
        }
        if (code != RF_OK) {
            rf_while(error, "while making the foreign keys of table %s", plan->table);
        }
    }
    rf_ledger_tables_release(&tables);
    return code;
}
