#include "replay/preflight.h"

#include <stdio.h>
#include <string.h>

#include "format/value.h"
#include "replay/computed.h"
#include "replay/fit_type.h"
#include "replay/quote.h"
#include "replay/sql.h"

enum rf_code rf_preflight_schema_name(const char *schema, struct rf_error *error) {
    const char *refusal = rf_schema_refusal(schema);
    if (!refusal) {
        return RF_OK;
    }
    rf_fail(error, RF_MISPLACED, "schema \"%.80s\" cannot be a target: %s", schema, refusal);
    rf_hint(error, "name another one with --schema.");
    return RF_MISPLACED;
}

static bool is_to_be_made(const struct rf_run *run, const struct rf_manifest_table *table,
                          const struct rf_ledger_tables *standing) {
    return rf_run_selects(run, table->table.name) &&
           !(standing && rf_ledger_find_table(standing, table->table.name));
}

/* Offenders are gathered into the detail of one error. */
struct offenders {
    unsigned count, untold;
    char text[sizeof((struct rf_error *)NULL)->detail];
};

static void offend(struct offenders *offenders, char *text) {
    rf_make_sayable(text);
    size_t used = strlen(offenders->text), room = sizeof offenders->text - used;
    offenders->count++;
    if (offenders->untold > 0 || strlen(text) + 40 > room) {
        offenders->untold++;
        return;
    }
    snprintf(offenders->text + used, room, "%s%s", used > 0 ? "; " : "", text);
}

static enum rf_code fail_offenders(struct offenders *offenders, const char *what, const char *hint,
                                   struct rf_error *error) {
    if (offenders->count == 0) {
        return RF_OK;
    }
    if (offenders->untold > 0) {
        size_t used = strlen(offenders->text);
        snprintf(offenders->text + used, sizeof offenders->text - used, "; and %u more",
                 offenders->untold);
    }
    rf_fail(error, RF_MISPLACED, "%s", what);
    rf_detail(error, "%s", offenders->text);
    rf_hint(error, "%s", hint);
    return RF_MISPLACED;
}

static bool is_text(const char *name) {
    return rf_text_inspect((const uint8_t *)name, strlen(name)).valid_utf8;
}

static void check_shape(const struct rf_rules *rules, const struct rf_table *table,
                        struct offenders *offenders) {
    char line[400];
    if (!is_text(table->name)) {
        snprintf(line, sizeof line, "table \"%.150s\": its name is not valid UTF-8", table->name);
        offend(offenders, line);
    }
    uint32_t carried = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        carried += !rf_rules_column(rules, table->name, table->columns[i].name).exclude;
    }
    if (carried > RF_PLAN_COLUMNS_MAX) {
        snprintf(line, sizeof line, "table \"%.150s\": %u columns, PostgreSQL takes %u",
                 table->name, carried, RF_PLAN_COLUMNS_MAX);
        offend(offenders, line);
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!is_text(table->columns[i].name)) {
            snprintf(line, sizeof line,
                     "column \"%.100s\" of table \"%.100s\": its name is not valid UTF-8",
                     table->columns[i].name, table->name);
            offend(offenders, line);
        }
    }
}

enum rf_code rf_preflight_shapes(const struct rf_run *run, const struct rf_manifest *manifest,
                                 const struct rf_ledger_tables *standing, struct rf_error *error) {
    struct offenders offenders = {.count = 0};
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        if (is_to_be_made(run, &manifest->tables[i], standing)) {
            check_shape(run->options->rules, &manifest->tables[i].table, &offenders);
        }
    }
    return fail_offenders(&offenders, "PostgreSQL does not take tables of the source",
                          "change them in the source, or leave them out with --exclude-table.",
                          error);
}

enum rf_code rf_preflight_free(const struct rf_naming *naming,
                               const struct rf_ledger_tables *standing,
                               const struct rf_names *taken, struct rf_error *error) {
    struct offenders offenders = {.count = 0};
    for (uint32_t i = 0; i < naming->count; i++) {
        const struct rf_resolve_name *table = &naming->tables[i];
        bool stands = standing && rf_ledger_find_table(standing, table->source);
        if (!stands && rf_names_have(taken, table->name)) {
            char line[100];
            snprintf(line, sizeof line, "\"%s\"", table->name);
            offend(&offenders, line);
        }
    }
    return fail_offenders(&offenders, "the target has relations or types of these names already",
                          "rowferry makes its tables itself: name another --schema, or rename or "
                          "drop these.",
                          error);
}

static enum rf_code check_rules(const struct rf_run *run, const struct rf_manifest_table *source,
                                const struct rf_plan *plan, struct offenders *offenders,
                                struct rf_error *error) {
    struct rf_arena arena = {0};
    uint32_t count = 0;
    const char **lines;
    enum rf_code code =
        rf_plan_disagrees(plan, source, run->options->rules, &arena, &count, &lines, error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        char line[400];
        snprintf(line, sizeof line, "table %.100s, %.250s", plan->table, lines[i]);
        offend(offenders, line);
    }
    rf_arena_release(&arena);
    return code;
}

enum rf_code rf_preflight_rules(const struct rf_run *run, const struct rf_manifest *manifest,
                                const struct rf_ledger_tables *standing, struct rf_error *error) {
    struct offenders offenders = {.count = 0};
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < standing->count; i++) {
        const struct rf_plan *plan = &standing->tables[i].plan;
        const struct rf_manifest_table *source = rf_manifest_find(manifest, plan->table);
        if (source && !rf_run_remakes(run, plan->table)) {
            code = check_rules(run, source, plan, &offenders, error);
        }
    }
    return code == RF_OK
               ? fail_offenders(&offenders, "the rules are not those that tables were made by",
                                "make such tables anew by today's rules with --remake TABLE, or "
                                "put the rules back.",
                                error)
               : code;
}

enum rf_code rf_preflight_taken(struct rf_pg *pg, const char *schema, struct rf_names *taken,
                                struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, schema);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_schema_names, &args, &rows, error);
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        rf_names_add(taken, rf_pg_rows_text(rows, i, 0));
    }
    rf_pg_rows_free(rows);
    return code == RF_OK ? rf_arena_check(taken->arena, error) : code;
}

enum rf_code rf_preflight_rights(struct rf_pg *pg, const struct rf_target *target,
                                 struct rf_preflight_facts *facts, struct rf_error *error) {
    enum { STANDS, MAY_CREATE, MAY_CREATE_SCHEMA, DATABASE, ROLE };
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->schema);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_schema_facts, &args, &rows, error);
    if (code != RF_OK) {
        return code;
    }
    facts->schema_stands = rf_pg_rows_truth(rows, 0, STANDS);
    const char *database = rf_pg_rows_text(rows, 0, DATABASE);
    const char *role = rf_pg_rows_text(rows, 0, ROLE);
    if (!rf_pg_rows_truth(rows, 0, MAY_CREATE_SCHEMA)) {
        code = rf_fail(error, RF_CONNECT, "role \"%s\" may not create schemas in database \"%s\"",
                       role, database);
        rf_hint(error,
                "GRANT CREATE ON DATABASE \"%s\" TO \"%s\"; the ledger and the first load "
                "each have a schema of their own.",
                database, role);
    } else if (facts->schema_stands && !rf_pg_rows_truth(rows, 0, MAY_CREATE)) {
        code = rf_fail(error, RF_CONNECT, "role \"%s\" may not create tables in schema \"%s\"",
                       role, target->schema);
        rf_hint(error, "GRANT CREATE ON SCHEMA \"%s\" TO \"%s\".", target->schema, role);
    }
    rf_pg_rows_free(rows);
    return code;
}

/* A table that the application made is looked at by the names of its types: oids of domains and
 * enumerations are not the plan's. */
static const char *existing_trouble(const struct rf_pg_rows *rows, const char *column,
                                    const struct rf_conversion *conversion) {
    enum { NAME, OID, NOT_NULL, TYPE, TYPTYPE, TYPE_SCHEMA, TYPE_NAME };
    for (uint32_t i = 0; i < rf_pg_rows_count(rows); i++) {
        const char *name = rf_pg_rows_text(rows, i, NAME);
        if (!name || strcmp(name, column) != 0) {
            continue;
        }
        const struct rf_catalog_column found = {
            .type = rf_pg_rows_text(rows, i, TYPE),
            .kind = rf_catalog_kind_of(rf_pg_rows_text(rows, i, TYPTYPE)[0],
                                       rf_pg_rows_text(rows, i, TYPE_SCHEMA),
                                       rf_pg_rows_text(rows, i, TYPE_NAME)),
            .type_schema = rf_pg_rows_text(rows, i, TYPE_SCHEMA),
            .type_name = rf_pg_rows_text(rows, i, TYPE_NAME),
        };
        return !conversion || rf_fit_type_is(&found, conversion->type) ? NULL : "has another type";
    }
    return "is missing";
}

static const char *column_trouble(const struct rf_pg_rows *rows,
                                  const struct rf_plan_column *plan) {
    for (uint32_t i = 0; i < rf_pg_rows_count(rows); i++) {
        const char *name = rf_pg_rows_text(rows, i, 0);
        if (name && strcmp(name, plan->name) == 0) {
            uint32_t oid = plan->conversion->oid;
            bool same = oid == 0 || rf_pg_rows_number(rows, i, 1) == oid;
            return same ? NULL : "has another type";
        }
    }
    return "is missing";
}

/* A column of the stage alone is nowhere in the target. */
static enum rf_code check_column(const struct rf_plan *plan, uint32_t number,
                                 const struct rf_pg_rows *rows, struct rf_error *error) {
    const struct rf_plan_column *column = &plan->columns[number];
    const char *name = rf_plan_goes_to(plan, number);
    const char *trouble = !name         ? NULL
                          : plan->owned ? column_trouble(rows, column)
                                        : existing_trouble(rows, name, column->conversion);
    if (!trouble) {
        return RF_OK;
    }
    rf_fail(error, RF_MISPLACED, "column %s of table %s %s in the target", name, plan->table,
            trouble);
    rf_detail(error, "the ledger says it is %s", column->conversion->type);
    return RF_MISPLACED;
}

enum rf_code rf_preflight_columns(struct rf_pg *pg, const char *schema, const struct rf_plan *plan,
                                  struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, schema);
    rf_pg_text(&args, plan->relation);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask_often(pg, rf_sql_table_columns, &args, &rows, error);
    if (code != RF_OK) {
        return code;
    }
    if (rf_pg_rows_count(rows) == 0) {
        code = rf_fail(error, RF_MISPLACED, "table %s is missing in the target", plan->table);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->column_count; i++) {
        code = check_column(plan, i, rows, error);
    }
    for (uint32_t i = 0; code == RF_OK && plan->computed && i < plan->computed->target_count; i++) {
        const char *name = plan->computed->targets[i].name;
        if (existing_trouble(rows, name, NULL)) {
            code = rf_fail(error, RF_MISPLACED, "column %s of table %s is missing in the target",
                           name, plan->table);
        }
    }
    if (code != RF_OK) {
        rf_hint(error, "%s",
                plan->owned ? "rowferry's tables were changed by hand: put them back, or drop them "
                              "with schema rowferry and replay again."
                            : "the application changed the table since: replay fits it anew.");
    }
    rf_pg_rows_free(rows);
    return code;
}
