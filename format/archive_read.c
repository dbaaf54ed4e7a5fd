/* Reading an archive. Nothing in the file is believed before its checksum, and no size before it was
 * held against what is there. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "format/archive.h"
#include "format/codec.h"
#include "format/layout.h"

struct rf_archive {
    struct rf_io *io;
    char *path;
    int fd;
    uint64_t size;
    uint64_t header_checksum;
    uint64_t header_size;
    uint64_t blocks_end;
    struct rf_archive_head head;
    struct rf_table table;
    uint32_t block_count;
    struct rf_block_place *places;
    uint64_t *checksums;
};

static enum rf_code corrupt(const struct rf_archive *archive, struct rf_error *error,
                            const char *what) {
    const char *name = strrchr(archive->path, '/');
    rf_fail(error, RF_CORRUPT, "%s in %s", what, name ? name + 1 : archive->path);
    rf_hint(error, "copy this archive again from the repository that it was captured into.");
    return RF_CORRUPT;
}

static enum rf_code read_at(const struct rf_archive *archive, void *bytes, size_t size,
                            uint64_t offset, struct rf_error *error) {
    return rf_io_read_at(archive->io, archive->fd, archive->path, bytes, size, offset, error);
}

/* The same, with the place in the file. */
static enum rf_code corrupt_at(const struct rf_archive *archive, uint64_t offset,
                               struct rf_error *error, const char *what) {
    enum rf_code code = corrupt(archive, error, what);
    rf_detail(error, "at byte %llu of %llu", (unsigned long long)offset,
              (unsigned long long)archive->size);
    return code;
}

/* Whole rows need no key, and a key needs columns. */
static bool gone_form_fits(const struct rf_table *table, uint8_t kind, uint8_t gone) {
    if (kind != RF_ARCHIVE_DELTA) {
        return gone == 0;
    }
    return gone == RF_GONE_ROW || table->key_count > 0;
}

/* How many of the bytes were good: all, or fewer. */
static size_t decode_head(struct rf_archive *archive, const uint8_t *body, size_t size) {
    struct rf_cursor cursor = rf_cursor_of(body, size);
    uint8_t kind = rf_cursor_u8(&cursor);
    uint8_t gone = rf_cursor_u8(&cursor);
    const uint8_t *source = rf_cursor_bytes(&cursor, RF_SOURCE_ID_SIZE);
    archive->head.snapshot = rf_cursor_u64(&cursor);
    rf_table_decode_rows(&cursor, &archive->table);
    if (cursor.failed || !source || rf_cursor_left(&cursor) != 0 || kind < RF_ARCHIVE_FULL ||
        kind > RF_ARCHIVE_DELTA || gone > RF_GONE_ROW ||
        !gone_form_fits(&archive->table, kind, gone)) {
        size_t good = (size_t)(cursor.at - body);
        return good < size ? good : size - 1;
    }
    archive->head.kind = (enum rf_archive_kind)kind;
    archive->head.gone = (enum rf_gone_form)gone;
    memcpy(archive->head.source, source, RF_SOURCE_ID_SIZE);
    archive->head.table = &archive->table;
    return size;
}

static enum rf_code newer(const struct rf_archive *archive, uint32_t version,
                          struct rf_error *error) {
    rf_fail(error, RF_MISPLACED, "%s is of format version %u, this rowferry reads version %u",
            archive->path, version, RF_FORMAT_VERSION);
    rf_hint(error, "use the rowferry that wrote it, or a newer one.");
    return RF_MISPLACED;
}

static enum rf_code decode_header(struct rf_archive *archive, uint32_t version, const uint8_t *body,
                                  uint32_t size, struct rf_error *error) {
    if (version != RF_FORMAT_VERSION) {
        return corrupt_at(archive, RF_MAGIC_SIZE, error, "a format version that there is not");
    }
    size_t good = size > 0 ? decode_head(archive, body, size) : 0;
    return size > 0 && good == size
               ? RF_OK
               : corrupt_at(archive, RF_HEADER_START + good, error, "impossible header");
}

static enum rf_code read_header(struct rf_archive *archive, struct rf_error *error) {
    uint8_t start[RF_HEADER_START];
    if (archive->size < sizeof start + 8 + RF_TRAILER_SIZE) {
        return corrupt_at(archive, archive->size, error, "not even a header");
    }
    enum rf_code code = read_at(archive, start, sizeof start, 0, error);
    if (code != RF_OK) {
        return code;
    }
    if (memcmp(start, RF_ARCHIVE_MAGIC, RF_MAGIC_SIZE) != 0) {
        return corrupt_at(archive, 0, error, "no archive's magic");
    }
    uint32_t version = rf_load_u32(start + 8);
    uint32_t body_size = rf_load_u32(start + 12);
    if (body_size > RF_HEADER_BODY_MAX ||
        body_size > archive->size - RF_HEADER_START - 8 - RF_TRAILER_SIZE) {
        return version > RF_FORMAT_VERSION
                   ? newer(archive, version, error)
                   : corrupt_at(archive, 12, error, "impossible header size");
    }
    archive->header_size = RF_HEADER_START + (uint64_t)body_size + 8;
    uint8_t *header = malloc(archive->header_size);
    if (!header) {
        return rf_fail_memory(error);
    }
    code = read_at(archive, header, archive->header_size, 0, error);
    if (code == RF_OK) {
        size_t checked = archive->header_size - 8;
        archive->header_checksum = rf_load_u64(header + checked);
        if (version > RF_FORMAT_VERSION) {
            code = newer(archive, version, error);
        } else if (rf_checksum(header, checked) != archive->header_checksum) {
            code = corrupt_at(archive, checked, error, "checksum mismatch of the header");
        } else {
            code = decode_header(archive, version, header + RF_HEADER_START, body_size, error);
        }
    }
    free(header);
    return code;
}

static bool decode_entry(const struct rf_archive *archive, const uint8_t *at, uint64_t expected,
                         uint64_t end, struct rf_block_place *place) {
    uint32_t kind = rf_load_u32(at);
    place->facts.kind = (enum rf_block_kind)kind;
    place->facts.rows = rf_load_u32(at + 4);
    place->facts.raw_size = rf_load_u32(at + 8);
    place->size = rf_load_u32(at + 12);
    place->offset = rf_load_u64(at + 16);
    place->facts.first = (int64_t)rf_load_u64(at + 32);
    place->facts.last = (int64_t)rf_load_u64(at + 40);
    bool fits = archive->head.kind == RF_ARCHIVE_FULL
                    ? kind == RF_BLOCK_ROWS
                    : kind >= RF_BLOCK_ROWS && kind <= RF_BLOCK_MOVES;
    return fits && place->offset == expected && place->size > RF_BLOCK_HEADER_SIZE &&
           place->size <= end - expected && place->facts.rows >= 1 &&
           place->facts.raw_size <= RF_BLOCK_RAW_MAX &&
           place->facts.raw_size / RF_ZSTD_RATIO_MAX < place->size;
}

static bool fits_table(const struct rf_archive *archive, const struct rf_block_facts *facts) {
    const struct rf_table *table = &archive->table;
    if (facts->kind == RF_BLOCK_MOVES) {
        return table->key_kind != RF_KEY_COLUMNS && table->alias < 0;
    }
    return table->key_kind == RF_KEY_COLUMNS || facts->first <= facts->last;
}

/* Rowids ascend over the blocks of a kind; `before` has the last block of each kind, or NULL. */
static bool follows(const struct rf_archive *archive, const struct rf_block_place *place,
                    const struct rf_block_place *before[RF_BLOCK_MOVES + 1]) {
    const struct rf_block_place *last = before[place->facts.kind];
    before[place->facts.kind] = place;
    bool by_rowid = archive->table.key_kind != RF_KEY_COLUMNS;
    return !last || !by_rowid || place->facts.kind == RF_BLOCK_MOVES ||
           last->facts.last < place->facts.first;
}

/* The entries of the index, whose blocks fill the file from the header to `end`. */
static enum rf_code decode_entries(struct rf_archive *archive, const uint8_t *entries,
                                   uint64_t count, uint64_t end, struct rf_error *error) {
    uint64_t expected = archive->header_size;
    const struct rf_block_place *before[RF_BLOCK_MOVES + 1] = {0};
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *at = entries + i * RF_FOOTER_ENTRY_SIZE;
        struct rf_block_place *place = &archive->places[i];
        if (!decode_entry(archive, at, expected, end, place) ||
            !fits_table(archive, &place->facts) || !follows(archive, place, before)) {
            return corrupt_at(archive, end + RF_FOOTER_START + i * RF_FOOTER_ENTRY_SIZE, error,
                              "impossible block index");
        }
        archive->checksums[i] = rf_load_u64(at + 24);
        expected += place->size;
    }
    archive->block_count = (uint32_t)count;
    archive->blocks_end = end;
    return expected == end ? RF_OK
                           : corrupt_at(archive, expected, error, "bytes that no block owns");
}

/* An index of more blocks than there are bytes for is not worth memory. */
static bool index_possible(const struct rf_archive *archive, const uint8_t *footer, uint64_t size,
                           uint64_t offset, uint64_t count) {
    return memcmp(footer, RF_FOOTER_MAGIC, 4) == 0 && rf_load_u32(footer + 4) == count &&
           RF_FOOTER_START + count * RF_FOOTER_ENTRY_SIZE == size &&
           count <= (offset - archive->header_size) / RF_BLOCK_HEADER_SIZE;
}

static enum rf_code decode_footer(struct rf_archive *archive, const uint8_t *footer, uint64_t size,
                                  uint64_t offset, struct rf_error *error) {
    uint64_t count = (size - RF_FOOTER_START) / RF_FOOTER_ENTRY_SIZE;
    if (!index_possible(archive, footer, size, offset, count)) {
        return corrupt_at(archive, offset, error, "impossible block index");
    }
    archive->head.before = rf_digest_load(footer + RF_FOOTER_BEFORE);
    archive->head.after = rf_digest_load(footer + RF_FOOTER_AFTER);
    const struct rf_digest nothing = {0};
    if (archive->head.kind == RF_ARCHIVE_FULL &&
        !rf_digest_equal(&archive->head.before, &nothing)) {
        return corrupt_at(archive, offset + RF_FOOTER_BEFORE, error, "rows before a full archive");
    }
    archive->places = calloc((size_t)count + 1, sizeof *archive->places);
    archive->checksums = calloc((size_t)count + 1, sizeof *archive->checksums);
    if (!archive->places || !archive->checksums) {
        return rf_fail_memory(error);
    }
    return decode_entries(archive, footer + RF_FOOTER_START, count, offset, error);
}

static enum rf_code read_footer(struct rf_archive *archive, struct rf_error *error) {
    uint8_t trailer[RF_TRAILER_SIZE];
    enum rf_code code =
        read_at(archive, trailer, sizeof trailer, archive->size - sizeof trailer, error);
    if (code != RF_OK) {
        return code;
    }
    if (memcmp(trailer + 24, RF_TRAILER_MAGIC, RF_MAGIC_SIZE) != 0) {
        return corrupt_at(archive, archive->size, error, "no end, as if cut short,");
    }
    uint64_t offset = rf_load_u64(trailer);
    uint64_t size = rf_load_u64(trailer + 8);
    uint64_t room = archive->size - sizeof trailer;
    if (offset < archive->header_size || offset > room || size != room - offset ||
        size < RF_FOOTER_START) {
        return corrupt_at(archive, room, error, "impossible trailer");
    }
    uint8_t *footer = malloc(size);
    if (!footer) {
        return rf_fail_memory(error);
    }
    code = read_at(archive, footer, size, offset, error);
    if (code == RF_OK &&
        rf_footer_checksum(archive->header_checksum, footer, size) != rf_load_u64(trailer + 16)) {
        code = corrupt_at(archive, offset, error, "checksum mismatch of the block index");
    }
    if (code == RF_OK) {
        code = decode_footer(archive, footer, size, offset, error);
    }
    free(footer);
    return code;
}

static enum rf_code check_ref(const struct rf_archive *archive, const struct rf_archive_ref *ref,
                              struct rf_error *error) {
    if (ref && ref->size != archive->size) {
        corrupt(archive, error, "a wrong number of bytes");
        rf_detail(error, "the manifest says %llu bytes, the file has %llu",
                  (unsigned long long)ref->size, (unsigned long long)archive->size);
        return RF_CORRUPT;
    }
    return RF_OK;
}

enum rf_code rf_archive_open(struct rf_io *io, const char *path, const struct rf_archive_ref *ref,
                             struct rf_archive **opened, struct rf_error *error) {
    *opened = NULL;
    struct rf_archive *archive = calloc(1, sizeof *archive);
    if (!archive || !(archive->path = strdup(path))) {
        free(archive);
        return rf_fail_memory(error);
    }
    archive->io = io;
    enum rf_code code = rf_io_open_read(io, path, &archive->fd, &archive->size, error);
    if (code == RF_OK) {
        code = check_ref(archive, ref, error);
    }
    if (code == RF_OK) {
        code = read_header(archive, error);
    }
    if (code == RF_OK && ref && ref->kind != archive->head.kind) {
        code = corrupt_at(archive, RF_HEADER_START, error,
                          "another kind of archive than the manifest names");
    }
    if (code == RF_OK) {
        code = read_footer(archive, error);
    }
    if (code != RF_OK) {
        rf_archive_close(archive);
        return code;
    }
    *opened = archive;
    return RF_OK;
}

void rf_archive_close(struct rf_archive *archive) {
    if (archive) {
        rf_io_discard(archive->io, &archive->fd);
        rf_table_release(&archive->table);
        free(archive->places);
        free(archive->checksums);
        free(archive->path);
        free(archive);
    }
}

const struct rf_archive_head *rf_archive_head_of(const struct rf_archive *archive) {
    return &archive->head;
}

const char *rf_archive_path(const struct rf_archive *archive) {
    return archive->path;
}

bool rf_archive_identity(const struct rf_archive *archive, struct rf_file_identity *identity) {
    struct stat status;
    if (fstat(archive->fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        (uint64_t)status.st_size != archive->size) {
        return false;
    }
    *identity = (struct rf_file_identity){
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = archive->size,
        .modified_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec,
        .changed_ns = status.st_ctim.tv_sec * INT64_C(1000000000) + status.st_ctim.tv_nsec,
    };
    return true;
}

uint32_t rf_archive_blocks(const struct rf_archive *archive) {
    return archive->block_count;
}

const struct rf_block_place *rf_archive_block(const struct rf_archive *archive, uint32_t block) {
    return &archive->places[block];
}

uint64_t rf_archive_rows(const struct rf_archive *archive, enum rf_block_kind kind) {
    uint64_t rows = 0;
    for (uint32_t i = 0; i < archive->block_count; i++) {
        if (archive->places[i].facts.kind == kind) {
            rows += archive->places[i].facts.rows;
        }
    }
    return rows;
}

/* The block's own header must say what the index says: both are under checksums, but of two places. */
static bool header_agrees(const uint8_t *header, const struct rf_block_place *place,
                          uint64_t checksum) {
    uint8_t expected[RF_BLOCK_HEADER_SIZE] = {0};
    memcpy(expected, RF_BLOCK_MAGIC, 4);
    expected[4] = (uint8_t)place->facts.kind;
    rf_store_u32(expected + 8, place->facts.rows);
    rf_store_u32(expected + 12, place->facts.raw_size);
    rf_store_u32(expected + 16, place->size - RF_BLOCK_HEADER_SIZE);
    rf_store_u64(expected + 24, checksum);
    return memcmp(header, expected, sizeof expected) == 0;
}

static enum rf_code check_stored(const struct rf_archive *archive, uint32_t block,
                                 const uint8_t *stored, struct rf_error *error) {
    const struct rf_block_place *place = &archive->places[block];
    if (!header_agrees(stored, place, archive->checksums[block])) {
        return corrupt_at(archive, place->offset, error,
                          "a block header that the index does not know");
    }
    uint64_t computed =
        rf_block_checksum(archive->header_checksum, block, place->offset, stored,
                          stored + RF_BLOCK_HEADER_SIZE, place->size - RF_BLOCK_HEADER_SIZE);
    if (computed != archive->checksums[block]) {
        corrupt(archive, error, "checksum mismatch");
        rf_detail(error, "block %u at offset %llu: stored %016llx, computed %016llx", block,
                  (unsigned long long)place->offset, (unsigned long long)archive->checksums[block],
                  (unsigned long long)computed);
        return RF_CORRUPT;
    }
    return RF_OK;
}

enum rf_code rf_archive_fetch(struct rf_archive *archive, uint32_t block, struct rf_buffer *stored,
                              struct rf_error *error) {
    const struct rf_block_place *place = &archive->places[block];
    rf_buffer_clear(stored);
    uint8_t *bytes = rf_buffer_extend(stored, place->size);
    return bytes ? read_at(archive, bytes, place->size, place->offset, error)
                 : rf_fail_memory(error);
}

enum rf_code rf_archive_decode(const struct rf_archive *archive, struct rf_codec *codec,
                               uint32_t block, const struct rf_buffer *stored, struct rf_rows *rows,
                               struct rf_error *error) {
    const struct rf_block_place *place = &archive->places[block];
    enum rf_code code = check_stored(archive, block, stored->bytes, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_shape shape = rf_shape_of(&archive->table, place->facts.kind, archive->head.gone);
    code = rf_block_decode(codec, &place->facts, shape, stored->bytes + RF_BLOCK_HEADER_SIZE,
                           place->size - RF_BLOCK_HEADER_SIZE, rows, error);
    if (code == RF_CORRUPT) {
        const char *name = strrchr(archive->path, '/');
        rf_while(error, "while reading block %u at offset %llu of %s", block,
                 (unsigned long long)place->offset, name ? name + 1 : archive->path);
    }
    return code;
}

/* Memory that a block with a large value took is given back. */
#define KEEP_BYTES (4u << 20)

enum rf_code rf_archive_read(struct rf_archive *archive, struct rf_codec *codec, uint32_t block,
                             struct rf_rows *rows, struct rf_error *error) {
    struct rf_buffer *stored = &codec->stored;
    enum rf_code code = rf_archive_fetch(archive, block, stored, error);
    if (code == RF_OK) {
        code = rf_archive_decode(archive, codec, block, stored, rows, error);
    }
    if (stored->capacity > KEEP_BYTES) {
        rf_buffer_release(stored);
    }
    return code;
}

/* Hands bytes of the file on, a chunk at a time. */
static enum rf_code read_bytes(const struct rf_archive *archive, uint64_t from, uint64_t to,
                               void (*take)(void *context, const void *bytes, size_t size),
                               void *context, struct rf_error *error) {
    enum { CHUNK = 1 << 18 };
    uint8_t *chunk = malloc(CHUNK);
    enum rf_code code = chunk ? RF_OK : rf_fail_memory(error);
    while (code == RF_OK && from < to) {
        size_t size = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        code = read_at(archive, chunk, size, from, error);
        if (code == RF_OK) {
            take(context, chunk, size);
        }
        from += size;
    }
    free(chunk);
    return code;
}

static void to_hasher(void *hasher, const void *bytes, size_t size) {
    rf_hasher_add(hasher, bytes, size);
}

static void to_sha256(void *sha256, const void *bytes, size_t size) {
    rf_sha256_add(sha256, bytes, size);
}

enum rf_code rf_archive_compare_sha256(const struct rf_archive *archive,
                                       const uint8_t expected[RF_SHA256_SIZE],
                                       const uint8_t computed[RF_SHA256_SIZE],
                                       struct rf_error *error) {
    if (memcmp(computed, expected, RF_SHA256_SIZE) == 0) {
        return RF_OK;
    }
    char stored[RF_SHA256_HEX], found[RF_SHA256_HEX];
    corrupt(archive, error, "another SHA-256 than the signed manifest says");
    rf_detail(error, "the manifest says %s, the file's bytes make %s",
              rf_sha256_text(expected, stored), rf_sha256_text(computed, found));
    return RF_CORRUPT;
}

/* Between two looks at the flag. */
#define STRETCH (16u << 20)

static enum rf_code read_sha256(const struct rf_archive *archive, const atomic_int *stop,
                                struct rf_sha256 *sha256, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint64_t at = 0; code == RF_OK && at < archive->size; at += STRETCH) {
        uint64_t end = archive->size - at < STRETCH ? archive->size : at + STRETCH;
        code = stop && atomic_load(stop) != 0
                   ? rf_fail(error, RF_INTERRUPTED, "stopped while proving %s", archive->path)
                   : read_bytes(archive, at, end, to_sha256, sha256, error);
    }
    return code;
}

enum rf_code rf_archive_prove_sha256(struct rf_archive *archive,
                                     const uint8_t expected[RF_SHA256_SIZE], const atomic_int *stop,
                                     struct rf_error *error) {
    struct rf_sha256 *sha256 = rf_sha256_new();
    uint8_t found[RF_SHA256_SIZE];
    enum rf_code code = sha256 ? read_sha256(archive, stop, sha256, error) : rf_fail_memory(error);
    if (code == RF_OK) {
        rf_sha256_result(sha256, found);
        code = rf_archive_compare_sha256(archive, expected, found, error);
    }
    rf_sha256_free(sha256);
    return code;
}

enum rf_code rf_archive_hash_head(const struct rf_archive *archive, struct rf_hasher *hasher,
                                  struct rf_error *error) {
    return read_bytes(archive, 0, archive->header_size, to_hasher, hasher, error);
}

enum rf_code rf_archive_hash_tail(const struct rf_archive *archive, struct rf_hasher *hasher,
                                  struct rf_error *error) {
    return read_bytes(archive, archive->blocks_end, archive->size, to_hasher, hasher, error);
}

enum rf_code rf_archive_compare(const struct rf_archive *archive, struct rf_hash digest,
                                struct rf_hash computed, struct rf_error *error) {
    if (rf_hash_equal(computed, digest)) {
        return RF_OK;
    }
    char stored[RF_HASH_HEX], found[RF_HASH_HEX];
    corrupt(archive, error, "digest mismatch");
    rf_detail(error, "the manifest says %s, the file's bytes make %s", rf_hash_text(digest, stored),
              rf_hash_text(computed, found));
    return RF_CORRUPT;
}

enum rf_code rf_archive_prove(struct rf_archive *archive, struct rf_hash digest,
                              struct rf_error *error) {
    struct rf_hasher *hasher = rf_hasher_new();
    enum rf_code code = hasher ? read_bytes(archive, 0, archive->size, to_hasher, hasher, error)
                               : rf_fail_memory(error);
    if (code == RF_OK) {
        code = rf_archive_compare(archive, digest, rf_hasher_result(hasher), error);
    }
    rf_hasher_free(hasher);
    return code;
}
