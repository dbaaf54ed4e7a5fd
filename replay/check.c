/* Findings, and the plan of every table. */
#include "replay/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/check_inner.h"
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

/* What was heard about the table, then what its plan says of itself where nobody did. */
static void keep_notes(struct rf_check *check, struct rf_check_table *table) {
    const struct rf_plan *plan = &table->plan;
    bool fresh = table->step == RF_CHECK_MAKE || table->step == RF_CHECK_FILL;
    uint32_t remarks = fresh ? plan->remark_count : 0;
    table->notes =
        rf_arena_take(&check->arena, (size_t)check->heard_count + remarks, sizeof *table->notes);
    if (!table->notes) {
        return;
    }
    for (const struct rf_check_heard *heard = check->heard; heard; heard = heard->next) {
        table->notes[table->note_count++] = heard->text;
    }
    for (uint32_t i = 0; i < remarks; i++) {
        table->notes[table->note_count++] = plan->remarks[i];
    }
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
    made->target.schema = options->schema;
    rf_run_init(&made->run, &made->options, NULL);
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
    return code == RF_OK ? rf_plan_make(&request, &check->arena, &table->plan, error) : code;
}

static enum rf_code plan_table(struct rf_check *check, const struct rf_resolve_name *name,
                               struct rf_error *error) {
    struct rf_ledger_table *standing = rf_ledger_find_table(&check->tables, name->source);
    struct rf_check_table *table = &check->planned[check->table_count++];
    table->source = rf_manifest_find(&check->manifest, name->source);
    bool fits = true;
    listen(check);
    enum rf_code code = rf_check_is_existing(check, standing)
                            ? rf_check_plan_existing(check, standing, table, &fits, error)
                        : standing ? rf_check_plan_standing(check, standing, table, error)
                                   : plan_new(check, name, table, error);
    check->table_count -= !fits;
    if (code == RF_OK && fits) {
        keep_notes(check, table);
        code = rf_run_check(&check->run, error);
    }
    return code;
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
        if (check->tables.tables[i].plan.owned && is_gone(&check->manifest, table)) {
            rf_check_add(check, RF_CHECK_NOTE, "tables",
                         "table %s is gone from the source; a replay drops it here, or renames it "
                         "where a new one has its very rows",
                         table);
        }
    }
}

/* Views refer to tables by the plans that these will have. */
static enum rf_code plan_objects(struct rf_check *check, struct rf_error *error) {
    struct rf_ledger_tables tables = {
        .count = check->table_count,
        .tables = rf_arena_take(&check->arena, check->table_count, sizeof *tables.tables),
    };
    if (!tables.tables) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < tables.count; i++) {
        tables.tables[i].plan = check->planned[i].plan;
    }
    listen(check);
    enum rf_code code =
        rf_objects_foresee(&check->run, &check->target, &check->manifest, &tables, &check->arena,
                           &check->object_count, &check->objects, error);
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
    if (code == RF_OK && check->concerned) {
        code = rf_check_find_troubles(check, error);
    }
    if (code == RF_OK && !(check->concerned && check->options.rules->existing)) {
        code = find_refusals(check, error);
    }
    if (code == RF_OK) {
        find_gone(check);
        code = plan_tables(check, error);
    }
    return code == RF_OK ? plan_objects(check, error) : code;
}

enum rf_code rf_check_rows(struct rf_check *check, const struct rf_check_table *table,
                           void (*found)(void *context, const struct rf_survey_finding *finding),
                           void *context, struct rf_survey_counts *counts, struct rf_error *error) {
    return rf_survey_plan(&check->run, table->source, &table->plan, found, context, counts, error);
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

/* ---- SQL ---- */

static void end_statement(struct rf_buffer *sql, size_t start) {
    if (sql->size > start) {
        rf_buffer_append(sql, ";\n", 2);
    }
}

static void put_indexes(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->index_count; i++) {
        if (plan->indexes[i].refusal) {
            continue;
        }
        size_t start = sql->size;
        rf_plan_create_index(plan, &plan->indexes[i], schema, sql);
        end_statement(sql, start);
        start = sql->size;
        rf_plan_attach_constraint(plan, &plan->indexes[i], schema, sql);
        end_statement(sql, start);
    }
}

static void put_constraints(const struct rf_plan *plan, enum rf_plan_constraint_kind kind,
                            const char *schema, struct rf_buffer *sql) {
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        const struct rf_plan_constraint *constraint = &plan->constraints[i];
        if (constraint->kind == kind && !constraint->refusal) {
            size_t start = sql->size;
            rf_plan_add_constraint(plan, constraint, schema, sql);
            end_statement(sql, start);
        }
    }
}

/* Tables first, what refers from one to another last. */
static void put_table(const struct rf_plan *plan, unsigned pass, const char *schema,
                      struct rf_buffer *sql) {
    if (pass == 0) {
        size_t start = sql->size;
        rf_plan_create_table(plan, schema, sql);
        end_statement(sql, start);
    } else if (pass == 1) {
        put_indexes(plan, schema, sql);
        put_constraints(plan, RF_PLAN_CHECK, schema, sql);
    } else {
        put_constraints(plan, RF_PLAN_FOREIGN_KEY, schema, sql);
    }
}

static void put_objects(const struct rf_check *check, struct rf_buffer *sql) {
    if (check->object_count > 0) {
        size_t start = sql->size;
        rf_buffer_printf(sql, "SET search_path = ");
        rf_quote_name(sql, check->target.schema);
        rf_buffer_printf(sql, ", pg_catalog");
        end_statement(sql, start);
    }
    for (uint32_t i = 0; i < check->object_count; i++) {
        rf_buffer_printf(sql, "%s;\n", check->objects[i].sql);
    }
}

void rf_check_ddl(const struct rf_check *check, struct rf_buffer *sql) {
    const char *schema = check->target.schema;
    rf_buffer_printf(sql, "CREATE SCHEMA IF NOT EXISTS ");
    rf_quote_name(sql, schema);
    end_statement(sql, 0);
    for (unsigned pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < check->table_count; i++) {
            if (check->planned[i].step == RF_CHECK_MAKE) {
                put_table(&check->planned[i].plan, pass, schema, sql);
            }
        }
    }
    put_objects(check, sql);
}
