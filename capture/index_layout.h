/* Places in an index file, for its writer and its reader. Inner header of index_file.h. */
#ifndef RF_CAPTURE_INDEX_LAYOUT_H
#define RF_CAPTURE_INDEX_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/index_file.h"
#include "format/bytes.h"
#include "format/table.h"

#define RF_INDEX_MAGIC "RFINDEX\1"
#define RF_INDEX_MAGIC_SIZE 8u

/* Entry: identity, sum, u64 offset, u64 checksum, i64 first, u32 size, u32 census size, u32 rows,
 * u32 flags. */
#define RF_INDEX_ENTRY_SIZE 72u
#define RF_INDEX_BEGINS 1u
#define RF_INDEX_ENDS 2u

/* Trailer: state digest, hash of what is known of the rows, u64 offset of the directory, u32
 * entries, u32 zero, u64 checksum of the directory, magic, u64 checksum of the trailer before
 * it. */
#define RF_INDEX_TRAILER_SIZE 72u

/* What is stored of a row depends on the table. */
struct rf_index_form {
    bool rowids;
    bool keys;
    uint32_t columns;
    struct rf_hash table; /* of name, columns and key */
};
RF_MUST_USE enum rf_code rf_index_form_of(const struct rf_table *table, struct rf_index_form *form,
                                          struct rf_error *error);

void rf_index_put_entry(struct rf_buffer *out, const struct rf_index_entry *entry);
/* False where the flags are none. */
bool rf_index_take_entry(const uint8_t *bytes, struct rf_index_entry *entry);

/* A column is a u16 with a bit for each number that is not zero, and those numbers. */
void rf_index_put_census(struct rf_buffer *out, const struct rf_census *census, uint32_t columns);
/* Adds to `census`; false where the bytes are no such list. */
bool rf_index_join_census(const uint8_t *bytes, size_t size, struct rf_census *census,
                          uint32_t columns);

/* For access to the file behind the reader. */
RF_MUST_USE enum rf_code rf_index_read_bytes(struct rf_index_reader *reader, uint64_t offset,
                                             void *bytes, size_t size, struct rf_error *error);

#endif
