#include "replay/naming.h"

#include <stdlib.h>
#include <string.h>

static int by_source(const void *a, const void *b) {
    const struct rf_resolve_name *one = a, *other = b;
    return strcmp(one->source, other->source);
}

/* The manifest has its tables in that order already. */
static void list_tables(struct rf_naming *naming, const struct rf_manifest *manifest,
                        const struct rf_ledger_tables *standing) {
    naming->tables = rf_arena_take(&naming->arena, manifest->table_count, sizeof *naming->tables);
    for (uint32_t i = 0; naming->tables && i < manifest->table_count; i++) {
        const char *name = manifest->tables[i].table.name;
        const struct rf_ledger_table *known =
            standing ? rf_ledger_find_table(standing, name) : NULL;
        if (known || rf_run_selects(naming->run, name)) {
            naming->tables[naming->count++] = (struct rf_resolve_name){
                .source = name, .standing = known ? known->plan.relation : NULL};
        }
    }
}

enum rf_code rf_naming_make(struct rf_run *run, const struct rf_manifest *manifest,
                            const struct rf_ledger_tables *standing, const struct rf_names *taken,
                            struct rf_naming *naming, struct rf_error *error) {
    *naming = (struct rf_naming){.run = run};
    list_tables(naming, manifest, standing);
    enum rf_code code = rf_arena_check(&naming->arena, error);
    if (code == RF_OK) {
        code = rf_resolve_tables(run->options->rules, taken, naming->tables, naming->count,
                                 &naming->arena, error);
    }
    if (code != RF_OK) {
        rf_naming_release(naming);
    }
    return code;
}

void rf_naming_release(struct rf_naming *naming) {
    rf_arena_release(&naming->arena);
    *naming = (struct rf_naming){.count = 0};
}

const struct rf_resolve_name *rf_naming_find(const struct rf_naming *naming, const char *table) {
    const struct rf_resolve_name wanted = {.source = table};
    return naming->count == 0
               ? NULL
               : bsearch(&wanted, naming->tables, naming->count, sizeof *naming->tables, by_source);
}

enum rf_code rf_naming_columns(struct rf_naming *naming, const struct rf_table *table,
                               const char *const *standing, const char ***names,
                               struct rf_error *error) {
    const struct rf_rules *rules = naming->run->options->rules;
    struct rf_resolve_name *columns =
        rf_arena_take(&naming->arena, table->column_count, sizeof *columns);
    *names = rf_arena_take(&naming->arena, table->column_count, sizeof **names);
    if (naming->arena.failed) {
        return rf_fail_memory(error);
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!rf_rules_column(rules, table->name, table->columns[i].name).exclude) {
            columns[count++] = (struct rf_resolve_name){.source = table->columns[i].name,
                                                        .standing = standing ? standing[i] : NULL};
        }
    }
    enum rf_code code =
        rf_resolve_columns(rules, table->name, columns, count, &naming->arena, error);
    for (uint32_t i = 0, next = 0; code == RF_OK && i < table->column_count; i++) {
        bool carried = next < count && columns[next].source == table->columns[i].name;
        (*names)[i] = carried ? columns[next].name : table->columns[i].name;
        next += carried;
    }
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        if (!columns[i].standing && columns[i].why && !columns[i].asked) {
            rf_run_warn(naming->run, "table %s: column %s is called \"%s\" in the target: %s",
                        table->name, columns[i].source, columns[i].name, columns[i].why);
        }
    }
    return code;
}

void rf_naming_remark(struct rf_naming *naming, const struct rf_resolve_name *table) {
    if (!table->standing && table->why && !table->asked) {
        rf_run_warn(naming->run, "table %s is called \"%s\" in the target: %s", table->source,
                    table->name, table->why);
    }
}
