/* Where a source stands: what tells, without reading a row, that it has not moved since the newest
 * snapshot was captured. Kept in the repository as index/source; local, and believed of no more than
 * this.
 *
 * A source has not moved if the file is the same one, with the same size, times (to the nanosecond)
 * and header, and if a read transaction on it sees the same frames of the same WAL. Every
 * transaction of SQLite's changes the counter in the header, or the last frame's checksum, which goes
 * over all frames before it; a checkpoint, VACUUM, a restored copy or any other write changes the
 * time of the last change of the inode, which no program can set. So it is looked at only:
 *   - under the read transaction: a journal that must be rolled back has been met by then, and no
 *     writer of SQLite's can come between the looks and the reading;
 *   - on file systems of this machine, whose clock gives those times;
 *   - when the last change is a while ago, by that clock: one that follows within the same tick of it
 *     would bear the same time;
 *   - when it was the same before and after the rows were read.
 * What is remembered also names the snapshot, the tables asked for, and the program's version. When
 * anything differs, or cannot be told, everything is read. */
#ifndef RF_CAPTURE_STANDING_H
#define RF_CAPTURE_STANDING_H

#include <stdbool.h>

#include "capture/schema.h"
#include "capture/source.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/repository.h"

struct rf_standing {
    bool known;             /* false: it cannot be told where the source stands */
    struct rf_buffer bytes; /* where it does */
};
void rf_standing_release(struct rf_standing *standing);

/* The source's transaction stands. */
void rf_standing_take(struct rf_source *source, struct rf_standing *standing);
/* Takes it once more, at the end of the transaction. It is still known if it is the same, and will
 * differ whatever is done to the source from now on. */
void rf_standing_settle(struct rf_source *source, struct rf_standing *standing);

/* Whether the source stood there when the snapshot was found to be all there is of these tables. */
bool rf_standing_is_of(const struct rf_standing *standing, const struct rf_repository *repository,
                       const struct rf_selection *selection, const struct rf_snapshot_name *name);
/* Remembers it for the next time. Where it cannot be written, the next capture reads everything. */
void rf_standing_remember(const struct rf_standing *standing,
                          const struct rf_repository *repository,
                          const struct rf_selection *selection,
                          const struct rf_snapshot_name *name);

#endif
