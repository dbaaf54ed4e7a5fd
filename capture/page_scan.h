/* The leaves of a table's b-tree, in the order of its keys.
 *
 *     rf_page_scan_new(source, layout, root, &scan, error)
 *     while rf_page_scan_leaf(scan, &leaf, error), leaf not NULL: …     rows: page_rows.h
 *     rf_page_scan_free(scan)
 *
 * Of a table tree it is checked that the rowids of a leaf begin behind those of the leaf before it,
 * and are what the pages above say; those in between are checked by whoever reads the rows. Of a
 * WITHOUT ROWID tree no order is checked here. RF_UNUSUAL may come at any leaf: what was read
 * before it is to be thrown away, and the table read through SQLite. One thread; under 1 MiB. */
#ifndef RF_CAPTURE_PAGE_SCAN_H
#define RF_CAPTURE_PAGE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/page_layout.h"
#include "capture/page_source.h"
#include "capture/page_tree.h"
#include "format/error.h"
#include "format/hash.h"

/* In an index tree a leaf counts with the interior cell that follows it, so that leaves have all
 * rows. */
struct rf_page_leaf {
    struct rf_page page;
    struct rf_cell divider;
    bool has_divider;
    uint32_t rows;       /* 0 only for the one leaf of an empty table */
    int64_t first_rowid; /* 0 for WITHOUT ROWID */
    int64_t last_rowid;
    /* Of the layout and what is on the leaf itself; rf_page_rows_identify adds what overflows. */
    struct rf_hash identity;
    uint64_t elsewhere; /* bytes of payload on overflow pages */
};

struct rf_page_scan;
/* Source and layout are borrowed for the life of the scan. */
RF_MUST_USE enum rf_code rf_page_scan_new(const struct rf_page_source *source,
                                          const struct rf_page_layout *layout, uint32_t root,
                                          struct rf_page_scan **scan, struct rf_error *error);
void rf_page_scan_free(struct rf_page_scan *scan); /* NULL is fine */
/* *leaf is valid until the next call, and NULL at the end. */
RF_MUST_USE enum rf_code rf_page_scan_leaf(struct rf_page_scan *scan,
                                           const struct rf_page_leaf **leaf,
                                           struct rf_error *error);

#endif
