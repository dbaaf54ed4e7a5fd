/* Text of UTF-16 databases as UTF-8 that loses nothing.
 *
 * SQLite's own conversion pairs surrogates blindly and drops what it cannot pair, so the stored
 * bytes are taken and converted here: a pair becomes four bytes, a surrogate without its other half
 * the three bytes that UTF-8's scheme gives its code ("generalised UTF-8"), and a last byte that is
 * not half of a unit, which only a damaged or hand-made file has, FF and itself. Different stored
 * bytes give different UTF-8; only well-formed UTF-16 gives valid UTF-8. */
#ifndef RF_CAPTURE_TEXT16_H
#define RF_CAPTURE_TEXT16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room that rf_text16_to_utf8 may need for `size` bytes. */
static inline size_t rf_text16_room(size_t size) {
    return size / 2 * 3 + 2;
}
/* Returns how many bytes were written. */
size_t rf_text16_to_utf8(const uint8_t *text, size_t size, bool big_endian, uint8_t *out);
/* And back. Room for 2 * size + 2 bytes; the number of bytes written goes to *written. False where the
 * bytes are not what rf_text16_to_utf8 makes of any text. */
bool rf_text16_from_utf8(const uint8_t *text, size_t size, bool big_endian, uint8_t *out,
                         size_t *written);
/* The order of the converted bytes: <0, 0, >0. */
int rf_text16_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                      bool big_endian);

#endif
