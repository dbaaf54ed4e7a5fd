/* ncurses is made to write into a file in memory, which is carried to the terminal piece by
 * piece. */
#include "tools/screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "format/bytes.h"
#include "tools/signals.h"

#define RESCUE_BYTES 512u
#define DRAIN_MS 400 /* at most so long for each of the three ways to get rid of what is pending */

struct rf_screen {
    int fd; /* the terminal, non-blocking */
    int spools[RF_SCREEN_SPOOLS];
    FILE *canvas; /* what ncurses writes */
    SCREEN *curses;
    bool colours;
    bool alternate; /* it has a second screen to show the view on */
    bool entered;
    unsigned width, height; /* that ncurses knows of */
    struct rf_buffer pending;
    size_t sent; /* of it */
    struct termios before;
    size_t rescue_size;
    char rescue[RESCUE_BYTES]; /* puts the terminal right */
};

/* What signal handlers look at: the screen that is entered, and whether Ctrl-Z came. */
static _Atomic(struct rf_screen *) on_show;
static atomic_bool rescued; /* nothing is written any more */
static atomic_bool stop_asked;

/* ---- getting bytes out ---- */

static bool is_sent(const struct rf_screen *screen) {
    return screen->sent == screen->pending.size;
}

/* As much as the terminal takes now. */
static void send_some(struct rf_screen *screen) {
    while (!is_sent(screen) && !atomic_load(&rescued)) {
        ssize_t written = write(screen->fd, screen->pending.bytes + screen->sent,
                                screen->pending.size - screen->sent);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0 && errno != EAGAIN) {
            screen->sent = screen->pending.size; /* it is gone, and so is the view */
        }
        if (written <= 0) {
            break;
        }
        screen->sent += (size_t)written;
    }
    if (is_sent(screen)) {
        rf_buffer_clear(&screen->pending);
        screen->sent = 0;
    }
}

static void drain(struct rf_screen *screen) {
    send_some(screen);
    for (int waited = 0; !is_sent(screen) && waited < DRAIN_MS; waited += 20) {
        struct pollfd ready = {.fd = screen->fd, .events = POLLOUT};
        poll(&ready, 1, 20);
        send_some(screen);
    }
}

/* What ncurses wrote is pending from now on. */
static void collect(struct rf_screen *screen) {
    fflush(screen->canvas);
    int fd = fileno(screen->canvas);
    off_t size = lseek(fd, 0, SEEK_CUR);
    uint8_t *room = size > 0 ? rf_buffer_extend(&screen->pending, (size_t)size) : NULL;
    if (room && pread(fd, room, (size_t)size, 0) != size) {
        screen->pending.size -= (size_t)size;
    }
    (void)!ftruncate(fd, 0);
    lseek(fd, 0, SEEK_SET);
}

/* ---- signals ---- */

static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGQUIT};
#define FATALS (sizeof fatal / sizeof fatal[0])
static struct sigaction fatal_before[FATALS];
static struct sigaction stop_before;

/* Calls nothing but what may be called in a handler. */
static void write_patiently(int fd, const char *bytes, size_t size) {
    for (int waited = 0; size > 0 && waited < DRAIN_MS;) {
        ssize_t written = write(fd, bytes, size);
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
            return;
        } else {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, 20);
            waited += 20;
        }
    }
}

static void pour(int fd, int spool) {
    char piece[1024];
    ssize_t size;
    for (off_t at = 0; spool >= 0 && (size = pread(spool, piece, sizeof piece, at)) > 0;
         at += size) {
        write_patiently(fd, piece, (size_t)size);
    }
}

void rf_screen_rescue(void) {
    struct rf_screen *screen = atomic_exchange(&on_show, NULL);
    if (!screen) {
        return;
    }
    int error = errno;
    atomic_store(&rescued, true);
    write_patiently(screen->fd, screen->rescue, screen->rescue_size);
    tcsetattr(screen->fd, TCSANOW, &screen->before);
    for (unsigned i = 0; i < RF_SCREEN_SPOOLS; i++) {
        pour(screen->fd, screen->spools[i]);
    }
    errno = error;
}

/* A fault comes again on return from here, to whoever caught it before; a signal that was sent does
 * not. */
static void on_fatal(int number, siginfo_t *info, void *context) {
    (void)context;
    rf_screen_rescue();
    for (size_t i = 0; i < FATALS; i++) {
        if (fatal[i] == number) {
            sigaction(number, &fatal_before[i], NULL);
        }
    }
    if (info->si_code <= 0) {
        raise(number); /* delivered on return */
    }
}

static void on_stop(int number) {
    (void)number;
    atomic_store(&stop_asked, true);
}

static void catch_signals(void) {
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FATALS; i++) {
        sigaction(fatal[i], &action, &fatal_before[i]);
    }
    rf_signals_before_end(rf_screen_rescue);
    action = (struct sigaction){.sa_handler = on_stop, .sa_flags = SA_RESTART};
    if (sigaction(SIGTSTP, NULL, &stop_before) == 0 && stop_before.sa_handler != SIG_IGN) {
        sigaction(SIGTSTP, &action, NULL);
    }
}

static void release_signals(void) {
    rf_signals_before_end(NULL);
    for (size_t i = 0; i < FATALS; i++) {
        sigaction(fatal[i], &fatal_before[i], NULL);
    }
    sigaction(SIGTSTP, &stop_before, NULL);
}

/* Stopped here, as the shell expects of a job, until it is continued. A job that no shell watches
 * over is not stopped at all: the system sees to that. */
static void stop_as_asked(void) {
    struct sigaction plain = {.sa_handler = SIG_DFL}, ours;
    sigset_t one, before;
    sigemptyset(&one);
    sigaddset(&one, SIGTSTP);
    sigaction(SIGTSTP, &plain, &ours);
    pthread_sigmask(SIG_UNBLOCK, &one, &before);
    raise(SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGTSTP, &ours, NULL);
}

void rf_screen_heed_stop(struct rf_screen *screen) {
    if (atomic_exchange(&stop_asked, false)) {
        rf_screen_leave(screen);
        stop_as_asked();
    }
}

/* ---- the terminal ---- */

static bool is_ours(const struct rf_screen *screen) {
    return tcgetpgrp(screen->fd) == getpgrp();
}

/* A job in the background would be stopped for it. */
static void change_modes(const struct rf_screen *screen, const struct termios *modes) {
    sigset_t one, before;
    sigemptyset(&one);
    sigaddset(&one, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &one, &before);
    tcsetattr(screen->fd, TCSANOW, modes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void set_modes(struct rf_screen *screen) {
    tcgetattr(screen->fd, &screen->before);
    struct termios modes = screen->before;
    modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    modes.c_oflag &= ~(tcflag_t)ONLCR; /* as ncurses takes for granted */
    change_modes(screen, &modes);
}

/* Output that was stopped with Ctrl-S goes on when IXON is switched off. */
static void set_going(const struct rf_screen *screen) {
    struct termios modes = screen->before;
    modes.c_iflag &= ~(tcflag_t)IXON;
    change_modes(screen, &modes);
}

/* ncurses knows no other size than it is told. */
static void fit(struct rf_screen *screen) {
    unsigned width, height;
    rf_screen_size(screen, &width, &height);
    if (width != screen->width || height != screen->height) {
        resizeterm((int)height, (int)width);
        clearok(stdscr, TRUE);
        screen->width = width;
        screen->height = height;
    }
}

void rf_screen_size(const struct rf_screen *screen, unsigned *width, unsigned *height) {
    struct winsize size;
    bool known = ioctl(screen->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *width = known ? size.ws_col : 80;
    *height = known ? size.ws_row : 24;
    *width = *width < RF_CANVAS_WIDTH ? *width : RF_CANVAS_WIDTH;
    *height = *height < RF_CANVAS_HEIGHT ? *height : RF_CANVAS_HEIGHT;
}

/* ---- painting ---- */

struct look {
    attr_t plain;      /* without colours */
    attr_t attributes; /* with them */
    short foreground, background;
};
static const struct look looks[RF_STYLES] = {
    [RF_STYLE_PLAIN] = {A_NORMAL, A_NORMAL, -1, -1},
    [RF_STYLE_STRONG] = {A_BOLD, A_BOLD, -1, -1},
    [RF_STYLE_FAINT] = {A_DIM, A_DIM, -1, -1},
    [RF_STYLE_BAR] = {A_REVERSE, A_BOLD, COLOR_WHITE, COLOR_BLUE},
    [RF_STYLE_BAR_REST] = {A_UNDERLINE, A_UNDERLINE, -1, -1},
    [RF_STYLE_ACTIVE] = {A_BOLD, A_NORMAL, COLOR_CYAN, -1},
    [RF_STYLE_DONE] = {A_NORMAL, A_NORMAL, COLOR_GREEN, -1},
    [RF_STYLE_WARNING] = {A_BOLD, A_BOLD, COLOR_YELLOW, -1},
};

static bool wants_colours(void) {
    const char *none = getenv("NO_COLOR");
    return !(none && *none) && has_colors();
}

static void make_colours(struct rf_screen *screen) {
    screen->colours = wants_colours() && start_color() == OK && use_default_colors() == OK;
    for (short i = 0; screen->colours && i < (short)RF_STYLES; i++) {
        init_pair((short)(i + 1), looks[i].foreground, looks[i].background);
    }
}

static void paint_cell(const struct rf_screen *screen, const struct rf_cell *cell, unsigned row,
                       unsigned column) {
    cchar_t character;
    attr_t attributes = screen->colours ? looks[cell->style].attributes : looks[cell->style].plain;
    short pair = screen->colours ? (short)(cell->style + 1) : 0;
    if (cell->text[0] && setcchar(&character, cell->text, attributes, pair, NULL) == OK) {
        mvadd_wch((int)row, (int)column, &character);
    }
}

static void enter(struct rf_screen *screen) {
    clearok(stdscr, TRUE);
    screen->entered = true;
    atomic_store(&on_show, screen);
    set_modes(screen);
}

void rf_screen_paint(struct rf_screen *screen, const struct rf_canvas *canvas) {
    send_some(screen);
    if (!is_sent(screen) || !is_ours(screen)) {
        return;
    }
    if (!screen->entered) {
        enter(screen);
    }
    fit(screen);
    erase();
    for (unsigned row = 0; row < canvas->height && row < screen->height; row++) {
        for (unsigned column = 0; column < canvas->width && column < screen->width; column++) {
            paint_cell(screen, rf_canvas_at(canvas, row, column), row, column);
        }
    }
    refresh();
    collect(screen);
    send_some(screen);
}

/* Three ways, each for a terminal that the one before was no use with: wait; let stopped output go
 * on; throw away what nobody has read, so that at least the last bytes find room. */
void rf_screen_leave(struct rf_screen *screen) {
    if (!screen->entered) {
        return;
    }
    if (!screen->alternate) {
        erase(); /* no old view above what is printed next */
        refresh();
    }
    endwin();
    collect(screen);
    drain(screen);
    if (!is_sent(screen)) {
        set_going(screen);
        drain(screen);
    }
    if (!is_sent(screen)) {
        tcflush(screen->fd, TCOFLUSH);
        rf_buffer_clear(&screen->pending);
        screen->sent = 0;
        rf_buffer_append(&screen->pending, screen->rescue, screen->rescue_size);
        drain(screen);
    }
    atomic_store(&on_show, NULL);
    change_modes(screen, &screen->before);
    screen->entered = false;
}

/* ---- opening and closing ---- */

static bool is_same_terminal(int fd, dev_t device) {
    unsigned number; /* of the terminal itself, also behind /dev/tty */
    return ioctl(fd, TIOCGDEV, &number) == 0 &&
           makedev(number >> 8 & 0xfff, (number & 0xff) | (number >> 12 & 0xfff00)) == device;
}

/* A description of our own. The terminal may belong to another user, after su: then it is to be had
 * by its other name. */
static int open_anew(int fd) {
    char name[64];
    struct stat terminal;
    if (fstat(fd, &terminal) != 0 || !S_ISCHR(terminal.st_mode) || !isatty(fd)) {
        return -1;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const char *const names[] = {name, "/dev/tty"};
    for (unsigned i = 0; i < 2; i++) {
        int opened = open(names[i], O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (opened >= 0 && is_same_terminal(opened, terminal.st_rdev)) {
            return opened;
        }
        if (opened >= 0) {
            close(opened);
        }
    }
    return -1;
}

/* ncurses catches signals that nobody else does; those stay as they are. It would believe these
 * variables rather than what it is told, also where the terminal has long had another size; nobody
 * else reads them. */
static SCREEN *start_curses(const char *type, FILE *canvas) {
    static const int touched[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    struct sigaction before[sizeof touched / sizeof touched[0]];
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++) {
        sigaction(touched[i], NULL, &before[i]);
    }
    unsetenv("LINES");
    unsetenv("COLUMNS");
    SCREEN *curses = newterm(type, canvas, canvas);
    for (size_t i = 0; i < sizeof touched / sizeof touched[0]; i++) {
        sigaction(touched[i], &before[i], NULL);
    }
    return curses;
}

static bool has(const char *capability) {
    const char *text = tigetstr(capability);
    return text && text != (const char *)-1;
}

/* Is it known, can the cursor go anywhere and the screen be wiped? Asked first: newterm leaks where
 * it is not. */
static bool is_capable(const char *type, int fd) {
    int answer;
    if (setupterm(type, fd, &answer) != OK) {
        return false;
    }
    bool capable = has("cup") && has("clear");
    del_curterm(cur_term);
    return capable;
}

/* What ncurses writes when it ends puts the terminal right. */
static bool learn_rescue(struct rf_screen *screen) {
    refresh();
    collect(screen);
    rf_buffer_clear(&screen->pending);
    endwin();
    collect(screen);
    bool fits = !screen->pending.failed && screen->pending.size <= RESCUE_BYTES;
    screen->rescue_size = fits ? screen->pending.size : 0;
    if (fits && screen->pending.size > 0) {
        memcpy(screen->rescue, screen->pending.bytes, screen->pending.size);
    }
    rf_buffer_clear(&screen->pending);
    return fits;
}

static bool set_up(struct rf_screen *screen, int fd) {
    const char *type = getenv("TERM");
    screen->fd = type && *type && strcmp(type, "dumb") != 0 ? open_anew(fd) : -1;
    if (screen->fd >= 0) {
        tcgetattr(screen->fd, &screen->before);
    }
    int memory = screen->fd >= 0 ? memfd_create("rowferry view", MFD_CLOEXEC) : -1;
    screen->canvas = memory >= 0 ? fdopen(memory, "w+") : NULL;
    if (!screen->canvas) {
        if (memory >= 0) {
            close(memory);
        }
        return false;
    }
    screen->curses = is_capable(type, screen->fd) ? start_curses(type, screen->canvas) : NULL;
    if (!screen->curses) {
        return false;
    }
    screen->alternate = has("smcup");
    typeahead(-1);
    curs_set(0);
    leaveok(stdscr, TRUE);
    make_colours(screen);
    fit(screen);
    return learn_rescue(screen);
}

static void release(struct rf_screen *screen) {
    if (screen->curses) {
        delscreen(screen->curses);
    }
    if (screen->canvas) {
        fclose(screen->canvas);
    }
    if (screen->fd >= 0) {
        close(screen->fd);
    }
    rf_buffer_release(&screen->pending);
    free(screen);
}

struct rf_screen *rf_screen_open(int fd, const int spools[RF_SCREEN_SPOOLS]) {
    struct rf_screen *screen = calloc(1, sizeof *screen);
    if (!screen) {
        return NULL;
    }
    memcpy(screen->spools, spools, sizeof screen->spools);
    catch_signals();
    if (!set_up(screen, fd)) {
        release_signals();
        release(screen);
        return NULL;
    }
    return screen;
}

void rf_screen_close(struct rf_screen *screen) {
    if (screen) {
        rf_screen_leave(screen);
        release_signals();
        release(screen);
    }
}
