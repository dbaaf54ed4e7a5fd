/* Only what hides identifiers or looks like one is told apart: strings of all kinds, comments,
 * quoted names. */
#include "replay/computed_names.h"

#include <string.h>

#include "replay/quote.h"

struct token {
    const char *start; /* NULL at the end */
    size_t size;       /* of a quoted one without its quotes */
    bool quoted;
    bool odd; /* not to be read literally */
};

static bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool in_number(char c) {
    return c >= '0' && c <= '9';
}

static bool in_name(char c) {
    return starts_name(c) || in_number(c) || c == '$';
}

/* Behind the closing quote; a quote that is doubled, or (`escapes`) escaped, does not close. */
static const char *skip_quoted(const char *at, char quote, bool escapes) {
    while (*at) {
        if (escapes && *at == '\\' && at[1]) {
            at += 2;
        } else if (*at != quote) {
            at++;
        } else if (at[1] == quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    return at;
}

static const char *skip_block_comment(const char *at) {
    unsigned depth = 1;
    for (at += 2; *at && depth > 0;) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            depth--;
            at += 2;
        } else {
            at++;
        }
    }
    return at;
}

/* Of $$ … $$ or $tag$ … $tag$; only the sign itself where it opens none. */
static const char *skip_dollar(const char *at) {
    const char *tag = at + 1;
    while (starts_name(*tag) || (tag > at + 1 && in_number(*tag))) {
        tag++;
    }
    if (*tag != '$') {
        return at + 1;
    }
    size_t size = (size_t)(tag - at) + 1;
    for (const char *end = tag + 1; *end; end++) {
        if (strncmp(end, at, size) == 0) {
            return end + size;
        }
    }
    return tag + strlen(tag);
}

static const char *skip_number(const char *at) {
    while (in_number(*at)) {
        at++;
    }
    return at;
}

static const char *read_quoted_name(const char *at, struct token *token) {
    const char *end = skip_quoted(at + 1, '"', false);
    bool closed = end > at + 1 && end[-1] == '"';
    token->start = at + 1;
    token->size = (size_t)(end - at) - 1 - closed;
    token->quoted = true;
    return end;
}

/* E'…' is a string in which a backslash escapes; U&"…" a name that is not what it seems. */
static const char *read_name(const char *at, struct token *token) {
    const char *end = at;
    while (in_name(*end)) {
        end++;
    }
    bool one = end == at + 1;
    if (one && (*at == 'e' || *at == 'E') && *end == '\'') {
        return skip_quoted(end + 1, '\'', true);
    }
    *token = (struct token){.start = at, .size = (size_t)(end - at)};
    token->odd = one && (*at == 'u' || *at == 'U') && end[0] == '&' && end[1] == '"';
    return end;
}

/* The next identifier, and where to go on behind it. */
static const char *next_name(const char *at, struct token *token) {
    *token = (struct token){.start = NULL};
    while (*at && !token->start) {
        if (*at == '\'') {
            at = skip_quoted(at + 1, '\'', false);
        } else if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n\r");
        } else if (at[0] == '/' && at[1] == '*') {
            at = skip_block_comment(at);
        } else if (*at == '$') {
            at = skip_dollar(at);
        } else if (*at == '"') {
            at = read_quoted_name(at, token);
        } else if (in_number(*at)) {
            at = skip_number(at);
        } else if (starts_name(*at)) {
            at = read_name(at, token);
        } else {
            at++;
        }
    }
    return at;
}

static char folded(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_unquoted(const struct token *token, const char *name) {
    for (size_t i = 0; i < token->size; i++) {
        if (folded(token->start[i]) != name[i]) {
            return false;
        }
    }
    return name[token->size] == 0;
}

static bool is_quoted(const struct token *token, const char *name) {
    size_t at = 0;
    for (; at < token->size && *name; at++, name++) {
        if (token->start[at] != *name) {
            return false;
        }
        at += *name == '"'; /* doubled */
    }
    return at == token->size && !*name;
}

static bool may_be(const struct token *token, const char *name) {
    if (token->odd || token->size > RF_NAME_BYTES) {
        return true;
    }
    return token->quoted ? is_quoted(token, name) : is_unquoted(token, name);
}

bool rf_sql_mentions(const char *sql, const char *name) {
    struct token token;
    for (sql = next_name(sql, &token); token.start; sql = next_name(sql, &token)) {
        if (may_be(&token, name)) {
            return true;
        }
    }
    return false;
}

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t\r\n\f\v");
}

bool rf_sql_mentions_row(const char *sql, const char *name) {
    struct token token;
    for (sql = next_name(sql, &token); token.start; sql = next_name(sql, &token)) {
        const char *dot = skip_space(sql);
        bool column = *dot == '.';
        const char *behind = column ? skip_space(dot + 1) : dot;
        column = column && (*behind == '"' || starts_name(*behind));
        if (may_be(&token, name) && (token.odd || !column)) {
            return true;
        }
    }
    return false;
}
