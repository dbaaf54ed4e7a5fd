/* Byte strings: one growing buffer to write to, one bounded cursor to read from.
 *
 * Both are sticky. After a failed append the buffer ignores further appends and rf_buffer_failed()
 * says so once, at the end; after a read past the end the cursor yields zeros and rf_cursor_failed()
 * says so. All numbers are little-endian. */
#ifndef RF_FORMAT_BYTES_H
#define RF_FORMAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/error.h"

struct rf_buffer {
    uint8_t *bytes;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    bool failed;     /* out of memory */
};

void rf_buffer_release(struct rf_buffer *buffer); /* all zero again; twice is fine */
static inline void rf_buffer_clear(struct rf_buffer *buffer) {
    buffer->size = 0;
    buffer->failed = false;
}
/* Room for `more` bytes after size; false, and failed, when there is no memory. */
bool rf_buffer_reserve(struct rf_buffer *buffer, size_t more);
/* Appends `more` bytes whose content the caller fills in; NULL when failed. */
uint8_t *rf_buffer_extend(struct rf_buffer *buffer, size_t more);
RF_MUST_USE enum rf_code rf_buffer_check(const struct rf_buffer *buffer, struct rf_error *error);

void rf_buffer_append(struct rf_buffer *buffer, const void *bytes, size_t size);
void rf_buffer_u8(struct rf_buffer *buffer, uint8_t value);
void rf_buffer_u32(struct rf_buffer *buffer, uint32_t value);
void rf_buffer_u64(struct rf_buffer *buffer, uint64_t value);
/* A u32 length, then the bytes. NULL writes the length 0xffffffff and nothing else. */
void rf_buffer_string(struct rf_buffer *buffer, const char *string);
/* Appends formatted text, without a NUL. */
void rf_buffer_printf(struct rf_buffer *buffer, const char *format, ...) RF_PRINTF(2, 3);

struct rf_cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct rf_cursor rf_cursor_of(const void *bytes, size_t size) {
    const uint8_t *start = bytes;
    return (struct rf_cursor){.at = start, .end = size > 0 ? start + size : start};
}
static inline size_t rf_cursor_left(const struct rf_cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}
/* The next `size` bytes, or NULL and failed. */
const uint8_t *rf_cursor_bytes(struct rf_cursor *cursor, size_t size);
uint8_t rf_cursor_u8(struct rf_cursor *cursor);
uint32_t rf_cursor_u32(struct rf_cursor *cursor);
uint64_t rf_cursor_u64(struct rf_cursor *cursor);
/* A string as rf_buffer_string wrote it, copied to the heap with a NUL behind it; NULL for the
 * absent string. A NUL within the string fails the cursor; so does want of memory. */
char *rf_cursor_string(struct rf_cursor *cursor);

static inline uint32_t rf_load_u32(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}
static inline uint64_t rf_load_u64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}
static inline void rf_store_u32(uint8_t *bytes, uint32_t value) {
    memcpy(bytes, &value, sizeof value);
}
static inline void rf_store_u64(uint8_t *bytes, uint64_t value) {
    memcpy(bytes, &value, sizeof value);
}

/* memcpy that may read and write up to RF_COPY_SLACK bytes more than it is told to, and so needs no call for the
 * few bytes of most cells. Both sides must have that room; what lies behind `to` is lost. */
#define RF_COPY_SLACK 16u
static inline void rf_copy_loose(uint8_t *to, const uint8_t *from, size_t size) {
    if (size > 64) {
        memcpy(to, from, size);
        return;
    }
    for (size_t i = 0; i < size; i += 16) {
        memcpy(to + i, from + i, 16);
    }
}

#endif
