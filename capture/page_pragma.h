/* What SQLite says of a database in one number or one word. */
#ifndef RF_CAPTURE_PAGE_PRAGMA_H
#define RF_CAPTURE_PAGE_PRAGMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

static inline bool rf_pragma_text(sqlite3 *db, const char *sql, char *text, size_t size) {
    sqlite3_stmt *statement = NULL;
    bool found = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    const unsigned char *answer = found ? sqlite3_column_text(statement, 0) : NULL;
    snprintf(text, size, "%s", answer ? (const char *)answer : "");
    sqlite3_finalize(statement);
    return answer;
}

/* A number of 32 bits; SQLite shows some of them signed. */
static inline bool rf_pragma_number(sqlite3 *db, const char *sql, uint32_t *number) {
    sqlite3_stmt *statement = NULL;
    bool found = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    *number = found ? (uint32_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return found;
}

#endif
