/* The program but for what a process does once: words in, exit code out. */
#ifndef RF_TOOLS_PROGRAM_H
#define RF_TOOLS_PROGRAM_H

#include <stdatomic.h>

#include "tools/output.h"

/* Prints to `output` and standard error, and flushes both. `stop` is the signals' flag. Secrets in
 * argv are overwritten once they are read. */
int rf_program(int argc, char **argv, struct rf_output *output, const atomic_int *stop);

#endif
