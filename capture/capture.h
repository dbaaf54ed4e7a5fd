/* Captures a snapshot of a SQLite database into a repository.
 *
 * The source is opened read-only and read in one transaction; nothing is written beside it but what
 * SQLite itself makes for a WAL database: its -shm file, and an empty -wal where there is none. The
 * repository is open for writing and stays the caller's. Nothing is published unless all tables were
 * read to the end. */
#ifndef RF_CAPTURE_CAPTURE_H
#define RF_CAPTURE_CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"
#include "format/watch.h"

struct rf_capture_table {
    char *name;
    uint64_t scanned, unchanged, inserted, updated, deleted, moved; /* rows */
    uint64_t rows;                                                  /* in the snapshot */
    uint64_t bytes; /* of the archive written, 0 for none */
    double seconds;
};

struct rf_capture_result {
    bool published; /* false: nothing changed since `snapshot`, or a dry run */
    struct rf_snapshot_name snapshot;
    uint32_t table_count;
    struct rf_capture_table *tables; /* in the manifest's order, then tables that are gone */
    struct rf_capture_table total;   /* name NULL */
    uint32_t index_rebuilt;          /* tables whose local index had to be made anew */
    double index_seconds;
    struct rf_manifest manifest; /* of the snapshot that was captured, published or not */
};
void rf_capture_result_release(struct rf_capture_result *result);

struct rf_capture_options {
    const char *database;
    unsigned jobs; /* encoding threads, >= 1 */
    int level;     /* zstd's; 0: the default, 3 */
    bool dry_run;
    bool through_sqlite;        /* read no pages of the file */
    bool same_source;           /* do not refuse what looks like another source */
    int busy_timeout_ms;        /* how long to wait for a writer that holds the source's lock */
    const char *const *include; /* globs over table names (fnmatch), NULL-terminated; NULL: all */
    const char *const *exclude; /* NULL-terminated; NULL: none */
    const char *const *shadow;  /* likewise: shadow tables of virtual tables that are taken too */
    const atomic_int *stop; /* not NULL; a signal number once the run should end: RF_INTERRUPTED */
    /* May be NULL. Called on the scanning thread, a few times a second at most; `table` is borrowed. */
    void (*progress)(void *context, const char *table, uint64_t rows_done, uint64_t rows_expected);
    const struct rf_watch *watch; /* who is told of single tables and of workers; may be NULL */
    void (*note)(void *context, const char *message); /* things worth a line with -v; may be NULL */
    /* Both or none; for somebody who reads tables while others are still being captured. All tables are
     * declared in `manifest`, which is the result's; none has rows yet. Then, for one after the other, in
     * any order, its rows are complete, and the archives of its state can be opened in the repository. Not called
     * in a dry run, nor where it is known from the outset that nothing has changed. */
    void (*begun)(void *context, const struct rf_manifest *manifest);
    void (*table_done)(void *context, uint32_t table);
    void *context;
};

RF_MUST_USE enum rf_code rf_capture(struct rf_repository *repository,
                                    const struct rf_capture_options *options,
                                    struct rf_capture_result *result, struct rf_error *error);

#endif
