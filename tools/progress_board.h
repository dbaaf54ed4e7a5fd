/* The board that the threads of a run write on and the display reads: numbers of every table, and
 * what every worker does.
 *
 * Whoever writes never waits, not even for another writer: all is atomic, tables are found in a
 * set that only grows, and a table that finds no place there is counted and not listed. Looking is
 * for one thread at a time. */
#ifndef RF_TOOLS_PROGRESS_BOARD_H
#define RF_TOOLS_PROGRESS_BOARD_H

#include <stdint.h>

#include "format/watch.h"
#include "tools/scene.h"

/* More tables than that are not listed. */
#define RF_BOARD_TABLES 4096u

struct rf_board;

struct rf_board *rf_board_new(void); /* NULL: no memory */
void rf_board_free(struct rf_board *board);

/* What capture and replay are given; lives as long as the board. */
const struct rf_watch *rf_board_watch(const struct rf_board *board);
/* The proof of a repository. */
void rf_board_proof(struct rf_board *board, uint64_t done, uint64_t expected);

/* Takes down parts, tables and workers, as they are `seconds` after the beginning, and leaves the
 * rest of the scene alone. Names and the list of tables are the board's, until the next look. */
void rf_board_look(struct rf_board *board, double seconds, struct rf_scene *scene);

#endif
