/* LIKE and GLOB. SQLite's LIKE folds ASCII letters and has no escape character of its own; its
 * GLOB has shell patterns. A literal pattern is written anew for PostgreSQL's LIKE, where the
 * backslash escapes, or, with a bracket in it, as a regular expression over all of the text. */
#include "replay/expression_operation.h"

#include <string.h>

#include "format/bytes.h"

#define PATTERN_BYTES_MAX 50000u /* SQLite's own limit */
#define REGEX_BYTES_MAX 1000u    /* the server compiles it */

/* The code at *at, which is valid UTF-8, and steps over it. */
static uint32_t next_code(const char **at) {
    const unsigned char *bytes = (const unsigned char *)*at;
    uint32_t code = bytes[0];
    int more = code < 0x80 ? 0 : code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3;
    code &= more == 0 ? 0x7fu : 0x3fu >> more;
    for (int i = 1; i <= more; i++) {
        code = code << 6 | (bytes[i] & 0x3fu);
    }
    *at += more + 1;
    return code;
}

static void put_literal(struct rf_buffer *out, const char *from, const char *to, bool fold) {
    for (; from < to; from++) {
        if (*from == '%' || *from == '_' || *from == '\\') {
            rf_buffer_u8(out, '\\');
        }
        bool upper = fold && *from >= 'A' && *from <= 'Z';
        rf_buffer_u8(out, (uint8_t)(upper ? *from - 'A' + 'a' : *from));
    }
}

/* Takes the buffer as text of the arena and releases it. */
static const char *finish(struct rf_translation *t, struct rf_buffer *out) {
    char *text = out->failed ? NULL : rf_arena_take(t->arena, out->size + 1, 1);
    if (text && out->size > 0) {
        memcpy(text, out->bytes, out->size);
    }
    t->arena->failed = t->arena->failed || !text;
    rf_buffer_release(out);
    return text ? text : "";
}

/* `escape` is one character, or "". */
static const char *like_pattern(struct rf_translation *t, const char *pattern, const char *escape) {
    struct rf_buffer out = {0};
    size_t escape_size = strlen(escape);
    for (const char *at = pattern; *at;) {
        bool escaped = escape_size > 0 && strncmp(at, escape, escape_size) == 0;
        at += escaped ? escape_size : 0;
        if (!*at) {
            rf_refuse(t, "LIKE with a pattern that ends in its escape character");
            break;
        }
        const char *start = at;
        next_code(&at);
        if (!escaped && (*start == '%' || *start == '_')) {
            rf_buffer_u8(&out, (uint8_t)*start);
        } else {
            put_literal(&out, start, at, true);
        }
    }
    return finish(t, &out);
}

static const char *escape_of(struct rf_translation *t, const struct rf_sql_value *escape) {
    if (!escape) {
        return "";
    }
    const char *at = escape->literal_text;
    if (escape->kind != RF_SQL_TEXT || !escape->literal || !*at || *at == '%' || *at == '_') {
        rf_refuse(t, "LIKE with an ESCAPE that is not one character");
        return "";
    }
    next_code(&at);
    if (*at) {
        rf_refuse(t, "LIKE with an ESCAPE that is not one character");
    }
    return escape->literal_text;
}

/* SQLite reads U+FFFE and U+FFFF as U+FFFD, and so takes the three for the same. */
static bool has_replacement(const char *text) {
    for (const char *at = text; (at = strstr(at, "\xef\xbf")); at += 2) {
        if ((unsigned char)at[2] >= 0xbd) {
            return true;
        }
    }
    return false;
}

/* A literal that is not too long and not too strange. */
static void check_pattern(struct rf_translation *t, const struct rf_sql_value *pattern,
                          const char *which, size_t most) {
    if (!pattern->literal) {
        rf_refuse(t, "%s with a pattern that is not a literal", which);
    } else if (strlen(pattern->literal_text) > most) {
        rf_refuse(t, "%s with a pattern of more than %zu bytes", which, most);
    } else if (has_replacement(pattern->literal_text)) {
        rf_refuse(t, "%s with a replacement character in its pattern", which);
    }
}

static bool has_letter(const char *text) {
    return strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != NULL;
}

static struct rf_sql_value matched(struct rf_translation *t, enum rf_collation collation,
                                   const struct rf_sql_value *text, const char *op,
                                   const char *pattern) {
    const char *left = rf_collated(t, collation, text);
    left = text->literal ? rf_sql(t, "(%s COLLATE \"C\")", left) : left;
    struct rf_sql_value right = rf_value_literal_text(t, pattern);
    rf_value_need_pin(t, text->pinned);
    struct rf_sql_value result =
        rf_value_boolean(rf_sql(t, "(%s %s %s)", left, op, right.sql), text->nullable);
    result.pinned = text->pinned;
    return result;
}

static bool nothing_to_match(struct rf_translation *t, const struct rf_sql_value *value,
                             const struct rf_sql_value *pattern) {
    return t->refusal || value->kind == RF_SQL_NULL || pattern->kind == RF_SQL_NULL;
}

struct rf_sql_value rf_like(struct rf_translation *t, const struct rf_sql_value *value,
                            const struct rf_sql_value *pattern_given,
                            const struct rf_sql_value *escape) {
    struct rf_sql_value text = rf_value_to_text(t, value);
    struct rf_sql_value pattern = rf_value_to_text(t, pattern_given);
    const char *escape_text = escape_of(t, escape);
    if (nothing_to_match(t, &text, &pattern)) {
        return rf_value_boolean("NULL::boolean", true);
    }
    check_pattern(t, &pattern, "LIKE", PATTERN_BYTES_MAX);
    if (t->refusal) {
        return rf_value_null();
    }
    return matched(t, has_letter(pattern.literal_text) ? RF_NOCASE : RF_BINARY, &text, "LIKE",
                   like_pattern(t, pattern.literal_text, escape_text));
}

static const char *glob_as_like(struct rf_translation *t, const char *pattern) {
    struct rf_buffer out = {0};
    for (const char *at = pattern; *at; at++) {
        if (*at == '*' || *at == '?') {
            rf_buffer_u8(&out, *at == '*' ? '%' : '_');
        } else {
            put_literal(&out, at, at + 1, false);
        }
    }
    return finish(t, &out);
}

static bool is_plain(uint32_t code) {
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
           (code >= '0' && code <= '9');
}

/* Any character by its number, which is nothing special anywhere in a regular expression. */
static void put_code(struct rf_buffer *out, uint32_t code) {
    if (is_plain(code)) {
        rf_buffer_u8(out, (uint8_t)code);
    } else {
        rf_buffer_printf(out, code > 0xffff ? "\\U%08X" : "\\u%04X", (unsigned)code);
    }
}

/* One [set], read as SQLite does: a ] at its start stands for itself, as does a - that is no
 * range, and a range that runs backwards is its first character. Returns what follows it, NULL
 * where it does not end. */
static const char *put_set(struct rf_buffer *out, const char *at) {
    bool inverted = *at == '^';
    at += inverted ? 1 : 0;
    rf_buffer_append(out, "[^", inverted ? 2 : 1);
    if (*at == ']') {
        put_code(out, ']');
        at++;
    }
    while (*at && *at != ']') {
        uint32_t code = next_code(&at);
        put_code(out, code);
        if (at[0] == '-' && at[1] && at[1] != ']') {
            at++;
            uint32_t last = next_code(&at);
            if (code <= last) {
                rf_buffer_u8(out, '-');
                put_code(out, last);
            }
        }
    }
    rf_buffer_u8(out, ']');
    return *at ? at + 1 : NULL;
}

static const char *glob_as_regex(struct rf_translation *t, const char *pattern) {
    struct rf_buffer out = {0};
    rf_buffer_u8(&out, '^');
    for (const char *at = pattern; *at;) {
        uint32_t code = next_code(&at);
        if (code == '*') { /* one does for many, which the server would compile for long */
            rf_buffer_append(&out, ".*", 2);
            at += strspn(at, "*");
        } else if (code == '?') {
            rf_buffer_u8(&out, '.');
        } else if (code == '[') {
            at = put_set(&out, at);
            if (!at) {
                rf_refuse(t, "GLOB with a set that does not end");
                break;
            }
        } else {
            put_code(&out, code);
        }
    }
    rf_buffer_u8(&out, '$');
    return finish(t, &out);
}

struct rf_sql_value rf_glob(struct rf_translation *t, const struct rf_sql_value *value,
                            const struct rf_sql_value *pattern_given) {
    struct rf_sql_value text = rf_value_to_text(t, value);
    struct rf_sql_value pattern = rf_value_to_text(t, pattern_given);
    if (nothing_to_match(t, &text, &pattern)) {
        return rf_value_boolean("NULL::boolean", true);
    }
    bool sets = pattern.literal && strchr(pattern.literal_text, '[') != NULL;
    check_pattern(t, &pattern, "GLOB", sets ? REGEX_BYTES_MAX : PATTERN_BYTES_MAX);
    if (t->refusal) {
        return rf_value_null();
    }
    return matched(t, RF_BINARY, &text, sets ? "~" : "LIKE",
                   sets ? glob_as_regex(t, pattern.literal_text)
                        : glob_as_like(t, pattern.literal_text));
}
