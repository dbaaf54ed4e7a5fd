/* One archive, byte by byte as it lies in a file, with every checksum put right: header, blocks, index, trailer; its
 * blocks decoded, their rows written out and hashed. */
#include <string.h>

#include "format/layout.h"
#include "tests/fuzz/fuzz.h"

static void mend_block(uint8_t *file, size_t size, uint8_t *entry, uint32_t number,
                       uint64_t header_checksum) {
    uint32_t stored = rf_load_u32(entry + 12);
    uint64_t offset = rf_load_u64(entry + 16);
    if (stored < RF_BLOCK_HEADER_SIZE || stored > size || offset > size - stored) {
        return;
    }
    uint8_t *block = file + offset;
    uint64_t checksum =
        rf_block_checksum(header_checksum, number, offset, block, block + RF_BLOCK_HEADER_SIZE,
                          stored - RF_BLOCK_HEADER_SIZE);
    rf_store_u64(block + RF_BLOCK_HEADER_CHECKED, checksum);
    rf_store_u64(entry + 24, checksum);
}

static void mend_footer(uint8_t *file, size_t size, uint64_t header_checksum) {
    uint8_t *trailer = file + size - RF_TRAILER_SIZE;
    uint64_t offset = rf_load_u64(trailer);
    uint64_t footer_size = rf_load_u64(trailer + 8);
    if (footer_size > size - RF_TRAILER_SIZE || offset > size - RF_TRAILER_SIZE - footer_size) {
        return;
    }
    uint8_t *footer = file + offset;
    uint64_t at = RF_FOOTER_START;
    for (uint32_t i = 0; at + RF_FOOTER_ENTRY_SIZE <= footer_size; i++) {
        mend_block(file, size, footer + at, i, header_checksum);
        at += RF_FOOTER_ENTRY_SIZE;
    }
    rf_store_u64(trailer + 16, rf_footer_checksum(header_checksum, footer, footer_size));
}

static void mend(uint8_t *file, size_t size) {
    if (size < RF_HEADER_START + 8 + RF_TRAILER_SIZE) {
        return;
    }
    uint32_t body = rf_load_u32(file + 12);
    if (body > size - RF_HEADER_START - 8 - RF_TRAILER_SIZE) {
        return;
    }
    uint64_t checksum = rf_checksum(file, RF_HEADER_START + body);
    rf_store_u64(file + RF_HEADER_START + body, checksum);
    mend_footer(file, size, checksum);
}

static void read_rows(const struct rf_rows *rows) {
    struct rf_buffer cells = {0};
    struct rf_error error = {0};
    struct rf_hash hash, other;
    for (uint32_t row = 0; row < rows->count && row < 64; row++) {
        rf_buffer_clear(&cells);
        rf_rows_put(rows, row, &cells);
        other = rf_hash_bytes(cells.bytes, cells.size);
        fuzz_must(rf_rows_hash(rows, row, 1, &cells, &hash, &error) == RF_OK, error.what);
        fuzz_must(rf_hash_equal(hash, other), "two ways to hash a row that differ");
    }
    rf_buffer_release(&cells);
}

static void read_blocks(struct rf_archive *archive) {
    struct rf_codec *codec = rf_codec_new();
    struct rf_rows rows = {0};
    fuzz_must(codec, "no memory");
    for (uint32_t block = 0; block < rf_archive_blocks(archive); block++) {
        struct rf_error error = {0};
        if (fuzz_read(rf_archive_read(archive, codec, block, &rows, &error), &error)) {
            read_rows(&rows);
        }
    }
    rf_rows_release(&rows);
    rf_codec_free(codec);
}

static void read_file(const struct rf_buffer *file) {
    struct fuzz_files files;
    struct rf_archive *archive;
    struct rf_error error = {0};
    fuzz_files_init(&files);
    fuzz_files_add(&files, "input.rfa", file);
    if (fuzz_read(rf_archive_open(&files.io, "input.rfa", NULL, &archive, &error), &error)) {
        struct rf_hash digest = rf_hash_bytes(file->bytes, file->size);
        read_blocks(archive);
        fuzz_must(rf_archive_prove(archive, digest, &error) == RF_OK, error.what);
        digest.low ^= 1;
        fuzz_must(!fuzz_read(rf_archive_prove(archive, digest, &error), &error), "not its digest");
        rf_archive_close(archive);
    }
    fuzz_must(files.open == 0, "a file is left open");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rf_buffer file = {0};
    rf_buffer_append(&file, data, size);
    read_file(&file);
    if (size > 0) {
        mend(file.bytes, size);
        read_file(&file);
    }
    rf_buffer_release(&file);
    return 0;
}
