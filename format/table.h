/* What is known of a table: its columns, its key, its indexes and foreign keys as SQLite describes
 * them. Kept in the manifest of every snapshot; an archive's header carries the part that a reader
 * of rows needs (name, columns, key).
 *
 * Names and SQL are SQLite's own bytes, NUL-terminated. Everything a struct rf_table points to is
 * its own and freed with it. */
#ifndef RF_FORMAT_TABLE_H
#define RF_FORMAT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"

#define RF_COLUMNS_MAX 32767u /* SQLite's own upper bound */

/* Rules of https://www.sqlite.org/datatype3.html, section 3.1. */
enum rf_affinity {
    RF_AFFINITY_BLOB,
    RF_AFFINITY_TEXT,
    RF_AFFINITY_NUMERIC,
    RF_AFFINITY_INTEGER,
    RF_AFFINITY_REAL,
};
enum rf_affinity rf_affinity_of(const char *declared); /* NULL or "": BLOB */

enum rf_generated { RF_STORED_AS_IS = 0, RF_GENERATED_VIRTUAL = 1, RF_GENERATED_STORED = 2 };

struct rf_column {
    char *name;
    char *declared;      /* the declared type as written; NULL where there is none */
    char *default_sql;   /* NULL where there is none */
    char *collation;     /* "BINARY", "NOCASE", "RTRIM" or another */
    bool not_null;
    uint32_t key_part;   /* 1-based place in the PRIMARY KEY, 0 for none */
    enum rf_generated generated;
};

/* How rows are told apart from snapshot to snapshot within the archives. */
enum rf_key_kind {
    RF_KEY_ROWID,   /* by rowid, an INTEGER that is not necessarily a column */
    RF_KEY_ORDINAL, /* by place in the scan: a rowid table whose rowid no name reaches */
    RF_KEY_COLUMNS, /* WITHOUT ROWID: by the primary key's values */
};

struct rf_index_part {
    char *column;     /* NULL: an expression, to be found in the index's SQL, or the rowid */
    char *collation;
    bool descending;
};

struct rf_index {
    char *name;
    char *sql;   /* NULL for those that a constraint made */
    char origin; /* 'c' CREATE INDEX, 'u' UNIQUE constraint, 'p' PRIMARY KEY */
    bool unique;
    bool partial;
    uint32_t part_count;
    struct rf_index_part *parts;
};

struct rf_foreign_key {
    char *parent;
    char *on_update;
    char *on_delete;
    uint32_t part_count;
    char **from; /* part_count names */
    char **to;   /* part_count names; a NULL stands for the parent's primary key */
};

struct rf_table {
    char *name;
    char *sql;
    bool strict;
    bool autoincrement;
    enum rf_key_kind key_kind;
    int32_t alias;       /* the column that is the rowid (INTEGER PRIMARY KEY), else -1 */
    uint32_t column_count;
    struct rf_column *columns;
    /* The declared primary key in the order of the key; key_count 0 where there is none. */
    uint32_t key_count;
    uint32_t *key;       /* column numbers, from 0 */
    uint32_t index_count;
    struct rf_index *indexes;
    uint32_t foreign_key_count;
    struct rf_foreign_key *foreign_keys;
};

void rf_table_release(struct rf_table *table);

/* Name and column names, kinds and key are alike, so that archives of one continue those of the other. */
bool rf_table_same_rows(const struct rf_table *a, const struct rf_table *b);

/* Everything, as the manifest keeps it. */
void rf_table_encode(const struct rf_table *table, struct rf_buffer *out);
/* Releases what it made when the cursor fails. */
void rf_table_decode(struct rf_cursor *cursor, struct rf_table *table);

/* The part that an archive's header carries: names, kinds and key. */
void rf_table_encode_rows(const struct rf_table *table, struct rf_buffer *out);
void rf_table_decode_rows(struct rf_cursor *cursor, struct rf_table *table);

#endif
