/* One b-tree page and its cells, §1.6.
 *
 * Opening a page checks its header and that its pointer array lies within it; taking a cell checks
 * that the cell does. Both are inlined: every row of the database passes through here. What fails
 * is told by a function of its own, out of the way. */
#ifndef RF_CAPTURE_PAGE_CELL_H
#define RF_CAPTURE_PAGE_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/page_bytes.h"
#include "capture/page_source.h"

enum rf_tree_kind {
    RF_TREE_TABLE, /* rowids and records, in leaves only */
    RF_TREE_INDEX, /* records, in leaves and in interior pages: a WITHOUT ROWID table, §2.4 */
};

/* How much of a payload a cell keeps on its page, §1.6: U, X and M of that section. */
struct rf_tree_shape {
    enum rf_tree_kind kind;
    uint32_t usable;    /* U */
    uint32_t local_max; /* X */
    uint32_t local_min; /* M */
};
struct rf_tree_shape rf_tree_shape_of(const struct rf_page_source *source, enum rf_tree_kind kind);

struct rf_page {
    const uint8_t *bytes; /* RF_PAGE_SLACK bytes behind the page may be read */
    const uint8_t *pointers;
    uint32_t number;
    uint32_t cells;
    uint32_t floor; /* where the pointer array ends: no cell begins before */
    bool leaf;
};

/* A page without cells is usual only for a leaf that is a root. */
RF_MUST_USE enum rf_code rf_page_open(const struct rf_tree_shape *shape, const uint8_t *bytes,
                                      uint32_t number, struct rf_page *page,
                                      struct rf_error *error);

struct rf_cell {
    const uint8_t *start;   /* behind the child pointer of an interior cell */
    const uint8_t *payload; /* what of it is on the page */
    uint32_t local;         /* bytes of that */
    uint32_t size;          /* bytes of the whole payload */
    uint32_t overflow;      /* the page where the rest begins, 0 for none */
    int64_t rowid;          /* table trees only */
};

RF_MUST_USE enum rf_code rf_cell_is_outside(const struct rf_page *page, uint32_t index,
                                            struct rf_error *error); /* says so */

/* Where cell `index` begins; NULL when that is not within the page. */
static inline const uint8_t *rf_cell_at(const struct rf_tree_shape *shape,
                                        const struct rf_page *page, uint32_t index) {
    uint32_t offset = rf_load_be16(page->pointers + 2 * (size_t)index);
    return offset >= page->floor && offset <= shape->usable - 4 ? page->bytes + offset : NULL;
}

/* How much of a payload that is larger than local_max stays on the page. */
static inline uint32_t rf_cell_local(const struct rf_tree_shape *shape, uint32_t size) {
    uint32_t local = shape->local_min + (size - shape->local_min) % (shape->usable - 4);
    return local <= shape->local_max ? local : shape->local_min;
}

/* A cell with a payload: on a leaf of either tree, or on an interior page of an index tree. `index`
 * is less than page->cells. False: it is outside of the page. */
static inline __attribute__((always_inline)) bool rf_cell_take(const struct rf_tree_shape *shape,
                                                               const struct rf_page *page,
                                                               uint32_t index,
                                                               struct rf_cell *cell) {
    const uint8_t *at = rf_cell_at(shape, page, index);
    const uint8_t *end = page->bytes + shape->usable;
    if (!at) {
        return false;
    }
    at += page->leaf ? 0 : 4;
    cell->start = at;
    uint64_t size;
    uint64_t rowid = 0;
    at = rf_varint(at, &size);
    if (shape->kind == RF_TREE_TABLE) {
        if (at > end) {
            return false; /* the rowid would be looked for too far away */
        }
        at = rf_varint(at, &rowid);
    }
    cell->rowid = (int64_t)rowid;
    cell->payload = at;
    cell->size = (uint32_t)size;
    if (at > end || size > INT32_MAX) {
        return false;
    }
    if (size <= shape->local_max) {
        cell->local = cell->size;
        cell->overflow = 0;
        return cell->local <= (size_t)(end - at);
    }
    cell->local = rf_cell_local(shape, cell->size);
    if (cell->local + 4 > (size_t)(end - at)) {
        return false;
    }
    cell->overflow = rf_load_be32(at + cell->local);
    return true;
}

/* The child left of cell `index` of an interior page, or for index == page->cells the right-most
 * one; 0 when the cell is outside of the page. */
static inline uint32_t rf_page_child(const struct rf_tree_shape *shape, const struct rf_page *page,
                                     uint32_t index) {
    if (index == page->cells) {
        return rf_load_be32(page->pointers - 4);
    }
    const uint8_t *at = rf_cell_at(shape, page, index);
    return at ? rf_load_be32(at) : 0;
}

/* The key of a cell on an interior page of a table tree. */
static inline bool rf_page_key(const struct rf_tree_shape *shape, const struct rf_page *page,
                               uint32_t index, int64_t *key) {
    const uint8_t *at = rf_cell_at(shape, page, index);
    if (!at) {
        return false;
    }
    uint64_t number;
    at = rf_varint(at + 4, &number);
    *key = (int64_t)number;
    return at <= page->bytes + shape->usable;
}

#endif
