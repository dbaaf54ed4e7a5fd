#include "capture/restore_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/objects.h"
#include "capture/restore_row.h"
#include "format/state.h"

#define WHAT "cannot write the schema"
#define HASHED_AT_ONCE 1024u

enum rf_code rf_restore_check_stop(const struct rf_restore_job *job, struct rf_error *error) {
    int number = atomic_load(job->options->stop);
    return number == 0 ? RF_OK : rf_fail(error, RF_INTERRUPTED, "stopped by signal %d", number);
}

static enum rf_code fail(const struct rf_restore_job *job, int result, const char *what,
                         struct rf_error *error) {
    enum rf_code code = rf_restore_check_stop(job, error);
    return code != RF_OK ? code
                         : rf_restore_file_fail(job->file, job->db, result, error, "%s", what);
}

enum rf_code rf_restore_run(struct rf_restore_job *job, const char *sql, const char *what,
                            struct rf_error *error) {
    int result = sqlite3_exec(job->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? RF_OK : fail(job, result, what, error);
}

static enum rf_code run_buffer(struct rf_restore_job *job, struct rf_buffer *sql, const char *what,
                               struct rf_error *error) {
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    return code == RF_OK ? rf_restore_run(job, (const char *)sql->bytes, what, error) : code;
}

static enum rf_code prepare(struct rf_restore_job *job, struct rf_buffer *sql, const char *what,
                            sqlite3_stmt **statement, struct rf_error *error) {
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    if (code != RF_OK) {
        return code;
    }
    int result = sqlite3_prepare_v3(job->db, (const char *)sql->bytes, -1,
                                    SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return result == SQLITE_OK ? RF_OK : fail(job, result, what, error);
}

/* ---- roots ---- */

/* Entries of the stand-ins are called t and i0, i1 …; nobody shall find them any more. */
static enum rf_code take_roots(struct rf_restore_job *job, int64_t *roots, uint32_t count,
                               struct rf_error *error) {
    sqlite3_stmt *query = NULL;
    int result =
        sqlite3_prepare_v2(job->db, "SELECT name, rootpage FROM sqlite_schema", -1, &query, NULL);
    while (result == SQLITE_OK && (result = sqlite3_step(query)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(query, 0);
        unsigned long place = name && name[0] == 'i' ? 1 + strtoul(name + 1, NULL, 10) : 0;
        if (name && place < count) {
            roots[place] = sqlite3_column_int64(query, 1);
        }
        result = SQLITE_OK;
    }
    sqlite3_finalize(query);
    if (result != SQLITE_DONE) {
        return fail(job, result, WHAT, error);
    }
    return rf_restore_run(job,
                          "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema;"
                          "PRAGMA writable_schema = RESET",
                          WHAT, error);
}

/* ---- the stand-in ---- */

static void put_key(struct rf_buffer *sql, const struct rf_table *table) {
    const struct rf_index *key = rf_restore_key_index(table);
    rf_buffer_printf(sql, ", PRIMARY KEY(");
    for (uint32_t i = 0; key && i < key->part_count; i++) {
        const struct rf_index_part *part = &key->parts[i];
        int64_t column = part->column ? rf_restore_column(table, part->column) : -1;
        bool known = rf_restore_knows_collation(part->collation);
        rf_buffer_printf(sql, "%sc%" PRId64 " COLLATE %s%s", i > 0 ? ", " : "", column,
                         known ? part->collation : "BINARY", part->descending ? " DESC" : "");
    }
    for (uint32_t i = 0; !key && i < table->key_count; i++) {
        rf_buffer_printf(sql, "%sc%" PRIu32, i > 0 ? ", " : "", table->key[i]);
    }
    rf_buffer_printf(sql, ")");
}

static void put_table(struct rf_buffer *sql, const struct rf_restore_columns *columns) {
    const struct rf_table *table = columns->table;
    rf_buffer_printf(sql, "CREATE TABLE t(");
    for (uint32_t i = 0; i < columns->count; i++) {
        uint32_t column = columns->stored[i];
        rf_buffer_printf(sql, "%sc%" PRIu32 "%s", i > 0 ? ", " : "", column,
                         (int64_t)column == table->alias ? " INTEGER PRIMARY KEY" : "");
    }
    if (table->key_kind == RF_KEY_COLUMNS) {
        put_key(sql, table);
    }
    rf_buffer_printf(sql, table->key_kind == RF_KEY_COLUMNS ? ") WITHOUT ROWID" : ")");
}

static void put_insert(struct rf_buffer *sql, const struct rf_restore_columns *columns) {
    bool rowid = columns->rowid && !columns->late_rowid;
    rf_buffer_printf(sql, "INSERT INTO t(%s", rowid ? "rowid" : "");
    for (uint32_t i = 0; i < columns->count; i++) {
        rf_buffer_printf(sql, "%sc%" PRIu32, i > 0 || rowid ? ", " : "", columns->stored[i]);
    }
    rf_buffer_printf(sql, ") VALUES (?");
    for (uint32_t i = rowid ? 0 : 1; i < columns->count; i++) {
        rf_buffer_printf(sql, ", ?");
    }
    rf_buffer_printf(sql, ")");
}

static void put_index(struct rf_buffer *sql, const struct rf_restore_object *planned,
                      uint32_t number) {
    const struct rf_table *table = &planned->table->table;
    const struct rf_index *index = planned->index;
    rf_buffer_printf(sql, "CREATE INDEX i%" PRIu32 " ON t(", number);
    for (uint32_t i = 0; i < index->part_count; i++) {
        const struct rf_index_part *part = &index->parts[i];
        bool known = rf_restore_knows_collation(part->collation);
        rf_buffer_printf(sql, "%sc%" PRId64 " COLLATE %s%s", i > 0 ? ", " : "",
                         rf_restore_column(table, part->column), known ? part->collation : "BINARY",
                         part->descending ? " DESC" : "");
    }
    rf_buffer_printf(sql, ")");
}

/* ---- rows ---- */

struct filling {
    struct rf_restore_job *job;
    const struct rf_manifest_table *from;
    struct rf_restore_columns columns;
    sqlite3_stmt *insert;
    sqlite3_stmt *renumber;
    struct rf_digest digest; /* of the rows so far; with options->verify the sum too */
    struct rf_buffer scratch;
    struct rf_hash *hashes; /* HASHED_AT_ONCE */
    char what[256];
};

static enum rf_code prove(struct filling *filling, const struct rf_span *span,
                          struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t done = 0, some; code == RF_OK && done < span->count; done += some) {
        some = span->count - done < HASHED_AT_ONCE ? span->count - done : HASHED_AT_ONCE;
        code = rf_rows_hash(span->rows, span->first + done, some, &filling->scratch,
                            filling->hashes, error);
        if (code == RF_OK) {
            rf_digest_add_rows(&filling->digest, filling->hashes, some);
        }
    }
    return code;
}

static enum rf_code insert_span(struct filling *filling, const struct rf_span *span,
                                struct rf_error *error) {
    struct rf_restore_job *job = filling->job;
    const struct rf_table *table = filling->columns.table;
    enum rf_code code = RF_OK;
    for (uint32_t i = span->first; code == RF_OK && i < span->first + span->count; i++) {
        /* Places begin with 0 and nothing reaches these rowids; SQLite's own begin with 1. */
        int64_t rowid = table->key_kind == RF_KEY_COLUMNS ? 0
                                                          : span->rows->rowids[i] + span->shift +
                                                                (table->key_kind == RF_KEY_ORDINAL);
        code = rf_restore_row(job, &filling->columns, filling->insert, filling->renumber,
                              span->rows, i, rowid, error);
    }
    if (code == RF_OK && job->options->verify) {
        code = prove(filling, span, error);
    } else {
        filling->digest.rows += span->count;
    }
    job->rows_done += span->count;
    if (job->options->progress) {
        job->options->progress(job->options->context, table->name, job->rows_done,
                               job->rows_expected);
    }
    return code;
}

static enum rf_code check_digest(const struct filling *filling, struct rf_error *error) {
    const struct rf_digest *found = &filling->digest;
    const struct rf_digest *wanted = &filling->from->digest;
    bool summed = filling->job->options->verify;
    if (found->rows == wanted->rows && (!summed || rf_digest_equal(found, wanted))) {
        return RF_OK;
    }
    rf_fail(error, RF_CORRUPT, "the archives of the table \"%.200s\" do not hold its rows",
            filling->from->table.name);
    if (found->rows != wanted->rows) {
        rf_detail(error, "%" PRIu64 " rows, and the manifest has %" PRIu64, found->rows,
                  wanted->rows);
    } else {
        char sum[RF_HASH_HEX], expected[RF_HASH_HEX];
        rf_detail(error, "their hashes sum up to %s, and the manifest has %s",
                  rf_hash_text(found->sum, sum), rf_hash_text(wanted->sum, expected));
    }
    rf_hint(error, "rowferry verify -r REPO tells what is damaged.");
    return RF_CORRUPT;
}

static enum rf_code insert_rows(struct filling *filling, struct rf_error *error) {
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    struct rf_span span = {.count = 1};
    enum rf_code code = rf_state_open(filling->job->repository, filling->from, &state, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    if (code == RF_OK) {
        code = rf_scan_ahead(scan, error);
    }
    while (code == RF_OK && span.count > 0) {
        code = rf_restore_check_stop(filling->job, error);
        if (code == RF_OK) {
            code = rf_scan_next(scan, &span, error);
        }
        if (code == RF_OK && span.count > 0) {
            code = insert_span(filling, &span, error);
        }
    }
    rf_scan_free(scan);
    rf_state_close(state);
    return code == RF_OK ? check_digest(filling, error) : code;
}

static enum rf_code prepare_insert(struct filling *filling, struct rf_error *error) {
    struct rf_restore_job *job = filling->job;
    struct rf_restore_columns *columns = &filling->columns;
    int limit = sqlite3_limit(job->db, SQLITE_LIMIT_COLUMN, -1);
    columns->late_rowid = columns->rowid && (int64_t)columns->count >= limit;
    struct rf_buffer sql = {0};
    put_insert(&sql, columns);
    enum rf_code code = prepare(job, &sql, filling->what, &filling->insert, error);
    if (code == RF_OK && columns->late_rowid) {
        rf_buffer_clear(&sql);
        rf_buffer_printf(&sql, "UPDATE t SET rowid = ?1 WHERE rowid = ?2");
        code = prepare(job, &sql, filling->what, &filling->renumber, error);
    }
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code make_table(struct filling *filling, struct rf_error *error) {
    struct rf_buffer sql = {0};
    put_table(&sql, &filling->columns);
    enum rf_code code = run_buffer(filling->job, &sql, filling->what, error);
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code fill(struct filling *filling, struct rf_error *error) {
    enum rf_code code = rf_restore_columns_make(&filling->from->table, &filling->columns, error);
    filling->hashes = calloc(HASHED_AT_ONCE, sizeof *filling->hashes);
    if (code == RF_OK && !filling->hashes) {
        code = rf_fail_memory(error);
    }
    if (code == RF_OK) {
        code = make_table(filling, error);
    }
    if (code == RF_OK) {
        code = prepare_insert(filling, error);
    }
    if (code == RF_OK) {
        code = insert_rows(filling, error);
    }
    sqlite3_finalize(filling->insert);
    sqlite3_finalize(filling->renumber);
    rf_restore_columns_release(&filling->columns);
    rf_buffer_release(&filling->scratch);
    free(filling->hashes);
    return code;
}

/* ---- indexes ---- */

static struct rf_restore_object *planned_index(struct rf_restore_plan *plan,
                                               const struct rf_index *index) {
    const struct rf_object *object = rf_object_find(plan->manifest, "index", index->name);
    struct rf_restore_object *planned =
        object ? &plan->objects[object - plan->manifest->objects] : NULL;
    return planned && planned->way == RF_RESTORE_COLUMNS ? planned : NULL;
}

static enum rf_code make_indexes(struct rf_restore_job *job, struct rf_restore_plan *plan,
                                 const struct rf_table *table, struct rf_error *error) {
    enum rf_code code = RF_OK;
    struct rf_buffer sql = {0};
    for (uint32_t i = 0; code == RF_OK && i < table->index_count; i++) {
        const struct rf_restore_object *planned = planned_index(plan, &table->indexes[i]);
        if (planned) {
            rf_buffer_clear(&sql);
            put_index(&sql, planned, i);
            code = run_buffer(job, &sql, "cannot restore an index", error);
        }
        if (code != RF_OK) {
            rf_while(error, "while building the index \"%.150s\"", table->indexes[i].name);
        }
    }
    rf_buffer_release(&sql);
    return code;
}

static void give_roots(struct rf_restore_plan *plan, struct rf_restore_object *planned,
                       const int64_t *roots) {
    const struct rf_table *table = &planned->table->table;
    planned->root = roots[0];
    for (uint32_t i = 0; i < table->index_count; i++) {
        struct rf_restore_object *index = planned_index(plan, &table->indexes[i]);
        if (index) {
            index->root = roots[1 + i];
        }
    }
}

enum rf_code rf_restore_table(struct rf_restore_job *job, struct rf_restore_plan *plan,
                              struct rf_restore_object *planned, struct rf_error *error) {
    const struct rf_table *table = &planned->table->table;
    struct filling filling = {.job = job, .from = planned->table};
    snprintf(filling.what, sizeof filling.what, "cannot restore the table \"%.200s\"", table->name);
    uint32_t count = table->index_count + 1;
    int64_t *roots = calloc(count, sizeof *roots);
    enum rf_code code = roots ? fill(&filling, error) : rf_fail_memory(error);
    if (code == RF_OK) {
        code = make_indexes(job, plan, table, error);
    }
    if (code == RF_OK) {
        code = take_roots(job, roots, count, error);
    }
    if (code == RF_OK) {
        give_roots(plan, planned, roots);
        job->result->tables++;
        job->result->rows += filling.digest.rows;
    }
    free(roots);
    return code;
}

/* ---- what has no rows ---- */

enum rf_code rf_restore_empty(struct rf_restore_job *job, struct rf_restore_object *planned,
                              struct rf_error *error) {
    /* A table WITHOUT ROWID is an index, all but its name. */
    bool index = planned->without_rowid || strcmp(planned->object->type, "index") == 0;
    const char *sql = index ? "CREATE TABLE t(c PRIMARY KEY) WITHOUT ROWID" : "CREATE TABLE t(c)";
    enum rf_code code = rf_restore_run(job, sql, WHAT, error);
    return code == RF_OK ? take_roots(job, &planned->root, 1, error) : code;
}

/* ---- sqlite_sequence ---- */

static enum rf_code insert_sequence(struct rf_restore_job *job, sqlite3_stmt *insert,
                                    const struct rf_sequence *sequence, struct rf_error *error) {
    struct rf_cursor cursor = rf_cursor_of(sequence->cells.bytes, sequence->cells.size);
    struct rf_buffer room = {0};
    rf_buffer_reserve(&room, 2 * sequence->cells.size + 16);
    uint8_t *at = room.bytes;
    enum rf_code code = room.failed ? rf_fail_memory(error) : RF_OK;
    for (int i = 1; code == RF_OK && i <= 2; i++) {
        struct rf_value value;
        if (!rf_row_next(&cursor, &value)) {
            code = rf_fail(error, RF_CORRUPT, "a row of sqlite_sequence is not one");
        } else {
            code = rf_restore_bind(insert, i, &value, job->encoding, at, error);
            at += value.class == RF_TEXT ? 2 * (size_t)value.size + 4 : 0;
        }
    }
    if (code == RF_OK) {
        sqlite3_step(insert);
        int result = sqlite3_reset(insert);
        code = result == SQLITE_OK ? RF_OK : fail(job, result, WHAT, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while restoring the table \"sqlite_sequence\"");
    }
    rf_buffer_release(&room);
    return code;
}

enum rf_code rf_restore_sequences(struct rf_restore_job *job, const struct rf_manifest *manifest,
                                  int64_t *root, struct rf_error *error) {
    struct rf_buffer sql = {0};
    sqlite3_stmt *insert = NULL;
    enum rf_code code = rf_restore_run(job, "CREATE TABLE t(name, seq)", WHAT, error);
    rf_buffer_printf(&sql, "INSERT INTO t VALUES (?, ?)");
    if (code == RF_OK) {
        code = prepare(job, &sql, WHAT, &insert, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < manifest->sequence_count; i++) {
        code = insert_sequence(job, insert, &manifest->sequences[i], error);
    }
    sqlite3_finalize(insert);
    rf_buffer_release(&sql);
    return code == RF_OK ? take_roots(job, root, 1, error) : code;
}
