/* Tables that are declared in another way than when they were made, that have come to hold what
 * their types do not, or that the user wants made anew: altered where they stand (evolve.h).
 *
 * First all of it is planned, before anything is touched; then what is in the way goes; then the
 * table is altered and, unless its rows and types are as they were, filled again. */
#include <inttypes.h>
#include <string.h>

#include "format/state.h"
#include "replay/aside.h"
#include "replay/build.h"
#include "replay/delta_table.h"
#include "replay/evolve.h"
#include "replay/guard.h"
#include "replay/quote.h"
#include "replay/route.h"
#include "replay/survey.h"

/* ---- the plan ---- */

/* A column that is declared as it was keeps what it was made with; the rows will say whether it
 * still holds them. */
static void keep_choices(const struct rf_evolution *evolution) {
    const struct rf_plan *from = &evolution->standing->plan;
    for (uint32_t i = 0; i < evolution->to.column_count; i++) {
        struct rf_plan_column *now = &evolution->to.columns[i];
        if (evolution->matches[i] == RF_EVOLVE_NEW) {
            continue;
        }
        const struct rf_plan_column *was = &from->columns[evolution->matches[i]];
        if (strcmp(was->declared, now->declared) == 0) {
            now->conversion = was->conversion;
            now->on_mismatch = was->on_mismatch;
            now->bad_text = was->bad_text;
            now->asked = was->asked;
            now->widened = was->widened;
            now->reason = was->reason;
        }
    }
}

static enum rf_code widen(const struct rf_plan_request *request, struct rf_evolution *evolution,
                          struct rf_arena *arena, struct rf_error *error) {
    struct rf_plan_narrow narrow;
    enum rf_code code = rf_plan_too_narrow(&evolution->to, request->source, arena, &narrow, error);
    uint32_t count = narrow.count + narrow.unsure_count;
    if (code != RF_OK || count == 0) {
        return code;
    }
    uint32_t *columns = rf_arena_take(arena, count, sizeof *columns);
    if (!columns) {
        return rf_fail_memory(error);
    }
    memcpy(columns, narrow.columns, narrow.count * sizeof *columns);
    memcpy(columns + narrow.count, narrow.unsure, narrow.unsure_count * sizeof *columns);
    struct rf_plan wide;
    bool widened;
    code = rf_plan_widen(request, &evolution->to, columns, count, arena, &wide, &widened, error);
    if (code == RF_OK && widened) {
        evolution->to = wide;
    }
    return code;
}

/* Whether the rows stand as they would be written now. */
static bool rows_stay(const struct rf_evolution *evolution) {
    const struct rf_plan *from = &evolution->standing->plan, *to = &evolution->to;
    const struct rf_manifest_table *source = evolution->source;
    bool stay = from->column_count == to->column_count &&
                from->excluded_count == to->excluded_count &&
                (source->change != RF_CHANGE_NEW ||
                 rf_digest_equal(&evolution->standing->digest, &source->digest));
    for (uint32_t i = 0; stay && i < to->column_count; i++) {
        const struct rf_plan_column *was = &from->columns[i], *now = &to->columns[i];
        bool generated = (was->generated_sql || now->generated_sql) &&
                         !(was->generated_sql && now->generated_sql &&
                           strcmp(was->generated_sql, now->generated_sql) == 0);
        /* Rows that a delta is still to change may hold NULLs. */
        bool promised = source->change == RF_CHANGE_NONE || was->not_null || !now->not_null;
        stay = evolution->matches[i] == i && was->cell == now->cell && !generated && promised &&
               was->on_mismatch == now->on_mismatch &&
               strcmp(was->conversion->name, now->conversion->name) == 0;
    }
    return stay;
}

static bool other_column_names(const struct rf_evolution *evolution) {
    const struct rf_plan *from = &evolution->standing->plan, *to = &evolution->to;
    for (uint32_t i = 0; i < to->column_count; i++) {
        uint32_t match = evolution->matches[i];
        if (match != RF_EVOLVE_NEW &&
            strcmp(from->columns[match].source, to->columns[i].source) != 0) {
            return true;
        }
    }
    return false;
}

/* Where values of several kinds met in the source, the delta has whole rows; of what a rule does it
 * knows nothing. */
static bool rule_blurs_key(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->key_count; i++) {
        const struct rf_plan_column *column = &plan->columns[plan->key[i]];
        if (column->asked && !column->conversion->exact) {
            return true;
        }
    }
    return false;
}

enum rf_code rf_delta_is_blurred(struct rf_delta *delta, const struct rf_manifest_table *source,
                                 const struct rf_plan *plan, bool *blurred,
                                 struct rf_error *error) {
    *blurred = false;
    if (source->change != RF_CHANGE_DELTA || !rule_blurs_key(plan)) {
        return RF_OK;
    }
    struct rf_archive *archive = NULL;
    enum rf_code code =
        rf_repository_open_archive(delta->run->repository, &source->delta, &archive, error);
    *blurred = code == RF_OK && rf_archive_head_of(archive)->gone == RF_GONE_KEY &&
               rf_archive_rows(archive, RF_BLOCK_GONE) > 0;
    rf_archive_close(archive);
    return code;
}

/* What stands aside is told with names of columns. */
static enum rf_code find_refill(struct rf_delta *delta, struct rf_evolution *evolution,
                                struct rf_error *error) {
    const struct rf_plan *standing = &evolution->standing->plan;
    bool *refill = &evolution->refill;
    enum rf_code code = RF_OK;
    *refill = evolution->fresh || rf_guard_overwrites(delta->run, standing->table) ||
              !rows_stay(evolution);
    if (!*refill && other_column_names(evolution)) {
        code = rf_aside_any(delta->pg, delta->target, standing->table, refill, error);
    }
    if (code == RF_OK && !*refill) {
        code = rf_delta_is_blurred(delta, evolution->source, standing, refill, error);
    }
    return code;
}

/* For the columns of the source; those of the plan leave the excluded ones out. */
static enum rf_code match_columns(struct rf_evolution *evolution, const uint32_t *by_cell,
                                  struct rf_arena *arena, struct rf_error *error) {
    evolution->matches =
        rf_arena_take(arena, evolution->to.column_count, sizeof *evolution->matches);
    if (!evolution->matches) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < evolution->to.column_count; i++) {
        evolution->matches[i] = by_cell[evolution->to.columns[i].cell];
    }
    return RF_OK;
}

static enum rf_code make_request(struct rf_delta *delta, const struct rf_evolution *evolution,
                                 const uint32_t *by_cell, struct rf_plan_request *request,
                                 struct rf_error *error) {
    const struct rf_table *table = &evolution->source->table;
    const struct rf_plan *from = &evolution->standing->plan;
    const char **standing = rf_arena_take(&delta->arena, table->column_count, sizeof *standing);
    struct rf_names *scratch = rf_arena_take(&delta->arena, 1, sizeof *scratch);
    if (!standing || !scratch) {
        return rf_fail_memory(error);
    }
    rf_names_init(scratch, &delta->arena);
    for (uint32_t i = 0; i < table->column_count; i++) {
        /* A column that the source renamed is new to the names. */
        bool known = by_cell[i] != RF_EVOLVE_NEW &&
                     strcmp(from->columns[by_cell[i]].source, table->columns[i].name) == 0;
        standing[i] = known && !evolution->fresh ? from->columns[by_cell[i]].name : NULL;
    }
    *request = (struct rf_plan_request){
        .run = delta->run,
        .source = evolution->source,
        .utf16 = delta->utf16,
        .rules = delta->run->options->rules,
        .names = scratch,
        .relation = rf_naming_find(&delta->naming, table->name)->name,
    };
    return rf_naming_columns(&delta->naming, table, standing, &request->column_names, error);
}

/* Types first: what else columns do, and whether the rows can stay, hangs upon them. */
static enum rf_code settle(struct rf_delta *delta, const struct rf_plan_request *request,
                           struct rf_evolution *evolution, struct rf_error *error) {
    struct rf_plan *to = &evolution->to;
    to->remark_count = 0;
    to->remarks = NULL;
    to->index_count = 0;
    to->constraint_count = 0;
    enum rf_code code = RF_OK;
    if (!evolution->fresh) {
        keep_choices(evolution);
        code = widen(request, evolution, &delta->arena, error);
    }
    for (uint32_t i = 0; i < to->column_count; i++) {
        uint32_t match = evolution->matches[i];
        to->columns[i].identity =
            match == RF_EVOLVE_NEW ? NULL : evolution->standing->plan.columns[match].identity;
    }
    if (code == RF_OK) {
        code =
            rf_plan_carry_columns(evolution->source, delta->utf16, NULL, &delta->arena, to, error);
    }
    return code;
}

enum rf_code rf_delta_plan_evolution(struct rf_delta *delta, struct rf_evolution *evolution,
                                     struct rf_error *error) {
    const struct rf_table *table = &evolution->source->table;
    uint32_t *by_cell = rf_arena_take(&delta->arena, table->column_count, sizeof *by_cell);
    if (!by_cell) {
        return rf_fail_memory(error);
    }
    rf_evolve_match(&evolution->standing->plan, table, by_cell);
    struct rf_plan_request request;
    enum rf_code code = make_request(delta, evolution, by_cell, &request, error);
    if (code == RF_OK) {
        code = rf_plan_make(&request, &delta->arena, &evolution->to, error);
    }
    if (code == RF_OK) {
        code = match_columns(evolution, by_cell, &delta->arena, error);
    }
    if (code == RF_OK) {
        code = settle(delta, &request, evolution, error);
    }
    if (code == RF_OK) {
        code = find_refill(delta, evolution, error);
    }
    if (code == RF_OK) {
        code = evolution->refill ? rf_route_prove_table(delta->run, evolution->source, false, error)
                                 : RF_OK;
        rf_build_remarks(delta->run, &evolution->to);
    }
    if (code != RF_OK) {
        rf_while(error, "while planning how table %s goes on", table->name);
    }
    return code;
}

/* ---- rows that a census cannot judge ---- */

static enum rf_code survey_rows(struct rf_survey *survey, struct rf_archive *archive,
                                struct rf_error *error) {
    struct rf_block_scan *scan = NULL;
    enum rf_code code = rf_block_scan_new(archive, RF_BLOCK_ROWS, &scan, error);
    while (code == RF_OK) {
        const struct rf_rows *rows;
        code = rf_block_scan_next(scan, &rows, error);
        if (code != RF_OK || !rows || rf_survey_settled(survey)) {
            break;
        }
        rf_survey_rows(survey, rows, 0, rows->count, 0);
    }
    rf_block_scan_free(scan);
    return code;
}

static enum rf_code look_at_rows(struct rf_delta *delta, const struct rf_manifest_table *source,
                                 const struct rf_plan *plan, const struct rf_plan_narrow *narrow,
                                 bool *narrow_rows, struct rf_error *error) {
    struct rf_survey survey;
    struct rf_archive *archive = NULL;
    rf_survey_init(&survey, source, &delta->arena);
    for (uint32_t i = 0; i < narrow->unsure_count; i++) {
        const struct rf_plan_column *column = &plan->columns[narrow->unsure[i]];
        (void)rf_survey_ask(&survey, RF_SURVEY_FIT, column->cell, column->conversion, 1);
    }
    enum rf_code code = rf_arena_check(&delta->arena, error);
    if (code == RF_OK) {
        code = rf_repository_open_archive(delta->run->repository, &source->delta, &archive, error);
    }
    if (code == RF_OK) {
        code = survey_rows(&survey, archive, error);
    }
    for (const struct rf_survey_question *at = survey.first; code == RF_OK && at; at = at->next) {
        *narrow_rows = *narrow_rows || at->misfits > 0;
    }
    rf_archive_close(archive);
    return code;
}

enum rf_code rf_delta_is_too_narrow(struct rf_delta *delta, const struct rf_manifest_table *source,
                                    const struct rf_plan *plan, bool *narrow,
                                    struct rf_error *error) {
    struct rf_plan_narrow columns;
    enum rf_code code = rf_plan_too_narrow(plan, source, &delta->arena, &columns, error);
    *narrow = code == RF_OK && columns.count > 0;
    if (code != RF_OK || *narrow || columns.unsure_count == 0 ||
        source->change != RF_CHANGE_DELTA) {
        return code;
    }
    return look_at_rows(delta, source, plan, &columns, narrow, error);
}

/* ---- carrying it out ---- */

/* Tables may have changed names with each other: those that change go by names in between. */
static enum rf_code leave_name(struct rf_delta *delta, const struct rf_evolution *evolution,
                               struct rf_error *error) {
    struct rf_plan *plan = &evolution->standing->plan;
    if (strcmp(plan->relation, evolution->to.relation) == 0) {
        return RF_OK;
    }
    const char *between =
        rf_arena_printf(&delta->arena, "rowferry table %016" PRIx64,
                        rf_ledger_lock_number("between", delta->target->schema, plan->table));
    if (!between) {
        return rf_fail_memory(error);
    }
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "ALTER TABLE ");
    rf_quote_qualified(&sql, delta->target->schema, plan->relation);
    rf_buffer_printf(&sql, " RENAME TO ");
    rf_quote_name(&sql, between);
    enum rf_code code = rf_pg_do_buffer(delta->pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    plan->relation = between;
    return code;
}

static enum rf_code drop_index(struct rf_delta *delta, const struct rf_plan *plan,
                               const struct rf_plan_index *index, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_plan_drop_index(plan, index, delta->target->schema, &sql);
    enum rf_code code = index->stands ? rf_pg_do_buffer(delta->pg, &sql, NULL, error) : RF_OK;
    rf_buffer_release(&sql);
    return code == RF_OK ? rf_ledger_remove_index(delta->pg, delta->target, index, error) : code;
}

static enum rf_code drop_constraint(struct rf_delta *delta, const struct rf_plan *plan,
                                    const struct rf_plan_constraint *constraint,
                                    struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_plan_drop_constraint(plan, constraint, delta->target->schema, &sql);
    enum rf_code code = constraint->stands ? rf_pg_do_buffer(delta->pg, &sql, NULL, error) : RF_OK;
    rf_buffer_release(&sql);
    return code == RF_OK ? rf_ledger_remove_constraint(delta->pg, delta->target, plan->table,
                                                       constraint, error)
                         : code;
}

/* The names of what goes are free for other tables from here on. */
static enum rf_code empty_table(struct rf_delta *delta, const struct rf_plan *plan,
                                struct rf_error *error) {
    struct rf_buffer sql = {0};
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        code = drop_index(delta, plan, &plan->indexes[i], error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        code = drop_constraint(delta, plan, &plan->constraints[i], error);
    }
    rf_buffer_printf(&sql, "TRUNCATE ONLY ");
    rf_quote_qualified(&sql, delta->target->schema, plan->relation);
    if (code == RF_OK) {
        code = rf_pg_do_buffer(delta->pg, &sql, NULL, error);
    }
    rf_buffer_release(&sql);
    return code;
}

/* A primary key that holds NULLs now is none any more; it comes back as a unique constraint. */
static enum rf_code free_key(struct rf_delta *delta, const struct rf_evolution *evolution,
                             struct rf_error *error) {
    struct rf_plan *plan = &evolution->standing->plan;
    bool nulls = false;
    for (uint32_t i = 0; i < evolution->to.key_count; i++) {
        nulls = nulls || !evolution->to.columns[evolution->to.key[i]].not_null;
    }
    enum rf_code code = RF_OK;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->index_count; i++) {
        bool goes = nulls && plan->indexes[i].kind == RF_PLAN_PRIMARY_KEY;
        if (goes && code == RF_OK) {
            code = drop_index(delta, plan, &plan->indexes[i], error);
        } else {
            plan->indexes[kept++] = plan->indexes[i];
        }
    }
    plan->index_count = kept;
    return code;
}

enum rf_code rf_delta_empty(struct rf_delta *delta, const struct rf_evolution *evolution,
                            struct rf_error *error) {
    const struct rf_plan *plan = &evolution->standing->plan;
    enum rf_code code =
        evolution->refill ? empty_table(delta, plan, error) : free_key(delta, evolution, error);
    if (code == RF_OK) {
        code = leave_name(delta, evolution, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while emptying table %s, which is to get another shape", plan->table);
    }
    return code;
}

enum rf_code rf_delta_alter(struct rf_delta *delta, struct rf_evolution *evolution,
                            struct rf_error *error) {
    const struct rf_plan *from = &evolution->standing->plan;
    struct rf_plan *to = &evolution->to;
    struct rf_buffer sql = {0};
    enum rf_code code = rf_delta_know_taken(delta, error);
    if (code == RF_OK) {
        code = rf_plan_carry_columns(evolution->source, delta->utf16, &delta->taken, &delta->arena,
                                     to, error);
    }
    rf_evolve_table(from, to, evolution->matches, delta->target->schema, &sql);
    if (code == RF_OK && sql.size > 0) {
        code = rf_pg_do_buffer(delta->pg, &sql, NULL, error);
    }
    rf_buffer_release(&sql);
    if (code != RF_OK) {
        rf_while(error, "while altering table %s, which the source declares in another way now",
                 to->table);
    }
    return code;
}

/* What came and went by the source's own count, where it has one; else all of it. */
static void count_refilled(const struct rf_evolution *evolution, uint64_t aside_before,
                           const struct rf_guard_table *overwritten, struct rf_counts *counts) {
    const struct rf_manifest_table *source = evolution->source;
    uint64_t was = evolution->standing->digest.rows, before = was - aside_before;
    uint64_t after = counts->inserted, aside = counts->set_aside;
    counts->deleted = before;
    if (overwritten) { /* the rows that it had were not all the source's */
        counts->deleted = overwritten->rows;
        counts->set_aside = aside > aside_before ? aside - aside_before : 0;
        return;
    }
    if (source->change == RF_CHANGE_DELTA || source->change == RF_CHANGE_NONE) {
        bool delta = source->change == RF_CHANGE_DELTA;
        uint64_t deleted = delta ? source->deleted : 0;
        counts->deleted = deleted > before ? before : deleted;
        counts->updated = delta ? source->updated : 0;
        counts->inserted = after + counts->deleted > before ? after + counts->deleted - before : 0;
        counts->set_aside = aside > aside_before ? aside - aside_before : 0;
    }
}

/* The indexes come afterwards, as for any table that has come to have new ones. */
static enum rf_code refill(struct rf_delta *delta, struct rf_evolution *evolution,
                           struct rf_counts *counts, struct rf_error *error) {
    struct rf_ledger_table *standing = evolution->standing;
    const struct rf_guard_table *overwritten =
        rf_guard_overwrites(delta->run, standing->plan.table);
    uint64_t aside = 0;
    bool added = false;
    enum rf_code code =
        rf_aside_count(delta->pg, delta->target, standing->plan.table, &aside, error);
    if (code == RF_OK) {
        code = rf_ledger_remove_table(delta->pg, delta->target, standing->plan.table, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_add_table(delta->pg, delta->target, &evolution->to,
                                   &evolution->source->digest, &added, error);
    }
    if (code == RF_OK) {
        code = rf_delta_fill(delta, evolution->source, &evolution->to, counts, error);
    }
    count_refilled(evolution, aside, overwritten, counts);
    standing->plan = evolution->to;
    standing->digest = evolution->source->digest;
    return code;
}

/* The rows stay, with their indexes; what changed in those is found as for any other table. */
static enum rf_code rewrite_ledger(struct rf_delta *delta, struct rf_evolution *evolution,
                                   struct rf_error *error) {
    struct rf_ledger_table *standing = evolution->standing;
    evolution->to.index_count = standing->plan.index_count;
    evolution->to.indexes = standing->plan.indexes;
    evolution->to.constraint_count = standing->plan.constraint_count;
    evolution->to.constraints = standing->plan.constraints;
    enum rf_code code = rf_ledger_replace_table(delta->pg, delta->target, standing->plan.table,
                                                &evolution->to, &standing->digest, error);
    standing->plan = evolution->to;
    return code;
}

/* Columns that rows forced another type on than was declared, or than they had. */
static uint32_t count_widened(const struct rf_evolution *evolution) {
    uint32_t widened = 0;
    for (uint32_t i = 0; i < evolution->to.column_count; i++) {
        const struct rf_plan_column *now = &evolution->to.columns[i];
        bool came = evolution->matches[i] == RF_EVOLVE_NEW;
        const struct rf_plan_column *was =
            came ? NULL : &evolution->standing->plan.columns[evolution->matches[i]];
        bool changed = was && strcmp(was->declared, now->declared) == 0 &&
                       strcmp(was->conversion->name, now->conversion->name) != 0;
        widened += came ? now->widened : changed && !evolution->fresh;
    }
    return widened;
}

enum rf_code rf_delta_evolve(struct rf_delta *delta, struct rf_evolution *evolution,
                             struct rf_counts *counts, struct rf_error *error) {
    counts->widened += count_widened(evolution);
    enum rf_code code = evolution->refill ? refill(delta, evolution, counts, error)
                                          : rewrite_ledger(delta, evolution, error);
    if (code != RF_OK) {
        rf_while(error, "while bringing table %s into its new shape", evolution->to.table);
    }
    return code;
}
