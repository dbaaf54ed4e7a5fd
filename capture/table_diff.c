#include "capture/table_diff.h"

#include <string.h>

#include "capture/census.h"
#include "capture/delta.h"
#include "capture/diff.h"
#include "capture/second_pass.h"
#include "capture/table_moves.h"

/* A place in the parent's index: so many pieces, and so many rows of the next one. */
struct place {
    uint32_t piece;
    uint32_t row;
};

/* The first pass under way. */
struct pass {
    struct rf_table_job *job;
    const struct rf_table *table;
    struct rf_manifest_table *child;
    struct rf_parent_rows *parent;
    struct rf_index_reader *known; /* the parent's index; NULL: its rows come from its state */
    struct rf_parent_rows *whole;  /* the same rows with all their cells, where those are wanted */
    struct rf_keyed_row whole_row; /* of it, the next */
    const struct rf_piece *piece;  /* the child's rows that are being looked at; NULL: none */
    struct rf_diff diff;
    struct place same; /* while nothing differed: what came before the piece */
    bool changed;      /* something differed */
    bool counted;      /* the census has all that came so far; else all of it was passed over */
    struct rf_buffer old_key;
    struct rf_delta *delta;
    struct rf_index_outlet *index;
    struct rf_first_pass first;
};

/* A row of these tables cannot move without changing. */
static bool is_single_pass(const struct rf_table *table) {
    return table->alias >= 0 || table->key_kind == RF_KEY_COLUMNS;
}

static enum rf_code next_old(void *context, const struct rf_keyed_rows **rows,
                             struct rf_error *error) {
    struct pass *pass = context;
    return rf_job_old_rows(pass->job, pass->parent, rows, error);
}

static struct place place_of(const struct pass *pass) {
    if (!pass->known) {
        return (struct place){0};
    }
    uint32_t next = rf_parent_rows_piece(pass->parent);
    return rf_diff_left(&pass->diff) > 0 ? (struct place){next - 1, pass->diff.old.at}
                                         : (struct place){next, 0};
}

/* ---- the new index ---- */

/* Rows before `same`, of which whole pieces go over as they are. */
static enum rf_code copy_same(struct pass *pass, struct rf_error *error) {
    enum rf_code code = rf_index_outlet_copy(pass->index, pass->known, 0, pass->same.piece, error);
    if (code != RF_OK || pass->same.row == 0) {
        return code;
    }
    /* The diff is still looking at what its own reader gave. */
    struct rf_parent_rows *parent = NULL;
    const struct rf_keyed_rows *rows = NULL;
    code = rf_job_parent_rows(pass->job, &parent, error);
    if (code == RF_OK) {
        rf_parent_rows_skip_to(parent, pass->same.piece);
        code = rf_job_old_rows(pass->job, parent, &rows, error);
    }
    if (code == RF_OK && rows) {
        code = rf_index_outlet_put_part(pass->index, rows, pass->same.row, error);
    }
    rf_parent_rows_close(parent);
    return code;
}

static enum rf_code start_index(struct pass *pass, struct rf_error *error) {
    enum rf_code code = rf_index_outlet_open(pass->index, pass->job->settings, pass->table, error);
    if (code == RF_OK && pass->known) {
        code = copy_same(pass, error);
    }
    return code == RF_OK && pass->piece ? rf_index_outlet_put(pass->index, pass->piece, error)
                                        : code;
}

/* From here on rows are counted as they come; what was passed over so far is in the index. */
static enum rf_code start_counting(struct pass *pass, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && !pass->counted && i < pass->same.piece; i++) {
        code = rf_job_index_code(pass->job,
                                 rf_index_read_census(pass->known, i, pass->child->census, error));
    }
    pass->counted = true;
    return code;
}

/* ---- rows that differ ---- */

/* What the delta keeps of an old row. `whole` gives the rows of `parent` in the same order, and is
 * behind. */
static enum rf_code put_old(struct pass *pass, struct rf_keyed_row old, struct rf_error *error) {
    rf_buffer_clear(&pass->old_key);
    if (!pass->whole) {
        rf_parent_rows_key(pass->parent, old, &pass->old_key);
        return rf_buffer_check(&pass->old_key, error);
    }
    struct rf_keyed_row *row = &pass->whole_row;
    for (;; row->at++) {
        if (!row->rows || row->at == row->rows->count) {
            row->at = 0;
            enum rf_code code = rf_parent_rows_next(pass->whole, &row->rows, error);
            if (code != RF_OK) {
                return code;
            }
        }
        if (!row->rows) {
            return rf_fail(error, RF_CORRUPT,
                           "the archives of table \"%.200s\" lack a row of its index",
                           pass->table->name);
        }
        if (rf_hash_equal(rf_keyed_hash(*row), rf_keyed_hash(old))) {
            break;
        }
    }
    rf_parent_rows_cells(pass->whole, row->at, &pass->old_key);
    return rf_buffer_check(&pass->old_key, error);
}

static enum rf_code put_new(struct pass *pass, uint32_t at, struct rf_error *error) {
    const struct rf_piece *piece = pass->piece;
    const struct rf_source_row row = {
        .rowid = piece->rowids[at],
        .hash = piece->hashes[at],
        .cells = piece->cells + piece->starts[at],
        .size = piece->starts[at + 1] - piece->starts[at],
    };
    return rf_delta_row(pass->delta, &row, error);
}

static int64_t rowid_of(const struct pass *pass, struct rf_keyed_row row) {
    return pass->table->key_kind == RF_KEY_COLUMNS ? 0 : rf_keyed_rowid(row);
}

static enum rf_code take_single(struct pass *pass, struct rf_keyed_row old, struct rf_keyed_row new,
                                struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (old.rows) {
        code = put_old(pass, old, error);
        if (code == RF_OK) {
            code = rf_delta_gone(pass->delta, rowid_of(pass, old), rf_keyed_hash(old),
                                 pass->old_key.bytes, pass->old_key.size, error);
        }
    }
    if (code == RF_OK && new.rows) {
        code = put_new(pass, new.at, error);
    }
    pass->child->updated += old.rows && new.rows;
    pass->child->inserted += !old.rows;
    pass->child->deleted += !new.rows;
    return code;
}

static enum rf_code leave_over(struct pass *pass, struct rf_keyed_row old, struct rf_keyed_row new,
                               struct rf_error *error) {
    struct rf_first_pass *first = &pass->first;
    enum rf_code code = RF_OK;
    if (old.rows) {
        struct rf_leftover row = {rf_keyed_rowid(old), rf_keyed_hash(old), first->same};
        code = rf_spill_add(&first->old_left, &row, error);
        rf_sequence_add(&first->old_sequence, row.hash, first->old_rows);
    }
    if (code == RF_OK && new.rows) {
        struct rf_leftover row = {rf_keyed_rowid(new), rf_keyed_hash(new), first->same};
        code = rf_spill_add(&first->new_left, &row, error);
        rf_sequence_add(&first->new_sequence, row.hash, first->new_rows);
    }
    return code;
}

/* At the same place of both sides they would count alike. */
static void take_same(struct pass *pass, struct rf_keyed_row new, uint32_t count) {
    struct rf_first_pass *first = &pass->first;
    const struct rf_hash *hashes = new.rows->hashes + new.at;
    bool shifted = first->old_rows != first->new_rows && !is_single_pass(pass->table);
    for (uint32_t i = 0; shifted && i < count; i++) {
        rf_sequence_add(&first->old_sequence, hashes[i], first->old_rows + i);
        rf_sequence_add(&first->new_sequence, hashes[i], first->new_rows + i);
    }
    first->same += count;
}

static enum rf_code take(void *context, enum rf_diff_event event, struct rf_keyed_row old,
                         struct rf_keyed_row new, uint32_t count, struct rf_error *error) {
    struct pass *pass = context;
    enum rf_code code = RF_OK;
    if (event == RF_DIFF_SAME) {
        take_same(pass, new, count);
    } else {
        if (!pass->changed) {
            pass->changed = true;
            code = start_counting(pass, error);
        }
        if (code == RF_OK && !pass->index->open) {
            code = start_index(pass, error);
        }
        if (code == RF_OK) {
            code = is_single_pass(pass->table) ? take_single(pass, old, new, error)
                                               : leave_over(pass, old, new, error);
        }
    }
    pass->first.old_rows += old.rows ? count : 0;
    pass->first.new_rows += new.rows ? count : 0;
    return code;
}

/* ---- pieces ---- */

static enum rf_code out_of_step(struct pass *pass, struct rf_error *error) {
    enum rf_code code =
        rf_fail(error, RF_CORRUPT, "the index of table \"%.200s\" knows its rows in another order",
                pass->table->name);
    return rf_job_index_code(pass->job, code);
}

/* What the parent has before the piece is gone. */
static enum rf_code lead_old_to(struct pass *pass, uint32_t piece, struct rf_error *error) {
    for (;;) {
        struct place place = place_of(pass);
        if (place.piece >= piece) {
            bool there = place.piece == piece && place.row == 0;
            return there ? RF_OK : out_of_step(pass, error);
        }
        enum rf_code code = rf_diff_gone(&pass->diff, error);
        if (code != RF_OK) {
            return code;
        }
    }
}

static enum rf_code pass_over(struct pass *pass, uint32_t piece, struct rf_error *error) {
    const struct rf_index_entry *entry = rf_index_entry(pass->known, piece);
    struct rf_digest digest = {entry->sum, entry->rows};
    struct rf_first_pass *first = &pass->first;
    rf_digest_join(&pass->child->digest, &digest);
    first->shifted |= first->old_rows != first->new_rows;
    first->same += entry->rows;
    first->old_rows += entry->rows;
    first->new_rows += entry->rows;
    pass->job->rows_done += entry->rows;
    return pass->counted
               ? rf_job_index_code(pass->job, rf_index_read_census(pass->known, piece,
                                                                   pass->child->census, error))
               : RF_OK;
}

static enum rf_code take_known(struct pass *pass, struct rf_hash identity, struct rf_error *error) {
    uint32_t begin = rf_index_find(pass->known, identity);
    if (begin == RF_INDEX_NONE) {
        return out_of_step(pass, error);
    }
    uint32_t end = rf_index_chunk_end(pass->known, begin);
    enum rf_code code = lead_old_to(pass, begin, error);
    for (uint32_t i = begin; code == RF_OK && i < end; i++) {
        code = pass_over(pass, i, error);
    }
    if (code != RF_OK) {
        return code;
    }
    pass->diff.old = (struct rf_keyed_row){0};
    rf_parent_rows_skip_to(pass->parent, end);
    return pass->index->open ? rf_index_outlet_copy(pass->index, pass->known, begin, end, error)
                             : RF_OK;
}

static enum rf_code take_rows(struct pass *pass, const struct rf_piece *piece,
                              struct rf_error *error) {
    const struct rf_keyed_rows rows = rf_piece_rows(piece);
    enum rf_code code = start_counting(pass, error);
    for (uint32_t i = 0; i < pass->table->column_count; i++) {
        rf_census_join(&pass->child->census[i], &piece->census[i]);
    }
    rf_digest_join(&pass->child->digest, &piece->digest);
    pass->piece = piece;
    if (code == RF_OK && pass->index->open) {
        code = rf_index_outlet_put(pass->index, piece, error);
    } else if (code == RF_OK && (!pass->known || !rf_hash_is_zero(piece->identity))) {
        code = start_index(pass, error);
    }
    if (code == RF_OK) {
        code = rf_diff_rows(&pass->diff, &rows, error);
    }
    pass->piece = NULL;
    return code;
}

static enum rf_code take_pieces(struct pass *pass, struct rf_row_feed *feed,
                                struct rf_error *error) {
    for (;;) {
        const struct rf_piece *piece = NULL;
        enum rf_code code = rf_job_new_rows(pass->job, feed, &piece, error);
        pass->same = pass->changed ? pass->same : place_of(pass);
        if (code != RF_OK || !piece) {
            return code == RF_OK ? rf_diff_finish(&pass->diff, error) : code;
        }
        code =
            piece->known ? take_known(pass, piece->identity, error) : take_rows(pass, piece, error);
        if (code != RF_OK) {
            return code;
        }
    }
}

static enum rf_code open_whole(struct pass *pass, struct rf_error *error) {
    bool wanted = is_single_pass(pass->table) && rf_delta_gone_form(pass->job) == RF_GONE_ROW;
    return wanted ? rf_parent_rows_from_state(pass->job->settings->repository, pass->job->parent,
                                              true, &pass->whole, error)
                  : RF_OK;
}

static enum rf_code first_pass(struct pass *pass, struct rf_error *error) {
    struct rf_row_feed *feed = NULL;
    enum rf_code code = rf_job_parent_rows(pass->job, &pass->parent, error);
    if (code == RF_OK) {
        pass->known = rf_parent_rows_index(pass->parent);
        code = open_whole(pass, error);
    }
    if (code == RF_OK) {
        code = rf_job_feed(pass->job, pass->known, &feed, error);
    }
    if (code == RF_OK) {
        code = take_pieces(pass, feed, error);
    }
    if (code == RF_OK) {
        code = rf_index_outlet_settle(pass->index, error);
    }
    rf_row_feed_close(feed);
    rf_parent_rows_close(pass->parent);
    rf_parent_rows_close(pass->whole);
    if (code == RF_OK && !pass->changed) {
        memcpy(pass->child->census, pass->job->parent->census,
               pass->table->column_count * sizeof *pass->child->census);
    }
    return code;
}

static enum rf_code other_passes(struct pass *pass, struct rf_error *error) {
    struct rf_moves moves;
    rf_moves_init(&moves, pass->job->scratch);
    enum rf_code code = rf_table_find_moves(pass->job, &pass->first, &moves, error);
    if (code == RF_OK) {
        code = rf_second_pass(pass->job, pass->delta, &moves, error);
    }
    rf_moves_release(&moves);
    return code;
}

static enum rf_code prove(const struct rf_table_job *job, const struct rf_delta *delta,
                          struct rf_error *error) {
    const struct rf_manifest_table *child = job->child;
    if (rf_digest_equal(&delta->digest, &child->digest)) {
        return RF_OK;
    }
    char expected[RF_HASH_HEX], found[RF_HASH_HEX];
    rf_fail(error, RF_FAILED, "the delta of table \"%.200s\" does not lead from its parent to it",
            child->table.name);
    rf_detail(error, "digest %s of %llu rows, scanned %s of %llu",
              rf_hash_text(delta->digest.sum, expected), (unsigned long long)delta->digest.rows,
              rf_hash_text(child->digest.sum, found), (unsigned long long)child->digest.rows);
    rf_hint(error, "this is a bug or bad memory; nothing was published.");
    return RF_FAILED;
}

static enum rf_code finish(struct pass *pass, struct rf_archive_ref *ref, struct rf_error *error) {
    enum rf_code code = RF_OK;
    if (pass->changed && !is_single_pass(pass->table)) {
        code = other_passes(pass, error);
    }
    if (code == RF_OK) {
        code = prove(pass->job, pass->delta, error);
    }
    return code == RF_OK && pass->changed ? rf_delta_finish(pass->delta, ref, error) : code;
}

enum rf_code rf_table_diff(struct rf_table_job *job, bool *changed, struct rf_archive_ref *ref,
                           struct rf_index_outlet *index, struct rf_error *error) {
    struct rf_delta delta = {.job = job, .digest = job->parent->digest};
    const struct rf_table *table = &job->child->table;
    struct pass pass = {
        .job = job, .table = table, .child = job->child, .delta = &delta, .index = index};
    pass.diff = (struct rf_diff){.by_columns = table->key_kind == RF_KEY_COLUMNS,
                                 .context = &pass,
                                 .next = next_old,
                                 .take = take};
    *index = (struct rf_index_outlet){0};
    rf_spill_init(&pass.first.old_left, job->scratch, sizeof(struct rf_leftover));
    rf_spill_init(&pass.first.new_left, job->scratch, sizeof(struct rf_leftover));
    enum rf_code code = first_pass(&pass, error);
    if (code == RF_OK) {
        code = finish(&pass, ref, error);
    }
    *changed = pass.changed;
    if (code != RF_OK) {
        rf_delta_abort(&delta);
        rf_index_outlet_abort(index);
    }
    rf_spill_release(&pass.first.old_left);
    rf_spill_release(&pass.first.new_left);
    rf_buffer_release(&pass.old_key);
    return code;
}
