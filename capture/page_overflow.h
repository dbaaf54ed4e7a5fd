/* The part of a payload that is not on its b-tree page: a chain of overflow pages, §1.7.
 *
 * A chain is followed for exactly as many pages as the payload needs; that number is bounded by the
 * budget, the pages that a scan may still touch. Each page of a b-tree belongs to one row, so a
 * scan that needs more pages than the database has is going in circles. Pages are read ahead in
 * runs where chains lie in order. One thread. */
#ifndef RF_CAPTURE_PAGE_OVERFLOW_H
#define RF_CAPTURE_PAGE_OVERFLOW_H

#include <stdint.h>

#include "capture/page_cell.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"

struct rf_overflow {
    const struct rf_page_source *source;
    uint64_t *budget; /* pages; borrowed */
    uint8_t *pages;   /* a window on the source; NULL before the first chain */
    uint32_t first;   /* page number; 0 while there is nothing in the window */
    uint32_t count;
    uint32_t capacity;
    uint32_t run; /* pages to read at the next miss */
};

void rf_overflow_init(struct rf_overflow *overflow, const struct rf_page_source *source,
                      uint64_t *budget);
void rf_overflow_release(struct rf_overflow *overflow); /* twice is fine */

/* The whole payload of a cell that overflows, in one piece, in place of what is in the buffer, and
 * room for RF_PAGE_SLACK bytes behind it. */
RF_MUST_USE enum rf_code rf_overflow_payload(struct rf_overflow *overflow,
                                             const struct rf_cell *cell, struct rf_buffer *payload,
                                             struct rf_error *error);
/* The hash of what is on its overflow pages. */
RF_MUST_USE enum rf_code rf_overflow_hash(struct rf_overflow *overflow, const struct rf_cell *cell,
                                          struct rf_hash *hash, struct rf_error *error);

#endif
