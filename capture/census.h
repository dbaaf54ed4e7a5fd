/* The census: what a column holds, counted while its rows pass by.
 *
 * Inlined into the scan, which comes here for every cell of the database. */
#ifndef RF_CAPTURE_CENSUS_H
#define RF_CAPTURE_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/manifest.h"
#include "format/value.h"

static inline void rf_census_null(struct rf_census *census) {
    census->count[RF_NULL]++;
}

static inline void rf_census_integer(struct rf_census *census, int64_t integer) {
    if (census->count[RF_INTEGER]++ == 0) {
        census->min_integer = integer;
        census->max_integer = integer;
    } else if (integer < census->min_integer) {
        census->min_integer = integer;
    } else if (integer > census->max_integer) {
        census->max_integer = integer;
    }
}

static inline void rf_census_real(struct rf_census *census) {
    census->count[RF_REAL]++;
}

static inline void rf_census_blob(struct rf_census *census, size_t size) {
    census->count[RF_BLOB]++;
    census->longest = size > census->longest ? size : census->longest;
}

/* Neither a NUL nor a byte above 0x7f: most texts, told eight bytes at a time. A word without high
 * bits keeps a high bit after subtracting one from each byte only where a byte was zero. */
static inline bool rf_text_is_plain(const uint8_t *bytes, size_t size) {
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = 0x8080808080808080u;
    uint64_t seen = 0;
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        uint64_t word = rf_load_u64(bytes + i);
        seen |= word | (word - ones);
    }
    for (; i < size; i++) {
        seen |= (uint64_t)(bytes[i] | (uint8_t)(bytes[i] - 1));
    }
    return (seen & highs) == 0;
}

static inline void rf_census_text(struct rf_census *census, const uint8_t *bytes, size_t size) {
    census->count[RF_TEXT]++;
    census->longest = size > census->longest ? size : census->longest;
    if (!rf_text_is_plain(bytes, size)) {
        struct rf_text_facts facts = rf_text_inspect(bytes, size);
        census->text_with_nul += facts.has_nul;
        census->text_not_utf8 += !facts.valid_utf8;
    }
}

/* Adds what was counted of other rows. */
static inline void rf_census_join(struct rf_census *census, const struct rf_census *part) {
    if (part->count[RF_INTEGER] > 0) {
        bool first = census->count[RF_INTEGER] == 0;
        if (first || part->min_integer < census->min_integer) {
            census->min_integer = part->min_integer;
        }
        if (first || part->max_integer > census->max_integer) {
            census->max_integer = part->max_integer;
        }
    }
    for (int i = 0; i < RF_CLASSES; i++) {
        census->count[i] += part->count[i];
    }
    census->longest = part->longest > census->longest ? part->longest : census->longest;
    census->text_with_nul += part->text_with_nul;
    census->text_not_utf8 += part->text_not_utf8;
}

#endif
