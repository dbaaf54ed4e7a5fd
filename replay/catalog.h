/* What stands in a schema of the target: tables that an application made, with all that decides
 * whether and how rows of a source go into them.
 *
 * Read once, in a few statements for the whole schema, and then only looked at. Everything a
 * catalog points to lives in the arena it was read into. */
#ifndef RF_REPLAY_CATALOG_H
#define RF_REPLAY_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "replay/arena.h"
#include "replay/connection.h"

/* The types that columns of the source may go into; a domain is of the kind that it rests on. */
enum rf_catalog_kind {
    RF_KIND_OTHER, /* one that rowferry does not write */
    RF_KIND_BOOL,
    RF_KIND_INT2,
    RF_KIND_INT4,
    RF_KIND_INT8,
    RF_KIND_FLOAT4,
    RF_KIND_FLOAT8,
    RF_KIND_NUMERIC,
    RF_KIND_TEXT,
    RF_KIND_VARCHAR,
    RF_KIND_CHAR, /* character(n) */
    RF_KIND_BYTEA,
    RF_KIND_DATE,
    RF_KIND_TIME,
    RF_KIND_TIMESTAMP,
    RF_KIND_TIMESTAMPTZ,
    RF_KIND_JSON,
    RF_KIND_JSONB,
    RF_KIND_UUID,
    RF_KIND_INT8_ARRAY,
    RF_KIND_ENUM,
};

struct rf_catalog_column {
    const char *name;
    uint32_t number;      /* pg_attribute.attnum */
    const char *declared; /* as format_type prints it; of a domain, its name */
    const char *type;     /* the same without domains: "numeric(10,2)" */
    uint32_t oid;         /* of `type` */
    int32_t modifier;     /* of `type`: atttypmod, -1 for none */
    enum rf_catalog_kind kind;
    const char *type_schema, *type_name; /* of `type`, as pg_type has them */
    bool not_null;
    bool has_default;
    bool identity;  /* always or by default: COPY writes either */
    bool generated; /* cannot be written */
};

struct rf_catalog_index {
    const char *name;
    const char *definition; /* pg_get_indexdef */
    bool unique;
    const char *constraint;            /* that rests on it; NULL: none */
    const char *constraint_definition; /* pg_get_constraintdef */
    bool valid;
    bool marked;            /* more is said of it than its definition repeats */
    bool deferrable;        /* its constraint is looked after by triggers, */
    const char *duplicates; /* and this query counts what they let pass; NULL: there is none */
    uint32_t column_count;  /* 0 where it is on expressions, or has a predicate */
    uint32_t *columns;      /* rf_catalog_column.number */
};

/* A trigger or rule that somebody made. */
struct rf_catalog_reflex {
    const char *name;
    bool rule;
    char enabled; /* 'D' not, 'O' where the session is an origin, 'R' where a replica, 'A' always */
};

struct rf_catalog_table {
    const char *name;
    char kind;         /* 'r', or one that cannot be filled: 'p', 'v', 'm', 'f' */
    bool guarded;      /* row security is in force for this role */
    bool owned;        /* by this role, or one that it is a member of */
    const char *owner; /* that role */
    bool may_select, may_insert, may_delete, may_truncate;
    uint64_t bytes; /* of its rows on the server's disk, without indexes and long values */
    uint32_t column_count;
    struct rf_catalog_column *columns;
    uint32_t index_count;
    struct rf_catalog_index *indexes;
    uint32_t reflex_count;
    struct rf_catalog_reflex *reflexes;
};

/* From one table to another, either of which may be in another schema. */
struct rf_catalog_foreign_key {
    const char *schema, *table; /* that refers */
    const char *to_schema, *to_table;
    const char *name;
    const char *definition; /* pg_get_constraintdef */
    bool valid;
    bool deferrable;
    char on_delete, on_update; /* 'a' no action, 'r' restrict, 'c', 'n', 'd' */
    bool owned;                /* the table that refers, by this role */
    const char *owner;
    bool may_refer;      /* to the other table */
    bool may_check;      /* read both tables */
    const char *orphans; /* a query that counts rows without the row they refer to */
};

struct rf_catalog_label {
    const char *schema, *type, *label;
};

struct rf_catalog {
    const char *schema;
    const char *role;
    bool may_create;     /* in the schema, without which no index is made */
    bool may_be_replica; /* session_replication_role may be set */
    uint32_t table_count;
    struct rf_catalog_table *tables; /* in byte order of their names */
    uint32_t foreign_key_count;
    struct rf_catalog_foreign_key *foreign_keys;
    uint32_t label_count; /* of all enumerations in the database, in their order */
    struct rf_catalog_label *labels;
};

/* `schema` is borrowed. No transaction, or one that has not failed. */
RF_MUST_USE enum rf_code rf_catalog_read(struct rf_pg *pg, const char *schema,
                                         struct rf_arena *arena, struct rf_catalog *catalog,
                                         struct rf_error *error);

/* By exact name; NULL for none. */
const struct rf_catalog_table *rf_catalog_find(const struct rf_catalog *catalog, const char *name);
const struct rf_catalog_column *rf_catalog_find_column(const struct rf_catalog_table *table,
                                                       const char *name);

/* What a base type's catalog entry says it is. */
enum rf_catalog_kind rf_catalog_kind_of(char typtype, const char *schema, const char *name);

#endif
