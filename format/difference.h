/* The rows of one table that differ between two snapshots, either of which may be the older.
 *
 * A row is known by its key, which is what tells rows apart in archives (SPEC.md, "Table
 * description"): rowid, place, or the values of the key's columns. An item is a row that is gone,
 * one that is new, or, where both have the same key, one that was updated; or one that moved: the
 * same row under another rowid, in a table where the rowid is no column. Rows that are neither are
 * the same in both, and stand in the same order, moved or not; so the items are what a delta has
 * to hold.
 *
 * Ways to get there:
 *   by key     both snapshots are scanned side by side. Stretches that lie in the same place of the
 *              same archive are the same rows; others are told apart by their row hashes
 *   by touch   keys are rowids and nothing moved: only the keys that the deltas between the two
 *              name are looked up
 *   by origin  rows moved: those that come from the archives that both have in common are known by
 *              what their rowids were there
 *
 * Memory: a decoded block an archive and kind of either snapshot; by origin, two of them, and then
 * only where that is little. */
#ifndef RF_FORMAT_DIFFERENCE_H
#define RF_FORMAT_DIFFERENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/between.h"
#include "format/block.h"
#include "format/error.h"
#include "format/hash.h"
#include "format/manifest.h"
#include "format/repository.h"

struct rf_row_at {
    const struct rf_rows *rows; /* all columns; NULL: there is no row */
    uint32_t row;               /* of the block */
    int64_t rowid;       /* at the snapshot, whatever the block says; 0 where keys are values */
    struct rf_hash hash; /* of its content; not of a row that moved */
};

struct rf_row_change {
    struct rf_row_at old, new; /* gone: old alone; new: new alone; updated: both, of the same key */
    bool moved;                /* both, with the same content */
};

struct rf_difference;
/* `from` and `to` are the table in the manifests of two snapshots, borrowed, and alike by
 * rf_table_same_rows. `between` is of the same two, and may be NULL: without it a table that was
 * written anew in between may show more changes than there were (its rows moved), though never
 * wrong ones. `stop` may be NULL; else rf_difference_next looks at it now and then. */
RF_MUST_USE enum rf_code rf_difference_new(const struct rf_repository *repository,
                                           const struct rf_manifest_table *from,
                                           const struct rf_manifest_table *to,
                                           const struct rf_between *between, const atomic_int *stop,
                                           struct rf_difference **difference,
                                           struct rf_error *error);
void rf_difference_free(struct rf_difference *difference); /* NULL is fine */
/* The next item; both ends of it are NULL after the last. Rows that are gone ascend by key, as do
 * rows that are new, updated ones among both; moved ones ascend by either rowid. An item is valid
 * until the next call. RF_INTERRUPTED. */
RF_MUST_USE enum rf_code rf_difference_next(struct rf_difference *difference,
                                            struct rf_row_change *change, struct rf_error *error);
/* Rows of both snapshots that were passed so far, for progress; at most both snapshots' together. */
uint64_t rf_difference_rows(const struct rf_difference *difference);
/* How it is done, for tests: "by key", "by touch", "by origin". */
const char *rf_difference_way(const struct rf_difference *difference);

#endif
