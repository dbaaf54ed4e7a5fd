#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/envelope.h"
#include "format/layout.h"

#define FIRST_FD 1000

void fuzz_fail(const char *what) {
    fprintf(stderr, "wrong: %s\n", what);
    abort();
}

/* Where in the file: a number of bytes in the detail, or in a line of context. */
static bool names_place(const struct rf_error *error) {
    bool found = strstr(error->detail, "byte") || strstr(error->detail, "offset");
    for (unsigned i = 0; i < error->contexts; i++) {
        found |= strstr(error->context[i], "offset") || strstr(error->context[i], "byte ");
    }
    return found;
}

bool fuzz_read(enum rf_code code, const struct rf_error *error) {
    if (code == RF_OK) {
        return true;
    }
    fuzz_must(code == RF_CORRUPT || code == RF_MISPLACED, error->what);
    fuzz_must(error->code == code, "an error of another code than was answered");
    fuzz_must(code == RF_MISPLACED || names_place(error), error->what);
    return false;
}

uint64_t fuzz_number(struct fuzz_input *input, unsigned bytes) {
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes && input->left > 0; i++) {
        number |= (uint64_t)*input->at++ << 8 * i;
        input->left--;
    }
    return number;
}

const uint8_t *fuzz_bytes(struct fuzz_input *input, size_t *size) {
    const uint8_t *at = input->at;
    *size = *size < input->left ? *size : input->left;
    input->at += *size;
    input->left -= *size;
    return at;
}

void fuzz_frame(const void *bytes, size_t size, struct rf_buffer *out) {
    enum { BLOCK_MAX = 128 << 10, LAST = 1 };
    const uint8_t *at = bytes;
    rf_buffer_u32(out, 0xfd2fb528u);
    rf_buffer_u8(out, 0xa0); /* one segment, its size in four bytes */
    rf_buffer_u32(out, (uint32_t)size);
    size_t some;
    do {
        some = size < BLOCK_MAX ? size : BLOCK_MAX;
        uint32_t head = (uint32_t)some << 3 | (some == size ? LAST : 0);
        rf_buffer_append(out, &head, 3);
        rf_buffer_append(out, at, some);
        at += some;
        size -= some;
    } while (size > 0);
}

static void wrap_body(const char *magic, const uint8_t *body, size_t size, struct rf_buffer *file) {
    rf_buffer_append(file, magic, RF_ENVELOPE_MAGIC_SIZE);
    rf_buffer_u32(file, RF_FORMAT_VERSION);
    rf_buffer_u32(file, (uint32_t)size);
    rf_buffer_u32(file, 0);
    size_t before = file->size;
    fuzz_frame(body, size, file);
    rf_store_u32(file->bytes + before - 4, (uint32_t)(file->size - before));
    rf_buffer_u8(file, 0); /* not signed */
    rf_buffer_u64(file, rf_checksum(file->bytes, file->size));
}

static void mend_file(const uint8_t *bytes, size_t size, struct rf_buffer *file) {
    rf_buffer_append(file, bytes, size);
    if (size >= 8) {
        rf_store_u64(file->bytes + size - 8, rf_checksum(file->bytes, size - 8));
    }
}

void fuzz_envelope(const char *magic, const uint8_t *data, size_t size, struct rf_buffer *file) {
    if (size >= RF_ENVELOPE_MAGIC_SIZE && memcmp(data, magic, RF_ENVELOPE_MAGIC_SIZE) == 0) {
        mend_file(data, size, file);
    } else {
        wrap_body(magic, data, size, file);
    }
}

static struct fuzz_files *files_of(struct rf_io *io) {
    return (struct fuzz_files *)(void *)io;
}

static int open_file(struct rf_io *io, const char *path, int flags, mode_t mode) {
    struct fuzz_files *files = files_of(io);
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    (void)flags;
    (void)mode;
    for (unsigned i = 0; i < files->count; i++) {
        if (strcmp(files->file[i].name, name) == 0) {
            files->open++;
            return FIRST_FD + (int)i;
        }
    }
    errno = ENOENT;
    return -1;
}

static int close_file(struct rf_io *io, int fd) {
    (void)fd;
    files_of(io)->open--;
    return 0;
}

static ssize_t read_file(struct rf_io *io, int fd, void *bytes, size_t size, off_t offset) {
    struct fuzz_files *files = files_of(io);
    size_t all = files->file[fd - FIRST_FD].size;
    size_t at = (size_t)offset < all ? (size_t)offset : all;
    size_t take = size < all - at ? size : all - at;
    if (take > 0) {
        memcpy(bytes, files->file[fd - FIRST_FD].bytes + at, take);
    }
    return (ssize_t)take;
}

static off_t size_of_file(struct rf_io *io, int fd) {
    return (off_t)files_of(io)->file[fd - FIRST_FD].size;
}

void fuzz_files_init(struct fuzz_files *files) {
    *files = (struct fuzz_files){
        .io = {.open = open_file, .close = close_file, .pread = read_file, .size = size_of_file}};
}

void fuzz_files_add(struct fuzz_files *files, const char *name, const struct rf_buffer *bytes) {
    fuzz_must(files->count < FUZZ_FILES_MAX, "too many files");
    snprintf(files->file[files->count].name, sizeof files->file[0].name, "%s", name);
    files->file[files->count].bytes = bytes->bytes;
    files->file[files->count].size = bytes->size;
    files->count++;
}
