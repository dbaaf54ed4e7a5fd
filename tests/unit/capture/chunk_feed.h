/* A feed like that of pages, for tests of whatever is fed: small chunks in small pieces, cut by
 * what is in the rows, of which known ones are passed over. Its rows are those of the feed through
 * SQLite. */
#ifndef RF_TESTS_CAPTURE_CHUNK_FEED_H
#define RF_TESTS_CAPTURE_CHUNK_FEED_H

#include "capture/row_feed.h"

/* Changes how identities come out, as a VACUUM may. */
extern uint64_t chunk_feed_salt;
/* After so many pieces the pages turn out to be unusual, unless it is -1; counted down. */
extern int chunk_feed_unusual_in;
/* Chunks that were passed over so far. */
extern unsigned chunk_feed_known;

enum rf_code chunk_feed_open(const struct rf_row_feed_options *options, struct rf_row_feed **feed,
                             struct rf_error *error);

#endif
