/* Filling: what lies between two kept stretches is compared once more, in place. */
#include <stdlib.h>

#include "capture/moves_inner.h"

#define FILL_MAX 128u /* rows between two stretches that are compared each with each */

struct filler {
    const struct rf_spill *old_rows;
    const struct rf_spill *new_rows;
    struct rf_spill_reader old_reader;
    struct rf_spill_reader new_reader;
    struct rf_spill *matches;
    struct rf_match last; /* not yet added: what follows may continue it */
    uint64_t matched;
    struct rf_leftover old_side[FILL_MAX];
    struct rf_leftover new_side[FILL_MAX];
    uint8_t longest[FILL_MAX + 1][FILL_MAX + 1]; /* common subsequence from here on */
};

static enum rf_code keep(struct filler *filler, uint64_t old, uint64_t new, uint64_t count,
                         struct rf_error *error) {
    struct rf_match *last = &filler->last;
    filler->matched += count;
    if (last->count > 0 && old == last->old + last->count && new == last->new + last->count) {
        last->count += count;
        return RF_OK;
    }
    enum rf_code code = last->count > 0 ? rf_spill_add(filler->matches, last, error) : RF_OK;
    *last = (struct rf_match){.old = old, .new = new, .count = count};
    return code;
}

/* The longest common subsequence of the two sides, by the book. */
static enum rf_code fill_small(struct filler *filler, uint64_t old, size_t old_count, uint64_t new,
                               size_t new_count, struct rf_error *error) {
    enum rf_code code = rf_leftovers_load(&filler->old_reader, filler->old_side, old_count, error);
    if (code == RF_OK) {
        code = rf_leftovers_load(&filler->new_reader, filler->new_side, new_count, error);
    }
    memset(filler->longest[old_count], 0, sizeof filler->longest[old_count]);
    for (size_t i = old_count; i-- > 0;) {
        filler->longest[i][new_count] = 0;
        for (size_t j = new_count; j-- > 0;) {
            uint8_t skip_old = filler->longest[i + 1][j];
            uint8_t skip_new = filler->longest[i][j + 1];
            filler->longest[i][j] = rf_same_content(&filler->old_side[i], &filler->new_side[j])
                                        ? (uint8_t)(filler->longest[i + 1][j + 1] + 1)
                                    : skip_old > skip_new ? skip_old
                                                          : skip_new;
        }
    }
    for (size_t i = 0, j = 0; code == RF_OK && i < old_count && j < new_count;) {
        if (rf_same_content(&filler->old_side[i], &filler->new_side[j])) {
            code = keep(filler, old + i++, new + j++, 1, error);
        } else if (filler->longest[i + 1][j] >= filler->longest[i][j + 1]) {
            i++;
        } else {
            j++;
        }
    }
    return code;
}

/* Between stretches far apart, what they begin with alike. */
static enum rf_code fill_large(struct filler *filler, uint64_t old, uint64_t old_count,
                               uint64_t new, uint64_t new_count, struct rf_error *error) {
    uint64_t count = old_count < new_count ? old_count : new_count;
    enum rf_code code = RF_OK;
    for (uint64_t i = 0; code == RF_OK && i < count; i++) {
        code = rf_leftovers_load(&filler->old_reader, filler->old_side, 1, error);
        if (code == RF_OK) {
            code = rf_leftovers_load(&filler->new_reader, filler->new_side, 1, error);
        }
        if (code != RF_OK || !rf_same_content(filler->old_side, filler->new_side)) {
            break;
        }
        code = keep(filler, old + i, new + i, 1, error);
    }
    return code;
}

/* Fills old rows [old, old_end) and new rows [new, new_end). */
static enum rf_code fill_region(struct filler *filler, uint64_t old, uint64_t old_end, uint64_t new,
                                uint64_t new_end, struct rf_error *error) {
    uint64_t old_count = old_end - old;
    uint64_t new_count = new_end - new;
    if (old_count == 0 || new_count == 0) {
        return RF_OK;
    }
    rf_spill_reader_seek(&filler->old_reader, old);
    rf_spill_reader_seek(&filler->new_reader, new);
    return old_count <= FILL_MAX && new_count <= FILL_MAX
               ? fill_small(filler, old, (size_t)old_count, new, (size_t)new_count, error)
               : fill_large(filler, old, old_count, new, new_count, error);
}

/* Two lists of stretches that fit each other, as one. */
struct merged {
    struct rf_spill_reader readers[2];
    const struct rf_match *next[2];
};

static enum rf_code advance(struct merged *merged, int side, struct rf_error *error) {
    const void *record = NULL;
    enum rf_code code = rf_spill_next(&merged->readers[side], &record, error);
    merged->next[side] = record;
    return code;
}

/* *match is old UINT64_MAX at the end. */
static enum rf_code next_kept(struct merged *merged, struct rf_match *match,
                              struct rf_error *error) {
    const struct rf_match *sure = merged->next[0];
    const struct rf_match *guessed = merged->next[1];
    if (!sure && !guessed) {
        *match = (struct rf_match){.old = UINT64_MAX};
        return RF_OK;
    }
    int side = !sure || (guessed && guessed->old < sure->old);
    *match = *merged->next[side];
    return advance(merged, side, error);
}

static enum rf_code fill_all(struct filler *filler, struct merged *kept, struct rf_error *error) {
    uint64_t old = 0;
    uint64_t new = 0;
    enum rf_code code = RF_OK;
    for (bool more = true; code == RF_OK && more;) {
        struct rf_match match;
        code = next_kept(kept, &match, error);
        more = match.old != UINT64_MAX;
        if (code == RF_OK) {
            code = fill_region(filler, old, more ? match.old : filler->old_rows->count, new,
                               more ? match.new : filler->new_rows->count, error);
        }
        if (code == RF_OK && more) {
            code = keep(filler, match.old, match.new, match.count, error);
            old = match.old + match.count;
            new = match.new + match.count;
        }
    }
    if (code == RF_OK && filler->last.count > 0) {
        code = rf_spill_add(filler->matches, &filler->last, error);
    }
    return code;
}

enum rf_code rf_fill_between(const struct rf_spill *old_rows, const struct rf_spill *new_rows,
                             const struct rf_spill *sure, const struct rf_spill *guessed,
                             struct rf_spill *matches, uint64_t *matched, struct rf_error *error) {
    struct merged kept = {0};
    struct filler *filler = calloc(1, sizeof *filler);
    if (!filler) {
        return rf_fail_memory(error);
    }
    filler->old_rows = old_rows;
    filler->new_rows = new_rows;
    filler->matches = matches;
    rf_spill_reader_init(&filler->old_reader, old_rows, 0, old_rows->count);
    rf_spill_reader_init(&filler->new_reader, new_rows, 0, new_rows->count);
    rf_spill_reader_init(&kept.readers[0], sure, 0, sure->count);
    rf_spill_reader_init(&kept.readers[1], guessed, 0, guessed->count);
    enum rf_code code = advance(&kept, 0, error);
    if (code == RF_OK) {
        code = advance(&kept, 1, error);
    }
    if (code == RF_OK) {
        code = fill_all(filler, &kept, error);
    }
    *matched = filler->matched;
    rf_spill_reader_release(&kept.readers[0]);
    rf_spill_reader_release(&kept.readers[1]);
    rf_spill_reader_release(&filler->old_reader);
    rf_spill_reader_release(&filler->new_reader);
    free(filler);
    return code;
}
