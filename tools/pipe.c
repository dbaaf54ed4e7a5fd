#include "tools/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define WIDE (1 << 20)
#define LOOK_MS 200 /* how often the stop flag is looked at while nothing comes */

void rf_pipe_widen(const struct rf_pipe *pipe) {
    (void)!fcntl(pipe->fd, F_SETPIPE_SZ, WIDE); /* what is no pipe has no such size */
}

/* Until something can be read or written. A signal that comes while poll waits ends it; one that comes just
 * before is seen a moment later. */
static enum rf_code wait_for(const struct rf_pipe *pipe, short events, struct rf_error *error) {
    struct pollfd ready = {.fd = pipe->fd, .events = events};
    for (;;) {
        if (atomic_load(pipe->stop)) {
            return rf_fail(error, RF_INTERRUPTED, "stopped");
        }
        int answer = poll(&ready, 1, LOOK_MS);
        if (answer > 0) {
            return RF_OK;
        }
        if (answer < 0 && errno != EINTR && errno != EAGAIN) {
            return rf_fail_errno(error, errno, "cannot wait for %s", pipe->name);
        }
    }
}

static enum rf_code cannot_write(const struct rf_pipe *pipe, int number, struct rf_error *error) {
    enum rf_code code = rf_fail_errno(error, number, "cannot write to %s", pipe->name);
    if (number == EPIPE) {
        rf_hint(error, "whoever reads the stream ended first; look at what it said.");
    }
    return code;
}

static bool is_worth_another(int number) {
    return number == EINTR || number == EAGAIN;
}

enum rf_code rf_pipe_put(void *context, const void *bytes, size_t size, struct rf_error *error) {
    const struct rf_pipe *pipe = context;
    const char *at = bytes;
    while (size > 0) {
        enum rf_code code = wait_for(pipe, POLLOUT, error);
        if (code != RF_OK) {
            return code;
        }
        ssize_t put = write(pipe->fd, at, size);
        if (put == 0 || (put < 0 && !is_worth_another(errno))) {
            return cannot_write(pipe, put < 0 ? errno : EIO, error);
        }
        size_t done = put > 0 ? (size_t)put : 0;
        at += done;
        size -= done;
    }
    return RF_OK;
}

enum rf_code rf_pipe_get(void *context, void *bytes, size_t size, size_t *got,
                         struct rf_error *error) {
    const struct rf_pipe *pipe = context;
    for (;;) {
        enum rf_code code = wait_for(pipe, POLLIN, error);
        if (code != RF_OK) {
            return code;
        }
        ssize_t there = read(pipe->fd, bytes, size);
        if (there >= 0) {
            *got = (size_t)there;
            return RF_OK;
        }
        if (!is_worth_another(errno)) {
            return rf_fail_errno(error, errno, "cannot read %s", pipe->name);
        }
    }
}
