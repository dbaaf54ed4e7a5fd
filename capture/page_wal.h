/* The write-ahead log of a snapshot, §4: which frame has which page.
 *
 * The log is read once, from its header to the last frame of the snapshot, and every salt and
 * checksum on the way is checked; the last checksum must be the one that the wal-index gave
 * (page_pin.h). So the frames are proven to be the snapshot's, whatever stands in the rest of the
 * index or of the log: frames of transactions that were rolled back or have not been committed come
 * later. The map takes 16 bytes a page at most. Once read it serves any number of threads. */
#ifndef RF_CAPTURE_PAGE_WAL_H
#define RF_CAPTURE_PAGE_WAL_H

#include <stddef.h>
#include <stdint.h>

#include "capture/page_pin.h"
#include "format/error.h"
#include "format/io.h"

#define RF_WAL_HEADER_SIZE 32u
#define RF_WAL_FRAME_HEADER_SIZE 24u

struct rf_page_wal {
    struct rf_io *io; /* NULL: not open */
    int fd;
    uint32_t page_size;
    struct rf_wal_entry *entries; /* open addressing */
    uint32_t capacity;            /* a power of two, or 0 */
    uint32_t count;
};

/* SQLite holds no locks on the log itself, so it is opened and closed like any file. */
RF_MUST_USE enum rf_code rf_page_wal_open(struct rf_io *io, const char *path,
                                          const struct rf_page_pin *pin, struct rf_page_wal *wal,
                                          struct rf_error *error);
void rf_page_wal_close(
    struct rf_page_wal *wal); /* of one that was never opened, or twice, is fine */
/* Where in the log the page lies; 0 when it does not. */
uint64_t rf_page_wal_find(const struct rf_page_wal *wal, uint32_t page);
RF_MUST_USE enum rf_code rf_page_wal_read(const struct rf_page_wal *wal, void *bytes, size_t size,
                                          uint64_t offset, struct rf_error *error);

#endif
