#include "capture/objects.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WHAT "cannot read the schema"

bool rf_name_is_internal(const char *name) {
    return strncasecmp(name, "sqlite_", 7) == 0;
}

/* Tables before their indexes, views before the triggers on them. */
static int type_rank(const char *type) {
    static const char *const types[] = {"table", "index", "view", "trigger"};
    int rank = 0;
    while (rank < 4 && strcmp(types[rank], type) != 0) {
        rank++;
    }
    return rank;
}

static int compare_names(const char *a_type, const char *a_name, const char *b_type,
                         const char *b_name) {
    int order = type_rank(a_type) - type_rank(b_type);
    return order != 0 ? order : strcmp(a_name, b_name);
}

static int compare(const void *a, const void *b) {
    const struct rf_object *left = a;
    const struct rf_object *right = b;
    return compare_names(left->type, left->name, right->type, right->name);
}

const struct rf_object *rf_object_find(const struct rf_manifest *manifest, const char *type,
                                       const char *name) {
    uint32_t low = 0;
    uint32_t high = manifest->object_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct rf_object *object = &manifest->objects[middle];
        int order = compare_names(object->type, object->name, type, name);
        if (order == 0) {
            return object;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static bool is_left_out(const char *type, const char *name) {
    return strcmp(type, "table") == 0 && rf_name_is_internal(name);
}

static bool add(struct rf_manifest *manifest, uint32_t *capacity, const struct rf_object *object) {
    if (manifest->object_count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 64;
        void *grown = realloc(manifest->objects, *capacity * sizeof *manifest->objects);
        if (!grown) {
            return false;
        }
        manifest->objects = grown;
    }
    manifest->objects[manifest->object_count++] = *object;
    return true;
}

static char *text_of(sqlite3_stmt *row, int column, bool *failed) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    char *copy = text ? strdup(text) : NULL;
    *failed |= text && !copy;
    return copy;
}

/* Rows without a type or a name are of no use to anybody; SQLite itself passes over them. */
static bool add_row(struct rf_manifest *manifest, uint32_t *capacity, sqlite3_stmt *row) {
    bool failed = false;
    struct rf_object object = {
        .type = text_of(row, 0, &failed),
        .name = text_of(row, 1, &failed),
        .table = text_of(row, 2, &failed),
        .sql = text_of(row, 3, &failed),
    };
    bool wanted =
        object.type && object.name && object.table && !is_left_out(object.type, object.name);
    if (!failed && wanted && add(manifest, capacity, &object)) {
        return true;
    }
    free(object.type);
    free(object.name);
    free(object.table);
    free(object.sql);
    return !failed && !wanted;
}

enum rf_code rf_objects_read(struct rf_source *source, struct rf_manifest *manifest,
                             struct rf_error *error) {
    sqlite3_stmt *rows = NULL;
    uint32_t capacity = 0;
    bool row = true;
    enum rf_code code = rf_source_prepare(
        source, "SELECT type, name, tbl_name, sql FROM sqlite_schema", WHAT, &rows, error);
    while (code == RF_OK) {
        code = rf_source_step(source, rows, WHAT, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        if (!add_row(manifest, &capacity, rows)) {
            code = rf_fail_memory(error);
        }
    }
    sqlite3_finalize(rows);
    if (manifest->object_count > 1) {
        qsort(manifest->objects, manifest->object_count, sizeof *manifest->objects, compare);
    }
    return code;
}
