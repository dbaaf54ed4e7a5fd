/* The rows of one table at one snapshot, read from its archives: a full one and the deltas upon it.
 *
 * rf_state_open checks that the archives continue each other. Its rows come as spans: stretches of
 * a decoded block that no later delta touches, in ascending order of their keys at the snapshot.
 * Memory: one decoded block an archive and kind, however large the table is.
 *
 * A state may be shared by threads; a scan belongs to one. */
#ifndef RF_FORMAT_STATE_H
#define RF_FORMAT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/archive.h"
#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"

/* A state has no more archives than this, and no deltas that are larger than half of its full archive:
 * else it is folded into one full archive, so that what a reader must do for a table does not grow with
 * age (SPEC.md, "When chains fold"). Deltas smaller than the least are not worth folding for their size: they
 * are mostly headers. */
#define RF_STATE_ARCHIVES_MAX 16u
#define RF_FOLD_BYTES_LEAST (64u << 10)
/* Whether that holds against these archives and one delta more, which may be NULL. */
bool rf_state_should_fold(const struct rf_archive_ref *state, uint32_t count,
                          const struct rf_archive_ref *delta);

struct rf_state;
RF_MUST_USE enum rf_code rf_state_open(const struct rf_repository *repository,
                                       const struct rf_manifest_table *table,
                                       struct rf_state **state, struct rf_error *error);
void rf_state_close(struct rf_state *state); /* NULL is fine */

/* How many parts can be scanned independently of each other, >= 1; the same for the same archives.
 * A part is about RF_BATCH_BYTES of rows, or the whole table where keys are no rowids or rowids moved. */
uint32_t rf_state_parts(const struct rf_state *state);

struct rf_span {
    const struct rf_rows *rows; /* a block of all columns; valid until the next call */
    uint32_t first;             /* row in the block */
    uint32_t count;             /* >= 1; 0 at the end of the scan */
    int64_t shift;              /* rowid at the snapshot = rows->rowids[row] + shift */
    /* Where the rows lie: an archive of the state and a block of it. Two scans that meet the same row of
     * the same block of the same file meet the same row of the table. */
    uint32_t archive, block;
    int64_t origin; /* after rf_scan_mark: the same as shift, where the marked archives alone count */
};

struct rf_scan;
/* Scans parts [first_part, first_part + part_count). */
RF_MUST_USE enum rf_code rf_scan_new(struct rf_state *state, uint32_t first_part,
                                     uint32_t part_count, struct rf_scan **scan,
                                     struct rf_error *error);
void rf_scan_free(struct rf_scan *scan); /* NULL is fine */
/* From here on blocks of the full archive are read and decoded ahead on a thread of the scan's own: at most
 * two beside the one in use. Before the first next; does nothing where there is no second block. */
RF_MUST_USE enum rf_code rf_scan_ahead(struct rf_scan *scan, struct rf_error *error);
RF_MUST_USE enum rf_code rf_scan_next(struct rf_scan *scan, struct rf_span *span,
                                      struct rf_error *error);
/* The next span begins at the first row whose rowid is at least this; only forward; rowid tables. Blocks
 * in between are not read where that can be avoided. */
void rf_scan_skip_to(struct rf_scan *scan, int64_t rowid);

/* Spans of rows from the first `archives` archives of the state tell, by their `origin`, which rowids the
 * rows had as those archives alone make them: an order that all scans of states which begin with
 * the same archives share. Before the first next; rowid tables. */
void rf_scan_mark(struct rf_scan *scan, uint32_t archives);

/* The rows of one block kind of one archive, in order: what a delta deletes, what it puts. */
struct rf_block_scan;
RF_MUST_USE enum rf_code rf_block_scan_new(struct rf_archive *archive, enum rf_block_kind kind,
                                           struct rf_block_scan **scan, struct rf_error *error);
void rf_block_scan_free(struct rf_block_scan *scan); /* NULL is fine */
/* As rf_scan_ahead. */
RF_MUST_USE enum rf_code rf_block_scan_ahead(struct rf_block_scan *scan, struct rf_error *error);
/* Passes over blocks whose rowids are all less, without reading them; before or between calls of next. */
void rf_block_scan_skip_to(struct rf_block_scan *scan, int64_t rowid);
/* Number of the block that rf_block_scan_next gave last. */
uint32_t rf_block_scan_at(const struct rf_block_scan *scan);
/* *rows is NULL at the end; valid until the next call. */
RF_MUST_USE enum rf_code rf_block_scan_next(struct rf_block_scan *scan, const struct rf_rows **rows,
                                            struct rf_error *error);

#endif
