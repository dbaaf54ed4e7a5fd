/* The full-screen view of a run: board, layout and screen put together.
 *
 * While it is open, messages go to memory, and so does standard output where that is the same
 * terminal; both come to where they belong when it is closed. */
#ifndef RF_TOOLS_PROGRESS_VIEW_H
#define RF_TOOLS_PROGRESS_VIEW_H

#include <stdint.h>

#include "format/watch.h"
#include "tools/progress.h"

struct rf_view;

/* NULL where there can be none: standard error is no terminal that can show it, or this is a job in
 * the background. `about` stays the caller's, and there. */
struct rf_view *rf_view_open(const struct rf_progress_about *about);
/* By the thread that opened it, once no other one draws. */
void rf_view_close(struct rf_view *view);

const struct rf_watch *rf_view_watch(const struct rf_view *view);
void rf_view_proof(struct rf_view *view, uint64_t done, uint64_t expected);

/* A string that stays, or NULL. By the thread that draws, or while none does. */
void rf_view_phase(struct rf_view *view, const char *phase);

/* Brings what is shown up to date. By one thread, some times a second; a run that is over before a
 * view could be read never shows one. */
void rf_view_draw(struct rf_view *view);

#endif
