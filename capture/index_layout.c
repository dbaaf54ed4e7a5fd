#include "capture/index_layout.h"

#include "capture/census.h"

enum rf_code rf_index_form_of(const struct rf_table *table, struct rf_index_form *form,
                              struct rf_error *error) {
    struct rf_buffer known = {0};
    rf_table_encode_rows(table, &known);
    enum rf_code code = rf_buffer_check(&known, error);
    if (code == RF_OK) {
        *form = (struct rf_index_form){
            .rowids = table->key_kind != RF_KEY_COLUMNS,
            .keys = table->alias < 0 && table->key_count > 0,
            .columns = table->column_count,
            .table = rf_hash_bytes(known.bytes, known.size),
        };
    }
    rf_buffer_release(&known);
    return code;
}

void rf_index_put_entry(struct rf_buffer *out, const struct rf_index_entry *entry) {
    uint8_t *at = rf_buffer_extend(out, RF_INDEX_ENTRY_SIZE);
    if (!at) {
        return;
    }
    rf_hash_store(at, entry->identity);
    rf_hash_store(at + 16, entry->sum);
    rf_store_u64(at + 32, entry->offset);
    rf_store_u64(at + 40, entry->checksum);
    rf_store_u64(at + 48, (uint64_t)entry->first);
    rf_store_u32(at + 56, entry->size);
    rf_store_u32(at + 60, entry->census_size);
    rf_store_u32(at + 64, entry->rows);
    rf_store_u32(at + 68,
                 (entry->begins ? RF_INDEX_BEGINS : 0) | (entry->ends ? RF_INDEX_ENDS : 0));
}

bool rf_index_take_entry(const uint8_t *bytes, struct rf_index_entry *entry) {
    uint32_t flags = rf_load_u32(bytes + 68);
    *entry = (struct rf_index_entry){
        .identity = rf_hash_load(bytes),
        .sum = rf_hash_load(bytes + 16),
        .offset = rf_load_u64(bytes + 32),
        .checksum = rf_load_u64(bytes + 40),
        .first = (int64_t)rf_load_u64(bytes + 48),
        .size = rf_load_u32(bytes + 56),
        .census_size = rf_load_u32(bytes + 60),
        .rows = rf_load_u32(bytes + 64),
        .begins = flags & RF_INDEX_BEGINS,
        .ends = flags & RF_INDEX_ENDS,
    };
    return (flags & ~(RF_INDEX_BEGINS | RF_INDEX_ENDS)) == 0;
}

/* ---- the census ---- */

#define NUMBERS (RF_CLASSES + 5)

static void numbers_of(const struct rf_census *census, uint64_t numbers[NUMBERS]) {
    memcpy(numbers, census->count, sizeof census->count);
    numbers[RF_CLASSES] = (uint64_t)census->min_integer;
    numbers[RF_CLASSES + 1] = (uint64_t)census->max_integer;
    numbers[RF_CLASSES + 2] = census->longest;
    numbers[RF_CLASSES + 3] = census->text_with_nul;
    numbers[RF_CLASSES + 4] = census->text_not_utf8;
}

static struct rf_census census_of(const uint64_t numbers[NUMBERS]) {
    struct rf_census census = {
        .min_integer = (int64_t)numbers[RF_CLASSES],
        .max_integer = (int64_t)numbers[RF_CLASSES + 1],
        .longest = numbers[RF_CLASSES + 2],
        .text_with_nul = numbers[RF_CLASSES + 3],
        .text_not_utf8 = numbers[RF_CLASSES + 4],
    };
    memcpy(census.count, numbers, sizeof census.count);
    return census;
}

void rf_index_put_census(struct rf_buffer *out, const struct rf_census *census, uint32_t columns) {
    for (uint32_t i = 0; i < columns; i++) {
        uint64_t numbers[NUMBERS];
        uint8_t packed[2 + sizeof numbers];
        uint32_t set = 0, size = 2;
        numbers_of(&census[i], numbers);
        for (uint32_t j = 0; j < NUMBERS; j++) {
            if (numbers[j] != 0) {
                set |= 1u << j;
                rf_store_u64(packed + size, numbers[j]);
                size += 8;
            }
        }
        packed[0] = (uint8_t)set;
        packed[1] = (uint8_t)(set >> 8);
        rf_buffer_append(out, packed, size);
    }
}

bool rf_index_join_census(const uint8_t *bytes, size_t size, struct rf_census *census,
                          uint32_t columns) {
    struct rf_cursor cursor = rf_cursor_of(bytes, size);
    for (uint32_t i = 0; i < columns && !cursor.failed; i++) {
        uint64_t numbers[NUMBERS] = {0};
        uint32_t set = rf_cursor_u8(&cursor);
        set |= (uint32_t)rf_cursor_u8(&cursor) << 8;
        for (uint32_t j = 0; j < NUMBERS; j++) {
            numbers[j] = set & (1u << j) ? rf_cursor_u64(&cursor) : 0;
        }
        struct rf_census part = census_of(numbers);
        rf_census_join(&census[i], &part);
        if (set >> NUMBERS != 0) {
            return false;
        }
    }
    return !cursor.failed && rf_cursor_left(&cursor) == 0;
}
