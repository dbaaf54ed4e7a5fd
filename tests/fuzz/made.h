/* A table of a full archive and deltas upon it, made of an input: whatever blocks it says, under checksums and
 * digests that fit.
 *
 *   u16 size, table description; then for each archive u8 gone form, u8 blocks, and for each block
 *   u8 kind, u16 rows, i64 first rowid, i64 last rowid, u16 size, raw bytes */
#ifndef RF_TESTS_FUZZ_MADE_H
#define RF_TESTS_FUZZ_MADE_H

#include "format/manifest.h"
#include "tests/fuzz/fuzz.h"

#define MADE_ARCHIVES_MAX 6u

struct made {
    const uint8_t *description;
    size_t description_size;
    struct fuzz_files files;
    struct rf_buffer bytes[MADE_ARCHIVES_MAX];
    struct rf_archive_ref refs[MADE_ARCHIVES_MAX];
    struct rf_manifest_table table;
};

/* False where the input describes no table; to be released all the same. */
bool made_of(struct fuzz_input *input, struct made *made);
void made_release(struct made *made);
/* The digest that is said to be the rows' once so many of the archives are applied. */
struct rf_digest made_after(uint32_t archives);

#endif
