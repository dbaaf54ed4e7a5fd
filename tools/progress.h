/* Progress on standard error, from a thread of its own.
 *
 * The callbacks only leave numbers behind, and not even that while the thread is busy with them: a
 * terminal that is stopped with Ctrl-S, or a pipe that nobody reads, holds up the display and never
 * the copy. It has three faces: on a terminal a view of the whole screen where that was asked for
 * and can be, else one line that is rewritten in place; elsewhere a plain line a second. */
#ifndef RF_TOOLS_PROGRESS_H
#define RF_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/watch.h"
#include "tools/output.h"
#include "tools/values.h"

struct rf_progress;

/* What a view of the whole screen is headed with. All is borrowed until the end. */
struct rf_progress_about {
    const char *command;
    const char *source, *target; /* from where to where; may be NULL */
    struct rf_output *output;    /* kept back while it would be written over the view */
};

/* NULL where none is to be shown, which all functions accept. `about` NULL: no view of the whole
 * screen, even for RF_PROGRESS_ALWAYS. */
struct rf_progress *rf_progress_start(enum rf_progress_when when,
                                      const struct rf_progress_about *about);
/* The display is gone when this returns, and what it kept back is printed. */
void rf_progress_stop(struct rf_progress *progress);

/* What the numbers that come next are about ("capture"). NULL: nothing for now; the line is gone
 * when this returns, so that standard output can be written to the same terminal. */
void rf_progress_phase(struct rf_progress *progress, const char *phase);

/* From any thread. `expected` is 0 where it is not known. */
void rf_progress_rows(struct rf_progress *progress, const char *table, uint64_t done,
                      uint64_t expected);
void rf_progress_bytes(struct rf_progress *progress, uint64_t done, uint64_t expected);

/* For the view alone: whom capture and replay tell of tables and workers, NULL where nobody looks;
 * and how far the proof of the repository is. */
const struct rf_watch *rf_progress_watch(const struct rf_progress *progress);
void rf_progress_proof(struct rf_progress *progress, uint64_t done, uint64_t expected);

/* What the one line shows, apart from when and where. */
struct rf_progress_view {
    const char *phase;
    const char *table; /* "" for none */
    bool bytes;        /* numbers are bytes, not rows */
    uint64_t done, expected;
    uint64_t since; /* `done` when the clock was started */
    double seconds; /* since then */
};
/* "capture events: 1200000 of 5800000 rows (20 %), 812345 rows/s, 6 s left" */
void rf_progress_format(const struct rf_progress_view *view, struct rf_buffer *out);

#endif
