/* The one way in which all dates and times of a column are written, if there is one.
 *
 * PostgreSQL keeps the moment, not the text. The text can be written out again from the moment, and
 * two different texts stay two different values, only where all of them follow one pattern. That is
 * a spelling:
 *
 *     YYYY-MM-DD                       HH:MM:SS
 *     YYYY-MM-DD HH:MM:SS              YYYY-MM-DDTHH:MM
 *     YYYY-MM-DD HH:MM:SS.fff          so many digits, always
 *     YYYY-MM-DDTHH:MM:SS[.ffffff]Z    so many digits, or none when they would all be 0 (Python)
 *     YYYY-MM-DD HH:MM:SS[.f*]+01:00   no 0 at the end: none for a whole second (Go, .NET)
 *
 * An offset is part of it, as PostgreSQL does not keep it: a column with +01:00 in winter and
 * +02:00 in summer has no one spelling. Nor has one with dates alone among times: 2024-05-01 would
 * become the same midnight as 2024-05-01 00:00:00.
 *
 * Pure functions over plain structs; one thread a struct. */
#ifndef RF_REPLAY_SPELLING_H
#define RF_REPLAY_SPELLING_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/calendar.h"

enum rf_fraction_rule {
    RF_FRACTION_ALWAYS,      /* fraction_digits of them, 0 for none */
    RF_FRACTION_UNLESS_ZERO, /* fraction_digits of them, or none for a whole second */
    RF_FRACTION_AS_NEEDED,   /* without zeros at the end; fraction_digits is 0 */
};

struct rf_spelling {
    struct rf_iso_form form;
    enum rf_fraction_rule rule;
    unsigned fraction_digits;
};

/* Whether a text that was read is written so. */
bool rf_spelling_covers(const struct rf_spelling *spelling, const struct rf_iso *iso);

/* As a pattern, for people and for the ledger, and back; the room includes the NUL. False for what
 * rf_spelling_print does not print. */
#define RF_SPELLING_TEXT 48
void rf_spelling_print(const struct rf_spelling *spelling, char text[RF_SPELLING_TEXT]);
bool rf_spelling_read(const char *text, struct rf_spelling *spelling);

/* Finds the spelling of texts that are shown one after another. All zero to begin with. */
struct rf_spelling_evidence {
    bool any;
    bool mixed;            /* no spelling covers them */
    bool zero_fraction;    /* a fraction of nothing but zeros was written */
    bool zero_at_end;      /* a fraction that ends in 0 was written */
    uint16_t digit_counts; /* bit n: a fraction of n digits was written; bit 0: none was */
    struct rf_iso_form form;
};
void rf_spelling_evidence_add(struct rf_spelling_evidence *evidence, const struct rf_iso *iso);
/* As if the texts of `more` had been shown too. */
void rf_spelling_evidence_join(struct rf_spelling_evidence *evidence,
                               const struct rf_spelling_evidence *more);
/* The narrowest spelling that covers all of them; false where there is none. */
bool rf_spelling_proven(const struct rf_spelling_evidence *evidence, struct rf_spelling *spelling);

#endif
