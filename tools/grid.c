/* Cells lie one after another in one buffer, each ended by a NUL. */
#include "tools/grid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "tools/text.h"

#define GAP 2u /* blanks between columns */

struct rf_grid {
    const struct rf_grid_column *columns;
    unsigned count;
    uint64_t cells;
    struct rf_buffer text;
};

struct rf_grid *rf_grid_new(const struct rf_grid_column *columns, unsigned count) {
    struct rf_grid *grid = calloc(1, sizeof *grid);
    if (grid) {
        grid->columns = columns;
        grid->count = count;
    }
    return grid;
}

void rf_grid_free(struct rf_grid *grid) {
    if (grid) {
        rf_buffer_release(&grid->text);
        free(grid);
    }
}

static void end_cell(struct rf_grid *grid) {
    rf_buffer_u8(&grid->text, 0);
    grid->cells++;
}

void rf_grid_name(struct rf_grid *grid, const char *name) {
    if (grid) {
        rf_text_name(&grid->text, name);
        end_cell(grid);
    }
}

void rf_grid_number(struct rf_grid *grid, uint64_t number) {
    rf_grid_text(grid, "%" PRIu64, number);
}

void rf_grid_text(struct rf_grid *grid, const char *format, ...) {
    if (!grid) {
        return;
    }
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    rf_buffer_append(&grid->text, text, strlen(text));
    end_cell(grid);
}

static void measure(const struct rf_grid *grid, size_t *widths) {
    for (unsigned column = 0; column < grid->count; column++) {
        const char *title = grid->columns[column].title;
        widths[column] = rf_text_width(title, strlen(title));
    }
    const char *cell = (const char *)grid->text.bytes;
    for (uint64_t i = 0; i < grid->cells; i++) {
        size_t size = strlen(cell);
        size_t width = rf_text_width(cell, size);
        size_t *widest = &widths[i % grid->count];
        *widest = width > *widest ? width : *widest;
        cell += size + 1;
    }
}

static void print_blanks(struct rf_output *output, size_t count) {
    rf_output_printf(output, "%*s", (int)count, "");
}

static void print_cell(const struct rf_grid *grid, unsigned column, size_t width, const char *cell,
                       struct rf_output *output) {
    size_t size = strlen(cell);
    size_t blanks = width - rf_text_width(cell, size);
    bool right = grid->columns[column].right;
    bool last = column + 1 == grid->count;
    if (right) {
        print_blanks(output, blanks);
    }
    rf_output_bytes(output, cell, size);
    if (last) {
        rf_output_bytes(output, "\n", 1);
    } else {
        print_blanks(output, GAP + (right ? 0 : blanks));
    }
}

void rf_grid_print(const struct rf_grid *grid, struct rf_output *output) {
    size_t *widths = grid ? calloc(grid->count, sizeof *widths) : NULL;
    if (!widths || grid->text.failed) {
        output->failed = output->failed ? output->failed : ENOMEM;
        free(widths);
        return;
    }
    if (grid->cells > 0) {
        measure(grid, widths);
        for (unsigned column = 0; column < grid->count; column++) {
            print_cell(grid, column, widths[column], grid->columns[column].title, output);
        }
        const char *cell = (const char *)grid->text.bytes;
        for (uint64_t i = 0; i < grid->cells; i++) {
            unsigned column = (unsigned)(i % grid->count);
            print_cell(grid, column, widths[column], cell, output);
            cell += strlen(cell) + 1;
        }
    }
    free(widths);
}
