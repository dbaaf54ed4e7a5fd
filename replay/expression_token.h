/* SQLite's SQL cut into tokens, as its own tokenizer does it: comments and white space between
 * them, names bare or in one of the three quotings, strings, blobs, numbers, operators.
 *
 * What is read is a manifest's, so anything may stand there. A token never reaches past the text's
 * NUL, and what is no token (an open quote, a stray character) is one of kind BAD. */
#ifndef RF_REPLAY_EXPRESSION_TOKEN_H
#define RF_REPLAY_EXPRESSION_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "replay/arena.h"

enum rf_token_kind {
    RF_TOKEN_END,
    RF_TOKEN_BAD,
    RF_TOKEN_WORD,   /* a keyword or a bare name */
    RF_TOKEN_QUOTED, /* "name", `name` or [name] */
    RF_TOKEN_STRING, /* 'text' */
    RF_TOKEN_BLOB,   /* x'hex' */
    RF_TOKEN_INTEGER,
    RF_TOKEN_REAL,
    RF_TOKEN_OPERATOR,
};

struct rf_token {
    enum rf_token_kind kind;
    const char *text; /* borrowed */
    size_t size;
};

struct rf_tokens {
    const char *at;        /* what follows the current token */
    const char *past;      /* the end of the token before the current one */
    struct rf_token token; /* the current one */
};

/* Reads the first token. The text is borrowed. */
struct rf_tokens rf_tokens_of(const char *text);
void rf_tokens_next(struct rf_tokens *tokens);
/* The token after the current one. */
struct rf_token rf_tokens_peek(const struct rf_tokens *tokens);

/* A bare word, whatever its case, or an operator. */
bool rf_token_is(const struct rf_token *token, const char *what);
/* The current token is that, and is passed over. */
bool rf_tokens_accept(struct rf_tokens *tokens, const char *what);
/* A word that SQLite never takes for a name. */
bool rf_token_is_reserved(const struct rf_token *token);
/* What can stand for the name of a column or table: a word that is not reserved, a quoted name
 * and, as SQLite has it, a string. */
bool rf_token_is_name(const struct rf_token *token);

/* The token without its quotes; NULL only for want of memory. */
char *rf_token_copy(const struct rf_token *token, struct rf_arena *arena);
/* What lies between two places of the text, without white space around it. */
char *rf_token_span(const char *from, const char *to, struct rf_arena *arena);

bool rf_is_space(char c);

#endif
