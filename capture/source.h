/* The source: a SQLite database, opened so that nothing can be written to it, in one read
 * transaction from the first look at its schema to the last row.
 *
 * rf_source_open answers only when the transaction stands; rf_source_settled, asked after the last
 * row, says whether what was read is one moment of the database (it always is, unless SQLite had to
 * be told not to lock, see source.c). One thread; the pages alone may be read by any number. */
#ifndef RF_CAPTURE_SOURCE_H
#define RF_CAPTURE_SOURCE_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "capture/page_pin.h"
#include "format/error.h"

struct rf_page_defaults;
struct rf_page_roots;
struct rf_page_source;

enum rf_source_encoding { RF_SOURCE_UTF8, RF_SOURCE_UTF16LE, RF_SOURCE_UTF16BE };

struct rf_source_options {
    const char *database;
    int busy_timeout_ms;
    const atomic_int *stop; /* not NULL */
};

struct rf_source {
    sqlite3 *db;
    char *path; /* absolute, symbolic links resolved */
    enum rf_source_encoding encoding;
    int64_t time_us; /* when the read transaction began, since 1970-01-01 UTC */
    struct rf_source_options options;
    bool unlocked;      /* read without locks: nobody can write to where it lies */
    struct stat before; /* the file, and its -wal, as they were at open; st_ino 0: absent */
    struct stat wal_before;
    char stand_in[80]; /* a collation that was asked to compare, but is not known; "" for none */
    struct rf_page_pin pin; /* which moment the transaction sees */
    /* Made by rf_source_pages: */
    struct rf_page_source *pages;
    struct rf_page_roots *roots;
    struct rf_page_defaults *defaults;
    char
        pages_unusual[200]; /* why there are none; "": they have not been asked for, or are there */
};

/* RF_STORAGE: no such file, not a file, unreadable, locked, in need of a recovery that would write.
 * RF_CORRUPT: empty, not a database, encrypted, damaged. RF_INTERRUPTED. */
RF_MUST_USE enum rf_code rf_source_open(const struct rf_source_options *options,
                                        struct rf_source **source, struct rf_error *error);
void rf_source_close(struct rf_source *source); /* NULL is fine */
RF_MUST_USE enum rf_code rf_source_settled(const struct rf_source *source, struct rf_error *error);

/* The pages of the transaction, to be read beside SQLite (page_file.h): opened by the first call,
 * owned by the source. *pages is NULL where that is not possible, and pages_unusual says why. Fails
 * with RF_NO_MEMORY only. */
RF_MUST_USE enum rf_code rf_source_pages(struct rf_source *source,
                                         const struct rf_page_source **pages,
                                         struct rf_error *error);
/* The name of the collation that orders texts of this source by their bytes in UTF-8. */
const char *rf_source_order(const struct rf_source *source);

/* `what` tells the reader of an error what could not be done, as in "cannot read the schema". */
RF_MUST_USE enum rf_code rf_source_prepare(struct rf_source *source, const char *sql,
                                           const char *what, sqlite3_stmt **statement,
                                           struct rf_error *error);
/* *row: whether there is one more. */
RF_MUST_USE enum rf_code rf_source_step(struct rf_source *source, sqlite3_stmt *statement,
                                        const char *what, bool *row, struct rf_error *error);

#endif
