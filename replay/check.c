/* Findings, and the plan of every table. */
#include "replay/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/check_inner.h"
#include "replay/foreign_key_list.h"
#include "replay/preflight.h"
#include "replay/quote.h"

/* ---- callbacks ---- */

static void on_progress(void *context, const char *table, uint64_t done, uint64_t expected) {
    const struct rf_check *check = context;
    check->caller->progress(check->caller->context, table, done, expected);
}

static void on_note(void *context, const char *message) {
    const struct rf_check *check = context;
    check->caller->note(check->caller->context, message);
}

static void on_warning(void *context, const char *message) {
    struct rf_check *check = context;
    struct rf_check_heard *heard = rf_arena_take(&check->arena, 1, sizeof *heard);
    if (heard) {
        heard->text = rf_arena_copy(&check->arena, message);
        *check->last_heard = heard;
        check->last_heard = &heard->next;
        check->heard_count++;
    }
}

static void listen(struct rf_check *check) {
    check->heard = NULL;
    check->last_heard = &check->heard;
    check->heard_count = 0;
}

/* Appends what was heard since `listen` to the notes of the table, then `remarks` of its plan. */
static void keep_notes(struct rf_check *check, struct rf_check_table *table, uint32_t remarks) {
    uint32_t count = table->note_count + check->heard_count + remarks;
    const char **notes = rf_arena_take(&check->arena, count, sizeof *notes);
    if (!notes) {
        return;
    }
    count = 0;
    for (uint32_t i = 0; i < table->note_count; i++) {
        notes[count++] = table->notes[i];
    }
    for (const struct rf_check_heard *heard = check->heard; heard; heard = heard->next) {
        notes[count++] = heard->text;
    }
    for (uint32_t i = 0; i < remarks; i++) {
        notes[count++] = table->plan.remarks[i];
    }
    table->notes = notes;
    table->note_count = count;
}

enum rf_code rf_check_new(const struct rf_target_options *options, struct rf_check **check,
                          struct rf_error *error) {
    struct rf_check *made = calloc(1, sizeof *made);
    if (!made) {
        return rf_fail_memory(error);
    }
    made->caller = options;
    made->options = *options;
    made->options.progress = options->progress ? on_progress : NULL;
    made->options.note = options->note ? on_note : NULL;
    made->options.warn = on_warning;
    made->options.context = made;
    made->options.store = NULL; /* what is heard goes where the store is named */
    made->target.schema = options->schema;
    rf_run_init(&made->run, &made->options, NULL);
    made->run.part = RF_WATCH_SURVEY;
    rf_names_init(&made->taken, &made->arena);
    listen(made);
    *check = made;
    return RF_OK;
}

void rf_check_free(struct rf_check *check) {
    if (check) {
        free(check->findings);
        rf_naming_release(&check->delta.naming);
        rf_arena_release(&check->delta.arena);
        rf_manifest_release(&check->manifest);
        rf_ledger_tables_release(&check->tables);
        rf_arena_release(&check->arena);
        rf_run_release(&check->run);
        free(check);
    }
}

/* ---- findings ---- */

static struct rf_check_finding *new_finding(struct rf_check *check) {
    if (check->finding_count == check->finding_room) {
        uint32_t room = check->finding_room ? 2 * check->finding_room : 16;
        struct rf_check_finding *grown = realloc(check->findings, room * sizeof *grown);
        if (!grown) {
            check->arena.failed = true;
            return NULL;
        }
        check->findings = grown;
        check->finding_room = room;
    }
    return &check->findings[check->finding_count++];
}

RF_PRINTF(2, 0)
static const char *say(struct rf_check *check, const char *format, va_list args) {
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    return rf_arena_copy(&check->arena, text);
}

struct rf_check_finding *rf_check_add(struct rf_check *check, enum rf_check_level level,
                                      const char *subject, const char *format, ...) {
    struct rf_check_finding *finding = new_finding(check);
    if (finding) {
        va_list args;
        va_start(args, format);
        *finding = (struct rf_check_finding){
            .level = level,
            .code = level == RF_CHECK_ERROR ? RF_MISPLACED : RF_OK,
            .subject = subject,
            .what = say(check, format, args),
            .detail = "",
            .hint = "",
        };
        va_end(args);
    }
    return finding;
}

void rf_check_advise(struct rf_check *check, struct rf_check_finding *finding, const char *format,
                     ...) {
    if (finding) {
        va_list args;
        va_start(args, format);
        finding->hint = say(check, format, args);
        va_end(args);
    }
}

enum rf_code rf_check_take_error(struct rf_check *check, const char *subject,
                                 struct rf_error *error) {
    enum rf_code code = error->code;
    if (code != RF_MISPLACED && code != RF_CONNECT && code != RF_LOCKED) {
        return code;
    }
    struct rf_check_finding *finding =
        rf_check_add(check, RF_CHECK_ERROR, subject, "%s", error->what);
    if (finding) {
        finding->code = code;
        finding->detail = rf_arena_copy(&check->arena, error->detail);
        finding->hint = rf_arena_copy(&check->arena, error->hint);
    }
    rf_error_clear(error);
    return rf_arena_check(&check->arena, error);
}

uint32_t rf_check_finding_count(const struct rf_check *check) {
    return check->finding_count;
}

const struct rf_check_finding *rf_check_finding(const struct rf_check *check, uint32_t place) {
    return &check->findings[place];
}

const char *rf_check_level_name(enum rf_check_level level) {
    static const char *const names[] = {
        [RF_CHECK_OK] = "ok",
        [RF_CHECK_NOTE] = "note",
        [RF_CHECK_WARNING] = "warning",
        [RF_CHECK_ERROR] = "error",
    };
    return names[level];
}

/* ---- the plan ---- */

const struct rf_manifest *rf_check_manifest(const struct rf_check *check) {
    return &check->manifest;
}

uint32_t rf_check_table_count(const struct rf_check *check) {
    return check->table_count;
}

const struct rf_check_table *rf_check_table(const struct rf_check *check, uint32_t place) {
    return &check->planned[place];
}

/* What a load would refuse as a whole: tables that PostgreSQL cannot have, or has already. */
static enum rf_code find_refusals(struct rf_check *check, struct rf_error *error) {
    if (check->options.rules->existing) {
        return RF_OK;
    }
    const struct rf_ledger_tables *standing = &check->tables;
    enum rf_code code = rf_preflight_shapes(&check->run, &check->manifest, standing, error);
    if (code != RF_OK) {
        code = rf_check_take_error(check, "shape", error);
    }
    if (code == RF_OK) {
        code = rf_preflight_free(&check->delta.naming, standing, &check->taken, error);
        code = code == RF_OK ? RF_OK : rf_check_take_error(check, "names", error);
    }
    return code;
}

/* Of a page of 8 KiB a third, less what belongs to the page; the server compresses what it can. */
#define ENTRY_BYTES 2704u

/* What rf_build_index leaves out when the server refuses an entry cannot be known, but feared. */
static void fear_entries(struct rf_check *check, const struct rf_check_table *table) {
    const struct rf_plan *plan = &table->plan;
    for (uint32_t i = 0; i < plan->index_count; i++) {
        const struct rf_plan_index *index = &plan->indexes[i];
        uint64_t bytes = 0;
        for (uint32_t k = 0; k < index->column_count; k++) {
            bytes += table->source->census[plan->columns[index->columns[k]].cell].longest;
        }
        if (!index->refusal && bytes > ENTRY_BYTES) {
            rf_run_warn(&check->run,
                        "table %s: index %s may be left out: an entry ends at about %u bytes, and "
                        "its columns have up to %" PRIu64,
                        plan->table, index->name, ENTRY_BYTES, bytes);
        }
    }
}

static enum rf_code plan_new(struct rf_check *check, const struct rf_resolve_name *name,
                             struct rf_check_table *table, struct rf_error *error) {
    struct rf_naming *naming = &check->delta.naming;
    struct rf_plan_request request = {
        .run = &check->run,
        .source = table->source,
        .utf16 = check->delta.utf16,
        .rules = check->options.rules,
        .names = &check->taken,
        .relation = name->name,
    };
    rf_naming_remark(naming, name);
    enum rf_code code =
        rf_naming_columns(naming, &table->source->table, NULL, &request.column_names, error);
    if (code == RF_OK) {
        code = rf_plan_make(&request, &check->arena, &table->plan, error);
    }
    if (code == RF_OK) {
        fear_entries(check, table);
    }
    return code;
}

/* Evolution tells its remarks itself; a plan from the ledger has none. */
static uint32_t untold_remarks(const struct rf_check_table *table) {
    bool evolved = table->plan.owned && table->step != RF_CHECK_MAKE;
    return evolved || table->step == RF_CHECK_KEEP ? 0 : table->plan.remark_count;
}

static enum rf_code plan_table(struct rf_check *check, const struct rf_resolve_name *name,
                               struct rf_error *error) {
    struct rf_ledger_table *standing = rf_ledger_find_table(&check->tables, name->source);
    struct rf_check_table *table = &check->planned[check->table_count];
    bool fits = true;
    table->source = rf_manifest_find(&check->manifest, name->source);
    listen(check);
    enum rf_code code = rf_check_is_existing(check, standing)
                            ? rf_check_plan_existing(check, standing, table, &fits, error)
                        : standing ? rf_check_plan_standing(check, standing, table, error)
                                   : plan_new(check, name, table, error);
    if (code == RF_OK && fits) {
        keep_notes(check, table, untold_remarks(table));
        check->table_count++;
    }
    return code == RF_OK ? rf_run_check(&check->run, error) : code;
}

static enum rf_code plan_tables(struct rf_check *check, struct rf_error *error) {
    const struct rf_naming *naming = &check->delta.naming;
    check->planned = rf_arena_take(&check->arena, naming->count, sizeof *check->planned);
    enum rf_code code = rf_arena_check(&check->arena, error);
    for (uint32_t i = 0; i < naming->count; i++) {
        rf_names_add(&check->taken, naming->tables[i].name);
    }
    for (uint32_t i = 0; code == RF_OK && i < naming->count; i++) {
        code = plan_table(check, &naming->tables[i], error);
    }
    return code == RF_OK ? rf_arena_check(&check->arena, error) : code;
}

/* A table that is gone from the source, and not only from what was captured of it. */
static bool is_gone(const struct rf_manifest *manifest, const char *table) {
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        const struct rf_object *object = &manifest->objects[i];
        if (strcmp(object->type, "table") == 0 && strcmp(object->name, table) == 0) {
            return false;
        }
    }
    return true;
}

static void find_gone(struct rf_check *check) {
    for (uint32_t i = 0; i < check->tables.count; i++) {
        const char *table = check->tables.tables[i].plan.table;
        if (is_gone(&check->manifest, table)) {
            rf_check_add(check, RF_CHECK_NOTE, "tables",
                         "table %s is gone from the source; a replay drops it here, or renames it "
                         "where a new one has its very rows",
                         table);
        }
    }
}

/* All plans, as a ledger would have them. */
static enum rf_code list_plans(struct rf_check *check, struct rf_ledger_tables *tables,
                               struct rf_error *error) {
    *tables = (struct rf_ledger_tables){
        .count = check->table_count,
        .tables = rf_arena_take(&check->arena, check->table_count, sizeof *tables->tables),
    };
    for (uint32_t i = 0; tables->tables && i < tables->count; i++) {
        tables->tables[i].plan = check->planned[i].plan;
    }
    return rf_arena_check(&check->arena, error);
}

/* Where the table is made or gets another shape; else its plan has them from the ledger. */
static enum rf_code add_foreign_keys(struct rf_check *check, const struct rf_foreign_keys *keys,
                                     const struct rf_ledger_tables *tables,
                                     struct rf_check_table *table, struct rf_error *error) {
    struct rf_plan *plan = &table->plan;
    uint32_t count = 0;
    struct rf_foreign_key_wish *wishes = NULL;
    enum rf_code code =
        rf_foreign_key_list(keys, table->source, plan, tables, &count, &wishes, error);
    struct rf_plan_constraint *all =
        rf_arena_take(&check->arena, (size_t)plan->constraint_count + count, sizeof *all);
    if (code != RF_OK || !all) {
        return code == RF_OK ? rf_fail_memory(error) : code;
    }
    if (plan->constraint_count > 0) {
        memcpy(all, plan->constraints, plan->constraint_count * sizeof *all);
    }
    plan->constraints = all;
    listen(check);
    for (uint32_t i = 0; i < count; i++) {
        struct rf_plan_constraint *constraint = &all[plan->constraint_count];
        *constraint = wishes[i].constraint;
        rf_plan_name_constraint(plan, constraint, &check->arena);
        plan->constraint_count++;
        if (constraint->refusal) {
            rf_run_warn(&check->run, "table %s: %s is not carried over: %s", plan->table,
                        constraint->definition, constraint->refusal);
        }
    }
    keep_notes(check, table, 0);
    return rf_arena_check(&check->arena, error);
}

static enum rf_code plan_foreign_keys(struct rf_check *check, const struct rf_ledger_tables *tables,
                                      struct rf_error *error) {
    const struct rf_foreign_keys keys = {
        .run = &check->run,
        .target = &check->target,
        .manifest = &check->manifest,
        .arena = &check->arena,
    };
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < check->table_count; i++) {
        struct rf_check_table *table = &check->planned[i];
        if (table->plan.owned && table->step != RF_CHECK_KEEP &&
            table->source->table.foreign_key_count > 0) {
            code = add_foreign_keys(check, &keys, tables, table, error);
        }
    }
    return code;
}

/* Foreign keys and views refer to tables by the plans that these will have. */
static enum rf_code plan_what_refers(struct rf_check *check, struct rf_error *error) {
    struct rf_ledger_tables tables;
    enum rf_code code = list_plans(check, &tables, error);
    if (code == RF_OK) {
        code = plan_foreign_keys(check, &tables, error);
    }
    listen(check);
    if (code == RF_OK) {
        code = rf_objects_foresee(&check->run, &check->target, &check->manifest, &tables,
                                  &check->arena, &check->object_count, &check->objects, error);
    }
    for (const struct rf_check_heard *heard = check->heard; heard; heard = heard->next) {
        rf_check_add(check, RF_CHECK_WARNING, "objects", "%s", heard->text);
    }
    return code;
}

const char *rf_check_object_sql(const struct rf_check *check, const struct rf_object *object) {
    bool kind = strcmp(object->type, "view") == 0 || strcmp(object->type, "trigger") == 0;
    for (uint32_t i = 0; kind && i < check->object_count; i++) {
        if (strcmp(check->objects[i].name, object->name) == 0) {
            return check->objects[i].sql;
        }
    }
    return NULL;
}

const char *rf_check_step_name(enum rf_check_step step) {
    static const char *const names[] = {
        [RF_CHECK_MAKE] = "make",   [RF_CHECK_FILL] = "fill",     [RF_CHECK_KEEP] = "keep",
        [RF_CHECK_ALTER] = "alter", [RF_CHECK_REFILL] = "refill",
    };
    return names[step];
}

enum rf_code rf_check_plan(struct rf_check *check, const struct rf_repository *repository,
                           const struct rf_snapshot_name *snapshot, struct rf_error *error) {
    check->run.repository = repository;
    enum rf_code code = rf_repository_load(repository, snapshot, &check->manifest, error);
    if (code == RF_OK) {
        check->delta = (struct rf_delta){
            .run = &check->run, .target = &check->target, .utf16 = rf_plan_utf16(&check->manifest)};
        code = rf_naming_make(&check->run, &check->manifest, &check->tables, &check->taken,
                              &check->delta.naming, error);
    }
    if (code == RF_OK) {
        code = find_refusals(check, error);
    }
    if (code == RF_OK) {
        code = rf_check_begin_existing(check, error);
    }
    if (code == RF_OK) {
        find_gone(check);
        code = plan_tables(check, error);
    }
    if (code == RF_OK) {
        code = rf_check_find_unfed(check, error);
    }
    return code == RF_OK ? plan_what_refers(check, error) : code;
}

enum rf_code rf_check_rows(struct rf_check *check, const struct rf_check_table *table,
                           void (*found)(void *context, const struct rf_survey_finding *finding),
                           void *context, struct rf_survey_counts *counts, struct rf_error *error) {
    rf_run_worker(&check->run, 0, "checks", table->source->table.name);
    enum rf_code code =
        rf_survey_plan(&check->run, table->source, &table->plan, found, context, counts, error);
    rf_run_worker(&check->run, 0, NULL, NULL);
    rf_run_reach(&check->run, table->source->table.name, RF_WATCH_DONE);
    return code;
}

enum rf_check_outcome rf_check_outcome(const struct rf_check_table *table,
                                       const struct rf_survey_finding *value) {
    const struct rf_plan *plan = &table->plan;
    for (uint32_t i = 0; i < plan->column_count && !value->altered; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        if (column->on_mismatch == RF_MISMATCH_FAIL && strcmp(column->source, value->column) == 0) {
            return RF_CHECK_FAILS;
        }
    }
    return value->altered ? RF_CHECK_ALTERED : RF_CHECK_SET_ASIDE;
}

const char *rf_check_outcome_name(enum rf_check_outcome outcome) {
    static const char *const names[] = {
        [RF_CHECK_SET_ASIDE] = "set aside",
        [RF_CHECK_ALTERED] = "altered",
        [RF_CHECK_FAILS] = "fails",
    };
    return names[outcome];
}
