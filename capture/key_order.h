/* The order of keys given as canonical cells: that of rf_value_compare, cell by cell. */
#ifndef RF_CAPTURE_KEY_ORDER_H
#define RF_CAPTURE_KEY_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* <0, 0, >0. Both keys have the same number of cells. */
int rf_key_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

#endif
