/* How rows of a table are computed, in the ledger. */
#include <string.h>

#include "replay/ledger_inner.h"
#include "replay/sql.h"

struct line {
    const char *part, *name, *alias, *sql;
    uint32_t stage; /* 1 + the column's place in the stage; 0: none */
    bool joined;
};

static enum rf_code add_line(struct rf_pg *pg, const struct rf_target *target, const char *table,
                             const struct line *line, struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    rf_pg_text(&args, line->part);
    rf_pg_text(&args, line->name);
    rf_pg_text(&args, line->alias);
    rf_pg_text(&args, line->sql);
    rf_pg_number(&args, line->stage);
    rf_pg_truth(&args, line->joined);
    return rf_pg_do_args(pg, rf_sql_computed_add, &args, NULL, error);
}

enum rf_code rf_ledger_add_computed(struct rf_pg *pg, const struct rf_target *target,
                                    const struct rf_plan *plan, struct rf_error *error) {
    const struct rf_plan_computed *computed = plan->computed;
    enum rf_code code = RF_OK;
    if (computed->where) {
        const struct line line = {.part = "where", .name = "", .alias = "", .sql = computed->where};
        code = add_line(pg, target, plan->table, &line, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < computed->target_count; i++) {
        const struct rf_plan_target *column = &computed->targets[i];
        const struct line line = {.part = "column",
                                  .name = column->name,
                                  .alias = "",
                                  .sql = column->sql,
                                  .stage = column->plain ? column->column + 1 : 0,
                                  .joined = column->joined};
        code = add_line(pg, target, plan->table, &line, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < computed->join_count; i++) {
        const struct rf_plan_join *join = &computed->joins[i];
        const struct line line = {
            .part = "join", .name = join->relation, .alias = join->alias, .sql = join->on};
        code = add_line(pg, target, plan->table, &line, error);
    }
    return code;
}

static enum rf_code take_line(const struct rf_pg_rows *rows, uint32_t row, struct rf_arena *arena,
                              const struct rf_plan *plan, struct rf_plan_computed *computed,
                              struct rf_error *error) {
    enum { PART = 1, NAME, ALIAS, SQL, STAGE, JOINED };
    const char *part = rf_pg_rows_text(rows, row, PART);
    const char *name = rf_arena_copy(arena, rf_pg_rows_text(rows, row, NAME));
    const char *sql = rf_arena_copy(arena, rf_pg_rows_text(rows, row, SQL));
    uint64_t stage = rf_pg_rows_number(rows, row, STAGE);
    if (stage > plan->column_count) {
        return rf_ledger_fail(error, "a column of the stage", plan->table);
    }
    if (strcmp(part, "where") == 0) {
        computed->where = sql;
    } else if (strcmp(part, "column") == 0) {
        computed->targets[computed->target_count++] = (struct rf_plan_target){
            .name = name,
            .sql = sql,
            .plain = stage > 0,
            .column = stage > 0 ? (uint32_t)stage - 1 : 0,
            .joined = rf_pg_rows_truth(rows, row, JOINED),
        };
    } else {
        computed->joins[computed->join_count++] = (struct rf_plan_join){
            .relation = name,
            .alias = rf_arena_copy(arena, rf_pg_rows_text(rows, row, ALIAS)),
            .on = sql,
        };
    }
    return RF_OK;
}

enum rf_code rf_ledger_take_computed(const struct rf_pg_rows *rows, uint32_t from, uint32_t to,
                                     struct rf_arena *arena, struct rf_plan *plan,
                                     struct rf_error *error) {
    struct rf_plan_computed *computed = rf_arena_take(arena, 1, sizeof *computed);
    enum rf_code code = rf_arena_check(arena, error);
    if (code == RF_OK) {
        computed->targets = rf_arena_take(arena, to - from, sizeof *computed->targets);
        computed->joins = rf_arena_take(arena, to - from, sizeof *computed->joins);
        code = rf_arena_check(arena, error);
    }
    for (uint32_t row = from; code == RF_OK && row < to; row++) {
        code = take_line(rows, row, arena, plan, computed, error);
    }
    plan->computed = computed;
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}
