/* Bytes to columns; see column.h. Whatever the bytes are, nothing is read or written past its end. */
#include "format/column.h"

/* Planes side by side, so that the compiler makes vectors of it; `base` is added to each number. */
static void get_planes(const uint8_t *at, uint32_t count, unsigned width, uint64_t base,
                       uint64_t *numbers) {
    const uint8_t *p[8];
    for (unsigned plane = 0; plane < 8; plane++) {
        p[plane] = at + (size_t)count * (plane < width ? plane : 0);
    }
    if (width == 1) {
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = base + at[i];
        }
    } else if (width == 2) {
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = base + ((uint64_t)at[i] | (uint64_t)p[1][i] << 8);
        }
    } else if (width == 4) {
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = base + ((uint64_t)at[i] | (uint64_t)p[1][i] << 8 |
                                 (uint64_t)p[2][i] << 16 | (uint64_t)p[3][i] << 24);
        }
    } else {
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = base + ((uint64_t)at[i] | (uint64_t)p[1][i] << 8 |
                                 (uint64_t)p[2][i] << 16 | (uint64_t)p[3][i] << 24 |
                                 (uint64_t)p[4][i] << 32 | (uint64_t)p[5][i] << 40 |
                                 (uint64_t)p[6][i] << 48 | (uint64_t)p[7][i] << 56);
        }
    }
}

static bool get_residuals(struct rf_cursor *cursor, uint32_t count, unsigned width, uint64_t base,
                          uint64_t *numbers) {
    if (width == 0) {
        for (uint32_t i = 0; i < count; i++) {
            numbers[i] = base;
        }
        return true;
    }
    const uint8_t *at = rf_cursor_bytes(cursor, (size_t)count * width);
    if (at && count > 0) {
        get_planes(at, count, width, base, numbers);
    }
    return at != NULL;
}

bool rf_stream_decode(struct rf_cursor *cursor, uint32_t count, uint64_t *numbers) {
    uint8_t form = rf_cursor_u8(cursor);
    unsigned width = form & 0x0fu;
    if ((form & ~(RF_STREAM_STEPS | 0x0fu)) != 0 ||
        (width != 0 && width != 1 && width != 2 && width != 4 && width != 8)) {
        cursor->failed = true;
    }
    uint64_t base = rf_cursor_u64(cursor);
    if (!(form & RF_STREAM_STEPS)) {
        return !cursor->failed && get_residuals(cursor, count, width, base, numbers);
    }
    uint64_t least = rf_cursor_u64(cursor);
    if (cursor->failed || !get_residuals(cursor, count - 1, width, least, numbers + 1)) {
        return false;
    }
    numbers[0] = base;
    for (uint32_t i = 1; i < count; i++) {
        base += numbers[i];
        numbers[i] = base;
    }
    return true;
}

/* Puts gathered bits back to the rows of their class. */
static void scatter(const uint8_t *class, uint32_t rows, enum rf_class wanted,
                    const uint64_t *gathered, uint64_t *bits) {
    for (uint32_t i = 0, next = 0; i < rows; i++) {
        if (class[i] == wanted) {
            bits[i] = gathered[next++];
        }
    }
}

struct counts {
    uint32_t of[RF_CLASSES];
};

static bool count_classes(const uint8_t *class, uint32_t rows, struct counts *counts) {
    *counts = (struct counts){{0}};
    for (uint32_t i = 0; i < rows; i++) {
        if (class[i] >= RF_CLASSES) {
            return false;
        }
        counts->of[class[i]]++;
    }
    return true;
}

static bool get_numbers(struct rf_cursor *cursor, enum rf_class class, uint32_t count,
                        uint64_t *numbers) {
    if (class == RF_INTEGER) {
        return rf_stream_decode(cursor, count, numbers);
    }
    return get_residuals(cursor, count, 8, 0, numbers);
}

/* Offsets of cells that lie one after another, all of a column's rows; false where they take more than `left`. */
static bool lay_out(const uint64_t *lengths, uint32_t rows, size_t left, uint64_t *bits,
                    uint32_t *size, uint64_t *total) {
    uint64_t offset = 0;
    uint64_t all = 0;
    for (uint32_t i = 0; i < rows; i++) {
        all |= lengths[i];
        bits[i] = offset;
        size[i] = (uint32_t)lengths[i];
        offset += (uint32_t)lengths[i];
    }
    *total = offset;
    return all <= UINT32_MAX && offset <= left;
}

/* The same where only cells of TEXT and BLOB have bytes. */
static bool lay_out_mixed(const uint64_t *lengths, const uint8_t *class, uint32_t rows, size_t left,
                          uint64_t *bits, uint32_t *size, uint64_t *total) {
    uint64_t offset = 0;
    for (uint32_t i = 0, next = 0; i < rows; i++) {
        if (class[i] != RF_TEXT && class[i] != RF_BLOB) {
            size[i] = 0;
            continue;
        }
        uint64_t length = lengths[next++];
        if (length > left - offset) {
            return false;
        }
        bits[i] = offset;
        size[i] = (uint32_t)length;
        offset += length;
    }
    *total = offset;
    return true;
}

/* Sizes and offsets of TEXT and BLOB cells; `count` of them, all rows where `class` is NULL. */
static bool get_bytes(struct rf_cursor *cursor, uint32_t rows, uint32_t count, const uint8_t *class,
                      uint64_t *bits, uint32_t *size, uint64_t *scratch, const uint8_t **heap) {
    if (!rf_stream_decode(cursor, count, scratch)) {
        return false;
    }
    size_t left = rf_cursor_left(cursor);
    uint64_t total;
    if (class ? !lay_out_mixed(scratch, class, rows, left, bits, size, &total)
              : !lay_out(scratch, rows, left, bits, size, &total)) {
        return false;
    }
    *heap = rf_cursor_bytes(cursor, (size_t)total);
    return *heap != NULL;
}

static bool decode_mixed(struct rf_cursor *cursor, uint32_t rows, uint8_t *class, uint64_t *bits,
                         uint32_t *size, uint64_t *scratch, struct rf_column_decoded *decoded) {
    const uint8_t *classes = rf_cursor_bytes(cursor, rows);
    struct counts counts;
    if (!classes || !count_classes(classes, rows, &counts)) {
        return false;
    }
    memcpy(class, classes, rows);
    memset(bits, 0, rows * sizeof *bits);
    for (enum rf_class number = RF_INTEGER; number <= RF_REAL; number++) {
        if (counts.of[number] > 0) {
            if (!get_numbers(cursor, number, counts.of[number], scratch)) {
                return false;
            }
            scatter(class, rows, number, scratch, bits);
        }
    }
    decoded->has_bits = true;
    decoded->has_sizes = counts.of[RF_TEXT] + counts.of[RF_BLOB] > 0;
    return !decoded->has_sizes || get_bytes(cursor, rows, counts.of[RF_TEXT] + counts.of[RF_BLOB],
                                            class, bits, size, scratch, &decoded->heap);
}

bool rf_column_decode(struct rf_cursor *cursor, uint32_t rows, uint8_t *class, uint64_t *bits,
                      uint32_t *size, uint64_t *scratch, struct rf_column_decoded *decoded) {
    *decoded = (struct rf_column_decoded){0};
    uint8_t mode = rf_cursor_u8(cursor);
    if (cursor->failed) {
        return false;
    }
    switch (mode) {
    case RF_NULL: return true;
    case RF_INTEGER:
    case RF_REAL:
        decoded->uniform = (enum rf_class)mode;
        decoded->has_bits = true;
        return get_numbers(cursor, decoded->uniform, rows, bits);
    case RF_TEXT:
    case RF_BLOB:
        decoded->uniform = (enum rf_class)mode;
        decoded->has_bits = true;
        decoded->has_sizes = true;
        return get_bytes(cursor, rows, rows, NULL, bits, size, scratch, &decoded->heap);
    case RF_COLUMN_MIXED:
        decoded->mixed = true;
        return decode_mixed(cursor, rows, class, bits, size, scratch, decoded);
    default: return false;
    }
}
