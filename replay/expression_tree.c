/* Precedence climbing, with the levels of SQLite's grammar (parse.y, %left and %right).
 *
 * Failures are sticky: after the first refusal every function returns NULL, and the refusal
 * stands. */
#include "replay/expression_tree.h"

#include <string.h>

#include "replay/expression_token.h"
#include "replay/quote.h"

enum level {
    LEVEL_OR = 1,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_EQUAL,
    LEVEL_ORDER,
    LEVEL_ESCAPE,
    LEVEL_BIT,
    LEVEL_ADD,
    LEVEL_MULTIPLY,
    LEVEL_CONCAT,
    LEVEL_COLLATE,
    LEVEL_UNARY,
};

struct parser {
    struct rf_tokens tokens;
    struct rf_arena *arena;
    const char *refusal;
    uint32_t nodes;
    uint32_t depth;
};

static struct rf_node *parse(struct parser *parser, enum level least);

const char *rf_tree_excerpt(const char *text, size_t size, struct rf_arena *arena) {
    bool cut = size > 40;
    size_t shown = cut ? 40 : size;
    while (cut && shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80) {
        shown--;
    }
    const char *copy = rf_arena_printf(arena, "%.*s%s", (int)shown, text, cut ? "…" : "");
    copy = rf_sayable(arena, copy);
    return copy ? copy : "";
}

static void *refuse(struct parser *parser, const char *reason) {
    if (!parser->refusal) {
        parser->refusal = reason ? reason : "no memory";
    }
    return NULL;
}

static void *misread(struct parser *parser) {
    const struct rf_token *token = &parser->tokens.token;
    if (parser->refusal) {
        return NULL;
    }
    if (token->kind == RF_TOKEN_END) {
        return refuse(parser, "syntax: it ends too early");
    }
    return refuse(parser,
                  rf_arena_printf(parser->arena, "syntax: not understood at \"%s\"",
                                  rf_tree_excerpt(token->text, token->size, parser->arena)));
}

static void expect(struct parser *parser, const char *what) {
    if (!rf_tokens_accept(&parser->tokens, what)) {
        misread(parser);
    }
}

static struct rf_node *node_new(struct parser *parser, enum rf_node_kind kind, const char *text) {
    if (++parser->nodes > RF_TREE_NODES) {
        return refuse(parser, "an expression of too many parts");
    }
    struct rf_node *node = rf_arena_take(parser->arena, 1, sizeof *node);
    if (node) {
        node->kind = kind;
        node->text = text;
        node->height = 1;
    }
    return node;
}

static void add(struct parser *parser, struct rf_node *node, struct rf_node *child) {
    if (!node || !child) {
        return;
    }
    if (child->height + 1 > node->height) {
        node->height = child->height + 1;
    }
    if (node->height > RF_TREE_HEIGHT) {
        refuse(parser, "an expression nested too deeply");
        return;
    }
    if (node->last) {
        node->last->next = child;
    } else {
        node->first = child;
    }
    node->last = child;
    node->count++;
    node->collates = node->collates || child->collates;
}

static struct rf_node *unary(struct parser *parser, enum rf_operator op, enum level level) {
    rf_tokens_next(&parser->tokens);
    struct rf_node *node = node_new(parser, RF_NODE_UNARY, NULL);
    if (node) {
        node->op = op;
        add(parser, node, parse(parser, level));
    }
    return node;
}

static bool at_subquery(const struct parser *parser) {
    const struct rf_token *token = &parser->tokens.token;
    return rf_token_is(token, "SELECT") || rf_token_is(token, "VALUES") ||
           rf_token_is(token, "WITH");
}

/* Expressions between commas up to the closing parenthesis, which is passed over. */
static void list(struct parser *parser, struct rf_node *node) {
    if (at_subquery(parser)) {
        refuse(parser, "a subquery");
        return;
    }
    if (rf_tokens_accept(&parser->tokens, ")")) {
        return;
    }
    do {
        add(parser, node, parse(parser, LEVEL_OR));
    } while (!parser->refusal && rf_tokens_accept(&parser->tokens, ","));
    expect(parser, ")");
}

static struct rf_node *parenthesis(struct parser *parser) {
    rf_tokens_next(&parser->tokens);
    if (at_subquery(parser)) {
        return refuse(parser, "a subquery");
    }
    struct rf_node *node = parse(parser, LEVEL_OR);
    if (rf_token_is(&parser->tokens.token, ",")) {
        return refuse(parser, "a row value");
    }
    expect(parser, ")");
    return node;
}

static struct rf_node *case_of(struct parser *parser) {
    rf_tokens_next(&parser->tokens);
    struct rf_node *node = node_new(parser, RF_NODE_CASE, NULL);
    if (!node) {
        return NULL;
    }
    if (!rf_token_is(&parser->tokens.token, "WHEN")) {
        node->has_base = true;
        add(parser, node, parse(parser, LEVEL_OR));
    }
    do {
        expect(parser, "WHEN");
        add(parser, node, parse(parser, LEVEL_OR));
        expect(parser, "THEN");
        add(parser, node, parse(parser, LEVEL_OR));
    } while (!parser->refusal && rf_token_is(&parser->tokens.token, "WHEN"));
    if (rf_tokens_accept(&parser->tokens, "ELSE")) {
        node->has_else = true;
        add(parser, node, parse(parser, LEVEL_OR));
    }
    expect(parser, "END");
    return node;
}

/* Words, and perhaps one or two numbers in parentheses, which mean nothing to SQLite. */
static const char *cast_type(struct parser *parser) {
    const char *start = parser->tokens.token.text;
    while (rf_token_is_name(&parser->tokens.token)) {
        rf_tokens_next(&parser->tokens);
    }
    if (rf_tokens_accept(&parser->tokens, "(")) {
        while (!rf_token_is(&parser->tokens.token, ")")) {
            enum rf_token_kind kind = parser->tokens.token.kind;
            if (kind != RF_TOKEN_INTEGER && kind != RF_TOKEN_REAL && kind != RF_TOKEN_OPERATOR) {
                return misread(parser);
            }
            rf_tokens_next(&parser->tokens);
        }
        rf_tokens_next(&parser->tokens);
    }
    return rf_token_span(start, parser->tokens.past, parser->arena);
}

static struct rf_node *cast(struct parser *parser) {
    rf_tokens_next(&parser->tokens);
    rf_tokens_next(&parser->tokens);
    struct rf_node *node = node_new(parser, RF_NODE_CAST, NULL);
    if (!node) {
        return NULL;
    }
    add(parser, node, parse(parser, LEVEL_OR));
    expect(parser, "AS");
    node->text = cast_type(parser);
    expect(parser, ")");
    return node;
}

static struct rf_node *function(struct parser *parser) {
    struct rf_node *node =
        node_new(parser, RF_NODE_FUNCTION, rf_token_copy(&parser->tokens.token, parser->arena));
    rf_tokens_next(&parser->tokens);
    rf_tokens_next(&parser->tokens);
    if (!node) {
        return NULL;
    }
    if (rf_token_is(&parser->tokens.token, "DISTINCT")) {
        return refuse(parser, "an aggregate");
    }
    if (rf_tokens_accept(&parser->tokens, "*")) {
        node->starred = true;
        expect(parser, ")");
    } else {
        list(parser, node);
    }
    return node;
}

static struct rf_node *name(struct parser *parser) {
    struct rf_token *token = &parser->tokens.token;
    struct rf_node *node = node_new(parser, RF_NODE_NAME, rf_token_copy(token, parser->arena));
    if (!node) {
        return NULL;
    }
    node->quoted = token->kind != RF_TOKEN_WORD;
    node->double_quoted = node->quoted && token->text[0] == '"';
    rf_tokens_next(&parser->tokens);
    if (rf_tokens_accept(&parser->tokens, ".")) {
        if (!rf_token_is_name(token)) {
            return misread(parser);
        }
        node->qualifier = node->text;
        node->text = rf_token_copy(token, parser->arena);
        node->quoted = true;
        node->double_quoted = false;
        rf_tokens_next(&parser->tokens);
    }
    return node;
}

static struct rf_node *word(struct parser *parser) {
    struct rf_token *token = &parser->tokens.token;
    struct rf_token next = rf_tokens_peek(&parser->tokens);
    bool call = rf_token_is(&next, "(");
    if (rf_token_is(token, "NOT")) {
        return unary(parser, RF_OPERATOR_NOT, LEVEL_NOT);
    }
    if (rf_token_is(token, "CASE")) {
        return case_of(parser);
    }
    if (rf_token_is(token, "NULL")) {
        rf_tokens_next(&parser->tokens);
        return node_new(parser, RF_NODE_NULL, NULL);
    }
    if (rf_token_is(token, "EXISTS")) {
        return refuse(parser, "a subquery");
    }
    if (rf_token_is_reserved(token)) {
        return misread(parser);
    }
    if (call && rf_token_is(token, "RAISE")) {
        return refuse(parser, "function RAISE()");
    }
    if (call && rf_token_is(token, "CAST")) {
        return cast(parser);
    }
    if (!call && (rf_token_is(token, "CURRENT_TIMESTAMP") || rf_token_is(token, "CURRENT_DATE") ||
                  rf_token_is(token, "CURRENT_TIME"))) {
        struct rf_node *node = node_new(parser, RF_NODE_CLOCK, rf_token_copy(token, parser->arena));
        rf_tokens_next(&parser->tokens);
        return node;
    }
    return call ? function(parser) : name(parser);
}

/* A token that is a whole operand. */
static struct rf_node *literal(struct parser *parser) {
    struct rf_token token = parser->tokens.token;
    enum rf_node_kind kind = RF_NODE_STRING;
    if (token.kind == RF_TOKEN_INTEGER || token.kind == RF_TOKEN_REAL) {
        kind = token.kind == RF_TOKEN_INTEGER ? RF_NODE_INTEGER : RF_NODE_REAL;
    } else if (token.kind == RF_TOKEN_BLOB) {
        kind = RF_NODE_BLOB;
        token.text += 2;
        token.size -= 3;
    }
    const char *text = rf_token_copy(&token, parser->arena);
    rf_tokens_next(&parser->tokens);
    return node_new(parser, kind, text);
}

static struct rf_node *operand(struct parser *parser) {
    const struct rf_token *token = &parser->tokens.token;
    switch (token->kind) {
    case RF_TOKEN_INTEGER:
    case RF_TOKEN_REAL:
    case RF_TOKEN_STRING:
    case RF_TOKEN_BLOB:
        return literal(parser);
    case RF_TOKEN_WORD:
        return word(parser);
    case RF_TOKEN_QUOTED: {
        struct rf_token next = rf_tokens_peek(&parser->tokens);
        return rf_token_is(&next, "(") ? function(parser) : name(parser);
    }
    case RF_TOKEN_OPERATOR:
        if (rf_token_is(token, "(")) {
            return parenthesis(parser);
        }
        if (rf_token_is(token, "-")) {
            return unary(parser, RF_OPERATOR_NEGATE, LEVEL_UNARY);
        }
        if (rf_token_is(token, "+")) {
            return unary(parser, RF_OPERATOR_PLUS, LEVEL_UNARY);
        }
        if (rf_token_is(token, "~")) {
            return unary(parser, RF_OPERATOR_INVERT, LEVEL_UNARY);
        }
        return misread(parser);
    case RF_TOKEN_END:
    case RF_TOKEN_BAD:
        break;
    }
    return misread(parser);
}

struct infix {
    const char *token;
    enum rf_operator op;
    enum level level;
};

static const struct infix *infix_at(const struct rf_token *token) {
    static const struct infix infixes[] = {
        {"OR", RF_OPERATOR_OR, LEVEL_OR},
        {"AND", RF_OPERATOR_AND, LEVEL_AND},
        {"=", RF_OPERATOR_EQ, LEVEL_EQUAL},
        {"==", RF_OPERATOR_EQ, LEVEL_EQUAL},
        {"<>", RF_OPERATOR_NE, LEVEL_EQUAL},
        {"!=", RF_OPERATOR_NE, LEVEL_EQUAL},
        {"<", RF_OPERATOR_LT, LEVEL_ORDER},
        {"<=", RF_OPERATOR_LE, LEVEL_ORDER},
        {">", RF_OPERATOR_GT, LEVEL_ORDER},
        {">=", RF_OPERATOR_GE, LEVEL_ORDER},
        {"&", RF_OPERATOR_BIT_AND, LEVEL_BIT},
        {"|", RF_OPERATOR_BIT_OR, LEVEL_BIT},
        {"<<", RF_OPERATOR_SHIFT_LEFT, LEVEL_BIT},
        {">>", RF_OPERATOR_SHIFT_RIGHT, LEVEL_BIT},
        {"+", RF_OPERATOR_ADD, LEVEL_ADD},
        {"-", RF_OPERATOR_SUBTRACT, LEVEL_ADD},
        {"*", RF_OPERATOR_MULTIPLY, LEVEL_MULTIPLY},
        {"/", RF_OPERATOR_DIVIDE, LEVEL_MULTIPLY},
        {"%", RF_OPERATOR_REMAINDER, LEVEL_MULTIPLY},
        {"||", RF_OPERATOR_CONCAT, LEVEL_CONCAT},
    };
    for (size_t i = 0; i < sizeof infixes / sizeof infixes[0]; i++) {
        if (rf_token_is(token, infixes[i].token)) {
            return &infixes[i];
        }
    }
    return NULL;
}

static struct rf_node *over(struct parser *parser, enum rf_node_kind kind, struct rf_node *left,
                            bool negated) {
    struct rf_node *node = node_new(parser, kind, NULL);
    if (node) {
        node->negated = negated;
        add(parser, node, left);
    }
    return node;
}

static struct rf_node *null_test(struct parser *parser, struct rf_node *left, bool negated) {
    struct rf_node *node = over(parser, RF_NODE_IS, left, negated);
    add(parser, node, node_new(parser, RF_NODE_NULL, NULL));
    return node;
}

static struct rf_node *is(struct parser *parser, struct rf_node *left) {
    bool negated = rf_tokens_accept(&parser->tokens, "NOT");
    struct rf_token next = rf_tokens_peek(&parser->tokens);
    if (rf_token_is(&parser->tokens.token, "DISTINCT") && rf_token_is(&next, "FROM")) {
        rf_tokens_next(&parser->tokens);
        rf_tokens_next(&parser->tokens);
        negated = !negated;
    }
    struct rf_node *node = over(parser, RF_NODE_IS, left, negated);
    add(parser, node, parse(parser, LEVEL_EQUAL + 1));
    return node;
}

static struct rf_node *between(struct parser *parser, struct rf_node *left, bool negated) {
    struct rf_node *node = over(parser, RF_NODE_BETWEEN, left, negated);
    add(parser, node, parse(parser, LEVEL_EQUAL + 1));
    expect(parser, "AND");
    add(parser, node, parse(parser, LEVEL_EQUAL + 1));
    return node;
}

static struct rf_node *in(struct parser *parser, struct rf_node *left, bool negated) {
    struct rf_node *node = over(parser, RF_NODE_IN, left, negated);
    if (!rf_tokens_accept(&parser->tokens, "(")) {
        return refuse(parser, "IN over a table");
    }
    if (node) {
        list(parser, node);
    }
    return node;
}

static struct rf_node *like(struct parser *parser, struct rf_node *left, bool negated,
                            const char *which) {
    struct rf_node *node = over(parser, RF_NODE_LIKE, left, negated);
    if (node) {
        node->text = which;
        add(parser, node, parse(parser, LEVEL_EQUAL + 1));
        if (rf_tokens_accept(&parser->tokens, "ESCAPE")) {
            add(parser, node, parse(parser, LEVEL_EQUAL + 1));
        }
    }
    return node;
}

/* What may stand behind NOT as well as alone. */
static struct rf_node *predicate(struct parser *parser, struct rf_node *left, bool negated) {
    static const char *const likes[] = {"LIKE", "GLOB", "REGEXP", "MATCH"};
    if (rf_tokens_accept(&parser->tokens, "BETWEEN")) {
        return between(parser, left, negated);
    }
    if (rf_tokens_accept(&parser->tokens, "IN")) {
        return in(parser, left, negated);
    }
    for (size_t i = 0; i < sizeof likes / sizeof likes[0]; i++) {
        if (rf_tokens_accept(&parser->tokens, likes[i])) {
            return like(parser, left, negated, likes[i]);
        }
    }
    return misread(parser);
}

static bool is_predicate(const struct rf_token *token) {
    return rf_token_is(token, "BETWEEN") || rf_token_is(token, "IN") ||
           rf_token_is(token, "LIKE") || rf_token_is(token, "GLOB") ||
           rf_token_is(token, "REGEXP") || rf_token_is(token, "MATCH");
}

/* The operators on the level of =, but for those of the table above. `left` comes back unchanged
 * where none of them stands here. */
static struct rf_node *test(struct parser *parser, struct rf_node *left) {
    struct rf_tokens *tokens = &parser->tokens;
    if (rf_tokens_accept(tokens, "IS")) {
        return is(parser, left);
    }
    if (rf_tokens_accept(tokens, "ISNULL")) {
        return null_test(parser, left, false);
    }
    if (rf_tokens_accept(tokens, "NOTNULL")) {
        return null_test(parser, left, true);
    }
    if (is_predicate(&tokens->token)) {
        return predicate(parser, left, false);
    }
    if (!rf_tokens_accept(tokens, "NOT")) {
        return left;
    }
    return rf_tokens_accept(tokens, "NULL") ? null_test(parser, left, true)
                                            : predicate(parser, left, true);
}

static struct rf_node *collate(struct parser *parser, struct rf_node *left) {
    struct rf_node *node = over(parser, RF_NODE_COLLATE, left, false);
    enum rf_token_kind kind = parser->tokens.token.kind;
    if (kind != RF_TOKEN_WORD && kind != RF_TOKEN_QUOTED && kind != RF_TOKEN_STRING) {
        return misread(parser);
    }
    if (node) {
        node->text = rf_token_copy(&parser->tokens.token, parser->arena);
        node->collates = true;
    }
    rf_tokens_next(&parser->tokens);
    return node;
}

/* One operator behind `left`, or `left` itself where none of level `least` or above follows. */
static struct rf_node *extend(struct parser *parser, struct rf_node *left, enum level least) {
    const struct rf_token *token = &parser->tokens.token;
    const struct infix *infix = infix_at(token);
    if (infix && infix->level >= least) {
        rf_tokens_next(&parser->tokens);
        struct rf_node *node = over(parser, RF_NODE_BINARY, left, false);
        if (node) {
            node->op = infix->op;
            add(parser, node, parse(parser, infix->level + 1));
        }
        return node;
    }
    if (least <= LEVEL_COLLATE && rf_tokens_accept(&parser->tokens, "COLLATE")) {
        return collate(parser, left);
    }
    if (least <= LEVEL_CONCAT && (rf_token_is(token, "->") || rf_token_is(token, "->>"))) {
        return refuse(parser, "operator -> or ->>");
    }
    return least <= LEVEL_EQUAL ? test(parser, left) : left;
}

static struct rf_node *parse(struct parser *parser, enum level least) {
    if (parser->refusal || parser->arena->failed) {
        return NULL;
    }
    if (++parser->depth > RF_TREE_HEIGHT) {
        return refuse(parser, "an expression nested too deeply");
    }
    struct rf_node *left = operand(parser);
    for (;;) {
        struct rf_node *more = left ? extend(parser, left, least) : left;
        if (parser->refusal || more == left) {
            break;
        }
        left = more;
    }
    parser->depth--;
    return parser->refusal ? NULL : left;
}

const struct rf_node *rf_tree_parse(const char *text, struct rf_arena *arena,
                                    const char **refusal) {
    struct parser parser = {.tokens = rf_tokens_of(text), .arena = arena};
    if (strnlen(text, RF_TREE_BYTES + 1) > RF_TREE_BYTES) {
        refuse(&parser, "an expression that is too long");
    }
    struct rf_node *root = parse(&parser, LEVEL_OR);
    if (root && parser.tokens.token.kind != RF_TOKEN_END) {
        root = misread(&parser);
    }
    *refusal = arena->failed ? NULL : parser.refusal;
    return arena->failed ? NULL : root;
}
