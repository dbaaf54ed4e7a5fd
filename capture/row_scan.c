#include "capture/row_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cell.h"
#include "capture/columns.h"
#include "capture/key_order.h"
#include "capture/sqlite_error.h"
#include "format/block.h"

struct rf_row_scan {
    struct rf_source *source;
    const struct rf_table *table;
    char what[256]; /* of errors: which table cannot be read */
    struct rf_buffer sql;
    sqlite3_stmt *rows;
    sqlite3_stmt *rowids; /* in step with rows, where these have no column left for the rowid */
    int rowid_column;     /* of rows; -1: it comes from elsewhere */
    int first_column;     /* of rows, that is a column of the table */
    struct rf_source_row row;
    struct rf_buffer cells;
    uint32_t *offsets;       /* of each cell in cells, and their end: column_count + 1 */
    uint64_t count;          /* rows so far */
    struct rf_buffer key[2]; /* RF_KEY_COLUMNS: of this row and of the one before */
};

/* ---- the statement ---- */

static void put_name(struct rf_buffer *sql, const char *name) {
    rf_buffer_u8(sql, '"');
    for (; *name; name++) {
        if (*name == '"') {
            rf_buffer_u8(sql, '"');
        }
        rf_buffer_u8(sql, (uint8_t)*name);
    }
    rf_buffer_u8(sql, '"');
}

static void put(struct rf_buffer *sql, const char *text) {
    rf_buffer_append(sql, text, strlen(text));
}

static void put_rowid(struct rf_buffer *sql, const struct rf_table *table) {
    if (table->alias >= 0) {
        put_name(sql, table->columns[table->alias].name);
    } else {
        put(sql, rf_rowid_name(table));
    }
}

/* NOT INDEXED keeps SQLite from reading an index in the table's stead. A WITHOUT ROWID table is an
 * index itself, and has to be named as such for that. */
static void put_from(struct rf_buffer *sql, const struct rf_table *table) {
    put(sql, " FROM main.");
    put_name(sql, table->name);
    const char *key_index = NULL;
    for (uint32_t i = 0; table->key_kind == RF_KEY_COLUMNS && i < table->index_count; i++) {
        if (table->indexes[i].origin == 'p') {
            key_index = table->indexes[i].name;
        }
    }
    if (key_index) {
        put(sql, " INDEXED BY ");
        put_name(sql, key_index);
    } else {
        put(sql, " NOT INDEXED");
    }
}

static void put_order(struct rf_buffer *sql, const struct rf_table *table, const char *collation) {
    if (table->key_kind == RF_KEY_ROWID) {
        put(sql, " ORDER BY ");
        put_rowid(sql, table);
    }
    for (uint32_t i = 0; table->key_kind == RF_KEY_COLUMNS && i < table->key_count; i++) {
        put(sql, i == 0 ? " ORDER BY " : ", ");
        put_name(sql, table->columns[table->key[i]].name);
        put(sql, " COLLATE ");
        put(sql, collation);
    }
}

static void put_where(struct rf_buffer *sql, const struct rf_table *table,
                      enum rf_row_scan_mode mode, const char *collation) {
    put_from(sql, table);
    if (mode == RF_SCAN_LOOKUP) {
        put(sql, " WHERE ");
        put_rowid(sql, table);
        put(sql, " = ?1");
    } else {
        put_order(sql, table, collation);
    }
    rf_buffer_u8(sql, 0);
}

static enum rf_code prepare(struct rf_row_scan *scan, sqlite3_stmt **statement,
                            struct rf_error *error) {
    enum rf_code code = rf_buffer_check(&scan->sql, error);
    return code == RF_OK ? rf_source_prepare(scan->source, (const char *)scan->sql.bytes,
                                             scan->what, statement, error)
                         : code;
}

/* A table may have as many columns as a result can: then its rowids come from a second
 * statement. */
static bool has_room_for_rowid(const struct rf_row_scan *scan) {
    int limit = sqlite3_limit(scan->source->db, SQLITE_LIMIT_COLUMN, -1);
    return (int64_t)scan->table->column_count < limit;
}

static enum rf_code prepare_rowids(struct rf_row_scan *scan, struct rf_error *error) {
    rf_buffer_clear(&scan->sql);
    put(&scan->sql, "SELECT ");
    put_rowid(&scan->sql, scan->table);
    put_where(&scan->sql, scan->table, RF_SCAN_ALL, rf_source_order(scan->source));
    return prepare(scan, &scan->rowids, error);
}

static enum rf_code prepare_rows(struct rf_row_scan *scan, enum rf_row_scan_mode mode,
                                 struct rf_error *error) {
    const struct rf_table *table = scan->table;
    bool wants_rowid = mode == RF_SCAN_ALL && table->key_kind == RF_KEY_ROWID && table->alias < 0;
    scan->rowid_column = table->alias;
    enum rf_code code = RF_OK;
    if (wants_rowid && !has_room_for_rowid(scan)) {
        code = prepare_rowids(scan, error);
        wants_rowid = false;
    }
    rf_buffer_clear(&scan->sql);
    put(&scan->sql, "SELECT ");
    if (wants_rowid) {
        put_rowid(&scan->sql, table);
        put(&scan->sql, ", ");
        scan->rowid_column = 0;
        scan->first_column = 1;
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        put(&scan->sql, i == 0 ? "" : ", ");
        put_name(&scan->sql, table->columns[i].name);
    }
    put_where(&scan->sql, table, mode, rf_source_order(scan->source));
    return code == RF_OK ? prepare(scan, &scan->rows, error) : code;
}

enum rf_code rf_row_scan_new(struct rf_source *source, const struct rf_table *table,
                             enum rf_row_scan_mode mode, struct rf_row_scan **made,
                             struct rf_error *error) {
    *made = NULL;
    struct rf_row_scan *scan = calloc(1, sizeof *scan);
    if (!scan) {
        return rf_fail_memory(error);
    }
    scan->source = source;
    scan->table = table;
    snprintf(scan->what, sizeof scan->what, "cannot read the table \"%.200s\"", table->name);
    scan->offsets = calloc((size_t)table->column_count + 1, sizeof *scan->offsets);
    enum rf_code code = scan->offsets ? RF_OK : rf_fail_memory(error);
    if (code == RF_OK) {
        code = prepare_rows(scan, mode, error);
    }
    if (code != RF_OK) {
        rf_row_scan_free(scan);
        return code;
    }
    *made = scan;
    return RF_OK;
}

void rf_row_scan_free(struct rf_row_scan *scan) {
    if (!scan) {
        return;
    }
    sqlite3_finalize(scan->rows);
    sqlite3_finalize(scan->rowids);
    rf_buffer_release(&scan->sql);
    rf_buffer_release(&scan->cells);
    rf_buffer_release(&scan->key[0]);
    rf_buffer_release(&scan->key[1]);
    free(scan->offsets);
    free(scan);
}

const char *rf_row_scan_sql(const struct rf_row_scan *scan) {
    return (const char *)scan->sql.bytes;
}

/* ---- rows ---- */

static enum rf_code take_cells(struct rf_row_scan *scan, struct rf_error *error) {
    struct rf_buffer *cells = &scan->cells;
    uint32_t count = scan->table->column_count;
    rf_buffer_clear(cells);
    for (uint32_t i = 0; i < count; i++) {
        scan->offsets[i] = (uint32_t)cells->size;
        sqlite3_value *value = sqlite3_column_value(scan->rows, scan->first_column + (int)i);
        if (!rf_cell_put(cells, value, scan->source->encoding)) {
            return rf_fail_memory(error);
        }
        if (cells->size > RF_ROW_BYTES_MAX) {
            rf_fail(error, RF_FAILED, "%s", scan->what);
            rf_detail(error, "a row of it is larger than %u bytes", RF_ROW_BYTES_MAX);
            return RF_FAILED;
        }
    }
    scan->offsets[count] = (uint32_t)cells->size;
    scan->row.cells = cells->bytes;
    scan->row.size = cells->size;
    scan->row.hash = rf_hash_bytes(cells->bytes, cells->size);
    return RF_OK;
}

static enum rf_code out_of_order(const struct rf_row_scan *scan, struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "%s", scan->what);
    rf_detail(error, "its rows do not come in the order of their keys, after %llu of them",
              (unsigned long long)scan->count);
    rf_hint(error, "run PRAGMA integrity_check on the database.");
    return RF_CORRUPT;
}

static enum rf_code take_key(struct rf_row_scan *scan, struct rf_error *error) {
    struct rf_buffer before = scan->key[0];
    scan->key[0] = scan->key[1];
    scan->key[1] = before;
    rf_buffer_clear(&scan->key[0]);
    rf_row_scan_key(scan, &scan->key[0]);
    if (scan->key[0].failed) {
        return rf_fail_memory(error);
    }
    bool ascends = scan->count == 0 || rf_key_compare(scan->key[1].bytes, scan->key[1].size,
                                                      scan->key[0].bytes, scan->key[0].size) < 0;
    return ascends ? RF_OK : out_of_order(scan, error);
}

static enum rf_code take_rowid(struct rf_row_scan *scan, struct rf_error *error) {
    if (scan->table->key_kind == RF_KEY_ORDINAL) {
        scan->row.rowid = (int64_t)scan->count;
        return RF_OK;
    }
    int64_t before = scan->row.rowid;
    scan->row.rowid = scan->rowids ? sqlite3_column_int64(scan->rowids, 0)
                                   : sqlite3_column_int64(scan->rows, scan->rowid_column);
    return scan->count == 0 || before < scan->row.rowid ? RF_OK : out_of_order(scan, error);
}

static enum rf_code step(struct rf_row_scan *scan, bool *found, struct rf_error *error) {
    enum rf_code code = rf_source_step(scan->source, scan->rows, scan->what, found, error);
    if (code == RF_OK && scan->rowids) {
        bool also = false;
        code = rf_source_step(scan->source, scan->rowids, scan->what, &also, error);
        if (code == RF_OK && also != *found) {
            code = out_of_order(scan, error);
        }
    }
    return code;
}

enum rf_code rf_row_scan_next(struct rf_row_scan *scan, const struct rf_source_row **row,
                              struct rf_error *error) {
    bool found = false;
    *row = NULL;
    enum rf_code code = step(scan, &found, error);
    if (code != RF_OK || !found) {
        return code;
    }
    code = take_cells(scan, error);
    if (code == RF_OK) {
        code = scan->table->key_kind == RF_KEY_COLUMNS ? take_key(scan, error)
                                                       : take_rowid(scan, error);
    }
    if (code == RF_OK) {
        scan->count++;
        *row = &scan->row;
    }
    return code;
}

enum rf_code rf_row_scan_find(struct rf_row_scan *scan, int64_t rowid,
                              const struct rf_source_row **row, struct rf_error *error) {
    *row = NULL;
    sqlite3_reset(scan->rows);
    int result = sqlite3_bind_int64(scan->rows, 1, rowid);
    if (result != SQLITE_OK) {
        return rf_fail_sqlite(error, scan->source->db, result, "%s", scan->what);
    }
    bool found = false;
    enum rf_code code = rf_source_step(scan->source, scan->rows, scan->what, &found, error);
    if (code == RF_OK && found) {
        code = take_cells(scan, error);
        scan->row.rowid = rowid;
        *row = code == RF_OK ? &scan->row : NULL;
    }
    return code;
}

void rf_row_scan_key(const struct rf_row_scan *scan, struct rf_buffer *key) {
    const struct rf_table *table = scan->table;
    for (uint32_t i = 0; i < table->key_count; i++) {
        uint32_t from = scan->offsets[table->key[i]];
        uint32_t to = scan->offsets[table->key[i] + 1];
        rf_buffer_append(key, scan->cells.bytes + from, to - from);
    }
}

void rf_row_scan_count(const struct rf_row_scan *scan, struct rf_census *census) {
    for (uint32_t i = 0; i < scan->table->column_count; i++) {
        rf_census_cell(&census[i], scan->cells.bytes + scan->offsets[i]);
    }
}
