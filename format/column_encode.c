/* Columns to bytes; see column.h. */
#include "format/column.h"

static unsigned width_of(uint64_t largest) {
    return largest == 0 ? 0 : largest <= 0xff ? 1 : largest <= 0xffff ? 2
                          : largest <= 0xffffffff ? 4 : 8;
}

/* Numbers that are cut into planes at a time, so that they are read from memory once. */
#define PLANE_NUMBERS 1024u

static void put_planes(const uint64_t *residuals, uint32_t some, unsigned width, uint32_t count,
                       uint8_t *at) {
    for (unsigned plane = 0; plane < width; plane++, at += count) {
        unsigned shift = 8 * plane;
        for (uint32_t i = 0; i < some; i++) {
            at[i] = (uint8_t)(residuals[i] >> shift);
        }
    }
}

static void put_residuals(const uint64_t *numbers, uint32_t count, uint64_t base, bool steps,
                          unsigned width, struct rf_buffer *out) {
    uint64_t residuals[PLANE_NUMBERS];
    uint8_t *at = rf_buffer_extend(out, (size_t)count * width);
    for (uint32_t done = 0, some; at && width > 0 && done < count; done += some, at += some) {
        some = count - done < PLANE_NUMBERS ? count - done : PLANE_NUMBERS;
        const uint64_t *from = numbers + done;
        if (steps) {
            for (uint32_t i = 0; i < some; i++) {
                residuals[i] = from[i + 1] - from[i] - base;
            }
        } else {
            for (uint32_t i = 0; i < some; i++) {
                residuals[i] = from[i] - base;
            }
        }
        put_planes(residuals, some, width, count, at);
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
    uint8_t others = 0;
    for (uint32_t i = 1; i < rows; i++) {
        others |= class[i] ^ class[0];
    }
    return others ? RF_COLUMN_MIXED : class[0];
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

/* A cell near the end of the rows is copied to the byte. */
static uint8_t *put_cell(const struct rf_cells *cells, uint32_t row, uint8_t *at) {
    const uint8_t *from = cells->bytes + cells->bits[row];
    uint32_t size = cells->size[row];
    if (cells->end - from >= (ptrdiff_t)size + (ptrdiff_t)RF_COPY_SLACK) {
        rf_copy_loose(at, from, size);
    } else {
        memcpy(at, from, size);
    }
    return at + size;
}

/* `uniform`: every cell is TEXT, or BLOB. */
static void put_bytes(const struct rf_cells *cells, uint32_t rows, bool uniform, uint64_t *scratch,
                      struct rf_buffer *out) {
    uint32_t count = 0;
    size_t total = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (uniform || has_bytes(cells->class[i])) {
            scratch[count++] = cells->size[i];
            total += cells->size[i];
        }
    }
    if (count == 0) {
        return;
    }
    rf_stream_encode(scratch, count, out);
    if (!rf_buffer_reserve(out, total + RF_COPY_SLACK)) {
        return;
    }
    uint8_t *at = out->bytes + out->size;
    for (uint32_t i = 0; i < rows; i++) {
        if (uniform || has_bytes(cells->class[i])) {
            at = put_cell(cells, i, at);
        }
    }
    out->size += total;
}

static void put_mixed(const struct rf_cells *cells, uint32_t rows, uint64_t *scratch,
                      struct rf_buffer *out) {
    rf_buffer_append(out, cells->class, rows);
    uint32_t integers = gather(cells, rows, RF_INTEGER, scratch);
    if (integers > 0) {
        rf_stream_encode(scratch, integers, out);
    }
    uint32_t reals = gather(cells, rows, RF_REAL, scratch);
    if (reals > 0) {
        put_residuals(scratch, reals, 0, false, 8, out);
    }
    put_bytes(cells, rows, false, scratch, out);
}

void rf_column_encode(const struct rf_cells *cells, uint32_t rows, uint64_t *scratch,
                      struct rf_buffer *out) {
    uint8_t mode = mode_of(cells->class, rows);
    rf_buffer_u8(out, mode);
    switch (mode) {
    case RF_NULL: return;
    case RF_INTEGER: rf_stream_encode(cells->bits, rows, out); return;
    case RF_REAL: put_residuals(cells->bits, rows, 0, false, 8, out); return;
    case RF_COLUMN_MIXED: put_mixed(cells, rows, scratch, out); return;
    default: put_bytes(cells, rows, true, scratch, out); return;
    }
}
