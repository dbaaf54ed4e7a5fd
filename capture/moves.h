/* The content pass of the diff: rows that are still there, under another rowid.
 *
 * What the first pass left over on either side, in the order of keys, is paired by content, and of
 * the pairs as many are kept as follow each other on both sides: readers walk the parent's rows in
 * their order and renumber them as they go, so survivors may not overtake each other. A leftover's
 * `gap` says how many rows before it kept their key: a pair across such a row would overtake it, so
 * only leftovers of the same gap are paired, and no more of the unmoved rows need be known.
 *
 * Rows are named by their place in the spill of their side. Memory is what rf_scratch allows. */
#ifndef RF_CAPTURE_MOVES_H
#define RF_CAPTURE_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/chain.h"
#include "capture/spill.h"
#include "format/error.h"
#include "format/hash.h"

struct rf_leftover {
    int64_t key;
    struct rf_hash hash;
    uint64_t gap;
};

/* What becomes of them. */
struct rf_unpaired { /* a row that is gone, or that is new */
    int64_t key;
    struct rf_hash hash;
};
struct rf_moved { /* old + i is now new + i, for i < count */
    int64_t old;
    int64_t new;
    uint64_t count;
};

struct rf_pairing {
    uint64_t matched;  /* pairs kept */
    uint64_t pairable; /* pairs there would be if neither order nor gaps mattered */
};

/* Pairs two spills of struct rf_leftover; `matches` gets struct rf_match, ascending on both
 * sides. */
RF_MUST_USE enum rf_code rf_moves_pair(const struct rf_scratch *scratch,
                                       const struct rf_spill *old_rows,
                                       const struct rf_spill *new_rows, struct rf_spill *matches,
                                       struct rf_pairing *pairing, struct rf_error *error);

/* The case where both sides hold the same contents in the same order, as after a VACUUM: one match
 * of everything. *same is false, and matches empty, where they do not. */
RF_MUST_USE enum rf_code rf_moves_pair_by_place(const struct rf_spill *old_rows,
                                                const struct rf_spill *new_rows,
                                                struct rf_spill *matches, bool *same,
                                                struct rf_error *error);

struct rf_moves {
    struct rf_spill runs;  /* struct rf_moved, ascending */
    struct rf_spill gone;  /* struct rf_unpaired of the old side, ascending */
    struct rf_spill added; /* struct rf_unpaired of the new side, ascending */
    uint64_t moved;        /* rows in the runs */
    uint64_t stayed;       /* matched rows whose key is the same on both sides */
};
void rf_moves_init(struct rf_moves *moves, const struct rf_scratch *scratch);
void rf_moves_release(struct rf_moves *moves); /* twice is fine */
/* Turns places back into keys. */
RF_MUST_USE enum rf_code rf_moves_sort_out(const struct rf_spill *old_rows,
                                           const struct rf_spill *new_rows,
                                           const struct rf_spill *matches, struct rf_moves *moves,
                                           struct rf_error *error);

#endif
