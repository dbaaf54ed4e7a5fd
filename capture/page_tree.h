/* Walking a b-tree from leaf to leaf, in the order of its keys, §1.6.
 *
 * The path from the root is kept as copies of its interior pages; leaves are read ahead in runs,
 * since their parent tells where they lie. A walk cannot go on for ever: the tree has at most
 * RF_TREE_DEPTH_MAX levels, all its leaves are equally deep, only a root may be without cells, and
 * every page that is read is taken from a budget of as many pages as the database has. */
#ifndef RF_CAPTURE_PAGE_TREE_H
#define RF_CAPTURE_PAGE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/page_cell.h"
#include "format/error.h"

#define RF_TREE_DEPTH_MAX 20u /* SQLite's own */

struct rf_tree_level {
    uint8_t *bytes; /* of the interior page */
    struct rf_page page;
    uint32_t child; /* the one that is being walked, from 0 to page.cells */
};

struct rf_tree_walk {
    const struct rf_page_source *source;
    struct rf_tree_shape shape;
    uint32_t root;
    uint64_t *budget; /* pages; borrowed */
    struct rf_tree_level levels[RF_TREE_DEPTH_MAX];
    uint32_t depth;      /* levels in use */
    uint32_t leaf_depth; /* of the first leaf; UINT32_MAX before it */
    bool begun;
    uint8_t *run;       /* pages that were read ahead */
    uint32_t run_first; /* page number */
    uint32_t run_count;
    uint32_t run_capacity;
};

RF_MUST_USE enum rf_code rf_tree_walk_init(struct rf_tree_walk *walk,
                                           const struct rf_page_source *source, uint64_t *budget,
                                           struct rf_error *error);
void rf_tree_walk_release(struct rf_tree_walk *walk); /* twice is fine */
/* What was walked before is forgotten. */
void rf_tree_walk_begin(struct rf_tree_walk *walk, enum rf_tree_kind kind, uint32_t root);
/* The next leaf, valid until the next call. *found is false behind the last. */
RF_MUST_USE enum rf_code rf_tree_walk_next(struct rf_tree_walk *walk, struct rf_page *leaf,
                                           bool *found, struct rf_error *error);
/* In a table tree: between which rowids, inclusive, the leaf's must be. */
void rf_tree_walk_bounds(const struct rf_tree_walk *walk, int64_t *rowid_min, int64_t *rowid_max);
/* In an index tree: the interior cell whose key follows the leaf's, which each leaf but the tree's
 * last has. Valid until the next leaf. */
RF_MUST_USE enum rf_code rf_tree_walk_divider(struct rf_tree_walk *walk, struct rf_cell *cell,
                                              bool *found, struct rf_error *error);

#endif
