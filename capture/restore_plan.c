#include "capture/restore_plan.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/objects.h"
#include "capture/restore_probe.h"
#include "capture/sqlite_error.h"

#define VIRTUAL_REASON "virtual table using "
#define SHADOW_REASON "shadow table of "

struct planning {
    struct rf_restore_plan *plan;
    const struct rf_restore_options *options;
    struct rf_restore_result *result;
    struct found_index *indexes; /* of all tables, by name */
    uint32_t index_count;
};

struct found_index {
    const struct rf_manifest_table *table;
    const struct rf_index *index;
};

void rf_restore_plan_release(struct rf_restore_plan *plan) {
    free(plan->objects);
    *plan = (struct rf_restore_plan){0};
}

bool rf_restore_knows_collation(const char *name) {
    return strcasecmp(name, "BINARY") == 0 || strcasecmp(name, "NOCASE") == 0 ||
           strcasecmp(name, "RTRIM") == 0;
}

const struct rf_index *rf_restore_key_index(const struct rf_table *table) {
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].origin == 'p') {
            return &table->indexes[i];
        }
    }
    return NULL;
}

int64_t rf_restore_column(const struct rf_table *table, const char *name) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

void rf_restore_tell(const struct rf_restore_options *options, struct rf_restore_result *result,
                     enum rf_lack_kind kind, const char *name, const char *reason) {
    const struct rf_lack lack = {kind, name, reason};
    result->lacks++;
    if (options->lack) {
        options->lack(options->context, &lack);
    }
}

static void tell(const struct planning *planning, enum rf_lack_kind kind, const char *name,
                 const char *reason) {
    rf_restore_tell(planning->options, planning->result, kind, name, reason);
}

/* ---- indexes ---- */

static int compare_indexes(const void *a, const void *b) {
    const struct found_index *left = a;
    const struct found_index *right = b;
    return strcmp(left->index->name, right->index->name);
}

static int compare_to_name(const void *name, const void *found) {
    return strcmp(name, ((const struct found_index *)found)->index->name);
}

static enum rf_code gather_indexes(struct planning *planning, struct rf_error *error) {
    const struct rf_manifest *manifest = planning->plan->manifest;
    size_t count = 0;
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        count += manifest->tables[i].table.index_count;
    }
    planning->indexes = calloc(count + 1, sizeof *planning->indexes);
    if (!planning->indexes) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        const struct rf_table *table = &manifest->tables[i].table;
        for (uint32_t j = 0; j < table->index_count; j++) {
            planning->indexes[planning->index_count++] =
                (struct found_index){&manifest->tables[i], &table->indexes[j]};
        }
    }
    qsort(planning->indexes, planning->index_count, sizeof *planning->indexes, compare_indexes);
    return RF_OK;
}

static const struct found_index *find_index(const struct planning *planning, const char *name) {
    return bsearch(name, planning->indexes, planning->index_count, sizeof *planning->indexes,
                   compare_to_name);
}

/* Whether the records of the index are made of stored columns alone. */
static bool is_over_columns(const struct rf_table *table, const struct rf_index *index) {
    for (uint32_t i = 0; i < index->part_count; i++) {
        const char *name = index->parts[i].column;
        int64_t column = name ? rf_restore_column(table, name) : -1;
        if (column < 0 || table->columns[column].generated == RF_GENERATED_VIRTUAL) {
            return false;
        }
    }
    return !index->partial && index->part_count > 0;
}

static const char *strange_collation(const struct rf_index *index) {
    for (uint32_t i = 0; i < index->part_count; i++) {
        if (!rf_restore_knows_collation(index->parts[i].collation)) {
            return index->parts[i].collation;
        }
    }
    return NULL;
}

/* An index that is not there slows a query down; one in a wrong order makes it answer wrongly. But the
 * index of a constraint cannot be left away without altering the table. */
static void plan_strange(const struct planning *planning, struct rf_restore_object *planned,
                         const char *collation) {
    char reason[400];
    if (planned->object->sql) {
        planned->way = RF_RESTORE_NOT;
        snprintf(reason, sizeof reason,
                 "it is ordered by the collation %.200s, which only the application has",
                 collation);
        tell(planning, RF_LACK_INDEX, planned->object->name, reason);
    } else if (planned->table->digest.rows > 1) {
        snprintf(reason, sizeof reason,
                 "the collation %.200s is the application's; have that run REINDEX before "
                 "anything else",
                 collation);
        tell(planning, RF_LACK_ORDER, planned->object->name, reason);
    }
}

/* Tables come before their indexes. */
static bool is_of_no_table(const struct planning *planning, const struct rf_object *index) {
    const struct rf_restore_plan *plan = planning->plan;
    const struct rf_object *table = rf_object_find(plan->manifest, "table", index->table);
    return table && plan->objects[table - plan->manifest->objects].way == RF_RESTORE_NOT;
}

static enum rf_restore_way way_of_index(const struct rf_object *object,
                                        const struct found_index *found) {
    if (!found) { /* of a table whose rows are not here */
        return object->sql ? RF_RESTORE_SQL : RF_RESTORE_EMPTY;
    }
    if (is_over_columns(&found->table->table, found->index)) {
        return RF_RESTORE_COLUMNS;
    }
    return object->sql ? RF_RESTORE_SQL : RF_RESTORE_AGAIN;
}

static void plan_index(const struct planning *planning, struct rf_restore_object *planned) {
    const struct found_index *found = find_index(planning, planned->object->name);
    if (is_of_no_table(planning, planned->object)) {
        planned->way = RF_RESTORE_NOT;
        return;
    }
    planned->way = way_of_index(planned->object, found);
    if (found) {
        planned->table = found->table;
        planned->index = found->index;
        const char *collation = strange_collation(found->index);
        if (collation) {
            plan_strange(planning, planned, collation);
        }
    }
}

/* ---- tables ---- */

static const char *left_out_reason(const struct rf_manifest *manifest, const char *name) {
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        if (strcmp(manifest->left_out[i].name, name) == 0) {
            return manifest->left_out[i].reason;
        }
    }
    return NULL;
}

static bool begins(const char *text, const char *start) {
    return text && strncmp(text, start, strlen(start)) == 0;
}

/* Whether some table in which the virtual table keeps its content was left out. */
static bool lacks_content(const struct rf_manifest *manifest, const char *name) {
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        const char *reason = manifest->left_out[i].reason;
        if (begins(reason, SHADOW_REASON) && strcmp(reason + strlen(SHADOW_REASON), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether some of it was not. */
static bool has_content(const struct rf_manifest *manifest, const char *name) {
    size_t size = strlen(name);
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        const char *table = manifest->tables[i].table.name;
        if (strncasecmp(table, name, size) == 0 && table[size] == '_') {
            return true;
        }
    }
    return false;
}

static void plan_virtual(const struct planning *planning, struct rf_restore_object *planned) {
    const struct rf_manifest *manifest = planning->plan->manifest;
    const char *name = planned->object->name;
    bool some = has_content(manifest, name);
    bool all = !lacks_content(manifest, name);
    planned->way = some || all ? RF_RESTORE_ENTRY : RF_RESTORE_MODULE;
    if (some && !all) {
        tell(planning, RF_LACK_CONTENT, name, RF_RESTORE_NO_CONTENT);
    }
}

/* Shadow tables that the module makes when its virtual table is made. */
static bool comes_with_module(const struct planning *planning, const char *reason) {
    const struct rf_manifest *manifest = planning->plan->manifest;
    return begins(reason, SHADOW_REASON) && !has_content(manifest, reason + strlen(SHADOW_REASON));
}

static enum rf_code check_order(const struct rf_table *table, uint64_t rows,
                                struct rf_error *error) {
    const struct rf_index *key =
        table->key_kind == RF_KEY_COLUMNS ? rf_restore_key_index(table) : NULL;
    const char *collation = key && rows > 1 ? strange_collation(key) : NULL;
    if (!collation) {
        return RF_OK;
    }
    rf_fail(error, RF_FAILED, "cannot restore the table \"%.200s\"", table->name);
    rf_detail(error,
              "it is WITHOUT ROWID, and its rows are ordered by the collation \"%.200s\", which "
              "only the application has",
              collation);
    return RF_FAILED;
}

static enum rf_code plan_table(const struct planning *planning, struct rf_restore_object *planned,
                               struct rf_error *error) {
    const struct rf_manifest *manifest = planning->plan->manifest;
    const char *name = planned->object->name;
    const char *reason = left_out_reason(manifest, name);
    planned->table = rf_manifest_find(manifest, name);
    if (planned->table) {
        planned->way = RF_RESTORE_ROWS;
        return check_order(&planned->table->table, planned->table->digest.rows, error);
    }
    if (begins(reason, VIRTUAL_REASON)) {
        plan_virtual(planning, planned);
    } else if (comes_with_module(planning, reason)) {
        planned->way = RF_RESTORE_NOT;
    } else {
        planned->way = RF_RESTORE_EMPTY;
        tell(planning, RF_LACK_ROWS, name, reason ? reason : "its rows are not in the snapshot");
    }
    return RF_OK;
}

/* ---- all of them ---- */

static bool speaks_of_sequence(const char *sql) {
    static const char word[] = "autoincrement";
    for (; sql && *sql; sql++) {
        if (strncasecmp(sql, word, sizeof word - 1) == 0) {
            return true;
        }
    }
    return false;
}

static enum rf_code plan_object(const struct planning *planning, uint32_t place,
                                struct rf_error *error) {
    struct rf_restore_object *planned = &planning->plan->objects[place];
    planned->object = &planning->plan->manifest->objects[place];
    if (strcmp(planned->object->type, "table") == 0) {
        planning->plan->sequences |= speaks_of_sequence(planned->object->sql);
        return plan_table(planning, planned, error);
    }
    if (strcmp(planned->object->type, "index") == 0) {
        plan_index(planning, planned);
    }
    return RF_OK;
}

enum rf_code rf_restore_plan_make(const struct rf_manifest *manifest,
                                  const struct rf_restore_options *options,
                                  struct rf_restore_result *result, struct rf_restore_plan *plan,
                                  struct rf_error *error) {
    struct planning planning = {.plan = plan, .options = options, .result = result};
    *plan = (struct rf_restore_plan){
        .manifest = manifest,
        .sequences = manifest->sequence_count > 0,
        .count = manifest->object_count,
        .objects = calloc((size_t)manifest->object_count + 1, sizeof *plan->objects),
    };
    enum rf_code code = plan->objects ? gather_indexes(&planning, error) : rf_fail_memory(error);
    for (uint32_t i = 0; code == RF_OK && i < plan->count; i++) {
        code = plan_object(&planning, i, error);
    }
    free(planning.indexes);
    return code == RF_OK ? rf_restore_probe(plan, error) : code;
}
