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
    return whole ? rf_parent_rows_from_state(job->settings->repository, job->parent, true, rows,
                                             error)
                 : rf_job_parent_rows(job, rows, error);
}

static enum rf_code find_old(struct rf_table_job *job, struct rf_parent_rows *rows, bool whole,
                             const struct rf_unpaired *wanted, struct rf_buffer *cells,
                             struct rf_error *error) {
    struct rf_keyed_row row;
    enum rf_code code = rf_parent_rows_find(rows, wanted->key, &row, error);
    if (code != RF_OK) {
        return rf_parent_rows_index(rows) ? rf_job_index_code(job, code) : code;
    }
    if (!row.rows || rf_keyed_rowid(row) != wanted->key ||
        !rf_hash_equal(rf_keyed_hash(row), wanted->hash)) {
        return differs(job, whole ? "the archives" : "the index", wanted->key, error);
    }
    rf_buffer_clear(cells);
    if (whole) {
        rf_parent_rows_cells(rows, row.at, cells);
    } else {
        rf_parent_rows_key(rows, row, cells);
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

/* A few are looked up one by one, many are met by reading the table once more. */
struct added {
    struct rf_table_job *job;
    struct rf_row_scan *lookup;
    struct rf_row_feed *feed;
    const struct rf_piece *piece; /* of the feed */
    uint32_t at;                  /* the row of it that a search goes on from */
    struct rf_source_row row;
};

static enum rf_code open_new(struct added *added, uint64_t count, struct rf_error *error) {
    struct rf_table_job *job = added->job;
    bool few =
        job->child->table.key_kind == RF_KEY_ROWID && count < job->child->digest.rows / LOOKUP_COST;
    return few ? rf_row_scan_new(job->source, &job->child->table, RF_SCAN_LOOKUP, &added->lookup,
                                 error)
               : rf_job_feed(job, NULL, &added->feed, error);
}

static enum rf_code find_in_feed(struct added *added, int64_t rowid,
                                 const struct rf_source_row **row, struct rf_error *error) {
    while (!added->piece || added->at == added->piece->rows ||
           added->piece->rowids[added->at] < rowid) {
        if (added->piece && added->at < added->piece->rows) {
            added->at++;
            continue;
        }
        added->at = 0;
        enum rf_code code = rf_job_new_rows(added->job, added->feed, &added->piece, error);
        if (code != RF_OK || !added->piece) {
            return code;
        }
    }
    const struct rf_piece *piece = added->piece;
    uint32_t at = added->at;
    added->row = (struct rf_source_row){
        .rowid = piece->rowids[at],
        .hash = piece->hashes[at],
        .cells = piece->cells + piece->starts[at],
        .size = piece->starts[at + 1] - piece->starts[at],
    };
    *row = &added->row;
    return RF_OK;
}

static enum rf_code find_new(struct added *added, const struct rf_unpaired *wanted,
                             const struct rf_source_row **row, struct rf_error *error) {
    *row = NULL;
    enum rf_code code = added->lookup ? rf_row_scan_find(added->lookup, wanted->key, row, error)
                                      : find_in_feed(added, wanted->key, row, error);
    if (code == RF_OK &&
        (!*row || (*row)->rowid != wanted->key || !rf_hash_equal((*row)->hash, wanted->hash))) {
        code = differs(added->job, "the source", wanted->key, error);
    }
    return code;
}

static enum rf_code put_added(struct rf_table_job *job, struct rf_delta *delta,
                              const struct rf_spill *rows, struct rf_error *error) {
    if (rows->count == 0) {
        return RF_OK;
    }
    struct added added = {.job = job};
    struct rf_spill_reader reader;
    rf_spill_reader_init(&reader, rows, 0, rows->count);
    enum rf_code code = open_new(&added, rows->count, error);
    while (code == RF_OK) {
        const struct rf_unpaired *wanted = NULL;
        const struct rf_source_row *row = NULL;
        code = next_unpaired(&reader, &wanted, error);
        if (code != RF_OK || !wanted) {
            break;
        }
        code = find_new(&added, wanted, &row, error);
        if (code == RF_OK) {
            code = rf_delta_row(delta, row, error);
        }
        if (code == RF_OK) {
            code = rf_job_row(job, error);
        }
    }
    rf_spill_reader_release(&reader);
    rf_row_scan_free(added.lookup);
    rf_row_feed_close(added.feed);
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
