#include "replay/object.h"

#include <string.h>
#include <strings.h>

#include "replay/quote.h"
#include "replay/sql.h"
#include "replay/view_sql.h"

struct wanted {
    const struct rf_object_rule *rule;
    const char *type; /* "view" or "trigger" */
    const char *sql;  /* that makes it */
    bool made;
    bool standing; /* by this very statement */
};

struct objects {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_manifest *manifest;
    struct rf_ledger_tables tables;
    struct rf_arena arena;
    struct rf_names columns; /* that views name themselves */
    uint32_t count;
    struct wanted *wanted;
};

static struct rf_pg_args args_of(const struct rf_target *target) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    return args;
}

enum rf_code rf_objects_hold(struct rf_pg *pg, const struct rf_target *target,
                             struct rf_error *error) {
    struct rf_pg_args args = args_of(target);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_object_written, &args, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    struct rf_buffer sql = {0};
    for (uint32_t i = 0; i < count; i++) {
        rf_buffer_printf(&sql, i == 0 ? "DROP VIEW IF EXISTS " : ", ");
        rf_quote_qualified(&sql, target->schema, rf_pg_rows_text(rows, i, 0));
    }
    rf_pg_rows_free(rows);
    if (count > 0) {
        code = rf_pg_do_buffer(pg, &sql, NULL, error);
    }
    rf_buffer_release(&sql);
    if (code != RF_OK) {
        rf_while(error, "while dropping the views of the source, to make them again");
        return code;
    }
    return count > 0 ? rf_pg_do_args(pg, rf_sql_object_forget_written, &args, NULL, error) : RF_OK;
}

/* ---- what is wanted ---- */

/* Names of tables, their columns, and of views that are wanted too. */
static const char *find_name(const void *context, const char *name) {
    const struct objects *objects = context;
    for (uint32_t i = 0; i < objects->tables.count; i++) {
        const struct rf_plan *plan = &objects->tables.tables[i].plan;
        if (strcasecmp(plan->table, name) == 0) {
            return plan->relation;
        }
        for (uint32_t k = 0; k < plan->column_count; k++) {
            if (strcasecmp(plan->columns[k].source, name) == 0) {
                return plan->columns[k].name;
            }
        }
    }
    for (uint32_t i = 0; i < objects->run->options->rules->object_count; i++) {
        const char *other = objects->run->options->rules->objects[i].name;
        if (strcasecmp(other, name) == 0) {
            return other;
        }
    }
    return rf_names_have(&objects->columns, name) ? name : NULL;
}

static const struct rf_object *in_source(const struct objects *objects, const char *name) {
    for (uint32_t i = 0; i < objects->manifest->object_count; i++) {
        const struct rf_object *object = &objects->manifest->objects[i];
        bool kind = strcmp(object->type, "view") == 0 || strcmp(object->type, "trigger") == 0;
        if (kind && strcmp(object->name, name) == 0) {
            return object;
        }
    }
    return NULL;
}

static const char *written(struct objects *objects, const struct rf_object *object) {
    if (strcmp(object->type, "view") != 0) {
        rf_run_warn(objects->run, "trigger %s is not made: its rule needs sql for PostgreSQL",
                    object->name);
        return NULL;
    }
    const struct rf_view_names names = {.find = find_name, .context = objects};
    struct rf_buffer sql = {0};
    const char *refusal = rf_view_sql(object->sql ? object->sql : "", objects->target->schema,
                                      object->name, &names, &objects->arena, &sql);
    const char *text = NULL;
    if (refusal) {
        rf_run_warn(objects->run, "view %s is not made: %s", object->name, refusal);
    } else if (sql.failed) {
        objects->arena.failed = true;
    } else {
        text = rf_arena_printf(&objects->arena, "%.*s", (int)sql.size, (const char *)sql.bytes);
    }
    rf_buffer_release(&sql);
    return text;
}

static void take_column(void *context, const char *name) {
    rf_names_add(context, name);
}

static void list_columns(struct objects *objects) {
    const struct rf_rules *rules = objects->run->options->rules;
    rf_names_init(&objects->columns, &objects->arena);
    for (uint32_t i = 0; i < rules->object_count; i++) {
        const struct rf_object *object = in_source(objects, rules->objects[i].name);
        if (object && object->sql && strcmp(object->type, "view") == 0) {
            rf_view_column_names(object->sql, &objects->arena, take_column, &objects->columns);
        }
    }
}

static enum rf_code list_wanted(struct objects *objects, struct rf_error *error) {
    const struct rf_rules *rules = objects->run->options->rules;
    list_columns(objects);
    objects->wanted = rf_arena_take(&objects->arena, rules->object_count, sizeof *objects->wanted);
    for (uint32_t i = 0; objects->wanted && i < rules->object_count; i++) {
        const struct rf_object_rule *rule = &rules->objects[i];
        const struct rf_object *object = in_source(objects, rule->name);
        if (!object) {
            rf_run_warn(objects->run, "the source has no view or trigger called %s", rule->name);
            continue;
        }
        const char *sql = rule->sql ? rule->sql : written(objects, object);
        if (sql) {
            objects->wanted[objects->count++] =
                (struct wanted){.rule = rule, .type = object->type, .sql = sql};
        }
    }
    return rf_arena_check(&objects->arena, error);
}

/* ---- what stands ---- */

static struct wanted *find_wanted(const struct objects *objects, const char *name) {
    for (uint32_t i = 0; i < objects->count; i++) {
        if (strcmp(objects->wanted[i].rule->name, name) == 0) {
            return &objects->wanted[i];
        }
    }
    return NULL;
}

/* False: it is to go. What no rule asks for any more stays, as long as the source has it. */
static bool stands_right(struct objects *objects, const char *name, const char *definition) {
    struct wanted *wanted = find_wanted(objects, name);
    if (wanted) {
        wanted->standing = strcmp(wanted->sql, definition) == 0;
    }
    return wanted ? wanted->standing : in_source(objects, name) != NULL;
}

/* What somebody's own SQL made is theirs to replace or to drop. */
static enum rf_code forget(struct objects *objects, const char *name, struct rf_error *error) {
    struct rf_pg_args args = args_of(objects->target);
    rf_pg_text(&args, name);
    return rf_pg_do_args(objects->pg, rf_sql_object_forget, &args, NULL, error);
}

/* One view may rest upon another: where one is to go, all go and come again. */
static enum rf_code hold_all(struct objects *objects, struct rf_error *error) {
    for (uint32_t i = 0; i < objects->count; i++) {
        struct wanted *wanted = &objects->wanted[i];
        wanted->standing = wanted->standing && wanted->rule->sql;
    }
    return rf_objects_hold(objects->pg, objects->target, error);
}

static enum rf_code look_at_standing(struct objects *objects, struct rf_error *error) {
    enum { NAME, WRITTEN, DEFINITION };
    struct rf_pg_args args = args_of(objects->target);
    struct rf_pg_rows *rows;
    bool hold = false;
    enum rf_code code = rf_pg_ask(objects->pg, rf_sql_object_list, &args, &rows, error);
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        const char *name = rf_pg_rows_text(rows, i, NAME);
        if (!stands_right(objects, name, rf_pg_rows_text(rows, i, DEFINITION))) {
            bool written = rf_pg_rows_truth(rows, i, WRITTEN);
            hold = hold || written;
            code = written ? RF_OK : forget(objects, name, error);
        }
    }
    rf_pg_rows_free(rows);
    return code == RF_OK && hold ? hold_all(objects, error) : code;
}

/* ---- making ---- */

#define SAVEPOINT "rowferry_object"

static enum rf_code set_search_path(struct objects *objects, bool target, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "SET LOCAL search_path = ");
    if (target) {
        rf_quote_name(&sql, objects->target->schema);
        rf_buffer_printf(&sql, ", ");
    }
    rf_buffer_printf(&sql, "pg_catalog");
    enum rf_code code = rf_pg_do_buffer(objects->pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code note_made(struct objects *objects, const struct wanted *wanted,
                              struct rf_error *error) {
    struct rf_pg_args args = args_of(objects->target);
    rf_pg_text(&args, wanted->rule->name);
    rf_pg_text(&args, wanted->type);
    rf_pg_truth(&args, !wanted->rule->sql);
    rf_pg_text(&args, wanted->sql);
    return rf_pg_do_args(objects->pg, rf_sql_object_add, &args, NULL, error);
}

/* *refused: the server would not have it; the transaction is as before. */
static enum rf_code try_one(struct objects *objects, struct wanted *wanted, bool *refused,
                            struct rf_error *error) {
    *refused = false;
    enum rf_code code = rf_pg_do(objects->pg, "SAVEPOINT " SAVEPOINT, NULL, error);
    if (code != RF_OK) {
        return code;
    }
    code = rf_pg_do(objects->pg, wanted->sql, NULL, error);
    if (code == RF_OK) {
        wanted->made = true;
        return rf_pg_do(objects->pg, "RELEASE SAVEPOINT " SAVEPOINT, NULL, error);
    }
    if (rf_pg_broken(objects->pg) || code == RF_INTERRUPTED || !*error->sqlstate) {
        return code;
    }
    *refused = true;
    struct rf_error rollback;
    code =
        rf_pg_do(objects->pg, "ROLLBACK TO SAVEPOINT " SAVEPOINT "; RELEASE SAVEPOINT " SAVEPOINT,
                 NULL, &rollback);
    if (code != RF_OK) {
        *error = rollback;
    }
    return code;
}

/* One that needs another is made in a later pass; the reasons of the last pass are told. */
static enum rf_code make_pass(struct objects *objects, bool tell, uint32_t *made,
                              struct rf_error *error) {
    enum rf_code code = RF_OK;
    *made = 0;
    for (uint32_t i = 0; code == RF_OK && i < objects->count; i++) {
        struct wanted *wanted = &objects->wanted[i];
        bool refused = false;
        if (wanted->made || wanted->standing) {
            continue;
        }
        code = try_one(objects, wanted, &refused, error);
        if (code == RF_OK && !refused) {
            (*made)++;
            code = note_made(objects, wanted, error);
        } else if (code == RF_OK) {
            if (tell) {
                rf_run_warn(objects->run, "%s %s is not made: %s", wanted->type, wanted->rule->name,
                            error->what);
            }
            rf_error_clear(error);
        }
    }
    return code;
}

static enum rf_code make_all(struct objects *objects, struct rf_error *error) {
    uint32_t made = 0;
    enum rf_code code = set_search_path(objects, true, error);
    do {
        if (code == RF_OK) {
            code = make_pass(objects, false, &made, error);
        }
    } while (code == RF_OK && made > 0);
    if (code == RF_OK) {
        code = make_pass(objects, true, &made, error);
    }
    return code == RF_OK ? set_search_path(objects, false, error) : code;
}

enum rf_code rf_objects_make(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                             const struct rf_manifest *manifest, struct rf_error *error) {
    struct objects objects = {.run = run, .pg = pg, .target = target, .manifest = manifest};
    enum rf_code code = rf_ledger_read(pg, target, &objects.tables, error);
    if (code != RF_OK) {
        return code;
    }
    code = list_wanted(&objects, error);
    if (code == RF_OK) {
        code = look_at_standing(&objects, error);
    }
    if (code == RF_OK && objects.count > 0) {
        code = make_all(&objects, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while making views and triggers");
    }
    rf_ledger_tables_release(&objects.tables);
    rf_arena_release(&objects.arena);
    return code;
}

enum rf_code rf_objects_foresee(struct rf_run *run, const struct rf_target *target,
                                const struct rf_manifest *manifest,
                                const struct rf_ledger_tables *tables, struct rf_arena *arena,
                                uint32_t *count, struct rf_foreseen_object **foreseen,
                                struct rf_error *error) {
    struct objects objects = {
        .run = run, .target = target, .manifest = manifest, .tables = *tables};
    enum rf_code code = list_wanted(&objects, error);
    *count = 0;
    *foreseen = rf_arena_take(arena, objects.count, sizeof **foreseen);
    for (uint32_t i = 0; code == RF_OK && *foreseen && i < manifest->object_count; i++) {
        const struct rf_object *object = &manifest->objects[i];
        const struct wanted *wanted = find_wanted(&objects, object->name);
        if (wanted && in_source(&objects, object->name) == object) {
            (*foreseen)[(*count)++] = (struct rf_foreseen_object){
                .name = rf_arena_copy(arena, wanted->rule->name),
                .sql = rf_arena_copy(arena, wanted->sql),
            };
        }
    }
    rf_arena_release(&objects.arena);
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}
