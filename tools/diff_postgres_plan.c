/* Asking replay's planner, by way of a check, about some tables of the snapshot at TO. */
#include <stdlib.h>
#include <string.h>

#include "replay/check.h"
#include "replay/replay.h"
#include "tools/diff_postgres.h"

struct rf_diff_plan {
    struct rf_target_options options;
    char **names; /* as patterns, ended by NULL */
    struct rf_check *check;
};

/* ---- which tables ---- */

static bool is_made(const struct rf_diff_table *table) {
    return table->change == RF_DIFF_NEW || table->change == RF_DIFF_RESHAPED;
}

/* Those that are made, too: what of their columns the server computes, their rows must not say. */
static bool is_planned(const struct rf_diff_table *table) {
    bool generated = false;
    for (uint32_t i = 0; table->after && !generated && i < table->after->table.column_count; i++) {
        generated = table->after->table.columns[i].generated != RF_STORED_AS_IS;
    }
    return is_made(table) || (table->change == RF_DIFF_ROWS && generated);
}

/* A pattern that matches the name and nothing else; NULL without memory. */
static char *pattern_of(const char *name) {
    char *pattern = malloc(2 * strlen(name) + 1);
    char *at = pattern;
    for (; pattern && *name; name++) {
        if (strchr("*?[]\\", *name)) {
            *at++ = '\\';
        }
        *at++ = *name;
    }
    if (pattern) {
        *at = 0;
    }
    return pattern;
}

/* ---- the plan ---- */

static void free_names(char **names) {
    for (char **name = names; name && *name; name++) {
        free(*name);
    }
    free(names);
}

static enum rf_code list_names(const struct rf_diff *diff,
                               bool (*wanted)(const struct rf_diff_table *table), char ***names,
                               struct rf_error *error) {
    char **list = calloc((size_t)diff->table_count + 1, sizeof *list);
    *names = list;
    for (uint32_t i = 0; list && i < diff->table_count; i++) {
        if (wanted(&diff->tables[i])) {
            *list = pattern_of(diff->tables[i].name);
            list = *list ? list + 1 : NULL;
        }
    }
    return list ? RF_OK : rf_fail_memory(error);
}

/* A plan of those tables; none where there are none. */
static enum rf_code make(const struct rf_diff *diff,
                         bool (*wanted)(const struct rf_diff_table *table),
                         struct rf_diff_plan **made, struct rf_error *error) {
    static const struct rf_rules plain = {0};
    struct rf_diff_plan *plan = *made = calloc(1, sizeof *plan);
    if (!plan) {
        return rf_fail_memory(error);
    }
    enum rf_code code = list_names(diff, wanted, &plan->names, error);
    if (code != RF_OK || !*plan->names) {
        return code;
    }
    plan->options = (struct rf_target_options){
        .schema = diff->task->settings->schema,
        .jobs = 1,
        .include = (const char *const *)plan->names,
        .rules = &plain,
        .stop = diff->task->stop,
    };
    code = rf_check_new(&plan->options, &plan->check, error);
    return code == RF_OK ? rf_check_plan(plan->check, diff->repository, &diff->to.name, error)
                         : code;
}

void rf_diff_plan_free(struct rf_diff_plan *plan) {
    if (plan) {
        rf_check_free(plan->check);
        free_names(plan->names);
        free(plan);
    }
}

enum rf_code rf_diff_plan_make(const struct rf_diff *diff, struct rf_diff_plan **plan,
                               struct rf_buffer *ddl, struct rf_error *error) {
    struct rf_diff_plan *tables = NULL;
    enum rf_code code = make(diff, is_made, &tables, error);
    if (code == RF_OK && tables->check) {
        rf_check_ddl(tables->check, ddl);
        code = rf_buffer_check(ddl, error);
    }
    rf_diff_plan_free(tables);
    return code == RF_OK ? make(diff, is_planned, plan, error) : code;
}

bool rf_diff_plan_computes(const struct rf_diff_plan *plan, const struct rf_diff_table *table,
                           uint32_t column) {
    if (!plan->check) {
        return false;
    }
    for (uint32_t i = 0; i < rf_check_table_count(plan->check); i++) {
        const struct rf_plan *found = &rf_check_table(plan->check, i)->plan;
        if (strcmp(found->table, table->name) != 0) {
            continue;
        }
        for (uint32_t j = 0; j < found->column_count; j++) {
            if (found->columns[j].cell == column) {
                return found->columns[j].generated_sql;
            }
        }
        return true; /* it is not carried */
    }
    return false;
}
