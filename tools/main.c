/* rowferry: what a process does once, then the program. */
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/output.h"
#include "tools/program.h"
#include "tools/signals.h"

int main(int argc, char **argv) {
    rf_output_guard_standard_files();
    /* Names are UTF-8 whatever the user's locale: the same globs match the same tables everywhere.
     * Numbers and messages stay as in "C". */
    setlocale(LC_CTYPE, "C.UTF-8");
    const atomic_int *stop = rf_signals_install();
    struct rf_output output;
    rf_output_init(&output, STDOUT_FILENO);
    int exit_code = rf_program(argc, argv, &output, stop);
    rf_output_release(&output);
    return exit_code;
}
