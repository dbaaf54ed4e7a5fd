/* Runs of leaves that are told apart by one identity, each with copies of its pages.
 *
 * A chunk ends behind a leaf whose own identity says so, once it has a least size, and at a
 * greatest size at the latest. So where it ends is told by what it holds: a change moves the ends
 * of the chunks that hold it, and perhaps of a few behind them, and no others.
 *
 * Chunks are cut by one thread at a time, from one scan; each is then used by one thread, any. */
#ifndef RF_CAPTURE_PAGE_CHUNK_H
#define RF_CAPTURE_PAGE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "capture/page_scan.h"
#include "format/bytes.h"
#include "format/error.h"

#ifndef RF_CHUNK_LEAST                 /* tests make them small */
#define RF_CHUNK_LEAST (64u << 10)     /* bytes of leaf pages, and of what overflows from them */
#define RF_CHUNK_GREATEST (512u << 10) /* unless one leaf is larger with what overflows */
#define RF_CHUNK_USUAL (128u << 10)    /* beyond the least, on average */
#endif

struct rf_page_chunk {
    uint64_t number; /* in the table, from 0 */
    uint32_t leaves; /* 0: the table is at its end */
    uint64_t rows;
    uint64_t size;             /* bytes, as above */
    struct rf_buffer bytes;    /* of the leaves and their dividers */
    struct rf_kept_leaf *kept; /* leaves of them */
    uint32_t capacity;
};

void rf_page_chunk_release(
    struct rf_page_chunk *chunk); /* of one that is all zero, or twice, is fine */
/* Replaces what is in the chunk by the next leaves of the scan. */
RF_MUST_USE enum rf_code rf_page_chunk_cut(struct rf_page_chunk *chunk, struct rf_page_scan *scan,
                                           uint32_t page_size, struct rf_error *error);
/* Leaf `index`, valid until the chunk is cut again. */
void rf_page_chunk_leaf(const struct rf_page_chunk *chunk, uint32_t index,
                        struct rf_page_leaf *leaf);

#endif
