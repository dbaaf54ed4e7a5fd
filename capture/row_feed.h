/* The rows of one table of the source, piece by piece, in the order in which archives keep them, as
 * canonical bytes with their hashes: what capture is made of.
 *
 *     rf_row_feed_open(&options, &feed, error)
 *     while rf_row_feed_next(feed, &piece, error), piece not NULL: …
 *     rf_row_feed_close(feed)
 *
 * There are two feeds behind it. One reads the b-tree's leaf pages straight from the file, on
 * several threads; the other asks SQLite (row_scan.h), and is the oracle of the first. Both give
 * the same rows in the same order; pieces and chunks may be cut elsewhere.
 *
 * A chunk is a run of rows that is told apart from others by an identity: equal identities are
 * equal rows (keys included), wherever their pages lie. A chunk is one piece or several; the rows
 * of a known chunk are not read at all, and it is one piece without rows. A chunk ends where the
 * identity of its last leaf says so, so that chunks before and behind a change come out as they
 * were. Through SQLite no chunk has an identity.
 *
 * A feed belongs to one thread, whatever threads it has of its own. */
#ifndef RF_CAPTURE_ROW_FEED_H
#define RF_CAPTURE_ROW_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/source.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/manifest.h"
#include "format/table.h"

/* A piece is at most RF_BATCH_BYTES of cells or one row, and at most RF_BATCH_ROWS rows. */
struct rf_piece {
    struct rf_hash identity; /* of its chunk, the same in all its pieces; zero: there is none */
    bool known;              /* options->known said so: `rows` is 0 and none are here */
    bool begins, ends;       /* its chunk */
    uint32_t rows;           /* > 0 unless known */
    const int64_t *rowids;   /* or places in the scan; zeros for WITHOUT ROWID */
    const struct rf_hash *hashes;
    const uint8_t *cells;       /* canonical, all columns; row i is [starts[i], starts[i + 1]) */
    const uint32_t *starts;     /* rows + 1 */
    const uint8_t *keys;        /* cells of the declared primary key, in the order of the key; */
    const uint32_t *key_starts; /* both NULL without such a key, or where it is the rowid */
    struct rf_digest digest;    /* of the rows of the piece */
    const struct rf_census *census; /* likewise; one entry a column */
};

struct rf_row_feed_options {
    struct rf_source *source;
    const struct rf_table *table; /* borrowed for the life of the feed */
    bool pages;                   /* read pages where that is possible */
    unsigned jobs;                /* threads that read pages, >= 1 */
    /* Whether the parent has a chunk of that identity, which is not zero; NULL: it has none. Called
     * from any thread, at once. */
    bool (*known)(void *context, struct rf_hash identity);
    void *context;
};

struct rf_row_feed;
RF_MUST_USE enum rf_code rf_row_feed_open(const struct rf_row_feed_options *options,
                                          struct rf_row_feed **feed, struct rf_error *error);
void rf_row_feed_close(struct rf_row_feed *feed); /* NULL is fine; at any time */
/* *piece is NULL at the end; valid until the next call. */
RF_MUST_USE enum rf_code rf_row_feed_next(struct rf_row_feed *feed, const struct rf_piece **piece,
                                          struct rf_error *error);
/* After a failure of next: why it is the pages that are to blame; NULL where they are not. What
 * came so far is then to be thrown away, and the table fed once more without pages. */
const char *rf_row_feed_unusual(const struct rf_row_feed *feed);
/* Why pages that were asked for are not read, but SQLite is asked; NULL where nothing is to
 * tell. */
const char *rf_row_feed_refused(const struct rf_row_feed *feed);

#endif
