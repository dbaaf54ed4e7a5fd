#include "replay/tuple.h"

#include "replay/conversion.h"

#define NULL_FIELD 0xffffffffu
#define LAST_TUPLE 0xffffu

enum rf_code rf_tuple_reader_init(struct rf_tuple_reader *reader, const struct rf_plan *plan,
                                  struct rf_arena *arena, struct rf_error *error) {
    reader->columns = plan->column_count;
    reader->keys = true;
    reader->key_count = plan->key_count;
    reader->part = rf_arena_take(arena, plan->column_count, sizeof *reader->part);
    reader->parts = rf_arena_take(arena, plan->key_count, sizeof *reader->parts);
    if (reader->part) {
        for (uint32_t i = 0; i < plan->key_count; i++) {
            reader->part[plan->key[i]] = i + 1;
        }
    }
    return rf_arena_check(arena, error);
}

/* Where a tuple of so many fields ends; 0: beyond `size`. */
static size_t end_of(const uint8_t *bytes, size_t size, uint32_t fields) {
    size_t at = sizeof(uint16_t);
    for (uint32_t i = 0; i < fields; i++) {
        if (size - at < sizeof(uint32_t)) {
            return 0;
        }
        uint32_t field = rf_load_be32(bytes + at);
        at += sizeof field;
        if (field != NULL_FIELD) {
            if (size - at < field) {
                return 0;
            }
            at += field;
        }
    }
    return at;
}

static struct rf_hash key_of(const struct rf_tuple_reader *reader, const struct rf_tuple *tuple) {
    if (reader->key_count == 0) {
        return tuple->row;
    }
    const uint8_t *at = tuple->bytes + sizeof(uint16_t);
    for (uint32_t i = 0; i < reader->columns; i++) {
        uint32_t field = rf_load_be32(at);
        size_t whole = sizeof field + (field == NULL_FIELD ? 0 : field);
        if (reader->part[i] > 0) {
            reader->parts[reader->part[i] - 1] = rf_hash_bytes(at, whole);
        }
        at += whole;
    }
    return reader->key_count == 1
               ? reader->parts[0]
               : rf_hash_bytes(reader->parts, reader->key_count * sizeof *reader->parts);
}

enum rf_tuple_end rf_tuple_read(const struct rf_tuple_reader *reader, const uint8_t *bytes,
                                size_t size, struct rf_tuple *tuple) {
    if (size < sizeof(uint16_t)) {
        return RF_TUPLE_CUT;
    }
    uint32_t count = rf_load_be16(bytes);
    if (count != reader->columns) {
        return count == LAST_TUPLE ? RF_TUPLE_LAST : RF_TUPLE_BAD;
    }
    size_t end = end_of(bytes, size, count);
    if (end == 0) {
        return RF_TUPLE_CUT;
    }
    *tuple = (struct rf_tuple){.bytes = bytes, .size = end, .row = rf_hash_bytes(bytes, end)};
    if (reader->keys) {
        tuple->key = key_of(reader, tuple);
    }
    return RF_TUPLE_WHOLE;
}

const uint8_t *rf_tuple_field(const uint8_t *tuple, uint32_t column, uint32_t *size) {
    const uint8_t *at = tuple + sizeof(uint16_t);
    for (;;) {
        uint32_t field = rf_load_be32(at);
        at += sizeof field;
        if (column == 0) {
            *size = field == NULL_FIELD ? 0 : field;
            return field == NULL_FIELD ? NULL : at;
        }
        at += field == NULL_FIELD ? 0 : field;
        column--;
    }
}
