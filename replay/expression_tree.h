/* An expression of SQLite as a tree, built by SQLite's own rules of precedence.
 *
 * The tree is bounded: RF_TREE_NODES nodes, RF_TREE_HEIGHT from root to leaf, so that whoever
 * walks it may do so recursively. What is not an expression over the columns of one row (a
 * subquery, a row value, an aggregate's FILTER) is refused by name here; types are not looked
 * at. */
#ifndef RF_REPLAY_EXPRESSION_TREE_H
#define RF_REPLAY_EXPRESSION_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/arena.h"

#define RF_TREE_NODES 4000u
#define RF_TREE_HEIGHT 200u
#define RF_TREE_BYTES (1u << 20) /* of its text */

enum rf_node_kind {
    RF_NODE_NULL,
    RF_NODE_INTEGER, /* text: its digits, perhaps hexadecimal */
    RF_NODE_REAL,    /* text: as written */
    RF_NODE_STRING,  /* text: what it says */
    RF_NODE_BLOB,    /* text: its hexadecimal digits */
    RF_NODE_NAME,    /* text: a column, perhaps; qualifier: of which table, or NULL */
    RF_NODE_CLOCK,   /* text: CURRENT_TIMESTAMP, CURRENT_DATE or CURRENT_TIME */
    RF_NODE_UNARY,
    RF_NODE_BINARY,
    RF_NODE_IS,       /* null-safe =; negated: null-safe <> */
    RF_NODE_BETWEEN,  /* what, from, to */
    RF_NODE_IN,       /* what, then the list, which may be empty */
    RF_NODE_LIKE,     /* what, pattern, perhaps the escape; text: LIKE, GLOB, REGEXP or MATCH */
    RF_NODE_CASE,     /* the base where has_base, pairs of WHEN and THEN, the last where has_else */
    RF_NODE_CAST,     /* text: the type */
    RF_NODE_COLLATE,  /* text: the collation */
    RF_NODE_FUNCTION, /* text: its name; starred: of (*) */
};

enum rf_operator {
    RF_OPERATOR_NONE,
    RF_OPERATOR_OR,
    RF_OPERATOR_AND,
    RF_OPERATOR_EQ,
    RF_OPERATOR_NE,
    RF_OPERATOR_LT,
    RF_OPERATOR_LE,
    RF_OPERATOR_GT,
    RF_OPERATOR_GE,
    RF_OPERATOR_BIT_AND,
    RF_OPERATOR_BIT_OR,
    RF_OPERATOR_SHIFT_LEFT,
    RF_OPERATOR_SHIFT_RIGHT,
    RF_OPERATOR_ADD,
    RF_OPERATOR_SUBTRACT,
    RF_OPERATOR_MULTIPLY,
    RF_OPERATOR_DIVIDE,
    RF_OPERATOR_REMAINDER,
    RF_OPERATOR_CONCAT,
    RF_OPERATOR_NOT, /* the last four are unary */
    RF_OPERATOR_NEGATE,
    RF_OPERATOR_PLUS,
    RF_OPERATOR_INVERT,
};

struct rf_node {
    enum rf_node_kind kind;
    enum rf_operator op;
    bool negated;
    bool quoted;        /* a name in any quotes */
    bool double_quoted; /* a name that SQLite takes for text where no column is called so */
    bool has_base, has_else, starred;
    bool collates; /* there is a COLLATE in it */
    uint32_t height;
    uint32_t count; /* of children */
    const char *text;
    const char *qualifier;
    struct rf_node *first, *last; /* of the children */
    struct rf_node *next;         /* beside this one */
};

/* NULL where the text is no such expression, with the reason in `refusal` (in the arena), or for
 * want of memory, which shows in rf_arena_check. */
const struct rf_node *rf_tree_parse(const char *text, struct rf_arena *arena, const char **refusal);

/* A few characters of hostile text, for a message. */
const char *rf_tree_excerpt(const char *text, size_t size, struct rf_arena *arena);

#endif
