/* Signals: the first SIGINT, SIGTERM or SIGHUP asks for an end, which the loops of capture and
 * replay come to between batches; a second SIGINT ends the process at once, as if nothing had been
 * caught. SIGPIPE is ignored: a write that nobody reads fails with EPIPE and is handled where it
 * is made. */
#ifndef RF_TOOLS_SIGNALS_H
#define RF_TOOLS_SIGNALS_H

#include <stdatomic.h>

/* Called once, before any thread. Returns the flag: 0, or the number of the signal that came. A
 * signal that the caller's caller had ignored (nohup, a shell's background job) stays ignored. */
const atomic_int *rf_signals_install(void);

/* Called in the handler when a second SIGINT is about to end the process; NULL: nothing is. It may
 * do only what may be done in a handler. */
void rf_signals_before_end(void (*last)(void));

/* "SIGINT"; "a signal" for those that are not ours. */
const char *rf_signal_name(int number);

#endif
