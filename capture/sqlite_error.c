#include "capture/sqlite_error.h"

#include <stdio.h>
#include <string.h>

#define PRIMARY(code) ((code)&0xff)

enum rf_code rf_sqlite_kind(int code) {
    switch (PRIMARY(code)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return RF_CORRUPT;
    case SQLITE_NOMEM:
        return RF_NO_MEMORY;
    case SQLITE_INTERRUPT:
        return RF_INTERRUPTED;
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_NOMEM ? RF_NO_MEMORY : RF_STORAGE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_FULL:
        return RF_STORAGE;
    default:
        return RF_FAILED;
    }
}

static const char *hint_for(int code) {
    switch (PRIMARY(code)) {
    case SQLITE_CORRUPT:
        return "run PRAGMA integrity_check on the database; sqlite3's .recover saves what is left.";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "capture again when the writer is done.";
    case SQLITE_FULL:
        return "SQLite sorts in temporary files: make room, or name another folder in "
               "SQLITE_TMPDIR.";
    default:
        return NULL;
    }
}

/* The connection knows the extended code of the failure that was its last. */
static int extended(sqlite3 *db, int code) {
    int last = db ? sqlite3_extended_errcode(db) : code;
    return code == PRIMARY(code) && PRIMARY(last) == code ? last : code;
}

enum rf_code rf_fail_sqlite(struct rf_error *error, sqlite3 *db, int code, const char *format,
                            ...) {
    char what[sizeof error->what];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);

    int full = extended(db, code);
    bool described = db && PRIMARY(sqlite3_errcode(db)) == PRIMARY(full);
    const char *message = described ? sqlite3_errmsg(db) : sqlite3_errstr(full);
    int number = described ? sqlite3_system_errno(db) : 0;
    rf_fail(error, rf_sqlite_kind(full), "%s", what);
    error->sqlite_code = full;
    error->sys_errno = number;
    if (number != 0) {
        rf_detail(error, "SQLite: %s (code %d); system: %s", message, full, strerror(number));
    } else {
        rf_detail(error, "SQLite: %s (code %d)", message, full);
    }
    const char *hint = hint_for(full);
    if (hint) {
        rf_hint(error, "%s", hint);
    }
    return error->code;
}
