/* Writing a stream. A file is read to where it goes out from, and hashed there: no byte is copied. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/stream.h"

/* What is gathered before it goes out: a piece with what frames it, or many small files. */
#define GATHERED_MAX (RF_STREAM_PIECE + (128u << 10))

struct rf_stream_writer {
    rf_stream_put *put;
    void *context;
    const atomic_int *stop;
    struct rf_hasher *hasher;
    uint64_t head_checksum;
    uint64_t offset;  /* in the stream, of what comes next */
    uint64_t written; /* bytes of files */
    size_t used;
    uint8_t gathered[GATHERED_MAX];
};

static enum rf_code flush(struct rf_stream_writer *writer, struct rf_error *error) {
    size_t size = writer->used;
    writer->used = 0;
    if (atomic_load(writer->stop)) {
        return rf_fail(error, RF_INTERRUPTED, "stopped");
    }
    return writer->put(writer->context, writer->gathered, size, error);
}

/* Where the next `size` bytes go. */
static enum rf_code make_room(struct rf_stream_writer *writer, size_t size, uint8_t **place,
                              struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (size > GATHERED_MAX - writer->used) {
        code = flush(writer, error);
    }
    *place = writer->gathered + writer->used;
    return code;
}

static void take_in(struct rf_stream_writer *writer, size_t size) {
    writer->used += size;
    writer->offset += size;
}

enum rf_code rf_stream_writer_new(rf_stream_put *put, void *context,
                                  const struct rf_stream_head *head, const atomic_int *stop,
                                  struct rf_stream_writer **made, struct rf_error *error) {
    struct rf_stream_writer *writer = calloc(1, sizeof *writer);
    *made = NULL;
    if (!writer) {
        return rf_fail_memory(error);
    }
    writer->put = put;
    writer->context = context;
    writer->stop = stop;
    rf_stream_head_encode(head, writer->gathered);
    writer->head_checksum = rf_load_u64(writer->gathered + RF_STREAM_HEAD_SIZE - 8);
    take_in(writer, RF_STREAM_HEAD_SIZE);
    *made = writer;
    return RF_OK;
}

void rf_stream_writer_free(struct rf_stream_writer *writer) {
    if (writer) {
        rf_hasher_free(writer->hasher);
        free(writer);
    }
}

static enum rf_code write_record(struct rf_stream_writer *writer, const struct rf_record *record,
                                 struct rf_error *error) {
    uint8_t *place;
    enum rf_code code = make_room(writer, RF_RECORD_SIZE, &place, error);
    if (code == RF_OK) {
        rf_record_encode(record, writer->head_checksum, writer->offset, place);
        take_in(writer, RF_RECORD_SIZE);
    }
    return code;
}

static enum rf_code write_piece(struct rf_stream_writer *writer, struct rf_io *io, int fd,
                                const char *path, uint64_t from, size_t size,
                                struct rf_error *error) {
    uint8_t *place;
    uint64_t offset = writer->offset;
    enum rf_code code = make_room(writer, size + 8, &place, error);
    if (code == RF_OK) {
        code = rf_io_read_at(io, fd, path, place, size, from, error);
    }
    if (code != RF_OK) {
        return code;
    }
    rf_hasher_add(writer->hasher, place, size);
    rf_store_u64(place + size, rf_piece_checksum(writer->head_checksum, offset,
                                                 rf_hasher_result(writer->hasher)));
    take_in(writer, size + 8);
    writer->written += size;
    return RF_OK;
}

static enum rf_code not_what_it_was(const char *path, struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "%s is not what its name says", path);
    rf_hint(error, "the file is damaged: copy it again from another copy of the repository; "
                   "`rowferry verify` tells what else is.");
    return RF_CORRUPT;
}

static enum rf_code write_content(struct rf_stream_writer *writer, struct rf_io *io, int fd,
                                  const char *path, const struct rf_record *record,
                                  struct rf_error *error) {
    rf_hasher_free(writer->hasher);
    writer->hasher = rf_hasher_new();
    enum rf_code code =
        writer->hasher ? write_record(writer, record, error) : rf_fail_memory(error);
    for (uint64_t done = 0; code == RF_OK && done < record->size;) {
        uint64_t left = record->size - done;
        size_t size = left < RF_STREAM_PIECE ? (size_t)left : RF_STREAM_PIECE;
        code = write_piece(writer, io, fd, path, done, size, error);
        done += size;
    }
    if (code == RF_OK && !rf_hash_equal(rf_hasher_result(writer->hasher), record->digest)) {
        code = not_what_it_was(path, error);
    }
    return code;
}

enum rf_code rf_stream_write_file(struct rf_stream_writer *writer, struct rf_io *io,
                                  const char *path, const struct rf_record *record,
                                  struct rf_error *error) {
    int fd = -1;
    uint64_t size;
    enum rf_code code = rf_io_open_read(io, path, &fd, &size, error);
    if (code == RF_OK && size != record->size) {
        code = not_what_it_was(path, error);
    }
    if (code == RF_OK) {
        code = write_content(writer, io, fd, path, record, error);
    }
    rf_io_discard(io, &fd);
    return code;
}

enum rf_code rf_stream_write_end(struct rf_stream_writer *writer, struct rf_error *error) {
    const struct rf_record end = {.kind = RF_RECORD_END, .size = writer->written};
    enum rf_code code = write_record(writer, &end, error);
    return code == RF_OK ? flush(writer, error) : code;
}

uint64_t rf_stream_written(const struct rf_stream_writer *writer) {
    return writer->written;
}
