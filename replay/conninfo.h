/* Connection strings put together from keywords and values, and what libpq's keywords are.
 *
 * libpq is asked which there are, so that a newer one takes what it knows. Nothing here connects,
 * reads the environment or keeps a value: passwords pass through. */
#ifndef RF_REPLAY_CONNINFO_H
#define RF_REPLAY_CONNINFO_H

#include <stdbool.h>

#include "format/bytes.h"
#include "format/error.h"

enum rf_conninfo_kind {
    RF_CONNINFO_UNKNOWN,
    RF_CONNINFO_TEXT,
    RF_CONNINFO_SWITCH, /* 0 or 1, such as keepalives */
};
enum rf_conninfo_kind rf_conninfo_kind(const char *keyword);

/* Appends "keyword='value'", a blank before it where something stands there, with quotes and
 * backslashes escaped. */
void rf_conninfo_append(struct rf_buffer *conninfo, const char *keyword, const char *value);

/* Calls `each` for every setting of a connection string or URI. RF_USAGE where libpq cannot read
 * it; the message does not repeat it, since a password may be in it. */
RF_MUST_USE enum rf_code rf_conninfo_each(const char *conninfo,
                                          void (*each)(void *context, const char *keyword,
                                                       const char *value),
                                          void *context, struct rf_error *error);

/* "13.4" of the libpq that runs. */
void rf_conninfo_version(char text[16]);

#endif
