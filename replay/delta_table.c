#include "replay/delta_table.h"

#include <inttypes.h>
#include <string.h>

#include "replay/build.h"
#include "replay/fill.h"
#include "replay/guard.h"
#include "replay/preflight.h"
#include "replay/quote.h"
#include "replay/server_error.h"

/* ---- whole tables ---- */

static uint64_t without(uint64_t rows, uint64_t aside) {
    return rows > aside ? rows - aside : 0;
}

enum rf_code rf_delta_drop(struct rf_delta *delta, const struct rf_ledger_table *standing,
                           struct rf_counts *counts, struct rf_error *error) {
    const char *table = standing->plan.table;
    if (!standing->plan.owned) {
        return rf_existing_drop(delta, standing, error);
    }
    uint64_t aside = 0;
    enum rf_code code = rf_aside_count(delta->pg, delta->target, table, &aside, error);
    counts->deleted += without(standing->digest.rows, aside);
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "DROP TABLE IF EXISTS ");
    rf_quote_qualified(&sql, delta->target->schema, standing->plan.relation);
    if (code == RF_OK) {
        code = rf_pg_do_buffer(delta->pg, &sql, NULL, error);
    }
    rf_buffer_release(&sql);
    if (code == RF_OK) {
        code = rf_ledger_remove_table(delta->pg, delta->target, table, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while dropping table %s, which the source no longer has like this", table);
    }
    return code;
}

enum rf_code rf_delta_know_taken(struct rf_delta *delta, struct rf_error *error) {
    if (delta->taken_known) {
        return RF_OK;
    }
    rf_names_init(&delta->taken, &delta->arena);
    delta->taken_known = true;
    for (uint32_t i = 0; i < delta->naming.count; i++) { /* of tables that are still to come */
        rf_names_add(&delta->taken, delta->naming.tables[i].name);
    }
    return rf_preflight_taken(delta->pg, delta->target->schema, &delta->taken, error);
}

static struct rf_fill_options fill_options(struct rf_delta *delta,
                                           const struct rf_manifest_table *source,
                                           const struct rf_plan *plan) {
    return (struct rf_fill_options){
        .run = delta->run,
        .pg = delta->pg,
        .target = delta->target,
        .schema = delta->target->schema,
        .source = source,
        .plan = plan,
        .snapshot = delta->snapshot,
    };
}

enum rf_code rf_delta_fill(struct rf_delta *delta, const struct rf_manifest_table *source,
                           const struct rf_plan *plan, struct rf_counts *counts,
                           struct rf_error *error) {
    struct rf_fill_options options = fill_options(delta, source, plan);
    options.freeze = true;
    return rf_fill_whole(&options, counts, error);
}

static enum rf_code make_plan(struct rf_delta *delta, const struct rf_manifest_table *source,
                              struct rf_plan *plan, struct rf_error *error) {
    const struct rf_resolve_name *name = rf_naming_find(&delta->naming, source->table.name);
    struct rf_plan_request request = {
        .run = delta->run,
        .source = source,
        .utf16 = delta->utf16,
        .rules = delta->run->options->rules,
        .names = &delta->taken,
        .relation = name->name,
    };
    rf_naming_remark(&delta->naming, name);
    enum rf_code code =
        rf_naming_columns(&delta->naming, &source->table, NULL, &request.column_names, error);
    return code == RF_OK ? rf_plan_make(&request, &delta->arena, plan, error) : code;
}

enum rf_code rf_delta_make(struct rf_delta *delta, const struct rf_manifest_table *source,
                           struct rf_counts *counts, struct rf_error *error) {
    struct rf_plan plan = {0};
    bool added = false;
    enum rf_code code = rf_delta_know_taken(delta, error);
    if (code == RF_OK) {
        code = make_plan(delta, source, &plan, error);
    }
    counts->widened += rf_plan_widened(&plan);
    if (code == RF_OK) {
        rf_build_remarks(delta->run, &plan);
        code = rf_ledger_add_table(delta->pg, delta->target, &plan, &source->digest, &added, error);
    }
    if (code == RF_OK) {
        code = rf_build_create_table(delta->run, delta->pg, delta->target, &plan,
                                     delta->target->schema, true, error);
    }
    if (code == RF_OK) {
        code = rf_delta_fill(delta, source, &plan, counts, error);
    }
    if (code == RF_OK) {
        code =
            rf_build_all(delta->run, delta->pg, delta->target, &plan, delta->target->schema, error);
    }
    return code == RF_OK ? rf_build_analyze(delta->pg, &plan, delta->target->schema, error) : code;
}

/* ---- indexes that came and went ---- */

/* What the source has now, for the columns as they stand. */
static enum rf_code list_now(struct rf_delta *delta, const struct rf_manifest_table *source,
                             const struct rf_ledger_table *standing, struct rf_plan *now,
                             struct rf_error *error) {
    *now = standing->plan;
    enum rf_code code = rf_plan_list_indexes(source, delta->utf16, &delta->arena, now, error);
    return code == RF_OK ? rf_plan_list_checks(source, delta->utf16, &delta->arena, now, error)
                         : code;
}

static bool has_index(const struct rf_plan *plan, const struct rf_plan_index *index) {
    for (uint32_t i = 0; i < plan->index_count; i++) {
        if (rf_plan_index_same(&plan->indexes[i], index)) {
            return true;
        }
    }
    return false;
}

static enum rf_code drop_index(struct rf_delta *delta, const struct rf_plan *plan,
                               const struct rf_plan_index *index, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_plan_drop_index(plan, index, delta->target->schema, &sql);
    enum rf_code code = rf_pg_do_buffer(delta->pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    if (code != RF_OK) {
        rf_while(error, "while dropping index %s of table %s", index->name, plan->table);
    }
    return code;
}

static bool has_constraint(const struct rf_plan *plan,
                           const struct rf_plan_constraint *constraint) {
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        if (rf_plan_constraint_same(&plan->constraints[i], constraint)) {
            return true;
        }
    }
    return false;
}

static enum rf_code drop_constraint(struct rf_delta *delta, const struct rf_plan *plan,
                                    const struct rf_plan_constraint *constraint,
                                    struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_plan_drop_constraint(plan, constraint, delta->target->schema, &sql);
    enum rf_code code = rf_pg_do_buffer(delta->pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    if (code != RF_OK) {
        rf_while(error, "while dropping constraint %s of table %s", constraint->name, plan->table);
    }
    return code;
}

/* Foreign keys are seen to by themselves. */
static enum rf_code drop_checks(struct rf_delta *delta, struct rf_plan *plan,
                                const struct rf_plan *now, struct rf_error *error) {
    enum rf_code code = RF_OK;
    uint32_t kept = 0;
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        struct rf_plan_constraint check = plan->constraints[i];
        if (check.kind != RF_PLAN_CHECK || has_constraint(now, &check)) {
            plan->constraints[kept++] = check;
            continue;
        }
        code = check.stands ? drop_constraint(delta, plan, &check, error) : RF_OK;
        if (code == RF_OK) {
            code =
                rf_ledger_remove_constraint(delta->pg, delta->target, plan->table, &check, error);
        }
    }
    plan->constraint_count = code == RF_OK ? kept : plan->constraint_count;
    return code;
}

static enum rf_code make_check(struct rf_delta *delta, const struct rf_plan *now,
                               struct rf_plan_constraint *check, struct rf_error *error) {
    if (check->refusal) {
        rf_run_warn(delta->run, "table %s: %s is not carried over: %s", now->table,
                    check->definition, check->refusal);
    }
    enum rf_code code =
        rf_ledger_add_constraint(delta->pg, delta->target, now->table, check, error);
    return code == RF_OK ? rf_build_check(delta->run, delta->pg, delta->target, now, check,
                                          delta->target->schema, error)
                         : code;
}

/* Names are free that neither the table has nor the new ones before it. */
static enum rf_code make_checks(struct rf_delta *delta, const struct rf_plan *standing,
                                struct rf_plan *now, struct rf_error *error) {
    struct rf_plan named = *standing;
    named.constraints =
        rf_arena_take(&delta->arena, (size_t)standing->constraint_count + now->constraint_count,
                      sizeof *named.constraints);
    if (!named.constraints) {
        return rf_fail_memory(error);
    }
    if (standing->constraint_count > 0) {
        memcpy(named.constraints, standing->constraints,
               standing->constraint_count * sizeof *named.constraints);
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < now->constraint_count; i++) {
        struct rf_plan_constraint *check = &now->constraints[i];
        if (has_constraint(standing, check)) {
            continue;
        }
        rf_plan_name_constraint(&named, check, &delta->arena);
        code = rf_arena_check(&delta->arena, error);
        if (code == RF_OK) {
            named.constraints[named.constraint_count++] = *check;
            code = make_check(delta, now, check, error);
        }
    }
    return code;
}

enum rf_code rf_delta_drop_indexes(struct rf_delta *delta, const struct rf_manifest_table *source,
                                   struct rf_ledger_table *standing, struct rf_error *error) {
    struct rf_plan *plan = &standing->plan, now;
    enum rf_code code = list_now(delta, source, standing, &now, error);
    uint32_t kept = 0;
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        struct rf_plan_index index = plan->indexes[i];
        if (has_index(&now, &index)) {
            plan->indexes[kept++] = index;
            continue;
        }
        code = index.stands ? drop_index(delta, plan, &index, error) : RF_OK;
        if (code == RF_OK) {
            code = rf_ledger_remove_index(delta->pg, delta->target, &index, error);
        }
    }
    plan->index_count = code == RF_OK ? kept : plan->index_count;
    return code == RF_OK ? drop_checks(delta, plan, &now, error) : code;
}

enum rf_code rf_delta_make_indexes(struct rf_delta *delta, const struct rf_manifest_table *source,
                                   struct rf_ledger_table *standing, struct rf_error *error) {
    struct rf_plan now;
    enum rf_code code = list_now(delta, source, standing, &now, error);
    for (uint32_t i = 0; code == RF_OK && i < now.index_count; i++) {
        struct rf_plan_index *index = &now.indexes[i];
        if (has_index(&standing->plan, index)) {
            continue;
        }
        if (index->refusal) {
            rf_run_warn(delta->run, "table %s: index %s is not carried over: %s", now.table,
                        index->wanted, index->refusal);
        }
        code = rf_delta_know_taken(delta, error);
        if (code == RF_OK) {
            index->name = rf_names_choose(&delta->taken, now.table, index->wanted);
            code = rf_arena_check(&delta->arena, error);
        }
        if (code == RF_OK) {
            code = rf_ledger_add_index(delta->pg, delta->target, &now, index, error);
        }
        if (code == RF_OK) {
            code = rf_build_index(delta->run, delta->pg, delta->target, &now, index,
                                  delta->target->schema, true, error);
        }
    }
    return code == RF_OK ? make_checks(delta, &standing->plan, &now, error) : code;
}

/* ---- changed rows ---- */

enum rf_code rf_delta_open(struct rf_delta *delta, const struct rf_manifest_table *source,
                           struct rf_archive **archive, struct rf_error *error) {
    enum rf_code code =
        rf_repository_open_archive(delta->run->repository, &source->delta, archive, error);
    if (code != RF_OK) {
        return code;
    }
    const struct rf_archive_head *head = rf_archive_head_of(*archive);
    bool keyed = head->gone != RF_GONE_KEY || source->table.key_count > 0;
    if (head->kind != RF_ARCHIVE_DELTA || head->snapshot != delta->snapshot || !keyed ||
        !rf_table_same_rows(head->table, &source->table)) {
        code = rf_fail(error, RF_CORRUPT,
                       "archive %s is not the delta of table %s at snapshot %" PRIu64,
                       source->delta.name, source->table.name, delta->snapshot);
    }
    return code;
}

static enum rf_code fill_once(struct rf_delta *delta, const struct rf_manifest_table *source,
                              const struct rf_plan *plan, struct rf_archive *archive,
                              struct rf_fill *fill, struct rf_error *error) {
    struct rf_fill_options options = fill_options(delta, source, plan);
    struct rf_keep keep = {
        .run = delta->run, .pg = delta->pg, .target = delta->target, .plan = plan};
    options.keep = plan->kept ? &keep : NULL;
    rf_run_expect_of(delta->run, plan->table, rf_archive_rows(archive, RF_BLOCK_ROWS));
    enum rf_code code = rf_fill_init(fill, &options, error);
    if (code == RF_OK && plan->kept) {
        code = rf_keep_find_in_delta(&keep, archive, error);
    }
    if (code == RF_OK) {
        code = rf_fill_from_delta(fill, archive, error);
    }
    rf_fill_release(fill);
    rf_keep_release(&keep);
    return code;
}

/* An entry of an index ends at a third of a page; what is surely shorter needs no precaution. What
 * an expression makes of a value is never sure. */
#define ENTRY_SURE_BYTES 2500u

static bool may_outgrow(const struct rf_manifest_table *source, const struct rf_plan *plan,
                        const struct rf_plan_index *index) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < index->column_count; i++) {
        bytes += 12 + source->census[plan->columns[index->columns[i]].cell].longest;
    }
    return index->stands && (index->expressions || bytes > ENTRY_SURE_BYTES);
}

static bool any_may_outgrow(const struct rf_manifest_table *source, const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->index_count; i++) {
        if (may_outgrow(source, plan, &plan->indexes[i])) {
            return true;
        }
    }
    return false;
}

static bool has_checks(const struct rf_plan *plan) {
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        if (plan->constraints[i].kind == RF_PLAN_CHECK && plan->constraints[i].stands) {
            return true;
        }
    }
    return false;
}

#define SAVEPOINT "rowferry_rows"

static enum rf_code clear_way(struct rf_delta *delta, const struct rf_manifest_table *source,
                              const struct rf_plan *plan, struct rf_error *error) {
    enum rf_code code = rf_pg_do(delta->pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT, NULL, error);
    if (code == RF_OK) {
        code = rf_guard_mark(delta->pg, delta->target, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        if (may_outgrow(source, plan, &plan->indexes[i])) {
            code = drop_index(delta, plan, &plan->indexes[i], error);
        }
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        const struct rf_plan_constraint *check = &plan->constraints[i];
        if (check->kind == RF_PLAN_CHECK && check->stands) {
            code = drop_constraint(delta, plan, check, error);
        }
    }
    return code;
}

/* An index or CHECK that the new rows do not fit is in their way, and goes; those that turn out to
 * fit come back. */
static enum rf_code fill_without(struct rf_delta *delta, const struct rf_manifest_table *source,
                                 struct rf_plan *plan, struct rf_archive *archive,
                                 struct rf_fill *fill, struct rf_error *error) {
    rf_error_clear(error);
    enum rf_code code = clear_way(delta, source, plan, error);
    if (code == RF_OK) {
        code = fill_once(delta, source, plan, archive, fill, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        if (may_outgrow(source, plan, &plan->indexes[i])) {
            code = rf_build_index(delta->run, delta->pg, delta->target, plan, &plan->indexes[i],
                                  delta->target->schema, true, error);
        }
    }
    return code == RF_OK ? rf_build_checks(delta->run, delta->pg, delta->target, plan,
                                           delta->target->schema, error)
                         : code;
}

static bool is_in_the_way(const char *sqlstate) {
    return strcmp(sqlstate, RF_SQLSTATE_LIMIT) == 0 || strcmp(sqlstate, RF_SQLSTATE_CHECK) == 0 ||
           strncmp(sqlstate, "22", 2) == 0;
}

static enum rf_code save(struct rf_delta *delta, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_guard_savepoint(delta->target, SAVEPOINT, &sql);
    enum rf_code code = rf_pg_do_buffer(delta->pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code put_rows(struct rf_delta *delta, const struct rf_manifest_table *source,
                             struct rf_plan *plan, struct rf_archive *archive, struct rf_fill *fill,
                             struct rf_error *error) {
    bool careful = any_may_outgrow(source, plan) || has_checks(plan);
    enum rf_code code = careful ? save(delta, error) : RF_OK;
    if (code == RF_OK) {
        code = fill_once(delta, source, plan, archive, fill, error);
        if (careful && code != RF_OK && is_in_the_way(error->sqlstate)) {
            code = fill_without(delta, source, plan, archive, fill, error);
        }
    }
    if (code == RF_OK && careful) {
        code = rf_pg_do(delta->pg, "RELEASE SAVEPOINT " SAVEPOINT, NULL, error);
    }
    if (code != RF_OK && strcmp(error->sqlstate, RF_SQLSTATE_UNIQUE) == 0) {
        error->code = code = RF_DIFFERENT;
        rf_hint(error,
                "a row that the snapshot does not have is in the way: was table %s changed by "
                "hand? Nothing was applied; run `rowferry verify` with the target.",
                plan->table);
    }
    return code;
}

/* Whether the archives tell rows apart by the declared key, so that the source's count of updated
 * rows is the target's. */
static bool counted_by_source(const struct rf_gone *gone, const struct rf_manifest_table *source,
                              const struct rf_fill *fill) {
    bool by_key = source->table.key_kind == RF_KEY_COLUMNS || source->table.alias >= 0;
    bool all_apply = !gone->asides && fill->aside.rows == 0;
    return gone->form == RF_GONE_ROW || (by_key && all_apply);
}

/* An updated row is one that went and came back under its key. Rows that no key tells apart in the
 * target are told apart by the source alone. */
static enum rf_code count(struct rf_gone *gone, const struct rf_manifest_table *source,
                          const struct rf_fill *fill, struct rf_counts *counts,
                          struct rf_error *error) {
    uint64_t most = gone->deleted < fill->applied ? gone->deleted : fill->applied;
    uint64_t updated = source->updated < most ? source->updated : most;
    enum rf_code code = RF_OK;
    if (most > 0 && !counted_by_source(gone, source, fill)) {
        code = rf_gone_count_back(gone, &updated, error);
    }
    counts->updated += updated;
    counts->inserted += fill->applied - updated;
    counts->deleted += gone->deleted - updated;
    counts->set_aside += fill->aside.rows;
    counts->altered += fill->aside.altered;
    return code;
}

enum rf_code rf_delta_check_digest(const struct rf_manifest_table *source,
                                   const struct rf_ledger_table *standing,
                                   const struct rf_digest *gone, const struct rf_digest *came,
                                   struct rf_error *error) {
    struct rf_digest reached = standing->digest;
    /* The sum of the rows that are gone, taken away at once: adding its negative modulo 2^128. */
    rf_digest_remove(&reached, gone->sum);
    reached.rows = standing->digest.rows - gone->rows;
    rf_digest_join(&reached, came);
    return rf_digest_equal(&reached, &source->digest)
               ? RF_OK
               : rf_fill_fail_digest(source, &reached, error);
}

static enum rf_code exchange_rows(struct rf_delta *delta, const struct rf_manifest_table *source,
                                  struct rf_ledger_table *standing, struct rf_archive *archive,
                                  struct rf_counts *counts, struct rf_error *error) {
    struct rf_gone gone = {
        .delta = delta,
        .plan = &standing->plan,
        .form = rf_archive_head_of(archive)->gone,
    };
    struct rf_fill fill = {.applied = 0};
    bool any_gone = rf_archive_rows(archive, RF_BLOCK_GONE) > 0;
    enum rf_code code = RF_OK;
    if (any_gone) {
        code = rf_aside_any(delta->pg, delta->target, standing->plan.table, &gone.asides, error);
        if (code == RF_OK) {
            code = rf_gone_delete(&gone, archive, error);
        }
    }
    if (code == RF_OK) {
        code = put_rows(delta, source, &standing->plan, archive, &fill, error);
    }
    if (code == RF_OK) {
        code = rf_delta_check_digest(source, standing, &gone.digest, &fill.digest, error);
    }
    if (code == RF_OK) {
        code = count(&gone, source, &fill, counts, error);
    }
    if (code == RF_OK && any_gone) {
        code = rf_gone_forget(&gone, error);
    }
    return code;
}

enum rf_code rf_delta_change(struct rf_delta *delta, const struct rf_manifest_table *source,
                             struct rf_ledger_table *standing, struct rf_counts *counts,
                             struct rf_error *error) {
    struct rf_archive *archive = NULL;
    enum rf_code code =
        rf_preflight_columns(delta->pg, delta->target->schema, &standing->plan, error);
    if (code == RF_OK) {
        code = rf_delta_open(delta, source, &archive, error);
    }
    if (code == RF_OK) {
        code = exchange_rows(delta, source, standing, archive, counts, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_move_table(delta->pg, delta->target, standing->plan.table, &source->digest,
                                    error);
    }
    rf_archive_close(archive);
    if (code != RF_OK) {
        rf_while(error, "while bringing table %s to snapshot %" PRIu64, source->table.name,
                 delta->snapshot);
    }
    return code;
}

bool rf_delta_disturbs_indexes(struct rf_delta *delta, const struct rf_manifest_table *source,
                               const struct rf_ledger_table *standing) {
    struct rf_plan now;
    struct rf_error error;
    if (list_now(delta, source, standing, &now, &error) != RF_OK) {
        return true;
    }
    for (uint32_t i = 0; i < standing->plan.index_count; i++) {
        if (!has_index(&now, &standing->plan.indexes[i])) {
            return true;
        }
    }
    return source->inserted + source->updated > 0 && any_may_outgrow(source, &standing->plan);
}
