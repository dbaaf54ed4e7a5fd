/* Why there is no connection, and what mends it.
 *
 * A server that refuses says so with an SQLSTATE and the name of the function that refused, in
 * whatever language its sentence is; libpq's own messages, of servers that were not reached, are in
 * English, since the program sets no language for messages. */
#ifndef RF_REPLAY_CONNECT_ERROR_H
#define RF_REPLAY_CONNECT_ERROR_H

#include <stdbool.h>

#include "format/error.h"

/* What is known of an attempt; "" for what is not. */
struct rf_connect_facts {
    const char *message; /* PQerrorMessage, at PQERRORS_VERBOSE */
    const char *user;
    const char *dbname;
    const char *host; /* its name, address, or folder of its socket */
    const char *port;
    bool needs_password; /* none was given, and one was asked for */
};

/* RF_CONNECT, with the message on one line and a hint for the administrator. */
enum rf_code rf_connect_fail(const struct rf_connect_facts *facts, struct rf_error *error);

#endif
