/* SQLite's numbers: big-endian, and of variable length. Inlined into all that walks over pages. */
#ifndef RF_CAPTURE_PAGE_BYTES_H
#define RF_CAPTURE_PAGE_BYTES_H

#include <stdint.h>

#include "format/bytes.h"

static inline uint32_t rf_load_be16(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static inline uint32_t rf_load_be32(const uint8_t *bytes) {
    return __builtin_bswap32(rf_load_u32(bytes));
}

/* The number at `at`, §1.6; returns where it ends. Up to nine bytes are looked at, so the caller
 * sees to it that they may be, and afterwards that the end is not too far. */
static inline const uint8_t *rf_varint(const uint8_t *at, uint64_t *number) {
    if (at[0] < 0x80) {
        *number = at[0];
        return at + 1;
    }
    if (at[1] < 0x80) {
        *number = (uint64_t)(at[0] & 0x7f) << 7 | at[1];
        return at + 2;
    }
    uint64_t value = (uint64_t)(at[0] & 0x7f) << 7 | (at[1] & 0x7f);
    for (int i = 2; i < 8; i++) {
        value = value << 7 | (at[i] & 0x7f);
        if (at[i] < 0x80) {
            *number = value;
            return at + i + 1;
        }
    }
    *number = value << 8 | at[8];
    return at + 9;
}

#endif
