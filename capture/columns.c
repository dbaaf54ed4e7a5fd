#include "capture/columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/objects.h"
#include "capture/sqlite_error.h"

/* What table_xinfo says of hidden columns. */
enum { NOT_HIDDEN = 0, HIDDEN = 1, HIDDEN_VIRTUAL = 2, HIDDEN_STORED = 3 };

struct rf_describer {
    struct rf_source *source;
    const struct rf_manifest *manifest;
    sqlite3_stmt *columns;
    sqlite3_stmt *indexes;
    sqlite3_stmt *index_parts;
    sqlite3_stmt *foreign_keys;
};

#define WHAT "cannot read the schema"

static const char columns_sql[] =
    "SELECT name, type, dflt_value, \"notnull\", pk, hidden FROM pragma_table_xinfo(?1, 'main') "
    "ORDER BY cid";
static const char indexes_sql[] =
    "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main') "
    "ORDER BY CAST(name AS BLOB)";
static const char index_parts_sql[] =
    "SELECT name, coll, \"desc\" FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno";
/* SQLite numbers a table's foreign keys from the last to the first. */
static const char foreign_keys_sql[] =
    "SELECT id, \"table\", on_update, on_delete, \"from\", \"to\" "
    "FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq";

enum rf_code rf_describer_new(struct rf_source *source, const struct rf_manifest *manifest,
                              struct rf_describer **made, struct rf_error *error) {
    *made = NULL;
    struct rf_describer *describer = calloc(1, sizeof *describer);
    if (!describer) {
        return rf_fail_memory(error);
    }
    describer->source = source;
    describer->manifest = manifest;
    enum rf_code code = rf_source_prepare(source, columns_sql, WHAT, &describer->columns, error);
    if (code == RF_OK) {
        code = rf_source_prepare(source, indexes_sql, WHAT, &describer->indexes, error);
    }
    if (code == RF_OK) {
        code = rf_source_prepare(source, index_parts_sql, WHAT, &describer->index_parts, error);
    }
    if (code == RF_OK) {
        code = rf_source_prepare(source, foreign_keys_sql, WHAT, &describer->foreign_keys, error);
    }
    if (code != RF_OK) {
        rf_describer_free(describer);
        return code;
    }
    *made = describer;
    return RF_OK;
}

void rf_describer_free(struct rf_describer *describer) {
    if (!describer) {
        return;
    }
    sqlite3_finalize(describer->columns);
    sqlite3_finalize(describer->indexes);
    sqlite3_finalize(describer->index_parts);
    sqlite3_finalize(describer->foreign_keys);
    free(describer);
}

static enum rf_code ask(struct rf_describer *describer, sqlite3_stmt *statement, const char *name,
                        struct rf_error *error) {
    sqlite3_reset(statement);
    int result = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    return result == SQLITE_OK ? RF_OK : rf_fail_sqlite(error, describer->source->db, result, WHAT);
}

/* A copy of a text result. NULL stays NULL; *failed only where memory was wanting. */
static char *text_of(sqlite3_stmt *statement, int column, bool *failed) {
    if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
        return NULL;
    }
    const char *text = (const char *)sqlite3_column_text(statement, column);
    char *copy = text ? strdup(text) : NULL;
    *failed |= !copy;
    return copy;
}

/* Room for one more in an array that grows by doubling: its count is a power of two when full. */
static void *room_for_one(void *array, uint32_t count, size_t size) {
    if ((count & (count - 1)) != 0) {
        return array;
    }
    return realloc(array, (count ? (size_t)count * 2 : 1) * size);
}

#define ADD(array, count, item)                                        \
    do {                                                               \
        void *grown = room_for_one((array), (count), sizeof *(array)); \
        if (!grown) {                                                  \
            return false;                                              \
        }                                                              \
        (array) = grown;                                               \
        (array)[(count)++] = (item);                                   \
    } while (0)

/* ---- columns and key ---- */

static bool add_column(struct rf_table *table, sqlite3_stmt *row) {
    struct rf_column column = {0};
    ADD(table->columns, table->column_count, column);
    struct rf_column *added = &table->columns[table->column_count - 1];
    bool failed = false;
    added->name = text_of(row, 0, &failed);
    added->declared = text_of(row, 1, &failed);
    if (added->declared && !added->declared[0]) {
        free(added->declared);
        added->declared = NULL;
    }
    added->default_sql = text_of(row, 2, &failed);
    added->not_null = sqlite3_column_int(row, 3) != 0;
    added->key_part = (uint32_t)sqlite3_column_int(row, 4);
    int hidden = sqlite3_column_int(row, 5);
    added->generated = hidden == HIDDEN_VIRTUAL  ? RF_GENERATED_VIRTUAL
                       : hidden == HIDDEN_STORED ? RF_GENERATED_STORED
                                                 : RF_STORED_AS_IS;
    return !failed;
}

static enum rf_code describe_columns(struct rf_describer *describer, struct rf_table *table,
                                     struct rf_error *error) {
    bool row = true;
    enum rf_code code = ask(describer, describer->columns, table->name, error);
    while (code == RF_OK) {
        code = rf_source_step(describer->source, describer->columns, WHAT, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        if (sqlite3_column_int(describer->columns, 5) != HIDDEN &&
            !add_column(table, describer->columns)) {
            code = rf_fail_memory(error);
        }
    }
    sqlite3_reset(describer->columns);
    if (code == RF_OK && table->column_count == 0) {
        code =
            rf_fail(error, RF_CORRUPT, "SQLite knows no columns of the table \"%s\"", table->name);
    }
    return code;
}

/* SQLite numbers the parts of a key with gaps where a column is named twice. */
static bool describe_key(struct rf_table *table) {
    uint32_t last = 0;
    for (;;) {
        uint32_t next = UINT32_MAX;
        uint32_t found = 0;
        for (uint32_t i = 0; i < table->column_count; i++) {
            uint32_t part = table->columns[i].key_part;
            if (part > last && part < next) {
                next = part;
                found = i;
            }
        }
        if (next == UINT32_MAX) {
            break;
        }
        last = next;
        ADD(table->key, table->key_count, found);
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        table->columns[table->key[i]].key_part = i + 1;
    }
    return true;
}

static enum rf_code describe_collations(struct rf_describer *describer, struct rf_table *table,
                                        struct rf_error *error) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *collation = NULL;
        int autoincrement = 0;
        int result = sqlite3_table_column_metadata(describer->source->db, "main", table->name,
                                                   table->columns[i].name, NULL, &collation, NULL,
                                                   NULL, &autoincrement);
        if (result != SQLITE_OK) {
            return rf_fail_sqlite(error, describer->source->db, result,
                                  "cannot read the columns of \"%s\"", table->name);
        }
        table->autoincrement |= autoincrement != 0;
        table->columns[i].collation = strdup(collation ? collation : "BINARY");
        if (!table->columns[i].collation) {
            return rf_fail_memory(error);
        }
    }
    return RF_OK;
}

/* ---- indexes ---- */

static bool add_index_part(struct rf_index *index, sqlite3_stmt *row) {
    struct rf_index_part part = {0};
    ADD(index->parts, index->part_count, part);
    struct rf_index_part *added = &index->parts[index->part_count - 1];
    bool failed = false;
    added->column = text_of(row, 0, &failed);
    added->collation = text_of(row, 1, &failed);
    added->descending = sqlite3_column_int(row, 2) != 0;
    return !failed;
}

static enum rf_code describe_index_parts(struct rf_describer *describer, struct rf_index *index,
                                         struct rf_error *error) {
    bool row = true;
    enum rf_code code = ask(describer, describer->index_parts, index->name, error);
    while (code == RF_OK) {
        code = rf_source_step(describer->source, describer->index_parts, WHAT, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        if (!add_index_part(index, describer->index_parts)) {
            code = rf_fail_memory(error);
        }
    }
    sqlite3_reset(describer->index_parts);
    return code;
}

static bool add_index(struct rf_describer *describer, struct rf_table *table) {
    struct rf_index index = {0};
    ADD(table->indexes, table->index_count, index);
    struct rf_index *added = &table->indexes[table->index_count - 1];
    bool failed = false;
    added->name = text_of(describer->indexes, 0, &failed);
    added->unique = sqlite3_column_int(describer->indexes, 1) != 0;
    const char *origin = (const char *)sqlite3_column_text(describer->indexes, 2);
    added->origin = 'c';
    if (origin && *origin) {
        added->origin = *origin;
    }
    added->partial = sqlite3_column_int(describer->indexes, 3) != 0;
    const struct rf_object *object =
        added->name ? rf_object_find(describer->manifest, "index", added->name) : NULL;
    if (object && object->sql) {
        added->sql = strdup(object->sql);
        failed |= !added->sql;
    }
    return !failed;
}

static enum rf_code describe_indexes(struct rf_describer *describer, struct rf_table *table,
                                     struct rf_error *error) {
    bool row = true;
    enum rf_code code = ask(describer, describer->indexes, table->name, error);
    while (code == RF_OK) {
        code = rf_source_step(describer->source, describer->indexes, WHAT, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        if (!add_index(describer, table)) {
            code = rf_fail_memory(error);
        }
    }
    sqlite3_reset(describer->indexes);
    for (uint32_t i = 0; code == RF_OK && i < table->index_count; i++) {
        code = describe_index_parts(describer, &table->indexes[i], error);
    }
    return code;
}

/* ---- foreign keys ---- */

static bool add_foreign_key(struct rf_table *table, sqlite3_stmt *row) {
    struct rf_foreign_key key = {0};
    ADD(table->foreign_keys, table->foreign_key_count, key);
    struct rf_foreign_key *added = &table->foreign_keys[table->foreign_key_count - 1];
    bool failed = false;
    added->parent = text_of(row, 1, &failed);
    added->on_update = text_of(row, 2, &failed);
    added->on_delete = text_of(row, 3, &failed);
    return !failed;
}

static bool add_foreign_key_part(struct rf_foreign_key *key, sqlite3_stmt *row) {
    uint32_t count = key->part_count;
    void *from = room_for_one(key->from, count, sizeof *key->from);
    if (!from) {
        return false;
    }
    key->from = from;
    void *to = room_for_one(key->to, count, sizeof *key->to);
    if (!to) {
        return false;
    }
    key->to = to;
    bool failed = false;
    key->from[count] = text_of(row, 4, &failed);
    key->to[count] = text_of(row, 5, &failed);
    key->part_count++;
    return !failed;
}

static enum rf_code describe_foreign_keys(struct rf_describer *describer, struct rf_table *table,
                                          struct rf_error *error) {
    sqlite3_stmt *rows = describer->foreign_keys;
    bool row = true;
    int last_id = -1;
    enum rf_code code = ask(describer, rows, table->name, error);
    while (code == RF_OK) {
        code = rf_source_step(describer->source, rows, WHAT, &row, error);
        if (code != RF_OK || !row) {
            break;
        }
        int id = sqlite3_column_int(rows, 0);
        bool added = id == last_id || add_foreign_key(table, rows);
        last_id = id;
        if (!added ||
            !add_foreign_key_part(&table->foreign_keys[table->foreign_key_count - 1], rows)) {
            code = rf_fail_memory(error);
        }
    }
    sqlite3_reset(rows);
    return code;
}

/* ---- the table ---- */

static const struct rf_index *key_index(const struct rf_table *table) {
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].origin == 'p') {
            return &table->indexes[i];
        }
    }
    return NULL;
}

/* A primary key of one INTEGER column is the rowid itself, unless SQLite made an index for it: it
 * does so for `INTEGER PRIMARY KEY DESC`, by an old mistake that it keeps. */
static int32_t find_alias(const struct rf_table *table) {
    if (table->key_count != 1 || key_index(table)) {
        return -1;
    }
    const char *declared = table->columns[table->key[0]].declared;
    return declared && strcasecmp(declared, "INTEGER") == 0 ? (int32_t)table->key[0] : -1;
}

const char *rf_rowid_name(const struct rf_table *table) {
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool shadowed = false;
        for (uint32_t c = 0; c < table->column_count; c++) {
            shadowed |= strcasecmp(table->columns[c].name, names[i]) == 0;
        }
        if (!shadowed) {
            return names[i];
        }
    }
    return NULL;
}

static enum rf_code describe(struct rf_describer *describer, const char *name, bool rowids,
                             struct rf_table *table, struct rf_error *error) {
    const struct rf_object *object = rf_object_find(describer->manifest, "table", name);
    table->name = strdup(name);
    table->sql = object && object->sql ? strdup(object->sql) : NULL;
    if (!table->name || (object && object->sql && !table->sql)) {
        return rf_fail_memory(error);
    }
    enum rf_code code = describe_columns(describer, table, error);
    if (code == RF_OK && !describe_key(table)) {
        code = rf_fail_memory(error);
    }
    if (code == RF_OK) {
        code = describe_collations(describer, table, error);
    }
    if (code == RF_OK) {
        code = describe_indexes(describer, table, error);
    }
    if (code == RF_OK) {
        code = describe_foreign_keys(describer, table, error);
    }
    if (code != RF_OK) {
        return code;
    }
    table->alias = rowids ? find_alias(table) : -1;
    table->key_kind = !rowids                                     ? RF_KEY_COLUMNS
                      : table->alias >= 0 || rf_rowid_name(table) ? RF_KEY_ROWID
                                                                  : RF_KEY_ORDINAL;
    return RF_OK;
}

enum rf_code rf_describe(struct rf_describer *describer, const char *name, bool rowids, bool strict,
                         struct rf_table *table, struct rf_error *error) {
    *table = (struct rf_table){.alias = -1, .strict = strict};
    enum rf_code code = describe(describer, name, rowids, table, error);
    if (code != RF_OK) {
        rf_table_release(table);
        rf_while(error, "while reading the schema of table \"%.150s\"", name);
    }
    return code;
}
