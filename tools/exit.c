/* The one place where errors become exit codes. */
#include "tools/exit.h"

#include <stddef.h>

const struct rf_exit_meaning rf_exit_meanings[] = {
    {"0", "done, and nothing set aside"},
    {"1", "failed"},
    {"2", "usage or configuration"},
    {"3", "damage, or a difference between repository and target"},
    {"4", "target not where it should be (other source, gap in the chain, schema does not fit, "
          "written to by others)"},
    {"5", "cannot connect or not allowed"},
    {"6", "locked by another run"},
    {"7", "local storage: unreadable, unwritable, full"},
    {"8", "done, with rows set aside"},
    {"128+N", "stopped by signal N, resumable"},
    {NULL, NULL},
};

int rf_exit_of(enum rf_code code, int signal) {
    switch (code) {
    case RF_OK:
        return RF_EXIT_DONE;
    case RF_FAILED:
    case RF_NO_MEMORY:
        return RF_EXIT_FAILED;
    case RF_USAGE:
        return RF_EXIT_USAGE;
    case RF_CORRUPT:
    case RF_DIFFERENT:
        return RF_EXIT_DAMAGE;
    case RF_MISPLACED:
        return RF_EXIT_MISPLACED;
    case RF_CONNECT:
        return RF_EXIT_CONNECT;
    case RF_LOCKED:
        return RF_EXIT_LOCKED;
    case RF_STORAGE:
        return RF_EXIT_STORAGE;
    case RF_INTERRUPTED:
        return signal > 0 ? RF_EXIT_SIGNAL + signal : RF_EXIT_FAILED;
    }
    return RF_EXIT_FAILED;
}
