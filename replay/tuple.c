#include "replay/tuple.h"

#include "replay/conversion.h"

#define NULL_FIELD 0xffffffffu
#define LAST_TUPLE 0xffffu

enum rf_code rf_tuple_reader_init(struct rf_tuple_reader *reader, const struct rf_plan *plan,
                                  struct rf_arena *arena, struct rf_error *error) {
    reader->columns = plan->column_count;
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

static struct rf_hash key_of(const struct rf_tuple_reader *reader, struct rf_hash row) {
    if (reader->key_count == 0) {
        return row;
    }
    return reader->key_count == 1
               ? reader->parts[0]
               : rf_hash_bytes(reader->parts, reader->key_count * sizeof *reader->parts);
}

enum rf_tuple_end rf_tuple_read(const struct rf_tuple_reader *reader, const uint8_t *bytes,
                                size_t size, struct rf_tuple *tuple) {
    size_t at = sizeof(uint16_t);
    if (size < at) {
        return RF_TUPLE_CUT;
    }
    uint32_t count = (uint32_t)bytes[0] << 8 | bytes[1];
    if (count != reader->columns) {
        return count == LAST_TUPLE ? RF_TUPLE_LAST : RF_TUPLE_BAD;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (size - at < sizeof(uint32_t)) {
            return RF_TUPLE_CUT;
        }
        uint32_t field = rf_load_be32(bytes + at);
        size_t whole = sizeof field + (field == NULL_FIELD ? 0 : field);
        if (size - at < whole) {
            return RF_TUPLE_CUT;
        }
        if (reader->part[i] > 0) {
            reader->parts[reader->part[i] - 1] = rf_hash_bytes(bytes + at, whole);
        }
        at += whole;
    }
    *tuple = (struct rf_tuple){.bytes = bytes, .size = at, .row = rf_hash_bytes(bytes, at)};
    tuple->key = key_of(reader, tuple->row);
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
