#include "capture/second_pass.h"

#include "capture/row_scan.h"
#include "format/manifest.h"

/* Fetching a row by its rowid costs about as much as scanning so many. */
#define LOOKUP_COST 16u

/* ---- gone rows ---- */

static enum rf_code next_unpaired(struct rf_spill_reader *reader, const struct rf_unpaired **row,
                                  struct rf_error *error) {
    const void *record = NULL;
    enum rf_code code = rf_spill_next(reader, &record, error);
    *row = record;
    return code;
}

static enum rf_code differs(const struct rf_table_job *job, const char *where, int64_t key,
                            struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "row %lld of table \"%.200s\" is not what it was a moment ago",
            (long long)key, job->child->table.name);
    rf_detail(error, "read again from %s", where);
    return RF_CORRUPT;
}

/* Old keys are in the index, whole old rows in the archives. */
static enum rf_code open_old(struct rf_table_job *job, bool whole, struct rf_parent_rows **rows,
                             struct rf_error *error) {
    if (whole) {
        return rf_parent_rows_from_state(job->settings->repository, job->parent, rows, error);
    }
    enum rf_code code = rf_job_parent_rows(job, rows, error);
    if (code == RF_OK && !*rows) {
        job->index_damaged = true;
        code = rf_fail(error, RF_CORRUPT, "the index of table \"%.200s\" is gone",
                       job->child->table.name);
    }
    return code;
}

static enum rf_code find_old(struct rf_table_job *job, struct rf_parent_rows *rows, bool whole,
                             const struct rf_unpaired *wanted, struct rf_buffer *cells,
                             struct rf_error *error) {
    const struct rf_keyed_row *row = NULL;
    rf_parent_rows_seek(rows, wanted->key);
    enum rf_code code = rf_parent_rows_next(rows, &row, error);
    job->index_damaged |= rf_parent_rows_damaged(rows);
    if (code != RF_OK) {
        return code;
    }
    if (!row || row->rowid != wanted->key || !rf_hash_equal(row->hash, wanted->hash)) {
        return differs(job, whole ? "the archives" : "the index", wanted->key, error);
    }
    rf_buffer_clear(cells);
    if (whole) {
        rf_parent_rows_cells(rows, cells);
    } else {
        rf_parent_rows_key(rows, cells);
    }
    return rf_buffer_check(cells, error);
}

static enum rf_code put_gone(struct rf_table_job *job, struct rf_delta *delta,
                             const struct rf_spill *gone, struct rf_error *error) {
    if (gone->count == 0) {
        return RF_OK;
    }
    bool whole = rf_delta_gone_form(job) == RF_GONE_ROW;
    struct rf_parent_rows *rows = NULL;
    struct rf_buffer cells = {0};
    struct rf_spill_reader reader;
    rf_spill_reader_init(&reader, gone, 0, gone->count);
    enum rf_code code = open_old(job, whole, &rows, error);
    while (code == RF_OK) {
        const struct rf_unpaired *wanted = NULL;
        code = next_unpaired(&reader, &wanted, error);
        if (code != RF_OK || !wanted) {
            break;
        }
        code = find_old(job, rows, whole, wanted, &cells, error);
        if (code == RF_OK) {
            code = rf_delta_gone(delta, wanted->key, wanted->hash, cells.bytes, cells.size, error);
        }
        if (code == RF_OK) {
            code = rf_job_row(job, error);
        }
    }
    rf_spill_reader_release(&reader);
    rf_parent_rows_close(rows);
    rf_buffer_release(&cells);
    return code;
}

/* ---- added rows ---- */

/* A few are looked up one by one, many are met by scanning once more. */
static enum rf_code find_new(struct rf_row_scan *scan, bool lookup, int64_t rowid,
                             const struct rf_source_row **row, struct rf_error *error) {
    if (lookup) {
        return rf_row_scan_find(scan, rowid, row, error);
    }
    enum rf_code code = RF_OK;
    do {
        code = rf_row_scan_next(scan, row, error);
    } while (code == RF_OK && *row && (*row)->rowid < rowid);
    return code;
}

static enum rf_code put_added(struct rf_table_job *job, struct rf_delta *delta,
                              const struct rf_spill *added, struct rf_error *error) {
    if (added->count == 0) {
        return RF_OK;
    }
    bool lookup = job->child->table.key_kind == RF_KEY_ROWID &&
                  added->count < job->child->digest.rows / LOOKUP_COST;
    struct rf_row_scan *scan = NULL;
    struct rf_spill_reader reader;
    rf_spill_reader_init(&reader, added, 0, added->count);
    enum rf_code code = rf_row_scan_new(job->source, &job->child->table,
                                        lookup ? RF_SCAN_LOOKUP : RF_SCAN_ALL, &scan, error);
    while (code == RF_OK) {
        const struct rf_unpaired *wanted = NULL;
        const struct rf_source_row *row = NULL;
        code = next_unpaired(&reader, &wanted, error);
        if (code != RF_OK || !wanted) {
            break;
        }
        code = find_new(scan, lookup, wanted->key, &row, error);
        if (code == RF_OK &&
            (!row || row->rowid != wanted->key || !rf_hash_equal(row->hash, wanted->hash))) {
            code = differs(job, "the source", wanted->key, error);
        }
        if (code == RF_OK) {
            code = rf_delta_row(delta, row, error);
        }
        if (code == RF_OK) {
            code = rf_job_row(job, error);
        }
    }
    rf_spill_reader_release(&reader);
    rf_row_scan_free(scan);
    return code;
}

/* ---- moves and counts ---- */

static enum rf_code put_moves(struct rf_delta *delta, const struct rf_spill *runs,
                              struct rf_error *error) {
    struct rf_spill_reader reader;
    enum rf_code code = RF_OK;
    rf_spill_reader_init(&reader, runs, 0, runs->count);
    for (uint64_t i = 0; code == RF_OK && i < runs->count; i++) {
        const void *record = NULL;
        code = rf_spill_next(&reader, &record, error);
        if (code == RF_OK) {
            code = rf_delta_moved(delta, record, error);
        }
    }
    rf_spill_reader_release(&reader);
    return code;
}

/* A key that is both gone and added is an updated row. */
static enum rf_code count_changes(struct rf_manifest_table *child, const struct rf_moves *moves,
                                  struct rf_error *error) {
    struct rf_spill_reader gone_reader, added_reader;
    const struct rf_unpaired *gone = NULL;
    const struct rf_unpaired *added = NULL;
    rf_spill_reader_init(&gone_reader, &moves->gone, 0, moves->gone.count);
    rf_spill_reader_init(&added_reader, &moves->added, 0, moves->added.count);
    enum rf_code code = next_unpaired(&gone_reader, &gone, error);
    if (code == RF_OK) {
        code = next_unpaired(&added_reader, &added, error);
    }
    while (code == RF_OK && (gone || added)) {
        bool old = gone && (!added || gone->key <= added->key);
        bool new = added && (!gone || added->key <= gone->key);
        child->updated += old && new;
        child->deleted += !new;
        child->inserted += !old;
        code = old ? next_unpaired(&gone_reader, &gone, error) : RF_OK;
        if (code == RF_OK && new) {
            code = next_unpaired(&added_reader, &added, error);
        }
    }
    rf_spill_reader_release(&gone_reader);
    rf_spill_reader_release(&added_reader);
    child->moved = moves->moved;
    return code;
}

enum rf_code rf_second_pass(struct rf_table_job *job, struct rf_delta *delta,
                            const struct rf_moves *moves, struct rf_error *error) {
    enum rf_code code = count_changes(job->child, moves, error);
    if (code == RF_OK) {
        code = put_gone(job, delta, &moves->gone, error);
    }
    if (code == RF_OK) {
        code = put_moves(delta, &moves->runs, error);
    }
    return code == RF_OK ? put_added(job, delta, &moves->added, error) : code;
}
