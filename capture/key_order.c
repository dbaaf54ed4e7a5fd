#include "capture/key_order.h"

#include <string.h>

#include "format/bytes.h"
#include "format/value.h"

int rf_key_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size) {
    /* Most keys that are compared are those of a row that has not changed. */
    if (a_size == b_size && memcmp(a, b, a_size) == 0) {
        return 0;
    }
    struct rf_cursor left = rf_cursor_of(a, a_size);
    struct rf_cursor right = rf_cursor_of(b, b_size);
    while (rf_cursor_left(&left) > 0 && rf_cursor_left(&right) > 0) {
        struct rf_value one, other;
        if (!rf_row_next(&left, &one) || !rf_row_next(&right, &other)) {
            break;
        }
        int order = rf_value_compare(&one, &other);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}
