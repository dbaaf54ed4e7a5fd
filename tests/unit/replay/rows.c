#include "rows.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct rf_value text_value(const char *text) {
    return bytes_value(RF_TEXT, text, (uint32_t)strlen(text));
}

struct rf_value bytes_value(enum rf_class class, const void *bytes, uint32_t size) {
    return (struct rf_value){.class = class, .bytes = bytes, .size = size};
}

void test_rows_make(struct test_rows *made, const struct rf_value *values, uint32_t columns,
                    uint32_t count) {
    struct rf_error error;
    struct rf_batch batch = {0};
    struct rf_buffer row = {0};
    struct rf_block_facts facts;
    const struct rf_shape shape = {.rowids = true, .alias = -1, .columns = columns};
    *made = (struct test_rows){.codec = rf_codec_new()};
    rf_batch_begin(&batch, RF_BLOCK_ROWS, shape);
    for (uint32_t i = 0; i < count; i++) {
        rf_buffer_clear(&row);
        for (uint32_t column = 0; column < columns; column++) {
            rf_row_put(&row, &values[i * columns + column]);
        }
        rf_batch_add(&batch, (int64_t)i + 1, (struct rf_hash){0}, row.bytes, row.size);
    }
    cr_assert(made->codec);
    cr_assert_eq(rf_block_encode(made->codec, &batch, 3, &made->stored, &facts, &error), RF_OK,
                 "%s", error.what);
    cr_assert_eq(rf_block_decode(made->codec, &facts, shape, made->stored.bytes, made->stored.size,
                                 &made->rows, &error),
                 RF_OK, "%s", error.what);
    rf_batch_release(&batch);
    rf_buffer_release(&row);
}

void test_rows_release(struct test_rows *rows) {
    rf_rows_release(&rows->rows);
    rf_codec_free(rows->codec);
    rf_buffer_release(&rows->stored);
}

struct rf_manifest_table test_table(const char *name, uint32_t columns) {
    struct rf_manifest_table table = {.table = {.name = strdup(name), .alias = -1}};
    table.table.column_count = columns;
    table.table.columns = calloc(columns, sizeof *table.table.columns);
    table.census = calloc(columns, sizeof *table.census);
    return table;
}

void test_column(struct rf_manifest_table *table, uint32_t column, const char *name,
                 const char *declared) {
    table->table.columns[column].name = strdup(name);
    table->table.columns[column].declared = declared ? strdup(declared) : NULL;
    table->table.columns[column].collation = strdup("BINARY");
}

void test_census(struct rf_manifest_table *table, uint32_t column, uint64_t nulls,
                 uint64_t integers, uint64_t reals, uint64_t texts, uint64_t blobs) {
    const uint64_t counts[RF_CLASSES] = {nulls, integers, reals, texts, blobs};
    memcpy(table->census[column].count, counts, sizeof counts);
}

static void count_value(struct rf_census *census, const struct rf_value *value) {
    bool first = census->count[RF_INTEGER] == 0;
    census->count[value->class]++;
    if (value->class == RF_INTEGER) {
        int64_t integer = value->integer;
        census->min_integer =
            first || integer < census->min_integer ? integer : census->min_integer;
        census->max_integer =
            first || integer > census->max_integer ? integer : census->max_integer;
    } else if (value->class >= RF_TEXT && value->size > census->longest) {
        census->longest = value->size;
    }
    if (value->class == RF_TEXT) {
        struct rf_text_facts facts = rf_text_inspect(value->bytes, value->size);
        census->text_with_nul += facts.has_nul;
        census->text_not_utf8 += !facts.valid_utf8;
    }
}

void test_census_of(struct rf_manifest_table *table, const struct rf_value *values,
                    uint32_t count) {
    uint32_t columns = table->table.column_count;
    memset(table->census, 0, columns * sizeof *table->census);
    for (uint32_t i = 0; i < columns * count; i++) {
        count_value(&table->census[i % columns], &values[i]);
    }
    table->digest.rows = count;
}

void test_key(struct rf_manifest_table *table, uint32_t count, const uint32_t *columns) {
    table->table.key_count = count;
    table->table.key = calloc(count, sizeof *table->table.key);
    for (uint32_t i = 0; i < count; i++) {
        table->table.key[i] = columns[i];
        table->table.columns[columns[i]].key_part = i + 1;
    }
}

struct rf_index *test_index(struct rf_manifest_table *table, const char *name, char origin,
                            bool unique, const char *const *parts) {
    struct rf_table *of = &table->table;
    of->indexes = realloc(of->indexes, (of->index_count + 1) * sizeof *of->indexes);
    struct rf_index *index = &of->indexes[of->index_count++];
    *index = (struct rf_index){.name = strdup(name), .origin = origin, .unique = unique};
    while (parts[index->part_count]) {
        index->part_count++;
    }
    index->parts = calloc(index->part_count, sizeof *index->parts);
    for (uint32_t i = 0; i < index->part_count; i++) {
        index->parts[i].column = *parts[i] ? strdup(parts[i]) : NULL;
        index->parts[i].collation = strdup("BINARY");
    }
    return index;
}
