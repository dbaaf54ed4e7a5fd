/* Reading an index: the directory at once, pieces as they are wanted. */
#include <stdlib.h>
#include <string.h>

#include "capture/index_layout.h"
#include "format/block.h"
#include "format/column.h"

struct rf_index_reader {
    struct rf_io *io;
    char *path;
    int fd;
    uint64_t size;
    struct rf_index_form form;
    uint32_t count;
    struct rf_index_entry *entries;
    uint32_t *slots;         /* by identity: a piece that begins a chunk, or RF_INDEX_NONE */
    uint32_t mask;           /* slots - 1 */
    struct rf_buffer stored; /* of the piece whose rows were given */
    struct rf_buffer census;
    uint64_t *numbers; /* RF_BATCH_ROWS of each of these, one more of key_starts */
    int64_t *rowids;
    uint32_t *key_starts;
};

static enum rf_code damaged(const struct rf_index_reader *reader, struct rf_error *error) {
    return rf_fail(error, RF_CORRUPT, "the index %s is damaged", reader->path);
}

/* What can be no index takes no memory to find out. */
static enum rf_code read_bytes(struct rf_index_reader *reader, uint64_t offset, void *bytes,
                               size_t size, struct rf_error *error) {
    return rf_io_read_at(reader->io, reader->fd, reader->path, bytes, size, offset, error);
}

enum rf_code rf_index_read_bytes(struct rf_index_reader *reader, uint64_t offset, void *bytes,
                                 size_t size, struct rf_error *error) {
    enum rf_code code = read_bytes(reader, offset, bytes, size, error);
    return code == RF_OK || code == RF_NO_MEMORY ? code : damaged(reader, error);
}

/* ---- the directory ---- */

/* Enough to rely on: entries fill the file in front of the directory without a gap, and chunks are
 * whole. */
static bool entry_follows(const struct rf_index_reader *reader, uint32_t piece, uint64_t offset) {
    const struct rf_index_entry *entry = &reader->entries[piece];
    const struct rf_index_entry *before = piece > 0 ? entry - 1 : NULL;
    bool inside = before && !before->ends;
    bool has_identity = !rf_hash_is_zero(entry->identity);
    uint64_t least = (uint64_t)entry->rows * RF_HASH_SIZE + entry->census_size;
    return entry->offset == offset && entry->rows >= 1 && entry->rows <= RF_BATCH_ROWS &&
           entry->size >= least && has_identity == (entry->census_size > 0) &&
           entry->begins == !inside &&
           (!inside || rf_hash_equal(before->identity, entry->identity)) &&
           (!before || !reader->form.rowids || before->first < entry->first);
}

static bool take_entries(struct rf_index_reader *reader, const uint8_t *bytes, uint64_t end,
                         const struct rf_digest *expected) {
    struct rf_digest digest = {0};
    uint64_t offset = RF_INDEX_MAGIC_SIZE;
    for (uint32_t i = 0; i < reader->count; i++) {
        struct rf_index_entry *entry = &reader->entries[i];
        if (!rf_index_take_entry(bytes + (size_t)i * RF_INDEX_ENTRY_SIZE, entry) ||
            !entry_follows(reader, i, offset)) {
            return false;
        }
        offset += entry->size;
        struct rf_digest part = {entry->sum, entry->rows};
        rf_digest_join(&digest, &part);
    }
    bool whole = reader->count == 0 || reader->entries[reader->count - 1].ends;
    return whole && offset == end && rf_digest_equal(&digest, expected);
}

static bool make_slots(struct rf_index_reader *reader) {
    uint32_t slots = 16;
    while (slots < reader->count * 2) {
        slots *= 2;
    }
    reader->slots = malloc(slots * sizeof *reader->slots);
    if (!reader->slots) {
        return false;
    }
    memset(reader->slots, 0xff, slots * sizeof *reader->slots);
    reader->mask = slots - 1;
    for (uint32_t i = 0; i < reader->count; i++) {
        const struct rf_index_entry *entry = &reader->entries[i];
        if (entry->begins && !rf_hash_is_zero(entry->identity)) {
            uint32_t slot = (uint32_t)entry->identity.low & reader->mask;
            while (reader->slots[slot] != RF_INDEX_NONE) {
                slot = (slot + 1) & reader->mask;
            }
            reader->slots[slot] = i;
        }
    }
    return true;
}

/* The trailer, when it is that of the table's state and of a file of this size; else false. */
static bool trailer_fits(struct rf_index_reader *reader, const uint8_t *trailer,
                         const struct rf_manifest_table *table) {
    const struct rf_archive_ref *last = &table->state[table->state_count - 1];
    size_t checked = RF_INDEX_TRAILER_SIZE - 8;
    reader->count = rf_load_u32(trailer + 40);
    uint64_t directory = (uint64_t)reader->count * RF_INDEX_ENTRY_SIZE;
    return rf_load_u64(trailer + checked) == rf_checksum(trailer, checked) &&
           memcmp(trailer + 56, RF_INDEX_MAGIC, RF_INDEX_MAGIC_SIZE) == 0 &&
           rf_hash_equal(rf_hash_load(trailer), last->digest) &&
           rf_hash_equal(rf_hash_load(trailer + 16), reader->form.table) &&
           rf_load_u32(trailer + 44) == 0 && reader->count < UINT32_MAX / 4 &&
           directory <= reader->size &&
           rf_load_u64(trailer + 32) == reader->size - RF_INDEX_TRAILER_SIZE - directory;
}

static enum rf_code read_directory(struct rf_index_reader *reader,
                                   const struct rf_manifest_table *table, struct rf_error *error) {
    uint8_t magic[RF_INDEX_MAGIC_SIZE], trailer[RF_INDEX_TRAILER_SIZE];
    if (reader->size < sizeof magic + sizeof trailer) {
        return damaged(reader, error);
    }
    enum rf_code code = read_bytes(reader, 0, magic, sizeof magic, error);
    if (code == RF_OK) {
        code = read_bytes(reader, reader->size - sizeof trailer, trailer, sizeof trailer, error);
    }
    if (code != RF_OK) {
        return code;
    }
    if (memcmp(magic, RF_INDEX_MAGIC, sizeof magic) != 0 || !trailer_fits(reader, trailer, table)) {
        return damaged(reader, error);
    }
    uint64_t offset = rf_load_u64(trailer + 32);
    size_t size = (size_t)reader->count * RF_INDEX_ENTRY_SIZE;
    rf_buffer_extend(&reader->stored, size);
    reader->entries = calloc((size_t)reader->count + 1, sizeof *reader->entries);
    if (reader->stored.failed || !reader->entries) {
        return rf_fail_memory(error);
    }
    code = read_bytes(reader, offset, reader->stored.bytes, size, error);
    if (code != RF_OK) {
        return code;
    }
    if (rf_checksum(reader->stored.bytes, size) != rf_load_u64(trailer + 48) ||
        !take_entries(reader, reader->stored.bytes, offset, &table->digest)) {
        return damaged(reader, error);
    }
    rf_buffer_release(&reader->stored);
    return make_slots(reader) ? RF_OK : rf_fail_memory(error);
}

static bool allocate_rows(struct rf_index_reader *reader) {
    reader->numbers = malloc(RF_BATCH_ROWS * sizeof *reader->numbers);
    reader->rowids = calloc(RF_BATCH_ROWS, sizeof *reader->rowids);
    reader->key_starts = calloc(RF_BATCH_ROWS + 1, sizeof *reader->key_starts);
    return reader->numbers && reader->rowids && reader->key_starts;
}

static enum rf_code open_reader(struct rf_index_reader *reader, const char *path,
                                const struct rf_manifest_table *table, struct rf_error *error) {
    reader->path = strdup(path);
    enum rf_code code = rf_index_form_of(&table->table, &reader->form, error);
    if (code != RF_OK || !reader->path || !allocate_rows(reader)) {
        return rf_fail_memory(error);
    }
    code = rf_io_open_read(reader->io, path, &reader->fd, &reader->size, error);
    return code == RF_OK ? read_directory(reader, table, error) : code;
}

enum rf_code rf_index_reader_open(struct rf_io *io, const char *path,
                                  const struct rf_manifest_table *table,
                                  struct rf_index_reader **opened, struct rf_error *error) {
    *opened = NULL;
    struct rf_index_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return rf_fail_memory(error);
    }
    reader->io = io;
    reader->fd = -1;
    enum rf_code code = open_reader(reader, path, table, error);
    if (code != RF_OK) {
        rf_index_reader_close(reader);
        if (code != RF_NO_MEMORY) {
            rf_error_clear(error);
            code = RF_OK;
        }
        return code;
    }
    *opened = reader;
    return RF_OK;
}

void rf_index_reader_close(struct rf_index_reader *reader) {
    if (reader) {
        rf_io_discard(reader->io, &reader->fd);
        rf_buffer_release(&reader->stored);
        rf_buffer_release(&reader->census);
        free(reader->entries);
        free(reader->slots);
        free(reader->numbers);
        free(reader->rowids);
        free(reader->key_starts);
        free(reader->path);
        free(reader);
    }
}

uint32_t rf_index_pieces(const struct rf_index_reader *reader) {
    return reader->count;
}

const struct rf_index_entry *rf_index_entry(const struct rf_index_reader *reader, uint32_t piece) {
    return &reader->entries[piece];
}

uint32_t rf_index_find(const struct rf_index_reader *reader, struct rf_hash identity) {
    uint32_t slot = (uint32_t)identity.low & reader->mask;
    while (reader->slots[slot] != RF_INDEX_NONE) {
        uint32_t piece = reader->slots[slot];
        if (rf_hash_equal(reader->entries[piece].identity, identity)) {
            return piece;
        }
        slot = (slot + 1) & reader->mask;
    }
    return RF_INDEX_NONE;
}

uint32_t rf_index_chunk_end(const struct rf_index_reader *reader, uint32_t piece) {
    while (!reader->entries[piece].ends) {
        piece++;
    }
    return piece + 1;
}

/* ---- pieces ---- */

static bool take_rowids(struct rf_index_reader *reader, struct rf_cursor *cursor, uint32_t count,
                        int64_t first) {
    if (!rf_stream_decode(cursor, count, reader->numbers)) {
        return false;
    }
    memcpy(reader->rowids, reader->numbers, count * sizeof *reader->rowids);
    for (uint32_t i = 1; i < count; i++) {
        if (reader->rowids[i] <= reader->rowids[i - 1]) {
            return false;
        }
    }
    return reader->rowids[0] == first;
}

static bool take_keys(struct rf_index_reader *reader, struct rf_cursor *cursor, uint32_t count,
                      const uint8_t **keys) {
    if (!rf_stream_decode(cursor, count, reader->numbers)) {
        return false;
    }
    size_t left = rf_cursor_left(cursor);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (reader->numbers[i] > left - sum) {
            return false;
        }
        sum += reader->numbers[i];
        reader->key_starts[i + 1] = (uint32_t)sum;
    }
    *keys = rf_cursor_bytes(cursor, left);
    return sum == left;
}

/* `stored` begins with the hashes, in memory that is aligned for them. */
static bool take_rows(struct rf_index_reader *reader, const struct rf_index_entry *entry,
                      struct rf_keyed_rows *rows) {
    struct rf_cursor cursor = rf_cursor_of(reader->stored.bytes, reader->stored.size);
    *rows = (struct rf_keyed_rows){.count = entry->rows, .rowids = reader->rowids};
    rows->hashes = (const void *)rf_cursor_bytes(&cursor, (size_t)entry->rows * RF_HASH_SIZE);
    if (reader->form.rowids && !take_rowids(reader, &cursor, entry->rows, entry->first)) {
        return false;
    }
    if (reader->form.keys) {
        rows->key_starts = reader->key_starts;
        return take_keys(reader, &cursor, entry->rows, &rows->keys);
    }
    return rf_cursor_left(&cursor) == 0;
}

static enum rf_code load(struct rf_index_reader *reader, uint64_t offset, size_t size,
                         struct rf_buffer *into, struct rf_error *error) {
    rf_buffer_clear(into);
    if (!rf_buffer_extend(into, size)) {
        return rf_fail_memory(error);
    }
    return rf_index_read_bytes(reader, offset, into->bytes, size, error);
}

enum rf_code rf_index_read(struct rf_index_reader *reader, uint32_t piece,
                           struct rf_keyed_rows *rows, struct rf_error *error) {
    const struct rf_index_entry *entry = &reader->entries[piece];
    enum rf_code code = load(reader, entry->offset + entry->census_size,
                             entry->size - entry->census_size, &reader->stored, error);
    if (code == RF_OK &&
        (rf_checksum(reader->stored.bytes, reader->stored.size) != entry->checksum ||
         !take_rows(reader, entry, rows))) {
        code = damaged(reader, error);
    }
    return code;
}

enum rf_code rf_index_read_census(struct rf_index_reader *reader, uint32_t piece,
                                  struct rf_census *census, struct rf_error *error) {
    const struct rf_index_entry *entry = &reader->entries[piece];
    enum rf_code code = entry->census_size > 8 ? load(reader, entry->offset, entry->census_size,
                                                      &reader->census, error)
                                               : damaged(reader, error);
    if (code != RF_OK) {
        return code;
    }
    size_t size = entry->census_size - 8;
    const uint8_t *bytes = reader->census.bytes;
    if (rf_load_u64(bytes + size) != rf_checksum(bytes, size) ||
        !rf_index_join_census(bytes, size, census, reader->form.columns)) {
        return damaged(reader, error);
    }
    return RF_OK;
}
