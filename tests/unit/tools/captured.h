/* What was printed to an rf_output, as a string. */
#ifndef RF_TESTS_CAPTURED_H
#define RF_TESTS_CAPTURED_H

#include "tools/output.h"

/* An output that prints into memory. */
struct rf_output captured_output(void);
/* Flushes; the text is the caller's to free. The output is released. */
char *captured_text(struct rf_output *output);

#endif
