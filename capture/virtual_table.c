/* SQLite itself marks shadow tables when the module is loaded. Where it is not, only the names are
 * left, and a name proves little: next to a virtual table `docs` a table `docs_archive` may well be
 * the application's. So a table is left out only if its module is known to make one of that name;
 * otherwise it is captured, which at worst is too much. */
#include "capture/virtual_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One token of SQL: a word, a quoted name or string without its quotes, or a single character. */
struct token {
    const char *start;
    size_t size;
    char quote; /* the opening quote, 0 for none */
};

static const char *skip_blank(const char *at) {
    for (;;) {
        if (isspace((unsigned char)*at)) {
            at++;
        } else if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            at = end ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

static bool is_word(char letter) {
    unsigned char byte = (unsigned char)letter;
    return byte >= 0x80 || isalnum(byte) || byte == '_' || byte == '$';
}

/* What ends a quoted name or string that begins so; 0 where none does. */
static char closing(char open) {
    switch (open) {
    case '[':
        return ']';
    case '"':
    case '\'':
    case '`':
        return open;
    default:
        return 0;
    }
}

/* The next token; size 0 and quote 0 at the end of the SQL. */
static const char *next_token(const char *at, struct token *token) {
    at = skip_blank(at);
    *token = (struct token){.start = at};
    char close = closing(*at);
    if (close) {
        token->quote = *at++;
        token->start = at;
        while (*at && (*at != close || (at[1] == close && close != ']'))) {
            at += *at == close ? 2 : 1;
        }
        token->size = (size_t)(at - token->start);
        return *at ? at + 1 : at;
    }
    while (is_word(*at)) {
        at++;
    }
    if (at == token->start && *at) {
        at++;
    }
    token->size = (size_t)(at - token->start);
    return at;
}

static bool at_end(const struct token *token) {
    return token->size == 0 && token->quote == 0;
}

static bool is_keyword(const struct token *token, const char *word) {
    return token->quote == 0 && token->size == strlen(word) &&
           strncasecmp(token->start, word, token->size) == 0;
}

/* Whether the token spells the name; doubled quotes within it stand for one. */
static bool spells(const struct token *token, const char *name) {
    const char *at = token->start;
    const char *end = at + token->size;
    while (at < end && *name) {
        if (tolower((unsigned char)*at) != tolower((unsigned char)*name)) {
            return false;
        }
        at += token->quote && *at == token->quote && at + 1 < end ? 2 : 1;
        name++;
    }
    return at >= end && !*name;
}

/* Past USING; NULL where there is none. */
static const char *after_using(const char *sql) {
    struct token token;
    const char *at = sql ? next_token(sql, &token) : NULL;
    while (at && !at_end(&token)) {
        if (is_keyword(&token, "USING")) {
            return at;
        }
        at = next_token(at, &token);
    }
    return NULL;
}

void rf_virtual_module(const char *sql, char module[RF_MODULE_NAME_SIZE]) {
    struct token token = {0};
    const char *at = after_using(sql);
    if (at) {
        next_token(at, &token);
    }
    snprintf(module, RF_MODULE_NAME_SIZE, "%.*s", (int)token.size, token.size ? token.start : "");
}

struct known_module {
    const char *module;
    const char *suffixes[8]; /* one that ends in '*' stands for all that begin so */
};

static const struct known_module known[] = {
    {"fts3", {"content", "segments", "segdir", "docsize", "stat"}},
    {"fts4", {"content", "segments", "segdir", "docsize", "stat"}},
    {"fts5", {"data", "idx", "content", "docsize", "config"}},
    {"rtree", {"node", "rowid", "parent"}},
    {"rtree_i32", {"node", "rowid", "parent"}},
    {"geopoly", {"node", "rowid", "parent"}},
    {"spellfix1", {"vocab"}},
    {"vec0", {"info", "chunks", "rowids", "auxiliary", "vector_chunks*", "metadata*"}},
};

static bool suffix_matches(const char *pattern, const char *suffix) {
    size_t size = strlen(pattern);
    if (pattern[size - 1] == '*') {
        return strncasecmp(pattern, suffix, size - 1) == 0;
    }
    return strcasecmp(pattern, suffix) == 0;
}

bool rf_virtual_owns(const char *name, const char *sql, const char *table) {
    char module[RF_MODULE_NAME_SIZE];
    size_t size = strlen(name);
    if (strncasecmp(table, name, size) != 0 || table[size] != '_') {
        return false;
    }
    rf_virtual_module(sql, module);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcasecmp(known[i].module, module) != 0) {
            continue;
        }
        for (const char *const *suffix = known[i].suffixes; *suffix; suffix++) {
            if (suffix_matches(*suffix, table + size + 1)) {
                return !rf_virtual_borrows(sql, table);
            }
        }
    }
    return false;
}

bool rf_virtual_borrows(const char *sql, const char *table) {
    char module[RF_MODULE_NAME_SIZE];
    rf_virtual_module(sql, module);
    if (strcasecmp(module, "fts4") != 0 && strcasecmp(module, "fts5") != 0) {
        return false;
    }
    const char *at = after_using(sql);
    struct token name = {0};
    struct token equals = {0};
    struct token value = {0};
    do {
        name = equals;
        equals = value;
        at = next_token(at, &value);
        if (is_keyword(&name, "content") && is_keyword(&equals, "=") && spells(&value, table)) {
            return true;
        }
    } while (!at_end(&value));
    return false;
}
