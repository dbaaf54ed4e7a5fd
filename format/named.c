#include "format/named.h"

#include <stdlib.h>
#include <string.h>

#define POINTER sizeof(void *) /* an element of the list */

void rf_named_release(struct rf_named *named) {
    free(named->at);
    *named = (struct rf_named){0};
}

static enum rf_code add(struct rf_named *named, const struct rf_archive_ref *ref,
                        struct rf_error *error) {
    if (named->count == named->capacity) {
        uint32_t capacity = named->capacity ? named->capacity * 2 : 64;
        void *grown = realloc(named->at, capacity * POINTER);
        if (!grown) {
            return rf_fail_memory(error);
        }
        named->at = grown;
        named->capacity = capacity;
    }
    named->at[named->count++] = ref;
    return RF_OK;
}

enum rf_code rf_named_add(struct rf_named *named, const struct rf_manifest_table *tables,
                          uint32_t count, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t t = 0; code == RF_OK && t < count; t++) {
        const struct rf_manifest_table *table = &tables[t];
        if (table->change == RF_CHANGE_DELTA) {
            code = add(named, &table->delta, error);
        }
        for (uint32_t i = 0; code == RF_OK && i < table->state_count; i++) {
            code = add(named, &table->state[i], error);
        }
    }
    return code;
}

static int by_digest(const void *a, const void *b) {
    const struct rf_archive_ref *const *left = a;
    const struct rf_archive_ref *const *right = b;
    return rf_hash_compare((*left)->digest, (*right)->digest);
}

static bool differ(const struct rf_archive_ref *a, const struct rf_archive_ref *b) {
    return a->size != b->size || a->kind != b->kind || strcmp(a->name, b->name) != 0 ||
           memcmp(a->sha256, b->sha256, sizeof a->sha256) != 0;
}

void rf_named_sort(struct rf_named *named) {
    uint32_t kept = 0;
    if (named->count > 0) {
        qsort(named->at, named->count, POINTER, by_digest);
    }
    for (uint32_t i = 0; i < named->count; i++) {
        if (kept == 0 || !rf_hash_equal(named->at[i]->digest, named->at[kept - 1]->digest)) {
            named->at[kept++] = named->at[i];
        } else {
            named->torn |= differ(named->at[i], named->at[kept - 1]);
        }
    }
    named->count = kept;
}

uint32_t rf_named_find(const struct rf_named *named, struct rf_hash digest) {
    const struct rf_archive_ref wanted = {.digest = digest};
    const struct rf_archive_ref *key = &wanted;
    if (named->count == 0) {
        return RF_NAMED_NOT;
    }
    const struct rf_archive_ref **found =
        bsearch(&key, named->at, named->count, POINTER, by_digest);
    return found ? (uint32_t)(found - named->at) : RF_NAMED_NOT;
}
