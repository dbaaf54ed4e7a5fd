/* Pages of a SQLite database, by number: what the page reader is built upon.
 *
 * A page source is one moment of one database. It has two implementations: page_file.h reads a file
 * and its -wal under SQLite's own read transaction, and the tests have one in memory. Everything
 * that comes out of a source is untrusted: the reader above checks every number before it follows
 * it.
 *
 * The whole page reader (page_*.h) has one way of giving up: RF_UNUSUAL, with a reason in the
 * error. It means: read this table through SQLite instead. Nothing is wrong with that; what is
 * really damaged or unreadable SQLite will say better. The only other failure is RF_NO_MEMORY.
 *
 * Sections (§) in page_*.h are those of https://www.sqlite.org/fileformat2.html. */
#ifndef RF_CAPTURE_PAGE_SOURCE_H
#define RF_CAPTURE_PAGE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/source.h"
#include "format/error.h"

#define RF_UNUSUAL RF_FAILED /* nothing in page_*.h fails with RF_FAILED for any other reason */

#define RF_PAGE_SIZE_MIN 512u
#define RF_PAGE_SIZE_MAX 65536u
#define RF_PAGE_HEADER_SIZE 100u /* of the database header on page 1, §1.3 */

/* Decoding loads and copies in words and may touch this many bytes behind what it was given, so
 * every buffer that pages are read to is so much longer, and every row buffer too. */
#define RF_PAGE_SLACK 32u

struct rf_page_source {
    uint32_t page_size;  /* bytes, a power of two from 512 to 65536 */
    uint32_t usable;     /* bytes of a page without its reserved end, 480 or more, §1.3.4 */
    uint32_t page_count; /* pages are numbered from 1 */
    uint32_t lock_page;  /* never in use, §1.4 */
    uint32_t schema_cookie;
    uint32_t user_version;
    uint32_t free_pages;
    uint8_t read_version; /* 1, or 2 for a WAL database */
    enum rf_source_encoding encoding;

    /* Reads pages [first, first + count), which are within the source. Called from any number of
     * threads at once. */
    enum rf_code (*read)(const struct rf_page_source *source, uint32_t first, uint32_t count,
                         uint8_t *pages, struct rf_error *error);
    void (*close)(struct rf_page_source *source);
};

/* Fills everything but read and close from the header and the number of pages that SQLite
 * reports. */
RF_MUST_USE enum rf_code rf_page_source_learn(struct rf_page_source *source, const uint8_t *header,
                                              uint32_t page_count, struct rf_error *error);
void rf_page_source_close(struct rf_page_source *source); /* NULL is fine */

/* `pages` has room for count * page_size bytes and RF_PAGE_SLACK more, which are not written. */
RF_MUST_USE enum rf_code rf_page_read(const struct rf_page_source *source, uint32_t first,
                                      uint32_t count, uint8_t *pages, struct rf_error *error);
/* The same for a run of *count pages of which only the first is asked for; where not all can be
 * read, *count becomes 1. */
RF_MUST_USE enum rf_code rf_page_read_ahead(const struct rf_page_source *source, uint32_t first,
                                            uint32_t *count, uint8_t *pages,
                                            struct rf_error *error);
/* Whether a pointer in a page may name this page: it exists, and is neither page 1 nor the lock
 * page. */
static inline bool rf_page_can_be_named(const struct rf_page_source *source, uint32_t number) {
    return number >= 2 && number <= source->page_count && number != source->lock_page;
}

#endif
