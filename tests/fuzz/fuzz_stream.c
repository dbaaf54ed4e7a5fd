/* Streams, imported into a repository in a folder of its own. What was taken in is whole.
 *
 *   u8 flags: 1: a head of its own follows, 64 bytes of numbers and digests; else one that fits
 *   then records: u8 kind, of which bit 7 says that a u64 follows which is the size told; u16 size, the file:
 *   of a manifest or fold its body, of an archive all of it
 *
 * Checksums and digests are what they should be. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/import.h"
#include "format/manifest_layout.h"
#include "format/stream.h"
#include "format/whole.h"
#include "tests/fuzz/fuzz.h"

#define LIES 0x80u
#define SOURCE_AT 64u /* in a manifest's body */

struct making {
    struct rf_stream_head head;
    bool own_head;
    bool sourced;
    struct rf_buffer records, file;
};

static void take_numbers(struct fuzz_input *input, struct rf_stream_head *head) {
    head->since.number = fuzz_number(input, 8);
    head->since.digest.low = fuzz_number(input, 8);
    head->last.number = fuzz_number(input, 8);
    head->last.digest.low = fuzz_number(input, 8);
    head->snapshots = fuzz_number(input, 8);
    head->bytes = fuzz_number(input, 8);
}

static void note_manifest(struct making *making, const uint8_t *body, size_t size) {
    struct fuzz_input start = {.at = body, .left = size};
    if (!making->sourced && size >= SOURCE_AT + RF_SOURCE_ID_SIZE) {
        memcpy(making->head.source, body + SOURCE_AT, RF_SOURCE_ID_SIZE);
        making->sourced = true;
    }
    if (!making->own_head) {
        making->head.snapshots++;
        making->head.last.number = fuzz_number(&start, 8);
        making->head.last.digest = rf_hash_bytes(making->file.bytes, making->file.size);
    }
}

static void make_file(struct making *making, enum rf_record_kind kind, const uint8_t *data,
                      size_t size) {
    rf_buffer_clear(&making->file);
    if (kind == RF_RECORD_MANIFEST) {
        fuzz_envelope(RF_MANIFEST_MAGIC, data, size, &making->file);
        note_manifest(making, data, size);
    } else if (kind == RF_RECORD_FOLD) {
        fuzz_envelope("RFFOLDED", data, size, &making->file);
    } else {
        rf_buffer_append(&making->file, data, size);
    }
}

/* Records are kept as a u64 told, a u64 size, a kind and the file, until the head is known. */
static void gather(struct making *making, struct fuzz_input *input) {
    while (input->left > 0) {
        uint8_t kind = (uint8_t)fuzz_number(input, 1);
        uint64_t told = kind & LIES ? fuzz_number(input, 8) : 0;
        size_t size = (size_t)fuzz_number(input, 2);
        const uint8_t *data = fuzz_bytes(input, &size);
        make_file(making, (enum rf_record_kind)(kind & ~LIES), data, size);
        rf_buffer_u64(&making->records, kind & LIES ? told : making->file.size);
        rf_buffer_u64(&making->records, making->file.size);
        rf_buffer_u8(&making->records, kind & (uint8_t)~LIES);
        rf_buffer_append(&making->records, making->file.bytes, making->file.size);
        making->head.bytes += making->own_head ? 0 : making->file.size;
    }
}

static void put_record(const struct rf_record *record, const uint8_t *file, size_t size,
                       uint64_t seed, struct rf_buffer *out) {
    uint8_t bytes[RF_RECORD_SIZE];
    rf_record_encode(record, seed, out->size, bytes);
    rf_buffer_append(out, bytes, sizeof bytes);
    if (size > 0) {
        uint64_t offset = out->size;
        rf_buffer_append(out, file, size);
        rf_buffer_u64(out, rf_piece_checksum(seed, offset, record->digest));
    }
}

/* Inputs are shorter than a piece. */
static void make_stream(const uint8_t *data, size_t size, struct rf_buffer *out) {
    struct fuzz_input input = {.at = data, .left = size};
    struct making making = {.own_head = fuzz_number(&input, 1) & 1};
    if (making.own_head) {
        take_numbers(&input, &making.head);
    }
    gather(&making, &input);
    uint8_t head[RF_STREAM_HEAD_SIZE];
    rf_stream_head_encode(&making.head, head);
    uint64_t seed = rf_load_u64(head + RF_STREAM_HEAD_SIZE - 8), all = 0;
    rf_buffer_append(out, head, sizeof head);
    struct rf_cursor cursor = rf_cursor_of(making.records.bytes, making.records.size);
    while (rf_cursor_left(&cursor) > 0) {
        struct rf_record record = {.size = rf_cursor_u64(&cursor)};
        size_t bytes = (size_t)rf_cursor_u64(&cursor);
        record.kind = (enum rf_record_kind)rf_cursor_u8(&cursor);
        const uint8_t *file = rf_cursor_bytes(&cursor, bytes);
        record.digest = rf_hash_bytes(file, bytes);
        put_record(&record, file, bytes, seed, out);
        all += bytes;
    }
    const struct rf_record end = {.kind = RF_RECORD_END, .size = all};
    put_record(&end, NULL, 0, seed, out);
    fuzz_must(!out->failed && !making.records.failed && !cursor.failed, "no memory");
    rf_buffer_release(&making.records);
    rf_buffer_release(&making.file);
}

/* ---- the repository ---- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int no_sync(struct rf_io *io, int fd) {
    (void)io;
    (void)fd;
    return 0;
}

static enum rf_code get(void *context, void *bytes, size_t size, size_t *got,
                        struct rf_error *error) {
    struct fuzz_input *input = context;
    (void)error;
    *got = size;
    const uint8_t *from = fuzz_bytes(input, got);
    memcpy(bytes, from, *got);
    return RF_OK;
}

static void expect_whole(struct rf_io *io, const char *path) {
    struct rf_repository *repository;
    struct rf_error error;
    fuzz_must(rf_repository_open(io, path, RF_REPOSITORY_READ, &repository, &error) == RF_OK,
              error.what);
    for (uint32_t i = 0; i < rf_repository_count(repository); i++) {
        struct rf_whole whole;
        const struct rf_snapshot_name *name = rf_repository_snapshot(repository, i);
        fuzz_must(rf_whole_look(repository, name, &whole, &error) == RF_OK, error.what);
        fuzz_must(whole.missing == 0, "a snapshot that is not whole");
    }
    rf_repository_close(repository);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const atomic_int go_on;
    struct rf_buffer stream = {0};
    struct rf_error error = {0};
    struct rf_import_result result;
    struct rf_io io = *rf_io_posix();
    char folder[64], path[128];
    io.fsync = no_sync;
    bool in_memory = access("/dev/shm", W_OK) == 0;
    snprintf(folder, sizeof folder, "%s/rf-fuzz-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    fuzz_must(mkdtemp(folder), "no folder");
    snprintf(path, sizeof path, "%s/repository", folder);
    make_stream(data, size, &stream);
    struct fuzz_input input = {.at = stream.bytes, .left = stream.size};
    const struct rf_import_options options = {
        .path = path, .stop = &go_on, .get = get, .get_context = &input};
    enum rf_code code = rf_import(&io, &options, &result, &error);
    bool full = code == RF_STORAGE && error.sys_errno == ENOSPC; /* of archives without end */
    bool good = !full && fuzz_read(code, &error);
    if (good || result.imported > 0) {
        expect_whole(&io, path);
    }
    rf_buffer_release(&stream);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
