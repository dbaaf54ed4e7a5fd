/* Checksums that belong to a place. */
#include "format/layout.h"

#include <string.h>
#include <xxhash.h>

uint64_t rf_block_checksum(uint64_t header_checksum, uint32_t number, uint64_t offset,
                           const uint8_t block_header[RF_BLOCK_HEADER_CHECKED],
                           const void *stored, size_t size) {
    uint8_t place[3 * sizeof(uint64_t) + RF_BLOCK_HEADER_CHECKED];
    rf_store_u64(place, header_checksum);
    rf_store_u64(place + 8, number);
    rf_store_u64(place + 16, offset);
    memcpy(place + 24, block_header, RF_BLOCK_HEADER_CHECKED);
    return XXH3_64bits_withSeed(stored, size, XXH3_64bits(place, sizeof place));
}

uint64_t rf_footer_checksum(uint64_t header_checksum, const void *footer, size_t size) {
    return XXH3_64bits_withSeed(footer, size, header_checksum);
}
