/* Numbers and strings of JSON, as jsonb holds them. */
#include <string.h>

#include "replay/json_inner.h"

/* Of a numeric; and what numeric_in() takes for an exponent. */
#define WHOLE_DIGITS_MAX 131072
#define SHOWN_MAX 16383
#define EXPONENT_END INT64_C(1073741823)

static unsigned digit_at(const struct rf_json_number *number, size_t i) {
    return number->digits[i < number->before ? i : i + 1] - (unsigned)'0';
}

static bool read_exponent(const uint8_t *at, const uint8_t *end, int64_t *exponent) {
    *exponent = 0;
    if (at == end) {
        return true;
    }
    at++; /* e */
    bool negative = *at == '-';
    at += *at == '-' || *at == '+';
    for (; at < end && *exponent < EXPONENT_END; at++) {
        *exponent = *exponent * 10 + (*at - '0');
    }
    bool fits = *exponent < EXPONENT_END;
    *exponent = negative ? -*exponent : *exponent;
    return fits;
}

static size_t run_of_digits(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return (size_t)(at - start);
}

bool rf_json_number_read(const uint8_t *token, size_t size, struct rf_json_number *number) {
    const uint8_t *end = token + size;
    bool negative = *token == '-';
    const uint8_t *at = token + negative;
    *number = (struct rf_json_number){.digits = at, .before = run_of_digits(at, end)};
    at += number->before;
    size_t behind = at < end && *at == '.' ? run_of_digits(at + 1, end) : 0;
    at += behind > 0 ? behind + 1 : 0;
    int64_t exponent;
    if (!read_exponent(at, end, &exponent)) {
        return false;
    }
    number->count = number->before + behind;
    while ((size_t)number->skip < number->count && digit_at(number, (size_t)number->skip) == 0) {
        number->skip++;
    }
    bool zero = (size_t)number->skip == number->count;
    number->negative = negative && !zero;
    number->point = zero ? 0 : (int64_t)number->before + exponent;
    number->shown = (int64_t)behind > exponent ? (int64_t)behind - exponent : 0;
    return number->shown <= SHOWN_MAX && number->point - number->skip <= WHOLE_DIGITS_MAX;
}

/* The digit that counts 10^(point - 1 - place). */
static uint8_t character_at(const struct rf_json_number *number, int64_t place) {
    bool there = place >= number->skip && place < (int64_t)number->count;
    return (uint8_t)('0' + (there ? digit_at(number, (size_t)place) : 0));
}

size_t rf_json_number_write(const struct rf_json_number *number, uint8_t *to) {
    int64_t whole = number->point > number->skip ? number->point - number->skip : 0;
    size_t size = (size_t)number->negative + (size_t)(whole > 0 ? whole : 1) +
                  (number->shown > 0 ? 1 + (size_t)number->shown : 0);
    if (!to) {
        return size;
    }
    if (number->negative) {
        *to++ = '-';
    }
    if (whole == 0) {
        *to++ = '0';
    }
    for (int64_t i = number->point - whole; i < number->point; i++) {
        *to++ = character_at(number, i);
    }
    if (number->shown > 0) {
        *to++ = '.';
    }
    for (int64_t i = 0; i < number->shown; i++) {
        *to++ = character_at(number, number->point + i);
    }
    return size;
}

static unsigned hex_of(const uint8_t digits[4]) {
    unsigned code = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned c = digits[i];
        code = code << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
}

static size_t put_utf8(uint8_t to[4], unsigned code) {
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (uint8_t)(0xc0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xe0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (code & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | code >> 18);
    to[1] = (uint8_t)(0x80 | (code >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (code >> 6 & 63));
    to[3] = (uint8_t)(0x80 | (code & 63));
    return 4;
}

/* At "uXXXX", of a string whose last byte is a quote. Returns how many bytes it takes, with the
 * other half of a surrogate pair, or 0 where it stands for nothing that jsonb holds. */
static size_t read_unicode(const uint8_t *at, unsigned *code) {
    *code = hex_of(at + 1);
    if (*code >= 0xd800 && *code < 0xdc00 && at[5] == '\\' && at[6] == 'u') {
        unsigned low = hex_of(at + 7);
        *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
        return low >= 0xdc00 && low < 0xe000 ? 11 : 0;
    }
    return *code == 0 || (*code >= 0xd800 && *code < 0xe000) ? 0 : 5;
}

static const char letters[] = "\"\\/bfnrt";
static const char meanings[] = "\"\\/\b\f\n\r\t";

/* Behind the backslash. Returns the bytes that were read, 0 for what jsonb cannot hold. */
static size_t read_escape(const uint8_t *at, uint8_t to[4], size_t *count) {
    if (*at == 'u') {
        unsigned code;
        size_t size = read_unicode(at, &code);
        *count = size > 0 ? put_utf8(to, code) : 0;
        return size;
    }
    to[0] = (uint8_t)meanings[strchr(letters, *at) - letters];
    *count = 1;
    return 1;
}

/* One byte of the string as jsonb writes it; returns how many those are. */
static size_t escaped(uint8_t c, uint8_t to[6]) {
    static const char digits[] = "0123456789abcdef";
    const char *meaning = c == '/' || c == 0 ? NULL : strchr(meanings, c);
    to[0] = '\\';
    if (meaning) {
        to[1] = (uint8_t)letters[meaning - meanings];
        return 2;
    }
    if (c < ' ') {
        to[1] = 'u';
        to[2] = '0';
        to[3] = '0';
        to[4] = (uint8_t)digits[c >> 4];
        to[5] = (uint8_t)digits[c & 15];
        return 6;
    }
    to[0] = c;
    return 1;
}

struct writer {
    bool escape;
    uint8_t *at; /* where to write, or NULL */
    size_t size;
};

static void write_bytes(struct writer *writer, const uint8_t *bytes, size_t size) {
    if (writer->at) {
        memcpy(writer->at, bytes, size);
        writer->at += size;
    }
    writer->size += size;
}

static void write_characters(struct writer *writer, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; writer->escape && i < size; i++) {
        uint8_t room[6];
        write_bytes(writer, room, escaped(bytes[i], room));
    }
    if (!writer->escape) {
        write_bytes(writer, bytes, size);
    }
}

/* What stands in a string without a backslash stays as it is. */
static size_t plain_run(const uint8_t *at, const uint8_t *end) {
    const uint8_t *mark = memchr(at, '\\', (size_t)(end - at));
    return (size_t)((mark ? mark : end) - at);
}

bool rf_json_string_write(const uint8_t *token, size_t size, bool escape, uint8_t *to,
                          size_t *written) {
    struct writer writer = {.escape = escape};
    writer.at = to;
    const uint8_t *at = token + 1, *end = token + size - 1;
    const uint8_t quote = '"';
    if (escape) {
        write_bytes(&writer, &quote, 1);
    }
    while (at < end) {
        size_t run = plain_run(at, end);
        write_bytes(&writer, at, run);
        at += run;
        if (at < end) {
            uint8_t character[4];
            size_t count, read = read_escape(at + 1, character, &count);
            if (read == 0) {
                return false;
            }
            write_characters(&writer, character, count);
            at += 1 + read;
        }
    }
    if (escape) {
        write_bytes(&writer, &quote, 1);
    }
    *written = writer.size;
    return true;
}
