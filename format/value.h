/* SQLite's values, and the canonical bytes of a row.
 *
 * A cell is one of five storage classes. Text is kept as UTF-8; text of a UTF-16 database is
 * converted so that nothing is lost: an unpaired surrogate becomes the three bytes that UTF-8's
 * scheme gives its code, and a last byte without its second half becomes 0xff and that byte (neither
 * is valid UTF-8, and they are counted as such).
 *
 * The canonical bytes of a row are its cells one after another (SPEC.md, "Row"):
 *     NULL     00
 *     INTEGER  01, 8 bytes two's complement
 *     REAL     02, 8 bytes IEEE 754
 *     TEXT     03, u32 size, bytes
 *     BLOB     04, u32 size, bytes
 * all little-endian. The row hash is XXH3-128 of these bytes. They are also what a batch of rows is
 * handed over in, from scan to encoder. */
#ifndef RF_FORMAT_VALUE_H
#define RF_FORMAT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/hash.h"

enum rf_class { RF_NULL = 0, RF_INTEGER = 1, RF_REAL = 2, RF_TEXT = 3, RF_BLOB = 4 };
#define RF_CLASSES 5

struct rf_value {
    enum rf_class class;
    uint32_t size; /* of bytes; 0 but for TEXT and BLOB */
    union {
        int64_t integer;
        double real;
        const uint8_t *bytes; /* borrowed; not NULL for TEXT and BLOB even when size is 0 */
    };
};

const char *rf_class_name(enum rf_class class); /* "null", "integer", "real", "text", "blob" */

void rf_row_put(struct rf_buffer *row, const struct rf_value *value);
void rf_row_put_null(struct rf_buffer *row);
void rf_row_put_integer(struct rf_buffer *row, int64_t integer);
void rf_row_put_real(struct rf_buffer *row, double real);
void rf_row_put_bytes(struct rf_buffer *row, enum rf_class class, const void *bytes, uint32_t size);

/* Reads the next cell of canonical bytes; the value borrows from them. False, and the cursor
 * failed, when the bytes are not a cell. */
bool rf_row_next(struct rf_cursor *cursor, struct rf_value *value);

/* The order of SQLite's BINARY collation: NULL, numbers by value (exactly, an INTEGER against a REAL
 * too), text by bytes, blobs by bytes. <0, 0, >0. 1 and 1.0 compare equal though their hashes differ. */
int rf_value_compare(const struct rf_value *a, const struct rf_value *b);

/* What a text is made of, for the census and for Postgres, which takes neither of the two. */
struct rf_text_facts {
    bool valid_utf8;
    bool has_nul;
};
struct rf_text_facts rf_text_inspect(const uint8_t *bytes, size_t size);

#endif
