/* A view of the source as a statement for PostgreSQL.
 *
 * The SELECT stays as it is written; only the names in it change: those of tables, views and columns of
 * the source become those of the target, quoted, and names in SQLite's other quotings become quoted
 * ones. What its expressions mean is the server's affair, which is why views are made only where
 * somebody asks for them. */
#ifndef RF_REPLAY_VIEW_SQL_H
#define RF_REPLAY_VIEW_SQL_H

#include "format/bytes.h"
#include "replay/arena.h"

struct rf_view_names {
    /* What a name of the source, whatever its case, is in the target; NULL: no name of its. */
    const char *(*find)(const void *context, const char *name);
    const void *context;
};

/* Appends CREATE VIEW "schema"."name" …; `sql` is the statement of sqlite_schema. NULL, or a phrase why
 * it was not understood. Want of memory shows in the arena or the buffer. */
const char *rf_view_sql(const char *sql, const char *schema, const char *name,
                        const struct rf_view_names *names, struct rf_arena *arena,
                        struct rf_buffer *out);

/* Calls `take` with every name that the view gives to a column itself. */
void rf_view_column_names(const char *sql, struct rf_arena *arena,
                          void (*take)(void *context, const char *name), void *context);

#endif
