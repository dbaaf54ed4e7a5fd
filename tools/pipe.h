/* The end of a pipe, or an open file, that a stream goes through.
 *
 * Whoever waits for the other end still hears a signal: reads and writes begin only when there is something
 * to do, and between them the stop flag is looked at. */
#ifndef RF_TOOLS_PIPE_H
#define RF_TOOLS_PIPE_H

#include <stdatomic.h>
#include <stddef.h>

#include "format/error.h"

struct rf_pipe {
    int fd;
    const char *name; /* for messages */
    const atomic_int *stop;
};

/* A pipe gets as large a buffer as the system gives. */
void rf_pipe_widen(const struct rf_pipe *pipe);
/* An rf_stream_put and an rf_stream_get (format/stream.h); the context is the pipe. */
RF_MUST_USE enum rf_code rf_pipe_put(void *context, const void *bytes, size_t size,
                                     struct rf_error *error);
RF_MUST_USE enum rf_code rf_pipe_get(void *context, void *bytes, size_t size, size_t *got,
                                     struct rf_error *error);

#endif
