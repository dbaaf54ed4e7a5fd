/* What the values of a column prove about its type, where the declared type (DATETIME, TIMESTAMP,
 * DECIMAL …) says what is meant but not how it is kept.
 *
 * An evidence is fed the values of all rows, one after another, in any order. NULLs are neutral. In
 * the end one type is proven, or none is; all NULL proves nothing. What is proven holds for every
 * value that was fed: it converts exactly, could be written out again as it was (but that 5 and 5.0
 * become the same, as they do in SQLite itself in a column so declared), and stays apart from every
 * value that SQLite takes for another one.
 *
 * Plain structs, nothing allocated; one thread a struct. */
#ifndef RF_REPLAY_EVIDENCE_H
#define RF_REPLAY_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/value.h"
#include "replay/instant.h"
#include "replay/numeric.h"
#include "replay/spelling.h"

/* Dates and times. Texts prove an encoding when all of them have one spelling (spelling.h).
 *
 * Numbers have nothing but their size to tell by. They prove an encoding when in it every one of
 * them is a moment that is likely for something that a program noted down:
 *
 *     unix s, ms, µs, ns; WebKit; Julian days    2001-01-01 up to, not including, 2066-01-01
 *     Mac                                        2004-03-03 09:46:40 (a number of 100000000) up to,
 *                                                not including, 2032-01-01
 *
 * As numbers these windows are apart from each other:
 *
 *     Julian  2451910.5 …       2475651.5        unix µs       978307200000000 … 3029529600000000
 *     Mac     100000000 …       978220800        WebKit      12622780800000000 … 14674003200000000
 *     unix s  978307200 …      3029529600        unix ns  978307200000000000 … 3029529600000000000
 *     unix ms 978307200000 … 3029529600000
 *
 * so a number is in one of them at most, and one outside of it refutes the column: 0, 1, 2024,
 * 20240131, a birthday of 1992, a sentinel at the year 9999. Nothing is lost then, the column keeps
 * its numbers. The windows begin and end where they do to keep out what else is kept in such
 * columns: digits as YYYYMMDD, YYYYMMDDHHMM and YYYYMMDDHHMMSS, Excel's days, .NET's ticks since
 * year 1 and Windows' since 1601 (which would be nanoseconds of 1990 and of 1974), Cocoa's
 * nanoseconds since 2001, seconds since 1904 (which would be 2067 on). Two guards more:
 *
 *   - Numbers of Mac's and of Julian days prove nothing while all are whole: 700000000 may be unix
 *     seconds of 1992, and 2460310 a day rather than its noon. A fraction is a clock's.
 *   - Ten digits that all read as YYYYMMDDHH, or all as YYMMDDHHMM, may be just that.
 *
 * Seconds since 1980 (GPS) cannot be told from unix seconds by anything. */
struct rf_instant_evidence {
    uint64_t values;                   /* not NULL */
    bool refuted;                      /* no more values need be fed */
    enum rf_instant_encoding encoding; /* the only one left, once there are values */
    int64_t low, high;                 /* of the values, as rf_instant_of counts */
    bool fraction;                     /* a real that is not whole was among them */
    bool not_hours;   /* a number was among them that does not read as YYYYMMDDHH */
    bool not_minutes; /* … as YYMMDDHHMM */
    struct rf_spelling_evidence spelling;
};
void rf_instant_evidence_init(struct rf_instant_evidence *evidence);
void rf_instant_evidence_add(struct rf_instant_evidence *evidence, const struct rf_value *value);
/* As if the values of `more` had been added too: of other rows, in any order. */
void rf_instant_evidence_join(struct rf_instant_evidence *evidence,
                              const struct rf_instant_evidence *more);
/* Whether one encoding is proven: evidence->encoding, of values from evidence->low to
 * evidence->high. `spelling` (may be NULL) gets that of texts. */
bool rf_instant_evidence_proven(const struct rf_instant_evidence *evidence,
                                struct rf_spelling *spelling);

/* Decimals: columns declared DECIMAL or NUMERIC, with or without (p,s). */
enum rf_decimal_type {
    RF_DECIMAL_UNPROVEN,  /* no values, texts or blobs, or integers and reals that no type holds */
    RF_DECIMAL_BOUNDED,   /* numeric(p,s) as declared: every value is exactly such a decimal */
    RF_DECIMAL_UNBOUNDED, /* numeric: every value is an integer or has a short decimal (numeric.h),
                             but nothing is declared that holds them all */
    RF_DECIMAL_DOUBLE,    /* double precision: some real has no short decimal, and no integer is
                             beyond 2^53 */
};
struct rf_decimal_evidence {
    uint64_t integers;
    uint64_t reals;
    uint64_t others;     /* texts and blobs */
    uint64_t long_reals; /* without a short decimal; they leave double precision alone */
    bool beyond_double;  /* an integer that double precision does not hold */
    int whole_digits;    /* the most before the point, … */
    int scale;           /* … and behind it, of those with a short decimal */
};
void rf_decimal_evidence_init(struct rf_decimal_evidence *evidence);
void rf_decimal_evidence_add(struct rf_decimal_evidence *evidence, const struct rf_value *value);
/* As above. */
void rf_decimal_evidence_join(struct rf_decimal_evidence *evidence,
                              const struct rf_decimal_evidence *more);
/* `declared` is the declared bound, NULL for none. */
enum rf_decimal_type rf_decimal_evidence_type(const struct rf_decimal_evidence *evidence,
                                              const struct rf_numeric_bound *declared);

/* The bound in a declared type: DECIMAL(10,2), numeric ( 8 ), DEC(5, 0), NUMBER(9,3). False where
 * there is none that PostgreSQL could have too. */
bool rf_numeric_bound_declared(const char *declared, struct rf_numeric_bound *bound);

#endif
