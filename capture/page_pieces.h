/* From a chunk of leaves to pieces of rows (row_feed.h): what one thread does for the feed of
 * pages.
 *
 *     rf_page_maker_init(…)
 *     cut a chunk into maker->chunk
 *     rf_page_maker_begin(maker, error)
 *     while rf_page_maker_has_more(maker): rf_page_maker_fill(maker, piece, …)
 *
 * Pieces are smaller than they may be, so that what one thread has written the next still finds in
 * its cache. */
#ifndef RF_CAPTURE_PAGE_PIECES_H
#define RF_CAPTURE_PAGE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/page_chunk.h"
#include "capture/page_rows.h"
#include "capture/row_feed.h"
#include "format/bytes.h"

#ifndef RF_PAGE_PIECE_BYTES /* tests make them small */
#define RF_PAGE_PIECE_BYTES (256u << 10)
#define RF_PAGE_PIECE_ROWS 8192u
#define RF_PAGE_LARGE_ROW (1u << 20) /* a row that may be larger waits until there is no other */
#endif

struct rf_page_piece {
    struct rf_piece piece;
    uint64_t chunk; /* its number */
    struct rf_page_piece *next;
    int64_t *rowids; /* RF_PAGE_PIECE_ROWS of each of these, one more of starts */
    struct rf_hash *hashes;
    uint32_t *starts;
    uint32_t *key_starts;
    struct rf_census *census;
    struct rf_buffer cells;
    struct rf_buffer keys;
    uint32_t key_count; /* in keys: of all rows, or of the ends of a known chunk */
};
RF_MUST_USE enum rf_code rf_page_piece_init(struct rf_page_piece *piece, uint32_t columns,
                                            struct rf_error *error);
void rf_page_piece_release(struct rf_page_piece *piece); /* twice is fine */
/* Gives back what a large row took. */
void rf_page_piece_trim(struct rf_page_piece *piece);

struct rf_page_maker {
    const struct rf_row_feed_options *options; /* borrowed */
    const struct rf_page_layout *layout;       /* borrowed */
    struct rf_page_rows *rows;
    struct rf_page_chunk chunk;
    struct rf_hash identity; /* of the chunk */
    bool known;
    bool begun;    /* some piece of the chunk has been made */
    uint64_t left; /* rows of it; the one piece of a known chunk counts as one */
    uint32_t next; /* leaf */
    struct rf_page_leaf leaf;
};
RF_MUST_USE enum rf_code rf_page_maker_init(struct rf_page_maker *maker,
                                            const struct rf_row_feed_options *options,
                                            const struct rf_page_source *pages,
                                            const struct rf_page_layout *layout,
                                            struct rf_error *error);
void rf_page_maker_release(struct rf_page_maker *maker); /* twice is fine */
/* Identifies the chunk and asks whether it is known. */
RF_MUST_USE enum rf_code rf_page_maker_begin(struct rf_page_maker *maker, struct rf_error *error);
static inline bool rf_page_maker_has_more(const struct rf_page_maker *maker) {
    return maker->left > 0;
}
/* The next piece of the chunk. *waits: there is none yet, since a large row comes; to be called
 * again with `alone` when no other piece of the feed is in memory. */
RF_MUST_USE enum rf_code rf_page_maker_fill(struct rf_page_maker *maker,
                                            struct rf_page_piece *piece, bool alone, bool *waits,
                                            struct rf_error *error);

#endif
