/* Passwords do not leave by way of a message.
 *
 * A conninfo string may hold one, and libpq quotes the whole string in some of its errors; so every
 * message passes here, not only those that are known to hold a conninfo. What is taken for a
 * secret:
 *     password=WORD or password='quoted words', sslpassword=…   (conninfo and URI query)
 *     scheme://user:SECRET@                                     (URI)
 * Better too much than too little: where it is unclear how far a secret goes, more is hidden. */
#ifndef RF_TOOLS_REDACT_H
#define RF_TOOLS_REDACT_H

#include "format/bytes.h"

#define RF_REDACTED "***"

/* Appends the text with each secret replaced by RF_REDACTED. */
void rf_redact(struct rf_buffer *out, const char *text);

/* Overwrites each secret with asterisks: for the arguments that other users see in the process
 * list. */
void rf_redact_in_place(char *text);

#endif
