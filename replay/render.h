/* Numbers as text, the way SQLite's CAST(… AS TEXT) shapes them, but never losing a bit. */
#ifndef RF_REPLAY_RENDER_H
#define RF_REPLAY_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_NUMBER_TEXT 32 /* room for any rendered number with its NUL */

/* Decimal digits. Returns the length. */
size_t rf_render_integer(int64_t integer, char text[RF_NUMBER_TEXT]);

/* 1.0, 0.001, 1.0e-05, 1.0e+15, Inf, -Inf: always with '.' or in words, so that it is told from an
 * integer; 15 significant digits where they lead back to the same real, else as many as it takes
 * (16 or 17). -0.0 keeps its sign, which SQLite drops. Returns the length. */
size_t rf_render_real(double real, char text[RF_NUMBER_TEXT]);

/* Whether some INTEGER or REAL would be rendered as just these bytes. */
bool rf_looks_rendered(const uint8_t *bytes, size_t size);

#endif
