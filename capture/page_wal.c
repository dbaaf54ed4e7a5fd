/* The log's frames, checked one by one. */
#include "capture/page_wal.h"

#include <stdlib.h>
#include <string.h>

#include "capture/page_bytes.h"
#include "capture/page_source.h"

#define MAGIC 0x377f0682u /* its last bit tells the byte order of the checksums */
#define VERSION 3007000u
#define CHUNK_BYTES (256u << 10)
#define PAGES_MAX (1u << 20) /* distinct pages: 16 MiB of map */

/* The header of the log, and that of a frame. */
enum { AT_VERSION = 4, AT_PAGE_SIZE = 8, AT_SALT = 16, AT_CHECKSUM = 24 };
enum { FRAME_PAGE = 0, FRAME_COMMIT = 4, FRAME_SALT = 8, FRAME_CHECKSUM = 16 };

struct rf_wal_entry {
    uint32_t page; /* 0: free */
    uint32_t frame;
};

void rf_page_wal_close(struct rf_page_wal *wal) {
    if (wal->io) {
        rf_io_discard(wal->io, &wal->fd);
    }
    free(wal->entries);
    *wal = (struct rf_page_wal){0};
}

/* ---- the map ---- */

static struct rf_wal_entry *slot_of(const struct rf_page_wal *wal, uint32_t page) {
    uint32_t mask = wal->capacity - 1;
    uint32_t at = (page * 2654435761u >> 7) & mask;
    while (wal->entries[at].page != 0 && wal->entries[at].page != page) {
        at = (at + 1) & mask;
    }
    return &wal->entries[at];
}

static enum rf_code grow(struct rf_page_wal *wal, struct rf_error *error) {
    struct rf_page_wal larger = *wal;
    larger.capacity = wal->capacity ? wal->capacity * 2 : 1024;
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (!larger.entries) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < wal->capacity; i++) {
        if (wal->entries[i].page != 0) {
            *slot_of(&larger, wal->entries[i].page) = wal->entries[i];
        }
    }
    free(wal->entries);
    *wal = larger;
    return RF_OK;
}

static enum rf_code put(struct rf_page_wal *wal, uint32_t page, uint32_t frame,
                        struct rf_error *error) {
    if (wal->count >= wal->capacity / 2) {
        if (wal->count >= PAGES_MAX) {
            return rf_fail(error, RF_UNUSUAL, "the WAL holds more than %u pages", PAGES_MAX);
        }
        enum rf_code code = grow(wal, error);
        if (code != RF_OK) {
            return code;
        }
    }
    struct rf_wal_entry *slot = slot_of(wal, page);
    wal->count += slot->page == 0;
    *slot = (struct rf_wal_entry){.page = page, .frame = frame};
    return RF_OK;
}

static uint64_t offset_of(uint32_t page_size, uint32_t frame) {
    return RF_WAL_HEADER_SIZE + (uint64_t)(frame - 1) * (RF_WAL_FRAME_HEADER_SIZE + page_size);
}

uint64_t rf_page_wal_find(const struct rf_page_wal *wal, uint32_t page) {
    const struct rf_wal_entry *slot = wal->count > 0 ? slot_of(wal, page) : NULL;
    return slot && slot->page == page
               ? offset_of(wal->page_size, slot->frame) + RF_WAL_FRAME_HEADER_SIZE
               : 0;
}

/* ---- checksums, §4.2 ---- */

struct checksum {
    uint32_t s0, s1;
    bool big_endian;
};

static void add(struct checksum *sum, const uint8_t *bytes, size_t size) {
    uint32_t s0 = sum->s0;
    uint32_t s1 = sum->s1;
    for (size_t i = 0; i < size; i += 8) {
        uint32_t x = rf_load_u32(bytes + i);
        uint32_t y = rf_load_u32(bytes + i + 4);
        s0 += (sum->big_endian ? __builtin_bswap32(x) : x) + s1;
        s1 += (sum->big_endian ? __builtin_bswap32(y) : y) + s0;
    }
    sum->s0 = s0;
    sum->s1 = s1;
}

static bool is_stored(const struct checksum *sum, const uint8_t *bytes) {
    return rf_load_be32(bytes) == sum->s0 && rf_load_be32(bytes + 4) == sum->s1;
}

/* ---- frames ---- */

enum rf_code rf_page_wal_read(const struct rf_page_wal *wal, void *bytes, size_t size,
                              uint64_t offset, struct rf_error *error) {
    enum rf_code code = rf_io_read_at(wal->io, wal->fd, "the WAL", bytes, size, offset, error);
    return code == RF_OK || code == RF_NO_MEMORY
               ? code
               : rf_fail(error, RF_UNUSUAL, "the WAL cannot be read at offset %llu",
                         (unsigned long long)offset);
}

static enum rf_code check_header(const struct rf_page_wal *wal, const struct rf_page_pin *pin,
                                 struct checksum *sum, struct rf_error *error) {
    uint8_t header[RF_WAL_HEADER_SIZE];
    enum rf_code code = rf_page_wal_read(wal, header, sizeof header, 0, error);
    if (code != RF_OK) {
        return code;
    }
    *sum = (struct checksum){.big_endian = pin->big_endian};
    add(sum, header, AT_CHECKSUM);
    bool fits = rf_load_be32(header) == MAGIC + pin->big_endian &&
                rf_load_be32(header + AT_VERSION) == VERSION &&
                rf_load_be32(header + AT_PAGE_SIZE) == pin->page_size &&
                memcmp(header + AT_SALT, pin->salt, sizeof pin->salt) == 0 &&
                is_stored(sum, header + AT_CHECKSUM);
    return fits ? RF_OK : rf_fail(error, RF_UNUSUAL, "the WAL is not that of the wal-index");
}

static enum rf_code check_frame(struct rf_page_wal *wal, const struct rf_page_pin *pin,
                                const uint8_t *frame, uint32_t number, struct checksum *sum,
                                struct rf_error *error) {
    uint32_t page = rf_load_be32(frame + FRAME_PAGE);
    add(sum, frame, FRAME_SALT);
    add(sum, frame + RF_WAL_FRAME_HEADER_SIZE, wal->page_size);
    if (page == 0 || memcmp(frame + FRAME_SALT, pin->salt, sizeof pin->salt) != 0 ||
        !is_stored(sum, frame + FRAME_CHECKSUM)) {
        return rf_fail(error, RF_UNUSUAL, "frame %u of the WAL is not valid", number);
    }
    if (number == pin->frames && (rf_load_be32(frame + FRAME_COMMIT) != pin->page_count ||
                                  sum->s0 != pin->checksum[0] || sum->s1 != pin->checksum[1])) {
        return rf_fail(error, RF_UNUSUAL, "frame %u of the WAL does not end the snapshot", number);
    }
    return put(wal, page, number, error);
}

static enum rf_code check_frames(struct rf_page_wal *wal, const struct rf_page_pin *pin,
                                 struct checksum *sum, uint8_t *chunk, struct rf_error *error) {
    size_t size = RF_WAL_FRAME_HEADER_SIZE + wal->page_size;
    uint32_t at_once = (uint32_t)(CHUNK_BYTES / size);
    enum rf_code code = RF_OK;
    for (uint32_t first = 1; code == RF_OK && first <= pin->frames;) {
        uint32_t left = pin->frames - first + 1;
        uint32_t count = left < at_once ? left : at_once;
        code = rf_page_wal_read(wal, chunk, count * size, offset_of(wal->page_size, first), error);
        for (uint32_t i = 0; code == RF_OK && i < count; i++) {
            code = check_frame(wal, pin, chunk + i * size, first + i, sum, error);
        }
        first += count;
    }
    return code;
}

static enum rf_code check_log(struct rf_page_wal *wal, const struct rf_page_pin *pin,
                              struct rf_error *error) {
    struct checksum sum = {0};
    uint8_t *chunk = malloc(CHUNK_BYTES);
    enum rf_code code = chunk ? check_header(wal, pin, &sum, error) : rf_fail_memory(error);
    if (code == RF_OK) {
        code = check_frames(wal, pin, &sum, chunk, error);
    }
    free(chunk);
    return code;
}

enum rf_code rf_page_wal_open(struct rf_io *io, const char *path, const struct rf_page_pin *pin,
                              struct rf_page_wal *wal, struct rf_error *error) {
    uint64_t size = 0;
    *wal = (struct rf_page_wal){.fd = -1, .page_size = pin->page_size};
    if (pin->page_size < RF_PAGE_SIZE_MIN || pin->page_size > RF_PAGE_SIZE_MAX ||
        pin->frames == UINT32_MAX) {
        return rf_fail(error, RF_UNUSUAL, "the wal-index is unusual");
    }
    enum rf_code code = rf_io_open_read(io, path, &wal->fd, &size, error);
    if (code != RF_OK) {
        return code == RF_NO_MEMORY ? code : rf_fail(error, RF_UNUSUAL, "the WAL cannot be opened");
    }
    wal->io = io;
    code = check_log(wal, pin, error);
    if (code != RF_OK) {
        rf_page_wal_close(wal);
    }
    return code;
}
