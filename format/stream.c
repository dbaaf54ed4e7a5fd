/* The bytes of a stream's head and records, and what binds them to their place (SPEC.md, "Stream"). */
#include "format/stream.h"

#include <string.h>

#include "format/bytes.h"
#include "format/layout.h"

static const char stream_magic[RF_MAGIC_SIZE] = RF_STREAM_MAGIC;
static const char record_magic[4] = RF_RECORD_MAGIC;

void rf_stream_head_encode(const struct rf_stream_head *head, uint8_t bytes[RF_STREAM_HEAD_SIZE]) {
    memset(bytes, 0, RF_STREAM_HEAD_SIZE);
    memcpy(bytes, stream_magic, sizeof stream_magic);
    rf_store_u32(bytes + 8, RF_FORMAT_VERSION);
    memcpy(bytes + 16, head->source, RF_SOURCE_ID_SIZE);
    rf_store_u64(bytes + 32, head->since.number);
    rf_hash_store(bytes + 40, head->since.digest);
    rf_store_u64(bytes + 56, head->last.number);
    rf_hash_store(bytes + 64, head->last.digest);
    rf_store_u64(bytes + 80, head->snapshots);
    rf_store_u64(bytes + 88, head->bytes);
    rf_store_u64(bytes + 96, rf_checksum(bytes, 96));
}

uint64_t rf_record_checksum(const uint8_t bytes[RF_RECORD_SIZE], uint64_t head_checksum,
                            uint64_t offset) {
    uint8_t bound[16 + RF_RECORD_SIZE - 8];
    rf_store_u64(bound, head_checksum);
    rf_store_u64(bound + 8, offset);
    memcpy(bound + 16, bytes, RF_RECORD_SIZE - 8);
    return rf_checksum(bound, sizeof bound);
}

void rf_record_encode(const struct rf_record *record, uint64_t head_checksum, uint64_t offset,
                      uint8_t bytes[RF_RECORD_SIZE]) {
    memset(bytes, 0, RF_RECORD_SIZE);
    memcpy(bytes, record_magic, sizeof record_magic);
    bytes[4] = (uint8_t)record->kind;
    rf_store_u64(bytes + 8, record->size);
    rf_hash_store(bytes + 16, record->digest);
    rf_store_u64(bytes + 32, rf_record_checksum(bytes, head_checksum, offset));
}

uint64_t rf_piece_checksum(uint64_t head_checksum, uint64_t offset, struct rf_hash so_far) {
    uint8_t bound[16 + RF_HASH_SIZE];
    rf_store_u64(bound, head_checksum);
    rf_store_u64(bound + 8, offset);
    rf_hash_store(bound + 16, so_far);
    return rf_checksum(bound, sizeof bound);
}
