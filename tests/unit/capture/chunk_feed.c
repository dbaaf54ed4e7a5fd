#include "chunk_feed.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cell.h"
#include "capture/census.h"
#include "capture/row_feed_inner.h"
#include "format/bytes.h"

#define PIECE_ROWS 5u  /* at most */
#define CHUNK_EVERY 8u /* rows a chunk, on average */

uint64_t chunk_feed_salt;
int chunk_feed_unusual_in = -1;
unsigned chunk_feed_known;

/* All rows of the table are held; pieces point into them. */
struct chunk_feed {
    struct rf_row_feed feed;
    struct rf_row_feed_options options;
    struct rf_buffer cells, keys, rowids, hashes, starts, key_starts;
    bool keyed;
    uint32_t rows;
    uint32_t at;        /* the next row */
    uint32_t chunk_end; /* of the chunk that is handed out */
    struct rf_hash identity;
    uint32_t *cut_starts; /* of the piece */
    uint32_t *cut_keys;
    struct rf_census *census;
    struct rf_piece piece;
    bool unusual;
};

static const struct rf_hash *hashes_of(const struct chunk_feed *feed) {
    return (const void *)feed->hashes.bytes;
}

static const int64_t *rowids_of(const struct chunk_feed *feed) {
    return (const void *)feed->rowids.bytes;
}

static void take_all(struct chunk_feed *feed, const struct rf_piece *piece) {
    for (uint32_t i = 0; i < piece->rows; i++) {
        uint32_t size = piece->starts[i + 1] - piece->starts[i];
        rf_buffer_append(&feed->cells, piece->cells + piece->starts[i], size);
        rf_buffer_u32(&feed->starts, (uint32_t)feed->cells.size);
        if (piece->keys) {
            rf_buffer_append(&feed->keys, piece->keys + piece->key_starts[i],
                             piece->key_starts[i + 1] - piece->key_starts[i]);
        }
        rf_buffer_u32(&feed->key_starts, (uint32_t)feed->keys.size);
    }
    feed->keyed |= piece->keys != NULL;
    rf_buffer_append(&feed->rowids, piece->rowids, piece->rows * sizeof *piece->rowids);
    rf_buffer_append(&feed->hashes, piece->hashes, piece->rows * sizeof *piece->hashes);
    feed->rows += piece->rows;
}

/* The chunk that begins at the next row. Its identity is one of rows and rowids. */
static void cut_chunk(struct chunk_feed *feed) {
    struct rf_buffer bytes = {0};
    uint32_t end = feed->at;
    do {
        rf_buffer_append(&bytes, &hashes_of(feed)[end], sizeof(struct rf_hash));
        rf_buffer_append(&bytes, &rowids_of(feed)[end], sizeof(int64_t));
    } while (++end < feed->rows &&
             (hashes_of(feed)[end - 1].low ^ chunk_feed_salt) % CHUNK_EVERY != 0);
    rf_buffer_u64(&bytes, chunk_feed_salt);
    feed->chunk_end = end;
    feed->identity = rf_hash_bytes(bytes.bytes, bytes.size);
    rf_buffer_release(&bytes);
}

static void count_cells(struct chunk_feed *feed, const uint8_t *cells, const uint8_t *end) {
    uint32_t columns = feed->options.table->column_count;
    struct rf_cursor cursor = rf_cursor_of(cells, (size_t)(end - cells));
    for (uint32_t column = 0; cells < end; column = (column + 1) % columns) {
        struct rf_value value;
        rf_census_cell(&feed->census[column], cells);
        cr_assert(rf_row_next(&cursor, &value));
        cells = cursor.at;
    }
}

static void cut_piece(struct chunk_feed *feed, bool begins) {
    const uint32_t *starts = (const void *)feed->starts.bytes;
    const uint32_t *keys = (const void *)feed->key_starts.bytes;
    uint32_t first = feed->at, left = feed->chunk_end - first;
    uint32_t rows = left < PIECE_ROWS ? left : PIECE_ROWS;
    const uint8_t *cells = feed->cells.bytes + starts[first];
    memset(feed->census, 0, feed->options.table->column_count * sizeof *feed->census);
    count_cells(feed, cells, feed->cells.bytes + starts[first + rows]);
    feed->piece = (struct rf_piece){
        .identity = feed->identity,
        .begins = begins,
        .ends = rows == left,
        .rows = rows,
        .rowids = rowids_of(feed) + first,
        .hashes = hashes_of(feed) + first,
        .cells = cells,
        .starts = feed->cut_starts,
        .keys = feed->keyed ? feed->keys.bytes + keys[first] : NULL,
        .key_starts = feed->keyed ? feed->cut_keys : NULL,
        .census = feed->census,
    };
    for (uint32_t i = 0; i <= rows; i++) {
        feed->cut_starts[i] = starts[first + i] - starts[first];
        feed->cut_keys[i] = keys[first + i] - keys[first];
    }
    for (uint32_t i = 0; i < rows; i++) {
        rf_digest_add(&feed->piece.digest, hashes_of(feed)[first + i]);
    }
    feed->at += rows;
}

static enum rf_code next(struct rf_row_feed *base, const struct rf_piece **piece,
                         struct rf_error *error) {
    struct chunk_feed *feed = (void *)base;
    *piece = NULL;
    if (feed->at == feed->rows) {
        return RF_OK;
    }
    if (chunk_feed_unusual_in >= 0 && chunk_feed_unusual_in-- == 0) {
        feed->unusual = true;
        return rf_fail(error, RF_CORRUPT, "a page is not what it should be");
    }
    bool begins = feed->at == feed->chunk_end;
    if (begins) {
        cut_chunk(feed);
    }
    if (begins && feed->options.known &&
        feed->options.known(feed->options.context, feed->identity)) {
        feed->piece = (struct rf_piece){
            .identity = feed->identity, .known = true, .begins = true, .ends = true};
        feed->at = feed->chunk_end;
        chunk_feed_known++;
    } else {
        cut_piece(feed, begins);
    }
    *piece = &feed->piece;
    return RF_OK;
}

static const char *unusual(const struct rf_row_feed *base) {
    const struct chunk_feed *feed = (const void *)base;
    return feed->unusual ? "a test has it so" : NULL;
}

static void close_feed(struct rf_row_feed *base) {
    struct chunk_feed *feed = (void *)base;
    rf_buffer_release(&feed->cells);
    rf_buffer_release(&feed->keys);
    rf_buffer_release(&feed->rowids);
    rf_buffer_release(&feed->hashes);
    rf_buffer_release(&feed->starts);
    rf_buffer_release(&feed->key_starts);
    free(feed->cut_starts);
    free(feed->cut_keys);
    free(feed->census);
    free(feed);
}

static const struct rf_row_feed_calls calls = {
    .next = next, .unusual = unusual, .close = close_feed};

enum rf_code chunk_feed_open(const struct rf_row_feed_options *options, struct rf_row_feed **opened,
                             struct rf_error *error) {
    struct rf_row_feed_options plain = *options;
    struct rf_row_feed *rows = NULL;
    const struct rf_piece *piece = NULL;
    plain.pages = false;
    *opened = NULL;
    enum rf_code code = rf_row_feed_open(&plain, &rows, error);
    if (code != RF_OK || !options->pages) {
        *opened = rows;
        return code;
    }
    struct chunk_feed *feed = calloc(1, sizeof *feed);
    cr_assert_not_null(feed);
    feed->feed.calls = &calls;
    feed->options = *options;
    feed->cut_starts = calloc(PIECE_ROWS + 1, sizeof *feed->cut_starts);
    feed->cut_keys = calloc(PIECE_ROWS + 1, sizeof *feed->cut_keys);
    feed->census = calloc(options->table->column_count, sizeof *feed->census);
    rf_buffer_u32(&feed->starts, 0);
    rf_buffer_u32(&feed->key_starts, 0);
    while ((code = rf_row_feed_next(rows, &piece, error)) == RF_OK && piece) {
        take_all(feed, piece);
    }
    rf_row_feed_close(rows);
    *opened = &feed->feed;
    if (code != RF_OK) {
        close_feed(&feed->feed);
        *opened = NULL;
    }
    return code;
}
