/* Rows of archives into an INSERT, value by value. Inner header of capture/restore*. One thread. */
#ifndef RF_CAPTURE_RESTORE_ROW_H
#define RF_CAPTURE_RESTORE_ROW_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/restore_table.h"
#include "format/bytes.h"
#include "format/state.h"

struct rf_restore_columns {
    const struct rf_table *table;
    uint32_t count;   /* of those that are stored */
    uint32_t *stored; /* their places in the table */
    bool *real; /* of REAL affinity: SQLite stores whole numbers as integers, which are shorter */
    bool rowid; /* the first parameter is the rowid, which no column holds */
    bool late_rowid; /* the last is, of a second statement: there is no room for it in the first */
    struct rf_buffer text16; /* texts of the row at hand, as a UTF-16 database stores them */
};

RF_MUST_USE enum rf_code rf_restore_columns_make(const struct rf_table *table,
                                                 struct rf_restore_columns *columns,
                                                 struct rf_error *error);
void rf_restore_columns_release(struct rf_restore_columns *columns);

/* Inserts one row. RF_FAILED names a value that SQLite cannot be given; RF_CORRUPT: one that no
 * database can hold. */
RF_MUST_USE enum rf_code rf_restore_row(struct rf_restore_job *job,
                                        struct rf_restore_columns *columns, sqlite3_stmt *insert,
                                        sqlite3_stmt *renumber, const struct rf_rows *rows,
                                        uint32_t row, int64_t rowid, struct rf_error *error);

/* Binds one value; `room` is where a text in UTF-16 is converted to, with 2 * size + 4 bytes. */
RF_MUST_USE enum rf_code rf_restore_bind(sqlite3_stmt *statement, int parameter,
                                         const struct rf_value *value,
                                         enum rf_source_encoding encoding, uint8_t *room,
                                         struct rf_error *error);

#endif
