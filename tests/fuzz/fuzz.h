/* What the fuzz targets share. A target is one function, LLVMFuzzerTestOneInput, in a file of its own.
 *
 * Checksums would keep a fuzzer out of all that comes behind them, and compression would hide the bytes that it wants to
 * change. So targets take what is inside, plain, and wrap it here as a writer would: frames, checksums, digests.
 *
 * A target may expect of the library: it answers RF_OK, or RF_CORRUPT or RF_MISPLACED with the place in the file; never that
 * there is no memory, as sizes are held against limits before anything is allocated. */
#ifndef RF_TESTS_FUZZ_H
#define RF_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/archive.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, for the fuzzer to see. */
_Noreturn void fuzz_fail(const char *what);
static inline void fuzz_must(bool good, const char *what) {
    if (!good) {
        fuzz_fail(what);
    }
}
/* Whether it was read; ends the program where it was refused in another way than it should be. */
bool fuzz_read(enum rf_code code, const struct rf_error *error);

/* The next bytes of an input, at most as many as are left. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};
uint64_t fuzz_number(struct fuzz_input *input, unsigned bytes); /* 0 behind the end */
const uint8_t *fuzz_bytes(struct fuzz_input *input, size_t *size);

/* Appends a zstd frame that holds these bytes, uncompressed. */
void fuzz_frame(const void *bytes, size_t size, struct rf_buffer *out);

/* A manifest or fold from an input: a file where it begins with the magic, of which only the checksum is put right, or else the
 * body of one. */
void fuzz_envelope(const char *magic, const uint8_t *data, size_t size, struct rf_buffer *file);

/* The bytes of a file that lies in memory; all but reading fails. */
#define FUZZ_FILES_MAX 18u
struct fuzz_files {
    struct rf_io io; /* first */
    unsigned count, open;
    struct {
        char name[RF_ARCHIVE_NAME_SIZE]; /* the last part of its path */
        const uint8_t *bytes;
        size_t size;
    } file[FUZZ_FILES_MAX];
};
void fuzz_files_init(struct fuzz_files *files);
void fuzz_files_add(struct fuzz_files *files, const char *name, const struct rf_buffer *bytes);

#endif
