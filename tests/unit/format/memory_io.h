/* Two stand-ins for the file system: one file that lives in memory, so that thousands of damaged
 * ones can be read quickly; and the real thing, of which the Nth call fails. */
#ifndef RF_TESTS_FORMAT_MEMORY_IO_H
#define RF_TESTS_FORMAT_MEMORY_IO_H

#include <stdatomic.h>

#include "format/io.h"

/* Whatever is opened for reading is these bytes. */
struct memory_io {
    struct rf_io io; /* first */
    const void *bytes;
    size_t size;
    int open; /* files that were opened and not closed */
};
struct memory_io memory_io_of(const void *bytes, size_t size);

/* Passes every call on, until call number `fail_at` (from 1; 0 never) answers -1 and `error`. */
struct failing_io {
    struct rf_io io; /* first */
    int fail_at;
    int error;
    bool forever; /* and so do all after it */
    atomic_int calls;
    atomic_bool failed;
};
void failing_io_init(struct failing_io *failing, int fail_at, int error, bool forever);

#endif
