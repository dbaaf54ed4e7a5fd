/* What the translation knows of a part of an expression: its SQL, its type over there, which
 * storage classes and which range of values it stands for over here.
 *
 * Every operation takes such values and makes one, or refuses; a refusal is sticky and the first
 * one stands. SQL is always closed in itself: a name, a literal, a call or something in
 * parentheses. */
#ifndef RF_REPLAY_EXPRESSION_VALUE_H
#define RF_REPLAY_EXPRESSION_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/arena.h"
#include "replay/expression_carry.h"
#include "replay/expression_number.h"
#include "replay/expression_tree.h"

struct rf_translation {
    const struct rf_expression_table *table; /* NULL for a default */
    struct rf_arena *arena;
    const char *refusal;
    size_t produced; /* bytes of SQL so far */
    bool mutable;    /* the clock was read */
    bool in_generated;
};

enum rf_sql_kind {
    RF_SQL_NULL,    /* the literal */
    RF_SQL_BOOLEAN, /* boolean; INTEGER 0 or 1 in SQLite */
    RF_SQL_INTEGER, /* bigint; INTEGER from low to high */
    RF_SQL_WIDE,    /* numeric, exact; INTEGER, or beyond 64 bits a REAL near to it */
    RF_SQL_REAL,    /* double precision; REAL */
    RF_SQL_NUMBER,  /* double precision; REAL or an INTEGER within 2^53, nobody knows which */
    RF_SQL_DECIMAL, /* numeric; INTEGER, or a REAL by its shortest decimal */
    RF_SQL_TEXT,    /* text; TEXT */
    RF_SQL_BLOB,    /* bytea; BLOB */
    RF_SQL_MOMENT,  /* a date or time; texts or numbers in the order of their moments */
    RF_SQL_OTHER,
};

#define RF_AFFINITY_NONE (-1) /* of an expression; it is not that of a BLOB column */

/* So many digits lead to a double and back: decimals are in the order of their REALs. */
#define RF_DECIMAL_BRIEF 15

enum rf_collation { RF_BINARY, RF_NOCASE, RF_RTRIM, RF_COLLATION_UNKNOWN };

/* Of the collation of an operand: COLLATE on it counts before that of a column. */
enum rf_collated {
    RF_COLLATED_NOT,
    RF_COLLATED_BY_COLUMN,
    RF_COLLATED_EXPLICITLY,
    RF_COLLATED_WITHIN, /* by a COLLATE somewhere below, which SQLite finds by rules of its own */
};

/* What a value is that comes from the clock. */
#define RF_CLOCK_SAMPLES 2
struct rf_clock {
    const char *samples[RF_CLOCK_SAMPLES]; /* a TEXT: what two certain moments look like */
    int64_t per_second; /* a number that counts from 1970, so much a second, whole seconds */
    bool julian;        /* a REAL that is the Julian day, to the millisecond */
};

struct rf_sql_value {
    enum rf_sql_kind kind;
    bool nullable;
    bool literal; /* an INTEGER of one value, a REAL or a TEXT as written */
    bool pinned;  /* depends on a column, whatever the server's planner makes of the rest */
    const char *sql;
    const char *literal_text; /* of a TEXT */
    double literal_real;
    int64_t low, high; /* of an INTEGER or BOOLEAN */
    bool signed_zero;  /* a REAL or NUMBER that may be -0.0 */
    bool settled;      /* of a column by itself: its affinity has been applied to it */
    bool brief;        /* a DECIMAL of RF_DECIMAL_BRIEF digits at the most */
    bool tall;         /* a WIDE that leaves 64 bits upwards only, and in SQLite too is 2^63 then */
    double most, least; /* of a REAL or NUMBER: largest and smallest magnitude, zero apart */
    int affinity;       /* enum rf_affinity or RF_AFFINITY_NONE */
    enum rf_collation collation;
    enum rf_collated collated;
    const struct rf_clock *clock;              /* NULL: not of the clock */
    const struct rf_expression_column *column; /* of a MOMENT */
    const char *digits;                        /* of a TEXT: a bigint that it is the decimal of */
    bool wordy;                                /* of a TEXT: never looks like a number */
};

/* Refuses, with a phrase. What comes back is of no use, and harmless. */
struct rf_sql_value rf_refuse(struct rf_translation *t, const char *format, ...) RF_PRINTF(2, 3);
/* SQL in the arena. "" after a refusal, and where the whole grows beyond all bounds. */
const char *rf_sql(struct rf_translation *t, const char *format, ...) RF_PRINTF(2, 3);
/* One after another, with `between` between them. */
const char *rf_sql_join(struct rf_translation *t, const char *const *parts, uint32_t count,
                        const char *between);

/* New values, without affinity and collation. A range of one value makes a literal, whatever the
 * SQL. */
struct rf_sql_value rf_value_null(void);
struct rf_sql_value rf_value_boolean(const char *sql, bool nullable);
struct rf_sql_value rf_value_integer(struct rf_translation *t, const char *sql, bool nullable,
                                     int64_t low, int64_t high);
struct rf_sql_value rf_value_literal_integer(struct rf_translation *t, int64_t integer);
struct rf_sql_value rf_value_real(const char *sql, bool nullable, double most, double least);
struct rf_sql_value rf_value_literal_real(struct rf_translation *t, double real);
struct rf_sql_value rf_value_text(const char *sql, bool nullable);
struct rf_sql_value rf_value_literal_text(struct rf_translation *t, const char *text);
struct rf_sql_value rf_value_of(enum rf_sql_kind kind, const char *sql, bool nullable);

bool rf_value_is_integer(const struct rf_sql_value *value); /* or BOOLEAN */
bool rf_value_is_double(const struct rf_sql_value *value);  /* REAL or NUMBER */
/* An integer that a double holds exactly. */
bool rf_value_fits_double(const struct rf_sql_value *value);
/* Whether a strict function or operator of these values is pinned. */
bool rf_value_pins(const struct rf_sql_value *values, uint32_t count);
/* In a generated column the server's planner evaluates an operation on constants before it has
 * worked out collations, and gives up where one is needed: refuses what it might evaluate there. */
void rf_value_need_pin(struct rf_translation *t, bool pinned);

/* The least integer that such a column holds; the greatest one is as far from -1. */
int64_t rf_least_of(enum rf_expression_type type);

/* The largest magnitude of any number. */
double rf_value_most(const struct rf_sql_value *value);
/* A literal real that is an integer within 2^53. */
bool rf_value_is_whole(const struct rf_sql_value *real);

/* The value as SQL of a certain type. All refuse what is not exactly that in SQLite too. */
const char *rf_value_condition(struct rf_translation *t, const struct rf_sql_value *value);
const char *rf_value_bigint(struct rf_translation *t, const struct rf_sql_value *value);
const char *rf_value_double(struct rf_translation *t, const struct rf_sql_value *value);
const char *rf_value_numeric(struct rf_translation *t, const struct rf_sql_value *value);
/* The same as _bigint, but a small literal stays bare: beside an operand that is a bigint
 * already. */
const char *rf_value_beside_bigint(struct rf_translation *t, const struct rf_sql_value *value);
/* TEXT as SQLite renders the value where it needs text. */
struct rf_sql_value rf_value_to_text(struct rf_translation *t, const struct rf_sql_value *value);

/* The value under numeric affinity (INTEGER, REAL and NUMERIC compare alike): text that is a
 * number becomes one. */
struct rf_sql_value rf_value_to_number(struct rf_translation *t, const struct rf_sql_value *value);

/* One value that is any of several: of CASE, COALESCE and the like. Takes an array of SQL strings
 * of the common type, as many as values. */
struct rf_sql_value rf_value_unite(struct rf_translation *t, const struct rf_sql_value *values,
                                   uint32_t count, const char **sql);

const char *rf_value_kind_name(enum rf_sql_kind kind); /* "text", "a number", … */

#endif
