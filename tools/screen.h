/* A terminal taken over for a while: its alternate screen, painted by ncurses.
 *
 * Nothing here waits for the terminal. ncurses writes into memory; from there bytes go out through
 * a non-blocking description of the terminal that is ours alone (making standard error non-blocking
 * would do so for everybody who shares it). While an earlier picture has not gone out, no new one
 * is painted. A terminal that is stopped with Ctrl-S, or that nobody reads, costs nothing but the
 * view; rf_screen_leave waits for it a little, then makes it take what puts it right again.
 *
 * The terminal is put right on every way out that a program can see: rf_screen_close, the second
 * SIGINT, a fatal signal, Ctrl-Z. Keys are not read: only their echo is switched off.
 *
 * One screen a process; one thread at a time, but for rf_screen_rescue. */
#ifndef RF_TOOLS_SCREEN_H
#define RF_TOOLS_SCREEN_H

#include <stdbool.h>

#include "tools/screen_layout.h"

struct rf_screen;

/* For the terminal `fd`. NULL where there can be none: not a terminal, one without a cursor that
 * can be placed (TERM), one that cannot be opened anew, no memory. What the files `spools` hold
 * goes to the terminal should the process be ended meanwhile (-1: none). Shows nothing yet. */
#define RF_SCREEN_SPOOLS 2u
struct rf_screen *rf_screen_open(int fd, const int spools[RF_SCREEN_SPOOLS]);
void rf_screen_close(struct rf_screen *screen); /* leaves it, too; NULL is fine */

/* The terminal's size now. */
void rf_screen_size(const struct rf_screen *screen, unsigned *width, unsigned *height);
/* Enters the alternate screen if need be, and shows the canvas, or as much of it as fits; or does
 * nothing, while the terminal is slow or belongs to another job. */
void rf_screen_paint(struct rf_screen *screen, const struct rf_canvas *canvas);
/* What was there before is there again. Within a second or so, whatever the terminal does. */
void rf_screen_leave(struct rf_screen *screen);

/* Somebody typed Ctrl-Z: leaves, stops the process as it asks, and returns when it goes on. To be
 * called often; does nothing otherwise. */
void rf_screen_heed_stop(struct rf_screen *screen);

/* For a signal handler that is about to end the process. */
void rf_screen_rescue(void);

#endif
