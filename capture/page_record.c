/* Records to rows.
 *
 * A row's room is reserved once, for the worst its record can become, so that cells are written
 * without a check; and short texts are copied in a few words whatever their length, for which both
 * the pages and the row have some slack behind them. What is called for every cell is inlined by
 * order: the record is then held in registers. */
#include "capture/page_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "capture/text16.h"
#include "format/block.h"
#include "format/value.h"

#define CELL_OVERHEAD 9u /* how much longer than its stored value a canonical cell is, at most */

#define EACH_CELL static inline __attribute__((always_inline))

/* Serial types, §2.1. What is not a text or a blob is looked up: how many bytes it has, and, for
 * integers, which of the eight bytes that are loaded count and what is added: 8 and 9 are the
 * numbers 0 and 1 and have no bytes. */
enum { TYPE_NULL = 0, TYPE_REAL = 7, TYPE_RESERVED = 10, TYPE_BLOB = 12 };
struct small_type {
    uint64_t mask;
    uint8_t size;
    uint8_t shift;
    uint8_t plus;
};
static const struct small_type small_types[TYPE_BLOB] = {
    {0, 0, 0, 0},           {UINT64_MAX, 1, 56, 0}, {UINT64_MAX, 2, 48, 0}, {UINT64_MAX, 3, 40, 0},
    {UINT64_MAX, 4, 32, 0}, {UINT64_MAX, 6, 16, 0}, {UINT64_MAX, 8, 0, 0},  {UINT64_MAX, 8, 0, 0},
    {0, 0, 0, 0},           {0, 0, 0, 1},           {0, 0, 0, 0},           {0, 0, 0, 0},
};

enum rf_code rf_record_reader_init(struct rf_record_reader *reader,
                                   const struct rf_page_layout *layout, struct rf_error *error) {
    *reader = (struct rf_record_reader){.layout = layout};
    reader->fields = calloc((size_t)layout->stored_count + 1, sizeof *reader->fields);
    reader->offsets = calloc((size_t)layout->column_count + 1, sizeof *reader->offsets);
    if (!reader->fields || !reader->offsets) {
        rf_record_reader_release(reader);
        return rf_fail_memory(error);
    }
    return RF_OK;
}

void rf_record_reader_release(struct rf_record_reader *reader) {
    free(reader->fields);
    free(reader->offsets);
    *reader = (struct rf_record_reader){0};
}

/* ---- cells ---- */

EACH_CELL uint8_t *put_eight(uint8_t *out, enum rf_class class, uint64_t bits) {
    out[0] = (uint8_t) class;
    rf_store_u64(out + 1, bits);
    return out + 9;
}

EACH_CELL uint8_t *put_integer(uint8_t *out, int64_t integer, bool real) {
    if (real) {
        double number = (double)integer;
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        return put_eight(out, RF_REAL, bits);
    }
    return put_eight(out, RF_INTEGER, (uint64_t)integer);
}

EACH_CELL uint8_t *put_real(uint8_t *out, uint64_t bits) {
    double number;
    memcpy(&number, &bits, sizeof number);
    if (isnan(number)) {
        *out = RF_NULL;
        return out + 1;
    }
    return put_eight(out, RF_REAL, bits);
}

EACH_CELL uint8_t *put_bytes(uint8_t *out, enum rf_class class, const uint8_t *at, size_t size) {
    out[0] = (uint8_t) class;
    rf_store_u32(out + 1, (uint32_t)size);
    if (size <= RF_PAGE_SLACK) {
        memcpy(out + 5, at, RF_PAGE_SLACK);
    } else {
        memcpy(out + 5, at, size);
    }
    return out + 5 + size;
}

static uint8_t *put_text16(uint8_t *out, const uint8_t *at, size_t size, bool big_endian) {
    size_t converted = rf_text16_to_utf8(at, size, big_endian, out + 5);
    out[0] = RF_TEXT;
    rf_store_u32(out + 1, (uint32_t)converted);
    return out + 5 + converted;
}

/* One value that is in the record, all of it, and not of a reserved type. */
EACH_CELL uint8_t *put_value(uint8_t *out, enum rf_source_encoding encoding,
                             const struct rf_page_column *column, uint64_t type, const uint8_t *at,
                             int64_t rowid) {
    if (column->alias) {
        return put_integer(out, rowid, false);
    }
    if (type >= TYPE_BLOB) {
        size_t size = (size_t)((type - TYPE_BLOB) / 2);
        if (type % 2 == 1 && encoding != RF_SOURCE_UTF8) {
            return put_text16(out, at, size, encoding == RF_SOURCE_UTF16BE);
        }
        return put_bytes(out, type % 2 == 0 ? RF_BLOB : RF_TEXT, at, size);
    }
    if (type == TYPE_NULL) {
        *out = RF_NULL;
        return out + 1;
    }
    uint64_t bits = __builtin_bswap64(rf_load_u64(at));
    if (type == TYPE_REAL) {
        return put_real(out, bits);
    }
    const struct small_type *small = &small_types[type];
    int64_t integer = ((int64_t)(bits & small->mask) >> small->shift) + small->plus;
    return put_integer(out, integer, column->real);
}

/* ---- the record ---- */

struct record {
    const uint8_t *header; /* the next type */
    const uint8_t *header_end;
    const uint8_t *body; /* the next value */
    const uint8_t *end;
};

/* A record without any value is one that SQLite refuses. */
EACH_CELL bool open_record(const uint8_t *bytes, size_t size, struct record *record) {
    uint64_t header_size;
    record->header = rf_varint(bytes, &header_size);
    record->end = bytes + size;
    if (size == 0 || header_size > size || record->header >= bytes + header_size) {
        return false;
    }
    record->header_end = bytes + header_size;
    record->body = record->header_end;
    return true;
}

/* The next value of a record whose header has one more. */
EACH_CELL bool next_field(struct record *record, struct rf_record_field *field) {
    record->header = rf_varint(record->header, &field->type);
    uint64_t size =
        field->type >= TYPE_BLOB ? (field->type - TYPE_BLOB) / 2 : small_types[field->type].size;
    bool reserved = field->type >= TYPE_RESERVED && field->type < TYPE_BLOB;
    field->at = record->body;
    if (record->header > record->header_end || reserved ||
        size > (uint64_t)(record->end - record->body)) {
        return false;
    }
    record->body += size;
    return true;
}

/* Values behind those that the table has columns for count for nothing, but must be there. */
EACH_CELL bool is_whole(struct record *record) {
    struct rf_record_field field;
    while (record->header < record->header_end) {
        if (!next_field(record, &field)) {
            return false;
        }
    }
    return record->body == record->end;
}

static enum rf_code is_malformed(struct rf_error *error) {
    return rf_fail(error, RF_UNUSUAL, "a record is malformed");
}

static enum rf_code lacks_default(uint32_t column, struct rf_error *error) {
    return rf_fail(error, RF_UNUSUAL,
                   "a record is shorter than the table, and the default of column %u is not known",
                   column + 1);
}

/* The columns from `first` on, which the record has no values for. */
static enum rf_code put_rest(struct rf_record_reader *reader, const uint8_t *start, uint32_t first,
                             int64_t rowid, uint8_t **end, struct rf_error *error) {
    const struct rf_page_layout *layout = reader->layout;
    uint8_t *out = *end;
    for (uint32_t i = first; i < layout->column_count; i++) {
        const struct rf_page_column *column = &layout->columns[i];
        reader->offsets[i] = (uint32_t)(out - start);
        if (column->alias) {
            out = put_integer(out, rowid, false);
        } else if (column->default_known) {
            memcpy(out, column->default_cell, column->default_size);
            out += column->default_size;
        } else {
            return lacks_default(i, error);
        }
    }
    *end = out;
    return RF_OK;
}

/* Each value is stored in its column's place: one pass. */
static enum rf_code read_in_place(struct rf_record_reader *reader, struct record record,
                                  int64_t rowid, uint8_t *start, uint8_t **end,
                                  struct rf_error *error) {
    const struct rf_page_layout *layout = reader->layout;
    const enum rf_source_encoding encoding = layout->encoding;
    const struct rf_page_column *column = layout->columns;
    uint32_t count = layout->column_count;
    uint32_t *offset = reader->offsets;
    uint8_t *out = start;
    uint32_t i = 0;
    for (; i < count && record.header < record.header_end; i++, column++) {
        struct rf_record_field field;
        offset[i] = (uint32_t)(out - start);
        if (!next_field(&record, &field)) {
            return is_malformed(error);
        }
        out = put_value(out, encoding, column, field.type, field.at, rowid);
    }
    *end = out;
    if (!is_whole(&record)) {
        return is_malformed(error);
    }
    return i == count ? RF_OK : put_rest(reader, start, i, rowid, end, error);
}

static enum rf_code read_by_place(struct rf_record_reader *reader, struct record record,
                                  int64_t rowid, uint8_t *start, uint8_t **end,
                                  struct rf_error *error) {
    const struct rf_page_layout *layout = reader->layout;
    uint8_t *out = start;
    uint32_t there = 0;
    for (; there < layout->stored_count && record.header < record.header_end; there++) {
        if (!next_field(&record, &reader->fields[there])) {
            return is_malformed(error);
        }
    }
    if (!is_whole(&record)) {
        return is_malformed(error);
    }
    for (uint32_t i = 0; i < layout->column_count; i++) {
        const struct rf_page_column *column = &layout->columns[i];
        reader->offsets[i] = (uint32_t)(out - start);
        if (column->place < there) {
            const struct rf_record_field *field = &reader->fields[column->place];
            out = put_value(out, layout->encoding, column, field->type, field->at, rowid);
        } else if (column->default_known) {
            memcpy(out, column->default_cell, column->default_size);
            out += column->default_size;
        } else {
            return lacks_default(i, error);
        }
    }
    *end = out;
    return RF_OK;
}

/* No value is read twice, so a row is at most its record, a half more for UTF-16, and the overhead
 * and the defaults of all its cells. */
size_t rf_record_room(const struct rf_page_layout *layout, size_t size) {
    size_t text16 = layout->encoding == RF_SOURCE_UTF8 ? 0 : size / 2;
    return size + text16 + (size_t)layout->column_count * CELL_OVERHEAD + layout->defaults_size +
           RF_PAGE_SLACK;
}

enum rf_code rf_record_read(struct rf_record_reader *reader, const uint8_t *bytes, size_t size,
                            int64_t rowid, struct rf_buffer *cells, struct rf_error *error) {
    struct record record;
    uint8_t *end = NULL;
    if (!rf_buffer_reserve(cells, rf_record_room(reader->layout, size))) {
        return rf_fail_memory(error);
    }
    if (!open_record(bytes, size, &record)) {
        return is_malformed(error);
    }
    uint8_t *start = cells->bytes + cells->size;
    enum rf_code code = reader->layout->in_place
                            ? read_in_place(reader, record, rowid, start, &end, error)
                            : read_by_place(reader, record, rowid, start, &end, error);
    if (code != RF_OK) {
        return code;
    }
    size_t row = (size_t)(end - start);
    if (row > RF_ROW_BYTES_MAX) {
        return rf_fail(error, RF_UNUSUAL, "a row is larger than %u bytes", RF_ROW_BYTES_MAX);
    }
    reader->offsets[reader->layout->column_count] = (uint32_t)row;
    cells->size += row;
    return RF_OK;
}
