#include "capture/text16.h"

#define ODD_BYTE_MARK 0xffu /* begins nothing in UTF-8, and sorts behind everything */

static inline uint32_t unit_at(const uint8_t *text, size_t at, bool big_endian) {
    return big_endian ? (uint32_t)text[at] << 8 | text[at + 1]
                      : (uint32_t)text[at + 1] << 8 | text[at];
}

static inline bool is_high(uint32_t unit) {
    return (unit & 0xfc00) == 0xd800;
}

static inline bool is_low(uint32_t unit) {
    return (unit & 0xfc00) == 0xdc00;
}

/* The code point at *at, which lies at least two bytes before the end. */
static inline uint32_t next_code(const uint8_t *text, size_t size, size_t *at, bool big_endian) {
    uint32_t unit = unit_at(text, *at, big_endian);
    *at += 2;
    if (is_high(unit) && size - *at >= 2) {
        uint32_t low = unit_at(text, *at, big_endian);
        if (is_low(low)) {
            *at += 2;
            return 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
        }
    }
    return unit;
}

static inline uint8_t *put_code(uint8_t *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = (uint8_t)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (uint8_t)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (uint8_t)(0xe0 | code >> 12);
        } else {
            *out++ = (uint8_t)(0xf0 | code >> 18);
            *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (uint8_t)(0x80 | (code & 0x3f));
    return out;
}

size_t rf_text16_to_utf8(const uint8_t *text, size_t size, bool big_endian, uint8_t *out) {
    uint8_t *end = out;
    size_t at = 0;
    while (size - at >= 2) {
        end = put_code(end, next_code(text, size, &at, big_endian));
    }
    if (at < size) {
        *end++ = ODD_BYTE_MARK;
        *end++ = text[at];
    }
    return (size_t)(end - out);
}

static inline uint8_t *put_unit(uint8_t *out, uint32_t unit, bool big_endian) {
    out[big_endian ? 0 : 1] = (uint8_t)(unit >> 8);
    out[big_endian ? 1 : 0] = (uint8_t)unit;
    return out + 2;
}

/* The code that begins at `text`, and how many bytes it takes: 0 where they are none, or more than
 * are needed. */
static size_t take_code(const uint8_t *text, size_t left, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text[0];
    size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (size == 0 || size > left || first >= 0xf8) {
        return 0;
    }
    *code = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (text[i] & 0x3fu);
    }
    return *code >= least[size] && *code <= 0x10ffff ? size : 0;
}

bool rf_text16_from_utf8(const uint8_t *text, size_t size, bool big_endian, uint8_t *out,
                         size_t *written) {
    uint8_t *end = out;
    uint32_t before = 0;
    for (size_t at = 0; at < size;) {
        uint32_t code = 0;
        if (size - at == 2 && text[at] == ODD_BYTE_MARK) {
            *end++ = text[at + 1];
            break;
        }
        size_t taken = take_code(text + at, size - at, &code);
        bool halves = before < 0x10000 && is_high(before) && code < 0x10000 && is_low(code);
        if (taken == 0 || halves) { /* two halves of a pair are written as one code */
            return false;
        }
        if (code >= 0x10000) {
            end = put_unit(end, 0xd800 + ((code - 0x10000) >> 10), big_endian);
            end = put_unit(end, 0xdc00 + (code & 0x3ff), big_endian);
        } else {
            end = put_unit(end, code, big_endian);
        }
        before = code;
        at += taken;
    }
    *written = (size_t)(end - out);
    return true;
}

/* UTF-8 orders as the code points do, so comparing these is comparing the converted bytes. */
int rf_text16_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                      bool big_endian) {
    size_t i = 0;
    size_t j = 0;
    while (a_size - i >= 2 && b_size - j >= 2) {
        uint32_t left = next_code(a, a_size, &i, big_endian);
        uint32_t right = next_code(b, b_size, &j, big_endian);
        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    size_t a_left = a_size - i;
    size_t b_left = b_size - j;
    if (a_left == 1 && b_left == 1) {
        return (int)a[i] - (int)b[j];
    }
    if (a_left == 0 || b_left == 0) {
        return (a_left > 0) - (b_left > 0);
    }
    return a_left == 1 ? 1 : -1; /* the mark sorts behind every code */
}
