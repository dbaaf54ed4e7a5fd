/* What the user asks to be done with tables and columns on their way into the target, as plain data:
 * from the configuration file, and from the few options that have a setting of their own.
 *
 * A table's or column's settings are found by going through all rules in order: every rule whose
 * glob (fnmatch, over the names of the source) matches counts, and the last one that says something
 * about a setting decides it. Where no column rule says anything, a column does as its table, and a
 * table as the rules at large. Rules are read only; any thread. */
#ifndef RF_REPLAY_RULES_H
#define RF_REPLAY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "format/manifest.h"

/* What happens to a value that does not fit its column. */
enum rf_mismatch {
    RF_MISMATCH_DEFAULT = 0, /* widen for tables that rowferry owns, set-aside for existing ones */
    RF_MISMATCH_WIDEN,       /* the column gets a type that holds it */
    RF_MISMATCH_SET_ASIDE,   /* its row is set aside */
    RF_MISMATCH_NULL,        /* it becomes NULL, and is kept in rowferry.set_aside */
    RF_MISMATCH_FAIL,        /* nothing is applied */
};

/* What happens to text with a NUL in it or that is not valid UTF-8. */
enum rf_bad_text {
    RF_BAD_TEXT_DEFAULT = 0, /* set-aside */
    RF_BAD_TEXT_SET_ASIDE,
    RF_BAD_TEXT_BYTEA,   /* the column becomes bytea, where the census shows such text */
    RF_BAD_TEXT_STRIP,   /* the bytes are left out */
    RF_BAD_TEXT_REPLACE, /* each becomes U+FFFD */
    RF_BAD_TEXT_ESCAPE,  /* each becomes \xHH, and every backslash of such a text is doubled */
};

/* What happens to rows that an existing table has before its first load. */
enum rf_standing_rows {
    RF_STANDING_DEFAULT = 0, /* replace */
    RF_STANDING_REPLACE,     /* they are deleted */
    RF_STANDING_KEEP,        /* they stay, and rows of the source with their key are left out */
    RF_STANDING_SKIP,        /* the table is left alone, rows and all */
};

enum rf_choice { RF_CHOICE_DEFAULT = 0, RF_CHOICE_NO, RF_CHOICE_YES };

struct rf_column_rule {
    const char *column; /* glob */
    const char *rename; /* NULL: not said */
    const char *type;   /* a conversion (conversion.h), as the user wrote it; NULL: not said */
    enum rf_mismatch on_mismatch;
    enum rf_bad_text bad_text;
    enum rf_choice exclude; /* the column is not carried */
    const char *place;      /* "app.yaml:12:17", for messages; NULL: not from a file */
};

/* A column of the target that the server computes from a row of the source. */
struct rf_value_rule {
    const char *column; /* exact, of the target */
    const char *sql;    /* an expression over the columns of the source's table, and of joins */
    const char *place;
};

/* A table of the target that values may look at: LEFT JOIN table AS alias ON condition. */
struct rf_join_rule {
    const char *table; /* exact, of the target */
    const char *alias; /* NULL: the table's name */
    const char
        *on; /* a condition over the columns of the source's table (AS source) and the alias */
    const char *place;
};

struct rf_table_rule {
    const char *table; /* glob */
    const char *rename;
    const char
        *where; /* a condition over its columns: other rows are not carried; NULL: not said */
    uint32_t value_count; /* 0: not said */
    const struct rf_value_rule *values;
    uint32_t join_count; /* 0: not said */
    const struct rf_join_rule *joins;
    const char *const *key; /* columns that tell rows apart, NULL-terminated; NULL: not said */
    enum rf_mismatch on_mismatch;
    enum rf_bad_text bad_text;
    enum rf_standing_rows standing_rows;
    uint32_t column_count;
    const struct rf_column_rule *columns;
    const char *place; /* likewise */
};

/* A view or trigger of the source that is made in the target. */
struct rf_object_rule {
    const char *name; /* exact, of the source */
    const char *sql;  /* for PostgreSQL, one statement or several; NULL: a view as it is written */
    const char *place;
};

/* A sequence of the target, and what it has to pass. */
struct rf_sequence_rule {
    const char *name;           /* exact, in the target's schema */
    const char *const *queries; /* each gives one number or NULL; NULL-terminated */
    bool optional;              /* a target without it is fine: not every version has it */
    const char *place;
};

/* When something that the user asked for is done. */
enum rf_when {
    RF_WHEN_ALWAYS = 0, /* whenever a replay has written something */
    RF_WHEN_FIRST,      /* with the first load */
    RF_WHEN_FINAL,      /* with a trip that is the last one (sync --final) */
};

/* SQL that is run in the closing transaction, one statement or several. */
struct rf_after_rule {
    const char *sql;
    enum rf_when when;
    const char *store; /* of several databases, the one with this store; NULL: each of them */
    const char *place;
};

/* What has to be so before anything is written: see preflight. */
enum rf_expectation {
    RF_EXPECT_EQUAL = 0, /* both sides answer alike */
    RF_EXPECT_NOTHING,   /* neither side answers with a row */
    RF_EXPECT_SOMETHING, /* each side that is asked answers with a row */
};
struct rf_requirement_rule {
    const char *name;   /* what it is about, for people */
    const char *source; /* a query for SQLite; NULL: the source is not asked */
    const char *target; /* a query for PostgreSQL; NULL: the target is not asked */
    enum rf_expectation expect;
    bool warns; /* it is told of, and the run goes on */
    enum rf_when when;
    const char *hint;  /* what mends it; NULL: not said */
    const char *store; /* as above */
    bool elsewhere;    /* `store` is not in this database: it keeps its place, and is not asked */
    const char *place;
};

struct rf_rules {
    bool fold_names;              /* names in lower case */
    bool existing;                /* the application made the tables */
    bool atomic;                  /* a first load into existing tables in one transaction */
    bool no_foreign_keys;         /* owned tables get none */
    enum rf_mismatch on_mismatch; /* where no rule says otherwise */
    enum rf_bad_text bad_text;
    uint32_t table_count;
    const struct rf_table_rule *tables;
    /* So many of them, the first, are for more versions of an application than one: that one of
     * these names nothing is no slip of the pen. */
    uint32_t general_table_count;
    uint32_t object_count;
    const struct rf_object_rule *objects;
    uint32_t sequence_count;
    const struct rf_sequence_rule *sequences;
    uint32_t after_count;
    const struct rf_after_rule *after;
    uint32_t requirement_count;
    const struct rf_requirement_rule *requirements;
    bool analyze;       /* every table that was written, at the end */
    const char *locale; /* COLLATE and CTYPE that the target's database is to have; NULL: any */
    bool any_locale;    /* … waived */
};

/* Everything said about one table; nothing is DEFAULT any more. Strings are those of the rules. */
struct rf_table_settings {
    const char *rename;     /* NULL: keeps its name */
    const char *const *key; /* NULL: none given */
    enum rf_mismatch on_mismatch;
    enum rf_bad_text bad_text;
    enum rf_standing_rows standing_rows;
    const char *where;    /* NULL: all rows */
    uint32_t value_count; /* of the last rule that has any */
    const struct rf_value_rule *values;
    uint32_t join_count;
    const struct rf_join_rule *joins;
};
struct rf_column_settings {
    const char *rename;
    const char *type;
    enum rf_mismatch on_mismatch;
    bool mismatch_said; /* for the column, its table or at large; not by default */
    enum rf_bad_text bad_text;
    bool exclude;
};
struct rf_table_settings rf_rules_table(const struct rf_rules *rules, const char *table);
struct rf_column_settings rf_rules_column(const struct rf_rules *rules, const char *table,
                                          const char *column);
/* Tells, with its place, of every rule that says something of no table or column of the snapshot: a
 * slip of the pen, as a rule. */
void rf_rules_tell_unused(const struct rf_rules *rules, const struct rf_manifest *manifest,
                          void (*tell)(void *context, const char *message), void *context);

/* "widen", "set-aside" …, as in the configuration and the ledger; and back, false for other words.
 * "default", which is not said anywhere, is none of them. */
const char *rf_mismatch_name(enum rf_mismatch mismatch);
bool rf_mismatch_find(const char *name, enum rf_mismatch *mismatch);
const char *rf_bad_text_name(enum rf_bad_text bad_text);
bool rf_bad_text_find(const char *name, enum rf_bad_text *bad_text);
const char *rf_standing_rows_name(enum rf_standing_rows rows);
bool rf_standing_rows_find(const char *name, enum rf_standing_rows *rows);

#endif
