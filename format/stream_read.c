/* Reading a stream. Nothing is believed before its checksum, and no size before it was held against what
 * the head says is to come. */
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/envelope.h"
#include "format/layout.h"
#include "format/stream.h"

#define READ_AT_ONCE (1u << 20)

struct rf_stream_reader {
    rf_stream_get *get;
    void *context;
    const atomic_int *stop;
    struct rf_stream_head head;
    uint64_t head_checksum;
    uint64_t offset;  /* in the stream, of bytes[at] */
    uint64_t arrived; /* bytes of files */
    /* The record at hand. */
    struct rf_hasher *hasher;
    struct rf_record record;
    uint64_t left;         /* of its file */
    uint32_t piece_left;   /* of the piece at hand */
    uint64_t piece_offset; /* where that began */
    size_t at, end;        /* what was read and not taken */
    uint8_t bytes[READ_AT_ONCE];
};

static enum rf_code damaged(const struct rf_stream_reader *reader, const char *what,
                            struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "the stream %s", what);
    rf_detail(error, "at byte %llu of the stream", (unsigned long long)reader->offset);
    return RF_CORRUPT;
}

/* More bytes behind those that are there, for which there is room. */
static enum rf_code read_more(struct rf_stream_reader *reader, size_t *got,
                              struct rf_error *error) {
    *got = 0;
    if (atomic_load(reader->stop)) {
        return rf_fail(error, RF_INTERRUPTED, "stopped");
    }
    enum rf_code code = reader->get(reader->context, reader->bytes + reader->end,
                                    READ_AT_ONCE - reader->end, got, error);
    reader->end += *got;
    return code;
}

/* The next bytes in one piece, few enough for the buffer. */
static enum rf_code take_framing(struct rf_stream_reader *reader, size_t size,
                                 const uint8_t **taken, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (reader->end - reader->at < size && reader->at > 0) {
        memmove(reader->bytes, reader->bytes + reader->at, reader->end - reader->at);
        reader->end -= reader->at;
        reader->at = 0;
    }
    while (code == RF_OK && reader->end - reader->at < size) {
        size_t got;
        code = read_more(reader, &got, error);
        if (code == RF_OK && got == 0) {
            reader->offset += reader->end - reader->at;
            return damaged(reader, "ends before its end", error);
        }
    }
    if (code == RF_OK) {
        *taken = reader->bytes + reader->at;
        reader->at += size;
        reader->offset += size;
    }
    return code;
}

/* ---- the head ---- */

static void decode_head(const uint8_t *bytes, struct rf_stream_head *head) {
    memcpy(head->source, bytes + 16, RF_SOURCE_ID_SIZE);
    head->since.number = rf_load_u64(bytes + 32);
    head->since.digest = rf_hash_load(bytes + 40);
    head->last.number = rf_load_u64(bytes + 56);
    head->last.digest = rf_hash_load(bytes + 64);
    head->snapshots = rf_load_u64(bytes + 80);
    head->bytes = rf_load_u64(bytes + 88);
}

static bool is_possible(const struct rf_stream_head *head) {
    uint64_t span = head->last.number - head->since.number;
    bool unnamed = head->since.number == 0 && !rf_hash_is_zero(head->since.digest);
    bool nothing = head->snapshots == 0 && (head->bytes > 0 || span > 0 ||
                                            !rf_hash_equal(head->last.digest, head->since.digest));
    return head->last.number >= head->since.number && head->snapshots <= span && !unnamed &&
           !nothing && head->bytes <= INT64_MAX;
}

static enum rf_code no_stream(const struct rf_stream_reader *reader, struct rf_error *error) {
    (void)!damaged(reader, "is none", error);
    rf_hint(error, "give what `rowferry export` wrote.");
    return RF_CORRUPT;
}

/* What came, if it is shorter than a head, may still be the beginning of a stream. */
static bool may_begin_stream(const struct rf_stream_reader *reader) {
    size_t there = reader->end < RF_MAGIC_SIZE ? reader->end : RF_MAGIC_SIZE;
    return memcmp(reader->bytes, RF_STREAM_MAGIC, there) == 0;
}

static enum rf_code newer(uint32_t version, struct rf_error *error) {
    rf_fail(error, RF_MISPLACED,
            "the stream is of format version %u, this rowferry reads version %u", version,
            RF_FORMAT_VERSION);
    rf_hint(error, "use the rowferry that wrote it, or a newer one.");
    return RF_MISPLACED;
}

static enum rf_code read_head(struct rf_stream_reader *reader, struct rf_error *error) {
    const uint8_t *bytes = NULL;
    enum rf_code code = take_framing(reader, RF_STREAM_HEAD_SIZE, &bytes, error);
    if ((code == RF_OK || code == RF_CORRUPT) && !may_begin_stream(reader)) {
        reader->offset = 0;
        return no_stream(reader, error);
    }
    if (code != RF_OK) {
        return code;
    }
    uint32_t version = rf_load_u32(bytes + 8);
    if (version > RF_FORMAT_VERSION) {
        return newer(version, error);
    }
    reader->offset = 0;
    reader->head_checksum = rf_load_u64(bytes + RF_STREAM_HEAD_SIZE - 8);
    if (rf_checksum(bytes, RF_STREAM_HEAD_SIZE - 8) != reader->head_checksum) {
        return damaged(reader, "has a head that fails its checksum", error);
    }
    decode_head(bytes, &reader->head);
    if (version != RF_FORMAT_VERSION || rf_load_u32(bytes + 12) != 0 ||
        !is_possible(&reader->head)) {
        return damaged(reader, "has an impossible head", error);
    }
    reader->offset = RF_STREAM_HEAD_SIZE;
    return RF_OK;
}

enum rf_code rf_stream_reader_new(rf_stream_get *get, void *context, const atomic_int *stop,
                                  struct rf_stream_reader **made, struct rf_error *error) {
    struct rf_stream_reader *reader = calloc(1, sizeof *reader);
    *made = NULL;
    if (!reader) {
        return rf_fail_memory(error);
    }
    reader->get = get;
    reader->context = context;
    reader->stop = stop;
    enum rf_code code = read_head(reader, error);
    if (code != RF_OK) {
        rf_stream_reader_free(reader);
        return code;
    }
    *made = reader;
    return RF_OK;
}

void rf_stream_reader_free(struct rf_stream_reader *reader) {
    if (reader) {
        rf_hasher_free(reader->hasher);
        free(reader);
    }
}

const struct rf_stream_head *rf_stream_head_of(const struct rf_stream_reader *reader) {
    return &reader->head;
}

uint64_t rf_stream_offset(const struct rf_stream_reader *reader) {
    return reader->offset;
}

uint64_t rf_stream_arrived(const struct rf_stream_reader *reader) {
    return reader->arrived;
}

/* ---- records ---- */

static bool is_possible_record(const struct rf_stream_reader *reader,
                               const struct rf_record *record, const uint8_t *bytes) {
    static const uint8_t zero[3];
    uint64_t most = reader->head.bytes - reader->arrived;
    if (memcmp(bytes, RF_RECORD_MAGIC, 4) != 0 || memcmp(bytes + 5, zero, sizeof zero) != 0) {
        return false;
    }
    switch (record->kind) {
    case RF_RECORD_MANIFEST:
    case RF_RECORD_FOLD:
        return record->size > 0 && record->size <= most && record->size <= RF_ENVELOPE_FILE_MAX;
    case RF_RECORD_ARCHIVE:
        return record->size > 0 && record->size <= most;
    case RF_RECORD_END:
        return record->size == reader->arrived && most == 0 && rf_hash_is_zero(record->digest);
    }
    return false;
}

/* The stream has to end here. */
static enum rf_code meet_the_end(struct rf_stream_reader *reader, struct rf_error *error) {
    size_t got = reader->end - reader->at;
    enum rf_code code = RF_OK;
    if (got == 0) {
        reader->at = reader->end = 0;
        code = read_more(reader, &got, error);
    }
    return code == RF_OK && got > 0 ? damaged(reader, "goes on behind its end", error) : code;
}

static enum rf_code begin_content(struct rf_stream_reader *reader, struct rf_error *error) {
    reader->left = reader->record.size;
    reader->piece_left = 0;
    rf_hasher_free(reader->hasher);
    reader->hasher = rf_hasher_new();
    return reader->hasher ? RF_OK : rf_fail_memory(error);
}

enum rf_code rf_stream_next(struct rf_stream_reader *reader, struct rf_record *record,
                            struct rf_error *error) {
    const uint8_t *bytes = NULL;
    uint64_t offset = reader->offset;
    enum rf_code code = take_framing(reader, RF_RECORD_SIZE, &bytes, error);
    if (code != RF_OK) {
        return code;
    }
    *record = (struct rf_record){.kind = (enum rf_record_kind)bytes[4],
                                 .size = rf_load_u64(bytes + 8),
                                 .digest = rf_hash_load(bytes + 16)};
    reader->offset = offset; /* what is wrong began there */
    if (rf_record_checksum(bytes, reader->head_checksum, offset) != rf_load_u64(bytes + 32)) {
        return damaged(reader, "has a record that fails its checksum", error);
    }
    if (!is_possible_record(reader, record, bytes)) {
        return damaged(reader, "has an impossible record", error);
    }
    reader->offset = offset + RF_RECORD_SIZE;
    reader->record = *record;
    return record->kind == RF_RECORD_END ? meet_the_end(reader, error)
                                         : begin_content(reader, error);
}

/* ---- files ---- */

static enum rf_code end_piece(struct rf_stream_reader *reader, struct rf_error *error) {
    const uint8_t *stored = NULL;
    enum rf_code code = take_framing(reader, 8, &stored, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_hash so_far = rf_hasher_result(reader->hasher);
    uint64_t computed = rf_piece_checksum(reader->head_checksum, reader->piece_offset, so_far);
    if (computed != rf_load_u64(stored)) {
        rf_fail(error, RF_CORRUPT, "the stream was damaged on its way");
        rf_detail(error, "the piece at byte %llu: stored %016llx, computed %016llx",
                  (unsigned long long)reader->piece_offset, (unsigned long long)rf_load_u64(stored),
                  (unsigned long long)computed);
        return RF_CORRUPT;
    }
    if (reader->left == 0 && !rf_hash_equal(so_far, reader->record.digest)) {
        return damaged(reader, "has a file of another digest than its record says", error);
    }
    return RF_OK;
}

static enum rf_code begin_piece(struct rf_stream_reader *reader, struct rf_error *error) {
    if (reader->at == reader->end) {
        reader->at = reader->end = 0;
        size_t got;
        enum rf_code code = read_more(reader, &got, error);
        if (code != RF_OK || got == 0) {
            return code != RF_OK ? code : damaged(reader, "ends before its end", error);
        }
    }
    if (reader->piece_left == 0) {
        reader->piece_offset = reader->offset;
        reader->piece_left =
            reader->left < RF_STREAM_PIECE ? (uint32_t)reader->left : RF_STREAM_PIECE;
    }
    return RF_OK;
}

enum rf_code rf_stream_content(struct rf_stream_reader *reader, const uint8_t **bytes, size_t *size,
                               struct rf_error *error) {
    enum rf_code code = RF_OK;
    *size = 0;
    if (reader->piece_left == 0 && reader->left < reader->record.size) {
        code = end_piece(reader, error);
    }
    if (code != RF_OK || reader->left == 0) {
        return code;
    }
    code = begin_piece(reader, error);
    if (code != RF_OK) {
        return code;
    }
    size_t there = reader->end - reader->at;
    *size = there < reader->piece_left ? there : reader->piece_left;
    *bytes = reader->bytes + reader->at;
    rf_hasher_add(reader->hasher, *bytes, *size);
    reader->at += *size;
    reader->offset += *size;
    reader->arrived += *size;
    reader->left -= *size;
    reader->piece_left -= (uint32_t)*size;
    return RF_OK;
}

enum rf_code rf_stream_content_all(struct rf_stream_reader *reader, struct rf_buffer *out,
                                   struct rf_error *error) {
    for (;;) {
        const uint8_t *bytes;
        size_t size;
        enum rf_code code = rf_stream_content(reader, &bytes, &size, error);
        if (code != RF_OK || size == 0) {
            return code;
        }
        rf_buffer_append(out, bytes, size);
        code = rf_buffer_check(out, error);
        if (code != RF_OK) {
            return code;
        }
    }
}
