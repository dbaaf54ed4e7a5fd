/* Columns to bytes; see column.h. */
#include "format/column.h"

static unsigned width_of(uint64_t largest) {
    return largest == 0 ? 0 : largest <= 0xff ? 1 : largest <= 0xffff ? 2
                          : largest <= 0xffffffff ? 4 : 8;
}

static void put_residuals(const uint64_t *numbers, uint32_t count, uint64_t base, bool steps,
                          unsigned width, struct rf_buffer *out) {
    uint8_t *at = rf_buffer_extend(out, (size_t)count * width);
    if (!at) {
        return;
    }
    for (unsigned plane = 0; plane < width; plane++, at += count) {
        unsigned shift = 8 * plane;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t number = steps ? numbers[i + 1] - numbers[i] : numbers[i];
            at[i] = (uint8_t)((number - base) >> shift);
        }
    }
}

void rf_stream_encode(const uint64_t *numbers, uint32_t count, struct rf_buffer *out) {
    int64_t least = (int64_t)numbers[0];
    int64_t most = least;
    int64_t least_step = INT64_MAX;
    int64_t most_step = INT64_MIN;
    for (uint32_t i = 1; i < count; i++) {
        int64_t number = (int64_t)numbers[i];
        int64_t step = (int64_t)(numbers[i] - numbers[i - 1]);
        least = number < least ? number : least;
        most = number > most ? number : most;
        least_step = step < least_step ? step : least_step;
        most_step = step > most_step ? step : most_step;
    }
    unsigned width = width_of((uint64_t)most - (uint64_t)least);
    bool steps = false;
    if (count > 1) {
        unsigned step_width = width_of((uint64_t)most_step - (uint64_t)least_step);
        steps = step_width < width;
        width = steps ? step_width : width;
    }
    rf_buffer_u8(out, (uint8_t)(width | (steps ? RF_STREAM_STEPS : 0u)));
    if (steps) {
        rf_buffer_u64(out, numbers[0]);
        rf_buffer_u64(out, (uint64_t)least_step);
        put_residuals(numbers, count - 1, (uint64_t)least_step, true, width, out);
    } else {
        rf_buffer_u64(out, (uint64_t)least);
        put_residuals(numbers, count, (uint64_t)least, false, width, out);
    }
}

static uint8_t mode_of(const uint8_t *class, uint32_t rows) {
    for (uint32_t i = 1; i < rows; i++) {
        if (class[i] != class[0]) {
            return RF_COLUMN_MIXED;
        }
    }
    return class[0];
}

/* Gathers the bits of the cells of one class; how many there were. */
static uint32_t gather(const struct rf_cells *cells, uint32_t rows, enum rf_class class,
                       uint64_t *to) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (cells->class[i] == class) {
            to[count++] = cells->bits[i];
        }
    }
    return count;
}

static bool has_bytes(uint8_t class) {
    return class == RF_TEXT || class == RF_BLOB;
}

static void put_bytes(const struct rf_cells *cells, uint32_t rows, uint64_t *scratch,
                      struct rf_buffer *out) {
    uint32_t count = 0;
    size_t total = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (has_bytes(cells->class[i])) {
            scratch[count++] = cells->size[i];
            total += cells->size[i];
        }
    }
    if (count == 0) {
        return;
    }
    rf_stream_encode(scratch, count, out);
    uint8_t *at = rf_buffer_extend(out, total);
    for (uint32_t i = 0; at && i < rows; i++) {
        if (has_bytes(cells->class[i])) {
            memcpy(at, cells->bytes + cells->bits[i], cells->size[i]);
            at += cells->size[i];
        }
    }
}

void rf_column_encode(const struct rf_cells *cells, uint32_t rows, uint64_t *scratch,
                      struct rf_buffer *out) {
    uint8_t mode = mode_of(cells->class, rows);
    rf_buffer_u8(out, mode);
    if (mode == RF_COLUMN_MIXED) {
        rf_buffer_append(out, cells->class, rows);
    }
    uint32_t integers = gather(cells, rows, RF_INTEGER, scratch);
    if (integers > 0) {
        rf_stream_encode(scratch, integers, out);
    }
    uint32_t reals = gather(cells, rows, RF_REAL, scratch);
    if (reals > 0) {
        put_residuals(scratch, reals, 0, false, 8, out);
    }
    put_bytes(cells, rows, scratch, out);
}
