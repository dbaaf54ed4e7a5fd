/* SQLite's result codes as errors of ours: which kind it is, what SQLite said, and what to do. */
#ifndef RF_CAPTURE_SQLITE_ERROR_H
#define RF_CAPTURE_SQLITE_ERROR_H

#include <sqlite3.h>

#include "format/error.h"

/* What kind of failure a (primary or extended) result code is. Not for SQLITE_OK, _ROW and
 * _DONE. */
enum rf_code rf_sqlite_kind(int code);

/* Sets `what` from the format, the detail from SQLite's message, its extended code and the errno of
 * the failed system call, and a hint where one helps; keeps the extended code in
 * error->sqlite_code. Returns the error's code. `db` may be NULL. */
enum rf_code rf_fail_sqlite(struct rf_error *error, sqlite3 *db, int code, const char *format, ...)
    RF_PRINTF(4, 5);

#endif
