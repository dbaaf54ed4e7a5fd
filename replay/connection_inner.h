/* What the files that call libpq share: connection.c opens, statement.c runs statements, copy.c
 * moves rows, wait.c waits. Inner to them. */
#ifndef RF_REPLAY_CONNECTION_INNER_H
#define RF_REPLAY_CONNECTION_INNER_H

#include <libpq-fe.h>

#include "replay/connection.h"

#define RF_PG_PREPARED_MAX 16u

struct rf_pg {
    PGconn *conn;
    struct rf_run *run;
    bool lost;
    unsigned error_position; /* see rf_pg_error_position */
    char *piece;             /* of a COPY TO, libpq's memory */
    unsigned prepared_count;
    const char *prepared[RF_PG_PREPARED_MAX]; /* their places are their names on the server */
};

#define RF_PG_WAIT_MS 200 /* between two looks at the run */

/* Waits until the socket is ready for `events` (of poll). RF_INTERRUPTED once the run is to end:
 * then the server was told to cancel what it is at. */
RF_MUST_USE enum rf_code rf_pg_wait(struct rf_pg *pg, short events, struct rf_error *error);
/* Sends everything that libpq holds back. */
RF_MUST_USE enum rf_code rf_pg_flush(struct rf_pg *pg, struct rf_error *error);
/* Takes the results of what was sent, to the end or up to a COPY. The last good one is handed over,
 * NULL when `last` is; the first bad one is the error. */
RF_MUST_USE enum rf_code rf_pg_gather(struct rf_pg *pg, PGresult **last, struct rf_error *error);

/* RF_CONNECT; from here on the connection is of no use. */
enum rf_code rf_pg_fail_lost(struct rf_pg *pg, struct rf_error *error);
/* libpq's messages end in newlines and may have several lines. */
void rf_pg_one_line(const char *message, char *line, size_t size);

#endif
