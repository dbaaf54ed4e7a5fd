/* One flag, set by whichever signal comes first. */
#include "tools/signals.h"

#include <signal.h>
#include <stddef.h>

static atomic_int stop;
static void (*_Atomic last_act)(void);

/* Calls nothing but what may be called in a handler; a lock-free atomic is such. */
static void on_signal(int number) {
    int none = 0;
    if (atomic_compare_exchange_strong(&stop, &none, number) || number != SIGINT) {
        return;
    }
    void (*last)(void) = atomic_load(&last_act);
    if (last) {
        last();
    }
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(SIGINT, &plain, NULL);
    raise(SIGINT); /* delivered on return from here */
}

const atomic_int *rf_signals_install(void) {
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++) {
        struct sigaction before;
        if (sigaction(caught[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(caught[i], &action, NULL);
        }
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    return &stop;
}

void rf_signals_before_end(void (*last)(void)) {
    atomic_store(&last_act, last);
}

const char *rf_signal_name(int number) {
    switch (number) {
    case SIGINT:
        return "SIGINT";
    case SIGTERM:
        return "SIGTERM";
    case SIGHUP:
        return "SIGHUP";
    default:
        return "a signal";
    }
}
