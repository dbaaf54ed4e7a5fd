#include "fixture.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/check.h"
#include "format/state.h"
#include "format/value.h"
#include "support/faulty_io.h"

/* ---- the database ---- */

static void count_note(void *context, const char *message) {
    struct fixture *fixture = context;
    (void)message;
    fixture->notes++;
}

void fixture_begin(struct fixture *fixture) {
    memset(fixture, 0, sizeof *fixture);
    const char *base = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%s/rf-capture-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(fixture->folder));
    snprintf(fixture->database, sizeof fixture->database, "%s/source.db", fixture->folder);
    snprintf(fixture->repository, sizeof fixture->repository, "%s/repo", fixture->folder);
    cr_assert_eq(sqlite3_open(fixture->database, &fixture->db), SQLITE_OK);
    fixture_sql(fixture, "PRAGMA synchronous = off");
    fixture->limits = (struct rf_capture_limits){
        .scratch = {.spill_bytes = 100, .sort_bytes = 200, .fan_in = 2, .window = 16},
        .open_feed = rf_row_feed_open};
    fixture->options = (struct rf_capture_options){
        .database = fixture->database,
        .jobs = 1,
        .level = 1,
        .busy_timeout_ms = 50,
        .stop = &fixture->stop,
        .note = count_note,
        .context = fixture,
    };
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void fixture_end(struct fixture *fixture) {
    rf_capture_result_release(&fixture->result);
    sqlite3_close(fixture->db);
    nftw(fixture->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void fixture_sql(struct fixture *fixture, const char *sql) {
    char *message = NULL;
    int result = sqlite3_exec(fixture->db, sql, NULL, NULL, &message);
    cr_assert_eq(result, SQLITE_OK, "%s: %s", sql, message ? message : "");
    sqlite3_free(message);
}

void fixture_sqlf(struct fixture *fixture, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    fixture_sql(fixture, sql);
    sqlite3_free(sql);
}

int64_t fixture_number(struct fixture *fixture, const char *sql) {
    sqlite3_stmt *statement = NULL;
    cr_assert_eq(sqlite3_prepare_v2(fixture->db, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s",
                 sql, sqlite3_errmsg(fixture->db));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sql);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* ---- capturing ---- */

enum rf_code fixture_try_io(struct fixture *fixture, struct rf_io *io) {
    struct rf_repository *repository = NULL;
    rf_capture_result_release(&fixture->result);
    rf_error_clear(&fixture->error);
    enum rf_code code = rf_repository_open(io, fixture->repository, RF_REPOSITORY_CREATE,
                                           &repository, &fixture->error);
    if (code == RF_OK) {
        code = rf_capture_run(repository, &fixture->options, &fixture->limits, &fixture->result,
                              &fixture->error);
    }
    rf_repository_close(repository);
    return code;
}

enum rf_code fixture_try(struct fixture *fixture) {
    struct faulty_io unsynced; /* nothing here outlives a power cut */
    faulty_io_init(&unsynced, FAULTY_NOT, 0, 0);
    return fixture_try_io(fixture, &unsynced.io);
}

void fixture_capture(struct fixture *fixture) {
    enum rf_code code = fixture_try(fixture);
    cr_assert_eq(code, RF_OK, "capture: %s / %s", fixture->error.what, fixture->error.detail);
    if (!fixture->options.dry_run) {
        fixture_compare(fixture);
    }
}

const struct rf_capture_table *fixture_result(const struct fixture *fixture, const char *table) {
    for (uint32_t i = 0; i < fixture->result.table_count; i++) {
        if (strcmp(fixture->result.tables[i].name, table) == 0) {
            return &fixture->result.tables[i];
        }
    }
    cr_assert(false, "no result for table %s", table);
    return NULL;
}

void opened_begin(struct opened *opened, const struct fixture *fixture) {
    struct rf_error error = {0};
    enum rf_code code = rf_repository_open(rf_io_posix(), fixture->repository, RF_REPOSITORY_READ,
                                           &opened->repository, &error);
    cr_assert_eq(code, RF_OK, "%s", error.what);
    const struct rf_snapshot_name *newest = rf_repository_newest(opened->repository);
    cr_assert_not_null(newest);
    code = rf_repository_load(opened->repository, newest, &opened->manifest, &error);
    cr_assert_eq(code, RF_OK, "%s", error.what);
}

void opened_end(struct opened *opened) {
    rf_manifest_release(&opened->manifest);
    rf_repository_close(opened->repository);
}

const struct rf_manifest_table *opened_table(const struct opened *opened, const char *name) {
    const struct rf_manifest_table *table = rf_manifest_find(&opened->manifest, name);
    cr_assert_not_null(table, "no table %s in the manifest", name);
    return table;
}

/* ---- rows ---- */

void rows_add(struct rows *rows, int64_t rowid, const void *cells, size_t size) {
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity ? rows->capacity * 2 : 64;
        rows->at = realloc(rows->at, rows->capacity * sizeof *rows->at);
        cr_assert_not_null(rows->at);
    }
    uint8_t *copy = malloc(size + 1);
    cr_assert_not_null(copy);
    if (size > 0) {
        memcpy(copy, cells, size);
    }
    rows->at[rows->count++] = (struct row){rowid, copy, (uint32_t)size};
}

void rows_release(struct rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->at[i].cells);
    }
    free(rows->at);
    *rows = (struct rows){0};
}

static int compare_rows(const void *a, const void *b) {
    const struct row *left = a;
    const struct row *right = b;
    if (left->rowid != right->rowid) {
        return left->rowid < right->rowid ? -1 : 1;
    }
    uint32_t shorter = left->size < right->size ? left->size : right->size;
    int order = memcmp(left->cells, right->cells, shorter);
    return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

static void rows_sort(struct rows *rows) {
    if (rows->count > 1) {
        qsort(rows->at, rows->count, sizeof *rows->at, compare_rows);
    }
}

static const char *free_rowid_name(const struct rf_table *table) {
    static const char *const names[] = {"oid", "_rowid_", "rowid"};
    for (int i = 0; i < 3; i++) {
        bool taken = false;
        for (uint32_t c = 0; c < table->column_count; c++) {
            taken |= sqlite3_stricmp(table->columns[c].name, names[i]) == 0;
        }
        if (!taken) {
            return names[i];
        }
    }
    return NULL;
}

static char *select_sql(const struct rf_table *table) {
    const char *rowid =
        table->key_kind == RF_KEY_ROWID && table->alias < 0 ? free_rowid_name(table) : "0";
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql, "SELECT %s", rowid);
    for (uint32_t i = 0; i < table->column_count; i++) {
        sqlite3_str_appendf(sql, ", \"%w\"", table->columns[i].name);
    }
    sqlite3_str_appendf(sql, " FROM \"%w\" NOT INDEXED", table->name);
    return sqlite3_str_finish(sql);
}

/* UTF-16 texts come converted by SQLite here: well-formed ones are the same either way. */
static void put_column(struct rf_buffer *cells, sqlite3_stmt *row, int column) {
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        rf_row_put_integer(cells, sqlite3_column_int64(row, column));
        break;
    case SQLITE_FLOAT:
        rf_row_put_real(cells, sqlite3_column_double(row, column));
        break;
    case SQLITE_TEXT: {
        const void *text = sqlite3_column_text(row, column);
        rf_row_put_bytes(cells, RF_TEXT, text, (uint32_t)sqlite3_column_bytes(row, column));
        break;
    }
    case SQLITE_BLOB: {
        const void *blob = sqlite3_column_blob(row, column);
        rf_row_put_bytes(cells, RF_BLOB, blob, (uint32_t)sqlite3_column_bytes(row, column));
        break;
    }
    default:
        rf_row_put_null(cells);
        break;
    }
}

struct rows rows_of_database(struct fixture *fixture, const struct rf_table *table) {
    struct rows rows = {0};
    struct rf_buffer cells = {0};
    sqlite3_stmt *statement = NULL;
    char *sql = select_sql(table);
    cr_assert_eq(sqlite3_prepare_v2(fixture->db, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s",
                 sql, sqlite3_errmsg(fixture->db));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        rf_buffer_clear(&cells);
        for (uint32_t i = 0; i < table->column_count; i++) {
            put_column(&cells, statement, (int)i + 1);
        }
        int64_t rowid = table->key_kind == RF_KEY_ORDINAL ? (int64_t)rows.count
                        : table->alias >= 0 ? sqlite3_column_int64(statement, table->alias + 1)
                                            : sqlite3_column_int64(statement, 0);
        rows_add(&rows, rowid, cells.bytes, cells.size);
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    rf_buffer_release(&cells);
    rows_sort(&rows);
    return rows;
}

static void expect_ok(enum rf_code code, const struct rf_error *error) {
    cr_assert_eq(code, RF_OK, "%s / %s", error->what, error->detail);
}

struct rows rows_of_state(const struct opened *opened, const struct rf_manifest_table *table) {
    struct rows rows = {0};
    struct rf_error error = {0};
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    struct rf_span span;
    struct rf_buffer cells = {0};
    expect_ok(rf_state_open(opened->repository, table, &state, &error), &error);
    expect_ok(rf_scan_new(state, 0, rf_state_parts(state), &scan, &error), &error);
    for (;;) {
        expect_ok(rf_scan_next(scan, &span, &error), &error);
        if (span.count == 0) {
            break;
        }
        for (uint32_t i = span.first; i < span.first + span.count; i++) {
            rf_buffer_clear(&cells);
            rf_rows_put(span.rows, i, &cells);
            rows_add(&rows, span.rows->shape.rowids ? span.rows->rowids[i] + span.shift : 0,
                     cells.bytes, cells.size);
        }
    }
    rf_scan_free(scan);
    rf_state_close(state);
    rf_buffer_release(&cells);
    for (size_t i = 1; table->table.key_kind != RF_KEY_COLUMNS && i < rows.count; i++) {
        cr_assert_lt(rows.at[i - 1].rowid, rows.at[i].rowid, "rows of %s do not ascend",
                     table->table.name);
    }
    if (table->table.key_kind == RF_KEY_COLUMNS) {
        rows_sort(&rows);
    }
    return rows;
}

void rows_expect_same(const struct rows *expected, const struct rows *found, const char *what) {
    cr_assert_eq(expected->count, found->count, "%s: %zu rows instead of %zu", what, found->count,
                 expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        cr_assert_eq(expected->at[i].rowid, found->at[i].rowid, "%s: row %zu has rowid %lld", what,
                     i, (long long)found->at[i].rowid);
        cr_assert_eq(compare_rows(&expected->at[i], &found->at[i]), 0, "%s: row %zu differs", what,
                     i);
    }
}

/* ---- deltas, by the letter ---- */

/* The key cells of a row, or of a GONE row that holds only them. */
static void put_key(const struct rf_table *table, const struct row *row, bool key_only,
                    struct rf_buffer *key) {
    struct rf_value cells[64];
    struct rf_cursor cursor = rf_cursor_of(row->cells, row->size);
    uint32_t count = key_only ? table->key_count : table->column_count;
    rf_buffer_clear(key);
    cr_assert_leq(count, 64u);
    for (uint32_t i = 0; i < count; i++) {
        cr_assert(rf_row_next(&cursor, &cells[i]));
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        rf_row_put(key, &cells[key_only ? i : table->key[i]]);
    }
}

static struct rows block_rows(struct rf_archive *archive, enum rf_block_kind kind,
                              struct rf_buffer *hashes) {
    struct rows rows = {0};
    struct rf_error error = {0};
    struct rf_block_scan *scan = NULL;
    struct rf_buffer cells = {0};
    const struct rf_rows *block = NULL;
    expect_ok(rf_block_scan_new(archive, kind, &scan, &error), &error);
    for (;;) {
        expect_ok(rf_block_scan_next(scan, &block, &error), &error);
        if (!block) {
            break;
        }
        for (uint32_t i = 0; i < block->count; i++) {
            rf_buffer_clear(&cells);
            rf_rows_put(block, i, &cells);
            rows_add(&rows, block->shape.rowids ? block->rowids[i] : 0, cells.bytes, cells.size);
            if (block->shape.hashes && hashes) {
                rf_buffer_append(hashes, block->hashes + i * RF_HASH_SIZE, RF_HASH_SIZE);
            }
        }
    }
    rf_block_scan_free(scan);
    rf_buffer_release(&cells);
    return rows;
}

static size_t find_gone(const struct rf_table *table, const struct rows *rows,
                        const struct row *gone, bool key_only) {
    struct rf_buffer wanted = {0};
    struct rf_buffer key = {0};
    size_t found = rows->count;
    put_key(table, gone, key_only, &wanted);
    for (size_t i = 0; i < rows->count && found == rows->count; i++) {
        if (table->key_kind != RF_KEY_COLUMNS) {
            found = rows->at[i].rowid == gone->rowid ? i : found;
            continue;
        }
        put_key(table, &rows->at[i], false, &key);
        bool same = key.size == wanted.size && memcmp(key.bytes, wanted.bytes, key.size) == 0;
        found = same ? i : found;
    }
    /* The key that the delta names is the key of the row that it takes away. */
    if (found < rows->count) {
        put_key(table, &rows->at[found], false, &key);
        cr_assert(key.size == wanted.size &&
                      (key.size == 0 || memcmp(key.bytes, wanted.bytes, key.size) == 0),
                  "a delta of %s names the wrong key", table->name);
    }
    rf_buffer_release(&wanted);
    rf_buffer_release(&key);
    return found;
}

static void remove_gone(struct rows *rows, struct rf_archive *delta, const struct rf_table *table) {
    bool key_only = rf_archive_head_of(delta)->gone == RF_GONE_KEY;
    struct rf_buffer hashes = {0};
    struct rows gone = block_rows(delta, RF_BLOCK_GONE, &hashes);
    for (size_t i = 0; i < gone.count; i++) {
        size_t at = find_gone(table, rows, &gone.at[i], key_only);
        cr_assert_lt(at, rows->count, "a delta of %s deletes a row that is not there", table->name);
        struct row *row = &rows->at[at];
        struct rf_hash hash = rf_hash_load(hashes.bytes + i * RF_HASH_SIZE);
        cr_assert(rf_hash_equal(hash, rf_hash_bytes(row->cells, row->size)),
                  "a delta of %s deletes a row by the wrong hash", table->name);
        cr_assert(key_only || compare_rows(row, &gone.at[i]) == 0);
        free(row->cells);
        memmove(row, row + 1, (rows->count - at - 1) * sizeof *row);
        rows->count--;
    }
    rows_release(&gone);
    rf_buffer_release(&hashes);
}

static void renumber(struct rows *rows, struct rf_archive *delta) {
    struct rows moves = block_rows(delta, RF_BLOCK_MOVES, NULL);
    int64_t old_end = INT64_MIN;
    size_t at = 0;
    for (size_t i = 0; i < moves.count; i++) {
        struct rf_cursor cursor = rf_cursor_of(moves.at[i].cells, moves.at[i].size);
        struct rf_value old, new, count;
        cr_assert(rf_row_next(&cursor, &old) && rf_row_next(&cursor, &new) &&
                  rf_row_next(&cursor, &count));
        cr_assert(count.integer >= 1 && (i == 0 || old.integer > old_end), "runs must ascend");
        while (at < rows->count && rows->at[at].rowid < old.integer) {
            at++;
        }
        for (int64_t j = 0; j < count.integer; j++, at++) {
            cr_assert(at < rows->count && rows->at[at].rowid == old.integer + j,
                      "a run moves a row that is not there");
            rows->at[at].rowid = new.integer + j;
        }
        old_end = old.integer + (count.integer - 1);
    }
    for (size_t i = 1; i < rows->count && moves.count > 0; i++) {
        cr_assert_lt(rows->at[i - 1].rowid, rows->at[i].rowid, "survivors overtake each other");
    }
    rows_release(&moves);
}

struct rows rows_after_delta(const struct opened *opened, const struct rf_manifest_table *table,
                             const struct rows *parent) {
    struct rows rows = {0};
    struct rf_archive *delta = NULL;
    struct rf_error error = {0};
    for (size_t i = 0; i < parent->count; i++) {
        rows_add(&rows, parent->at[i].rowid, parent->at[i].cells, parent->at[i].size);
    }
    if (table->change == RF_CHANGE_NONE) {
        return rows;
    }
    cr_assert_eq(table->change, RF_CHANGE_DELTA);
    expect_ok(rf_repository_open_archive(opened->repository, &table->delta, &delta, &error),
              &error);
    remove_gone(&rows, delta, &table->table);
    renumber(&rows, delta);
    struct rows added = block_rows(delta, RF_BLOCK_ROWS, NULL);
    for (size_t i = 0; i < added.count; i++) {
        rows_add(&rows, added.at[i].rowid, added.at[i].cells, added.at[i].size);
    }
    rows_release(&added);
    rows_sort(&rows);
    for (size_t i = 1; i < rows.count && table->table.key_kind != RF_KEY_COLUMNS; i++) {
        cr_assert_lt(rows.at[i - 1].rowid, rows.at[i].rowid, "a delta puts a row where one stands");
    }
    rf_archive_close(delta);
    return rows;
}

/* ---- comparing ---- */

static void expect(struct fixture *fixture, const struct rf_manifest_table *table, uint32_t column,
                   uint64_t found, const char *aggregate, const char *condition) {
    const char *name = table->table.columns[column].name;
    char *sql =
        sqlite3_mprintf("SELECT %s FROM (SELECT \"%w\" AS c FROM \"%w\" NOT INDEXED) WHERE %s",
                        aggregate, name, table->table.name, condition);
    int64_t expected = fixture_number(fixture, sql);
    cr_assert_eq((int64_t)found, expected, "%s where %s of %s.%s is %lld, not %lld", aggregate,
                 condition, table->table.name, name, (long long)found, (long long)expected);
    sqlite3_free(sql);
}

static void compare_census(struct fixture *fixture, const struct rf_manifest_table *table,
                           bool utf8) {
    for (uint32_t i = 0; i < table->table.column_count; i++) {
        const struct rf_census *census = &table->census[i];
        expect(fixture, table, i, census->count[RF_NULL], "count(*)", "typeof(c) = 'null'");
        expect(fixture, table, i, census->count[RF_INTEGER], "count(*)", "typeof(c) = 'integer'");
        expect(fixture, table, i, census->count[RF_REAL], "count(*)", "typeof(c) = 'real'");
        expect(fixture, table, i, census->count[RF_TEXT], "count(*)", "typeof(c) = 'text'");
        expect(fixture, table, i, census->count[RF_BLOB], "count(*)", "typeof(c) = 'blob'");
        expect(fixture, table, i, (uint64_t)census->min_integer, "coalesce(min(c), 0)",
               "typeof(c) = 'integer'");
        expect(fixture, table, i, (uint64_t)census->max_integer, "coalesce(max(c), 0)",
               "typeof(c) = 'integer'");
        if (utf8) {
            expect(fixture, table, i, census->longest, "coalesce(max(length(CAST(c AS BLOB))), 0)",
                   "typeof(c) IN ('text', 'blob')");
            expect(fixture, table, i, census->text_with_nul, "count(*)",
                   "typeof(c) = 'text' AND instr(CAST(c AS BLOB), x'00') > 0");
        }
    }
}

static void fail_on_damage(void *context, const struct rf_damage *damage) {
    (void)context;
    cr_assert(false, "%s block %lld: %s / %s", damage->file, (long long)damage->block,
              damage->error->what, damage->error->detail);
}

static void check_repository(struct rf_repository *repository) {
    atomic_int stop = 0;
    struct rf_error error = {0};
    struct rf_check_result result;
    struct rf_check_options options = {.stop = &stop, .damage = fail_on_damage};
    expect_ok(rf_check(repository, &options, &result, &error), &error);
    cr_assert_eq(result.damages, 0u);
}

void fixture_compare(struct fixture *fixture) {
    struct opened opened;
    opened_begin(&opened, fixture);
    bool utf8 = strcmp(opened.manifest.encoding, "UTF-8") == 0;
    check_repository(opened.repository);
    for (uint32_t i = 0; i < opened.manifest.table_count; i++) {
        const struct rf_manifest_table *table = &opened.manifest.tables[i];
        struct rows expected = rows_of_database(fixture, &table->table);
        struct rows found = rows_of_state(&opened, table);
        rows_expect_same(&expected, &found, table->table.name);
        cr_assert_eq(table->digest.rows, expected.count);
        compare_census(fixture, table, utf8);
        rows_release(&expected);
        rows_release(&found);
    }
    opened_end(&opened);
}
