/* Which moment of a database a read transaction of SQLite's sees, so exactly that its pages can be
 * read beside SQLite.
 *
 * Without a WAL the transaction's SHARED lock keeps the file as it is; there is nothing to find
 * out.
 *
 * With a WAL, what a transaction sees is told by its copy of the wal-index header (see
 * https://www.sqlite.org/walformat.html): the frames 1 to mxFrame, and the file below them. SQLite
 * does not hand out that copy. But it is a copy of what is in shared memory, taken between BEGIN
 * and the end of the first read. So the header is looked at before and after: when it is the same,
 * it is the transaction's. (It cannot have changed and changed back: every commit counts it up, and
 * every restart of the log gives it new salts.) When it is not, a writer has committed in between,
 * and the transaction is ended and begun again.
 *
 * That snapshot then stays readable as long as the transaction stands:
 *   - Where not all frames have been copied to the file (nBackfill < mxFrame), the transaction
 *     holds one of the read locks 1 to 4. The log can then not be restarted, and no frame behind
 *     mxFrame be copied to the file. So a page that is in frames 1 to mxFrame is the last of
 *     these, and any other is in the file and stays as it is.
 *   - Where all have been (nBackfill = mxFrame), the file alone is the snapshot, and stays so: the
 *     transaction either holds read lock 0, which keeps all copying away, or one of the others.
 *     nBackfill is read between the two looks at the header, for the reason that SQLite gives in
 *     walTryBeginRead(): only then was it not written by a checkpoint that knew later frames. */
#ifndef RF_CAPTURE_PAGE_PIN_H
#define RF_CAPTURE_PAGE_PIN_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"

struct rf_page_pin {
    char unproven[160];    /* why the pages cannot be read beside SQLite; "" when they can */
    uint32_t data_version; /* SQLITE_FCNTL_DATA_VERSION of the transaction */
    uint32_t
        frames; /* of the WAL, from the first, that belong to the snapshot; 0: the file alone */
    /* Where frames > 0, as the wal-index header has them: */
    uint32_t page_size;
    uint32_t page_count;
    uint32_t checksum[2]; /* of the last frame */
    uint8_t salt[8];
    bool big_endian; /* how checksums are computed */
};

/* `db` has an open read transaction that has read something, and no statement that is running. It
 * may be ended and begun again, so nothing that was read before counts. RF_OK: such a transaction
 * stands, proven or not. Anything else: it could not be begun again. */
RF_MUST_USE enum rf_code rf_page_pin_take(sqlite3 *db, struct rf_page_pin *pin,
                                          struct rf_error *error);

#endif
