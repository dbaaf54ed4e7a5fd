/* Dates and times of day as ISO 8601 texts, taken apart.
 *
 * What is read is what programs write into SQLite, to the letter:
 *
 *     YYYY-MM-DD                                       a date
 *     HH:MM[:SS[.f…]]                                  a time of day
 *     YYYY-MM-DD{T or space}HH:MM[:SS[.f…]]            a local time
 *     … and right behind it Z, +HH, +HHMM or +HH:MM    an instant
 *
 * The calendar is the Gregorian one, also for the days before it was made (as SQLite's and
 * PostgreSQL's are). A text that names no time of that calendar is refused, not bent to the next
 * one that exists: the 30th of February, the year 0000, 24:00, the leap second 23:59:60. A fraction
 * has up to nine digits, of which those behind the sixth must be 0, as PostgreSQL counts
 * microseconds. -00:00 (a time whose zone is not known, says RFC 3339) is refused too. Offsets end
 * at 15:59, as PostgreSQL's do.
 *
 * Pure functions: any thread, no state. */
#ifndef RF_REPLAY_CALENDAR_H
#define RF_REPLAY_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_DAY_MICROS INT64_C(86400000000)
#define RF_SECOND_MICROS INT64_C(1000000)

/* Why a value is not the moment that a conversion takes it for. */
enum rf_instant_fit {
    RF_INSTANT_FITS = 0,
    RF_INSTANT_CLASS,   /* a storage class that the encoding does not use */
    RF_INSTANT_FORM,    /* text that is not written so */
    RF_INSTANT_NO_TIME, /* written so, but there is no such day or time of day */
    RF_INSTANT_INEXACT, /* finer than a microsecond, or a real that would not come back the same */
    RF_INSTANT_RANGE,   /* before or after all times that PostgreSQL has */
};
/* A phrase for people. */
const char *rf_instant_reason(enum rf_instant_fit fit);

enum rf_iso_kind { RF_ISO_DATE, RF_ISO_TIME, RF_ISO_LOCAL, RF_ISO_ZONED };
enum rf_iso_zone { RF_ZONE_NONE, RF_ZONE_Z, RF_ZONE_HH, RF_ZONE_HHMM, RF_ZONE_HH_MM };

/* How a text is written, but for its fraction. */
struct rf_iso_form {
    enum rf_iso_kind kind;
    char separator; /* 'T' or ' ' between date and time, else 0 */
    bool seconds;   /* are written */
    enum rf_iso_zone zone;
    int16_t offset; /* minutes east of UTC */
};

struct rf_iso {
    struct rf_iso_form form;
    unsigned fraction_digits; /* written, 0 … 9 */
    int32_t days;             /* since 2000-01-01; 0 for a time of day */
    int64_t micros;           /* since midnight, as written; 0 for a date */
};
enum rf_instant_fit rf_iso_read(const uint8_t *text, size_t size, struct rf_iso *iso);

/* Microseconds since 2000-01-01 00:00, in UTC where the text has a zone. */
static inline int64_t rf_iso_instant(const struct rf_iso *iso) {
    return iso->days * RF_DAY_MICROS + iso->micros - iso->form.offset * (60 * RF_SECOND_MICROS);
}

bool rf_iso_form_same(const struct rf_iso_form *a, const struct rf_iso_form *b);

#endif
