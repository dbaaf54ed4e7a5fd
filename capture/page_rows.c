/* From the cells of a leaf to rows. */
#include "capture/page_rows.h"

#include <stdlib.h>

#include "capture/key_order.h"
#include "capture/page_identity.h"
#include "capture/page_overflow.h"
#include "capture/page_record.h"
#include "format/value.h"

#define PAYLOAD_KEPT (1u << 20) /* bytes; what a larger row took is given back behind it */

struct rf_page_rows {
    const struct rf_page_layout *layout;
    struct rf_tree_shape shape;
    uint64_t budget; /* overflow pages: read once for their identity, once for their rows */
    struct rf_overflow overflow;
    struct rf_buffer payload; /* of a row that overflows */
    struct rf_record_reader record;
    const struct rf_page_leaf *leaf;
    struct rf_cell cell; /* that was looked at */
    uint32_t next;       /* row of the leaf */
    bool begun;          /* there is a row before, of this rowid or key */
    int64_t last_rowid;
    struct rf_buffer last_key;
};

enum rf_code rf_page_rows_new(const struct rf_page_source *source,
                              const struct rf_page_layout *layout, struct rf_page_rows **made,
                              struct rf_error *error) {
    *made = NULL;
    struct rf_page_rows *rows = calloc(1, sizeof *rows);
    if (!rows) {
        return rf_fail_memory(error);
    }
    rows->layout = layout;
    rows->shape = rf_tree_shape_of(source, layout->tree);
    rows->budget = 2 * (uint64_t)source->page_count;
    rf_overflow_init(&rows->overflow, source, &rows->budget);
    enum rf_code code = rf_record_reader_init(&rows->record, layout, error);
    if (code != RF_OK) {
        rf_page_rows_free(rows);
        return code;
    }
    *made = rows;
    return RF_OK;
}

void rf_page_rows_free(struct rf_page_rows *rows) {
    if (rows) {
        rf_overflow_release(&rows->overflow);
        rf_buffer_release(&rows->payload);
        rf_buffer_release(&rows->last_key);
        rf_record_reader_release(&rows->record);
        free(rows);
    }
}

enum rf_code rf_page_rows_identify(struct rf_page_rows *rows, const struct rf_page_leaf *leaf,
                                   struct rf_hash *identity, struct rf_error *error) {
    *identity = leaf->identity;
    if (leaf->elsewhere == 0) {
        return RF_OK;
    }
    return rf_page_identify_overflow(&rows->shape, &leaf->page,
                                     leaf->has_divider ? &leaf->divider : NULL, &rows->overflow,
                                     identity, error);
}

void rf_page_rows_begin(struct rf_page_rows *rows, const struct rf_page_leaf *leaf,
                        uint32_t first) {
    rows->leaf = leaf;
    rows->next = first;
}

enum rf_code rf_page_rows_look(struct rf_page_rows *rows, size_t *room, struct rf_error *error) {
    const struct rf_page_leaf *leaf = rows->leaf;
    *room = 0;
    if (rows->next == leaf->rows) {
        return RF_OK;
    }
    if (rows->next == leaf->page.cells) {
        rows->cell = leaf->divider;
    } else if (!rf_cell_take(&rows->shape, &leaf->page, rows->next, &rows->cell)) {
        return rf_cell_is_outside(&leaf->page, rows->next, error);
    }
    *room = rf_record_room(rows->layout, rows->cell.size);
    return RF_OK;
}

/* ---- order ---- */

static enum rf_code out_of_order(const struct rf_page_rows *rows, struct rf_error *error) {
    return rf_fail(error, RF_UNUSUAL, "the rows of page %u are not in the order of their keys",
                   rows->leaf->page.number);
}

/* Keys mostly differ in their first cell, and that is mostly a text or an integer. */
static bool is_less(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
    if (a_size > 0 && b_size > 0 && a[0] == b[0]) {
        if (a[0] == RF_TEXT) {
            uint32_t left = rf_load_u32(a + 1);
            uint32_t right = rf_load_u32(b + 1);
            int order = memcmp(a + 5, b + 5, left < right ? left : right);
            if (order != 0) {
                return order < 0;
            }
        } else if (a[0] == RF_INTEGER) {
            int64_t left = (int64_t)rf_load_u64(a + 1);
            int64_t right = (int64_t)rf_load_u64(b + 1);
            if (left != right) {
                return left < right;
            }
        }
    }
    return rf_key_compare(a, a_size, b, b_size) < 0;
}

static enum rf_code check_key(struct rf_page_rows *rows, const uint8_t *key, size_t size,
                              struct rf_error *error) {
    const struct rf_buffer *last = &rows->last_key;
    if (rows->begun && !is_less(last->bytes, last->size, key, size)) {
        return out_of_order(rows, error);
    }
    rf_buffer_clear(&rows->last_key);
    rf_buffer_append(&rows->last_key, key, size);
    return rf_buffer_check(&rows->last_key, error);
}

/* ---- rows ---- */

static enum rf_code take_record(struct rf_page_rows *rows, struct rf_buffer *cells,
                                struct rf_error *error) {
    const struct rf_cell *cell = &rows->cell;
    if (cell->local == cell->size) {
        return rf_record_read(&rows->record, cell->payload, cell->size, cell->rowid, cells, error);
    }
    enum rf_code code = rf_overflow_payload(&rows->overflow, cell, &rows->payload, error);
    if (code == RF_OK) {
        code = rf_record_read(&rows->record, rows->payload.bytes, cell->size, cell->rowid, cells,
                              error);
    }
    if (rows->payload.capacity > PAYLOAD_KEPT) {
        rf_buffer_release(&rows->payload);
    }
    return code;
}

static enum rf_code take_key(struct rf_page_rows *rows, const uint8_t *row, struct rf_buffer *keys,
                             struct rf_error *error) {
    const struct rf_page_layout *layout = rows->layout;
    size_t start = keys->size;
    for (uint32_t i = 0; i < layout->key_count; i++) {
        const uint32_t *offset = &rows->record.offsets[layout->key[i]];
        rf_buffer_append(keys, row + offset[0], offset[1] - offset[0]);
    }
    if (keys->failed) {
        return rf_fail_memory(error);
    }
    return layout->tree == RF_TREE_INDEX && layout->ordered
               ? check_key(rows, keys->bytes + start, keys->size - start, error)
               : RF_OK;
}

enum rf_code rf_page_rows_take(struct rf_page_rows *rows, struct rf_buffer *cells,
                               struct rf_buffer *keys, struct rf_page_row *row,
                               struct rf_error *error) {
    size_t start = cells->size;
    size_t key_start = keys->size;
    int64_t rowid = rows->cell.rowid;
    enum rf_code code = take_record(rows, cells, error);
    if (code == RF_OK && rows->layout->key_count > 0) {
        code = take_key(rows, cells->bytes + start, keys, error);
    }
    if (code == RF_OK && rows->layout->tree == RF_TREE_TABLE && rows->begun &&
        rowid <= rows->last_rowid) {
        code = out_of_order(rows, error);
    }
    if (code != RF_OK) {
        return code;
    }
    rows->next++;
    rows->begun = true;
    rows->last_rowid = rowid;
    *row = (struct rf_page_row){.rowid = rowid,
                                .size = cells->size - start,
                                .key_size = keys->size - key_start,
                                .offsets = rows->record.offsets};
    return RF_OK;
}
