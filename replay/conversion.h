/* How a column's cells become fields of a PostgreSQL type, and when a cell does not fit.
 *
 * A conversion is a pure function of the cell: the same cell fits, or does not, at every snapshot,
 * and gives the same bytes. Everything else rests on that: a row that is deleted later is looked
 * for where it was put, and verify encodes the snapshot's rows once more and compares bytes.
 *
 * Conversions never coerce: a cell fits, or the row it is in is set aside. The ledger keeps a
 * column's conversion by name, so names are never reused for something else. */
#ifndef RF_REPLAY_CONVERSION_H
#define RF_REPLAY_CONVERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "format/block.h"
#include "format/bytes.h"

enum rf_misfit {
    RF_FITS = 0,
    RF_MISFIT_CLASS,   /* a storage class that the conversion does not take */
    RF_MISFIT_NULL,    /* NULL where the column is NOT NULL */
    RF_MISFIT_BOOLEAN, /* an integer other than 0 and 1 */
    RF_MISFIT_DOUBLE,  /* an integer beyond 2^53, which a double cannot tell from its neighbour */
    RF_MISFIT_NUL,     /* text with a NUL character */
    RF_MISFIT_UTF8,    /* text that is not valid UTF-8 */
    RF_MISFIT_NUMBER_TEXT, /* text that a number of the same column would be rendered as */
    RF_MISFIT_FIELD_SIZE,  /* more than a field can hold */
    RF_MISFIT_ROW_SIZE,    /* more than a row can hold */
    RF_MISFIT_ROW_WIDTH,   /* too many values for one page, however many are moved out */
};

enum rf_conversion_kind {
    RF_AS_BIGINT,
    RF_AS_DOUBLE,
    RF_AS_BOOLEAN,
    RF_AS_BYTEA,
    RF_AS_TEXT,
    RF_AS_TEXT_OR_NUMBER,       /* numbers rendered; 1 and '1' become alike */
    RF_AS_TEXT_OR_NUMBER_APART, /* the same, but text that looks like a number does not fit */
};

struct rf_conversion {
    enum rf_conversion_kind kind;
    const char *name; /* in the ledger */
    const char *type; /* as SQL writes it and format_type() prints it */
    uint32_t oid;     /* of the type */
    uint32_t fixed;   /* bytes of every value, 0 where they vary */
    /* Appends the field, length first, or nothing where the cell does not fit. The cell is not
     * NULL. With `out` NULL it only looks. `clean` says that the column is known to hold no text
     * with NUL or invalid UTF-8. */
    enum rf_misfit (*put)(const struct rf_column_cells *cells, uint32_t row, bool clean,
                          struct rf_buffer *out);
};

const struct rf_conversion *rf_conversion_of(enum rf_conversion_kind kind);
/* NULL for a name that this version does not know. */
const struct rf_conversion *rf_conversion_find(const char *name);

/* A sentence for rowferry.set_aside. */
void rf_misfit_reason(enum rf_misfit misfit, enum rf_class class,
                      const struct rf_conversion *conversion, struct rf_buffer *out);

/* What the server can allocate for one value, or one row, less a little of its own. */
#define RF_FIELD_BYTES_MAX 1073741800u
#define RF_ROW_FIELDS_MAX 1073676288u

/* Numbers in network order, as COPY BINARY has them. */
static inline void rf_put_be16(uint8_t *at, uint16_t value) {
    value = __builtin_bswap16(value);
    memcpy(at, &value, sizeof value);
}
static inline void rf_put_be32(uint8_t *at, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof value);
}
static inline void rf_put_be64(uint8_t *at, uint64_t value) {
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof value);
}
static inline uint32_t rf_load_be32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

#endif
