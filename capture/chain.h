/* Which of many matches may stand together: matches pair a stretch of old rows with one of new
 * rows, and those that are kept must follow each other in both. Of all such choices the one with
 * most rows.
 *
 * That is the heaviest increasing subsequence, exact and in bounded memory as long as there are no
 * more stretches than the window holds. With more, the first half of a full window is settled by
 * what the whole window favours: exact again unless matches cross over more than half a window. */
#ifndef RF_CAPTURE_CHAIN_H
#define RF_CAPTURE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "capture/spill.h"
#include "format/error.h"

/* Old rows [old, old + count) have the content of new rows [new, new + count), one by one. */
struct rf_match {
    uint64_t old;
    uint64_t new;
    uint64_t count;
};

struct rf_chain {
    struct rf_match *window;
    size_t count;
    size_t capacity;
    uint64_t new_end;            /* of what was kept so far: what begins before it is lost */
    struct rf_chain_link *links; /* one a match of the window */
    struct rf_chain_order *order;
    size_t *tree;
    struct rf_spill *kept; /* of struct rf_match */
};

RF_MUST_USE enum rf_code rf_chain_init(struct rf_chain *chain, const struct rf_scratch *scratch,
                                       struct rf_spill *kept, struct rf_error *error);
void rf_chain_release(struct rf_chain *chain); /* twice is fine */
/* Matches come in ascending order of `old`; no two overlap on either side. */
RF_MUST_USE enum rf_code rf_chain_add(struct rf_chain *chain, const struct rf_match *match,
                                      struct rf_error *error);
/* Settles what is left in the window. */
RF_MUST_USE enum rf_code rf_chain_finish(struct rf_chain *chain, struct rf_error *error);

#endif
