#include "capture/restore_row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "capture/sqlite_error.h"
#include "capture/text16.h"

#define SHORT_INTEGER_MAX 140737488355327.0 /* six bytes; longer ones SQLite stores as REAL */

/* ---- columns ---- */

static bool is_stored(const struct rf_column *column) {
    return column->generated != RF_GENERATED_VIRTUAL;
}

enum rf_code rf_restore_columns_make(const struct rf_table *table,
                                     struct rf_restore_columns *columns, struct rf_error *error) {
    *columns = (struct rf_restore_columns){.table = table};
    columns->stored = calloc((size_t)table->column_count + 1, sizeof *columns->stored);
    columns->real = calloc((size_t)table->column_count + 1, sizeof *columns->real);
    if (!columns->stored || !columns->real) {
        rf_restore_columns_release(columns);
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (is_stored(&table->columns[i])) {
            columns->stored[columns->count++] = i;
        }
        columns->real[i] = rf_affinity_of(table->columns[i].declared) == RF_AFFINITY_REAL;
    }
    columns->rowid = table->key_kind != RF_KEY_COLUMNS && table->alias < 0;
    return RF_OK;
}

void rf_restore_columns_release(struct rf_restore_columns *columns) {
    free(columns->stored);
    free(columns->real);
    rf_buffer_release(&columns->text16);
    *columns = (struct rf_restore_columns){0};
}

/* ---- values ---- */

static bool begins_with_mark(const uint8_t *text, size_t size) {
    return size >= 2 &&
           ((text[0] == 0xfe && text[1] == 0xff) || (text[0] == 0xff && text[1] == 0xfe));
}

/* SQLite takes a byte order mark at the beginning of a text that it is given for one, and away: so a
 * text that has one of its own gets a second before it. */
static enum rf_code bind_text16(sqlite3_stmt *statement, int parameter,
                                const struct rf_value *value, bool big_endian, uint8_t *room,
                                struct rf_error *error) {
    uint8_t *text = room + 2;
    size_t size = 0;
    if (!rf_text16_from_utf8(value->bytes, value->size, big_endian, text, &size)) {
        return rf_fail(error, RF_CORRUPT, "a text is not one of a UTF-16 database");
    }
    if (size % 2 != 0) {
        rf_fail(error, RF_FAILED, "a text ends within a character, and SQLite cannot be given it");
        rf_detail(error, "it has %zu bytes, an odd number, in a UTF-16 database", size);
        return RF_FAILED;
    }
    if (begins_with_mark(text, size)) {
        text = room;
        text[big_endian ? 0 : 1] = 0xfe;
        text[big_endian ? 1 : 0] = 0xff;
        size += 2;
    }
    int result = sqlite3_bind_text64(statement, parameter, (const char *)text, size, SQLITE_STATIC,
                                     big_endian ? SQLITE_UTF16BE : SQLITE_UTF16LE);
    return result == SQLITE_OK ? RF_OK
                               : rf_fail_sqlite(error, NULL, result, "a text cannot be stored");
}

enum rf_code rf_restore_bind(sqlite3_stmt *statement, int parameter, const struct rf_value *value,
                             enum rf_source_encoding encoding, uint8_t *room,
                             struct rf_error *error) {
    int result = SQLITE_OK;
    switch (value->class) {
    case RF_NULL:
        result = sqlite3_bind_null(statement, parameter);
        break;
    case RF_INTEGER:
        result = sqlite3_bind_int64(statement, parameter, value->integer);
        break;
    case RF_REAL:
        if (isnan(value->real)) {
            return rf_fail(error, RF_CORRUPT, "a REAL is no number");
        }
        result = sqlite3_bind_double(statement, parameter, value->real);
        break;
    case RF_TEXT:
        if (encoding != RF_SOURCE_UTF8) {
            return bind_text16(statement, parameter, value, encoding == RF_SOURCE_UTF16BE, room,
                               error);
        }
        result = sqlite3_bind_text64(statement, parameter, (const char *)value->bytes, value->size,
                                     SQLITE_STATIC, SQLITE_UTF8);
        break;
    case RF_BLOB:
        result =
            sqlite3_bind_blob64(statement, parameter, value->bytes, value->size, SQLITE_STATIC);
        break;
    }
    return result == SQLITE_OK ? RF_OK
                               : rf_fail_sqlite(error, NULL, result, "a value cannot be stored");
}

/* A whole number in a column of REAL affinity is stored as an integer, and REAL again when it is
 * read; minus zero is not among them. */
static void shorten(struct rf_value *value) {
    double real = value->real;
    bool small = real >= -SHORT_INTEGER_MAX && real <= SHORT_INTEGER_MAX;
    if (small && (double)(int64_t)real == real && !(real == 0 && signbit(real))) {
        value->class = RF_INTEGER;
        value->integer = (int64_t)real;
    }
}

/* ---- rows ---- */

static bool make_room(struct rf_restore_columns *columns, const struct rf_rows *rows,
                      uint32_t row) {
    size_t size = 0;
    for (uint32_t i = 0; i < columns->count; i++) {
        if (rf_rows_class(rows, columns->stored[i], row) == RF_TEXT) {
            size += 2 * (size_t)rows->cells[columns->stored[i]].size[row] + 4;
        }
    }
    rf_buffer_clear(&columns->text16);
    return rf_buffer_reserve(&columns->text16, size);
}

static void name_value(const struct rf_restore_columns *columns, uint32_t column, int64_t rowid,
                       struct rf_error *error) {
    const struct rf_table *table = columns->table;
    if (table->key_kind == RF_KEY_ROWID) {
        rf_while(error, "in the column \"%.60s\" of the row %lld of the table \"%.60s\"",
                 table->columns[column].name, (long long)rowid, table->name);
    } else {
        rf_while(error, "in the column \"%.60s\" of the table \"%.60s\"",
                 table->columns[column].name, table->name);
    }
}

static enum rf_code bind_cells(const struct rf_restore_job *job, struct rf_restore_columns *columns,
                               sqlite3_stmt *insert, const struct rf_rows *rows, uint32_t row,
                               int64_t rowid, struct rf_error *error) {
    int parameter = columns->rowid && !columns->late_rowid ? 2 : 1;
    uint8_t *room = columns->text16.bytes;
    for (uint32_t i = 0; i < columns->count; i++, parameter++) {
        uint32_t column = columns->stored[i];
        struct rf_value value = rf_rows_value(rows, column, row);
        if ((int64_t)column == columns->table->alias) {
            value = (struct rf_value){.class = RF_INTEGER, .integer = rowid};
        } else if (value.class == RF_REAL && columns->real[column]) {
            shorten(&value);
        }
        enum rf_code code = rf_restore_bind(insert, parameter, &value, job->encoding, room, error);
        if (code != RF_OK) {
            name_value(columns, column, rowid, error);
            return code;
        }
        room += value.class == RF_TEXT && room ? 2 * (size_t)value.size + 4 : 0;
    }
    return RF_OK;
}

static enum rf_code run(const struct rf_restore_job *job, const struct rf_restore_columns *columns,
                        sqlite3_stmt *statement, int64_t rowid, struct rf_error *error) {
    sqlite3_step(statement);
    int result = sqlite3_reset(statement);
    if (result == SQLITE_OK) {
        return RF_OK;
    }
    rf_restore_file_fail(job->file, job->db, result, error, "cannot restore the table \"%.200s\"",
                         columns->table->name);
    if (columns->table->key_kind == RF_KEY_ROWID && error->code == RF_FAILED) {
        rf_while(error, "at the row %lld", (long long)rowid);
    }
    return error->code;
}

/* Where columns are as many as SQLite allows, a row is numbered after it was inserted. */
static enum rf_code renumber_row(const struct rf_restore_job *job,
                                 const struct rf_restore_columns *columns, sqlite3_stmt *renumber,
                                 int64_t rowid, struct rf_error *error) {
    sqlite3_bind_int64(renumber, 1, rowid);
    sqlite3_bind_int64(renumber, 2, sqlite3_last_insert_rowid(job->db));
    return run(job, columns, renumber, rowid, error);
}

enum rf_code rf_restore_row(struct rf_restore_job *job, struct rf_restore_columns *columns,
                            sqlite3_stmt *insert, sqlite3_stmt *renumber,
                            const struct rf_rows *rows, uint32_t row, int64_t rowid,
                            struct rf_error *error) {
    if (job->encoding != RF_SOURCE_UTF8 && !make_room(columns, rows, row)) {
        return rf_fail_memory(error);
    }
    if (columns->rowid && !columns->late_rowid) {
        sqlite3_bind_int64(insert, 1, rowid);
    }
    enum rf_code code = bind_cells(job, columns, insert, rows, row, rowid, error);
    if (code == RF_OK) {
        code = run(job, columns, insert, rowid, error);
    }
    if (code == RF_OK && columns->late_rowid) {
        code = renumber_row(job, columns, renumber, rowid, error);
    }
    return code;
}
