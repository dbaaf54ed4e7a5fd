/* Writing an index: pieces are put into one buffer, which goes to the file when it is full. */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/index_layout.h"
#include "format/block.h"
#include "format/column.h"

#define BUFFER_BYTES (1u << 20)

struct rf_index_writer {
    struct rf_io *io;
    char path[PATH_MAX];
    int fd;
    bool created;    /* else all is in memory yet */
    uint64_t offset; /* of what is put next */
    struct rf_index_form form;
    struct rf_buffer out;
    struct rf_buffer directory;
    uint32_t count;
    uint64_t *numbers;            /* RF_BATCH_ROWS */
    struct rf_index_reader *from; /* pieces [first, end) of it are to be copied next */
    uint32_t first, end;
};

static void writer_free(struct rf_index_writer *writer) {
    rf_io_discard(writer->io, &writer->fd);
    rf_buffer_release(&writer->out);
    rf_buffer_release(&writer->directory);
    free(writer->numbers);
    free(writer);
}

void rf_index_writer_abort(struct rf_index_writer *writer) {
    if (!writer) {
        return;
    }
    if (writer->created) {
        struct rf_error ignored;
        rf_io_discard(writer->io, &writer->fd);
        (void)!rf_io_unlink(writer->io, writer->path, &ignored);
    }
    writer_free(writer);
}

enum rf_code rf_index_writer_new(struct rf_io *io, const char *folder, const struct rf_table *table,
                                 struct rf_index_writer **made, struct rf_error *error) {
    static atomic_uint counter;
    *made = NULL;
    struct rf_index_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return rf_fail_memory(error);
    }
    writer->io = io;
    writer->fd = -1;
    writer->offset = RF_INDEX_MAGIC_SIZE;
    snprintf(writer->path, sizeof writer->path, "%s/index-%ld-%u.part", folder, (long)getpid(),
             atomic_fetch_add(&counter, 1));
    writer->numbers = malloc(RF_BATCH_ROWS * sizeof *writer->numbers);
    enum rf_code code = rf_index_form_of(table, &writer->form, error);
    rf_buffer_append(&writer->out, RF_INDEX_MAGIC, RF_INDEX_MAGIC_SIZE);
    if (code == RF_OK && (!writer->numbers || writer->out.failed)) {
        code = rf_fail_memory(error);
    }
    if (code != RF_OK) {
        writer_free(writer);
        return code;
    }
    *made = writer;
    return RF_OK;
}

static enum rf_code flush(struct rf_index_writer *writer, struct rf_error *error) {
    enum rf_code code = rf_buffer_check(&writer->out, error);
    if (code == RF_OK && !writer->created) {
        code = rf_io_create(writer->io, writer->path, &writer->fd, error);
        writer->created = code == RF_OK;
    }
    if (code == RF_OK) {
        code = rf_io_write_all(writer->io, writer->fd, writer->path, writer->out.bytes,
                               writer->out.size, error);
    }
    rf_buffer_clear(&writer->out);
    return code;
}

static enum rf_code flush_if_full(struct rf_index_writer *writer, struct rf_error *error) {
    return writer->out.size >= BUFFER_BYTES ? flush(writer, error)
                                            : rf_buffer_check(&writer->out, error);
}

static void put_entry(struct rf_index_writer *writer, struct rf_index_entry entry) {
    entry.offset = writer->offset;
    writer->offset += entry.size;
    writer->count++;
    rf_index_put_entry(&writer->directory, &entry);
}

/* ---- copies ---- */

/* Pieces that follow each other in one file do so in the other: their bytes go over as one. */
static enum rf_code copy_bytes(struct rf_index_writer *writer, uint64_t offset, uint64_t end,
                               struct rf_error *error) {
    enum rf_code code = RF_OK;
    while (code == RF_OK && offset < end) {
        uint64_t left = end - offset;
        size_t size = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
        uint8_t *room = rf_buffer_extend(&writer->out, size);
        if (!room) {
            return rf_fail_memory(error);
        }
        code = rf_index_read_bytes(writer->from, offset, room, size, error);
        if (code == RF_OK) {
            code = flush_if_full(writer, error);
        }
        offset += size;
    }
    return code;
}

enum rf_code rf_index_writer_settle(struct rf_index_writer *writer, struct rf_error *error) {
    if (writer->first == writer->end) {
        return RF_OK;
    }
    for (uint32_t i = writer->first; i < writer->end; i++) {
        put_entry(writer, *rf_index_entry(writer->from, i));
    }
    const struct rf_index_entry *last = rf_index_entry(writer->from, writer->end - 1);
    enum rf_code code = copy_bytes(writer, rf_index_entry(writer->from, writer->first)->offset,
                                   last->offset + last->size, error);
    writer->first = writer->end = 0;
    return code;
}

enum rf_code rf_index_writer_copy(struct rf_index_writer *writer, struct rf_index_reader *reader,
                                  uint32_t first, uint32_t end, struct rf_error *error) {
    bool follows = writer->first < writer->end && writer->from == reader && writer->end == first;
    enum rf_code code = follows ? RF_OK : rf_index_writer_settle(writer, error);
    if (code == RF_OK && first < end) {
        writer->from = reader;
        writer->first = follows ? writer->first : first;
        writer->end = end;
    }
    return code;
}

/* ---- pieces ---- */

static void put_census(struct rf_index_writer *writer, const struct rf_census *census,
                       struct rf_index_entry *entry) {
    size_t start = writer->out.size;
    rf_index_put_census(&writer->out, census, writer->form.columns);
    if (!writer->out.failed) {
        rf_buffer_u64(&writer->out,
                      rf_checksum(writer->out.bytes + start, writer->out.size - start));
    }
    entry->census_size = (uint32_t)(writer->out.size - start);
}

static void put_rows(struct rf_index_writer *writer, const struct rf_keyed_rows *rows) {
    rf_buffer_append(&writer->out, rows->hashes, (size_t)rows->count * RF_HASH_SIZE);
    if (writer->form.rowids) {
        rf_stream_encode((const void *)rows->rowids, rows->count, &writer->out);
    }
    if (writer->form.keys) {
        for (uint32_t i = 0; i < rows->count; i++) {
            writer->numbers[i] = rows->key_starts[i + 1] - rows->key_starts[i];
        }
        rf_stream_encode(writer->numbers, rows->count, &writer->out);
        uint32_t from = rows->key_starts[0];
        rf_buffer_append(&writer->out, rows->keys + from, rows->key_starts[rows->count] - from);
    }
}

enum rf_code rf_index_writer_put(struct rf_index_writer *writer, const struct rf_index_put *piece,
                                 struct rf_error *error) {
    enum rf_code code = rf_index_writer_settle(writer, error);
    if (code != RF_OK) {
        return code;
    }
    size_t start = writer->out.size;
    struct rf_index_entry entry = {
        .identity = piece->identity,
        .sum = piece->sum,
        .first = writer->form.rowids ? piece->rows->rowids[0] : 0,
        .rows = piece->rows->count,
        .begins = piece->begins,
        .ends = piece->ends,
    };
    if (!rf_hash_is_zero(piece->identity)) {
        put_census(writer, piece->census, &entry);
    }
    size_t body = writer->out.size;
    put_rows(writer, piece->rows);
    if (writer->out.failed || writer->out.size - start > UINT32_MAX) {
        return rf_fail_memory(error);
    }
    entry.size = (uint32_t)(writer->out.size - start);
    entry.checksum = rf_checksum(writer->out.bytes + body, writer->out.size - body);
    put_entry(writer, entry);
    return flush_if_full(writer, error);
}

/* ---- the end ---- */

static void put_end(struct rf_index_writer *writer, struct rf_hash state) {
    struct rf_buffer *out = &writer->out;
    const struct rf_buffer *directory = &writer->directory;
    rf_buffer_append(out, directory->bytes, directory->size);
    size_t start = out->size;
    uint8_t *hashes = rf_buffer_extend(out, 2 * RF_HASH_SIZE);
    if (hashes) {
        rf_hash_store(hashes, state);
        rf_hash_store(hashes + RF_HASH_SIZE, writer->form.table);
    }
    rf_buffer_u64(out, writer->offset);
    rf_buffer_u32(out, writer->count);
    rf_buffer_u32(out, 0);
    rf_buffer_u64(out, rf_checksum(directory->bytes, directory->size));
    rf_buffer_append(out, RF_INDEX_MAGIC, RF_INDEX_MAGIC_SIZE);
    if (!out->failed) {
        rf_buffer_u64(out, rf_checksum(out->bytes + start, out->size - start));
    }
}

enum rf_code rf_index_writer_finish(struct rf_index_writer *writer, struct rf_hash state,
                                    char *path, struct rf_error *error) {
    enum rf_code code = rf_index_writer_settle(writer, error);
    if (code == RF_OK) {
        code = rf_buffer_check(&writer->directory, error);
    }
    if (code == RF_OK) {
        put_end(writer, state);
        code = flush(writer, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(writer->io, &writer->fd, writer->path, error);
    }
    if (code != RF_OK) {
        rf_index_writer_abort(writer);
        return code;
    }
    memcpy(path, writer->path, sizeof writer->path);
    writer_free(writer);
    return RF_OK;
}
