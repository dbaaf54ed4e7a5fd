/* The rows of one table of the source, as canonical bytes with their hash.
 *
 * Rows come in the order in which archives keep them: ascending rowids, the order of the scan where
 * no name reaches the rowid, ascending keys for WITHOUT ROWID. The table's own b-tree is read,
 * never an index that happens to hold all columns, and nothing is sorted unless the key of a
 * WITHOUT ROWID table is kept in another order than that of its bytes. What comes out of order is a
 * damaged database and refused, since everything behind the scan relies on it.
 *
 * A row lies in one buffer that the next row overwrites. */
#ifndef RF_CAPTURE_ROW_SCAN_H
#define RF_CAPTURE_ROW_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/source.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/manifest.h"
#include "format/table.h"

struct rf_source_row {
    int64_t rowid; /* or the place in the scan; 0 for WITHOUT ROWID */
    struct rf_hash hash;
    const uint8_t *cells; /* canonical, all columns */
    size_t size;
};

enum rf_row_scan_mode {
    RF_SCAN_ALL,    /* every row, in order: rf_row_scan_next */
    RF_SCAN_LOOKUP, /* rows by rowid: rf_row_scan_find; RF_KEY_ROWID only */
};

struct rf_row_scan;
/* `table` is borrowed for the life of the scan. */
RF_MUST_USE enum rf_code rf_row_scan_new(struct rf_source *source, const struct rf_table *table,
                                         enum rf_row_scan_mode mode, struct rf_row_scan **scan,
                                         struct rf_error *error);
void rf_row_scan_free(struct rf_row_scan *scan); /* NULL is fine */
/* *row is NULL at the end; valid until the next call. RF_CORRUPT names the table. */
RF_MUST_USE enum rf_code rf_row_scan_next(struct rf_row_scan *scan,
                                          const struct rf_source_row **row, struct rf_error *error);
/* *row is NULL where there is no such row. */
RF_MUST_USE enum rf_code rf_row_scan_find(struct rf_row_scan *scan, int64_t rowid,
                                          const struct rf_source_row **row, struct rf_error *error);
/* Appends the cells of the declared primary key of the current row, in the order of the key. */
void rf_row_scan_key(const struct rf_row_scan *scan, struct rf_buffer *key);
/* Counts the current row's cells; `census` has one entry a column. */
void rf_row_scan_count(const struct rf_row_scan *scan, struct rf_census *census);
/* The statement's SQL, for tests. */
const char *rf_row_scan_sql(const struct rf_row_scan *scan);

#endif
