/* B-trees, from leaf to leaf. */
#include "capture/page_tree.h"

#include <stdlib.h>
#include <string.h>

#define RUN_BYTES (128u << 10)
#define GAP_BYTES (8u << 10) /* of other trees that a run may read over: as cheap as another call */

enum rf_code rf_tree_walk_init(struct rf_tree_walk *walk, const struct rf_page_source *source,
                               uint64_t *budget, struct rf_error *error) {
    *walk = (struct rf_tree_walk){.source = source, .budget = budget};
    walk->run_capacity = RUN_BYTES / source->page_size;
    walk->run = malloc(RUN_BYTES + RF_PAGE_SLACK);
    return walk->run ? RF_OK : rf_fail_memory(error);
}

void rf_tree_walk_release(struct rf_tree_walk *walk) {
    for (uint32_t i = 0; i < RF_TREE_DEPTH_MAX; i++) {
        free(walk->levels[i].bytes);
    }
    free(walk->run);
    *walk = (struct rf_tree_walk){0};
}

void rf_tree_walk_begin(struct rf_tree_walk *walk, enum rf_tree_kind kind, uint32_t root) {
    walk->shape = rf_tree_shape_of(walk->source, kind);
    walk->root = root;
    walk->depth = 0;
    walk->leaf_depth = UINT32_MAX;
    walk->begun = false;
    walk->run_count = 0;
}

/* ---- pages ---- */

static enum rf_code take_from_budget(struct rf_tree_walk *walk, struct rf_error *error) {
    if (*walk->budget == 0) {
        return rf_fail(error, RF_UNUSUAL, "a b-tree has more pages than the database");
    }
    --*walk->budget;
    return RF_OK;
}

/* How many pages to read for child `child` of the level: those of the children behind it too, as
 * long as they lie ahead in the file and not far apart. */
static uint32_t plan_run(const struct rf_tree_walk *walk, const struct rf_tree_level *level,
                         uint32_t first) {
    uint32_t last = first;
    uint32_t gap = GAP_BYTES / walk->source->page_size;
    for (uint32_t i = level->child + 1; i <= level->page.cells; i++) {
        uint32_t number = rf_page_child(&walk->shape, &level->page, i);
        if (number <= last || number > walk->source->page_count || number - last > gap + 1 ||
            number - first >= walk->run_capacity) {
            break;
        }
        last = number;
    }
    return last - first + 1;
}

/* The page of the next step down. Only leaves are read ahead: what the pages above the first leaf
 * are is not known before they are read. */
static enum rf_code fetch(struct rf_tree_walk *walk, uint32_t number, const uint8_t **bytes,
                          struct rf_error *error) {
    enum rf_code code = take_from_budget(walk, error);
    if (code != RF_OK) {
        return code;
    }
    if (number < walk->run_first || number - walk->run_first >= walk->run_count) {
        uint32_t count = 1;
        if (walk->depth > 0 && walk->depth == walk->leaf_depth) {
            count = plan_run(walk, &walk->levels[walk->depth - 1], number);
        }
        walk->run_count = 0;
        code = rf_page_read_ahead(walk->source, number, &count, walk->run, error);
        if (code != RF_OK) {
            return code;
        }
        walk->run_first = number;
        walk->run_count = count;
    }
    *bytes = walk->run + (size_t)(number - walk->run_first) * walk->source->page_size;
    return RF_OK;
}

/* ---- steps ---- */

/* All cells of an interior page lie within it, and the keys of a table tree ascend and leave
 * something for the child behind them. */
static enum rf_code check_interior(const struct rf_tree_shape *shape, const struct rf_page *page,
                                   struct rf_error *error) {
    int64_t before = 0;
    for (uint32_t i = 0; i < page->cells; i++) {
        int64_t key = 0;
        struct rf_cell cell;
        bool within = shape->kind == RF_TREE_TABLE ? rf_page_key(shape, page, i, &key)
                                                   : rf_cell_take(shape, page, i, &cell);
        if (!within) {
            return rf_cell_is_outside(page, i, error);
        }
        if (shape->kind == RF_TREE_TABLE && ((i > 0 && key <= before) || key == INT64_MAX)) {
            return rf_fail(error, RF_UNUSUAL, "the keys of page %u do not ascend", page->number);
        }
        before = key;
    }
    return RF_OK;
}

static enum rf_code push(struct rf_tree_walk *walk, const struct rf_page *page,
                         struct rf_error *error) {
    if (walk->depth == RF_TREE_DEPTH_MAX - 1 || walk->depth >= walk->leaf_depth) {
        return rf_fail(error, RF_UNUSUAL, "a b-tree is deeper at page %u than it should be",
                       page->number);
    }
    enum rf_code code = check_interior(&walk->shape, page, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_tree_level *level = &walk->levels[walk->depth];
    size_t size = walk->source->page_size;
    if (!level->bytes) {
        level->bytes = malloc(size + RF_PAGE_SLACK);
        if (!level->bytes) {
            return rf_fail_memory(error);
        }
    }
    memcpy(level->bytes, page->bytes, size);
    level->page = *page;
    level->page.bytes = level->bytes;
    level->page.pointers = level->bytes + (page->pointers - page->bytes);
    level->child = 0;
    walk->depth++;
    return RF_OK;
}

/* From the page `number` down to the first leaf below it. */
static enum rf_code descend(struct rf_tree_walk *walk, uint32_t number, struct rf_page *leaf,
                            struct rf_error *error) {
    for (;;) {
        const uint8_t *bytes = NULL;
        enum rf_code code = fetch(walk, number, &bytes, error);
        if (code == RF_OK) {
            code = rf_page_open(&walk->shape, bytes, number, leaf, error);
        }
        if (code != RF_OK) {
            return code;
        }
        if (leaf->leaf) {
            break;
        }
        code = push(walk, leaf, error);
        if (code != RF_OK) {
            return code;
        }
        const struct rf_tree_level *level = &walk->levels[walk->depth - 1];
        number = rf_page_child(&walk->shape, &level->page, 0);
        if (!rf_page_can_be_named(walk->source, number)) {
            return rf_fail(error, RF_UNUSUAL, "page %u leads to page %u", level->page.number,
                           number);
        }
    }
    if (walk->leaf_depth == UINT32_MAX) {
        walk->leaf_depth = walk->depth;
    }
    if (walk->depth != walk->leaf_depth || (leaf->cells == 0 && walk->depth > 0)) {
        return rf_fail(error, RF_UNUSUAL, "leaf %u is empty, or not as deep as the others",
                       leaf->number);
    }
    return RF_OK;
}

enum rf_code rf_tree_walk_next(struct rf_tree_walk *walk, struct rf_page *leaf, bool *found,
                               struct rf_error *error) {
    *found = false;
    uint32_t number = walk->root;
    if (walk->begun) {
        while (walk->depth > 0 &&
               walk->levels[walk->depth - 1].child == walk->levels[walk->depth - 1].page.cells) {
            walk->depth--;
        }
        if (walk->depth == 0) {
            return RF_OK;
        }
        struct rf_tree_level *level = &walk->levels[walk->depth - 1];
        number = rf_page_child(&walk->shape, &level->page, ++level->child);
        if (!rf_page_can_be_named(walk->source, number)) {
            return rf_fail(error, RF_UNUSUAL, "page %u leads to page %u", level->page.number,
                           number);
        }
    }
    walk->begun = true;
    enum rf_code code = descend(walk, number, leaf, error);
    *found = code == RF_OK;
    return code;
}

/* ---- what the parents say ---- */

void rf_tree_walk_bounds(const struct rf_tree_walk *walk, int64_t *rowid_min, int64_t *rowid_max) {
    bool lower = false;
    bool upper = false;
    *rowid_min = INT64_MIN;
    *rowid_max = INT64_MAX;
    for (uint32_t depth = walk->depth; depth > 0 && !(lower && upper); depth--) {
        const struct rf_tree_level *level = &walk->levels[depth - 1];
        int64_t key = 0;
        if (!lower && level->child > 0 &&
            rf_page_key(&walk->shape, &level->page, level->child - 1, &key)) {
            *rowid_min = key + 1; /* a key is never the greatest there is, see check_interior */
            lower = true;
        }
        if (!upper && level->child < level->page.cells &&
            rf_page_key(&walk->shape, &level->page, level->child, &key)) {
            *rowid_max = key;
            upper = true;
        }
    }
}

enum rf_code rf_tree_walk_divider(struct rf_tree_walk *walk, struct rf_cell *cell, bool *found,
                                  struct rf_error *error) {
    const struct rf_page *page = NULL;
    uint32_t index = 0;
    for (uint32_t depth = walk->depth; !page && depth > 0; depth--) {
        const struct rf_tree_level *level = &walk->levels[depth - 1];
        if (level->child < level->page.cells) {
            page = &level->page;
            index = level->child;
        }
    }
    *found = page;
    if (page && (index >= page->cells || !rf_cell_take(&walk->shape, page, index, cell))) {
        return rf_cell_is_outside(page, index, error);
    }
    return RF_OK;
}
