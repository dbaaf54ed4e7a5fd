/* Decimal numbers as fields of PostgreSQL's type numeric, in binary (numeric_send, numeric_recv).
 *
 * Nothing is ever rounded. An integer and a text are the decimal they spell. A real is the shortest
 * decimal that leads back to it: 0.1 is 0.1, and what a cast to double precision makes of the
 * result is the same real, bit by bit. What numeric cannot give back is refused: infinities, NaN,
 * -0.
 *
 * The field is what the server itself would send, so that two fields are the same bytes exactly
 * when the server keeps the same digits: 12.5 and 12.50 differ in a column without a bound;
 * numeric(10,2) keeps both as 12.50.
 *
 * Different integers give different fields, and so do different reals; an integer and a real that
 * SQLite takes for different may meet only from 2^53 on, where a real's shortest decimal need not
 * be the whole number that it stands for.
 *
 * Pure functions: any thread, no state, nothing allocated but what the caller's buffer grows by. */
#ifndef RF_REPLAY_NUMERIC_H
#define RF_REPLAY_NUMERIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"

/* numeric(precision, scale): 1 <= precision <= RF_NUMERIC_PRECISION_MAX, scale <= precision. */
#define RF_NUMERIC_PRECISION_MAX 1000u
struct rf_numeric_bound {
    uint16_t precision; /* digits in all */
    uint16_t scale;     /* of them behind the point */
};

enum rf_numeric_fit {
    RF_NUMERIC_FITS = 0,
    RF_NUMERIC_NOT_DECIMAL, /* text that is no plain decimal number */
    RF_NUMERIC_SPECIAL,     /* an infinity or NaN */
    RF_NUMERIC_MINUS_ZERO,  /* numeric has one zero only */
    RF_NUMERIC_SCALE,       /* more digits behind the point than the bound has */
    RF_NUMERIC_PRECISION,   /* more digits before the point than the bound has */
    RF_NUMERIC_RANGE,       /* more digits than numeric has at all: 131072 before, 16383 behind */
};
/* A phrase for people; the bound is not named in it. */
const char *rf_numeric_reason(enum rf_numeric_fit fit);

/* Append the field, four bytes of length first, or nothing where the number does not fit. Without a
 * bound (NULL) the type is plain numeric. With `out` NULL they only look. */
enum rf_numeric_fit rf_numeric_put_integer(int64_t integer, const struct rf_numeric_bound *bound,
                                           struct rf_buffer *out);
enum rf_numeric_fit rf_numeric_put_real(double real, const struct rf_numeric_bound *bound,
                                        struct rf_buffer *out);
/* Whether rf_numeric_put_real makes another whole number of the real than it is, one that an INTEGER
 * may be. */
bool rf_numeric_is_twin(double real);
/* The text is a number as JSON writes it: -12.50, 0.5, 6.02e23. Anything else is refused: white
 * space, +1, 007, .5, 5., -0, hexadecimal. As many digits behind the point as are written are kept,
 * zeros too, where there is no bound. */
enum rf_numeric_fit rf_numeric_put_text(const uint8_t *text, size_t size,
                                        const struct rf_numeric_bound *bound,
                                        struct rf_buffer *out);

/* digits / 10^scale, with the smallest scale that does. */
struct rf_short_decimal {
    int64_t digits; /* below 10^15 on either side of 0 */
    unsigned scale; /* 0 … 22 */
};
/* Whether the real is what a decimal of at most 15 digits, written without an exponent, is read as.
 * There is at most one such decimal for a real, and one real for a decimal: each means the other
 * and nothing else. 0.1, 1234.5 and 1e14 have one; 0.1 + 0.2, 1e15, 1e-30 and -0.0 have none. */
bool rf_short_decimal_of(double real, struct rf_short_decimal *decimal);

/* Decimal digits that the number is written with; 0 for 0. */
unsigned rf_decimal_digits(uint64_t number);

#endif
