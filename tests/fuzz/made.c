#include "tests/fuzz/made.h"

#include <stdio.h>

#include "format/layout.h"

static void put_header(const struct made *made, uint32_t place, uint8_t gone,
                       struct rf_buffer *file) {
    static const uint8_t source[RF_SOURCE_ID_SIZE];
    rf_buffer_append(file, RF_ARCHIVE_MAGIC, RF_MAGIC_SIZE);
    rf_buffer_u32(file, RF_FORMAT_VERSION);
    rf_buffer_u32(file, (uint32_t)(2 + sizeof source + 8 + made->description_size));
    rf_buffer_u8(file, place == 0 ? RF_ARCHIVE_FULL : RF_ARCHIVE_DELTA);
    rf_buffer_u8(file, place == 0 ? 0 : gone);
    rf_buffer_append(file, source, sizeof source);
    rf_buffer_u64(file, place + 1);
    rf_buffer_append(file, made->description, made->description_size);
    rf_buffer_u64(file, rf_checksum(file->bytes, file->size));
}

/* The block, and its entry in the index. */
static void put_block(struct fuzz_input *input, uint32_t number, uint64_t header_checksum,
                      struct rf_buffer *file, struct rf_buffer *index) {
    uint64_t offset = file->size;
    uint8_t kind = (uint8_t)(RF_BLOCK_ROWS + fuzz_number(input, 1) % 3);
    uint32_t rows = (uint32_t)fuzz_number(input, 2);
    uint64_t first = fuzz_number(input, 8);
    uint64_t last = fuzz_number(input, 8);
    size_t raw_size = fuzz_number(input, 2);
    const uint8_t *raw = fuzz_bytes(input, &raw_size);
    struct rf_buffer frame = {0};
    fuzz_frame(raw, raw_size, &frame);
    rf_buffer_append(file, RF_BLOCK_MAGIC, 4);
    rf_buffer_u32(file, kind);
    rf_buffer_u32(file, rows);
    rf_buffer_u32(file, (uint32_t)raw_size);
    rf_buffer_u32(file, (uint32_t)frame.size);
    rf_buffer_u32(file, 0);
    uint64_t checksum = rf_block_checksum(header_checksum, number, offset, file->bytes + offset,
                                          frame.bytes, frame.size);
    rf_buffer_u64(file, checksum);
    rf_buffer_append(file, frame.bytes, frame.size);
    rf_buffer_u32(index, kind);
    rf_buffer_u32(index, rows);
    rf_buffer_u32(index, (uint32_t)raw_size);
    rf_buffer_u32(index, (uint32_t)(file->size - offset));
    rf_buffer_u64(index, offset);
    rf_buffer_u64(index, checksum);
    rf_buffer_u64(index, first);
    rf_buffer_u64(index, last);
    rf_buffer_release(&frame);
}

/* Of the rows as they are said to be once so many archives are applied; what is really there is not looked at. */
struct rf_digest made_after(uint32_t archives) {
    return (struct rf_digest){.sum.low = archives, .rows = archives};
}

static void put_digest(uint32_t archives, struct rf_buffer *file) {
    const struct rf_digest digest = made_after(archives);
    uint8_t bytes[RF_DIGEST_SIZE];
    rf_digest_store(bytes, &digest);
    rf_buffer_append(file, bytes, sizeof bytes);
}

static void put_blocks(struct fuzz_input *input, uint32_t place, struct rf_buffer *file) {
    struct rf_buffer index = {0};
    uint64_t header_checksum = rf_load_u64(file->bytes + file->size - 8);
    uint32_t blocks = (uint32_t)fuzz_number(input, 1);
    for (uint32_t i = 0; i < blocks && input->left > 0; i++) {
        put_block(input, i, header_checksum, file, &index);
    }
    uint64_t footer = file->size;
    rf_buffer_append(file, RF_FOOTER_MAGIC, 4);
    rf_buffer_u32(file, (uint32_t)(index.size / RF_FOOTER_ENTRY_SIZE));
    put_digest(place, file);
    put_digest(place + 1, file);
    rf_buffer_append(file, index.bytes, index.size);
    uint64_t size = file->size - footer;
    uint64_t checksum = rf_footer_checksum(header_checksum, file->bytes + footer, size);
    rf_buffer_u64(file, footer);
    rf_buffer_u64(file, size);
    rf_buffer_u64(file, checksum);
    rf_buffer_append(file, RF_TRAILER_MAGIC, RF_MAGIC_SIZE);
    rf_buffer_release(&index);
}

static void make_archive(struct made *made, struct fuzz_input *input) {
    uint32_t place = made->table.state_count++;
    struct rf_buffer *file = &made->bytes[place];
    struct rf_archive_ref *ref = &made->refs[place];
    char hex[RF_HASH_HEX];
    put_header(made, place, (uint8_t)(fuzz_number(input, 1) % 2), file);
    put_blocks(input, place, file);
    ref->kind = place == 0 ? RF_ARCHIVE_FULL : RF_ARCHIVE_DELTA;
    ref->digest = rf_hash_bytes(file->bytes, file->size);
    ref->size = file->size;
    snprintf(ref->name, sizeof ref->name, "t-%s.rfa", rf_hash_text(ref->digest, hex));
    fuzz_files_add(&made->files, ref->name, file);
}

bool made_of(struct fuzz_input *input, struct made *made) {
    *made = (struct made){0};
    fuzz_files_init(&made->files);
    made->description_size = fuzz_number(input, 2);
    made->description = fuzz_bytes(input, &made->description_size);
    struct rf_cursor cursor = rf_cursor_of(made->description, made->description_size);
    rf_table_decode_rows(&cursor, &made->table.table);
    if (cursor.failed) {
        return false;
    }
    made->table.state = made->refs;
    while (made->table.state_count < MADE_ARCHIVES_MAX &&
           (input->left > 0 || made->table.state_count == 0)) {
        make_archive(made, input);
    }
    made->table.digest = made_after(made->table.state_count);
    return true;
}

void made_release(struct made *made) {
    for (uint32_t i = 0; i < MADE_ARCHIVES_MAX; i++) {
        rf_buffer_release(&made->bytes[i]);
    }
    rf_table_release(&made->table.table);
}
