/* The file that a restore writes: under another name beside the one it is to have, until it is whole.
 *
 * The name is that of the file with a suffix, always the same, and a lock is held on it: what a
 * killed run left there the next one takes away, and two at once do not write into each other's.
 * SQLite writes it through a VFS of ours (restore_vfs.h). One thread. */
#ifndef RF_CAPTURE_RESTORE_FILE_H
#define RF_CAPTURE_RESTORE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/io.h"

struct rf_restore_file;
/* Makes the file, empty and with mode 0600. RF_USAGE: `path` cannot be an output, or is there and
 * not to be replaced; RF_LOCKED: it is open elsewhere, or another restore writes it; RF_STORAGE. */
RF_MUST_USE enum rf_code rf_restore_file_open(struct rf_io *io, const char *path, bool replace,
                                              struct rf_restore_file **file,
                                              struct rf_error *error);
/* Gives up what was not published. NULL is fine. */
void rf_restore_file_close(struct rf_restore_file *file);

/* What it is called for now. */
const char *rf_restore_file_path(const struct rf_restore_file *file);
/* A connection to it; all are closed before the file is. */
RF_MUST_USE enum rf_code rf_restore_file_connect(struct rf_restore_file *file, sqlite3 **db,
                                                 struct rf_error *error);
/* Sets what, detail and code of an error by what SQLite answered, or by what kept it from writing. */
enum rf_code rf_restore_file_fail(const struct rf_restore_file *file, sqlite3 *db, int result,
                                  struct rf_error *error, const char *format, ...) RF_PRINTF(5, 6);
/* The first bytes say that it is kept in WAL mode; no connection is open. */
RF_MUST_USE enum rf_code rf_restore_file_mark_wal(struct rf_restore_file *file,
                                                  struct rf_error *error);
/* Synced, and under its name; *size is in bytes. Where another file is replaced, what SQLite has left
 * beside that goes first: it would be taken for the new one's. */
RF_MUST_USE enum rf_code rf_restore_file_publish(struct rf_restore_file *file, uint64_t *size,
                                                 struct rf_error *error);

#endif
