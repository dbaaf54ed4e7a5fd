/* Blocks of one archive, decoded ahead of whoever takes them, on a thread of their own. Inner header of
 * format/: rf_scan_ahead and rf_block_scan_ahead of state.h are what others call.
 *
 * Blocks are taken in ascending order of their numbers, by one thread; it may leave some out, and what was
 * decoded of those is thrown away. Beside the block in use at most two are decoded, and none where one of
 * them is large: then the reader waits, so that memory stays what it is without reading ahead. */
#ifndef RF_FORMAT_AHEAD_H
#define RF_FORMAT_AHEAD_H

#include "format/archive.h"

struct rf_ahead;
/* The blocks of that kind in [first, end) of the archive, which outlives the reader. */
RF_MUST_USE enum rf_code rf_ahead_new(struct rf_archive *archive, enum rf_block_kind kind,
                                      uint32_t first, uint32_t end, struct rf_ahead **ahead,
                                      struct rf_error *error);
/* Stops the thread; waits for the block at hand. NULL is fine. */
void rf_ahead_free(struct rf_ahead *ahead);
/* A block of the kind and range, of a higher number than the one before; valid until the next call. One
 * that cannot be read fails when it is taken, and harms nobody who leaves it out. */
RF_MUST_USE enum rf_code rf_ahead_take(struct rf_ahead *ahead, uint32_t block,
                                       const struct rf_rows **rows, struct rf_error *error);

#endif
