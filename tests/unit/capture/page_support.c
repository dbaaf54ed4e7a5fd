#include "page_support.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/page_defaults.h"
#include "capture/row_scan.h"
#include "capture/schema.h"
#include "format/hash.h"

/* ---- random numbers ---- */

uint64_t page_random(struct page_db *test) {
    uint64_t z = test->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- a database to write to ---- */

void page_db_begin(struct page_db *test, uint64_t seed) {
    const char *given = getenv("RF_TEST_SEED");
    memset(test, 0, sizeof *test);
    test->seed = given ? strtoull(given, NULL, 10) : seed;
    test->state = test->seed;
    const char *base = getenv("TMPDIR");
    snprintf(test->folder, sizeof test->folder, "%s/rf-pages-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(test->folder));
    snprintf(test->path, sizeof test->path, "%s/source.db", test->folder);
    cr_assert_eq(sqlite3_open(test->path, &test->db), SQLITE_OK);
    page_db_sql(test, "PRAGMA synchronous = off");
}

void page_db_end(struct page_db *test) {
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    cr_expect_eq(sqlite3_close(test->db), SQLITE_OK);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", test->path, suffixes[i]);
        unlink(path);
    }
    rmdir(test->folder);
}

void page_db_sql(struct page_db *test, const char *format, ...) {
    char sql[4096];
    char *message = NULL;
    va_list args;
    va_start(args, format);
    vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    int result = sqlite3_exec(test->db, sql, NULL, NULL, &message);
    cr_assert_eq(result, SQLITE_OK, "%s: %s", sql, message ? message : "");
}

int64_t page_db_number(struct page_db *test, const char *sql) {
    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_prepare_v2(test->db, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(test->db));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sql);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* ---- random values ---- */

static int64_t random_integer(struct page_db *test) {
    static const int64_t edges[] = {0,
                                    1,
                                    -1,
                                    127,
                                    128,
                                    -128,
                                    -129,
                                    32767,
                                    32768,
                                    -32769,
                                    8388607,
                                    8388608,
                                    -8388609,
                                    INT32_MAX,
                                    INT32_MIN,
                                    2147483648,
                                    -2147483649,
                                    140737488355327,
                                    140737488355328,
                                    -140737488355329,
                                    INT64_MAX,
                                    INT64_MIN,
                                    9007199254740993};
    uint64_t which = page_random_below(test, 4);
    if (which == 0) {
        return edges[page_random_below(test, sizeof edges / sizeof edges[0])];
    }
    return (int64_t)(page_random(test) >> page_random_below(test, 64));
}

static double random_real(struct page_db *test) {
    static const double edges[] = {0.0,
                                   -0.0,
                                   1.0,
                                   -1.0,
                                   0.5,
                                   1e308,
                                   -1e-308,
                                   5e-324,
                                   HUGE_VAL,
                                   -HUGE_VAL,
                                   1e15,
                                   1e100,
                                   9007199254740992.0,
                                   9223372036854775807.0,
                                   -9223372036854775808.0};
    switch (page_random_below(test, 4)) {
    case 0:
        return edges[page_random_below(test, sizeof edges / sizeof edges[0])];
    case 1:
        return (double)random_integer(test);
    case 2:
        return (double)NAN;
    default:
        return (double)(int64_t)page_random(test) / 65536.0;
    }
}

static size_t random_size(struct page_db *test, size_t longest) {
    switch (page_random_below(test, 16)) {
    case 0:
        return 0;
    case 1:
        return page_random_below(test, longest + 1);
    case 2:
        return page_random_below(test, longest < 2000 ? longest + 1 : 2000);
    default:
        return page_random_below(test, longest < 40 ? longest + 1 : 40);
    }
}

/* Letters mostly; now and then any byte. */
static void random_bytes(struct page_db *test, uint8_t *bytes, size_t size, bool text) {
    bool wild = !text || page_random_below(test, 8) == 0;
    for (size_t i = 0; i < size; i++) {
        uint64_t number = page_random(test);
        bytes[i] = wild ? (uint8_t)number : (uint8_t)('a' + number % 26);
    }
}

static void bind_random(struct page_db *test, sqlite3_stmt *statement, int parameter,
                        size_t longest) {
    uint64_t which = page_random_below(test, 10);
    if (which == 0) {
        sqlite3_bind_null(statement, parameter);
    } else if (which < 4) {
        sqlite3_bind_int64(statement, parameter, random_integer(test));
    } else if (which < 6) {
        sqlite3_bind_double(statement, parameter, random_real(test));
    } else {
        size_t size = random_size(test, longest);
        uint8_t *bytes = malloc(size + 2);
        random_bytes(test, bytes, size, which < 9);
        if (which == 9) {
            sqlite3_bind_blob(statement, parameter, bytes, (int)size, free);
        } else if (page_random_below(test, 8) == 0) {
            sqlite3_bind_text16(statement, parameter, bytes, (int)(size & ~(size_t)1), free);
        } else {
            sqlite3_bind_text(statement, parameter, (char *)bytes, (int)size, free);
        }
    }
}

void page_db_random_row(struct page_db *test, const char *sql, size_t longest) {
    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_prepare_v2(test->db, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(test->db));
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        bind_random(test, statement, i, longest);
    }
    int result = sqlite3_step(statement);
    cr_assert(result == SQLITE_DONE || result == SQLITE_CONSTRAINT || result == SQLITE_MISMATCH,
              "%s: %s", sql, sqlite3_errmsg(test->db));
    sqlite3_finalize(statement);
}

/* ---- tables of all kinds ---- */

void page_db_shape(struct page_db *test, const struct page_shape *shape) {
    int reserved = shape->reserved;
    page_db_sql(test, "PRAGMA page_size = %u; PRAGMA encoding = '%s'; PRAGMA auto_vacuum = %u",
                shape->page_size, shape->encoding, shape->auto_vacuum);
    cr_assert_eq(sqlite3_file_control(test->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved),
                 SQLITE_OK);
}

struct kind {
    const char *create;
    const char *insert;
    const char *update; /* of one row or some */
    size_t longest;
};

static const struct kind kinds[] = {
    {"CREATE TABLE alias(id INTEGER PRIMARY KEY, a, b REAL, c TEXT, d BLOB, e NUMERIC, f INT)",
     "INSERT OR IGNORE INTO alias SELECT (count(*) * 7919 + total(id) * 31) % 100003, ?, ?, ?, ?, ?, ? "
     "FROM alias",
     "UPDATE alias SET a = ?, b = ? WHERE id % 7 = 3", 300},
    {"CREATE TABLE plain(a, b REAL, c); CREATE INDEX plain_c ON plain(c)",
     "INSERT INTO plain VALUES(?, ?, ?)", "UPDATE plain SET b = ? WHERE rowid % 5 = 1", 40},
    {"CREATE TABLE rowids(a TEXT, id INTEGER PRIMARY KEY, r DOUBLE)",
     "INSERT OR IGNORE INTO rowids(id, a, r) VALUES(?, ?, ?)",
     "UPDATE rowids SET a = ? WHERE id % 3 = 0", 100},
    {"CREATE TABLE no_alias(id INTEGER PRIMARY KEY DESC, v FLOAT)",
     "INSERT OR IGNORE INTO no_alias VALUES(?, ?)", "UPDATE no_alias SET v = ? WHERE rowid < 9",
     100},
    {"CREATE TABLE keyed(a TEXT, b INTEGER, c REAL, d, PRIMARY KEY(a, b)) WITHOUT ROWID",
     "INSERT OR IGNORE INTO keyed VALUES(?, ?, ?, ?)", "UPDATE keyed SET d = ?, c = ? WHERE b > 0",
     200},
    {"CREATE TABLE keyed_far(x, y REAL, z TEXT, w, v REAL, PRIMARY KEY(w, y)) WITHOUT ROWID",
     "INSERT OR IGNORE INTO keyed_far VALUES(?, ?, ?, ?, ?)",
     "UPDATE keyed_far SET x = ?, v = ? WHERE y < 1000", 1500},
    {"CREATE TABLE keyed_desc(a, b, c REAL, PRIMARY KEY(b DESC, a)) WITHOUT ROWID",
     "INSERT OR IGNORE INTO keyed_desc VALUES(?, ?, ?)",
     "UPDATE keyed_desc SET c = ? WHERE a IS NOT NULL", 100},
    {"CREATE TABLE keyed_nocase(a TEXT COLLATE NOCASE PRIMARY KEY, b) WITHOUT ROWID",
     "INSERT OR IGNORE INTO keyed_nocase VALUES(?, ?)", "UPDATE keyed_nocase SET b = ? WHERE b > 0",
     100},
    {"CREATE TABLE keyed_twice(c, a, b REAL, PRIMARY KEY(a, b, a, b COLLATE NOCASE, a COLLATE RTRIM))"
     " WITHOUT ROWID",
     "INSERT OR IGNORE INTO keyed_twice VALUES(?, ?, ?)", "UPDATE keyed_twice SET c = ?", 100},
    {"CREATE TABLE keyed_integer(v, id INTEGER PRIMARY KEY, w REAL) WITHOUT ROWID",
     "INSERT OR IGNORE INTO keyed_integer VALUES(?, ?, ?)",
     "UPDATE keyed_integer SET v = ? WHERE id < 1000", 600},
    {"CREATE TABLE generated(a, b AS (a || 'x') STORED, c REAL AS (a) STORED, d)",
     "INSERT INTO generated(a, d) VALUES(?, ?)", "UPDATE generated SET a = ? WHERE rowid % 4 = 0",
     60},
    {"CREATE TABLE odd_virtual(a, b AS (a || 'x') VIRTUAL, c)",
     "INSERT INTO odd_virtual(a, c) VALUES(?, ?)", "UPDATE odd_virtual SET a = ?", 60},
    {"CREATE TABLE strict_one(id INTEGER PRIMARY KEY, a ANY, r REAL) STRICT",
     "INSERT OR IGNORE INTO strict_one(a, r) VALUES(?, ?)",
     "UPDATE OR IGNORE strict_one SET r = ? WHERE id % 3 = 1", 60},
    {"CREATE TABLE large(id INTEGER PRIMARY KEY, a BLOB, b TEXT, c REAL)",
     "INSERT INTO large(a, b, c) VALUES(?, ?, ?)", "UPDATE large SET a = ? WHERE id % 2 = 0",
     70000},
    {"CREATE TABLE shadowed(rowid, _rowid_ TEXT, oid REAL)", "INSERT INTO shadowed VALUES(?, ?, ?)",
     "UPDATE shadowed SET oid = ?", 40},
    {"CREATE TABLE empty(a INTEGER PRIMARY KEY, b); CREATE TABLE empty_too(a PRIMARY KEY, b) WITHOUT "
     "ROWID",
     NULL, NULL, 0},
    {"CREATE TABLE grown(a, b)", "INSERT INTO grown(a, b) VALUES(?, ?)",
     "UPDATE grown SET b = ? WHERE rowid % 6 = 0", 60},
    {"CREATE TABLE keyed_grown(b, a PRIMARY KEY) WITHOUT ROWID",
     "INSERT OR IGNORE INTO keyed_grown(a, b) VALUES(?, ?)",
     "UPDATE keyed_grown SET b = ? WHERE a > 0", 60},
    {"CREATE TABLE texts(id INTEGER PRIMARY KEY, t TEXT)",
     "INSERT INTO texts(t) VALUES(CAST(? AS TEXT)), (CAST(? AS TEXT))",
     "UPDATE texts SET t = CAST(CAST(? AS BLOB) AS TEXT) WHERE id % 9 = 0", 50},
};

/* Every kind of default that ALTER TABLE takes, on columns of every affinity. */
static const char *const added[] = {
    "n1",
    "n2 REAL",
    "n3 INTEGER DEFAULT 5",
    "n4 REAL DEFAULT 5",
    "n5 TEXT DEFAULT 5",
    "n6 DEFAULT 'text'",
    "n7 INTEGER DEFAULT 'text'",
    "n8 INTEGER DEFAULT '12'",
    "n9 DEFAULT -1.5e10",
    "n10 BLOB DEFAULT x'0001ff'",
    "n11 DEFAULT word",
    "n12 DEFAULT true",
    "n13 DEFAULT (1 + 2)",
    "n14 TEXT DEFAULT (-3)",
    "n15 NUMERIC DEFAULT '1e3'",
    "n16 TEXT DEFAULT 'Zoë 𝄞'",
    "n17 DEFAULT NULL",
    "n18 REAL DEFAULT 9007199254740993",
    "n19 TEXT DEFAULT \"quoted\"",
    "n20 INT NOT NULL DEFAULT +7",
    "n21 DEFAULT (CAST(5.5 AS INTEGER))",
    "n22 DEFAULT ''",
    "n23 REAL DEFAULT '0x10'",
    "n24 INTEGER DEFAULT 9223372036854775808",
};

static void insert_rows(struct page_db *test, unsigned rows) {
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        bool large = kinds[k].longest > 10000;
        for (unsigned i = 0; kinds[k].insert && i < (large ? rows / 8 + 2 : rows); i++) {
            page_db_random_row(test, kinds[k].insert, kinds[k].longest);
        }
    }
}

static void add_columns(struct page_db *test, const char *table) {
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++) {
        char sql[160];
        snprintf(sql, sizeof sql, "ALTER TABLE %s ADD COLUMN %s", table, added[i]);
        /* Some are not constant enough for some versions of SQLite. */
        if (sqlite3_exec(test->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
            cr_assert_not_null(strchr(added[i], '('), "%s: %s", sql, sqlite3_errmsg(test->db));
        }
        if (i % 5 == 0) {
            page_db_sql(test, "INSERT OR IGNORE INTO %s(a, b) VALUES(%zu, 'new')", table, i);
        }
    }
}

void page_db_change(struct page_db *test, unsigned rows) {
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (kinds[k].update) {
            page_db_random_row(test, kinds[k].update, kinds[k].longest);
        }
    }
    page_db_sql(test,
                "DELETE FROM alias WHERE id %% 11 = 5; DELETE FROM plain WHERE rowid %% 3 = 1;"
                "DELETE FROM large WHERE id %% 5 = 2; DELETE FROM keyed WHERE b %% 4 = 1;"
                "DELETE FROM keyed_far WHERE y < -1");
    insert_rows(test, rows);
}

void page_db_fill(struct page_db *test, unsigned rows) {
    page_db_sql(test, "BEGIN");
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        page_db_sql(test, "%s", kinds[k].create);
    }
    insert_rows(test, rows);
    page_db_sql(test, "INSERT OR REPLACE INTO rowids(id, a) VALUES(9223372036854775807, 'last'),"
                      "(-9223372036854775808, 'first'), (0, 'zero')");
    add_columns(test, "grown");
    add_columns(test, "keyed_grown");
    page_db_change(test, rows / 2);
    page_db_sql(test, "COMMIT");
}

/* ---- reading it both ways ---- */

void page_reading_begin(struct page_reading *reading, const char *path) {
    struct rf_selection all = {0};
    memset(reading, 0, sizeof *reading);
    struct rf_source_options options = {
        .database = path, .busy_timeout_ms = 1000, .stop = &reading->stop};
    struct rf_error *error = &reading->error;
    cr_assert_eq(rf_source_open(&options, &reading->source, error), RF_OK, "%s: %s", path,
                 error->what);
    reading->pin = reading->source->pin;
    cr_assert_eq(rf_schema_read(reading->source, &all, &reading->manifest, error), RF_OK, "%s",
                 error->what);
    cr_assert_eq(rf_source_pages(reading->source, &reading->pages, error), RF_OK);
    snprintf(error->what, sizeof error->what, "%s", reading->source->pages_unusual);
    cr_assert_eq(error->what[0] == 0, reading->pages != NULL);
}

void page_reading_end(struct page_reading *reading) {
    rf_manifest_release(&reading->manifest);
    rf_source_close(reading->source);
}

const struct rf_table *page_reading_table(const struct page_reading *reading, const char *name) {
    const struct rf_manifest_table *table = rf_manifest_find(&reading->manifest, name);
    cr_assert_not_null(table, "%s", name);
    return &table->table;
}

uint32_t page_reading_root(const struct page_reading *reading, const char *name) {
    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_prepare_v2(reading->source->db,
                                    "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND "
                                    "name = ?1",
                                    -1, &statement, NULL),
                 SQLITE_OK);
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    uint32_t root = found ? (uint32_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return root;
}

struct rf_page_layout *page_reading_layout(struct page_reading *reading,
                                           const struct rf_table *table) {
    struct rf_page_layout *layout = NULL;
    enum rf_code code =
        rf_page_layout_new(table, reading->source->encoding, &layout, &reading->error);
    cr_assert(code == RF_OK || code == RF_UNUSUAL);
    if (code == RF_OK) {
        struct rf_page_defaults *defaults = NULL;
        cr_assert_eq(rf_page_defaults_new(layout->encoding, &defaults, &reading->error), RF_OK);
        cr_assert_eq(rf_page_defaults_learn(defaults, layout, table, &reading->error), RF_OK);
        rf_page_defaults_free(defaults);
    }
    return layout;
}

/* ---- leaves and rows ---- */

void page_walk_begin(struct page_walk *walk, const struct rf_page_source *pages,
                     const struct rf_page_layout *layout, uint32_t root, bool identities) {
    struct rf_error error = {0};
    *walk = (struct page_walk){.identities = identities};
    cr_assert_eq(rf_page_scan_new(pages, layout, root, &walk->scan, &error), RF_OK);
    cr_assert_eq(rf_page_rows_new(pages, layout, &walk->rows, &error), RF_OK);
}

void page_walk_end(struct page_walk *walk) {
    rf_page_scan_free(walk->scan);
    rf_page_rows_free(walk->rows);
    rf_buffer_release(&walk->cells);
    rf_buffer_release(&walk->keys);
}

enum rf_code page_walk_leaf(struct page_walk *walk, const struct rf_page_leaf **leaf,
                            struct rf_error *error) {
    const struct rf_page_leaf *found = NULL;
    *leaf = NULL;
    enum rf_code code = rf_page_scan_leaf(walk->scan, &found, error);
    if (code != RF_OK || !found) {
        return code;
    }
    walk->leaf = *found;
    if (walk->identities) {
        code = rf_page_rows_identify(walk->rows, found, &walk->leaf.identity, error);
    }
    rf_page_rows_begin(walk->rows, &walk->leaf, 0);
    *leaf = code == RF_OK ? &walk->leaf : NULL;
    return code;
}

enum rf_code page_walk_row(struct page_walk *walk, const struct page_row **row,
                           struct rf_error *error) {
    struct rf_page_row taken;
    size_t room = 0;
    *row = NULL;
    enum rf_code code = rf_page_rows_look(walk->rows, &room, error);
    if (code != RF_OK || room == 0) {
        return code;
    }
    rf_buffer_clear(&walk->cells);
    rf_buffer_clear(&walk->keys);
    code = rf_page_rows_take(walk->rows, &walk->cells, &walk->keys, &taken, error);
    if (code == RF_OK) {
        cr_assert_eq(walk->cells.size, taken.size);
        cr_assert_leq(taken.size, room);
        walk->row = (struct page_row){.rowid = taken.rowid,
                                      .cells = walk->cells.bytes,
                                      .size = taken.size,
                                      .offsets = taken.offsets,
                                      .key = taken.key_size > 0 ? walk->keys.bytes : NULL,
                                      .key_size = taken.key_size};
        *row = &walk->row;
    }
    return code;
}

/* ---- the comparison ---- */

struct comparison {
    struct page_reading *reading;
    const struct rf_table *table;
    const struct rf_page_layout *layout;
    const char *what;
    struct rf_row_scan *oracle; /* beside the page scan, where both come in one order */
    struct rf_error refusal;    /* of the oracle; then the page scan must not come to its end */
    struct rf_digest expected;
    struct rf_digest found;
    uint64_t rows;
};

static void differ(const struct comparison *with, const char *how) {
    cr_assert_fail("%s, table %s, row %llu: %s", with->what, with->table->name,
                   (unsigned long long)with->rows, how);
}

static void check_row(struct comparison *with, const struct page_row *row,
                      const struct rf_source_row *expected) {
    if (!expected) {
        differ(with, "SQLite has no more rows");
        return;
    }
    if (row->size != expected->size || memcmp(row->cells, expected->cells, row->size) != 0) {
        differ(with, "other cells than SQLite's");
    }
    if (with->table->key_kind != RF_KEY_ORDINAL && row->rowid != expected->rowid) {
        differ(with, "another rowid than SQLite's");
    }
}

/* The cells begin where the row says, and the key is made of the right ones. */
static void check_parts_of_row(const struct comparison *with, const struct page_row *row) {
    struct rf_cursor cursor = rf_cursor_of(row->cells, row->size);
    for (uint32_t i = 0; i < with->table->column_count; i++) {
        struct rf_value value;
        if (row->cells + row->offsets[i] != cursor.at || !rf_row_next(&cursor, &value)) {
            differ(with, "its offsets are wrong");
        }
    }
    const uint8_t *key = row->key;
    for (uint32_t i = 0; key && i < with->table->key_count; i++) {
        uint32_t from = row->offsets[with->table->key[i]];
        uint32_t size = row->offsets[with->table->key[i] + 1] - from;
        if (memcmp(key, row->cells + from, size) != 0) {
            differ(with, "its key is wrong");
        }
        key += size;
    }
    if (row->offsets[with->table->column_count] != row->size || cursor.at != cursor.end ||
        (row->key && key != row->key + row->key_size)) {
        differ(with, "its end is wrong");
    }
}

/* False when it has refused to go on. */
static bool ask_oracle(struct comparison *with, const struct rf_source_row **row) {
    if (with->oracle && rf_row_scan_next(with->oracle, row, &with->refusal) != RF_OK) {
        rf_row_scan_free(with->oracle);
        with->oracle = NULL;
    }
    return with->oracle;
}

static enum rf_code compare_leaf(struct comparison *with, struct page_walk *walk,
                                 const struct rf_page_leaf *leaf) {
    uint32_t rows = 0;
    struct rf_error *error = &with->reading->error;
    for (;;) {
        const struct page_row *row = NULL;
        enum rf_code code = page_walk_row(walk, &row, error);
        if (code != RF_OK || !row) {
            cr_assert(code != RF_OK || rows == leaf->rows);
            return code;
        }
        const struct rf_source_row *expected = NULL;
        if (ask_oracle(with, &expected)) {
            check_row(with, row, expected);
        }
        check_parts_of_row(with, row);
        bool first = rows == 0 && row->rowid != leaf->first_rowid;
        bool last = rows + 1 == leaf->rows && row->rowid != leaf->last_rowid;
        if (with->layout->tree == RF_TREE_TABLE && (first || last)) {
            differ(with, "it is not the one that its leaf tells of");
        }
        rf_digest_add(&with->found, rf_hash_bytes(row->cells, row->size));
        rows++;
        with->rows++;
    }
}

static enum rf_code compare_leaves(struct comparison *with, const struct rf_page_source *pages,
                                   uint32_t root) {
    struct page_walk walk;
    const struct rf_page_leaf *leaf = NULL;
    page_walk_begin(&walk, pages, with->layout, root, with->layout->ordered);
    enum rf_code code = page_walk_leaf(&walk, &leaf, &with->reading->error);
    while (code == RF_OK && leaf) {
        code = compare_leaf(with, &walk, leaf);
        if (code == RF_OK) {
            code = page_walk_leaf(&walk, &leaf, &with->reading->error);
        }
    }
    page_walk_end(&walk);
    return code;
}

/* Behind a comparison in step: SQLite must be at its end, too. */
static void close_in_step(struct comparison *with, enum rf_code code) {
    const struct rf_source_row *expected = NULL;
    if (code == RF_OK && ask_oracle(with, &expected) && expected) {
        differ(with, "SQLite has more rows");
    }
    rf_row_scan_free(with->oracle);
    with->oracle = NULL;
}

static void open_oracle(struct comparison *with) {
    if (rf_row_scan_new(with->reading->source, with->table, RF_SCAN_ALL, &with->oracle,
                        &with->refusal) != RF_OK) {
        with->oracle = NULL;
    }
}

static void sum_up_oracle(struct comparison *with) {
    const struct rf_source_row *row = NULL;
    while (ask_oracle(with, &row) && row) {
        rf_digest_add(&with->expected, row->hash);
    }
    rf_row_scan_free(with->oracle);
    with->oracle = NULL;
}

/* The row scan, which sorts where the tree has another order, finds a key that is there twice. */
static bool found_equal_keys(const struct comparison *with) {
    return !with->layout->ordered && strstr(with->refusal.detail, "order of their keys");
}

static enum page_verdict compare_layout(struct comparison *with,
                                        const struct rf_page_source *pages) {
    uint32_t root = page_reading_root(with->reading, with->table->name);
    open_oracle(with);
    if (!with->layout->ordered) {
        sum_up_oracle(with);
    }
    enum rf_code code = compare_leaves(with, pages, root);
    close_in_step(with, code);
    if (code != RF_OK) {
        cr_assert_eq(code, RF_UNUSUAL);
        return with->refusal.what[0] ? PAGE_REFUSED : PAGE_UNUSUAL;
    }
    if (with->refusal.what[0] && !found_equal_keys(with)) {
        differ(with, with->refusal.detail);
    }
    if (!with->refusal.what[0] && !with->layout->ordered &&
        !rf_digest_equal(&with->expected, &with->found)) {
        differ(with, "not the rows that SQLite has");
    }
    return PAGE_SAME;
}

enum page_verdict page_compare(struct page_reading *reading, const struct rf_page_source *pages,
                               const struct rf_table *table, const char *what) {
    struct rf_page_layout *layout = page_reading_layout(reading, table);
    if (!layout) {
        return PAGE_UNUSUAL;
    }
    struct comparison with = {.reading = reading, .table = table, .layout = layout, .what = what};
    enum page_verdict verdict = compare_layout(&with, pages);
    rf_page_layout_free(layout);
    return verdict;
}

struct page_counts page_compare_all(const char *path, const char *what) {
    struct page_counts counts = {0};
    struct page_reading reading;
    page_reading_begin(&reading, path);
    cr_assert_not_null(reading.pages, "%s: %s", what, reading.error.what);
    for (uint32_t i = 0; i < reading.manifest.table_count; i++) {
        const struct rf_table *table = &reading.manifest.tables[i].table;
        enum page_verdict verdict = page_compare(&reading, reading.pages, table, what);
        cr_assert_eq(verdict, strncmp(table->name, "odd_", 4) == 0 ? PAGE_UNUSUAL : PAGE_SAME,
                     "%s, table %s: %s", what, table->name, reading.error.what);
        counts.same += verdict == PAGE_SAME;
        counts.unusual += verdict == PAGE_UNUSUAL;
    }
    cr_assert_eq(rf_page_file_holds(reading.pages, &reading.error), RF_OK);
    page_reading_end(&reading);
    return counts;
}

/* ---- pages in memory ---- */

static enum rf_code read_memory(const struct rf_page_source *source, uint32_t first, uint32_t count,
                                uint8_t *pages, struct rf_error *error) {
    const struct page_memory *memory = (const struct page_memory *)source;
    (void)error;
    memcpy(pages, memory->bytes + (size_t)(first - 1) * source->page_size,
           (size_t)count * source->page_size);
    return RF_OK;
}

static void close_memory(struct rf_page_source *source) {
    struct page_memory *memory = (struct page_memory *)source;
    free(memory->bytes);
    free(memory);
}

struct page_memory *page_memory_copy(const struct rf_page_source *source) {
    struct rf_error error = {0};
    struct page_memory *memory = calloc(1, sizeof *memory);
    memory->pages = *source;
    memory->pages.read = read_memory;
    memory->pages.close = close_memory;
    memory->bytes = malloc((size_t)source->page_count * source->page_size);
    for (uint32_t i = 1; i <= source->page_count; i++) {
        uint8_t *page = memory->bytes + (size_t)(i - 1) * source->page_size;
        /* The lock page is not in every file. */
        cr_assert_eq(rf_page_read(source, i, 1, page, &error), RF_OK, "%s", error.what);
    }
    return memory;
}
