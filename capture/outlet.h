/* One archive on its way: rows are put one by one or a piece at a time, batches are taken, filled
 * and handed in behind it. Either way the same rows make the same blocks.
 *
 * One batch a block kind is held. In a dry run nothing is written and everything succeeds. */
#ifndef RF_CAPTURE_OUTLET_H
#define RF_CAPTURE_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/index_store.h"
#include "capture/row_feed.h"
#include "format/archive.h"
#include "format/block.h"
#include "format/error.h"
#include "format/repository.h"

/* The finished archives of a capture, until they are published or discarded. */
struct rf_pending_list {
    struct rf_pending_archive *archives;
    uint32_t count;
    uint32_t capacity;
};
void rf_pending_release(struct rf_pending_list *list);
/* Removes all but the first `kept`, and their files. */
void rf_pending_discard(struct rf_pending_list *list, struct rf_repository *repository,
                        uint32_t kept);

/* What all archives of a capture have in common. */
struct rf_outlet_settings {
    struct rf_repository *repository;
    struct rf_pool *pool;
    int level;
    uint64_t snapshot;
    bool dry_run;
    struct rf_pending_list *pending;
    struct rf_index_list *indexes;
    struct rf_index_least index_least;
};

struct rf_outlet {
    const struct rf_outlet_settings *settings;
    struct rf_archive_writer *writer;
    struct rf_batch *batches[RF_BLOCK_MOVES + 1];
    bool open;
};

/* `head` needs kind, gone, parent and table; the rest is filled in. Open or not, an outlet may be
 * aborted. */
RF_MUST_USE enum rf_code rf_outlet_open(struct rf_outlet *outlet,
                                        const struct rf_outlet_settings *settings,
                                        const struct rf_archive_head *head, struct rf_error *error);
RF_MUST_USE enum rf_code rf_outlet_put(struct rf_outlet *outlet, enum rf_block_kind kind,
                                       int64_t rowid, struct rf_hash hash, const void *cells,
                                       size_t size, struct rf_error *error);
/* All rows of the piece, into ROWS blocks of a full archive. */
RF_MUST_USE enum rf_code rf_outlet_put_piece(struct rf_outlet *outlet, const struct rf_piece *piece,
                                             struct rf_error *error);
/* Adds the archive to the pending ones; `ref` names it (all zero in a dry run). `after`: digest of the
 * table's rows that it makes. */
RF_MUST_USE enum rf_code rf_outlet_finish(struct rf_outlet *outlet, const struct rf_digest *after,
                                          struct rf_archive_ref *ref, struct rf_error *error);
void rf_outlet_abort(struct rf_outlet *outlet); /* twice is fine */

#endif
