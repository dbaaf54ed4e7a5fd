/* What the tests of format/ share: chance that can be repeated, folders to write in, and columns of
 * odd values. */
#ifndef RF_TESTS_FORMAT_FIXTURE_H
#define RF_TESTS_FORMAT_FIXTURE_H

#include <criterion/criterion.h>
#include <limits.h>

#include "format/bytes.h"
#include "format/error.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Fails the test with the error's own words. */
#define assert_ok(code, error) cr_assert_eq((code), RF_OK, "%s (%s)", (error).what, (error).detail)

/* splitmix64: the same numbers for the same seed, everywhere. */
struct chance {
    uint64_t state;
};
uint64_t chance_next(struct chance *chance);
uint32_t chance_below(struct chance *chance, uint32_t limit); /* 0 ... limit - 1 */
static inline bool chance_one_in(struct chance *chance, uint32_t many) {
    return chance_below(chance, many) == 0;
}

/* What a column holds. */
enum flavour {
    FLAVOUR_NULL,
    FLAVOUR_SAME,   /* one integer */
    FLAVOUR_SMALL,  /* integers of a few bytes */
    FLAVOUR_RISING, /* integers with steps of about the same size */
    FLAVOUR_ANY,    /* integers over the whole range, the ends among them */
    FLAVOUR_REAL,
    FLAVOUR_TEXT,
    FLAVOUR_BLOB,
    FLAVOUR_EMPTY,   /* empty texts and blobs */
    FLAVOUR_NUMBERS, /* integers, reals and NULL */
    FLAVOUR_MIXED,   /* everything */
    FLAVOURS,
};
/* Appends a cell; `place` is the row's, for what depends on it. */
void chance_cell(struct chance *chance, enum flavour flavour, uint32_t place,
                 struct rf_buffer *row);

/* A folder of its own below the system's for temporary files; removed with all that is in it. */
void scratch_make(char path[PATH_MAX]);
void scratch_remove(const char *path);
/* "folder/name" */
const char *scratch_path(const char *folder, const char *name, char path[PATH_MAX]);
void scratch_read(const char *path, struct rf_buffer *bytes);
void scratch_write(const char *path, const void *bytes, size_t size);
uint32_t scratch_count(const char *folder); /* names in it */

#endif
