/* A set of digests, of which there may be hundreds of thousands: the archives that a repository needs.
 * 16 bytes each, and as much again as room to grow. */
#ifndef RF_FORMAT_DIGEST_SET_H
#define RF_FORMAT_DIGEST_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "format/hash.h"

struct rf_digest_set {
    struct rf_hash *slots;
    size_t capacity; /* a power of 2, or 0 */
    size_t count;    /* without the zero digest */
    bool has_zero;   /* which is how a free slot looks */
    bool failed;     /* sticky: out of memory */
};

void rf_digest_set_add(struct rf_digest_set *set, struct rf_hash digest);
bool rf_digest_set_has(const struct rf_digest_set *set, struct rf_hash digest);
void rf_digest_set_release(struct rf_digest_set *set); /* twice is fine */

#endif
