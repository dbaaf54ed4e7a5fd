/* The b-trees of tables and indexes, filled and then left without a name.
 *
 * A table stands in for the one that is restored: as many columns, in the same places of the record,
 * without a type, so that SQLite stores every value as it is given; the rowid or the key of the true
 * one, with its collations and directions; no constraint. Its indexes are plain and never unique: the
 * records are those of the true ones, which may hold what their constraint forbids. When the table is
 * done, its entries in sqlite_schema are removed, its pages stay, and their numbers are known.
 * Inner header of capture/restore*. One thread. */
#ifndef RF_CAPTURE_RESTORE_TABLE_H
#define RF_CAPTURE_RESTORE_TABLE_H

#include <sqlite3.h>

#include "capture/restore.h"
#include "capture/restore_file.h"
#include "capture/restore_plan.h"
#include "capture/restore_run.h"
#include "capture/source.h"

struct rf_restore_job {
    const struct rf_repository *repository;
    const struct rf_restore_options *options;
    const struct rf_restore_limits *limits;
    struct rf_restore_result *result;
    struct rf_restore_file *file;
    sqlite3 *db;
    enum rf_source_encoding encoding;
    uint64_t rows_done, rows_expected; /* of all tables */
};

/* The table and its indexes; all entries that belong to it get their root page. */
RF_MUST_USE enum rf_code rf_restore_table(struct rf_restore_job *job, struct rf_restore_plan *plan,
                                          struct rf_restore_object *planned,
                                          struct rf_error *error);
/* An empty b-tree, of a table or of an index. */
RF_MUST_USE enum rf_code rf_restore_empty(struct rf_restore_job *job,
                                          struct rf_restore_object *planned,
                                          struct rf_error *error);
/* sqlite_sequence with its rows. */
RF_MUST_USE enum rf_code rf_restore_sequences(struct rf_restore_job *job,
                                              const struct rf_manifest *manifest, int64_t *root,
                                              struct rf_error *error);

/* SQL without a result; `what` tells what could not be done. */
RF_MUST_USE enum rf_code rf_restore_run(struct rf_restore_job *job, const char *sql,
                                        const char *what, struct rf_error *error);
/* RF_INTERRUPTED once a signal came. */
RF_MUST_USE enum rf_code rf_restore_check_stop(const struct rf_restore_job *job,
                                               struct rf_error *error);

#endif
