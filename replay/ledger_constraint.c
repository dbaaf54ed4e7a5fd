/* CHECK constraints and foreign keys in the ledger: as they were made, or why they were not. */
#include "replay/ledger_inner.h"
#include "replay/sql.h"

enum rf_code rf_ledger_plain_columns(struct rf_pg *pg, const struct rf_target *target,
                                     const char *table, struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    return rf_pg_do_args(pg, rf_sql_column_plain, &args, NULL, error);
}

enum rf_code rf_ledger_add_constraint(struct rf_pg *pg, const struct rf_target *target,
                                      const char *table,
                                      const struct rf_plan_constraint *constraint,
                                      struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    rf_pg_text(&args, constraint->name);
    rf_pg_text(&args, constraint->wanted);
    rf_pg_text(&args, rf_plan_constraint_kind_name(constraint->kind));
    rf_pg_text(&args, constraint->parent);
    rf_pg_text(&args, constraint->definition);
    rf_pg_truth(&args, !constraint->refusal);
    rf_pg_truth(&args, constraint->stands);
    rf_pg_truth(&args, constraint->valid);
    rf_pg_text(&args, constraint->refusal);
    return rf_pg_do_often(pg, rf_sql_constraint_add, &args, NULL, error);
}

enum rf_code rf_ledger_judge_constraint(struct rf_pg *pg, const struct rf_target *target,
                                        const char *table,
                                        const struct rf_plan_constraint *constraint,
                                        const char *reason, struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    rf_pg_text(&args, constraint->name);
    rf_pg_truth(&args, constraint->stands);
    rf_pg_truth(&args, constraint->valid);
    rf_pg_text(&args, reason);
    return rf_pg_do_args(pg, rf_sql_constraint_judge, &args, NULL, error);
}

enum rf_code rf_ledger_remove_constraint(struct rf_pg *pg, const struct rf_target *target,
                                         const char *table,
                                         const struct rf_plan_constraint *constraint,
                                         struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    rf_pg_text(&args, constraint->name);
    return rf_pg_do_args(pg, rf_sql_constraint_remove, &args, NULL, error);
}

static bool take_constraint(const struct rf_pg_rows *rows, uint32_t row, struct rf_arena *arena,
                            struct rf_plan_constraint *constraint) {
    enum { NAME = 1, WANTED, KIND, PARENT, DEFINITION, CARRIED, STANDS, VALID, REASON };
    constraint->name = rf_arena_copy(arena, rf_pg_rows_text(rows, row, NAME));
    constraint->wanted = rf_arena_copy(arena, rf_pg_rows_text(rows, row, WANTED));
    constraint->parent = rf_arena_copy(arena, rf_pg_rows_text(rows, row, PARENT));
    constraint->definition = rf_arena_copy(arena, rf_pg_rows_text(rows, row, DEFINITION));
    constraint->stands = rf_pg_rows_truth(rows, row, STANDS);
    constraint->valid = rf_pg_rows_truth(rows, row, VALID);
    constraint->reason = rf_arena_copy(arena, rf_pg_rows_text(rows, row, REASON));
    if (!rf_pg_rows_truth(rows, row, CARRIED)) {
        constraint->refusal = constraint->reason ? constraint->reason : "";
    }
    bool known = rf_plan_constraint_kind_find(rf_pg_rows_text(rows, row, KIND), &constraint->kind);
    return known && (constraint->kind == RF_PLAN_CHECK || constraint->parent);
}

enum rf_code rf_ledger_take_constraints(const struct rf_pg_rows *rows, uint32_t from, uint32_t to,
                                        struct rf_arena *arena, struct rf_plan *plan,
                                        struct rf_error *error) {
    plan->constraints = rf_arena_take(arena, to - from, sizeof *plan->constraints);
    for (uint32_t i = from; plan->constraints && i < to; i++) {
        if (!take_constraint(rows, i, arena, &plan->constraints[plan->constraint_count++])) {
            return rf_ledger_fail(error, "a constraint", plan->table);
        }
    }
    return rf_arena_check(arena, error);
}
