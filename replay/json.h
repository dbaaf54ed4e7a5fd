/* JSON as PostgreSQL takes it, as text (json) and taken apart (jsonb).
 *
 * Both take what RFC 8259 says: one value, of any kind, with white space around it. Lone surrogates
 * and \u0000 in strings, and numbers of any size, are fine in json, which only looks at the
 * grammar, and not in jsonb, which is what the server makes of them:
 *
 *   - the members of an object in the order of their keys' lengths, then bytes; of several with the
 *     same key the last one;
 *   - numbers as numeric writes them: 1e3 as 1000, 1.50 as 1.50, -0 as 0;
 *   - strings with \" \\ \b \f \n \r \t and \u001f escaped and nothing else;
 *   - one space behind each colon and comma.
 *
 * Nesting ends at RF_JSON_DEPTH_MAX, as in SQLite, well before the server's stack does, and a jsonb
 * where its server might want more of one allocation or of one length field than there is.
 *
 * The text must be valid UTF-8. Any thread; no state. */
#ifndef RF_REPLAY_JSON_H
#define RF_REPLAY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"

#define RF_JSON_DEPTH_MAX 1000u
/* A jsonb's text, as the server writes it but with duplicate members, and 16 bytes for each of its
 * values (keys count as values) are this at the most … */
#define RF_JSONB_BYTES_MAX 268435455u
/* … and it has so many values at the most. */
#define RF_JSONB_VALUES_MAX 8388608u

bool rf_json_valid(const uint8_t *text, size_t size);
bool rf_jsonb_valid(const uint8_t *text, size_t size);
/* Appends the text that the server writes for a valid jsonb. Want of memory shows in `out`. */
void rf_jsonb_put(const uint8_t *text, size_t size, struct rf_buffer *out);

/* Integers in one array, [1, -2]. Appends each in network order, eight bytes behind four of length,
 * unless `out` is NULL. False for anything else, with nothing or something appended. */
bool rf_json_integers(const uint8_t *text, size_t size, uint32_t *count, struct rf_buffer *out);

#endif
