/* Messages and the status line share standard error, so one lock guards both. */
#include "tools/message.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tools/redact.h"
#include "tools/text.h"

static pthread_mutex_t standard_error = PTHREAD_MUTEX_INITIALIZER;
static size_t status_width; /* columns that the status line takes now */
static int written_to = STDERR_FILENO;
static struct rf_message_recent recent; /* kept while messages are diverted */

/* A descriptor that was made non-blocking is waited for, but not for ever. */
static bool may_go_on(ssize_t written) {
    if (written > 0 || errno == EINTR) {
        return true;
    }
    struct pollfd ready = {.fd = written_to, .events = POLLOUT};
    return errno == EAGAIN && poll(&ready, 1, 1000) > 0;
}

static void write_out(const struct rf_buffer *text) {
    size_t done = 0;
    while (!text->failed && done < text->size) {
        ssize_t written = write(written_to, text->bytes + done, text->size - done);
        if (!may_go_on(written)) {
            return;
        }
        done += written > 0 ? (size_t)written : 0;
    }
}

/* Blanks over the line rather than an escape sequence: that works on any terminal. */
static void put_status_away(struct rf_buffer *out) {
    if (status_width > 0) {
        rf_buffer_printf(out, "\r%*s\r", (int)status_width, "");
        status_width = 0;
    }
}

static void keep_line(const char *text, size_t size) {
    if (recent.count == RF_MESSAGE_LINES) {
        memmove(recent.lines[0], recent.lines[1], sizeof recent.lines - sizeof recent.lines[0]);
        recent.count--;
    }
    char *line = recent.lines[recent.count++];
    size = size < RF_MESSAGE_LINE ? size : RF_MESSAGE_LINE - 1;
    while (size > 0 && size == RF_MESSAGE_LINE - 1 && (text[size] & 0xc0) == 0x80) {
        size--; /* no half characters */
    }
    memcpy(line, text, size);
    line[size] = 0;
}

static void keep(const struct rf_buffer *text) {
    static const char warning[] = "warning: ";
    const char *at = (const char *)text->bytes;
    size_t left = text->size;
    recent.warnings += left > sizeof warning && memcmp(at, warning, sizeof warning - 1) == 0;
    while (left > 0) {
        const char *end = memchr(at, '\n', left);
        size_t size = end ? (size_t)(end - at) : left;
        keep_line(at, size);
        size += end != NULL;
        at += size;
        left -= size;
    }
}

void rf_message_divert(int fd) {
    pthread_mutex_lock(&standard_error);
    written_to = fd < 0 ? STDERR_FILENO : fd;
    recent = (struct rf_message_recent){.count = 0};
    pthread_mutex_unlock(&standard_error);
}

void rf_message_pour(const void *text, size_t size) {
    struct rf_buffer all = {0};
    rf_buffer_append(&all, text, size);
    pthread_mutex_lock(&standard_error);
    write_out(&all);
    pthread_mutex_unlock(&standard_error);
    rf_buffer_release(&all);
}

bool rf_message_look(struct rf_message_recent *copy) {
    if (pthread_mutex_trylock(&standard_error) != 0) {
        return false;
    }
    *copy = recent;
    pthread_mutex_unlock(&standard_error);
    return true;
}

static void show(const struct rf_buffer *text) {
    struct rf_buffer all = {0};
    pthread_mutex_lock(&standard_error);
    put_status_away(&all);
    if (text->failed) {
        static const char no_memory[] = "error: out of memory\n";
        rf_buffer_append(&all, no_memory, sizeof no_memory - 1);
    } else {
        rf_buffer_append(&all, text->bytes, text->size);
    }
    if (written_to != STDERR_FILENO && !text->failed) {
        keep(text);
    }
    write_out(&all);
    pthread_mutex_unlock(&standard_error);
    rf_buffer_release(&all);
}

void rf_message_what(const struct rf_error *error, struct rf_buffer *out) {
    rf_redact(out, error->what);
}

static void new_line_of_detail(struct rf_buffer *out, size_t start) {
    if (out->size > start) {
        rf_buffer_append(out, "\n", 1);
    }
}

void rf_message_detail(const struct rf_error *error, struct rf_buffer *out) {
    size_t start = out->size;
    rf_redact(out, error->detail);
    for (unsigned i = 0; i < error->contexts; i++) {
        new_line_of_detail(out, start);
        rf_redact(out, error->context[i]);
    }
    if (error->sqlstate[0]) {
        new_line_of_detail(out, start);
        rf_buffer_printf(out, "SQLSTATE %s", error->sqlstate);
    }
}

void rf_message_hint(const struct rf_error *error, struct rf_buffer *out) {
    rf_redact(out, error->hint);
}

static void part(struct rf_buffer *out, const char *word, const struct rf_error *error,
                 void (*get)(const struct rf_error *, struct rf_buffer *)) {
    struct rf_buffer text = {0};
    get(error, &text);
    if (text.size > 0) {
        rf_buffer_u8(&text, 0);
        if (!text.failed) {
            rf_buffer_append(out, word, strlen(word));
            rf_text_message(out, (const char *)text.bytes, (unsigned)strlen(word));
            rf_buffer_append(out, "\n", 1);
        }
    }
    out->failed = out->failed || text.failed;
    rf_buffer_release(&text);
}

void rf_message_format(const struct rf_error *error, struct rf_buffer *out) {
    part(out, "error: ", error, rf_message_what);
    part(out, "detail: ", error, rf_message_detail);
    part(out, "hint: ", error, rf_message_hint);
}

void rf_message_error(const struct rf_error *error) {
    struct rf_buffer text = {0};
    rf_message_format(error, &text);
    show(&text);
    rf_buffer_release(&text);
}

/* A message behind its word, which the lines that follow are set in by. */
static void say(const char *word, const char *message) {
    struct rf_buffer clean = {0};
    struct rf_buffer text = {0};
    rf_redact(&clean, message);
    rf_buffer_u8(&clean, 0);
    if (!clean.failed) {
        rf_buffer_append(&text, word, strlen(word));
        rf_text_message(&text, (const char *)clean.bytes, (unsigned)strlen(word));
        rf_buffer_append(&text, "\n", 1);
        show(&text);
    }
    rf_buffer_release(&clean);
    rf_buffer_release(&text);
}

void rf_message_note(const char *note) {
    say("note: ", note);
}

void rf_message_warning(const char *warning) {
    say("warning: ", warning);
}

/* Would a short write return at once? A full pipe and a stopped terminal say no. */
static bool is_ready(void) {
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&ready, 1, 0) > 0 && (ready.revents & POLLOUT);
}

void rf_message_progress(const char *text) {
    struct rf_buffer line = {0};
    rf_buffer_printf(&line, "%s\n", text);
    if (is_ready()) {
        show(&line);
    }
    rf_buffer_release(&line);
}

void rf_message_status(const char *text, unsigned columns) {
    struct rf_buffer all = {0};
    /* The last column stays free: some terminals begin a new line when it is written to. */
    size_t size = rf_text_fit(text, strlen(text), columns > 1 ? columns - 1 : 1);
    size_t width = rf_text_width(text, size);
    pthread_mutex_lock(&standard_error);
    bool ready = is_ready(); /* if not, what is shown stays */
    if (ready && size == 0) {
        put_status_away(&all);
    } else if (ready) {
        int blanks = status_width > width ? (int)(status_width - width) : 0;
        rf_buffer_printf(&all, "\r%.*s%*s", (int)size, text, blanks, "");
        status_width = width;
    }
    write_out(&all);
    pthread_mutex_unlock(&standard_error);
    rf_buffer_release(&all);
}
