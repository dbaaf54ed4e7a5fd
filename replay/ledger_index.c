/* Indexes and constraints in the ledger: as they were made, or why they were not. */
#include "replay/ledger_inner.h"

#include <stdlib.h>
#include <string.h>

#include "replay/sql.h"

/* "{2,1}": places of columns, from 1. */
static void put_positions(const struct rf_plan_index *index, struct rf_buffer *array) {
    for (uint32_t i = 0; i < index->column_count; i++) {
        rf_buffer_printf(array, "%c%u", i == 0 ? '{' : ',', index->columns[i] + 1);
    }
    rf_buffer_append(array, index->column_count == 0 ? "{}" : "}",
                     index->column_count == 0 ? 3 : 2);
}

enum rf_code rf_ledger_add_index(struct rf_pg *pg, const struct rf_target *target,
                                 const struct rf_plan *plan, const struct rf_plan_index *index,
                                 struct rf_error *error) {
    struct rf_buffer positions = {0}, definition = {0};
    put_positions(index, &positions);
    if (!index->refusal) {
        rf_plan_create_index(plan, index, target->schema, &definition);
    }
    rf_buffer_u8(&definition, 0);
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, plan->table);
    rf_pg_text(&args, index->name);
    rf_pg_text(&args, index->wanted);
    rf_pg_text(&args, rf_plan_index_kind_name(index->kind));
    rf_pg_text(&args, (const char *)positions.bytes);
    rf_pg_text(&args, index->parts);
    rf_pg_text(&args, index->predicate);
    rf_pg_truth(&args, index->expressions);
    rf_pg_text(&args, index->refusal ? index->parts : (const char *)definition.bytes);
    rf_pg_truth(&args, index->stands);
    rf_pg_text(&args, index->refusal);
    rf_pg_truth(&args, !index->refusal);
    bool whole = !positions.failed && !definition.failed;
    enum rf_code code =
        whole ? rf_pg_do_often(pg, rf_sql_index_add, &args, NULL, error) : rf_fail_memory(error);
    rf_buffer_release(&positions);
    rf_buffer_release(&definition);
    return code;
}

enum rf_code rf_ledger_refuse_index(struct rf_pg *pg, const struct rf_target *target,
                                    const struct rf_plan_index *index, const char *reason,
                                    struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, index->name);
    rf_pg_text(&args, reason);
    return rf_pg_do_args(pg, rf_sql_index_refuse, &args, NULL, error);
}

enum rf_code rf_ledger_remove_index(struct rf_pg *pg, const struct rf_target *target,
                                    const struct rf_plan_index *index, struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, index->name);
    return rf_pg_do_args(pg, rf_sql_index_remove, &args, NULL, error);
}

/* ---- reading ---- */

/* "2,1" */
static bool take_positions(struct rf_arena *arena, const char *positions,
                           const struct rf_plan *plan, struct rf_plan_index *index) {
    if (!positions) {
        return false;
    }
    index->columns = rf_arena_take(arena, strlen(positions), sizeof *index->columns);
    for (const char *at = positions; index->columns && *at;) {
        char *end;
        unsigned long position = strtoul(at, &end, 10);
        if (end == at || position < 1 || position > plan->column_count ||
            (*end != ',' && *end != 0)) {
            return false;
        }
        index->columns[index->column_count++] = (uint32_t)position - 1;
        at = *end == 0 ? end : end + 1;
    }
    return true;
}

static bool take_index(const struct rf_pg_rows *rows, uint32_t row, struct rf_arena *arena,
                       const struct rf_plan *plan, struct rf_plan_index *index) {
    enum {
        NAME = 1,
        WANTED,
        KIND,
        POSITIONS,
        PARTS,
        PREDICATE,
        EXPRESSIONS,
        STANDS,
        REASON,
        CARRIED
    };
    index->name = rf_arena_copy(arena, rf_pg_rows_text(rows, row, NAME));
    index->wanted = rf_arena_copy(arena, rf_pg_rows_text(rows, row, WANTED));
    index->parts = rf_arena_copy(arena, rf_pg_rows_text(rows, row, PARTS));
    index->predicate = rf_arena_copy(arena, rf_pg_rows_text(rows, row, PREDICATE));
    index->expressions = rf_pg_rows_truth(rows, row, EXPRESSIONS);
    index->stands = rf_pg_rows_truth(rows, row, STANDS);
    if (!rf_pg_rows_truth(rows, row, CARRIED)) {
        const char *reason = rf_pg_rows_text(rows, row, REASON);
        index->refusal = rf_arena_copy(arena, reason ? reason : "");
    }
    return rf_plan_index_kind_find(rf_pg_rows_text(rows, row, KIND), &index->kind) &&
           take_positions(arena, rf_pg_rows_text(rows, row, POSITIONS), plan, index);
}

enum rf_code rf_ledger_take_indexes(const struct rf_pg_rows *rows, uint32_t from, uint32_t to,
                                    struct rf_arena *arena, struct rf_plan *plan,
                                    struct rf_error *error) {
    plan->indexes = rf_arena_take(arena, to - from, sizeof *plan->indexes);
    for (uint32_t i = from; plan->indexes && i < to; i++) {
        if (!take_index(rows, i, arena, plan, &plan->indexes[plan->index_count++])) {
            return rf_ledger_fail(error, "an index", plan->table);
        }
    }
    return rf_arena_check(arena, error);
}
