/* What the two feeds share. Inner header of row_feed.h. */
#ifndef RF_CAPTURE_ROW_FEED_INNER_H
#define RF_CAPTURE_ROW_FEED_INNER_H

#include "capture/page_source.h"
#include "capture/row_feed.h"

struct rf_row_feed_calls {
    enum rf_code (*next)(struct rf_row_feed *feed, const struct rf_piece **piece,
                         struct rf_error *error);
    const char *(*unusual)(const struct rf_row_feed *feed);
    void (*close)(struct rf_row_feed *feed);
};

#define RF_FEED_REFUSED_SIZE 200

/* First in the struct of either feed. */
struct rf_row_feed {
    const struct rf_row_feed_calls *calls;
    char refused[RF_FEED_REFUSED_SIZE]; /* "": see rf_row_feed_refused */
};

/* The feed of pages, by `jobs` threads or the caller's own (row_feed_pages.c). `pages` are those of
 * options->source. RF_UNUSUAL: this table is to be read through SQLite. */
RF_MUST_USE enum rf_code rf_row_feed_pages_open(const struct rf_row_feed_options *options,
                                                const struct rf_page_source *pages,
                                                struct rf_row_feed **feed, struct rf_error *error);

#endif
