#include "capture/schema.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/cell.h"
#include "capture/columns.h"
#include "capture/objects.h"
#include "capture/virtual_table.h"

#define WHAT "cannot read the schema"

/* A table or view as pragma table_list has it. */
struct listed {
    char *name;
    enum { ORDINARY, VIRTUAL, SHADOW, VIEW } type;
    bool without_rowid;
    bool strict;
};

struct list {
    struct listed *tables;
    uint32_t count;
    uint32_t capacity;
    bool has_virtual;
};

static void list_release(struct list *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        free(list->tables[i].name);
    }
    free(list->tables);
}

static int compare_listed(const void *a, const void *b) {
    const struct listed *left = a;
    const struct listed *right = b;
    return strcmp(left->name, right->name);
}

static bool list_add(struct list *list, sqlite3_stmt *row) {
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
        void *grown = realloc(list->tables, capacity * sizeof *list->tables);
        if (!grown) {
            return false;
        }
        list->tables = grown;
        list->capacity = capacity;
    }
    const char *name = (const char *)sqlite3_column_text(row, 0);
    const char *type = (const char *)sqlite3_column_text(row, 1);
    if (!name || !type) {
        return false;
    }
    struct listed *listed = &list->tables[list->count];
    listed->type = strcmp(type, "virtual") == 0  ? VIRTUAL
                   : strcmp(type, "shadow") == 0 ? SHADOW
                   : strcmp(type, "view") == 0   ? VIEW
                                                 : ORDINARY;
    list->has_virtual |= listed->type == VIRTUAL;
    listed->without_rowid = sqlite3_column_int(row, 2) != 0;
    listed->strict = sqlite3_column_int(row, 3) != 0;
    listed->name = strdup(name);
    list->count += listed->name != NULL;
    return listed->name;
}

static enum rf_code list_read(struct rf_source *source, struct list *list, struct rf_error *error) {
    sqlite3_stmt *rows = NULL;
    bool row = true;
    enum rf_code code = rf_source_prepare(
        source, "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'", WHAT,
        &rows, error);
    while (code == RF_OK) {
        code = rf_source_step(source, rows, WHAT, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        if (!list_add(list, rows)) {
            code = rf_fail_memory(error);
        }
    }
    sqlite3_finalize(rows);
    if (list->count > 1) {
        qsort(list->tables, list->count, sizeof *list->tables, compare_listed);
    }
    return code;
}

/* ---- which tables are captured ---- */

static const char *sql_of(const struct rf_manifest *manifest, const char *table) {
    const struct rf_object *object = rf_object_find(manifest, "table", table);
    return object && object->sql ? object->sql : "";
}

static bool has_prefix(const char *table, const char *name) {
    size_t size = strlen(name);
    return strncasecmp(table, name, size) == 0 && table[size] == '_';
}

/* The virtual table whose content the table holds; NULL for a table of the application. */
static const struct listed *owner_of(const struct rf_manifest *manifest, const struct list *list,
                                     const struct listed *table) {
    const struct listed *owner = NULL;
    for (uint32_t i = 0; list->has_virtual && i < list->count; i++) {
        const struct listed *candidate = &list->tables[i];
        if (candidate->type != VIRTUAL) {
            continue;
        }
        const char *sql = sql_of(manifest, candidate->name);
        if (rf_virtual_borrows(sql, table->name)) {
            return NULL;
        }
        bool owns = table->type == SHADOW ? has_prefix(table->name, candidate->name)
                                          : rf_virtual_owns(candidate->name, sql, table->name);
        if (owns && (!owner || strlen(candidate->name) > strlen(owner->name))) {
            owner = candidate;
        }
    }
    return owner;
}

/* The first glob that matches; NULL for none. */
static const char *match(const char *const *globs, const char *name) {
    for (; globs && *globs; globs++) {
        if (fnmatch(*globs, name, 0) == 0) {
            return *globs;
        }
    }
    return NULL;
}

/* Why the table is not captured; "" if it is. False: it is nothing that anybody would miss. */
static bool judge(const struct rf_manifest *manifest, const struct list *list,
                  const struct listed *table, const struct rf_selection *selection, char *reason,
                  size_t size) {
    reason[0] = 0;
    if (table->type == VIEW) {
        return false;
    }
    if (rf_name_is_internal(table->name)) {
        snprintf(reason, size, "statistics that ANALYZE makes anew");
        return strncasecmp(table->name, "sqlite_stat", 11) == 0;
    }
    if (table->type == VIRTUAL) {
        char module[RF_MODULE_NAME_SIZE];
        rf_virtual_module(sql_of(manifest, table->name), module);
        snprintf(reason, size, "virtual table using %s", module);
        return true;
    }
    const struct listed *owner = owner_of(manifest, list, table);
    if (owner && !match(selection->shadow, table->name)) {
        snprintf(reason, size, "shadow table of %s", owner->name);
        return true;
    }
    const char *excluding = match(selection->exclude, table->name);
    if (excluding) {
        snprintf(reason, size, "excluded by %s", excluding);
    } else if (selection->include && *selection->include &&
               !match(selection->include, table->name)) {
        snprintf(reason, size, "not among the tables asked for");
    }
    return true;
}

static bool leave_out(struct rf_manifest *manifest, const char *name, const char *reason) {
    struct rf_left_out *left_out = &manifest->left_out[manifest->left_out_count];
    left_out->name = strdup(name);
    left_out->reason = strdup(reason);
    manifest->left_out_count++;
    return left_out->name && left_out->reason;
}

static enum rf_code read_tables(const struct rf_selection *selection, const struct list *list,
                                struct rf_describer *describer, struct rf_manifest *manifest,
                                struct rf_error *error) {
    manifest->tables = calloc(list->count + 1, sizeof *manifest->tables);
    manifest->left_out = calloc(list->count + 1, sizeof *manifest->left_out);
    if (!manifest->tables || !manifest->left_out) {
        return rf_fail_memory(error);
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < list->count; i++) {
        const struct listed *table = &list->tables[i];
        char reason[256];
        if (!judge(manifest, list, table, selection, reason, sizeof reason)) {
            continue;
        }
        if (reason[0]) {
            code = leave_out(manifest, table->name, reason) ? RF_OK : rf_fail_memory(error);
            continue;
        }
        code = rf_describe(describer, table->name, !table->without_rowid, table->strict,
                           &manifest->tables[manifest->table_count].table, error);
        manifest->table_count += code == RF_OK;
    }
    return code;
}

/* ---- sequences and settings ---- */

static enum rf_code add_sequence(struct rf_source *source, struct rf_manifest *manifest,
                                 sqlite3_stmt *row, struct rf_error *error) {
    uint32_t count = manifest->sequence_count;
    if ((count & (count - 1)) == 0) { /* full: it grows by doubling */
        void *grown = realloc(manifest->sequences,
                              (count ? (size_t)count * 2 : 1) * sizeof *manifest->sequences);
        if (!grown) {
            return rf_fail_memory(error);
        }
        manifest->sequences = grown;
    }
    struct rf_buffer *cells = &manifest->sequences[count].cells;
    *cells = (struct rf_buffer){0};
    manifest->sequence_count++;
    bool put = rf_cell_put(cells, sqlite3_column_value(row, 0), source->encoding) &&
               rf_cell_put(cells, sqlite3_column_value(row, 1), source->encoding);
    return put ? RF_OK : rf_fail_memory(error);
}

static enum rf_code read_sequences(struct rf_source *source, struct rf_manifest *manifest,
                                   struct rf_error *error) {
    sqlite3_stmt *rows = NULL;
    bool row = false;
    enum rf_code code = rf_source_prepare(
        source, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sqlite_sequence'",
        WHAT, &rows, error);
    if (code == RF_OK) {
        code = rf_source_step(source, rows, WHAT, &row, error);
    }
    sqlite3_finalize(rows);
    if (code != RF_OK || !row) {
        return code;
    }
    const char *what = "cannot read the table \"sqlite_sequence\"";
    rows = NULL;
    code = rf_source_prepare(source, "SELECT name, seq FROM sqlite_sequence ORDER BY 1, 2", what,
                             &rows, error);
    while (code == RF_OK) {
        code = rf_source_step(source, rows, what, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        code = add_sequence(source, manifest, rows, error);
    }
    sqlite3_finalize(rows);
    return code;
}

/* The one value that a pragma answers; the number is 0 for a text. */
static enum rf_code read_pragma(struct rf_source *source, const char *sql, int64_t *number,
                                char **text, struct rf_error *error) {
    sqlite3_stmt *rows = NULL;
    bool row = false;
    enum rf_code code = rf_source_prepare(source, sql, WHAT, &rows, error);
    if (code == RF_OK) {
        code = rf_source_step(source, rows, WHAT, &row, error);
    }
    if (code == RF_OK && number) {
        *number = row ? sqlite3_column_int64(rows, 0) : 0;
    }
    if (code == RF_OK && text) {
        const char *answer = row ? (const char *)sqlite3_column_text(rows, 0) : NULL;
        *text = strdup(answer ? answer : "");
        code = *text ? RF_OK : rf_fail_memory(error);
    }
    sqlite3_finalize(rows);
    return code;
}

static enum rf_code read_settings(struct rf_source *source, struct rf_manifest *manifest,
                                  struct rf_error *error) {
    int64_t page_size = 0;
    int64_t user_version = 0;
    int64_t application_id = 0;
    int64_t auto_vacuum = 0;
    manifest->time_us = source->time_us;
    manifest->path = strdup(source->path);
    manifest->sqlite_version = strdup(sqlite3_libversion());
    enum rf_code code = manifest->path && manifest->sqlite_version ? RF_OK : rf_fail_memory(error);
    if (code == RF_OK) {
        code = read_pragma(source, "PRAGMA page_size", &page_size, NULL, error);
    }
    if (code == RF_OK) {
        code = read_pragma(source, "PRAGMA user_version", &user_version, NULL, error);
    }
    if (code == RF_OK) {
        code = read_pragma(source, "PRAGMA application_id", &application_id, NULL, error);
    }
    if (code == RF_OK) {
        code = read_pragma(source, "PRAGMA auto_vacuum", &auto_vacuum, NULL, error);
    }
    if (code == RF_OK) {
        code = read_pragma(source, "PRAGMA encoding", NULL, &manifest->encoding, error);
    }
    if (code == RF_OK) {
        code = read_pragma(source, "PRAGMA journal_mode", NULL, &manifest->journal_mode, error);
    }
    manifest->page_size = (uint32_t)page_size;
    manifest->user_version = (int32_t)user_version;
    manifest->application_id = (int32_t)application_id;
    manifest->auto_vacuum = (uint32_t)auto_vacuum;
    return code;
}

enum rf_code rf_schema_read(struct rf_source *source, const struct rf_selection *selection,
                            struct rf_manifest *manifest, struct rf_error *error) {
    struct list list = {0};
    struct rf_describer *describer = NULL;
    enum rf_code code = read_settings(source, manifest, error);
    if (code == RF_OK) {
        code = rf_objects_read(source, manifest, error);
    }
    if (code == RF_OK) {
        code = read_sequences(source, manifest, error);
    }
    if (code == RF_OK) {
        code = list_read(source, &list, error);
    }
    if (code == RF_OK) {
        code = rf_describer_new(source, manifest, &describer, error);
    }
    if (code == RF_OK) {
        code = read_tables(selection, &list, describer, manifest, error);
    }
    rf_describer_free(describer);
    list_release(&list);
    return code;
}
