/* Defaults, by adding the column to a table that has a row and reading that row. */
#include "capture/page_defaults.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/cell.h"
#include "format/bytes.h"

#define LEARNED_MAX 1024u
#define CELL_MAX 256u /* bytes of a cell that is remembered */

struct learned {
    struct rf_hash what; /* type and SQL */
    uint32_t size;       /* of the cell; 0: it is not constant */
    uint8_t cell[CELL_MAX];
};

struct rf_page_defaults {
    enum rf_source_encoding encoding;
    sqlite3 *db; /* opened for the first default */
    struct learned *learned;
    uint32_t count;
};

enum rf_code rf_page_defaults_new(enum rf_source_encoding encoding, struct rf_page_defaults **made,
                                  struct rf_error *error) {
    *made = calloc(1, sizeof **made);
    if (!*made) {
        return rf_fail_memory(error);
    }
    (*made)->encoding = encoding;
    return RF_OK;
}

void rf_page_defaults_free(struct rf_page_defaults *defaults) {
    if (defaults) {
        sqlite3_close(defaults->db);
        free(defaults->learned);
        free(defaults);
    }
}

/* A type of the column's affinity, rather than what the table was declared with. In a STRICT table
 * a column of type ANY takes values as they are. */
static const char *type_of(const struct rf_table *table, const struct rf_column *column) {
    if (table->strict && strcasecmp(column->declared, "ANY") == 0) {
        return "BLOB";
    }
    switch (rf_affinity_of(column->declared)) {
    case RF_AFFINITY_TEXT:
        return "TEXT";
    case RF_AFFINITY_NUMERIC:
        return "NUMERIC";
    case RF_AFFINITY_INTEGER:
        return "INTEGER";
    case RF_AFFINITY_REAL:
        return "REAL";
    case RF_AFFINITY_BLOB:
        break;
    }
    return "BLOB";
}

static bool is_bare_word(const char *sql) {
    const char *at = sql;
    for (; *at; at++) {
        bool letter = (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || *at == '_';
        if (!letter && (at == sql || *at < '0' || *at > '9')) {
            return false;
        }
    }
    return at > sql;
}

static bool is_quoted_word(const char *sql) {
    char end = *sql == '[' ? ']' : *sql;
    if (end != ']' && end != '"' && end != '`') {
        return false;
    }
    const char *at = strchr(sql + 1, end);
    while (at && end != ']' && at[1] == end) {
        at = strchr(at + 2, end);
    }
    return at && !at[1];
}

/* DEFAULT takes a name for a text; in parentheses it would be a column. */
static bool is_word(const char *sql) {
    return is_bare_word(sql) || is_quoted_word(sql);
}

static sqlite3 *open_scratch(enum rf_source_encoding encoding) {
    static const char *const names[] = {"UTF-8", "UTF-16le", "UTF-16be"};
    sqlite3 *db = NULL;
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA encoding = '%s'", names[encoding]);
    int result = sqlite3_open_v2(":memory:", &db,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                                     SQLITE_OPEN_NOMUTEX,
                                 NULL);
    if (result == SQLITE_OK) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        result = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    if (result != SQLITE_OK) {
        sqlite3_close(db);
        db = NULL;
    }
    return db;
}

static bool add_column(sqlite3 *db, const struct rf_table *table, uint32_t index, const char *open,
                       const char *close) {
    static const char scratch[] =
        "DROP TABLE IF EXISTS t; CREATE TABLE t(a); INSERT INTO t VALUES(0);";
    const struct rf_column *column = &table->columns[index];
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "ALTER TABLE t ADD COLUMN b %s DEFAULT %s%s%s", type_of(table, column),
                     open, column->default_sql, close);
    rf_buffer_u8(&sql, 0);
    bool added = !sql.failed && sqlite3_exec(db, scratch, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_stmt *statement = NULL;
    added = added &&
            sqlite3_prepare_v2(db, (const char *)sql.bytes, -1, &statement, NULL) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    rf_buffer_release(&sql);
    return added;
}

/* The canonical cell of the default, nothing where it is not constant. */
static enum rf_code evaluate(struct rf_page_defaults *defaults, const struct rf_table *table,
                             uint32_t column, struct rf_buffer *cell, struct rf_error *error) {
    if (!defaults->db) {
        defaults->db = open_scratch(defaults->encoding);
    }
    if (!defaults->db) {
        return rf_fail_memory(error);
    }
    sqlite3 *db = defaults->db;
    if (!add_column(db, table, column, "(", ")") &&
        !(is_word(table->columns[column].default_sql) && add_column(db, table, column, "", ""))) {
        return RF_OK;
    }
    sqlite3_stmt *statement = NULL;
    bool put = true;
    if (sqlite3_prepare_v2(db, "SELECT b FROM t", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        put = rf_cell_put(cell, sqlite3_column_value(statement, 0), defaults->encoding);
    }
    sqlite3_finalize(statement);
    return put ? RF_OK : rf_fail_memory(error);
}

/* ---- what has been learned ---- */

static struct rf_hash name_of(const struct rf_table *table, uint32_t column) {
    const struct rf_column *described = &table->columns[column];
    struct rf_hash both[2] = {
        rf_hash_bytes(type_of(table, described), strlen(type_of(table, described))),
        rf_hash_bytes(described->default_sql, strlen(described->default_sql))};
    return rf_hash_bytes(both, sizeof both);
}

static const struct learned *recall(const struct rf_page_defaults *defaults, struct rf_hash what) {
    for (uint32_t i = 0; i < defaults->count; i++) {
        if (rf_hash_equal(defaults->learned[i].what, what)) {
            return &defaults->learned[i];
        }
    }
    return NULL;
}

static enum rf_code remember(struct rf_page_defaults *defaults, struct rf_hash what,
                             const struct rf_buffer *cell, struct rf_error *error) {
    if (cell->size > CELL_MAX || defaults->count == LEARNED_MAX) {
        return RF_OK;
    }
    if ((defaults->count & (defaults->count - 1)) == 0) {
        size_t capacity = defaults->count ? 2 * (size_t)defaults->count : 1;
        void *grown = realloc(defaults->learned, capacity * sizeof *defaults->learned);
        if (!grown) {
            return rf_fail_memory(error);
        }
        defaults->learned = grown;
    }
    struct learned *learned = &defaults->learned[defaults->count++];
    learned->what = what;
    learned->size = (uint32_t)cell->size;
    if (cell->size > 0) {
        memcpy(learned->cell, cell->bytes, cell->size);
    }
    return RF_OK;
}

static enum rf_code learn(struct rf_page_defaults *defaults, struct rf_page_layout *layout,
                          const struct rf_table *table, uint32_t column, struct rf_error *error) {
    struct rf_hash what = name_of(table, column);
    const struct learned *learned = recall(defaults, what);
    if (learned) {
        return learned->size == 0
                   ? RF_OK
                   : rf_page_layout_default(layout, column, learned->cell, learned->size, error);
    }
    struct rf_buffer cell = {0};
    enum rf_code code = evaluate(defaults, table, column, &cell, error);
    if (code == RF_OK) {
        code = remember(defaults, what, &cell, error);
    }
    if (code == RF_OK && cell.size > 0) {
        code = rf_page_layout_default(layout, column, cell.bytes, (uint32_t)cell.size, error);
    }
    rf_buffer_release(&cell);
    return code;
}

enum rf_code rf_page_defaults_learn(struct rf_page_defaults *defaults,
                                    struct rf_page_layout *layout, const struct rf_table *table,
                                    struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < table->column_count; i++) {
        const struct rf_column *column = &table->columns[i];
        if (column->default_sql && column->generated == RF_STORED_AS_IS) {
            code = learn(defaults, layout, table, i, error);
        }
    }
    return code;
}
