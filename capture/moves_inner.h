/* What the files of the content pass share. Inner header of moves.h. */
#ifndef RF_CAPTURE_MOVES_INNER_H
#define RF_CAPTURE_MOVES_INNER_H

#include <string.h>

#include "capture/moves.h"
#include "capture/sorter.h"

/* Pairs in the order of the old side. Contents that are there once on either side belong together
 * beyond doubt. Of several alike the first goes with the first, which is wrong for all of them as
 * soon as one is deleted: these are guesses, and give way where they cross what is sure. */
struct rf_pairs {
    struct rf_sorter sure;
    struct rf_sorter guessed;
};
/* Init and release are the caller's. `pairable`: see struct rf_pairing. */
RF_MUST_USE enum rf_code rf_pair_by_content(const struct rf_scratch *scratch,
                                            const struct rf_spill *old_rows,
                                            const struct rf_spill *new_rows, struct rf_pairs *pairs,
                                            uint64_t *pairable, struct rf_error *error);

/* Of pairs of struct rf_match, in the order of the old side, the stretches that are kept. `around`:
 * what is kept already and must not be crossed; NULL for nothing. */
RF_MUST_USE enum rf_code rf_choose_pairs(const struct rf_scratch *scratch, struct rf_sorter *pairs,
                                         const struct rf_spill *around, struct rf_spill *kept,
                                         struct rf_error *error);

/* Both lists of kept stretches, and what can be matched between them. */
RF_MUST_USE enum rf_code rf_fill_between(const struct rf_spill *old_rows,
                                         const struct rf_spill *new_rows,
                                         const struct rf_spill *sure,
                                         const struct rf_spill *guessed, struct rf_spill *matches,
                                         uint64_t *matched, struct rf_error *error);

static inline bool rf_same_content(const struct rf_leftover *a, const struct rf_leftover *b) {
    return rf_hash_equal(a->hash, b->hash) && a->gap == b->gap;
}

/* The next `count` leftovers, which are there. */
static inline enum rf_code rf_leftovers_load(struct rf_spill_reader *reader,
                                             struct rf_leftover *rows, size_t count,
                                             struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (size_t i = 0; code == RF_OK && i < count; i++) {
        const void *record = NULL;
        code = rf_spill_next(reader, &record, error);
        if (code == RF_OK) {
            memcpy(&rows[i], record, sizeof rows[i]);
        }
    }
    return code;
}

#endif
