/* Which feed it is to be, and the one through SQLite. */
#include "capture/row_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/census.h"
#include "capture/row_feed_inner.h"
#include "capture/row_scan.h"
#include "format/block.h"

struct sqlite_feed {
    struct rf_row_feed feed;
    const struct rf_table *table;
    struct rf_row_scan *scan;
    const struct rf_source_row *ahead; /* scanned, but not in a piece yet */
    bool ended;
    bool wants_keys;
    int64_t *rowids; /* RF_BATCH_ROWS of each of these, one more of starts */
    struct rf_hash *hashes;
    uint32_t *starts;
    uint32_t *key_starts;
    struct rf_census *census;
    struct rf_buffer cells;
    struct rf_buffer keys;
    struct rf_piece piece;
};

static void sqlite_close(struct rf_row_feed *base) {
    struct sqlite_feed *feed = (void *)base;
    rf_row_scan_free(feed->scan);
    free(feed->rowids);
    free(feed->hashes);
    free(feed->starts);
    free(feed->key_starts);
    free(feed->census);
    rf_buffer_release(&feed->cells);
    rf_buffer_release(&feed->keys);
    free(feed);
}

static enum rf_code look_ahead(struct sqlite_feed *feed, struct rf_error *error) {
    enum rf_code code = rf_row_scan_next(feed->scan, &feed->ahead, error);
    feed->ended = code == RF_OK && !feed->ahead;
    return code;
}

/* Everything of the row ahead but its cells. */
static void take_row(struct sqlite_feed *feed) {
    struct rf_piece *piece = &feed->piece;
    uint32_t at = piece->rows++;
    feed->rowids[at] = feed->ahead->rowid;
    feed->hashes[at] = feed->ahead->hash;
    rf_digest_add(&piece->digest, feed->ahead->hash);
    rf_row_scan_count(feed->scan, feed->census);
    if (feed->wants_keys) {
        rf_row_scan_key(feed->scan, &feed->keys);
        feed->key_starts[at + 1] = (uint32_t)feed->keys.size;
    }
}

/* A row that fills a piece by itself stays where the scan has it: it may be huge. */
static void take_large_row(struct sqlite_feed *feed) {
    feed->piece.cells = feed->ahead->cells;
    feed->starts[1] = (uint32_t)feed->ahead->size;
    take_row(feed);
    feed->ahead = NULL;
}

static enum rf_code take_rows(struct sqlite_feed *feed, struct rf_error *error) {
    enum rf_code code = RF_OK;
    while (code == RF_OK && feed->ahead && feed->piece.rows < RF_BATCH_ROWS &&
           feed->ahead->size <= RF_BATCH_BYTES - feed->cells.size) {
        rf_buffer_append(&feed->cells, feed->ahead->cells, feed->ahead->size);
        feed->starts[feed->piece.rows + 1] = (uint32_t)feed->cells.size;
        take_row(feed);
        code = look_ahead(feed, error);
    }
    feed->piece.cells = feed->cells.bytes;
    return code;
}

static void begin_piece(struct sqlite_feed *feed) {
    rf_buffer_clear(&feed->cells);
    rf_buffer_clear(&feed->keys);
    memset(feed->census, 0, feed->table->column_count * sizeof *feed->census);
    feed->piece = (struct rf_piece){
        .begins = true,
        .ends = true,
        .rowids = feed->rowids,
        .hashes = feed->hashes,
        .starts = feed->starts,
        .key_starts = feed->wants_keys ? feed->key_starts : NULL,
        .census = feed->census,
    };
}

static enum rf_code sqlite_next(struct rf_row_feed *base, const struct rf_piece **piece,
                                struct rf_error *error) {
    struct sqlite_feed *feed = (void *)base;
    *piece = NULL;
    enum rf_code code = feed->ahead || feed->ended ? RF_OK : look_ahead(feed, error);
    if (code != RF_OK || feed->ended) {
        return code;
    }
    begin_piece(feed);
    if (feed->ahead->size > RF_BATCH_BYTES) {
        take_large_row(feed);
    } else {
        code = take_rows(feed, error);
    }
    feed->piece.keys = feed->wants_keys ? feed->keys.bytes : NULL;
    if (code == RF_OK && (feed->cells.failed || feed->keys.failed)) {
        code = rf_fail_memory(error);
    }
    *piece = code == RF_OK ? &feed->piece : NULL;
    return code;
}

static const char *sqlite_unusual(const struct rf_row_feed *base) {
    (void)base;
    return NULL;
}

static const struct rf_row_feed_calls sqlite_calls = {
    .next = sqlite_next, .unusual = sqlite_unusual, .close = sqlite_close};

static bool sqlite_allocate(struct sqlite_feed *feed) {
    feed->rowids = malloc(RF_BATCH_ROWS * sizeof *feed->rowids);
    feed->hashes = malloc(RF_BATCH_ROWS * sizeof *feed->hashes);
    feed->starts = calloc(RF_BATCH_ROWS + 1, sizeof *feed->starts);
    feed->key_starts = calloc(RF_BATCH_ROWS + 1, sizeof *feed->key_starts);
    feed->census = calloc(feed->table->column_count, sizeof *feed->census);
    return feed->rowids && feed->hashes && feed->starts && feed->key_starts && feed->census;
}

static enum rf_code sqlite_open(const struct rf_row_feed_options *options,
                                struct rf_row_feed **opened, struct rf_error *error) {
    struct sqlite_feed *feed = calloc(1, sizeof *feed);
    if (!feed) {
        return rf_fail_memory(error);
    }
    feed->feed.calls = &sqlite_calls;
    feed->table = options->table;
    feed->wants_keys = options->table->alias < 0 && options->table->key_count > 0;
    enum rf_code code = sqlite_allocate(feed) ? RF_OK : rf_fail_memory(error);
    if (code == RF_OK) {
        code = rf_row_scan_new(options->source, options->table, RF_SCAN_ALL, &feed->scan, error);
    }
    if (code != RF_OK) {
        sqlite_close(&feed->feed);
        return code;
    }
    *opened = &feed->feed;
    return RF_OK;
}

/* The feed of pages; none, and why, where the table or its database is unusual. */
static enum rf_code try_pages(const struct rf_row_feed_options *options, struct rf_row_feed **feed,
                              char *refused, struct rf_error *error) {
    const struct rf_page_source *pages = NULL;
    enum rf_code code = rf_source_pages(options->source, &pages, error);
    if (code == RF_OK && pages) {
        code = rf_row_feed_pages_open(options, pages, feed, error);
        if (code == RF_UNUSUAL) {
            snprintf(refused, RF_FEED_REFUSED_SIZE, "%.199s", error->what);
            rf_error_clear(error);
            code = RF_OK;
        }
    } else if (code == RF_OK) {
        snprintf(refused, RF_FEED_REFUSED_SIZE, "%.199s", options->source->pages_unusual);
    }
    return code;
}

enum rf_code rf_row_feed_open(const struct rf_row_feed_options *options, struct rf_row_feed **feed,
                              struct rf_error *error) {
    char refused[RF_FEED_REFUSED_SIZE] = "";
    *feed = NULL;
    if (options->pages) {
        enum rf_code code = try_pages(options, feed, refused, error);
        if (code != RF_OK || *feed) {
            return code;
        }
    }
    enum rf_code code = sqlite_open(options, feed, error);
    if (code == RF_OK) {
        memcpy((*feed)->refused, refused, sizeof refused);
    }
    return code;
}

void rf_row_feed_close(struct rf_row_feed *feed) {
    if (feed) {
        feed->calls->close(feed);
    }
}

enum rf_code rf_row_feed_next(struct rf_row_feed *feed, const struct rf_piece **piece,
                              struct rf_error *error) {
    return feed->calls->next(feed, piece, error);
}

const char *rf_row_feed_unusual(const struct rf_row_feed *feed) {
    return feed->calls->unusual(feed);
}

const char *rf_row_feed_refused(const struct rf_row_feed *feed) {
    return feed->refused[0] ? feed->refused : NULL;
}
