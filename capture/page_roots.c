/* All root pages at once: asking for one would look through the whole schema, and there may be ten
 * thousand tables. */
#include "capture/page_roots.h"

#include <stdlib.h>
#include <string.h>

#include "capture/page_source.h"
#include "format/bytes.h"

struct root {
    size_t name; /* where it begins in the names */
    uint32_t page;
};

struct rf_page_roots {
    struct rf_buffer names; /* each with its NUL */
    struct root *roots;     /* by name */
    size_t count;
    size_t capacity;
};

void rf_page_roots_free(struct rf_page_roots *roots) {
    if (roots) {
        rf_buffer_release(&roots->names);
        free(roots->roots);
        free(roots);
    }
}

static const char *name_of(const struct rf_page_roots *roots, const struct root *root) {
    return (const char *)roots->names.bytes + root->name;
}

static bool add(struct rf_page_roots *roots, sqlite3_stmt *row) {
    const char *name = (const char *)sqlite3_column_text(row, 0);
    sqlite3_int64 page = sqlite3_column_int64(row, 1);
    if (roots->count == roots->capacity) {
        size_t capacity = roots->capacity ? roots->capacity * 2 : 64;
        void *grown = realloc(roots->roots, capacity * sizeof *roots->roots);
        if (!grown) {
            return false;
        }
        roots->roots = grown;
        roots->capacity = capacity;
    }
    if (name && page > 0 && page <= UINT32_MAX) {
        roots->roots[roots->count++] =
            (struct root){.name = roots->names.size, .page = (uint32_t)page};
        rf_buffer_append(&roots->names, name, strlen(name) + 1);
    }
    return !roots->names.failed;
}

static int by_name(const void *a, const void *b, void *context) {
    const struct rf_page_roots *roots = context;
    return strcmp(name_of(roots, a), name_of(roots, b));
}

static enum rf_code read_all(sqlite3 *db, struct rf_page_roots *roots, struct rf_error *error) {
    sqlite3_stmt *statement = NULL;
    int result =
        sqlite3_prepare_v2(db, "SELECT name, rootpage FROM main.sqlite_schema WHERE type = 'table'",
                           -1, &statement, NULL);
    bool added = true;
    while (result == SQLITE_OK && added && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        added = add(roots, statement);
        result = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    if (!added || result == SQLITE_NOMEM) {
        return rf_fail_memory(error);
    }
    if (result != SQLITE_DONE) {
        return rf_fail(error, RF_UNUSUAL, "SQLite does not tell where its tables begin");
    }
    if (roots->count > 0) {
        qsort_r(roots->roots, roots->count, sizeof *roots->roots, by_name, roots);
    }
    return RF_OK;
}

enum rf_code rf_page_roots_read(sqlite3 *db, struct rf_page_roots **made, struct rf_error *error) {
    *made = NULL;
    struct rf_page_roots *roots = calloc(1, sizeof *roots);
    if (!roots) {
        return rf_fail_memory(error);
    }
    enum rf_code code = read_all(db, roots, error);
    if (code != RF_OK) {
        rf_page_roots_free(roots);
        return code;
    }
    *made = roots;
    return RF_OK;
}

uint32_t rf_page_roots_find(const struct rf_page_roots *roots, const char *table) {
    size_t low = 0;
    size_t high = roots->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(table, name_of(roots, &roots->roots[middle]));
        if (order == 0) {
            return roots->roots[middle].page;
        }
        low = order > 0 ? middle + 1 : low;
        high = order > 0 ? high : middle;
    }
    return 0;
}
