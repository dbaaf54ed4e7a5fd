/* The archives that a check has been through, so that none is read twice, in whatever snapshots it recurs: an array, and
 * a table of places in it with at least as many free ones, found by the digest. */
#include <stdlib.h>

#include "format/check_inner.h"

#define PLACES_FIRST 64u

/* Where the digest is, or would be. */
static uint32_t *place_of(const struct rf_check_seen *seen, struct rf_hash digest) {
    uint32_t place = (uint32_t)digest.low & (seen->places - 1);
    while (seen->table[place] != 0 &&
           !rf_hash_equal(seen->list[seen->table[place] - 1].digest, digest)) {
        place = (place + 1) & (seen->places - 1);
    }
    return &seen->table[place];
}

const struct rf_check_archive *rf_check_seen_find(const struct rf_check_seen *seen,
                                                  struct rf_hash digest) {
    uint32_t number = seen->count > 0 ? *place_of(seen, digest) : 0;
    return number > 0 ? &seen->list[number - 1] : NULL;
}

static bool grow(struct rf_check_seen *seen) {
    uint32_t places = seen->places > 0 ? seen->places * 2 : PLACES_FIRST;
    struct rf_check_archive *list = realloc(seen->list, places / 2 * sizeof *list);
    seen->list = list ? list : seen->list;
    uint32_t *table = calloc(places, sizeof *table);
    if (!list || !table) {
        free(table);
        return false;
    }
    free(seen->table);
    seen->table = table;
    seen->places = places;
    for (uint32_t i = 0; i < seen->count; i++) {
        *place_of(seen, seen->list[i].digest) = i + 1;
    }
    return true;
}

enum rf_code rf_check_seen_add(struct rf_check_seen *seen, const struct rf_check_archive *archive,
                               struct rf_error *error) {
    if (seen->count == seen->places / 2 && !grow(seen)) {
        return rf_fail_memory(error);
    }
    seen->list[seen->count++] = *archive;
    *place_of(seen, archive->digest) = seen->count;
    return RF_OK;
}

void rf_check_seen_release(struct rf_check_seen *seen) {
    free(seen->list);
    free(seen->table);
    *seen = (struct rf_check_seen){0};
}
