/* The ways in which SQLite's values stand for dates and times, and what PostgreSQL keeps of them.
 *
 * A conversion is exact or refused. A number is taken when it stands for a whole number of
 * microseconds, which is what PostgreSQL counts in, and when that number leads back to it:
 *
 *   INTEGER   in seconds, milliseconds, microseconds or days always; in nanoseconds when it is
 *             divisible by 1000.
 *   REAL      that is a whole number up to 2^53: like that integer. (A column with NUMERIC affinity
 *             keeps 5.0 as 5, so the two are no different in SQLite.)
 *   REAL      with a fraction, in seconds or milliseconds: when it is the double nearest to m
 *             microseconds, (double)m / 1000000 or (double)m / 1000, and lies so close to 0 that
 *             doubles there are less than a microsecond apart: below 2^33 seconds (until 2242
 *             counted from 1970) and 2^43 milliseconds (2248). Then m is the only number of
 *             microseconds with that nearest double, and dividing gives back the same double: the
 *             division of two whole numbers below 2^53 is rounded once, so its result is by
 *             definition the double nearest to the quotient.
 *   REAL      as a Julian day: when it is the double nearest to m / 86400000 for a whole number m
 *             of milliseconds from 0 to the end of year 9999, as SQLite's julianday() computes it.
 *             Doubles are at most 2^-30 days (80 microseconds) apart there, so m is the only one.
 *
 * -0.0 is refused, as its sign would be lost. Texts are read as calendar.h says; a conversion takes
 * any text of its kind, and who wants one spelling only asks rf_spelling_covers.
 *
 * Pure functions: any thread, no state. */
#ifndef RF_REPLAY_INSTANT_H
#define RF_REPLAY_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/value.h"
#include "replay/calendar.h"

enum rf_instant_encoding {
    RF_INSTANT_ISO_DATE,    /* "iso-date":    YYYY-MM-DD */
    RF_INSTANT_ISO_TIME,    /* "iso-time":    HH:MM… */
    RF_INSTANT_ISO_LOCAL,   /* "iso":         YYYY-MM-DD HH:MM…, or with T */
    RF_INSTANT_ISO_ZONED,   /* "iso-zone":    the same with a zone */
    RF_INSTANT_UNIX_S,      /* "unix-s":      seconds since 1970-01-01 UTC, */
    RF_INSTANT_UNIX_MS,     /* "unix-ms":     milliseconds, */
    RF_INSTANT_UNIX_US,     /* "unix-us":     microseconds, */
    RF_INSTANT_UNIX_NS,     /* "unix-ns":     nanoseconds since then */
    RF_INSTANT_JULIAN_DAY,  /* "julian-day":  days since noon of day 0, as SQLite's julianday() */
    RF_INSTANT_MAC_2001,    /* "mac-2001":    seconds since 2001-01-01 UTC (Core Data, Cocoa) */
    RF_INSTANT_WEBKIT_1601, /* "webkit-1601": microseconds since 1601-01-01 UTC (Chrome) */
};
#define RF_INSTANT_ENCODINGS 11

/* The name stands for the encoding in ledgers and settings. */
const char *rf_instant_name(enum rf_instant_encoding encoding);
bool rf_instant_find(const char *name, enum rf_instant_encoding *encoding);

/* What the value, which is not NULL, stands for, as PostgreSQL's binary formats count:
 *   ISO_DATE                days since 2000-01-01                      (date, int32)
 *   ISO_TIME                microseconds since midnight                (time, int64)
 *   ISO_LOCAL               microseconds since 2000-01-01 00:00        (timestamp, int64)
 *   ISO_ZONED, all numbers  microseconds since 2000-01-01 00:00 UTC    (timestamptz, int64)
 * Within PostgreSQL's range: 4714-11-24 BC … 294276-12-31. Its infinities never come out. */
enum rf_instant_fit rf_instant_of(enum rf_instant_encoding encoding, const struct rf_value *value,
                                  int64_t *result);

/* Between a date and the timestamp at its midnight; the other way it has to be midnight. */
static inline int64_t rf_instant_of_days(int64_t days) {
    return days * RF_DAY_MICROS;
}
static inline bool rf_instant_to_days(int64_t micros, int64_t *days) {
    *days = micros / RF_DAY_MICROS;
    return micros % RF_DAY_MICROS == 0;
}

#endif
