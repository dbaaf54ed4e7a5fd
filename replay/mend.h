/* What is done to text that PostgreSQL does not take: NUL, and bytes that are not valid UTF-8.
 *
 * Invalid bytes count as Unicode recommends (section 3.9, "substitution of maximal subparts"): the
 * longest beginning of a character that is cut short is one bad sequence, and so is every byte that
 * begins none. The first two bytes of a euro sign are one, a surrogate's three bytes are three.
 *
 *   strip     bad sequences and NUL are left out
 *   replace   each becomes U+FFFD
 *   escape    each of their bytes becomes \xHH, in lower case, and every backslash of the text is
 *             doubled. So that no two texts become one, a text with \x00 or \x80 … \xff written out
 *             in it is treated the same, though nothing in it is bad. What was escaped can be told
 *             from what was not by just that, and be read back.
 *
 * Pure functions. */
#ifndef RF_REPLAY_MEND_H
#define RF_REPLAY_MEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rf_mend { RF_MEND_NOT = 0, RF_MEND_STRIP, RF_MEND_REPLACE, RF_MEND_ESCAPE };

/* Whether the text would not stay as it is. `clean` says that it is known to hold nothing bad. */
bool rf_mend_changes(enum rf_mend mend, const uint8_t *text, size_t size, bool clean);
/* What such a text becomes. */
struct rf_mended {
    uint64_t bytes;
    uint64_t characters;
    bool ends_in_space;
};
/* Writes it to `to`, if that is not NULL. */
struct rf_mended rf_mend_write(enum rf_mend mend, const uint8_t *text, size_t size, uint8_t *to);

#endif
