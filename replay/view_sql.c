#include "replay/view_sql.h"

#include <string.h>

#include "replay/expression_token.h"
#include "replay/quote.h"

#define DEPTH_MAX 200u

struct writer {
    struct rf_tokens tokens;
    const struct rf_view_names *names;
    struct rf_arena *arena;
    struct rf_buffer *out;
    bool cast[DEPTH_MAX]; /* the parenthesis at this depth is CAST's */
    unsigned depth;
    bool after_as;   /* the token before was AS, */
    bool after_cast; /* or CAST */
};

/* Up to behind AS is read for the list of columns only. */
static bool pass_head(struct rf_tokens *tokens) {
    if (!rf_tokens_accept(tokens, "CREATE")) {
        return false;
    }
    if (!rf_tokens_accept(tokens, "TEMP")) {
        (void)rf_tokens_accept(tokens, "TEMPORARY");
    }
    if (!rf_tokens_accept(tokens, "VIEW")) {
        return false;
    }
    if (rf_tokens_accept(tokens, "IF")) {
        (void)(rf_tokens_accept(tokens, "NOT") && rf_tokens_accept(tokens, "EXISTS"));
    }
    if (!rf_token_is_name(&tokens->token)) {
        return false;
    }
    rf_tokens_next(tokens);
    if (rf_tokens_accept(tokens, ".")) {
        rf_tokens_next(tokens);
    }
    return true;
}

static void put_blob(struct writer *writer, const struct rf_token *token) {
    rf_buffer_printf(writer->out, "'\\x%.*s'::bytea", (int)(token->size - 3), token->text + 2);
}

static void put_name(struct writer *writer, const struct rf_token *token) {
    const char *name = rf_token_copy(token, writer->arena);
    const char *target = name ? writer->names->find(writer->names->context, name) : NULL;
    struct rf_token next = rf_tokens_peek(&writer->tokens);
    bool function = token->kind == RF_TOKEN_WORD && rf_token_is(&next, "(");
    bool type = writer->after_as && writer->depth > 0 && writer->cast[writer->depth - 1];
    if (!name) {
        return;
    }
    if (target && !function && !type) {
        rf_quote_name(writer->out, target);
    } else if (token->kind == RF_TOKEN_QUOTED) {
        rf_quote_name(writer->out, name);
    } else {
        rf_buffer_append(writer->out, token->text, token->size);
    }
}

static const char *put_token(struct writer *writer) {
    const struct rf_token *token = &writer->tokens.token;
    bool as = rf_token_is(token, "AS"), cast = rf_token_is(token, "CAST");
    if (rf_token_is(token, "(")) {
        if (writer->depth == DEPTH_MAX) {
            return "it nests too deeply";
        }
        writer->cast[writer->depth++] = writer->after_cast;
    } else if (rf_token_is(token, ")") && writer->depth > 0) {
        writer->depth--;
    }
    if (token->kind == RF_TOKEN_BLOB) {
        put_blob(writer, token);
    } else if (token->kind == RF_TOKEN_QUOTED ||
               (token->kind == RF_TOKEN_WORD && !rf_token_is_reserved(token))) {
        put_name(writer, token);
    } else {
        rf_buffer_append(writer->out, token->text, token->size);
    }
    rf_buffer_u8(writer->out, ' ');
    writer->after_as = as;
    writer->after_cast = cast;
    return NULL;
}

void rf_view_column_names(const char *sql, struct rf_arena *arena,
                          void (*take)(void *context, const char *name), void *context) {
    struct rf_tokens tokens = rf_tokens_of(sql);
    bool listed = pass_head(&tokens) && rf_token_is(&tokens.token, "(");
    bool after_as = false;
    while (tokens.token.kind != RF_TOKEN_END && tokens.token.kind != RF_TOKEN_BAD) {
        const struct rf_token *token = &tokens.token;
        bool name = token->kind == RF_TOKEN_QUOTED ||
                    (token->kind == RF_TOKEN_WORD && !rf_token_is_reserved(token));
        char *copy = name && (listed || after_as) ? rf_token_copy(token, arena) : NULL;
        if (copy) {
            take(context, copy);
        }
        after_as = rf_token_is(token, "AS");
        listed = listed && !rf_token_is(token, ")");
        rf_tokens_next(&tokens);
    }
}

const char *rf_view_sql(const char *sql, const char *schema, const char *name,
                        const struct rf_view_names *names, struct rf_arena *arena,
                        struct rf_buffer *out) {
    struct writer writer = {
        .tokens = rf_tokens_of(sql), .names = names, .arena = arena, .out = out};
    if (!pass_head(&writer.tokens)) {
        return "its statement is not understood";
    }
    rf_buffer_printf(out, "CREATE VIEW ");
    rf_quote_qualified(out, schema, name);
    rf_buffer_u8(out, ' ');
    const char *refusal = NULL;
    while (!refusal && writer.tokens.token.kind != RF_TOKEN_END) {
        refusal = writer.tokens.token.kind == RF_TOKEN_BAD ? "its statement is not understood"
                                                           : put_token(&writer);
        rf_tokens_next(&writer.tokens);
    }
    return refusal;
}
