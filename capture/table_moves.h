/* Which rows of a table moved: chooses how the content pass (moves.h) is to look at it.
 *
 * Most of the time only what the first pass left over is paired. But where rows were numbered anew
 * (VACUUM, dump and reload, a place in the scan), a row may keep its key by chance, having the
 * content of another one, and bar the way for all moves across it. Then all rows of both sides are
 * looked at. */
#ifndef RF_CAPTURE_TABLE_MOVES_H
#define RF_CAPTURE_TABLE_MOVES_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/moves.h"
#include "capture/table_job.h"
#include "format/error.h"
#include "format/hash.h"

/* A sum over row hashes that knows their places. Rows that stand at the same place of both lists
 * may be left out of both. */
static inline void rf_sequence_add(uint64_t *sequence, struct rf_hash hash, uint64_t place) {
    uint64_t mixed = (hash.low ^ (place * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu;
    *sequence += (mixed ^ (mixed >> 32) ^ hash.high) * 0xc4ceb9fe1a85ec53u;
}

/* What the first pass found. */
struct rf_first_pass {
    struct rf_spill old_left; /* struct rf_leftover */
    struct rf_spill new_left;
    uint64_t same; /* rows of the same key and content */
    uint64_t old_rows;
    uint64_t new_rows;
    uint64_t old_sequence; /* of all rows' hashes, but those at the same place of both */
    uint64_t new_sequence;
    bool shifted; /* rows that nobody looked at stand at other places: the sequences say nothing */
};

RF_MUST_USE enum rf_code rf_table_find_moves(struct rf_table_job *job,
                                             const struct rf_first_pass *first,
                                             struct rf_moves *moves, struct rf_error *error);

#endif
