/* SQLite's expressions carried over to PostgreSQL: DEFAULT values, CHECK constraints, generated
 * columns, the predicates of partial indexes, indexes over expressions.
 *
 * The rule is: the same result for every value that the columns can hold, or a refusal that names
 * the construct which stands in the way. Never a result that is alike most of the time, and never
 * SQL that can raise an error for some row (a division by zero, an integer out of range) where
 * SQLite has an answer. Three things are left out of "every value", because such a row cannot
 * stand in both databases anyway: results too large for a field, rows that SQLite itself answers
 * with an error (abs() of the least integer), and values that were put into the target by others
 * and that no SQLite column can hold (NaN). LIKE is taken as it is without PRAGMA
 * case_sensitive_like.
 *
 * All of it is pure: text in, text out, in the arena; want of memory shows in rf_arena_check. The
 * text may be anything; it is SQL of a manifest that others wrote. The target's encoding is
 * UTF-8. */
#ifndef RF_REPLAY_EXPRESSION_CARRY_H
#define RF_REPLAY_EXPRESSION_CARRY_H

#include <stdbool.h>
#include <stdint.h>

#include "format/table.h"
#include "replay/arena.h"
#include "replay/instant.h"
#include "replay/spelling.h"

/* What a column of the target is, and with it which values of SQLite can be in it. Where a
 * conversion (conversion.h) lets in or makes anything else, the type is OTHER: bytea and text "from
 * any", mended text, boolean "from words", real, character, json, uuid, arrays, enums. */
enum rf_expression_type {
    RF_EXPRESSION_OTHER = 0,      /* whether it is NULL is all that can be asked */
    RF_EXPRESSION_BIGINT,         /* INTEGERs */
    RF_EXPRESSION_INTEGER,        /* INTEGERs of 32 bits */
    RF_EXPRESSION_SMALLINT,       /* INTEGERs of 16 bits */
    RF_EXPRESSION_DOUBLE,         /* REALs; unless the affinity is REAL also INTEGERs within 2^53 */
    RF_EXPRESSION_BOOLEAN,        /* the INTEGERs 0 and 1 */
    RF_EXPRESSION_TEXT,           /* text or varchar: TEXTs, valid UTF-8 without NUL */
    RF_EXPRESSION_BYTEA,          /* BLOBs */
    RF_EXPRESSION_NUMERIC,        /* INTEGERs as they are, REALs by their shortest decimal */
    RF_EXPRESSION_TEXT_OR_NUMBER, /* TEXTs, INTEGERs in decimal, REALs as render.h renders them */
    RF_EXPRESSION_DATE,           /* these four: as `encoding` and `spelling` say */
    RF_EXPRESSION_TIME,
    RF_EXPRESSION_TIMESTAMP,
    RF_EXPRESSION_TIMESTAMPTZ,
};

struct rf_expression_column {
    const char *name; /* in SQLite */
    const char *sql;  /* in the target, quoted; NULL: the target has no such column */
    enum rf_expression_type type;
    enum rf_affinity affinity;
    const char *collation; /* NULL is BINARY */
    bool not_null;         /* the target enforces it */
    bool generated;        /* by an expression, in the target */
    uint32_t length;       /* of a TEXT: the characters that it can hold; 0 is any number */
    uint32_t precision;    /* of a NUMERIC; 0 is any */
    uint32_t scale;
    /* Of dates and times, as in the column's conversion. */
    enum rf_instant_encoding encoding;
    const struct rf_spelling *spelling; /* of texts; NULL: any */
    int64_t grain;                      /* microseconds that the target keeps; 0 is 1 */
};

/* All columns of the source's table have to be listed, also those that are not carried: what no
 * column is called, SQLite takes for something else. */
struct rf_expression_table {
    const char *name;
    uint32_t column_count;
    const struct rf_expression_column *columns;
    int32_t alias; /* the column that is the rowid, else -1 */
    bool utf16;    /* the source's encoding is not UTF-8, and BINARY orders its text otherwise */
};

struct rf_expression {
    const char *sql;     /* NULL where it is refused */
    const char *refusal; /* a phrase: "function strftime()", "comparison of text with a number" */
    bool immutable;      /* to PostgreSQL; only a default may be otherwise */
};

/* The condition of CHECK (…), and of WHERE (…) of a partial index: SQL of type boolean. A CHECK
 * passes where it is true or NULL, a predicate takes a row in where it is true; in both
 * databases. */
struct rf_expression rf_expression_condition(const struct rf_expression_table *table,
                                             const char *text, struct rf_arena *arena);

/* The expression of GENERATED ALWAYS AS (…) STORED, of the column's own type. */
struct rf_expression rf_expression_generated(const struct rf_expression_table *table,
                                             uint32_t column, const char *text,
                                             struct rf_arena *arena);

/* One part of an index, as it stands between commas in CREATE INDEX: "name", "name" COLLATE "C" or
 * (expression), so that equality and order are those of SQLite. `text` may end in COLLATE but not
 * in ASC or DESC. `collation` is that of the index part where the caller knows it better, else
 * NULL. SQLite's NULLs come first, PostgreSQL's last: NULLS FIRST is the caller's to add. */
struct rf_expression rf_expression_index_part(const struct rf_expression_table *table,
                                              const char *text, const char *collation,
                                              struct rf_arena *arena);

/* What follows DEFAULT: the value in the column's own type. The text is as PRAGMA table_info has
 * it. */
struct rf_expression rf_expression_default(const struct rf_expression_column *column,
                                           const char *text, struct rf_arena *arena);

#endif
