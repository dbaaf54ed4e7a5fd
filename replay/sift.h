/* Many entries of a few bytes, brought together by their key in bounded memory.
 *
 * Entries are added in any order and spread over partitions by their key's hash; what does not fit
 * in memory goes to a temporary file that has no name (in TMPDIR, else /tmp). rf_sift_visit then
 * hands over one partition after the other, sorted by key and row, with equal entries made one
 * (counts added, zeros dropped). */
#ifndef RF_REPLAY_SIFT_H
#define RF_REPLAY_SIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/hash.h"
#include "format/io.h"

struct rf_sift_entry {
    struct rf_hash key;
    struct rf_hash row;
    int32_t count;  /* rows of the snapshot less rows of the target */
    uint32_t aside; /* 1: about a row that is set aside */
};

#define RF_SIFT_MEMORY (8u << 20)

struct rf_sift;
/* `expected` is how many entries will come, about. `memory`: RF_SIFT_MEMORY, or less in tests. */
RF_MUST_USE enum rf_code rf_sift_new(struct rf_io *io, uint64_t expected, size_t memory,
                                     struct rf_sift **sift, struct rf_error *error);
void rf_sift_free(struct rf_sift *sift); /* NULL is fine */
RF_MUST_USE enum rf_code rf_sift_add(struct rf_sift *sift, const struct rf_sift_entry *entry,
                                     struct rf_error *error);
RF_MUST_USE enum rf_code rf_sift_visit(struct rf_sift *sift,
                                       enum rf_code (*visit)(void *context,
                                                             const struct rf_sift_entry *entries,
                                                             size_t count, struct rf_error *error),
                                       void *context, struct rf_error *error);

#endif
