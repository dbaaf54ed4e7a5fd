/* Table descriptions: memory, comparison, and their bytes (SPEC.md, "Table description"). */
#include "format/table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PARTS_MAX RF_COLUMNS_MAX
#define INDEXES_MAX 65536u
#define NO_ALIAS 0xffffffffu

/* SQLite's rules look for substrings in this order, whatever else the type says. */
enum rf_affinity rf_affinity_of(const char *declared) {
    if (!declared || !*declared) {
        return RF_AFFINITY_BLOB;
    }
    if (strcasestr(declared, "INT")) {
        return RF_AFFINITY_INTEGER;
    }
    if (strcasestr(declared, "CHAR") || strcasestr(declared, "CLOB") ||
        strcasestr(declared, "TEXT")) {
        return RF_AFFINITY_TEXT;
    }
    if (strcasestr(declared, "BLOB")) {
        return RF_AFFINITY_BLOB;
    }
    if (strcasestr(declared, "REAL") || strcasestr(declared, "FLOA") ||
        strcasestr(declared, "DOUB")) {
        return RF_AFFINITY_REAL;
    }
    return RF_AFFINITY_NUMERIC;
}

static void index_release(struct rf_index *index) {
    free(index->name);
    free(index->sql);
    for (uint32_t i = 0; i < index->part_count; i++) {
        free(index->parts[i].column);
        free(index->parts[i].collation);
    }
    free(index->parts);
}

static void foreign_key_release(struct rf_foreign_key *key) {
    free(key->parent);
    free(key->on_update);
    free(key->on_delete);
    for (uint32_t i = 0; i < key->part_count; i++) {
        if (key->from) {
            free(key->from[i]);
        }
        if (key->to) {
            free(key->to[i]);
        }
    }
    free(key->from);
    free(key->to);
}

void rf_table_release(struct rf_table *table) {
    free(table->name);
    free(table->sql);
    for (uint32_t i = 0; i < table->column_count; i++) {
        free(table->columns[i].name);
        free(table->columns[i].declared);
        free(table->columns[i].default_sql);
        free(table->columns[i].collation);
    }
    free(table->columns);
    free(table->key);
    for (uint32_t i = 0; i < table->index_count; i++) {
        index_release(&table->indexes[i]);
    }
    free(table->indexes);
    for (uint32_t i = 0; i < table->foreign_key_count; i++) {
        foreign_key_release(&table->foreign_keys[i]);
    }
    free(table->foreign_keys);
    *table = (struct rf_table){0};
}

bool rf_table_same_rows(const struct rf_table *a, const struct rf_table *b) {
    if (strcmp(a->name, b->name) != 0 || a->key_kind != b->key_kind || a->alias != b->alias ||
        a->column_count != b->column_count || a->key_count != b->key_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->column_count; i++) {
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0) {
            return false;
        }
    }
    return a->key_count == 0 || memcmp(a->key, b->key, a->key_count * sizeof *a->key) == 0;
}

void rf_table_encode_rows(const struct rf_table *table, struct rf_buffer *out) {
    rf_buffer_string(out, table->name);
    rf_buffer_u8(out, (uint8_t)table->key_kind);
    rf_buffer_u32(out, (uint32_t)table->alias);
    rf_buffer_u32(out, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        rf_buffer_string(out, table->columns[i].name);
    }
    rf_buffer_u32(out, table->key_count);
    for (uint32_t i = 0; i < table->key_count; i++) {
        rf_buffer_u32(out, table->key[i]);
    }
}

static void encode_index(const struct rf_index *index, struct rf_buffer *out) {
    rf_buffer_string(out, index->name);
    rf_buffer_string(out, index->sql);
    rf_buffer_u8(out, (uint8_t)index->origin);
    rf_buffer_u8(out, index->unique);
    rf_buffer_u8(out, index->partial);
    rf_buffer_u32(out, index->part_count);
    for (uint32_t i = 0; i < index->part_count; i++) {
        rf_buffer_string(out, index->parts[i].column);
        rf_buffer_string(out, index->parts[i].collation);
        rf_buffer_u8(out, index->parts[i].descending);
    }
}

static void encode_foreign_key(const struct rf_foreign_key *key, struct rf_buffer *out) {
    rf_buffer_string(out, key->parent);
    rf_buffer_string(out, key->on_update);
    rf_buffer_string(out, key->on_delete);
    rf_buffer_u32(out, key->part_count);
    for (uint32_t i = 0; i < key->part_count; i++) {
        rf_buffer_string(out, key->from[i]);
        rf_buffer_string(out, key->to[i]);
    }
}

void rf_table_encode(const struct rf_table *table, struct rf_buffer *out) {
    rf_table_encode_rows(table, out);
    rf_buffer_string(out, table->sql);
    rf_buffer_u8(out, table->strict);
    rf_buffer_u8(out, table->autoincrement);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct rf_column *column = &table->columns[i];
        rf_buffer_string(out, column->declared);
        rf_buffer_string(out, column->default_sql);
        rf_buffer_string(out, column->collation);
        rf_buffer_u8(out, column->not_null);
        rf_buffer_u8(out, (uint8_t)column->generated);
        rf_buffer_u32(out, column->key_part);
    }
    rf_buffer_u32(out, table->index_count);
    for (uint32_t i = 0; i < table->index_count; i++) {
        encode_index(&table->indexes[i], out);
    }
    rf_buffer_u32(out, table->foreign_key_count);
    for (uint32_t i = 0; i < table->foreign_key_count; i++) {
        encode_foreign_key(&table->foreign_keys[i], out);
    }
}

/* A count of things that take at least `least` bytes each; fails the cursor when they cannot be
 * there, so that no allocation is larger than the file warrants. */
static uint32_t get_count(struct rf_cursor *cursor, uint32_t most, size_t least) {
    uint32_t count = rf_cursor_u32(cursor);
    if (count > most || (size_t)count * least > rf_cursor_left(cursor)) {
        cursor->failed = true;
    }
    return cursor->failed ? 0 : count;
}

static void *make_array(struct rf_cursor *cursor, uint32_t *count, uint32_t wanted, size_t size) {
    if (cursor->failed || wanted == 0) {
        return NULL;
    }
    void *array = calloc(wanted, size);
    if (!array) {
        cursor->failed = true;
        return NULL;
    }
    *count = wanted;
    return array;
}

static bool get_bool(struct rf_cursor *cursor) {
    uint8_t value = rf_cursor_u8(cursor);
    if (value > 1) {
        cursor->failed = true;
    }
    return value == 1;
}

/* A string that must be there. */
static char *get_name(struct rf_cursor *cursor) {
    char *name = rf_cursor_string(cursor);
    if (!name) {
        cursor->failed = true;
    }
    return name;
}

/* A column is in a key once at most. */
static bool key_repeats(const struct rf_table *table) {
    bool repeats = false;
    uint8_t *seen = calloc((size_t)table->column_count + 1, 1);
    for (uint32_t i = 0; seen && !repeats && i < table->key_count; i++) {
        repeats = seen[table->key[i]]++ != 0;
    }
    bool failed = !seen;
    free(seen);
    return repeats || failed;
}

static void decode_rows(struct rf_cursor *cursor, struct rf_table *table) {
    table->name = get_name(cursor);
    uint8_t kind = rf_cursor_u8(cursor);
    uint32_t alias = rf_cursor_u32(cursor);
    uint32_t columns = get_count(cursor, RF_COLUMNS_MAX, 4);
    table->columns = make_array(cursor, &table->column_count, columns, sizeof *table->columns);
    for (uint32_t i = 0; i < table->column_count; i++) {
        table->columns[i].name = get_name(cursor);
    }
    uint32_t parts = get_count(cursor, RF_COLUMNS_MAX, 4);
    table->key = make_array(cursor, &table->key_count, parts, sizeof *table->key);
    for (uint32_t i = 0; i < table->key_count; i++) {
        table->key[i] = rf_cursor_u32(cursor);
        cursor->failed |= table->key[i] >= table->column_count;
    }
    bool aliased = alias != NO_ALIAS;
    if (kind > RF_KEY_COLUMNS || columns == 0 || (kind == RF_KEY_COLUMNS && parts == 0) ||
        (aliased && (alias >= columns || kind != RF_KEY_ROWID || parts != 1 ||
                     !table->key || table->key[0] != alias)) ||
        cursor->failed || key_repeats(table)) {
        cursor->failed = true;
        return;
    }
    table->key_kind = (enum rf_key_kind)kind;
    table->alias = aliased ? (int32_t)alias : -1;
}

void rf_table_decode_rows(struct rf_cursor *cursor, struct rf_table *table) {
    *table = (struct rf_table){.alias = -1};
    decode_rows(cursor, table);
    if (cursor->failed) {
        rf_table_release(table);
    }
}

static void decode_column(struct rf_cursor *cursor, struct rf_column *column) {
    column->declared = rf_cursor_string(cursor);
    column->default_sql = rf_cursor_string(cursor);
    column->collation = get_name(cursor);
    column->not_null = get_bool(cursor);
    uint8_t generated = rf_cursor_u8(cursor);
    cursor->failed |= generated > RF_GENERATED_STORED;
    column->generated = (enum rf_generated)generated;
    column->key_part = rf_cursor_u32(cursor);
}

static void decode_index(struct rf_cursor *cursor, struct rf_index *index) {
    index->name = get_name(cursor);
    index->sql = rf_cursor_string(cursor);
    index->origin = (char)rf_cursor_u8(cursor);
    index->unique = get_bool(cursor);
    index->partial = get_bool(cursor);
    uint32_t parts = get_count(cursor, PARTS_MAX, 9);
    index->parts = make_array(cursor, &index->part_count, parts, sizeof *index->parts);
    for (uint32_t i = 0; i < index->part_count; i++) {
        index->parts[i].column = rf_cursor_string(cursor);
        index->parts[i].collation = get_name(cursor);
        index->parts[i].descending = get_bool(cursor);
    }
}

static void decode_foreign_key(struct rf_cursor *cursor, struct rf_foreign_key *key) {
    key->parent = get_name(cursor);
    key->on_update = get_name(cursor);
    key->on_delete = get_name(cursor);
    uint32_t parts = get_count(cursor, PARTS_MAX, 8);
    key->from = make_array(cursor, &key->part_count, parts, sizeof *key->from);
    key->to = make_array(cursor, &key->part_count, parts, sizeof *key->to);
    for (uint32_t i = 0; !cursor->failed && i < key->part_count; i++) {
        key->from[i] = get_name(cursor);
        key->to[i] = rf_cursor_string(cursor);
    }
}

void rf_table_decode(struct rf_cursor *cursor, struct rf_table *table) {
    *table = (struct rf_table){.alias = -1};
    decode_rows(cursor, table);
    table->sql = rf_cursor_string(cursor);
    table->strict = get_bool(cursor);
    table->autoincrement = get_bool(cursor);
    for (uint32_t i = 0; i < table->column_count; i++) {
        decode_column(cursor, &table->columns[i]);
    }
    uint32_t indexes = get_count(cursor, INDEXES_MAX, 15);
    table->indexes = make_array(cursor, &table->index_count, indexes, sizeof *table->indexes);
    for (uint32_t i = 0; i < table->index_count; i++) {
        decode_index(cursor, &table->indexes[i]);
    }
    uint32_t keys = get_count(cursor, INDEXES_MAX, 16);
    table->foreign_keys =
        make_array(cursor, &table->foreign_key_count, keys, sizeof *table->foreign_keys);
    for (uint32_t i = 0; i < table->foreign_key_count; i++) {
        decode_foreign_key(cursor, &table->foreign_keys[i]);
    }
    if (cursor->failed) {
        rf_table_release(table);
    }
}
