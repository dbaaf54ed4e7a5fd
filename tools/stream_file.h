/* The file that an export writes: under a name of its own until all of it is on the disk.
 *
 * The name is FILE.part. It is locked, so that a second export to the same file is refused; what a killed one left
 * is locked by nobody and made anew. */
#ifndef RF_TOOLS_STREAM_FILE_H
#define RF_TOOLS_STREAM_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "format/error.h"
#include "format/io.h"

struct rf_stream_file {
    struct rf_io *io;
    bool replace;
    int fd;
    char path[PATH_MAX], part[PATH_MAX], folder[PATH_MAX];
};

/* RF_USAGE: there is such a file, and it is not to be replaced, or is none; RF_LOCKED. */
RF_MUST_USE enum rf_code rf_stream_file_open(struct rf_io *io, const char *path, bool replace,
                                             struct rf_stream_file *file, struct rf_error *error);
/* An rf_stream_put (format/stream.h). */
RF_MUST_USE enum rf_code rf_stream_file_put(void *context, const void *bytes, size_t size,
                                            struct rf_error *error);
/* Gives it its name. On failure nothing is left, as after rf_stream_file_abort. */
RF_MUST_USE enum rf_code rf_stream_file_finish(struct rf_stream_file *file, struct rf_error *error);
void rf_stream_file_abort(struct rf_stream_file *file);

#endif
