/* How a column's cells become fields of a PostgreSQL type, and when a cell does not fit.
 *
 * A conversion is a pure function of the cell: the same cell fits, or does not, at every snapshot,
 * and gives the same bytes. Everything else rests on that: a row that is deleted later is looked
 * for where it was put, and verify encodes the snapshot's rows once more and compares bytes. So a
 * field is, byte for byte, what the server sends back of it.
 *
 * A conversion is named by a spec, a line of text that users write and the ledger keeps. Names are
 * never reused for something else. These are all:
 *
 *     bigint | integer | smallint     integers within the type's range
 *     double precision | real         reals, and integers, that the type holds exactly
 *     numeric | numeric(P,S)          integers, reals, texts that spell a decimal (numeric.h)
 *     boolean                         the integers 0 and 1
 *     boolean from words              these, and t f true false yes no on off y n 1 0 in any case
 *     bytea                           blobs
 *     bytea from any                  the bytes of CAST(… AS BLOB): blobs, texts, rendered numbers
 *     text | varchar | varchar(N)     texts; of N characters at the most
 *     character(N)                    texts; filled up with spaces to N characters
 *     text from any                   texts, and numbers as render.h renders them
 *     json | jsonb                    texts that are valid JSON for the server (json.h)
 *     uuid                            texts and blobs (uuid.h)
 *     uuid from text | uuid from blob
 *     date from ENC | time from ENC | timestamp from ENC | timestamptz from ENC
 *     bigint[]                        texts that are a JSON array of integers
 *     enum "schema"."name"('a','b')   texts that are one of the labels
 *
 * ENC is unix-s, unix-ms, unix-us, unix-ns, julian-day, mac-2001, webkit-1601 (instant.h), or iso,
 * which may be followed by the one spelling that the column's texts have (spelling.h): "timestamp
 * from iso YYYY-MM-DD HH:MM:SS". With a spelling only texts so spelled fit, without one any text of
 * the type's own kind. Spelled without a zone, a timestamptz is in UTC; what is behind a
 * timestamp's spelling must be UTC (Z, +00:00), and what leads to a date must be midnight. Numbers
 * count in UTC. timestamp(P), timestamptz(P) and time(P) keep P digits of a second's fraction, and
 * take nothing that has more.
 *
 * Behind numeric, character(N) and text from any, ", told apart" keeps out what would become the
 * same field as another value that SQLite tells from it (see `exact`). Behind text, varchar,
 * character, text from any and json, "; strip", "; replace" or "; escape" says what is done to NUL
 * and to invalid UTF-8 (mend.h); without it such text does not fit.
 *
 * NULL is always NULL and not a conversion's business. No value of more than RF_FIELD_BYTES_MAX
 * fits, before or after it is converted. */
#ifndef RF_REPLAY_CONVERSION_H
#define RF_REPLAY_CONVERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "format/block.h"
#include "format/bytes.h"
#include "format/manifest.h"
#include "replay/arena.h"
#include "replay/instant.h"
#include "replay/mend.h"
#include "replay/numeric.h"
#include "replay/spelling.h"

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
    RF_MISFIT_RANGE,       /* a number that integer, smallint or real does not hold */
    RF_MISFIT_DECIMAL,     /* no decimal number of that many digits */
    RF_MISFIT_INSTANT,     /* no such date or time */
    RF_MISFIT_SPELLING,    /* a date or time, but not spelled as the column's are */
    RF_MISFIT_UUID,        /* no uuid */
    RF_MISFIT_JSON,        /* not JSON, or JSON that jsonb cannot hold */
    RF_MISFIT_ARRAY,       /* no array of integers */
    RF_MISFIT_LABEL,       /* not a label of the enum */
    RF_MISFIT_LENGTH,      /* more characters than the column takes */
    RF_MISFIT_WORD,        /* no word for true or false */
    RF_MISFIT_TRAILING,    /* text that ends in a space, which character(N) cannot tell apart */
    RF_MISFIT_TWIN,        /* a real that becomes the decimal of another integer */
};

enum rf_verdict { RF_VERDICT_NO, RF_VERDICT_YES, RF_VERDICT_UNSURE };

enum rf_instant_type { RF_DATE, RF_TIME, RF_TIMESTAMP, RF_TIMESTAMPTZ };

struct rf_label {
    const char *bytes;
    uint32_t size;
};

struct rf_conversion {
    const char *name; /* its spec, as rf_conversion_read takes it and writes it */
    const char *type; /* as SQL writes it and format_type() prints it */
    uint32_t oid;     /* of the type; 0: an enum's, which differs from database to database */
    uint32_t fixed;   /* bytes of every value in a row, 0 where they vary */
    uint32_t align;   /* 1, 2, 4 or 8: what a value of fixed size is aligned to in a row */
    const char *hash_function; /* of (value, bigint seed), alike where the fields are the same
                                  bytes; NULL: none, or none worth its while */
    /* Values that SQLite tells apart (as = does, by the BINARY collation) never give the same
     * field. */
    bool exact;
    /* Appends the field, length first, or nothing where the cell does not fit. The cell is not
     * NULL. With `out` NULL it only looks. `clean` says that the column is known to hold no text
     * with NUL or invalid UTF-8. */
    enum rf_misfit (*put)(const struct rf_conversion *conversion,
                          const struct rf_column_cells *cells, uint32_t row, bool clean,
                          struct rf_buffer *out);
    /* Whether put() changes the value rather than only spells it: "; strip" and its like, on a
     * cell that has something to mend. NULL: it never does. The cell is not NULL. */
    bool (*alters)(const struct rf_conversion *conversion, const struct rf_column_cells *cells,
                   uint32_t row);
    /* At most so many bytes of a row does a value take, its length aside, whose field is this;
     * NULL: as many as the field has. */
    uint32_t (*stored)(const uint8_t *field, uint32_t size);

    /* What follows is for the functions above. */
    uint8_t takes; /* bit 1 << class: such cells may fit */
    /* For rf_conversion_fits_census, of a census that counts only what is taken and has values;
     * NULL: unsure. */
    enum rf_verdict (*judge)(const struct rf_conversion *conversion,
                             const struct rf_census *census);
    uint32_t length;               /* characters that fit, 0: any number */
    bool padded;                   /* with spaces to that length */
    bool apart;                    /* ", told apart" */
    enum rf_mend mend;             /* of text */
    struct rf_numeric_bound bound; /* of numeric; precision 0: none */
    enum rf_instant_type instant;
    enum rf_instant_encoding encoding;
    const struct rf_spelling *spelling; /* of the encodings iso; NULL: any */
    int64_t grain;                      /* microseconds that an instant is a multiple of */
    const struct rf_label *labels;      /* of an enum, in the order of their bytes */
    uint32_t label_count;
};

/* The conversion that a spec names, in the arena. White space counts as one space, and as none at
 * the ends, before ';' and ',', and beside '('. RF_USAGE: there is none, with a hint that lists
 * what there is. */
RF_MUST_USE enum rf_code rf_conversion_read(const char *spec, struct rf_arena *arena,
                                            const struct rf_conversion **conversion,
                                            struct rf_error *error);

/* The plain ones; rf_conversion_read answers with these very structs. */
extern const struct rf_conversion rf_as_bigint, rf_as_double, rf_as_boolean, rf_as_bytea,
    rf_as_bytea_from_any, rf_as_text, rf_as_text_from_any, rf_as_text_from_any_apart, rf_as_numeric;

/* Whether all values that the census counts fit, as far as it can tell: some can be judged by the
 * rows alone. NULLs always do. */
enum rf_verdict rf_conversion_fits_census(const struct rf_conversion *conversion,
                                          const struct rf_census *census);

/* A sentence for rowferry.set_aside; RF_FITS: why a value is there that fits once it is mended. */
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
static inline uint16_t rf_load_be16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap16(value);
}
static inline uint32_t rf_load_be32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

#endif
