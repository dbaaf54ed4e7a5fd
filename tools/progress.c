/* Two threads meet at one lock: the copy's, which never waits for it, and the display's. */
#include "tools/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tools/message.h"
#include "tools/progress_view.h"
#include "tools/text.h"
#include "tools/units.h"

#define TABLE_NAME 64u /* bytes shown of a name */

struct rf_progress {
    pthread_t thread;
    pthread_mutex_t lock; /* over all below; held by the display while it prints */
    pthread_cond_t wake;
    struct rf_view *view; /* NULL: lines are shown */
    bool terminal;
    bool ending;
    const char *phase; /* NULL: nothing to show */
    char table[TABLE_NAME];
    bool bytes;
    bool reported; /* numbers came since the phase began */
    uint64_t done, expected;
    uint64_t since;
    struct timespec clock;
};

/* ---- what is shown ---- */

static void put_amount(struct rf_buffer *out, uint64_t amount, bool bytes) {
    char text[RF_UNITS_TEXT];
    if (bytes) {
        rf_buffer_printf(out, "%s", rf_units_bytes(amount, text));
    } else {
        rf_buffer_printf(out, "%" PRIu64, amount);
    }
}

static void put_speed(const struct rf_progress_view *view, struct rf_buffer *out) {
    if (view->seconds < 0.5 || view->done <= view->since) {
        return; /* too early to tell */
    }
    double speed = (double)(view->done - view->since) / view->seconds;
    rf_buffer_printf(out, ", ");
    put_amount(out, (uint64_t)speed, view->bytes);
    rf_buffer_printf(out, view->bytes ? "/s" : " rows/s");
    if (view->expected > view->done) {
        char text[RF_UNITS_TEXT];
        double left = (double)(view->expected - view->done) / speed;
        rf_buffer_printf(out, ", %s left", rf_units_duration((uint64_t)left + 1, text));
    }
}

void rf_progress_format(const struct rf_progress_view *view, struct rf_buffer *out) {
    rf_buffer_printf(out, "%s", view->phase);
    if (view->table[0]) {
        rf_buffer_append(out, " ", 1);
        rf_text_name(out, view->table);
    }
    rf_buffer_printf(out, ": ");
    put_amount(out, view->done, view->bytes);
    if (view->expected > 0) {
        rf_buffer_printf(out, " of ");
        put_amount(out, view->expected, view->bytes);
    }
    rf_buffer_printf(out, view->bytes ? "" : " rows");
    if (view->expected > 0 && view->done <= view->expected) {
        double percent = 100.0 * (double)view->done / (double)view->expected;
        rf_buffer_printf(out, " (%d %%)", (int)percent);
    }
    put_speed(view, out);
}

/* ---- the display's thread ---- */

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

/* A background job that writes to its terminal may be stopped for it; it keeps silent instead. */
static bool may_write(const struct rf_progress *progress) {
    return !progress->terminal || tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static unsigned terminal_columns(void) {
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

static void show(const struct rf_progress *progress) {
    if (progress->view) {
        rf_view_draw(progress->view);
        return;
    }
    if (!progress->phase || !progress->reported || !may_write(progress)) {
        return;
    }
    struct rf_progress_view view = {
        .phase = progress->phase,
        .table = progress->table,
        .bytes = progress->bytes,
        .done = progress->done,
        .expected = progress->expected,
        .since = progress->since,
        .seconds = seconds_since(&progress->clock),
    };
    struct rf_buffer line = {0};
    rf_progress_format(&view, &line);
    rf_buffer_u8(&line, 0);
    if (!line.failed && progress->terminal) {
        rf_message_status((const char *)line.bytes, terminal_columns());
    } else if (!line.failed) {
        rf_message_progress((const char *)line.bytes);
    }
    rf_buffer_release(&line);
}

static struct timespec next_moment(const struct rf_progress *progress) {
    long milliseconds = progress->view ? 50 : progress->terminal ? 200 : 1000;
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_nsec += milliseconds * 1000000;
    moment.tv_sec += moment.tv_nsec / 1000000000;
    moment.tv_nsec %= 1000000000;
    return moment;
}

static void *display(void *context) {
    struct rf_progress *progress = context;
    pthread_mutex_lock(&progress->lock);
    struct timespec moment = next_moment(progress);
    while (!progress->ending) {
        /* Any answer but 0 is the time that is up. */
        if (pthread_cond_timedwait(&progress->wake, &progress->lock, &moment) != 0) {
            show(progress);
            moment = next_moment(progress);
        }
    }
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

/* ---- the copy's side ---- */

static void take(struct rf_progress *progress, const char *table, bool bytes, uint64_t done,
                 uint64_t expected) {
    if (!progress || pthread_mutex_trylock(&progress->lock) != 0) {
        return;
    }
    if (done < progress->done || expected != progress->expected) {
        progress->since = done; /* another table's count begins */
        clock_gettime(CLOCK_MONOTONIC, &progress->clock);
    }
    progress->reported = true;
    progress->bytes = bytes;
    progress->done = done;
    progress->expected = expected;
    snprintf(progress->table, sizeof progress->table, "%s", table ? table : "");
    pthread_mutex_unlock(&progress->lock);
}

void rf_progress_rows(struct rf_progress *progress, const char *table, uint64_t done,
                      uint64_t expected) {
    take(progress, table, false, done, expected);
}

void rf_progress_bytes(struct rf_progress *progress, uint64_t done, uint64_t expected) {
    take(progress, NULL, true, done, expected);
}

void rf_progress_phase(struct rf_progress *progress, const char *phase) {
    if (!progress) {
        return;
    }
    pthread_mutex_lock(&progress->lock);
    if (progress->view) {
        rf_view_phase(progress->view, phase);
    } else if (progress->terminal) {
        rf_message_status("", 0);
    } else if (!phase) {
        show(progress); /* where it ended; a short phase has had no line yet */
    }
    progress->phase = phase;
    progress->reported = false;
    progress->done = progress->since = 0;
    clock_gettime(CLOCK_MONOTONIC, &progress->clock);
    pthread_mutex_unlock(&progress->lock);
}

/* Signals are left to the threads that wait for something. */
static int start_thread(struct rf_progress *progress) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&progress->thread, NULL, display, progress);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

const struct rf_watch *rf_progress_watch(const struct rf_progress *progress) {
    return progress && progress->view ? rf_view_watch(progress->view) : NULL;
}

void rf_progress_proof(struct rf_progress *progress, uint64_t done, uint64_t expected) {
    if (progress && progress->view) {
        rf_view_proof(progress->view, done, expected);
    }
}

static void release(struct rf_progress *progress) {
    if (progress->view) {
        rf_view_close(progress->view);
    }
    pthread_cond_destroy(&progress->wake);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

struct rf_progress *rf_progress_start(enum rf_progress_when when,
                                      const struct rf_progress_about *about) {
    bool terminal = isatty(STDERR_FILENO);
    if (when == RF_PROGRESS_NEVER || (when == RF_PROGRESS_AUTO && !terminal)) {
        return NULL;
    }
    struct rf_progress *progress = calloc(1, sizeof *progress);
    if (!progress) {
        return NULL; /* nobody fails for want of a display */
    }
    progress->terminal = terminal;
    progress->view = terminal && about && when == RF_PROGRESS_ALWAYS ? rf_view_open(about) : NULL;
    pthread_mutex_init(&progress->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (start_thread(progress) != 0) {
        release(progress);
        return NULL;
    }
    return progress;
}

void rf_progress_stop(struct rf_progress *progress) {
    if (!progress) {
        return;
    }
    rf_progress_phase(progress, NULL);
    pthread_mutex_lock(&progress->lock);
    progress->ending = true;
    pthread_cond_signal(&progress->wake);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    release(progress);
}
