/* Writes the SQLite database as it was at a snapshot, from archives alone.
 *
 * Rows come back as they were, whatever the schema says of them. A value that SQLite would alter or
 * refuse on the way through INSERT (a text '1' in an INTEGER column, a row that breaks a CHECK or is
 * double under UNIQUE) may well stand in a database, and an archive holds it. So no row is inserted
 * into the table it belongs to. For each table one is made that has its columns, but no types,
 * constraints or names (restore_table.h); it is filled, and its indexes are built; and in the end the
 * rows of sqlite_schema are written, with the true SQL, over the same b-trees (restore_schema.h).
 *
 * What a snapshot does not hold, or SQLite cannot make without the application, is told through
 * `lack`, and the rest is restored. */
#ifndef RF_CAPTURE_RESTORE_H
#define RF_CAPTURE_RESTORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"

enum rf_lack_kind {
    RF_LACK_ROWS,    /* the table is there, and empty: its rows are not in the snapshot */
    RF_LACK_CONTENT, /* so is the virtual table, or it could not be made at all */
    RF_LACK_INDEX,   /* the index is not there */
    RF_LACK_ORDER,   /* the index of a constraint is there, in an order that is not its own */
};
struct rf_lack {
    enum rf_lack_kind kind;
    const char *name;   /* borrowed */
    const char *reason; /* borrowed */
};

struct rf_restore_options {
    const char *output;
    bool replace;           /* a file of that name */
    bool verify;            /* prove all row hashes on the way, and read the file back */
    const atomic_int *stop; /* not NULL; a signal number once the run should end */
    /* Both may be NULL. */
    void (*progress)(void *context, const char *table, uint64_t rows_done, uint64_t rows_expected);
    void (*lack)(void *context, const struct rf_lack *lack);
    void *context;
};

struct rf_restore_result {
    struct rf_snapshot_name snapshot;
    uint32_t tables; /* whose rows are there */
    uint64_t rows;
    uint64_t bytes; /* of the file */
    uint32_t lacks;
};

/* After RF_OK the file is there, whole and synced; after anything else no file of that name was made
 * or touched, unless a message says that it is there but the folder could not be synced.
 * RF_USAGE, RF_LOCKED: see restore_file.h. RF_FAILED: a value or key that SQLite cannot be given,
 * named. RF_CORRUPT: damage, or with `verify` a difference. */
RF_MUST_USE enum rf_code rf_restore(const struct rf_repository *repository,
                                    const struct rf_snapshot_name *snapshot,
                                    const struct rf_restore_options *options,
                                    struct rf_restore_result *result, struct rf_error *error);

#endif
