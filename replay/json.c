#include "replay/json.h"

#include <string.h>

#include "replay/conversion.h"
#include "replay/json_inner.h"

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind the backslash. */
static const uint8_t *past_escape(const uint8_t *at, const uint8_t *end) {
    if (at < end && *at == 'u') {
        for (unsigned i = 1; i <= 4; i++) {
            if (end - at <= (ptrdiff_t)i || !is_hex(at[i])) {
                return NULL;
            }
        }
        return at + 5;
    }
    return at < end && *at != 0 && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
}

/* Behind the opening quote; NULL where the string does not end. */
static const uint8_t *past_string(struct rf_json_reader *reader, const uint8_t *at) {
    reader->escaped = false;
    while (at && at < reader->end && *at >= ' ') {
        if (*at == '"') {
            return at + 1;
        }
        if (*at == '\\') {
            reader->escaped = true;
            at = past_escape(at + 1, reader->end);
        } else {
            at++;
        }
    }
    return NULL;
}

static const uint8_t *past_digits(const uint8_t *at, const uint8_t *end) {
    const uint8_t *start = at;
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at > start ? at : NULL;
}

static const uint8_t *past_number(const uint8_t *at, const uint8_t *end) {
    at += *at == '-';
    const uint8_t *whole = at;
    at = past_digits(at, end);
    if (!at || (*whole == '0' && at - whole > 1)) {
        return NULL;
    }
    if (at < end && *at == '.') {
        at = past_digits(at + 1, end);
    }
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        at = past_digits(at, end);
    }
    return at;
}

static const uint8_t *past_word(const uint8_t *at, const uint8_t *end) {
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(end - at) >= size && memcmp(at, words[i], size) == 0) {
            return at + size;
        }
    }
    return NULL;
}

static enum rf_json_token read_token(struct rf_json_reader *reader) {
    static const char marks[] = "{}[],:";
    static const enum rf_json_token tokens[] = {RF_JSON_OBJECT, RF_JSON_OBJECT_END,
                                                RF_JSON_ARRAY,  RF_JSON_ARRAY_END,
                                                RF_JSON_COMMA,  RF_JSON_COLON};
    const uint8_t *at = reader->at, *end = reader->end, *past;
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    reader->token = at;
    if (at == end) {
        return RF_JSON_END;
    }
    enum rf_json_token token = RF_JSON_WORD;
    const char *mark = *at ? strchr(marks, *at) : NULL;
    if (mark) {
        token = tokens[mark - marks];
        past = at + 1;
    } else if (*at == '"') {
        token = RF_JSON_STRING;
        past = past_string(reader, at + 1);
    } else if (*at == '-' || is_digit(*at)) {
        token = RF_JSON_NUMBER;
        past = past_number(at, end);
    } else {
        past = past_word(at, end);
    }
    if (!past) {
        return RF_JSON_BAD;
    }
    reader->at = past;
    reader->size = (size_t)(past - at);
    return token;
}

void rf_json_start(struct rf_json_reader *reader, const uint8_t *text, size_t size) {
    *reader = (struct rf_json_reader){.at = text, .end = text + size, .place = RF_JSON_VALUE};
}

static bool in_object(const struct rf_json_reader *reader) {
    uint32_t level = reader->depth - 1;
    return reader->depth > 0 && (reader->objects[level / 8] >> level % 8 & 1) != 0;
}

static bool open_level(struct rf_json_reader *reader, bool object) {
    if (reader->depth == RF_JSON_DEPTH_MAX) {
        return false;
    }
    uint32_t level = reader->depth++;
    uint8_t bit = (uint8_t)(1u << level % 8);
    reader->objects[level / 8] &= (uint8_t)~bit;
    reader->objects[level / 8] |= object ? bit : 0;
    reader->place = RF_JSON_FIRST;
    return true;
}

static bool close_level(struct rf_json_reader *reader, bool object) {
    bool empty = reader->place == RF_JSON_FIRST;
    if (reader->depth == 0 || in_object(reader) != object ||
        (!empty && reader->place != RF_JSON_AFTER)) {
        return false;
    }
    reader->depth--;
    reader->place = RF_JSON_AFTER;
    return true;
}

/* A value, or the key of a member. */
static bool take_value(struct rf_json_reader *reader, enum rf_json_token token) {
    bool first = reader->place == RF_JSON_FIRST;
    reader->key = reader->place == RF_JSON_KEY || (first && in_object(reader));
    if (reader->key) {
        reader->place = RF_JSON_MIDDLE;
        return token == RF_JSON_STRING;
    }
    if (reader->place != RF_JSON_VALUE && !first) {
        return false;
    }
    reader->place = RF_JSON_AFTER;
    if (token == RF_JSON_OBJECT || token == RF_JSON_ARRAY) {
        return open_level(reader, token == RF_JSON_OBJECT);
    }
    return true;
}

static bool may_stand(struct rf_json_reader *reader, enum rf_json_token token) {
    switch (token) {
    case RF_JSON_BAD:
        return false;
    case RF_JSON_END:
        return reader->place == RF_JSON_AFTER && reader->depth == 0;
    case RF_JSON_OBJECT_END:
    case RF_JSON_ARRAY_END:
        return close_level(reader, token == RF_JSON_OBJECT_END);
    case RF_JSON_COMMA:
        if (reader->place != RF_JSON_AFTER || reader->depth == 0) {
            return false;
        }
        reader->place = in_object(reader) ? RF_JSON_KEY : RF_JSON_VALUE;
        return true;
    case RF_JSON_COLON:
        if (reader->place != RF_JSON_MIDDLE) {
            return false;
        }
        reader->place = RF_JSON_VALUE;
        return true;
    case RF_JSON_OBJECT:
    case RF_JSON_ARRAY:
    case RF_JSON_STRING:
    case RF_JSON_NUMBER:
    case RF_JSON_WORD:
        return take_value(reader, token);
    }
    return false;
}

enum rf_json_token rf_json_next(struct rf_json_reader *reader) {
    enum rf_json_token token = read_token(reader);
    return may_stand(reader, token) ? token : RF_JSON_BAD;
}

bool rf_json_valid(const uint8_t *text, size_t size) {
    struct rf_json_reader reader;
    rf_json_start(&reader, text, size);
    enum rf_json_token token;
    do {
        token = rf_json_next(&reader);
    } while (token != RF_JSON_BAD && token != RF_JSON_END);
    return token == RF_JSON_END;
}

/* Digits alone, but for a sign; -0 is none, as it would not come back. */
static bool read_integer(const uint8_t *token, size_t size, int64_t *integer) {
    bool negative = *token == '-';
    const uint8_t *at = token + negative, *end = token + size;
    int64_t value = 0;
    if (negative && *at == '0') {
        return false;
    }
    for (; at < end; at++) {
        int64_t digit = *at - '0';
        if (!is_digit(*at) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value)) {
            return false;
        }
    }
    *integer = value;
    return true;
}

static void put_integer(struct rf_buffer *out, int64_t integer) {
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t) + sizeof integer) : NULL;
    if (at) {
        rf_put_be32(at, sizeof integer);
        rf_put_be64(at + sizeof(uint32_t), (uint64_t)integer);
    }
}

bool rf_json_integers(const uint8_t *text, size_t size, uint32_t *count, struct rf_buffer *out) {
    struct rf_json_reader reader;
    rf_json_start(&reader, text, size);
    *count = 0;
    if (rf_json_next(&reader) != RF_JSON_ARRAY) {
        return false;
    }
    for (;;) {
        int64_t integer;
        switch (rf_json_next(&reader)) {
        case RF_JSON_NUMBER:
            if (!read_integer(reader.token, reader.size, &integer)) {
                return false;
            }
            put_integer(out, integer);
            ++*count;
            break;
        case RF_JSON_COMMA:
            break;
        case RF_JSON_ARRAY_END:
            return rf_json_next(&reader) == RF_JSON_END;
        default:
            return false;
        }
    }
}
