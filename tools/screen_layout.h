/* The full-screen view as a pure function: a scene and a size in, cells out.
 *
 *     rowferry sync  server.db -> dbname=server                        1 min 23 s
 *     capture          62 %                                              8 s left
 *       1,234,567 of 2,000,000 rows, 812,345 rows/s, 12.3 MiB/s, 12 of 170 tables
 *     table                             state                 rows    %     rows/s
 *     events                            loading          1,200,000   20    200,123
 *     ...
 *     loader 1     indexes event_json
 *     2 warnings
 *     table x: index y is left out; ...
 *
 * What is under way comes first, then what waits, the largest first, then what is done. Where the
 * terminal is small, lines are cut and columns left out; where it is low, the headline and the bars
 * stay longest. No cell outside the size is ever touched, and every one within it is set. */
#ifndef RF_TOOLS_SCREEN_LAYOUT_H
#define RF_TOOLS_SCREEN_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

#include "tools/scene.h"

enum rf_style {
    RF_STYLE_PLAIN,
    RF_STYLE_STRONG,
    RF_STYLE_FAINT,
    RF_STYLE_BAR, /* the part of a bar that is done */
    RF_STYLE_BAR_REST,
    RF_STYLE_ACTIVE,
    RF_STYLE_DONE,
    RF_STYLE_WARNING,
};
#define RF_STYLES 8u

#define RF_CELL_TEXT 5u /* a character, marks upon it, and the end */

struct rf_cell {
    wchar_t text[RF_CELL_TEXT]; /* empty: the second half of a wide character */
    enum rf_style style;
};

#define RF_CANVAS_WIDTH 400u /* a terminal may be larger: the rest stays empty */
#define RF_CANVAS_HEIGHT 200u

struct rf_canvas {
    unsigned width, height;
    struct rf_cell *cells; /* row by row */
};

/* Zeros are an empty canvas. Sizes beyond the most, and below 1, are brought to it. False: no
 * memory, and the canvas is as it was. */
bool rf_canvas_resize(struct rf_canvas *canvas, unsigned width, unsigned height);
void rf_canvas_release(struct rf_canvas *canvas);
static inline const struct rf_cell *rf_canvas_at(const struct rf_canvas *canvas, unsigned row,
                                                 unsigned column) {
    return &canvas->cells[row * canvas->width + column];
}

/* Sorts the scene's tables, and sets it on the canvas. */
void rf_layout(struct rf_scene *scene, struct rf_canvas *canvas);

#endif
