/* SQLite's values as canonical cells (format/value.h), and canonical cells in the census.
 *
 * Text and blobs are taken as the bytes that are stored: asking for the bytes as a blob first keeps
 * SQLite from converting. Inlined: the scan comes here for every cell of the database. */
#ifndef RF_CAPTURE_CELL_H
#define RF_CAPTURE_CELL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "capture/census.h"
#include "capture/source.h"
#include "capture/text16.h"
#include "format/bytes.h"
#include "format/value.h"

static inline bool rf_cell_put_eight(struct rf_buffer *row, enum rf_class storage,
                                     const void *bytes) {
    uint8_t *at = rf_buffer_extend(row, 9);
    if (at) {
        at[0] = (uint8_t)storage;
        memcpy(at + 1, bytes, 8);
    }
    return at;
}

static inline bool rf_cell_put_bytes(struct rf_buffer *row, enum rf_class storage,
                                     const void *bytes, size_t size) {
    uint8_t *at = size > 0 && !bytes ? NULL : rf_buffer_extend(row, 5 + size);
    if (at) {
        at[0] = (uint8_t)storage;
        rf_store_u32(at + 1, (uint32_t)size);
        if (size > 0) {
            memcpy(at + 5, bytes, size);
        }
    }
    return at;
}

static inline bool rf_cell_put_text16(struct rf_buffer *row, const void *bytes, size_t size,
                                      bool big_endian) {
    if ((size > 0 && !bytes) || !rf_buffer_reserve(row, 5 + rf_text16_room(size))) {
        return false;
    }
    uint8_t *at = row->bytes + row->size;
    size_t converted = size > 0 ? rf_text16_to_utf8(bytes, size, big_endian, at + 5) : 0;
    at[0] = RF_TEXT;
    rf_store_u32(at + 1, (uint32_t)converted);
    row->size += 5 + converted;
    return true;
}

/* Appends the value; false when there is no memory. */
static inline bool rf_cell_put(struct rf_buffer *row, sqlite3_value *value,
                               enum rf_source_encoding encoding) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: {
        int64_t integer = sqlite3_value_int64(value);
        return rf_cell_put_eight(row, RF_INTEGER, &integer);
    }
    case SQLITE_FLOAT: {
        double real = sqlite3_value_double(value);
        return rf_cell_put_eight(row, RF_REAL, &real);
    }
    case SQLITE_TEXT: {
        const void *bytes = sqlite3_value_blob(value);
        if (encoding == RF_SOURCE_UTF8) {
            return rf_cell_put_bytes(row, RF_TEXT, bytes, (size_t)sqlite3_value_bytes(value));
        }
        return rf_cell_put_text16(row, bytes, (size_t)sqlite3_value_bytes16(value),
                                  encoding == RF_SOURCE_UTF16BE);
    }
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_value_blob(value);
        return rf_cell_put_bytes(row, RF_BLOB, bytes, (size_t)sqlite3_value_bytes(value));
    }
    default:
        rf_buffer_u8(row, RF_NULL);
        return !row->failed;
    }
}

/* Counts a canonical cell. */
static inline void rf_census_cell(struct rf_census *census, const uint8_t *cell) {
    switch ((enum rf_class)cell[0]) {
    case RF_NULL:
        rf_census_null(census);
        return;
    case RF_INTEGER:
        rf_census_integer(census, (int64_t)rf_load_u64(cell + 1));
        return;
    case RF_REAL:
        rf_census_real(census);
        return;
    case RF_TEXT:
        rf_census_text(census, cell + 5, rf_load_u32(cell + 1));
        return;
    case RF_BLOB:
        rf_census_blob(census, rf_load_u32(cell + 1));
        return;
    }
}

#endif
