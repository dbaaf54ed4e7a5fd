/* From top to bottom, each block being given the rows that it may take. */
#include "tools/screen_layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "tools/text.h"
#include "tools/units.h"

/* ---- the canvas ---- */

bool rf_canvas_resize(struct rf_canvas *canvas, unsigned width, unsigned height) {
    width = width < 1 ? 1 : width > RF_CANVAS_WIDTH ? RF_CANVAS_WIDTH : width;
    height = height < 1 ? 1 : height > RF_CANVAS_HEIGHT ? RF_CANVAS_HEIGHT : height;
    if (canvas->cells && width == canvas->width && height == canvas->height) {
        return true;
    }
    struct rf_cell *cells = calloc((size_t)width * height, sizeof *cells);
    if (!cells) {
        return false;
    }
    free(canvas->cells);
    *canvas = (struct rf_canvas){.width = width, .height = height, .cells = cells};
    return true;
}

void rf_canvas_release(struct rf_canvas *canvas) {
    free(canvas->cells);
    *canvas = (struct rf_canvas){.width = 0};
}

static struct rf_cell *cell_at(struct rf_canvas *canvas, unsigned row, unsigned column) {
    return &canvas->cells[row * canvas->width + column];
}

static void clear(struct rf_canvas *canvas) {
    for (unsigned i = 0; i < canvas->width * canvas->height; i++) {
        canvas->cells[i] = (struct rf_cell){.text = L" "};
    }
}

/* A mark is put upon the cell before it; one too many is dropped. */
static void add_mark(struct rf_cell *cell, wchar_t mark) {
    size_t used = wcslen(cell->text);
    if (used > 0 && used + 1 < RF_CELL_TEXT) {
        cell->text[used] = mark;
        cell->text[used + 1] = 0;
    }
}

/* Sets text into columns [from, to) of a row, as far as it fits, and returns the column behind
 * it. */
static unsigned put(struct rf_canvas *canvas, unsigned row, unsigned from, unsigned to,
                    enum rf_style style, const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    unsigned column = from, last = from;
    to = to < canvas->width ? to : canvas->width;
    while (left > 0 && row < canvas->height) {
        uint32_t code = '?';
        size_t size = rf_utf8_next(at, left, &code);
        size = size ? size : 1;
        unsigned width = (unsigned)rf_text_width((const char *)at, size);
        if (width == 0 && column > from) {
            add_mark(cell_at(canvas, row, last), (wchar_t)code);
        } else if (width > 0) {
            if (column + width > to) {
                break;
            }
            last = column;
            *cell_at(canvas, row, column) =
                (struct rf_cell){.text = {(wchar_t)code}, .style = style};
            if (width > 1) {
                *cell_at(canvas, row, column + 1) = (struct rf_cell){.style = style};
            }
            column += width;
        }
        at += size;
        left -= size;
    }
    return column;
}

static unsigned columns_of(const char *text) {
    return (unsigned)rf_text_width(text, strlen(text));
}

/* Text that ends at column `to`, if it fits behind column `from`; returns where it begins. */
static unsigned put_right(struct rf_canvas *canvas, unsigned row, unsigned from, unsigned to,
                          enum rf_style style, const char *text) {
    unsigned width = columns_of(text);
    if (to > canvas->width || from + width > to) {
        return to;
    }
    put(canvas, row, to - width, to, style, text);
    return to - width;
}

/* A name from elsewhere, escaped; with dots in the middle of nothing, but at its end, where it is
 * cut. */
static unsigned put_name(struct rf_canvas *canvas, unsigned row, unsigned from, unsigned to,
                         enum rf_style style, const char *name) {
    struct rf_buffer text = {0};
    unsigned end = from;
    rf_text_name(&text, name);
    rf_buffer_u8(&text, 0);
    to = to < canvas->width ? to : canvas->width;
    if (!text.failed && from < to) {
        const char *shown = (const char *)text.bytes;
        bool cut = columns_of(shown) > to - from && to - from > 3;
        end = put(canvas, row, from, cut ? to - 2 : to, style, shown);
        if (cut) {
            end = put(canvas, row, end, to, style, "..");
        }
    }
    rf_buffer_release(&text);
    return end;
}

/* ---- words ---- */

static const char *const part_names[RF_SCENE_PARTS] = {[RF_WATCH_CAPTURE] = "capture",
                                                       [RF_WATCH_REPLAY] = "replay",
                                                       [RF_WATCH_COMPARE] = "compare",
                                                       [RF_WATCH_SURVEY] = "check",
                                                       [RF_SCENE_PROOF] = "verify"};

static const char *state_word(const struct rf_scene_table *table) {
    static const char *const moving[] = {[RF_WATCH_CAPTURE] = "capturing",
                                         [RF_WATCH_REPLAY] = "loading",
                                         [RF_WATCH_COMPARE] = "comparing",
                                         [RF_WATCH_SURVEY] = "checking"};
    switch (table->state) {
    case RF_WATCH_AS_BEFORE:
    case RF_WATCH_WAITING:
        break;
    case RF_WATCH_ROWS:
        return moving[table->part];
    case RF_WATCH_INDEXES:
        return "indexing";
    case RF_WATCH_DONE:
        return table->part == RF_WATCH_CAPTURE ? "captured" : "done";
    }
    return "waiting";
}

static enum rf_style state_style(const struct rf_scene_table *table) {
    switch (table->state) {
    case RF_WATCH_ROWS:
    case RF_WATCH_INDEXES:
        return RF_STYLE_ACTIVE;
    case RF_WATCH_DONE:
        return RF_STYLE_DONE;
    case RF_WATCH_AS_BEFORE:
    case RF_WATCH_WAITING:
        break;
    }
    return RF_STYLE_PLAIN;
}

static double share(uint64_t done, uint64_t all) {
    return all == 0 ? 0 : done >= all ? 1 : (double)done / (double)all;
}

/* ---- the headline ---- */

static unsigned put_ends(const struct rf_scene *scene, struct rf_canvas *canvas, unsigned row,
                         unsigned from, unsigned to) {
    unsigned column = from;
    if (scene->source) {
        unsigned half = from + (to > from ? (to - from) / 2 : 0);
        column =
            put_name(canvas, row, column, scene->target ? half : to, RF_STYLE_PLAIN, scene->source);
    }
    if (scene->target) {
        column = put(canvas, row, column, to, RF_STYLE_FAINT, scene->source ? " -> " : "-> ");
        column = put_name(canvas, row, column, to, RF_STYLE_PLAIN, scene->target);
    }
    return column;
}

/* Returns the rows that it took. */
static unsigned put_headline(const struct rf_scene *scene, struct rf_canvas *canvas) {
    char elapsed[RF_UNITS_TEXT];
    rf_units_duration(scene->seconds, elapsed);
    unsigned column = put(canvas, 0, 0, canvas->width, RF_STYLE_STRONG, "rowferry ");
    column = put(canvas, 0, column, canvas->width, RF_STYLE_STRONG, scene->command);
    unsigned end = put_right(canvas, 0, column + 1, canvas->width, RF_STYLE_STRONG, elapsed);
    if (canvas->width >= 60) {
        put_ends(scene, canvas, 0, column + 2, end - 2);
        return 1;
    }
    if (canvas->height < 12 || (!scene->source && !scene->target)) {
        return 1;
    }
    put_ends(scene, canvas, 1, 0, canvas->width);
    return 2;
}

/* ---- parts ---- */

/* How much of a part is done: by rows; where not all of those are known, by tables. */
static double part_share(const struct rf_scene *scene, unsigned number) {
    const struct rf_scene_part *part = &scene->parts[number];
    if (part->growing) { /* at the most, all that is captured will come */
        uint64_t all = scene->parts[RF_WATCH_CAPTURE].expected;
        return share(part->rows, all > part->expected ? all : part->expected);
    }
    if (part->ended) {
        return 1;
    }
    if (part->bytes_expected > 0) {
        return share(part->bytes, part->bytes_expected);
    }
    return part->open || part->expected == 0 ? share(part->tables_done, part->tables)
                                             : share(part->rows, part->expected);
}

/* After the last table there may be more to do: keys, a commit, files to be published. */
static bool is_at(const struct rf_scene *scene, unsigned number) {
    static const char *const phases[RF_SCENE_PARTS] = {[RF_WATCH_CAPTURE] = "capture",
                                                       [RF_WATCH_REPLAY] = "replay",
                                                       [RF_WATCH_COMPARE] = "verify the target",
                                                       [RF_WATCH_SURVEY] = "check",
                                                       [RF_SCENE_PROOF] = "verify the repository"};
    return scene->phase && strcmp(scene->phase, phases[number]) == 0;
}

/* "8 s left", "done", or "". */
static void left_text(const struct rf_scene *scene, unsigned number, char text[64]) {
    const struct rf_scene_part *part = &scene->parts[number];
    char time[RF_UNITS_TEXT];
    double left = 0;
    if (part->bytes_expected > part->bytes && part->bytes_rate > 0) {
        left = (double)(part->bytes_expected - part->bytes) / part->bytes_rate;
    } else if (!part->open && !part->growing && part->expected > part->rows &&
               part->rows_rate > 0) {
        left = (double)(part->expected - part->rows) / part->rows_rate;
    }
    text[0] = 0;
    if (part->ended) {
        snprintf(text, 64, part->growing ? "" : is_at(scene, number) ? "finishing" : "done");
    } else if (left > 0 && left < 1e8) {
        snprintf(text, 64, "%s left", rf_units_duration((uint64_t)left + 1, time));
    }
}

/* A bar is its background alone, so that it needs no character that a font may lack. */
static void put_bar(struct rf_canvas *canvas, unsigned row, unsigned from, unsigned to,
                    double done) {
    char text[16];
    unsigned width = to > from ? to - from : 0;
    unsigned full = (unsigned)(done * width);
    snprintf(text, sizeof text, "%d %%", (int)(done * 100));
    unsigned size = columns_of(text);
    if (row >= canvas->height || size > width) {
        return;
    }
    put(canvas, row, from + (width - size) / 2, to, RF_STYLE_PLAIN, text);
    for (unsigned i = 0; i < width; i++) {
        cell_at(canvas, row, from + i)->style = i < full ? RF_STYLE_BAR : RF_STYLE_BAR_REST;
    }
}

static void put_part_bar(const struct rf_scene *scene, unsigned number, struct rf_canvas *canvas,
                         unsigned row) {
    char left[64];
    left_text(scene, number, left);
    put(canvas, row, 0, canvas->width, RF_STYLE_STRONG, part_names[number]);
    unsigned from = canvas->width >= 24 ? 9 : 8;
    unsigned end = canvas->width;
    unsigned width = columns_of(left);
    if (width > 0 && canvas->width >= from + 10 + width) {
        end = put_right(canvas, row, from, canvas->width, RF_STYLE_PLAIN, left) - 1;
    }
    put_bar(canvas, row, from, end, part_share(scene, number));
}

/* Appends a phrase to a line, if it fits as a whole; else nothing is appended any more. */
struct phrases {
    char text[256];
    unsigned width; /* columns used */
    unsigned most;
    bool full;
};

RF_PRINTF(2, 3) static void add(struct phrases *line, const char *format, ...) {
    char phrase[128];
    va_list args;
    va_start(args, format);
    vsnprintf(phrase, sizeof phrase, format, args);
    va_end(args);
    size_t used = strlen(line->text);
    unsigned width = columns_of(phrase) + (used > 0 ? 2 : 0);
    line->full |= line->width + width > line->most || used + strlen(phrase) + 3 > sizeof line->text;
    if (!line->full) {
        snprintf(line->text + used, sizeof line->text - used, "%s%s", used > 0 ? ", " : "", phrase);
        line->width += width;
    }
}

static void add_rows(const struct rf_scene_part *part, struct phrases *line) {
    char rows[RF_UNITS_TEXT], all[RF_UNITS_TEXT];
    rf_units_grouped(part->rows, rows);
    rf_units_grouped(part->expected, all);
    bool known = !part->open && part->expected > 0 && part->expected >= part->rows;
    if (known && strlen(rows) + strlen(all) + 9 <= line->most) {
        add(line, "%s of %s rows", rows, all);
    } else {
        add(line, "%s rows", rows);
    }
    if (part->rows_rate >= 1 && !part->ended) {
        add(line, "%s rows/s", rf_units_grouped((uint64_t)part->rows_rate, rows));
    }
}

static void add_bytes(const struct rf_scene_part *part, struct phrases *line) {
    char text[RF_UNITS_TEXT], all[RF_UNITS_TEXT];
    if (part->bytes_expected > 0) {
        add(line, "%s of %s", rf_units_bytes(part->bytes, text),
            rf_units_bytes(part->bytes_expected, all));
    }
    if (part->bytes_rate >= 1 && !part->ended) {
        add(line, "%s/s", rf_units_bytes((uint64_t)part->bytes_rate, text));
    }
}

static void put_part_numbers(const struct rf_scene_part *part, struct rf_canvas *canvas,
                             unsigned row) {
    unsigned indent = canvas->width >= 60 ? 2 : 0;
    struct phrases line = {.most = canvas->width - indent};
    if (part->tables > 0) {
        add_rows(part, &line);
    }
    add_bytes(part, &line);
    if (part->tables > 0) {
        add(&line, "%" PRIu32 " of %" PRIu32 " tables", part->tables_done, part->tables);
    }
    put(canvas, row, indent, canvas->width, RF_STYLE_PLAIN, line.text);
}

static unsigned put_parts(const struct rf_scene *scene, struct rf_canvas *canvas, unsigned row) {
    bool numbers = canvas->height >= 12;
    for (unsigned i = 0; i < RF_SCENE_PARTS; i++) {
        if (scene->parts[i].begun && row < canvas->height) {
            put_part_bar(scene, i, canvas, row++);
            if (numbers) {
                put_part_numbers(&scene->parts[i], canvas, row++);
            }
        }
    }
    return row;
}

/* ---- tables ---- */

static int rank(const struct rf_scene_table *table) {
    switch (table->state) {
    case RF_WATCH_INDEXES:
    case RF_WATCH_ROWS:
        return 0;
    case RF_WATCH_DONE:
        return table->part == RF_WATCH_CAPTURE ? 2 : 3;
    case RF_WATCH_AS_BEFORE:
    case RF_WATCH_WAITING:
        break;
    }
    return 1;
}

static int in_order(const void *a, const void *b) {
    const struct rf_scene_table *one = a, *other = b;
    if (rank(one) != rank(other)) {
        return rank(one) - rank(other);
    }
    if (one->size != other->size) {
        return one->size > other->size ? -1 : 1;
    }
    return strcmp(one->name, other->name);
}

/* The columns from the right, each as wide as it must be; what is left is the name's. */
struct columns {
    unsigned name, state, rows, percent, rate; /* where each ends; 0: it is left out */
};

static struct columns choose_columns(unsigned width) {
    struct columns at = {.name = width};
    if (width >= 72) {
        at.rate = width;
        width -= 14;
    }
    if (width >= 24) {
        at.percent = width;
        width -= 6;
    }
    if (width >= 48) {
        at.rows = width;
        width -= 16;
    }
    if (width >= 28) {
        at.state = width;
        width -= 11;
    }
    at.name = width;
    return at;
}

static void put_table_head(const struct columns *at, struct rf_canvas *canvas, unsigned row) {
    put(canvas, row, 0, at->name, RF_STYLE_FAINT, "table");
    if (at->state) {
        put(canvas, row, at->state - 10, at->state, RF_STYLE_FAINT, "state");
    }
    put_right(canvas, row, 0, at->rows, RF_STYLE_FAINT, at->rows ? "rows" : "");
    put_right(canvas, row, 0, at->percent, RF_STYLE_FAINT, at->percent ? "%" : "");
    put_right(canvas, row, 0, at->rate, RF_STYLE_FAINT, at->rate ? "rows/s" : "");
}

static void put_table_numbers(const struct rf_scene_table *table, const struct columns *at,
                              enum rf_style style, struct rf_canvas *canvas, unsigned row) {
    char text[RF_UNITS_TEXT];
    uint64_t rows = table->state == RF_WATCH_WAITING ? table->expected : table->rows;
    if (at->rows && (rows > 0 || table->state != RF_WATCH_WAITING)) {
        put_right(canvas, row, at->rows - 15, at->rows, style, rf_units_grouped(rows, text));
    }
    bool moving = table->state == RF_WATCH_ROWS;
    if (at->percent && moving && table->expected > 0) {
        snprintf(text, sizeof text, "%d", (int)(share(table->rows, table->expected) * 100));
        put_right(canvas, row, at->percent - 5, at->percent, style, text);
    }
    if (at->rate && moving && table->rate >= 1) {
        put_right(canvas, row, at->rate - 13, at->rate, style,
                  rf_units_grouped((uint64_t)table->rate, text));
    }
}

static void put_table(const struct rf_scene_table *table, const struct columns *at,
                      struct rf_canvas *canvas, unsigned row) {
    enum rf_style style = state_style(table);
    put_name(canvas, row, 0, at->name - (at->name > 1 && at->name < canvas->width), style,
             table->name);
    if (at->state) {
        put(canvas, row, at->state - 10, at->state, style, state_word(table));
    }
    put_table_numbers(table, at, style, canvas, row);
}

/* What the list has no room for. */
static void put_others(const struct rf_scene *scene, uint32_t listed, struct rf_canvas *canvas,
                       unsigned row) {
    uint32_t counts[4] = {0, 0, 0, scene->unlisted};
    static const char *const words[] = {"under way", "waiting", "captured", "done"};
    char text[160] = "";
    for (uint32_t i = listed; i < scene->table_count; i++) {
        counts[rank(&scene->tables[i])]++;
    }
    size_t used = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (counts[i] > 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRIu32 " %s",
                                     used > 0 ? ", " : "+ ", counts[i], words[i]);
        }
    }
    put(canvas, row, 0, canvas->width, RF_STYLE_FAINT, text);
}

static void put_tables(struct rf_scene *scene, struct rf_canvas *canvas, unsigned row,
                       unsigned end) {
    if (scene->table_count == 0 || row >= end) {
        return;
    }
    struct columns at = choose_columns(canvas->width);
    if (end - row >= 4) {
        put_table_head(&at, canvas, row++);
    }
    uint32_t room = end - row;
    bool others = scene->table_count > room || scene->unlisted > 0;
    room -= others && room > 1;
    uint32_t listed = scene->table_count < room ? scene->table_count : room;
    for (uint32_t i = 0; i < listed; i++) {
        put_table(&scene->tables[i], &at, canvas, row++);
    }
    if (others && row < end) {
        put_others(scene, listed, canvas, row);
    }
}

/* ---- workers ---- */

static void put_worker(const struct rf_scene_worker *worker, struct rf_canvas *canvas,
                       unsigned row) {
    char name[32];
    static const char *const names[] = {[RF_WATCH_CAPTURE] = "encoder",
                                        [RF_WATCH_REPLAY] = "loader",
                                        [RF_WATCH_COMPARE] = "comparer",
                                        [RF_WATCH_SURVEY] = "checker"};
    bool reader = worker->part == RF_WATCH_CAPTURE && worker->number == 0;
    bool from_one = worker->part != RF_WATCH_CAPTURE;
    if (reader) {
        snprintf(name, sizeof name, "reader");
    } else {
        snprintf(name, sizeof name, "%s %u", names[worker->part], worker->number + from_one);
    }
    enum rf_style style = worker->doing ? RF_STYLE_ACTIVE : RF_STYLE_FAINT;
    unsigned column = put(canvas, row, 0, canvas->width, RF_STYLE_PLAIN, name);
    column = canvas->width >= 40 && column < 12 ? 12 : column;
    column =
        put(canvas, row, column + 1, canvas->width, style, worker->doing ? worker->doing : "waits");
    if (worker->doing && worker->table) {
        put_name(canvas, row, column + 1, canvas->width, style, worker->table);
    }
}

/* Those at work first, as long as there is room. */
static void put_workers(const struct rf_scene *scene, struct rf_canvas *canvas, unsigned row,
                        unsigned end) {
    for (int at_work = 1; at_work >= 0; at_work--) {
        for (uint32_t i = 0; i < scene->worker_count && row < end; i++) {
            if ((scene->workers[i].doing != NULL) == at_work) {
                put_worker(&scene->workers[i], canvas, row++);
            }
        }
    }
}

/* ---- messages ---- */

static void put_messages(const struct rf_scene *scene, struct rf_canvas *canvas, unsigned row,
                         unsigned end) {
    char text[RF_UNITS_TEXT];
    if (row < end) {
        const char *title = rf_units_count(scene->messages.warnings, "warning", text);
        put(canvas, row++, 0, canvas->width,
            scene->messages.warnings > 0 ? RF_STYLE_WARNING : RF_STYLE_FAINT, title);
    }
    uint32_t room = end > row ? end - row : 0;
    uint32_t first = scene->messages.count > room ? scene->messages.count - room : 0;
    for (uint32_t i = first; i < scene->messages.count && room > 0; i++) {
        put(canvas, row++, 0, canvas->width, RF_STYLE_PLAIN, scene->messages.lines[i]);
    }
}

/* ---- the whole ---- */

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

void rf_layout(struct rf_scene *scene, struct rf_canvas *canvas) {
    clear(canvas);
    if (scene->table_count > 1) {
        qsort(scene->tables, scene->table_count, sizeof *scene->tables, in_order);
    }
    unsigned row = put_parts(scene, canvas, put_headline(scene, canvas));
    bool airy = canvas->height >= 20;
    row += airy;
    unsigned room = canvas->height > row ? canvas->height - row : 0;
    unsigned told =
        scene->messages.count + (scene->messages.count > 0 || scene->messages.warnings > 0);
    unsigned messages = least(told, room / 4);
    unsigned workers = least(scene->worker_count, (room - messages) / 3);
    unsigned tables_end = canvas->height - messages - workers;
    if (row < canvas->height) {
        put_tables(scene, canvas, row, tables_end - (airy && workers > 0));
        put_workers(scene, canvas, tables_end, tables_end + workers);
        put_messages(scene, canvas, tables_end + workers, canvas->height);
    }
}
