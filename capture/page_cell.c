/* The header of a b-tree page. */
#include "capture/page_cell.h"

/* §1.6, "B-tree Page Header Format". */
enum {
    AT_KIND = 0,
    AT_CELLS = 3,
    LEAF_HEADER = 8,
    INTERIOR_HEADER = 12,
};
enum { INDEX_INTERIOR = 2, TABLE_INTERIOR = 5, INDEX_LEAF = 10, TABLE_LEAF = 13 };

#define SMALLEST_CELL 4u /* with its pointer a cell takes six bytes or more */

struct rf_tree_shape rf_tree_shape_of(const struct rf_page_source *source, enum rf_tree_kind kind) {
    uint32_t usable = source->usable;
    return (struct rf_tree_shape){
        .kind = kind,
        .usable = usable,
        .local_max = kind == RF_TREE_TABLE ? usable - 35 : (usable - 12) * 64 / 255 - 23,
        .local_min = (usable - 12) * 32 / 255 - 23,
    };
}

static bool is_of(enum rf_tree_kind tree, uint8_t kind) {
    return tree == RF_TREE_TABLE ? kind == TABLE_LEAF || kind == TABLE_INTERIOR
                                 : kind == INDEX_LEAF || kind == INDEX_INTERIOR;
}

enum rf_code rf_page_open(const struct rf_tree_shape *shape, const uint8_t *bytes, uint32_t number,
                          struct rf_page *page, struct rf_error *error) {
    uint32_t start = number == 1 ? RF_PAGE_HEADER_SIZE : 0;
    const uint8_t *header = bytes + start;
    if (!is_of(shape->kind, header[AT_KIND])) {
        return rf_fail(error, RF_UNUSUAL, "page %u is not of the b-tree that leads to it", number);
    }
    bool leaf = header[AT_KIND] == TABLE_LEAF || header[AT_KIND] == INDEX_LEAF;
    uint32_t header_size = leaf ? LEAF_HEADER : INTERIOR_HEADER;
    uint32_t cells = rf_load_be16(header + AT_CELLS);
    if (cells > (shape->usable - start - header_size) / (SMALLEST_CELL + 2)) {
        return rf_fail(error, RF_UNUSUAL, "page %u cannot have %u cells", number, cells);
    }
    if (cells == 0 && !leaf) {
        return rf_fail(error, RF_UNUSUAL, "interior page %u has no cells", number);
    }
    *page = (struct rf_page){
        .bytes = bytes,
        .pointers = header + header_size,
        .number = number,
        .cells = cells,
        .floor = start + header_size + 2 * cells,
        .leaf = leaf,
    };
    return RF_OK;
}

enum rf_code rf_cell_is_outside(const struct rf_page *page, uint32_t index,
                                struct rf_error *error) {
    return rf_fail(error, RF_UNUSUAL, "cell %u of page %u is not within the page", index,
                   page->number);
}
