/* For the tests of the feed of pages: held against the feed through SQLite, row by row. */
#ifndef RF_TESTS_CAPTURE_PAGE_FEED_H
#define RF_TESTS_CAPTURE_PAGE_FEED_H

#include "capture/row_feed.h"
#include "page_support.h"

enum feed_verdict {
    FEED_SAME,
    FEED_REFUSED, /* when it was opened: the table is read through SQLite */
    FEED_UNUSUAL, /* while it was read */
    FEED_DAMAGED, /* so was it for SQLite, and the pages were unusual */
};
/* Compares all rows, with their hashes, keys, digest and census, with `jobs` threads. What differs
 * fails the test. */
enum feed_verdict feed_compare(struct rf_source *source, const struct rf_table *table,
                               unsigned jobs, const char *what);
/* The chunks of a table and, of these, some being known: the others come as they came. For a table
 * that can be read. */
void feed_compare_known(struct rf_source *source, const struct rf_table *table, unsigned jobs,
                        const char *what);

#endif
