#include "replay/expression_token.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

bool rf_is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* A byte order mark counts as a space, wherever it stands. */
static const char *skip_space(const char *at) {
    for (;;) {
        if (rf_is_space(*at)) {
            at++;
        } else if (strncmp(at, "\xef\xbb\xbf", 3) == 0) {
            at += 3;
        } else if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*' && at[2]) {
            const char *end = strstr(at + 2, "*/");
            at = end ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

/* From an opening quote to behind the closing one; NULL where it stays open. */
static const char *quoted_end(const char *at) {
    char quote = *at;
    if (quote == '[') {
        at = strchr(at, ']');
        return at ? at + 1 : NULL;
    }
    for (at++; *at; at++) {
        if (*at == quote) {
            if (at[1] != quote) {
                return at + 1;
            }
            at++;
        }
    }
    return NULL;
}

static const char *skip_digits(const char *at) {
    while (is_digit(*at)) {
        at++;
    }
    return at;
}

static struct rf_token number_at(const char *start) {
    enum rf_token_kind kind = RF_TOKEN_INTEGER;
    const char *at = start;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && is_hex(at[2])) {
        for (at += 2; is_hex(*at); at++) {
        }
    } else {
        at = skip_digits(at);
        if (*at == '.') {
            kind = RF_TOKEN_REAL;
            at = skip_digits(at + 1);
        }
        const char *digits = at;
        if (*at == 'e' || *at == 'E') {
            digits += at[1] == '+' || at[1] == '-' ? 2 : 1;
            if (is_digit(*digits)) {
                kind = RF_TOKEN_REAL;
                at = skip_digits(digits);
            }
        }
    }
    while (is_word(*at)) {
        kind = RF_TOKEN_BAD;
        at++;
    }
    return (struct rf_token){kind, start, (size_t)(at - start)};
}

static struct rf_token blob_at(const char *start) {
    const char *at = start + 2;
    while (is_hex(*at)) {
        at++;
    }
    if (*at != '\'' || (at - start) % 2 != 0) {
        return (struct rf_token){RF_TOKEN_BAD, start, (size_t)(at - start)};
    }
    return (struct rf_token){RF_TOKEN_BLOB, start, (size_t)(at + 1 - start)};
}

static struct rf_token operator_at(const char *start) {
    static const char *const operators[] = {"->>", "->", "==", "<>", "!=", "<=", ">=", "<<", ">>",
                                            "||",  "=",  "<",  ">",  "+",  "-",  "*",  "/",  "%",
                                            "&",   "|",  "~",  "(",  ")",  ",",  ".",  ";"};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t size = strlen(operators[i]);
        if (strncmp(start, operators[i], size) == 0) {
            return (struct rf_token){RF_TOKEN_OPERATOR, start, size};
        }
    }
    return (struct rf_token){RF_TOKEN_BAD, start, 1};
}

static struct rf_token token_at(const char *start) {
    char c = *start;
    if (!c) {
        return (struct rf_token){RF_TOKEN_END, start, 0};
    }
    if (c == '\'' || c == '"' || c == '`' || c == '[') {
        const char *end = quoted_end(start);
        enum rf_token_kind kind = c == '\'' ? RF_TOKEN_STRING : RF_TOKEN_QUOTED;
        return end ? (struct rf_token){kind, start, (size_t)(end - start)}
                   : (struct rf_token){RF_TOKEN_BAD, start, strlen(start)};
    }
    if (is_digit(c) || (c == '.' && is_digit(start[1]))) {
        return number_at(start);
    }
    if ((c == 'x' || c == 'X') && start[1] == '\'') {
        return blob_at(start);
    }
    if (is_word(c) && c != '$') {
        const char *at = start + 1;
        while (is_word(*at)) {
            at++;
        }
        return (struct rf_token){RF_TOKEN_WORD, start, (size_t)(at - start)};
    }
    return operator_at(start);
}

struct rf_tokens rf_tokens_of(const char *text) {
    struct rf_tokens tokens = {.at = text, .past = text};
    tokens.token = token_at(skip_space(text));
    tokens.at = tokens.token.text + tokens.token.size;
    return tokens;
}

void rf_tokens_next(struct rf_tokens *tokens) {
    tokens->past = tokens->at;
    tokens->token = rf_tokens_peek(tokens);
    tokens->at = tokens->token.text + tokens->token.size;
}

struct rf_token rf_tokens_peek(const struct rf_tokens *tokens) {
    return token_at(skip_space(tokens->at));
}

bool rf_token_is(const struct rf_token *token, const char *what) {
    return (token->kind == RF_TOKEN_WORD || token->kind == RF_TOKEN_OPERATOR) &&
           strlen(what) == token->size && strncasecmp(token->text, what, token->size) == 0;
}

bool rf_tokens_accept(struct rf_tokens *tokens, const char *what) {
    if (!rf_token_is(&tokens->token, what)) {
        return false;
    }
    rf_tokens_next(tokens);
    return true;
}

/* The keywords of SQLite's grammar without those that it lets fall back to a name, and without
 * RETURNING and NOTHING, which older versions took for names too. */
bool rf_token_is_reserved(const struct rf_token *token) {
    static const char *const words[] = {
        "ADD",         "ALL",     "ALTER",      "AND",     "AS",       "AUTOINCREMENT",
        "BETWEEN",     "CASE",    "CHECK",      "COLLATE", "COMMIT",   "CONSTRAINT",
        "CREATE",      "DEFAULT", "DEFERRABLE", "DELETE",  "DISTINCT", "DROP",
        "ELSE",        "ESCAPE",  "EXCEPT",     "EXISTS",  "FOREIGN",  "FROM",
        "GROUP",       "HAVING",  "IN",         "INDEX",   "INSERT",   "INTERSECT",
        "INTO",        "IS",      "ISNULL",     "JOIN",    "LIMIT",    "NOT",
        "NOTNULL",     "NULL",    "ON",         "OR",      "ORDER",    "PRIMARY",
        "REFERENCES",  "SELECT",  "SET",        "TABLE",   "THEN",     "TO",
        "TRANSACTION", "UNION",   "UNIQUE",     "UPDATE",  "USING",    "VALUES",
        "WHEN",        "WHERE"};
    for (size_t i = 0; token->kind == RF_TOKEN_WORD && i < sizeof words / sizeof words[0]; i++) {
        if (rf_token_is(token, words[i])) {
            return true;
        }
    }
    return false;
}

bool rf_token_is_name(const struct rf_token *token) {
    return token->kind == RF_TOKEN_QUOTED || token->kind == RF_TOKEN_STRING ||
           (token->kind == RF_TOKEN_WORD && !rf_token_is_reserved(token));
}

char *rf_token_copy(const struct rf_token *token, struct rf_arena *arena) {
    char *copy = rf_arena_take(arena, token->size + 1, 1);
    if (!copy) {
        return NULL;
    }
    bool quoted = token->kind == RF_TOKEN_QUOTED || token->kind == RF_TOKEN_STRING;
    char quote = token->text[0];
    size_t first = quoted ? 1 : 0;
    size_t size = 0;
    for (size_t i = first; i < token->size - first; i++) {
        copy[size++] = token->text[i];
        if (quoted && quote != '[' && token->text[i] == quote) {
            i++;
        }
    }
    return copy;
}

char *rf_token_span(const char *from, const char *to, struct rf_arena *arena) {
    while (from < to && rf_is_space(*from)) {
        from++;
    }
    to = to > from ? to : from;
    while (to > from && rf_is_space(to[-1])) {
        to--;
    }
    char *copy = rf_arena_take(arena, (size_t)(to - from) + 1, 1);
    if (copy) {
        memcpy(copy, from, (size_t)(to - from));
    }
    return copy;
}
