/* Cells: their canonical bytes, their order, and what a text is made of. */
#include "format/value.h"

const char *rf_class_name(enum rf_class class) {
    static const char *const names[RF_CLASSES] = {"null", "integer", "real", "text", "blob"};
    return names[class];
}

void rf_row_put_null(struct rf_buffer *row) {
    rf_buffer_u8(row, RF_NULL);
}

static void put_eight(struct rf_buffer *row, enum rf_class class, const void *bytes) {
    uint8_t *at = rf_buffer_extend(row, 9);
    if (at) {
        at[0] = (uint8_t)class;
        memcpy(at + 1, bytes, 8);
    }
}

void rf_row_put_integer(struct rf_buffer *row, int64_t integer) {
    put_eight(row, RF_INTEGER, &integer);
}

void rf_row_put_real(struct rf_buffer *row, double real) {
    put_eight(row, RF_REAL, &real);
}

void rf_row_put_bytes(struct rf_buffer *row, enum rf_class class, const void *bytes,
                      uint32_t size) {
    uint8_t *at = rf_buffer_extend(row, 5 + (size_t)size);
    if (at) {
        at[0] = (uint8_t)class;
        rf_store_u32(at + 1, size);
        if (size > 0) {
            memcpy(at + 5, bytes, size);
        }
    }
}

void rf_row_put(struct rf_buffer *row, const struct rf_value *value) {
    switch (value->class) {
    case RF_NULL: rf_row_put_null(row); return;
    case RF_INTEGER: rf_row_put_integer(row, value->integer); return;
    case RF_REAL: rf_row_put_real(row, value->real); return;
    case RF_TEXT:
    case RF_BLOB: rf_row_put_bytes(row, value->class, value->bytes, value->size); return;
    }
}

bool rf_row_next(struct rf_cursor *cursor, struct rf_value *value) {
    uint8_t class = rf_cursor_u8(cursor);
    *value = (struct rf_value){.class = RF_NULL};
    switch (class) {
    case RF_NULL: break;
    case RF_INTEGER:
    case RF_REAL: {
        const uint8_t *at = rf_cursor_bytes(cursor, 8);
        if (at) {
            memcpy(&value->integer, at, 8);
        }
        break;
    }
    case RF_TEXT:
    case RF_BLOB:
        value->size = rf_cursor_u32(cursor);
        value->bytes = rf_cursor_bytes(cursor, value->size);
        break;
    default: cursor->failed = true; break;
    }
    if (cursor->failed) {
        *value = (struct rf_value){.class = RF_NULL};
        return false;
    }
    value->class = (enum rf_class)class;
    return true;
}

/* Exact, as SQLite's sqlite3IntFloatCompare is: a double outside the range of int64 is decided by
 * its sign, one inside by its integer part and then by its fraction. */
static int compare_integer_real(int64_t integer, double real) {
    if (real != real) {
        return 1; /* SQLite stores no NaN; it would sort before all numbers */
    }
    if (real < -9223372036854775808.0) {
        return 1;
    }
    if (real >= 9223372036854775808.0) {
        return -1;
    }
    int64_t whole = (int64_t)real;
    if (integer != whole) {
        return integer < whole ? -1 : 1;
    }
    double fraction = real - (double)whole;
    return (fraction < 0) - (fraction > 0);
}

static int compare_bytes(const struct rf_value *a, const struct rf_value *b) {
    uint32_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter > 0 ? memcmp(a->bytes, b->bytes, shorter) : 0;
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int class_rank(enum rf_class class) {
    return class == RF_REAL ? RF_INTEGER : (int)class;
}

int rf_value_compare(const struct rf_value *a, const struct rf_value *b) {
    int left = class_rank(a->class);
    int right = class_rank(b->class);
    if (left != right) {
        return left < right ? -1 : 1;
    }
    if (a->class == RF_NULL) {
        return 0;
    }
    if (left != RF_INTEGER) {
        return compare_bytes(a, b);
    }
    if (a->class == RF_INTEGER && b->class == RF_INTEGER) {
        return (a->integer > b->integer) - (a->integer < b->integer);
    }
    if (a->class == RF_REAL && b->class == RF_REAL) {
        return (a->real > b->real) - (a->real < b->real);
    }
    return a->class == RF_INTEGER ? compare_integer_real(a->integer, b->real)
                                  : -compare_integer_real(b->integer, a->real);
}

/* How many bytes the UTF-8 sequence at `at` takes, 0 when it is none: table 3-7 of the Unicode
 * Standard, "Well-Formed UTF-8 Byte Sequences". */
static size_t sequence_length(const uint8_t *at, size_t left) {
    uint8_t lead = at[0];
    size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                    : lead >= 0xe0 && lead <= 0xef ? 3
                    : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                   : 0;
    if (length == 0 || length > left) {
        return 0;
    }
    uint8_t lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < lowest || at[1] > highest) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

struct rf_text_facts rf_text_inspect(const uint8_t *bytes, size_t size) {
    struct rf_text_facts facts = {.valid_utf8 = true};
    size_t i = 0;
    while (i < size) {
        /* Eight plain bytes at a time: none with the high bit, none zero. */
        if (size - i >= 8) {
            uint64_t word = rf_load_u64(bytes + i);
            uint64_t ones = 0x0101010101010101u;
            uint64_t highs = 0x8080808080808080u;
            if ((word & highs) == 0 && ((word - ones) & ~word & highs) == 0) {
                i += 8;
                continue;
            }
        }
        if (bytes[i] < 0x80) {
            facts.has_nul |= bytes[i] == 0;
            i++;
            continue;
        }
        size_t length = facts.valid_utf8 ? sequence_length(bytes + i, size - i) : 0;
        if (length == 0) {
            facts.valid_utf8 = false;
            length = 1;
        }
        i += length;
    }
    return facts;
}
