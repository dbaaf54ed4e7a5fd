#include "captured.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct rf_output captured_output(void) {
    struct rf_output output;
    int fd = memfd_create("output", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    rf_output_init(&output, fd);
    return output;
}

char *captured_text(struct rf_output *output) {
    rf_output_flush(output);
    cr_assert_eq(output->failed, 0, "writing to memory failed");
    off_t size = lseek(output->fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    cr_assert_not_null(text);
    cr_assert_eq(pread(output->fd, text, (size_t)size, 0), size);
    close(output->fd);
    rf_output_release(output);
    return text;
}
