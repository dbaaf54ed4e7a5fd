/* Open addressing. Digests are random already, so their low half is where the search begins. */
#include "format/digest_set.h"

#include <stdlib.h>

#define CAPACITY_LEAST 64u

/* Where the digest is, or would be. */
static struct rf_hash *find(const struct rf_digest_set *set, struct rf_hash digest) {
    size_t at = (size_t)digest.low & (set->capacity - 1);
    while (!rf_hash_is_zero(set->slots[at]) && !rf_hash_equal(set->slots[at], digest)) {
        at = (at + 1) & (set->capacity - 1);
    }
    return &set->slots[at];
}

static bool grow(struct rf_digest_set *set) {
    struct rf_digest_set grown = {.capacity = set->capacity ? 2 * set->capacity : CAPACITY_LEAST};
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots) {
        return false;
    }
    for (size_t i = 0; i < set->capacity; i++) {
        if (!rf_hash_is_zero(set->slots[i])) {
            *find(&grown, set->slots[i]) = set->slots[i];
        }
    }
    free(set->slots);
    set->slots = grown.slots;
    set->capacity = grown.capacity;
    return true;
}

void rf_digest_set_add(struct rf_digest_set *set, struct rf_hash digest) {
    if (rf_hash_is_zero(digest)) {
        set->has_zero = true;
        return;
    }
    if (set->count >= set->capacity / 2 && !grow(set)) {
        set->failed = true;
        return;
    }
    struct rf_hash *slot = find(set, digest);
    set->count += rf_hash_is_zero(*slot);
    *slot = digest;
}

bool rf_digest_set_has(const struct rf_digest_set *set, struct rf_hash digest) {
    if (rf_hash_is_zero(digest)) {
        return set->has_zero;
    }
    return set->capacity > 0 && !rf_hash_is_zero(*find(set, digest));
}

void rf_digest_set_release(struct rf_digest_set *set) {
    free(set->slots);
    *set = (struct rf_digest_set){0};
}
