#include "capture/moves.h"

#include "capture/moves_inner.h"

static int compare_old(const void *a, const void *b) {
    const struct rf_match *left = a;
    const struct rf_match *right = b;
    return (left->old > right->old) - (left->old < right->old);
}

enum rf_code rf_moves_pair(const struct rf_scratch *scratch, const struct rf_spill *old_rows,
                           const struct rf_spill *new_rows, struct rf_spill *matches,
                           struct rf_pairing *pairing, struct rf_error *error) {
    struct rf_pairs pairs;
    struct rf_spill sure, guessed;
    *pairing = (struct rf_pairing){0};
    rf_sorter_init(&pairs.sure, scratch, sizeof(struct rf_match), compare_old);
    rf_sorter_init(&pairs.guessed, scratch, sizeof(struct rf_match), compare_old);
    rf_spill_init(&sure, scratch, sizeof(struct rf_match));
    rf_spill_init(&guessed, scratch, sizeof(struct rf_match));
    enum rf_code code =
        rf_pair_by_content(scratch, old_rows, new_rows, &pairs, &pairing->pairable, error);
    if (code == RF_OK) {
        code = rf_choose_pairs(scratch, &pairs.sure, NULL, &sure, error);
    }
    if (code == RF_OK) {
        code = rf_choose_pairs(scratch, &pairs.guessed, &sure, &guessed, error);
    }
    if (code == RF_OK) {
        code =
            rf_fill_between(old_rows, new_rows, &sure, &guessed, matches, &pairing->matched, error);
    }
    rf_sorter_release(&pairs.sure);
    rf_sorter_release(&pairs.guessed);
    rf_spill_release(&sure);
    rf_spill_release(&guessed);
    return code;
}

enum rf_code rf_moves_pair_by_place(const struct rf_spill *old_rows,
                                    const struct rf_spill *new_rows, struct rf_spill *matches,
                                    bool *same, struct rf_error *error) {
    *same = old_rows->count == new_rows->count;
    struct rf_spill_reader old_reader, new_reader;
    rf_spill_reader_init(&old_reader, old_rows, 0, old_rows->count);
    rf_spill_reader_init(&new_reader, new_rows, 0, new_rows->count);
    enum rf_code code = RF_OK;
    for (uint64_t i = 0; code == RF_OK && *same && i < old_rows->count; i++) {
        struct rf_leftover old, new;
        code = rf_leftovers_load(&old_reader, &old, 1, error);
        if (code == RF_OK) {
            code = rf_leftovers_load(&new_reader, &new, 1, error);
        }
        *same = code == RF_OK && rf_same_content(&old, &new);
    }
    rf_spill_reader_release(&old_reader);
    rf_spill_reader_release(&new_reader);
    if (code == RF_OK && *same && old_rows->count > 0) {
        struct rf_match all = {.count = old_rows->count};
        code = rf_spill_add(matches, &all, error);
    }
    return code;
}

/* ---- from places back to keys ---- */

void rf_moves_init(struct rf_moves *moves, const struct rf_scratch *scratch) {
    *moves = (struct rf_moves){0};
    rf_spill_init(&moves->runs, scratch, sizeof(struct rf_moved));
    rf_spill_init(&moves->gone, scratch, sizeof(struct rf_unpaired));
    rf_spill_init(&moves->added, scratch, sizeof(struct rf_unpaired));
}

void rf_moves_release(struct rf_moves *moves) {
    rf_spill_release(&moves->runs);
    rf_spill_release(&moves->gone);
    rf_spill_release(&moves->added);
}

/* The rows from where the reader stands up to `end` are without a match. */
static enum rf_code take_unpaired(struct rf_spill_reader *reader, uint64_t end,
                                  struct rf_spill *unpaired, struct rf_error *error) {
    enum rf_code code = RF_OK;
    while (code == RF_OK && reader->next < end) {
        struct rf_leftover row;
        code = rf_leftovers_load(reader, &row, 1, error);
        if (code == RF_OK) {
            struct rf_unpaired lone = {.key = row.key, .hash = row.hash};
            code = rf_spill_add(unpaired, &lone, error);
        }
    }
    return code;
}

static bool continues(const struct rf_moved *run, int64_t from, int64_t to) {
    return run->count > 0 && (uint64_t)from - (uint64_t)run->old == run->count &&
           (uint64_t)to - (uint64_t)run->new == run->count;
}

static enum rf_code end_run(struct rf_moves *moves, struct rf_moved *run, struct rf_error *error) {
    enum rf_code code = run->count > 0 ? rf_spill_add(&moves->runs, run, error) : RF_OK;
    run->count = 0;
    return code;
}

static enum rf_code take_pair(struct rf_moves *moves, struct rf_moved *run, int64_t old,
                              int64_t new, struct rf_error *error) {
    if (old == new) {
        moves->stayed++;
        return RF_OK;
    }
    moves->moved++;
    enum rf_code code = RF_OK;
    if (!continues(run, old, new)) {
        code = end_run(moves, run, error);
        run->old = old;
        run->new = new;
    }
    run->count++;
    return code;
}

static enum rf_code take_match(struct rf_moves *moves, struct rf_spill_reader *old_reader,
                               struct rf_spill_reader *new_reader, const struct rf_match *match,
                               struct rf_moved *run, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint64_t i = 0; code == RF_OK && i < match->count; i++) {
        struct rf_leftover old, new;
        code = rf_leftovers_load(old_reader, &old, 1, error);
        if (code == RF_OK) {
            code = rf_leftovers_load(new_reader, &new, 1, error);
        }
        if (code == RF_OK) {
            code = take_pair(moves, run, old.key, new.key, error);
        }
    }
    return code;
}

enum rf_code rf_moves_sort_out(const struct rf_spill *old_rows, const struct rf_spill *new_rows,
                               const struct rf_spill *matches, struct rf_moves *moves,
                               struct rf_error *error) {
    struct rf_spill_reader old_reader, new_reader, match_reader;
    rf_spill_reader_init(&old_reader, old_rows, 0, old_rows->count);
    rf_spill_reader_init(&new_reader, new_rows, 0, new_rows->count);
    rf_spill_reader_init(&match_reader, matches, 0, matches->count);
    struct rf_moved run = {0};
    enum rf_code code = RF_OK;
    for (bool more = true; code == RF_OK && more;) {
        const void *record = NULL;
        code = rf_spill_next(&match_reader, &record, error);
        if (code != RF_OK) {
            break;
        }
        const struct rf_match *match = record;
        more = match;
        code =
            take_unpaired(&old_reader, match ? match->old : old_rows->count, &moves->gone, error);
        if (code == RF_OK) {
            code = take_unpaired(&new_reader, match ? match->new : new_rows->count, &moves->added,
                                 error);
        }
        if (code == RF_OK && match) {
            code = take_match(moves, &old_reader, &new_reader, match, &run, error);
        }
    }
    if (code == RF_OK) {
        code = end_run(moves, &run, error);
    }
    rf_spill_reader_release(&old_reader);
    rf_spill_reader_release(&new_reader);
    rf_spill_reader_release(&match_reader);
    return code;
}
