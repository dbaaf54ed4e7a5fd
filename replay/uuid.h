/* UUIDs: the sixteen bytes that PostgreSQL's type uuid is.
 *
 * PostgreSQL prints a uuid in one way, so that way alone survives as text: 8-4-4-4-12 lower case
 * hexadecimal digits. Upper case, braces, missing dashes are refused. A blob of sixteen bytes is
 * taken as they stand, whatever version they claim to be. A column should hold one kind or the
 * other: as both, a text and a blob may become the same uuid. Pure functions. */
#ifndef RF_REPLAY_UUID_H
#define RF_REPLAY_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_UUID_BYTES 16u
#define RF_UUID_TEXT_BYTES 36u

/* False, and `uuid` undefined, where the text or blob is none. */
bool rf_uuid_of_text(const uint8_t *text, size_t size, uint8_t uuid[RF_UUID_BYTES]);
bool rf_uuid_of_blob(const uint8_t *blob, size_t size, uint8_t uuid[RF_UUID_BYTES]);

#endif
