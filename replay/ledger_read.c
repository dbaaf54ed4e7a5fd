/* Reading the ledger. Names, conversions and digests in it are checked like everything that comes
 * from outside: somebody may have edited it. */
#include "replay/ledger_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/sql.h"

enum rf_code rf_ledger_fail(struct rf_error *error, const char *what, const char *table) {
    rf_fail(error, RF_MISPLACED, "the target's ledger cannot be read: %s%s%s", what,
            table ? " of table " : "", table ? table : "");
    rf_hint(error, "was schema rowferry edited by hand, or written by a newer rowferry?");
    return RF_MISPLACED;
}

static void copy_text(char *to, size_t size, const char *from) {
    snprintf(to, size, "%s", from ? from : "");
}

static enum rf_code take_source(const struct rf_pg_rows *rows, struct rf_ledger_source *source,
                                struct rf_error *error) {
    enum { ID, STATE, SNAPSHOT, DIGEST, LOADING_SNAPSHOT, LOADING_DIGEST, STAGING, UPDATED };
    copy_text(source->source, sizeof source->source, rf_pg_rows_text(rows, 0, ID));
    copy_text(source->staging, sizeof source->staging, rf_pg_rows_text(rows, 0, STAGING));
    copy_text(source->updated, sizeof source->updated, rf_pg_rows_text(rows, 0, UPDATED));
    bool ready = strcmp(rf_pg_rows_text(rows, 0, STATE), "ready") == 0;
    source->state = ready ? RF_TARGET_READY : RF_TARGET_LOADING;
    source->at.number = rf_pg_rows_number(rows, 0, ready ? SNAPSHOT : LOADING_SNAPSHOT);
    const char *digest = rf_pg_rows_text(rows, 0, ready ? DIGEST : LOADING_DIGEST);
    if (!digest || !rf_hash_parse(digest, &source->at.digest)) {
        return rf_ledger_fail(error, "the digest of the snapshot", NULL);
    }
    return RF_OK;
}

enum rf_code rf_ledger_source(struct rf_pg *pg, const struct rf_target *target, bool lock,
                              struct rf_ledger_source *source, struct rf_error *error) {
    *source = (struct rf_ledger_source){.state = RF_TARGET_NONE};
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->schema);
    struct rf_pg_rows *rows;
    enum rf_code code =
        rf_pg_ask(pg, lock ? rf_sql_source_lock : rf_sql_source_read, &args, &rows, error);
    if (code == RF_OK && rf_pg_rows_count(rows) > 0) {
        code = take_source(rows, source, error);
    }
    rf_pg_rows_free(rows);
    return code;
}

enum rf_code rf_ledger_check_owner(const struct rf_target *target,
                                   const struct rf_ledger_source *standing,
                                   struct rf_error *error) {
    if (standing->state == RF_TARGET_NONE || strcmp(standing->source, target->source) == 0) {
        return RF_OK;
    }
    rf_fail(error, RF_MISPLACED, "schema \"%s\" is fed by another source", target->schema);
    rf_detail(error, "it %s snapshot %" PRIu64 " of source %s; this repository is of source %s",
              standing->state == RF_TARGET_READY ? "stands at" : "is loading", standing->at.number,
              standing->source, target->source);
    rf_hint(error, "name another --schema, or the repository of that source.");
    return RF_MISPLACED;
}

static int compare_tables(const void *a, const void *b) {
    const struct rf_ledger_table *one = a, *other = b;
    return strcmp(one->plan.table, other->plan.table);
}

static struct rf_ledger_table *find_unordered(const struct rf_ledger_tables *tables,
                                              const char *name) {
    for (uint32_t i = 0; i < tables->count; i++) {
        if (strcmp(tables->tables[i].plan.table, name) == 0) {
            return &tables->tables[i];
        }
    }
    return NULL;
}

struct rf_ledger_table *rf_ledger_find_table(const struct rf_ledger_tables *tables,
                                             const char *name) {
    if (tables->unordered) {
        return find_unordered(tables, name);
    }
    struct rf_ledger_table wanted = {.plan.table = name};
    return tables->count == 0 ? NULL
                              : bsearch(&wanted, tables->tables, tables->count,
                                        sizeof *tables->tables, compare_tables);
}

static enum rf_code take_relations(const struct rf_pg_rows *rows, struct rf_ledger_tables *tables,
                                   struct rf_error *error) {
    tables->count = rf_pg_rows_count(rows);
    tables->tables = rf_arena_take(&tables->arena, tables->count, sizeof *tables->tables);
    enum rf_code code = rf_arena_check(&tables->arena, error);
    for (uint32_t i = 0; code == RF_OK && i < tables->count; i++) {
        struct rf_ledger_table *table = &tables->tables[i];
        table->plan.table = rf_arena_copy(&tables->arena, rf_pg_rows_text(rows, i, 0));
        table->plan.relation = rf_arena_copy(&tables->arena, rf_pg_rows_text(rows, i, 1));
        table->plan.key_given = rf_pg_rows_truth(rows, i, 2);
        table->plan.owned = rf_pg_rows_truth(rows, i, 3);
        table->plan.kept = rf_pg_rows_truth(rows, i, 4);
        table->digest.rows = rf_pg_rows_number(rows, i, 5);
        if (!rf_hash_parse(rf_pg_rows_text(rows, i, 6), &table->digest.sum)) {
            code = rf_ledger_fail(error, "the digest", table->plan.table);
        }
    }
    return code == RF_OK ? rf_arena_check(&tables->arena, error) : code;
}

/* Rows [from, result) have the same first column. */
static uint32_t end_of_table(const struct rf_pg_rows *rows, uint32_t from) {
    uint32_t to = from;
    const char *table = rf_pg_rows_text(rows, from, 0);
    while (to < rf_pg_rows_count(rows) && strcmp(rf_pg_rows_text(rows, to, 0), table) == 0) {
        to++;
    }
    return to;
}

static enum rf_code take_key(struct rf_arena *arena, struct rf_plan *plan, struct rf_error *error) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        plan->key_count += plan->columns[i].key_part > 0;
    }
    plan->key = rf_arena_take(arena, plan->key_count, sizeof *plan->key);
    if (arena->failed) {
        return rf_fail_memory(error);
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        uint32_t part = plan->columns[i].key_part;
        if (part > plan->key_count) {
            return rf_ledger_fail(error, "the key", plan->table);
        }
        if (part > 0) {
            plan->key[part - 1] = i;
            seen++;
        }
    }
    return seen == plan->key_count ? RF_OK : rf_ledger_fail(error, "the key", plan->table);
}

static enum rf_code take_column(const struct rf_pg_rows *rows, uint32_t row, struct rf_arena *arena,
                                struct rf_plan *plan, struct rf_error *error) {
    enum { SOURCE = 1, NAME, CELL, DECLARED, CONVERSION, ON_MISMATCH, BAD_TEXT, ASKED };
    enum { NOT_NULL = ASKED + 1, KEY_PART, REASON, DEFAULT, GENERATED, IDENTITY, WIDENED };
    const char *source = rf_arena_copy(arena, rf_pg_rows_text(rows, row, SOURCE));
    const char *name = rf_arena_copy(arena, rf_pg_rows_text(rows, row, NAME));
    if (name && !*name) {
        plan->excluded[plan->excluded_count++] = source;
        return RF_OK;
    }
    const char *asked = rf_arena_copy(arena, rf_pg_rows_text(rows, row, ASKED));
    struct rf_plan_column *column = &plan->columns[plan->column_count++];
    *column = (struct rf_plan_column){
        .source = source,
        .name = name,
        .cell = (uint32_t)rf_pg_rows_number(rows, row, CELL),
        .declared = rf_arena_copy(arena, rf_pg_rows_text(rows, row, DECLARED)),
        .asked = asked && *asked ? asked : NULL,
        .not_null = rf_pg_rows_truth(rows, row, NOT_NULL),
        .key_part = (uint32_t)rf_pg_rows_number(rows, row, KEY_PART),
        .reason = rf_arena_copy(arena, rf_pg_rows_text(rows, row, REASON)),
        .default_sql = rf_arena_copy(arena, rf_pg_rows_text(rows, row, DEFAULT)),
        .generated_sql = rf_arena_copy(arena, rf_pg_rows_text(rows, row, GENERATED)),
        .identity = rf_arena_copy(arena, rf_pg_rows_text(rows, row, IDENTITY)),
        .widened = rf_pg_rows_truth(rows, row, WIDENED),
    };
    if (!rf_mismatch_find(rf_pg_rows_text(rows, row, ON_MISMATCH), &column->on_mismatch) ||
        !rf_bad_text_find(rf_pg_rows_text(rows, row, BAD_TEXT), &column->bad_text)) {
        return rf_ledger_fail(error, "a policy that this version does not know", plan->table);
    }
    const char *spec = rf_pg_rows_text(rows, row, CONVERSION);
    enum rf_code code = rf_conversion_read(spec ? spec : "", arena, &column->conversion, error);
    return code == RF_USAGE
               ? rf_ledger_fail(error, "a conversion that this version does not know", plan->table)
               : code;
}

static enum rf_code take_columns(const struct rf_pg_rows *rows, uint32_t from, uint32_t to,
                                 struct rf_arena *arena, struct rf_plan *plan,
                                 struct rf_error *error) {
    plan->columns = rf_arena_take(arena, to - from, sizeof *plan->columns);
    plan->excluded = rf_arena_take(arena, to - from, sizeof *plan->excluded);
    enum rf_code code = rf_arena_check(arena, error);
    for (uint32_t row = from; code == RF_OK && row < to; row++) {
        code = take_column(rows, row, arena, plan, error);
    }
    if (code == RF_OK) {
        code = rf_arena_check(arena, error);
    }
    if (code == RF_OK) {
        code = take_key(arena, plan, error);
    }
    plan->blurred = code == RF_OK && rf_plan_key_blurs(plan);
    return code;
}

/* Hands each table the rows that are about it. Both are in the order of the tables' names. */
static enum rf_code spread(const struct rf_pg_rows *rows, struct rf_ledger_tables *tables,
                           enum rf_code (*take)(const struct rf_pg_rows *rows, uint32_t from,
                                                uint32_t to, struct rf_arena *arena,
                                                struct rf_plan *plan, struct rf_error *error),
                           struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t from = 0; code == RF_OK && from < rf_pg_rows_count(rows);) {
        uint32_t to = end_of_table(rows, from);
        struct rf_ledger_table *table =
            rf_ledger_find_table(tables, rf_pg_rows_text(rows, from, 0));
        if (table) {
            code = take(rows, from, to, &tables->arena, &table->plan, error);
        }
        from = to;
    }
    return code;
}

enum rf_code rf_ledger_read(struct rf_pg *pg, const struct rf_target *target,
                            struct rf_ledger_tables *tables, struct rf_error *error) {
    *tables = (struct rf_ledger_tables){.count = 0};
    struct rf_pg_args args = rf_ledger_args(target);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_relation_list, &args, &rows, error);
    if (code == RF_OK) {
        code = take_relations(rows, tables, error);
    }
    rf_pg_rows_free(rows);
    if (code == RF_OK) {
        code = rf_pg_ask(pg, rf_sql_column_list, &args, &rows, error);
        if (code == RF_OK) {
            code = spread(rows, tables, take_columns, error);
        }
        rf_pg_rows_free(rows);
    }
    if (code == RF_OK) {
        code = rf_pg_ask(pg, rf_sql_computed_list, &args, &rows, error);
        if (code == RF_OK) {
            code = spread(rows, tables, rf_ledger_take_computed, error);
        }
        rf_pg_rows_free(rows);
    }
    if (code == RF_OK) {
        code = rf_pg_ask(pg, rf_sql_index_list, &args, &rows, error);
        if (code == RF_OK) {
            code = spread(rows, tables, rf_ledger_take_indexes, error);
        }
        rf_pg_rows_free(rows);
    }
    if (code == RF_OK) {
        code = rf_pg_ask(pg, rf_sql_constraint_list, &args, &rows, error);
        if (code == RF_OK) {
            code = spread(rows, tables, rf_ledger_take_constraints, error);
        }
        rf_pg_rows_free(rows);
    }
    for (uint32_t i = 0; code == RF_OK && i < tables->count; i++) {
        if (tables->tables[i].plan.column_count == 0) {
            code = rf_ledger_fail(error, "the columns", tables->tables[i].plan.table);
        }
    }
    if (code != RF_OK) {
        rf_ledger_tables_release(tables);
    }
    return code;
}

void rf_ledger_tables_release(struct rf_ledger_tables *tables) {
    rf_arena_release(&tables->arena);
    *tables = (struct rf_ledger_tables){.count = 0};
}

enum rf_code rf_ledger_steps(struct rf_pg *pg, const struct rf_target *target,
                             struct rf_ledger_steps *steps, struct rf_error *error) {
    enum { TABLE, STEP, ITEM, PARTS, ROWS, SET_ASIDE, ALTERED, LEFT_OUT, DIGEST };
    *steps = (struct rf_ledger_steps){.count = 0};
    struct rf_pg_args args = rf_ledger_args(target);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_step_list, &args, &rows, error);
    if (code != RF_OK) {
        return code;
    }
    steps->count = rf_pg_rows_count(rows);
    steps->steps = rf_arena_take(&steps->arena, steps->count, sizeof *steps->steps);
    for (uint32_t i = 0; steps->steps && i < steps->count; i++) {
        struct rf_ledger_step *step = &steps->steps[i];
        step->table = rf_arena_copy(&steps->arena, rf_pg_rows_text(rows, i, TABLE));
        step->step = rf_arena_copy(&steps->arena, rf_pg_rows_text(rows, i, STEP));
        step->item = rf_arena_copy(&steps->arena, rf_pg_rows_text(rows, i, ITEM));
        step->parts = rf_pg_rows_number(rows, i, PARTS);
        step->digest.rows = rf_pg_rows_number(rows, i, ROWS);
        step->set_aside = rf_pg_rows_number(rows, i, SET_ASIDE);
        step->altered = rf_pg_rows_number(rows, i, ALTERED);
        step->left_out = rf_pg_rows_number(rows, i, LEFT_OUT);
        (void)rf_pg_rows_hash(rows, i, DIGEST, &step->digest.sum);
    }
    rf_pg_rows_free(rows);
    code = rf_arena_check(&steps->arena, error);
    if (code != RF_OK) {
        rf_ledger_steps_release(steps);
    }
    return code;
}

void rf_ledger_steps_release(struct rf_ledger_steps *steps) {
    rf_arena_release(&steps->arena);
    *steps = (struct rf_ledger_steps){.count = 0};
}
