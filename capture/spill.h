/* A list of records of one size that may outgrow memory: written once from first to last, then read
 * from any place on, as often as one likes.
 *
 * The first few lie in memory; when they are too many, they go to a file in the repository's tmp
 * folder whose name is removed as soon as it is open, so that nothing is left behind by whatever
 * end. */
#ifndef RF_CAPTURE_SPILL_H
#define RF_CAPTURE_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/error.h"
#include "format/io.h"

/* Where what outgrows memory goes, and what is too much. Tests make these tiny. */
struct rf_scratch {
    struct rf_io *io;
    const char *folder;
    size_t spill_bytes; /* a spill's share of memory, and the size of its writes and reads */
    size_t sort_bytes;  /* a sorter's */
    unsigned fan_in;    /* runs that are merged at once, >= 2 */
    uint32_t window;    /* of the choice among crossing moves, see chain.h; >= 2 */
};
#define RF_SCRATCH_SPILL_BYTES (64u << 10)
#define RF_SCRATCH_SORT_BYTES (2u << 20)
#define RF_SCRATCH_FAN_IN 32u
#define RF_SCRATCH_WINDOW 32768u

struct rf_spill {
    const struct rf_scratch *scratch;
    size_t record;    /* bytes of one */
    uint64_t count;   /* records */
    uint64_t in_file; /* of them, the first so many */
    uint8_t *memory;  /* the others */
    size_t capacity;  /* records that memory has room for */
    int fd;           /* -1: no file yet */
    char path[256];   /* for messages; its file has no name any more */
};

void rf_spill_init(struct rf_spill *spill, const struct rf_scratch *scratch, size_t record);
void rf_spill_release(struct rf_spill *spill); /* twice is fine */
RF_MUST_USE enum rf_code rf_spill_add(struct rf_spill *spill, const void *record,
                                      struct rf_error *error);

/* Reads records [first, first + count). The spill is not added to meanwhile. */
struct rf_spill_reader {
    const struct rf_spill *spill;
    uint64_t next;
    uint64_t end;
    uint8_t *memory; /* records that were read from the file */
    size_t capacity; /* records */
    uint64_t loaded_first;
    size_t loaded;
};
void rf_spill_reader_init(struct rf_spill_reader *reader, const struct rf_spill *spill,
                          uint64_t first, uint64_t count);
void rf_spill_reader_release(struct rf_spill_reader *reader); /* twice is fine */
/* The next record is this one, behind or before the last. */
static inline void rf_spill_reader_seek(struct rf_spill_reader *reader, uint64_t place) {
    reader->next = place;
}
/* *record is NULL at the end; valid until the next call. */
RF_MUST_USE enum rf_code rf_spill_next(struct rf_spill_reader *reader, const void **record,
                                       struct rf_error *error);

#endif
