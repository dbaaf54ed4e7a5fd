/* If these fail, people see something else than what happens, or the view breaks their terminal. */
#include <criterion/criterion.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/progress_board.h"
#include "tools/screen_layout.h"

static struct rf_canvas canvas;

static void draw(struct rf_scene *scene, unsigned width, unsigned height) {
    setlocale(LC_CTYPE, "C.UTF-8");
    cr_assert(rf_canvas_resize(&canvas, width, height));
    rf_layout(scene, &canvas);
}

/* A row as text, without the blanks at its end. */
static const char *row(unsigned number) {
    static char text[8 * RF_CANVAS_WIDTH];
    size_t used = 0;
    cr_assert_lt(number, canvas.height);
    for (unsigned i = 0; i < canvas.width; i++) {
        const struct rf_cell *cell = rf_canvas_at(&canvas, number, i);
        for (const wchar_t *at = cell->text; *at; at++) {
            int size = wctomb(text + used, *at);
            cr_assert_gt(size, 0);
            used += (size_t)size;
        }
    }
    while (used > 0 && text[used - 1] == ' ') {
        used--;
    }
    text[used] = 0;
    return text;
}

static int row_with(const char *part) {
    for (unsigned i = 0; i < canvas.height; i++) {
        if (strstr(row(i), part)) {
            return (int)i;
        }
    }
    return -1;
}

/* Every cell has a character, or is the second half of the one before; none is cut at the edge. */
static void check_cells(const char *what) {
    for (unsigned i = 0; i < canvas.height; i++) {
        for (unsigned j = 0; j < canvas.width; j++) {
            const wchar_t *text = rf_canvas_at(&canvas, i, j)->text;
            int width = text[0] ? wcwidth(text[0]) : 0;
            if (!text[0]) {
                const struct rf_cell *before = j > 0 ? rf_canvas_at(&canvas, i, j - 1) : NULL;
                cr_expect(before && wcwidth(before->text[0]) == 2, "%s: row %u, column %u", what, i,
                          j);
            } else {
                cr_expect(width >= 1 && text[0] >= ' ', "%s: row %u, column %u", what, i, j);
                cr_expect(width == 1 ||
                              (j + 1 < canvas.width && !rf_canvas_at(&canvas, i, j + 1)->text[0]),
                          "%s: row %u, column %u", what, i, j);
            }
        }
    }
}

static struct rf_scene_table some_tables[] = {
    {"done small", RF_WATCH_REPLAY, RF_WATCH_DONE, 10, 10, 0, 10},
    {"waits small", RF_WATCH_REPLAY, RF_WATCH_WAITING, 0, 5, 0, 5},
    {"waits large", RF_WATCH_REPLAY, RF_WATCH_WAITING, 0, 50000, 0, 50000},
    {"ev\ne\x1b[2J", RF_WATCH_REPLAY, RF_WATCH_ROWS, 1200000, 5800000, 200123.4, 5800000},
    {"new", RF_WATCH_CAPTURE, RF_WATCH_ROWS, 77, 0, 12, 77},
    {"\xe6\xbc\xa2\xe5\xad\x97", RF_WATCH_REPLAY, RF_WATCH_INDEXES, 9000, 9000, 0, 9000},
    {"captured", RF_WATCH_CAPTURE, RF_WATCH_DONE, 3, 3, 0, 3},
};

static struct rf_scene some_scene(void) {
    static struct rf_scene_table tables[sizeof some_tables / sizeof some_tables[0]];
    memcpy(tables, some_tables, sizeof tables);
    struct rf_scene scene = {
        .command = "sync",
        .source = "server.db",
        .target = "dbname=server",
        .phase = "replay",
        .seconds = 83,
        .table_count = sizeof tables / sizeof tables[0],
        .tables = tables,
        .worker_count = 3,
        .workers = {{RF_WATCH_CAPTURE, 0, NULL, NULL},
                    {RF_WATCH_REPLAY, 0, "loads", "ev\ne\x1b[2J"},
                    {RF_WATCH_REPLAY, 1, "indexes", "\xe6\xbc\xa2\xe5\xad\x97"}},
        .messages = {.warnings = 2, .count = 2, .lines = {"warning: one", "warning: two"}},
    };
    scene.parts[RF_WATCH_CAPTURE] = (struct rf_scene_part){
        .begun = true, .ended = true, .tables = 7, .tables_done = 7, .rows = 100, .expected = 100};
    scene.parts[RF_WATCH_REPLAY] = (struct rf_scene_part){.begun = true,
                                                          .tables = 170,
                                                          .tables_done = 12,
                                                          .rows = 1234567,
                                                          .expected = 2000000,
                                                          .bytes = 1,
                                                          .rows_rate = 812345,
                                                          .bytes_rate = 12.25 * 1048576};
    return scene;
}

Test(layout, of_a_usual_terminal) {
    struct rf_scene scene = some_scene();
    draw(&scene, 80, 24);
    cr_expect_str_eq(row(0), "rowferry sync  server.db -> dbname=server"
                             "                             1 min 23 s");
    cr_expect_str_eq(row(1), "capture                                100 %"
                             "                                done");
    cr_expect_str_eq(row(2), "  100 of 100 rows, 7 of 7 tables");
    cr_expect_str_eq(row(3), "replay                                61 %"
                             "                              1 s left");
    cr_expect_str_eq(row(4), "  1,234,567 of 2,000,000 rows, 812,345 rows/s, 12.2 MiB/s, "
                             "12 of 170 tables");
    cr_expect_str_eq(row(5), "");
    cr_expect_str_eq(row(6), "table                             state                 rows     %"
                             "        rows/s");
    cr_expect_str_eq(row(7), "ev\\ne\\e[2J                        loading          1,200,000    20"
                             "       200,123");
    cr_expect_str_eq(row(8),
                     "\xe6\xbc\xa2\xe5\xad\x97                              indexing        "
                     "     9,000");
    cr_expect_str_eq(row(9), "new                               capturing               77      "
                             "            12");
    cr_expect_str_eq(row(10), "waits large                       waiting             50,000");
    cr_expect_str_eq(row(11), "waits small                       waiting                  5");
    cr_expect_str_eq(row(12), "captured                          captured                 3");
    cr_expect_str_eq(row(13), "done small                        done                    10");
    cr_expect_str_eq(row(18), "loader 1     loads ev\\ne\\e[2J");
    cr_expect_str_eq(row(19), "loader 2     indexes \xe6\xbc\xa2\xe5\xad\x97");
    cr_expect_str_eq(row(20), "reader       waits");
    cr_expect_str_eq(row(21), "2 warnings");
    cr_expect_str_eq(row(22), "warning: one");
    cr_expect_str_eq(row(23), "warning: two");
    check_cells("80x24");
}

Test(layout, the_bar_is_as_long_as_the_share) {
    struct rf_scene scene = some_scene();
    scene.parts[RF_WATCH_REPLAY].rows = 500000;
    scene.parts[RF_WATCH_REPLAY].rows_rate = 0; /* no word about the time: it takes the whole row */
    draw(&scene, 89, 24);
    unsigned full = 0, rest = 0;
    for (unsigned i = 0; i < canvas.width; i++) {
        full += rf_canvas_at(&canvas, 3, i)->style == RF_STYLE_BAR;
        rest += rf_canvas_at(&canvas, 3, i)->style == RF_STYLE_BAR_REST;
    }
    cr_expect_eq(full, 20);
    cr_expect_eq(rest, 60);
}

Test(layout, of_a_narrow_one) {
    struct rf_scene scene = some_scene();
    draw(&scene, 40, 24);
    cr_expect_str_eq(row(0), "rowferry sync                 1 min 23 s");
    cr_expect_str_eq(row(1), "server.db -> dbname=server");
    cr_expect_str_eq(row(5), "1,234,567 of 2,000,000 rows");
    cr_expect_str_eq(row(7), "table                   state          %");
    cr_expect_str_eq(row(8), "ev\\ne\\e[2J              loading       20");
    cr_expect_eq(row_with("2 warnings"), 21);
    check_cells("40x24");
    draw(&scene, 20, 10);
    cr_expect_str_eq(row(0), "rowferry sync");
    cr_expect_str_eq(row(1), "capture    100 %");
    cr_expect_gt(row_with("ev\\ne\\e[2J"), 0);
    check_cells("20x10");
}

Test(layout, of_every_size) {
    struct rf_scene scene = some_scene();
    static const unsigned sizes[] = {1,  2,  3,  5,  8,  10, 11, 12, 19,  20,  23,  24,  28,  30,
                                     40, 47, 48, 59, 60, 71, 72, 80, 133, 200, 399, 400, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            char what[32];
            snprintf(what, sizeof what, "%ux%u", sizes[i], sizes[j]);
            draw(&scene, sizes[i], sizes[j]);
            cr_expect_leq(canvas.width, RF_CANVAS_WIDTH);
            cr_expect_leq(canvas.height, RF_CANVAS_HEIGHT);
            check_cells(what);
            cr_expect_eq(row(0)[0], 'r', "%s: the headline stays longest", what);
        }
    }
}

Test(layout, wide_characters_are_not_cut) {
    struct rf_scene_table table = {
        .name = "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97"
                "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
        .state = RF_WATCH_ROWS,
    };
    for (unsigned width = 1; width < 60; width++) {
        struct rf_scene scene = {.command = "replay", .table_count = 1, .tables = &table};
        draw(&scene, width, 6);
        check_cells("wide");
    }
}

Test(layout, of_a_thousand_tables) {
    static struct rf_scene_table tables[1000];
    static char names[1000][16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "table %u", i);
        tables[i] = (struct rf_scene_table){.name = names[i],
                                            .part = RF_WATCH_REPLAY,
                                            .state = i < 2     ? RF_WATCH_ROWS
                                                     : i < 600 ? RF_WATCH_WAITING
                                                               : RF_WATCH_DONE,
                                            .size = i};
    }
    struct rf_scene scene = {
        .command = "replay", .table_count = 1000, .tables = tables, .unlisted = 7};
    draw(&scene, 80, 24);
    cr_expect_eq(row_with("table 1 "), 3);
    cr_expect_eq(row_with("table 0 "), 4);
    cr_expect_eq(row_with("table 599 "), 5, "of those that wait, the largest");
    cr_expect_str_eq(row(23), "+ 580 waiting, 407 done");
}

Test(layout, nothing_is_known_yet) {
    struct rf_scene scene = {.command = "verify"};
    draw(&scene, 80, 24);
    cr_expect_eq(strncmp(row(0), "rowferry verify", 15), 0);
    for (unsigned i = 1; i < 24; i++) {
        cr_expect_str_eq(row(i), "");
    }
}

Test(layout, what_is_left_to_do) {
    struct {
        struct rf_scene_part part;
        const char *phase;
        const char *expected; /* in the row of the bar */
    } cases[] = {
        {{.begun = true, .tables = 2, .rows = 10, .expected = 30, .rows_rate = 5},
         "replay",
         " 33 %  5 s left"},
        {{.begun = true, .tables = 2, .tables_done = 1, .open = true, .rows = 10, .rows_rate = 5},
         "replay",
         " 50 %"},
        {{.begun = true, .tables = 2, .tables_done = 2, .ended = true, .rows = 10},
         "replay",
         " 100 %  finishing"},
        {{.begun = true, .tables = 2, .tables_done = 2, .ended = true, .rows = 10},
         NULL,
         " 100 %  done"},
        {{.begun = true, .tables = 1, .rows = 90, .expected = 30, .rows_rate = 5},
         "replay",
         " 100 %"},
        {{.begun = true, .tables = 1, .rows = 1, .expected = UINT64_MAX, .rows_rate = 1e-9},
         "replay",
         " 0 %"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_scene scene = {.command = "replay", .phase = cases[i].phase};
        scene.parts[RF_WATCH_REPLAY] = cases[i].part;
        draw(&scene, 40, 24);
        char squeezed[200] = "";
        size_t used = 0;
        for (const char *at = row(1); *at; at++) { /* runs of blanks to two at most */
            bool third =
                at[0] == ' ' && used > 1 && squeezed[used - 1] == ' ' && squeezed[used - 2] == ' ';
            if (!third) {
                squeezed[used++] = *at;
            }
        }
        cr_expect_not_null(strstr(squeezed, cases[i].expected), "%zu: %s", i, squeezed);
    }
}

/* ---- the board ---- */

static void tell(struct rf_board *board, enum rf_watch_part part, const char *table,
                 enum rf_watch_state state, int64_t expected, uint64_t rows) {
    const struct rf_watch_table told = {part, table, state, expected, rows, 2 * rows};
    rf_watch_table(rf_board_watch(board), &told);
}

static const struct rf_scene_table *listed(const struct rf_scene *scene, const char *name) {
    for (uint32_t i = 0; i < scene->table_count; i++) {
        if (strcmp(scene->tables[i].name, name) == 0) {
            return &scene->tables[i];
        }
    }
    return NULL;
}

Test(board, a_table_on_its_way) {
    struct rf_board *board = rf_board_new();
    struct rf_scene scene = {.command = "sync"};
    tell(board, RF_WATCH_CAPTURE, "t", RF_WATCH_WAITING, 0, 0);
    rf_board_look(board, 1, &scene);
    cr_assert_eq(scene.table_count, 1);
    cr_expect_eq(scene.tables[0].state, RF_WATCH_WAITING);
    cr_expect(scene.parts[RF_WATCH_CAPTURE].open);
    tell(board, RF_WATCH_CAPTURE, "t", RF_WATCH_AS_BEFORE, 0, 30);
    rf_board_look(board, 2, &scene);
    cr_expect_eq(scene.tables[0].state, RF_WATCH_ROWS, "rows are under way");
    tell(board, RF_WATCH_CAPTURE, "t", RF_WATCH_DONE, 40, 10);
    tell(board, RF_WATCH_REPLAY, "t", RF_WATCH_WAITING, 40, 0);
    rf_board_look(board, 3, &scene);
    cr_expect_eq(scene.tables[0].state, RF_WATCH_WAITING);
    cr_expect_eq(scene.tables[0].part, RF_WATCH_REPLAY);
    cr_expect(scene.parts[RF_WATCH_CAPTURE].ended);
    cr_expect_eq(scene.parts[RF_WATCH_CAPTURE].rows, 40);
    cr_expect_eq(scene.parts[RF_WATCH_CAPTURE].bytes, 80);
    tell(board, RF_WATCH_REPLAY, "t", RF_WATCH_ROWS, 0, 40);
    tell(board, RF_WATCH_REPLAY, "t", RF_WATCH_WAITING, 5, 0);
    rf_board_look(board, 4, &scene);
    cr_expect_eq(scene.tables[0].state, RF_WATCH_ROWS, "more of it is expected, that is all");
    cr_expect_eq(scene.tables[0].expected, 45);
    tell(board, RF_WATCH_REPLAY, "t", RF_WATCH_INDEXES, -5, 0);
    rf_watch_worker(rf_board_watch(board), RF_WATCH_REPLAY, 1, "indexes", "t");
    rf_board_look(board, 5, &scene);
    cr_expect_eq(scene.tables[0].state, RF_WATCH_INDEXES);
    cr_expect_eq(scene.tables[0].expected, 40);
    cr_assert_eq(scene.worker_count, 1);
    cr_expect_str_eq(scene.workers[0].doing, "indexes");
    cr_expect_str_eq(scene.workers[0].table, "t");
    rf_board_free(board);
}

Test(board, the_rate_is_that_of_late) {
    struct rf_board *board = rf_board_new();
    struct rf_scene scene = {.command = "replay"};
    for (unsigned second = 1; second <= 60; second++) {
        tell(board, RF_WATCH_REPLAY, "t", RF_WATCH_ROWS, 0, second <= 30 ? 1000 : 10);
        rf_board_look(board, second, &scene);
        if (second == 30) {
            cr_expect_float_eq(scene.parts[RF_WATCH_REPLAY].rows_rate, 1000, 1);
        }
    }
    cr_expect_float_eq(scene.tables[0].rate, 10, 1);
    cr_expect_float_eq(scene.parts[RF_WATCH_REPLAY].bytes_rate, 20, 2);
    rf_board_free(board);
}

Test(board, more_tables_than_it_lists) {
    struct rf_board *board = rf_board_new();
    struct rf_scene scene = {.command = "replay"};
    for (unsigned i = 0; i < RF_BOARD_TABLES + 500; i++) {
        char name[32];
        snprintf(name, sizeof name, "t%u", i);
        tell(board, RF_WATCH_REPLAY, name, RF_WATCH_DONE, 3, 3);
        rf_watch_worker(rf_board_watch(board), RF_WATCH_REPLAY, i, "loads", name);
    }
    rf_board_look(board, 1, &scene);
    cr_expect_eq(scene.table_count, RF_BOARD_TABLES);
    cr_expect_eq(scene.unlisted, 500);
    cr_expect_eq(scene.parts[RF_WATCH_REPLAY].rows, 3 * (RF_BOARD_TABLES + 500));
    cr_expect_eq(scene.worker_count, RF_SCENE_WORKERS);
    cr_expect_not_null(listed(&scene, "t4095"));
    rf_board_free(board);
}

#define THREADS 4u
#define TOLD 20000u
#define NAMES 300u

static void *tell_much(void *argument) {
    for (unsigned i = 0; i < TOLD; i++) {
        char name[32];
        snprintf(name, sizeof name, "table %u", i % NAMES);
        tell(argument, RF_WATCH_REPLAY, name, RF_WATCH_AS_BEFORE, 2, 1);
        rf_watch_worker(rf_board_watch(argument), RF_WATCH_REPLAY, i % 7, i % 3 ? "loads" : NULL,
                        name);
    }
    return NULL;
}

Test(board, nothing_is_lost_between_threads) {
    struct rf_board *board = rf_board_new();
    pthread_t threads[THREADS];
    struct rf_scene scene = {.command = "replay"};
    for (unsigned i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, tell_much, board), 0);
    }
    for (unsigned i = 0; i < 50; i++) {
        rf_board_look(board, i, &scene);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    rf_board_look(board, 60, &scene);
    cr_expect_eq(scene.table_count, NAMES, "no table is there twice");
    cr_expect_eq(scene.parts[RF_WATCH_REPLAY].rows, THREADS * TOLD);
    cr_expect_eq(scene.parts[RF_WATCH_REPLAY].expected, 2 * THREADS * TOLD);
    rf_board_free(board);
}
