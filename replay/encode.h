/* Rows of an archive as tuples of COPY BINARY.
 *
 * An encoder is made once for a table (or for the key of one) and then only read, by any thread. It
 * allocates nothing per row beyond what the caller's buffer grows by. */
#ifndef RF_REPLAY_ENCODE_H
#define RF_REPLAY_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/block.h"
#include "format/bytes.h"
#include "format/hash.h"
#include "replay/conversion.h"

struct rf_encoder_column {
    const struct rf_conversion *conversion;
    uint32_t cell; /* of the block's columns */
    bool not_null;
    bool clean;        /* holds no text that would have to be inspected */
    bool null_misfits; /* what does not fit becomes NULL, where the column takes that */
    bool fail_misfits; /* the caller is to give up at what does not fit */
    bool generated;    /* the server computes the field: it has to fit, and stays out of tuples */
};

struct rf_encoder {
    uint32_t count;
    struct rf_encoder_column *columns; /* the caller's */
    bool may_alter;                    /* some column may take another value than the cell's */
    uint32_t generated;                /* columns that are */
};

/* Fields of a tuple. */
static inline uint32_t rf_encoder_fields(const struct rf_encoder *encoder) {
    return encoder->count - encoder->generated;
}

/* Appends the tuple (field count, then each field's length and bytes) or, where a cell does not
 * fit, nothing; then *column tells which is the first that does not. Want of memory shows in the
 * buffer. */
RF_MUST_USE enum rf_misfit rf_encode_row(const struct rf_encoder *encoder,
                                         const struct rf_rows *rows, uint32_t row,
                                         struct rf_buffer *out, uint32_t *column);
/* Whether that one cell fits, or is made to; what concerns the row as a whole is not looked at. */
RF_MUST_USE enum rf_misfit rf_encode_probe(const struct rf_encoder *encoder,
                                           const struct rf_rows *rows, uint32_t row,
                                           uint32_t column);

/* Whether the column takes another value than the cell's: NULL, where *misfit tells why, or mended
 * text, where it is RF_FITS. */
bool rf_encode_alters(const struct rf_encoder *encoder, const struct rf_rows *rows, uint32_t row,
                      uint32_t column, enum rf_misfit *misfit);

/* The hash of the row's canonical bytes; `scratch` is overwritten. Want of memory shows there. */
struct rf_hash rf_encode_hash(const struct rf_rows *rows, uint32_t row, struct rf_buffer *scratch);

/* What stands before and behind the tuples of one COPY. */
#define RF_COPY_HEADER_SIZE 19u
extern const uint8_t rf_copy_header[RF_COPY_HEADER_SIZE];
#define RF_COPY_TRAILER_SIZE 2u
extern const uint8_t rf_copy_trailer[RF_COPY_TRAILER_SIZE];

/* A tuple's bytes in one PostgreSQL page at the least: every value that can be moved out of it is.
 */
uint32_t rf_encode_page_bytes(const struct rf_encoder *encoder, const uint8_t *tuple);
#define RF_PAGE_TUPLE_MAX 8160u /* what a page of 8 KiB holds */

#endif
