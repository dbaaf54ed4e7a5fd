/* How each entry of sqlite_schema is made again: told from the manifest alone, before anything is
 * written. Inner header of capture/restore*. */
#ifndef RF_CAPTURE_RESTORE_PLAN_H
#define RF_CAPTURE_RESTORE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/restore.h"
#include "format/manifest.h"

#define RF_RESTORE_NO_CONTENT                                           \
    "the tables in which it keeps its content are not in the snapshot " \
    "(capture --include-shadow takes them along)"

enum rf_restore_way {
    RF_RESTORE_ENTRY,   /* the entry is all there is: views, triggers, virtual tables */
    RF_RESTORE_ROWS,    /* a table with its rows */
    RF_RESTORE_EMPTY,   /* a table, or the index of its constraint, without rows */
    RF_RESTORE_COLUMNS, /* an index over columns, built over the table that stands in */
    RF_RESTORE_AGAIN,   /* the index of a constraint over computed columns: empty, then made anew */
    RF_RESTORE_SQL,     /* an index over expressions or some rows only, built by its own SQL */
    RF_RESTORE_MODULE,  /* a virtual table without content, made by its own SQL */
    RF_RESTORE_NOT,     /* not made: it comes with another, or it cannot be */
};

struct rf_restore_object {
    const struct rf_object *object;
    enum rf_restore_way way;
    const struct rf_manifest_table *table; /* ROWS; COLUMNS: that of the index */
    const struct rf_index *index;          /* COLUMNS */
    bool without_rowid;                    /* EMPTY tables */
    int64_t root;                          /* page of the b-tree, once it is made; else 0 */
};

struct rf_restore_plan {
    const struct rf_manifest *manifest;
    bool sequences; /* there is a table sqlite_sequence */
    uint32_t count;
    struct rf_restore_object *objects; /* in the manifest's order */
};

/* Lacks that are known by now are told. RF_FAILED: a table whose order only the application knows. */
RF_MUST_USE enum rf_code rf_restore_plan_make(const struct rf_manifest *manifest,
                                              const struct rf_restore_options *options,
                                              struct rf_restore_result *result,
                                              struct rf_restore_plan *plan, struct rf_error *error);
void rf_restore_plan_release(struct rf_restore_plan *plan); /* twice is fine */

/* Whether a collation is one of SQLite's own. */
bool rf_restore_knows_collation(const char *name);
/* The index of the table's key; NULL where there is none. */
const struct rf_index *rf_restore_key_index(const struct rf_table *table);
/* The place of a column in the table, -1 for none. */
int64_t rf_restore_column(const struct rf_table *table, const char *name);
/* Counts it and tells it. */
void rf_restore_tell(const struct rf_restore_options *options, struct rf_restore_result *result,
                     enum rf_lack_kind kind, const char *name, const char *reason);

#endif
