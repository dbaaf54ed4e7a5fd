/* The database header, and the bounds of every read. */
#include "capture/page_source.h"

#include <stdlib.h>
#include <string.h>

#include "capture/page_bytes.h"

#define MAGIC "SQLite format 3" /* §1.3.1, with its NUL */
#define USABLE_MIN 480u
#define LOCK_BYTE 1073741824u
#define SCHEMA_FORMAT_MAX 4u

/* Where the header keeps what, §1.3. */
enum {
    AT_PAGE_SIZE = 16,
    AT_READ_VERSION = 19,
    AT_RESERVED = 20,
    AT_FRACTIONS = 21,
    AT_FREE_PAGES = 36,
    AT_SCHEMA_COOKIE = 40,
    AT_SCHEMA_FORMAT = 44,
    AT_ENCODING = 56,
    AT_USER_VERSION = 60,
};

static bool is_page_size(uint32_t size) {
    return size >= RF_PAGE_SIZE_MIN && size <= RF_PAGE_SIZE_MAX && (size & (size - 1)) == 0;
}

static bool learn_sizes(struct rf_page_source *source, const uint8_t *header) {
    uint32_t size = rf_load_be16(header + AT_PAGE_SIZE);
    source->page_size = size == 1 ? RF_PAGE_SIZE_MAX : size;
    if (!is_page_size(source->page_size)) {
        return false;
    }
    source->usable = source->page_size - header[AT_RESERVED];
    source->lock_page = LOCK_BYTE / source->page_size + 1;
    return source->usable >= USABLE_MIN;
}

static bool learn_encoding(struct rf_page_source *source, const uint8_t *header) {
    switch (rf_load_be32(header + AT_ENCODING)) {
    case 1:
        source->encoding = RF_SOURCE_UTF8;
        return true;
    case 2:
        source->encoding = RF_SOURCE_UTF16LE;
        return true;
    case 3:
        source->encoding = RF_SOURCE_UTF16BE;
        return true;
    default:
        return false;
    }
}

enum rf_code rf_page_source_learn(struct rf_page_source *source, const uint8_t *header,
                                  uint32_t page_count, struct rf_error *error) {
    source->page_count = page_count;
    source->read_version = header[AT_READ_VERSION];
    source->free_pages = rf_load_be32(header + AT_FREE_PAGES);
    source->schema_cookie = rf_load_be32(header + AT_SCHEMA_COOKIE);
    source->user_version = rf_load_be32(header + AT_USER_VERSION);
    uint32_t schema_format = rf_load_be32(header + AT_SCHEMA_FORMAT);
    bool known = memcmp(header, MAGIC, sizeof MAGIC) == 0 && learn_sizes(source, header) &&
                 learn_encoding(source, header) &&
                 memcmp(header + AT_FRACTIONS, "\x40\x20\x20", 3) == 0 &&
                 (source->read_version == 1 || source->read_version == 2) && schema_format >= 1 &&
                 schema_format <= SCHEMA_FORMAT_MAX && page_count > 0;
    return known ? RF_OK : rf_fail(error, RF_UNUSUAL, "the database header is unusual");
}

void rf_page_source_close(struct rf_page_source *source) {
    if (source) {
        source->close(source);
    }
}

enum rf_code rf_page_read(const struct rf_page_source *source, uint32_t first, uint32_t count,
                          uint8_t *pages, struct rf_error *error) {
    if (first < 1 || count < 1 || first > source->page_count ||
        count > source->page_count - first + 1) {
        return rf_fail(error, RF_UNUSUAL, "page %u is outside of the database", first);
    }
    return source->read(source, first, count, pages, error);
}

enum rf_code rf_page_read_ahead(const struct rf_page_source *source, uint32_t first,
                                uint32_t *count, uint8_t *pages, struct rf_error *error) {
    enum rf_code code = rf_page_read(source, first, *count, pages, error);
    if (code == RF_UNUSUAL && *count > 1) {
        rf_error_clear(error);
        *count = 1;
        code = rf_page_read(source, first, 1, pages, error);
    }
    return code;
}
