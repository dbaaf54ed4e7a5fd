#include "capture/table_moves.h"

#include "capture/index_outlet.h"

/* Looking at all rows costs a scan and a sort of the whole table: always worth it for a small
 * table, for a larger one where this part of its rows could be saved. */
#define SMALL_TABLE 65536u
#define WORTH_PART 32u

static enum rf_code add_rows(struct rf_spill *rows, const struct rf_keyed_rows *added,
                             struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < added->count; i++) {
        struct rf_leftover row = {.key = added->rowids[i], .hash = added->hashes[i]};
        code = rf_spill_add(rows, &row, error);
    }
    return code;
}

static enum rf_code load_old(struct rf_table_job *job, struct rf_spill *rows,
                             struct rf_error *error) {
    struct rf_parent_rows *parent = NULL;
    enum rf_code code = rf_job_parent_rows(job, &parent, error);
    while (code == RF_OK) {
        const struct rf_keyed_rows *stretch = NULL;
        code = rf_job_old_rows(job, parent, &stretch, error);
        if (code != RF_OK || !stretch) {
            break;
        }
        code = add_rows(rows, stretch, error);
        if (code == RF_OK) {
            code = rf_job_report(job, error);
        }
    }
    rf_parent_rows_close(parent);
    return code;
}

static enum rf_code load_new(struct rf_table_job *job, struct rf_spill *rows,
                             struct rf_error *error) {
    struct rf_row_feed *feed = NULL;
    enum rf_code code = rf_job_feed(job, NULL, &feed, error);
    while (code == RF_OK) {
        const struct rf_piece *piece = NULL;
        code = rf_job_new_rows(job, feed, &piece, error);
        if (code != RF_OK || !piece) {
            break;
        }
        const struct rf_keyed_rows added = rf_piece_rows(piece);
        code = add_rows(rows, &added, error);
    }
    rf_row_feed_close(feed);
    return code;
}

/* Pairs all rows of both sides; `moves` is filled if that pairs more than `least`. */
static enum rf_code pair_all(struct rf_table_job *job, uint64_t least, bool *better,
                             struct rf_moves *moves, struct rf_error *error) {
    struct rf_spill old_rows, new_rows, matches;
    struct rf_pairing pairing = {0};
    bool same = false;
    *better = false;
    rf_spill_init(&old_rows, job->scratch, sizeof(struct rf_leftover));
    rf_spill_init(&new_rows, job->scratch, sizeof(struct rf_leftover));
    rf_spill_init(&matches, job->scratch, sizeof(struct rf_match));
    enum rf_code code = load_old(job, &old_rows, error);
    if (code == RF_OK) {
        code = load_new(job, &new_rows, error);
    }
    if (code == RF_OK) {
        code = rf_moves_pair_by_place(&old_rows, &new_rows, &matches, &same, error);
    }
    if (code == RF_OK && !same) {
        code = rf_moves_pair(job->scratch, &old_rows, &new_rows, &matches, &pairing, error);
    }
    if (code == RF_OK && (same || pairing.matched > least)) {
        *better = true;
        code = rf_moves_sort_out(&old_rows, &new_rows, &matches, moves, error);
    }
    rf_spill_release(&old_rows);
    rf_spill_release(&new_rows);
    rf_spill_release(&matches);
    return code;
}

static bool worth_looking_at_all(const struct rf_first_pass *first,
                                 const struct rf_pairing *pairing) {
    uint64_t lost = pairing->pairable - pairing->matched;
    return lost > 0 && (first->new_rows <= SMALL_TABLE || lost > first->new_rows / WORTH_PART);
}

static enum rf_code pair_leftovers(struct rf_table_job *job, const struct rf_first_pass *first,
                                   struct rf_moves *moves, struct rf_error *error) {
    struct rf_spill matches;
    struct rf_pairing pairing = {0};
    bool done = false;
    rf_spill_init(&matches, job->scratch, sizeof(struct rf_match));
    enum rf_code code = RF_OK;
    if (first->old_left.count > 0 && first->new_left.count > 0) {
        code = rf_moves_pair(job->scratch, &first->old_left, &first->new_left, &matches, &pairing,
                             error);
    }
    if (code == RF_OK && worth_looking_at_all(first, &pairing)) {
        code = pair_all(job, first->same + pairing.matched, &done, moves, error);
    }
    if (code == RF_OK && !done) {
        code = rf_moves_sort_out(&first->old_left, &first->new_left, &matches, moves, error);
        moves->stayed += first->same;
    }
    rf_spill_release(&matches);
    return code;
}

enum rf_code rf_table_find_moves(struct rf_table_job *job, const struct rf_first_pass *first,
                                 struct rf_moves *moves, struct rf_error *error) {
    /* The same contents in the same order need no sorting to be recognised. */
    if (!first->shifted && first->old_rows == first->new_rows &&
        first->old_sequence == first->new_sequence) {
        bool done = false;
        enum rf_code code = pair_all(job, 0, &done, moves, error);
        if (code != RF_OK || done) {
            return code;
        }
    }
    return pair_leftovers(job, first, moves, error);
}
