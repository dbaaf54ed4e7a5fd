#include "tools/progress_view.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/message.h"
#include "tools/progress_board.h"
#include "tools/redact.h"
#include "tools/scene.h"
#include "tools/screen.h"
#include "tools/screen_layout.h"

#define SHORTEST_SECONDS 0.3 /* a run that ends sooner is not shown */
#define DRAWN_EVERY_SECONDS 0.2

struct rf_view {
    struct rf_board *board;
    struct rf_screen *screen;
    struct rf_canvas canvas;
    struct rf_scene scene;
    struct rf_buffer target;  /* without its password */
    struct rf_output *output; /* diverted; NULL: it goes elsewhere than to this terminal */
    int messages, text;       /* what is kept back; -1: none */
    int output_fd;
    struct timespec began;
    double drawn;
};

static double seconds_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

static bool is_in_front(void) {
    return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static bool same_terminal(int a, int b) {
    struct stat one, other;
    return isatty(a) && isatty(b) && fstat(a, &one) == 0 && fstat(b, &other) == 0 &&
           one.st_rdev == other.st_rdev;
}

/* ---- what is kept back ---- */

static void divert(struct rf_view *view, struct rf_output *output) {
    rf_message_divert(view->messages);
    if (view->text >= 0) {
        rf_output_flush(output);
        view->output = output;
        view->output_fd = output->fd;
        output->fd = view->text;
    }
}

static void pour_messages(int from) {
    char piece[4096];
    ssize_t size;
    for (off_t at = 0; (size = pread(from, piece, sizeof piece, at)) > 0; at += size) {
        rf_message_pour(piece, (size_t)size);
    }
}

static void pour_text(int from, struct rf_output *output) {
    char piece[4096];
    ssize_t size;
    for (off_t at = 0; (size = pread(from, piece, sizeof piece, at)) > 0; at += size) {
        rf_output_bytes(output, piece, (size_t)size);
    }
}

static void bring_back(struct rf_view *view) {
    rf_message_divert(-1);
    pour_messages(view->messages);
    if (view->output) {
        rf_output_flush(view->output);
        view->output->fd = view->output_fd;
        pour_text(view->text, view->output);
    }
}

/* ---- opening and closing ---- */

static void release(struct rf_view *view) {
    rf_board_free(view->board);
    rf_canvas_release(&view->canvas);
    rf_buffer_release(&view->target);
    if (view->messages >= 0) {
        close(view->messages);
    }
    if (view->text >= 0) {
        close(view->text);
    }
    free(view);
}

static bool set_up(struct rf_view *view, const struct rf_progress_about *about) {
    bool shared = same_terminal(about->output->fd, STDERR_FILENO);
    view->messages = memfd_create("rowferry messages", MFD_CLOEXEC);
    view->text = shared ? memfd_create("rowferry output", MFD_CLOEXEC) : -1;
    view->board = rf_board_new();
    view->scene.command = about->command;
    view->scene.source = about->source;
    if (about->target) {
        rf_redact(&view->target, about->target);
        rf_buffer_u8(&view->target, 0);
        view->scene.target = (const char *)view->target.bytes;
    }
    return view->messages >= 0 && (view->text >= 0 || !shared) && view->board &&
           !view->target.failed;
}

struct rf_view *rf_view_open(const struct rf_progress_about *about) {
    struct rf_view *view = is_in_front() ? calloc(1, sizeof *view) : NULL;
    if (!view) {
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, &view->began);
    view->messages = view->text = -1;
    if (set_up(view, about)) {
        const int spools[RF_SCREEN_SPOOLS] = {view->messages, view->text};
        view->screen = rf_screen_open(STDERR_FILENO, spools);
    }
    if (!view->screen) {
        release(view);
        return NULL;
    }
    divert(view, about->output);
    return view;
}

void rf_view_close(struct rf_view *view) {
    rf_screen_close(view->screen);
    bring_back(view);
    release(view);
}

const struct rf_watch *rf_view_watch(const struct rf_view *view) {
    return rf_board_watch(view->board);
}

void rf_view_proof(struct rf_view *view, uint64_t done, uint64_t expected) {
    rf_board_proof(view->board, done, expected);
}

void rf_view_phase(struct rf_view *view, const char *phase) {
    view->scene.phase = phase;
}

/* ---- drawing ---- */

void rf_view_draw(struct rf_view *view) {
    unsigned width, height;
    double now = seconds_since(&view->began);
    rf_screen_heed_stop(view->screen);
    if (now < SHORTEST_SECONDS || now - view->drawn < DRAWN_EVERY_SECONDS) {
        return;
    }
    view->drawn = now;
    rf_screen_size(view->screen, &width, &height);
    if (rf_canvas_resize(&view->canvas, width, height)) {
        view->scene.seconds = (uint64_t)now;
        rf_board_look(view->board, now, &view->scene);
        (void)rf_message_look(&view->scene.messages);
        rf_layout(&view->scene, &view->canvas);
        rf_screen_paint(view->screen, &view->canvas);
    }
}
