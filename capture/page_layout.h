/* How a table's rows lie in its records, §2.1, §2.3, §2.4: what SQLite's own code generator knows
 * of a table when it reads a column.
 *
 * It is worked out from the description of the table (columns.h), never from SQL. What it does not
 * cover is unusual: virtual generated columns, whose values are in no record. A record that is
 * shorter than the table (ALTER TABLE ADD COLUMN leaves such) needs the columns' defaults: that of
 * a column without one is NULL, the others are told by rf_page_layout_default, or by
 * rf_page_defaults_learn (page_defaults.h); a short record that meets one not told is unusual.
 *
 * Once made it does not change, and serves scans on any number of threads. */
#ifndef RF_CAPTURE_PAGE_LAYOUT_H
#define RF_CAPTURE_PAGE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/page_cell.h"
#include "capture/source.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/table.h"

struct rf_page_column {
    uint32_t place; /* of the column's value in the record */
    bool alias;     /* the rowid; what the record has in its place does not count */
    bool real;      /* of REAL affinity: integers are stored for whole numbers */
    bool default_known;
    uint32_t default_size;
    uint8_t *default_cell; /* canonical */
};

struct rf_page_layout {
    enum rf_tree_kind tree;
    enum rf_source_encoding encoding;
    /* The tree's order is the one that archives keep: rowids, or keys by the bytes of their
     * UTF-8. */
    bool ordered;
    bool in_place; /* each column is stored in its own place */
    uint32_t column_count;
    uint32_t stored_count;          /* values of a record */
    struct rf_page_column *columns; /* column_count, in the table's order */
    uint32_t key_count; /* columns of the declared key, in its order; 0: none, or the rowid */
    uint32_t *key;
    size_t defaults_size; /* of all default cells */
};

RF_MUST_USE enum rf_code rf_page_layout_new(const struct rf_table *table,
                                            enum rf_source_encoding encoding,
                                            struct rf_page_layout **layout, struct rf_error *error);
void rf_page_layout_free(struct rf_page_layout *layout); /* NULL is fine */
/* What short records have in a column: one canonical cell, which is copied. Before any scan. */
RF_MUST_USE enum rf_code rf_page_layout_default(struct rf_page_layout *layout, uint32_t column,
                                                const uint8_t *cell, uint32_t size,
                                                struct rf_error *error);

/* Of whatever makes other rows of the same records. */
RF_MUST_USE enum rf_code rf_page_layout_fingerprint(const struct rf_page_layout *layout,
                                                    struct rf_hash *fingerprint,
                                                    struct rf_error *error);

#endif
