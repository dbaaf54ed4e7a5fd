/* CREATE TABLE and CREATE INDEX as SQLite keeps them in sqlite_schema, read for what its pragmas
 * do not tell: CHECK constraints, the expressions of generated columns, whether a foreign key is
 * deferred, the expressions and the predicate of an index.
 *
 * Expressions come out as text, for expression_carry.h. Reading is one pass over the tokens,
 * without recursion; what SQLite would not have stored is not understood, and said to be so. */
#ifndef RF_REPLAY_EXPRESSION_STATEMENT_H
#define RF_REPLAY_EXPRESSION_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/arena.h"

struct rf_statement_column {
    const char *name;
    const char *default_text; /* as PRAGMA table_info has it; NULL where there is none */
    const char *generated;    /* the expression; NULL where there is none */
    bool stored;              /* generated STORED, not VIRTUAL */
};

struct rf_statement_check {
    const char *name; /* NULL where it has none; several may share one */
    const char *text;
    int32_t column; /* the column behind which it stands, -1 for the table */
};

/* In the order of the statement, which is the reverse of PRAGMA foreign_key_list. */
struct rf_statement_foreign_key {
    const char *name; /* NULL where it has none */
    const char *parent;
    uint32_t column_count;
    const char **columns; /* the referring ones */
    bool deferrable;
    bool initially_deferred; /* to SQLite nothing else is deferred */
};

struct rf_statement_table {
    uint32_t column_count;
    struct rf_statement_column *columns;
    uint32_t check_count;
    struct rf_statement_check *checks;
    uint32_t foreign_key_count;
    struct rf_statement_foreign_key *foreign_keys;
};

struct rf_statement_part {
    const char
        *text; /* a column's name as written, or an expression; COLLATE may stand behind it */
    bool descending;
};

struct rf_statement_index {
    uint32_t part_count;
    struct rf_statement_part *parts;
    const char *predicate; /* NULL where there is none */
};

/* NULL, and the statement in `out`, which points into the arena; or a phrase why it was not
 * understood. Want of memory shows in rf_arena_check. */
const char *rf_statement_table(const char *sql, struct rf_arena *arena,
                               struct rf_statement_table *out);
const char *rf_statement_index(const char *sql, struct rf_arena *arena,
                               struct rf_statement_index *out);

#endif
