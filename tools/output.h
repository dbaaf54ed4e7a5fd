/* Standard output: where data goes.
 *
 * Sticky: once a write has failed, further text is dropped, the work goes on (a capture does not
 * fail because its table cannot be shown), and rf_output_close tells what happened, at the end. */
#ifndef RF_TOOLS_OUTPUT_H
#define RF_TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "format/bytes.h"
#include "format/error.h"

struct rf_output {
    int fd;
    int failed; /* errno of the first failure, else 0 */
    struct rf_buffer pending;
};

void rf_output_init(struct rf_output *output, int fd);
void rf_output_release(struct rf_output *output);

void rf_output_bytes(struct rf_output *output, const void *bytes, size_t size);
void rf_output_printf(struct rf_output *output, const char *format, ...) RF_PRINTF(2, 3);
/* A name from the database, escaped for the terminal (text.h). */
void rf_output_name(struct rf_output *output, const char *name);
/* What is pending goes out now. */
void rf_output_flush(struct rf_output *output);
/* Flushes, and RF_STORAGE if anything was lost since rf_output_init. Does not close the
 * descriptor. */
RF_MUST_USE enum rf_code rf_output_close(struct rf_output *output, struct rf_error *error);

/* Descriptors 0, 1 and 2 that the caller closed are opened in such a way that using them fails:
 * otherwise the next file opened would become standard output, and a table be printed into it. */
void rf_output_guard_standard_files(void);

#endif
