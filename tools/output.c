/* A buffer before a file descriptor. */
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/text.h"

#define PENDING_AT_MOST 65536u

void rf_output_init(struct rf_output *output, int fd) {
    *output = (struct rf_output){.fd = fd};
}

void rf_output_release(struct rf_output *output) {
    rf_buffer_release(&output->pending);
}

/* A terminal or pipe that somebody made non-blocking is waited for. */
static ssize_t write_some(int fd, const void *bytes, size_t size) {
    for (;;) {
        ssize_t written = write(fd, bytes, size);
        if (written >= 0 || (errno != EINTR && errno != EAGAIN)) {
            return written;
        }
        if (errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        }
    }
}

void rf_output_flush(struct rf_output *output) {
    if (output->pending.failed && !output->failed) {
        output->failed = ENOMEM;
    }
    size_t done = 0;
    while (!output->failed && done < output->pending.size) {
        ssize_t written =
            write_some(output->fd, output->pending.bytes + done, output->pending.size - done);
        if (written <= 0) {
            output->failed = written < 0 ? errno : EIO;
        } else {
            done += (size_t)written;
        }
    }
    rf_buffer_clear(&output->pending);
}

static void flush_when_full(struct rf_output *output) {
    if (output->pending.failed || output->pending.size >= PENDING_AT_MOST) {
        rf_output_flush(output);
    }
}

void rf_output_bytes(struct rf_output *output, const void *bytes, size_t size) {
    rf_buffer_append(&output->pending, bytes, size);
    flush_when_full(output);
}

void rf_output_printf(struct rf_output *output, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0) {
        output->failed = output->failed ? output->failed : ENOMEM;
        return;
    }
    rf_output_bytes(output, text, (size_t)size);
    free(text);
}

void rf_output_name(struct rf_output *output, const char *name) {
    rf_text_name(&output->pending, name);
    flush_when_full(output);
}

enum rf_code rf_output_close(struct rf_output *output, struct rf_error *error) {
    rf_output_flush(output);
    if (!output->failed) {
        return RF_OK;
    }
    enum rf_code code = rf_fail_errno(error, output->failed, "cannot write to standard output");
    rf_detail(error, "the command came to its end; only what it had to print is lost.");
    return code;
}

void rf_output_guard_standard_files(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) {
            continue;
        }
        /* The lowest free number is fd itself. Opened the wrong way round, reading and writing
         * fail. */
        if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) {
            _exit(1);
        }
    }
}
