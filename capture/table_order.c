#include "capture/table_order.h"

#include <stdlib.h>

#include "capture/page_cell.h"
#include "capture/page_roots.h"
#include "capture/page_source.h"
#include "capture/page_tree.h"

struct guess {
    double weight;
    uint32_t table;
};

/* A row has to be put into every index as well, and about 60 bytes take as long as that. */
#define BYTES_LIKE_A_ROW 60.0

/* Rows and leaves of a table whose tree is everywhere as it is at its left edge; zeros where that
 * cannot be read. */
struct extent {
    double rows, leaves;
};

static struct extent extent_of(const struct rf_page_source *pages, const struct rf_table *table,
                               uint32_t page, uint8_t *bytes) {
    struct rf_error ignored;
    struct rf_page at;
    struct rf_tree_shape shape =
        rf_tree_shape_of(pages, table->key_kind == RF_KEY_COLUMNS ? RF_TREE_INDEX : RF_TREE_TABLE);
    double leaves = 1;
    for (uint32_t depth = 0; depth < RF_TREE_DEPTH_MAX && rf_page_can_be_named(pages, page);
         depth++) {
        rf_error_clear(&ignored);
        if (rf_page_read(pages, page, 1, bytes, &ignored) != RF_OK ||
            rf_page_open(&shape, bytes, page, &at, &ignored) != RF_OK) {
            break;
        }
        if (at.leaf) {
            return (struct extent){leaves * at.cells, leaves};
        }
        leaves *= at.cells + 1.0;
        page = rf_page_child(&shape, &at, 0);
    }
    return (struct extent){0, 0};
}

static double cost_of(const struct rf_page_source *pages, const struct rf_table *table,
                      uint32_t page, uint8_t *bytes) {
    struct extent extent = extent_of(pages, table, page, bytes);
    return extent.rows * (1.0 + table->index_count) +
           extent.leaves * pages->page_size / BYTES_LIKE_A_ROW;
}

void rf_table_guess_rows(struct rf_source *source, const struct rf_manifest *manifest,
                         uint64_t *rows) {
    const struct rf_page_source *pages = NULL;
    struct rf_error ignored;
    rf_error_clear(&ignored);
    bool readable = rf_source_pages(source, &pages, &ignored) == RF_OK && pages;
    uint8_t *bytes = readable ? malloc(pages->page_size + RF_PAGE_SLACK) : NULL;
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        const struct rf_table *table = &manifest->tables[i].table;
        rows[i] = bytes ? (uint64_t)extent_of(pages, table,
                                              rf_page_roots_find(source->roots, table->name), bytes)
                              .rows
                        : 0;
    }
    free(bytes);
}

static int heavy_first(const void *a, const void *b) {
    const struct guess *one = a, *other = b;
    if (one->weight != other->weight) {
        return one->weight > other->weight ? -1 : 1;
    }
    return one->table < other->table ? -1 : 1;
}

enum rf_code rf_table_order(struct rf_source *source, const struct rf_manifest *manifest,
                            bool first, uint32_t *order, struct rf_error *error) {
    const struct rf_page_source *pages = NULL;
    enum rf_code code = rf_source_pages(source, &pages, error);
    struct guess *guesses = calloc((size_t)manifest->table_count + 1, sizeof *guesses);
    uint8_t *bytes = malloc((pages ? pages->page_size : 0) + RF_PAGE_SLACK);
    if (code == RF_OK && (!guesses || !bytes)) {
        code = rf_fail_memory(error);
    }
    for (uint32_t i = 0; code == RF_OK && i < manifest->table_count; i++) {
        const struct rf_table *table = &manifest->tables[i].table;
        guesses[i].table = i;
        if (pages) {
            double cost =
                cost_of(pages, table, rf_page_roots_find(source->roots, table->name), bytes);
            guesses[i].weight = first ? cost : -cost;
        }
    }
    if (code == RF_OK) {
        qsort(guesses, manifest->table_count, sizeof *guesses, heavy_first);
    }
    for (uint32_t i = 0; code == RF_OK && i < manifest->table_count; i++) {
        order[i] = guesses[i].table;
    }
    free(bytes);
    free(guesses);
    return code;
}
