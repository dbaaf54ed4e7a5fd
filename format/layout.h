/* Places and limits in an archive file, for writer and reader (SPEC.md, "Archive"). Inner header. */
#ifndef RF_FORMAT_LAYOUT_H
#define RF_FORMAT_LAYOUT_H

#include <stdint.h>

#include "format/archive.h"

#define RF_FORMAT_VERSION 3u

#define RF_ARCHIVE_MAGIC "RFARCHIV"
#define RF_BLOCK_MAGIC "RFBK"
#define RF_FOOTER_MAGIC "RFFT"
#define RF_TRAILER_MAGIC "RFEND\r\n\x1a"

#define RF_MAGIC_SIZE 8u
/* Header: magic, u32 version, u32 size of the body, body, u64 checksum of all before. */
#define RF_HEADER_START 16u
#define RF_HEADER_BODY_MAX (64u << 20)
/* Block: magic, kind, 3 zero bytes, u32 rows, u32 raw size, u32 stored size, u32 zero, u64 checksum. */
#define RF_BLOCK_HEADER_SIZE 32u
#define RF_BLOCK_HEADER_CHECKED 24u
/* No zstd frame holds more: 128 KiB in a block of four bytes. What says so is not worth memory. */
#define RF_ZSTD_RATIO_MAX 32768u
/* Footer: magic, u32 blocks, the table's digest before and after (sum, u64 rows), then an entry a block. */
#define RF_FOOTER_START 56u
#define RF_FOOTER_BEFORE 8u
#define RF_FOOTER_AFTER 32u
#define RF_FOOTER_ENTRY_SIZE 48u
/* Trailer: u64 footer offset, u64 footer size, u64 checksum of the footer, magic. */
#define RF_TRAILER_SIZE 32u

/* The checksum of a block binds it to its file and its place: XXH3-64 of the stored bytes, seeded with
 * the XXH3-64 of header checksum, block number and offset, u64 each, and the block header's first 24 bytes. */
uint64_t rf_block_checksum(uint64_t header_checksum, uint32_t number, uint64_t offset,
                           const uint8_t block_header[RF_BLOCK_HEADER_CHECKED], const void *stored,
                           size_t size);
/* The footer's is seeded with the header's. */
uint64_t rf_footer_checksum(uint64_t header_checksum, const void *footer, size_t size);

#endif
