/* A table for people: columns as wide as their widest cell, numbers to the right, names escaped.
 *
 * Cells are added row by row, from the left. Sticky: want of memory shows when it is printed. */
#ifndef RF_TOOLS_GRID_H
#define RF_TOOLS_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "tools/output.h"

struct rf_grid_column {
    const char *title;
    bool right; /* numbers */
};

struct rf_grid;
/* The columns are borrowed. NULL when there is no memory, which the other functions accept. */
struct rf_grid *rf_grid_new(const struct rf_grid_column *columns, unsigned count);
void rf_grid_free(struct rf_grid *grid); /* NULL is fine */

void rf_grid_name(struct rf_grid *grid, const char *name);
void rf_grid_number(struct rf_grid *grid, uint64_t number);
void rf_grid_text(struct rf_grid *grid, const char *format, ...) RF_PRINTF(2, 3);

/* The titles and all rows; no trailing blanks. Nothing where no row was added. */
void rf_grid_print(const struct rf_grid *grid, struct rf_output *output);

#endif
