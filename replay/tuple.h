/* Reading tuples of COPY BINARY: where each ends, a hash of the whole, and one of its key where
 * that is wanted.
 *
 * Both sides of a comparison come as such tuples, the snapshot's from the encoder and the target's
 * from the server, so equal rows are equal bytes. */
#ifndef RF_REPLAY_TUPLE_H
#define RF_REPLAY_TUPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/error.h"
#include "format/hash.h"
#include "replay/arena.h"
#include "replay/plan.h"

struct rf_tuple_reader {
    uint32_t columns;
    bool keys;             /* tuples' keys are hashed too; all below serves that */
    uint32_t key_count;    /* 0: the whole tuple is its key */
    uint32_t *part;        /* for each column, its 1-based place in the key */
    struct rf_hash *parts; /* room for the hash of each of the key's fields */
};

struct rf_tuple {
    const uint8_t *bytes; /* field count included */
    size_t size;
    struct rf_hash key; /* zero where keys are not asked for */
    struct rf_hash row;
};

RF_MUST_USE enum rf_code rf_tuple_reader_init(struct rf_tuple_reader *reader,
                                              const struct rf_plan *plan, struct rf_arena *arena,
                                              struct rf_error *error);

enum rf_tuple_end { RF_TUPLE_WHOLE, RF_TUPLE_CUT, RF_TUPLE_LAST, RF_TUPLE_BAD };
/* The tuple at the beginning of `bytes`. CUT: more bytes are needed. LAST: the end of the COPY.
 * BAD: another number of fields. */
enum rf_tuple_end rf_tuple_read(const struct rf_tuple_reader *reader, const uint8_t *bytes,
                                size_t size, struct rf_tuple *tuple);

/* The field of a column in a whole tuple; NULL for NULL. */
const uint8_t *rf_tuple_field(const uint8_t *tuple, uint32_t column, uint32_t *size);

#endif
