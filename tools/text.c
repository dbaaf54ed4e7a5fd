/* Escaping and measuring text for terminals. */
#include "tools/text.h"

#include <string.h>
#include <wchar.h>

size_t rf_utf8_next(const uint8_t *at, size_t left, uint32_t *code) {
    uint8_t lead = at[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || size > left) {
        return 0;
    }
    uint32_t value = lead & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (at[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *code = value;
    return size;
}

bool rf_utf8_valid(const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t code;
        size_t size = rf_utf8_next(at, left, &code);
        if (size == 0) {
            return false;
        }
        at += size;
        left -= size;
    }
    return true;
}

/* Characters that change how their neighbours look while showing nothing themselves. */
static bool is_unseen(uint32_t code) {
    return code == 0xad || code == 0x61c || code == 0xfeff || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           (code >= 0xfff9 && code <= 0xfffb) || code >= 0xe0000;
}

static bool is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

static void put_control(struct rf_buffer *out, uint32_t code) {
    switch (code) {
    case '\n':
        rf_buffer_append(out, "\\n", 2);
        return;
    case '\t':
        rf_buffer_append(out, "\\t", 2);
        return;
    case '\r':
        rf_buffer_append(out, "\\r", 2);
        return;
    case 0x1b:
        rf_buffer_append(out, "\\e", 2);
        return;
    default:
        /* U+0080 to U+009F are two bytes in UTF-8 and must not look like one bad byte. */
        rf_buffer_printf(out, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
    }
}

/* Appends what stands at `at`, written out where it must be; returns its size in bytes. */
static size_t put_character(struct rf_buffer *out, const uint8_t *at, size_t left) {
    uint32_t code;
    size_t size = rf_utf8_next(at, left, &code);
    if (size == 0) {
        rf_buffer_printf(out, "\\x%02x", at[0]);
        return 1;
    }
    if (is_control(code)) {
        put_control(out, code);
    } else if (is_unseen(code)) {
        rf_buffer_printf(out, code > 0xffff ? "\\u{%x}" : "\\u%04x", (unsigned)code);
    } else {
        rf_buffer_append(out, at, size);
    }
    return size;
}

void rf_text_name(struct rf_buffer *out, const char *name) {
    const uint8_t *at = (const uint8_t *)name;
    const uint8_t *end = at + strlen(name);
    while (at < end) {
        if (*at == '\\') {
            rf_buffer_append(out, "\\\\", 2);
            at++;
        } else {
            at += put_character(out, at, (size_t)(end - at));
        }
    }
}

void rf_text_message(struct rf_buffer *out, const char *message, unsigned indent) {
    const uint8_t *at = (const uint8_t *)message;
    const uint8_t *end = at + strlen(message);
    while (end > at && (end[-1] == '\n' || end[-1] == ' ')) {
        end--; /* libpq ends its messages with a line feed */
    }
    while (at < end) {
        if (*at == '\n') {
            rf_buffer_printf(out, "\n%*s", (int)indent, "");
            at++;
        } else if (*at == '\t') {
            rf_buffer_append(out, " ", 1);
            at++;
        } else {
            at += put_character(out, at, (size_t)(end - at));
        }
    }
}

/* wcwidth answers -1 for what its locale does not know; such a character is taken for a plain
 * one. */
static size_t width_of(uint32_t code) {
    int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);
    return width < 0 ? 1 : (size_t)width;
}

size_t rf_text_fit(const char *text, size_t size, size_t columns) {
    const uint8_t *at = (const uint8_t *)text;
    size_t done = 0;
    size_t width = 0;
    while (done < size) {
        uint32_t code = '?';
        size_t step = rf_utf8_next(at + done, size - done, &code);
        width += width_of(code);
        if (width > columns) {
            break;
        }
        done += step ? step : 1;
    }
    return done;
}

size_t rf_text_width(const char *text, size_t size) {
    const uint8_t *at = (const uint8_t *)text;
    size_t width = 0;
    for (size_t done = 0; done < size;) {
        uint32_t code = '?';
        size_t step = rf_utf8_next(at + done, size - done, &code);
        width += width_of(code);
        done += step ? step : 1;
    }
    return width;
}
