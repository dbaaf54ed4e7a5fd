/* From the description of a table to the places of its values in a record. */
#include "capture/page_layout.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/bytes.h"
#include "format/value.h"

static uint32_t find_column(const struct rf_table *table, const char *name) {
    uint32_t i = 0;
    while (i < table->column_count && strcasecmp(table->columns[i].name, name) != 0) {
        i++;
    }
    return i;
}

static const struct rf_index *find_key_index(const struct rf_table *table) {
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].origin == 'p') {
            return &table->indexes[i];
        }
    }
    return NULL;
}

/* ---- places ---- */

/* A WITHOUT ROWID table: the columns of the key as its index names them, then the others. A column
 * that the key names twice, under two collations, is stored twice and read where it comes first. */
static enum rf_code place_by_key(struct rf_page_layout *layout, const struct rf_table *table,
                                 struct rf_error *error) {
    const struct rf_index *index = find_key_index(table);
    if (!index || index->part_count == 0) {
        return rf_fail(error, RF_UNUSUAL, "its primary key has no index");
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        layout->columns[i].place = UINT32_MAX;
    }
    layout->ordered = layout->encoding == RF_SOURCE_UTF8;
    for (uint32_t i = 0; i < index->part_count; i++) {
        const struct rf_index_part *part = &index->parts[i];
        uint32_t column = part->column ? find_column(table, part->column) : table->column_count;
        if (column == table->column_count) {
            return rf_fail(error, RF_UNUSUAL, "its primary key is not made of columns");
        }
        if (layout->columns[column].place == UINT32_MAX) {
            layout->columns[column].place = i;
        }
        layout->ordered &=
            !part->descending && part->collation && strcasecmp(part->collation, "BINARY") == 0;
    }
    layout->stored_count = index->part_count;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (layout->columns[i].place == UINT32_MAX) {
            layout->columns[i].place = layout->stored_count++;
        }
    }
    return RF_OK;
}

static enum rf_code place_by_column(struct rf_page_layout *layout, const struct rf_table *table,
                                    struct rf_error *error) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        layout->columns[i].place = i;
    }
    layout->stored_count = table->column_count;
    layout->ordered = true;
    if (table->alias >= 0) {
        layout->columns[table->alias].alias = true;
    } else if (table->key_count == 1 && !find_key_index(table)) {
        return rf_fail(error, RF_UNUSUAL, "its primary key has no index, yet is not the rowid");
    }
    return RF_OK;
}

static void look_for_order(struct rf_page_layout *layout) {
    layout->in_place = layout->stored_count == layout->column_count;
    for (uint32_t i = 0; i < layout->column_count; i++) {
        layout->in_place &= layout->columns[i].place == i;
    }
}

/* ---- the layout ---- */

enum rf_code rf_page_layout_fingerprint(const struct rf_page_layout *layout,
                                        struct rf_hash *fingerprint, struct rf_error *error) {
    struct rf_buffer facts = {0};
    rf_buffer_u8(&facts, (uint8_t)layout->tree);
    rf_buffer_u8(&facts, (uint8_t)layout->encoding);
    rf_buffer_u32(&facts, layout->column_count);
    rf_buffer_u32(&facts, layout->stored_count);
    rf_buffer_u32(&facts, layout->key_count);
    for (uint32_t i = 0; i < layout->key_count; i++) {
        rf_buffer_u32(&facts, layout->key[i]);
    }
    for (uint32_t i = 0; i < layout->column_count; i++) {
        const struct rf_page_column *column = &layout->columns[i];
        rf_buffer_u32(&facts, column->place);
        rf_buffer_u8(&facts,
                     (uint8_t)(column->alias | column->real << 1 | column->default_known << 2));
        rf_buffer_u32(&facts, column->default_size);
        rf_buffer_append(&facts, column->default_cell, column->default_size);
    }
    enum rf_code code = rf_buffer_check(&facts, error);
    if (code == RF_OK) {
        *fingerprint = rf_hash_bytes(facts.bytes, facts.size);
    }
    rf_buffer_release(&facts);
    return code;
}

static enum rf_code take_columns(struct rf_page_layout *layout, const struct rf_table *table,
                                 struct rf_error *error) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct rf_column *column = &table->columns[i];
        if (column->generated == RF_GENERATED_VIRTUAL) {
            return rf_fail(error, RF_UNUSUAL, "the column \"%.100s\" is virtual", column->name);
        }
        layout->columns[i].real = rf_affinity_of(column->declared) == RF_AFFINITY_REAL;
        if (!column->default_sql && column->generated == RF_STORED_AS_IS) {
            uint8_t null = RF_NULL;
            enum rf_code code = rf_page_layout_default(layout, i, &null, 1, error);
            if (code != RF_OK) {
                return code;
            }
        }
    }
    return RF_OK;
}

static enum rf_code fill(struct rf_page_layout *layout, const struct rf_table *table,
                         struct rf_error *error) {
    layout->columns = calloc((size_t)table->column_count + 1, sizeof *layout->columns);
    layout->key = calloc((size_t)table->key_count + 1, sizeof *layout->key);
    if (!layout->columns || !layout->key) {
        return rf_fail_memory(error);
    }
    layout->column_count = table->column_count;
    enum rf_code code = take_columns(layout, table, error);
    if (code != RF_OK) {
        return code;
    }
    layout->key_count = table->alias < 0 ? table->key_count : 0;
    for (uint32_t i = 0; i < layout->key_count; i++) {
        layout->key[i] = table->key[i];
    }
    code = layout->tree == RF_TREE_TABLE ? place_by_column(layout, table, error)
                                         : place_by_key(layout, table, error);
    look_for_order(layout);
    return code;
}

enum rf_code rf_page_layout_new(const struct rf_table *table, enum rf_source_encoding encoding,
                                struct rf_page_layout **made, struct rf_error *error) {
    *made = NULL;
    struct rf_page_layout *layout = calloc(1, sizeof *layout);
    if (!layout) {
        return rf_fail_memory(error);
    }
    layout->tree = table->key_kind == RF_KEY_COLUMNS ? RF_TREE_INDEX : RF_TREE_TABLE;
    layout->encoding = encoding;
    enum rf_code code = fill(layout, table, error);
    if (code != RF_OK) {
        rf_page_layout_free(layout);
        return code;
    }
    *made = layout;
    return RF_OK;
}

void rf_page_layout_free(struct rf_page_layout *layout) {
    if (!layout) {
        return;
    }
    for (uint32_t i = 0; layout->columns && i < layout->column_count; i++) {
        free(layout->columns[i].default_cell);
    }
    free(layout->columns);
    free(layout->key);
    free(layout);
}

enum rf_code rf_page_layout_default(struct rf_page_layout *layout, uint32_t column,
                                    const uint8_t *cell, uint32_t size, struct rf_error *error) {
    struct rf_page_column *known = &layout->columns[column];
    uint8_t *copy = malloc(size);
    if (!copy) {
        return rf_fail_memory(error);
    }
    memcpy(copy, cell, size);
    layout->defaults_size += (size_t)size - known->default_size;
    free(known->default_cell);
    known->default_cell = copy;
    known->default_size = size;
    known->default_known = true;
    return RF_OK;
}
