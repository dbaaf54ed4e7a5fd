/* The archives that a manifest names, each once, in ascending order of their digests. Inner header of
 * format/. */
#ifndef RF_FORMAT_NAMED_H
#define RF_FORMAT_NAMED_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/manifest.h"

struct rf_named {
    uint32_t count, capacity;
    const struct rf_archive_ref **at; /* of the tables that were added */
    bool torn; /* two of one digest differ in name, kind or size, as in no sound manifest */
};
void rf_named_release(struct rf_named *named); /* twice is fine */
/* Deltas and states of these tables, which outlive `named`; then rf_named_sort once, before the others. */
RF_MUST_USE enum rf_code rf_named_add(struct rf_named *named,
                                      const struct rf_manifest_table *tables, uint32_t count,
                                      struct rf_error *error);
void rf_named_sort(struct rf_named *named);
#define RF_NAMED_NOT UINT32_MAX
uint32_t rf_named_find(const struct rf_named *named, struct rf_hash digest); /* its place */
static inline bool rf_named_has(const struct rf_named *named, struct rf_hash digest) {
    return rf_named_find(named, digest) != RF_NAMED_NOT;
}

#endif
