/* From a record, §2.1, to the canonical bytes of a row (format/value.h): the same bytes that the
 * row scan (row_scan.h) makes of what SQLite returns for it.
 *
 * This is where SQLite's rules about reading a column are: the rowid in place of its alias, reals
 * for the whole numbers of a REAL column, NULL for a NaN, defaults behind the end of a short
 * record. */
#ifndef RF_CAPTURE_PAGE_RECORD_H
#define RF_CAPTURE_PAGE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "capture/page_layout.h"
#include "format/bytes.h"
#include "format/error.h"

struct rf_record_field {
    const uint8_t *at;
    uint64_t type;
};

struct rf_record_reader {
    const struct rf_page_layout *layout; /* borrowed */
    struct rf_record_field *fields;      /* of one record, where they are not in place */
    /* Of the last row: where each cell begins, counted from the row's start, and the last ends. */
    uint32_t *offsets; /* column_count + 1 */
};

RF_MUST_USE enum rf_code rf_record_reader_init(struct rf_record_reader *reader,
                                               const struct rf_page_layout *layout,
                                               struct rf_error *error);
void rf_record_reader_release(struct rf_record_reader *reader); /* twice is fine */
/* How many bytes a record of `size` bytes can become, RF_PAGE_SLACK included. */
size_t rf_record_room(const struct rf_page_layout *layout, size_t size);
/* Appends the row to `cells`. RF_PAGE_SLACK bytes behind the record may be read. */
RF_MUST_USE enum rf_code rf_record_read(struct rf_record_reader *reader, const uint8_t *record,
                                        size_t size, int64_t rowid, struct rf_buffer *cells,
                                        struct rf_error *error);

#endif
