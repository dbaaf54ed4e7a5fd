/* From leaf to leaf. */
#include "capture/page_scan.h"

#include <stdlib.h>

#include "capture/page_identity.h"

struct rf_page_scan {
    const struct rf_page_layout *layout;
    struct rf_hash seed; /* of identities */
    uint64_t budget;     /* pages that may still be read */
    struct rf_tree_walk walk;
    struct rf_page_leaf leaf;
    struct rf_buffer scratch;
    bool begun; /* last_rowid is of the leaf before */
    int64_t last_rowid;
};

static enum rf_code begin(struct rf_page_scan *scan, const struct rf_page_source *source,
                          uint32_t root, struct rf_error *error) {
    scan->budget = source->page_count;
    enum rf_code code = rf_page_layout_fingerprint(scan->layout, &scan->seed, error);
    if (code == RF_OK) {
        code = rf_tree_walk_init(&scan->walk, source, &scan->budget, error);
    }
    if (code == RF_OK) {
        rf_tree_walk_begin(&scan->walk, scan->layout->tree, root);
    }
    return code;
}

enum rf_code rf_page_scan_new(const struct rf_page_source *source,
                              const struct rf_page_layout *layout, uint32_t root,
                              struct rf_page_scan **made, struct rf_error *error) {
    *made = NULL;
    struct rf_page_scan *scan = calloc(1, sizeof *scan);
    if (!scan) {
        return rf_fail_memory(error);
    }
    scan->layout = layout;
    enum rf_code code = begin(scan, source, root, error);
    if (code != RF_OK) {
        rf_page_scan_free(scan);
        return code;
    }
    *made = scan;
    return RF_OK;
}

void rf_page_scan_free(struct rf_page_scan *scan) {
    if (scan) {
        rf_tree_walk_release(&scan->walk);
        rf_buffer_release(&scan->scratch);
        free(scan);
    }
}

static enum rf_code take_rowids(struct rf_page_scan *scan, struct rf_error *error) {
    const struct rf_page *page = &scan->leaf.page;
    struct rf_cell first, last;
    if (!rf_cell_take(&scan->walk.shape, page, 0, &first)) {
        return rf_cell_is_outside(page, 0, error);
    }
    if (!rf_cell_take(&scan->walk.shape, page, page->cells - 1, &last)) {
        return rf_cell_is_outside(page, page->cells - 1, error);
    }
    int64_t rowid_min, rowid_max;
    rf_tree_walk_bounds(&scan->walk, &rowid_min, &rowid_max);
    bool follows = !scan->begun || first.rowid > scan->last_rowid;
    bool within = first.rowid >= rowid_min && last.rowid <= rowid_max && first.rowid <= last.rowid;
    if (!follows || !within) {
        return rf_fail(error, RF_UNUSUAL, "the rows of page %u are not in the order of their keys",
                       page->number);
    }
    scan->leaf.first_rowid = first.rowid;
    scan->leaf.last_rowid = last.rowid;
    scan->last_rowid = last.rowid;
    scan->begun = true;
    return RF_OK;
}

static enum rf_code take_leaf(struct rf_page_scan *scan, struct rf_error *error) {
    struct rf_page_leaf *leaf = &scan->leaf;
    enum rf_code code = RF_OK;
    leaf->rows = leaf->page.cells;
    if (scan->layout->tree == RF_TREE_INDEX) {
        code = rf_tree_walk_divider(&scan->walk, &leaf->divider, &leaf->has_divider, error);
        leaf->rows += leaf->has_divider;
    } else if (leaf->page.cells > 0) {
        code = take_rowids(scan, error);
    }
    if (code == RF_OK) {
        code = rf_page_identify(&scan->walk.shape, &leaf->page,
                                leaf->has_divider ? &leaf->divider : NULL, scan->seed,
                                &scan->scratch, &leaf->identity, &leaf->elsewhere, error);
    }
    return code;
}

enum rf_code rf_page_scan_leaf(struct rf_page_scan *scan, const struct rf_page_leaf **leaf,
                               struct rf_error *error) {
    bool found = false;
    *leaf = NULL;
    scan->leaf = (struct rf_page_leaf){0};
    enum rf_code code = rf_tree_walk_next(&scan->walk, &scan->leaf.page, &found, error);
    if (code == RF_OK && found) {
        code = take_leaf(scan, error);
    }
    *leaf = code == RF_OK && found ? &scan->leaf : NULL;
    return code;
}
