/* Growing and bounded byte strings. Little-endian machines only: the loads and stores are copies. */
#include "format/bytes.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "archives are little-endian and so is every machine this is written for");

#define ABSENT_STRING 0xffffffffu

void rf_buffer_release(struct rf_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (struct rf_buffer){0};
}

bool rf_buffer_reserve(struct rf_buffer *buffer, size_t more) {
    if (buffer->failed) {
        return false;
    }
    if (more <= buffer->capacity - buffer->size) {
        return true;
    }
    if (more > SIZE_MAX / 4 - buffer->size) {
        buffer->failed = true;
        return false;
    }
    /* Half as much again: large values are few and memory is promised. */
    size_t capacity = buffer->capacity + buffer->capacity / 2;
    if (capacity < buffer->size + more) {
        capacity = buffer->size + more;
    }
    if (capacity < 64) {
        capacity = 64;
    }
    uint8_t *grown = realloc(buffer->bytes, capacity);
    if (!grown) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

uint8_t *rf_buffer_extend(struct rf_buffer *buffer, size_t more) {
    /* At least one byte, so that there is a place to point to even where nothing is added. */
    if (!rf_buffer_reserve(buffer, more > 0 ? more : 1)) {
        return NULL;
    }
    uint8_t *at = buffer->bytes + buffer->size;
    buffer->size += more;
    return at;
}

enum rf_code rf_buffer_check(const struct rf_buffer *buffer, struct rf_error *error) {
    return buffer->failed ? rf_fail_memory(error) : RF_OK;
}

void rf_buffer_append(struct rf_buffer *buffer, const void *bytes, size_t size) {
    uint8_t *at = rf_buffer_extend(buffer, size);
    if (at && size > 0) {
        memcpy(at, bytes, size);
    }
}

void rf_buffer_u8(struct rf_buffer *buffer, uint8_t value) {
    rf_buffer_append(buffer, &value, sizeof value);
}

void rf_buffer_u32(struct rf_buffer *buffer, uint32_t value) {
    rf_buffer_append(buffer, &value, sizeof value);
}

void rf_buffer_u64(struct rf_buffer *buffer, uint64_t value) {
    rf_buffer_append(buffer, &value, sizeof value);
}

void rf_buffer_string(struct rf_buffer *buffer, const char *string) {
    if (!string) {
        rf_buffer_u32(buffer, ABSENT_STRING);
        return;
    }
    size_t size = strlen(string);
    if (size >= ABSENT_STRING) {
        buffer->failed = true;
        return;
    }
    rf_buffer_u32(buffer, (uint32_t)size);
    rf_buffer_append(buffer, string, size);
}

void rf_buffer_printf(struct rf_buffer *buffer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size < 0 || !rf_buffer_reserve(buffer, (size_t)size + 1)) {
        buffer->failed = true;
    } else {
        vsnprintf((char *)buffer->bytes + buffer->size, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
    va_end(args);
}

const uint8_t *rf_cursor_bytes(struct rf_cursor *cursor, size_t size) {
    if (cursor->failed || size > rf_cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *at = cursor->at;
    cursor->at += size;
    return at;
}

uint8_t rf_cursor_u8(struct rf_cursor *cursor) {
    const uint8_t *at = rf_cursor_bytes(cursor, 1);
    return at ? *at : 0;
}

uint32_t rf_cursor_u32(struct rf_cursor *cursor) {
    const uint8_t *at = rf_cursor_bytes(cursor, sizeof(uint32_t));
    return at ? rf_load_u32(at) : 0;
}

uint64_t rf_cursor_u64(struct rf_cursor *cursor) {
    const uint8_t *at = rf_cursor_bytes(cursor, sizeof(uint64_t));
    return at ? rf_load_u64(at) : 0;
}

char *rf_cursor_string(struct rf_cursor *cursor) {
    uint32_t size = rf_cursor_u32(cursor);
    if (cursor->failed || size == ABSENT_STRING) {
        return NULL;
    }
    const uint8_t *at = rf_cursor_bytes(cursor, size);
    if (!at || memchr(at, 0, size)) {
        cursor->failed = true;
        return NULL;
    }
    char *string = malloc((size_t)size + 1);
    if (!string) {
        cursor->failed = true;
        return NULL;
    }
    memcpy(string, at, size);
    string[size] = 0;
    return string;
}
