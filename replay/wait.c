/* Waiting for the server, and what its answers mean.
 *
 * libpq is used without blocking throughout: whatever would block waits in rf_pg_wait, which is
 * where the stop flag is looked at. */
#include "replay/connection_inner.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/server_error.h"

void rf_pg_one_line(const char *message, char *line, size_t size) {
    size_t used = 0;
    for (const char *at = message ? message : ""; *at && used + 1 < size; at++) {
        bool gap = *at == '\n' || *at == '\t';
        if (!gap) {
            line[used++] = *at;
        } else if (used > 0 && line[used - 1] != ' ') {
            line[used++] = ' ';
        }
    }
    while (used > 0 && line[used - 1] == ' ') {
        used--;
    }
    line[used] = 0;
}

enum rf_code rf_pg_fail_lost(struct rf_pg *pg, struct rf_error *error) {
    pg->lost = true;
    if (rf_run_ends(pg->run)) {
        return rf_run_check(pg->run, error); /* cut off by us, or while everything ends */
    }
    char line[400];
    rf_pg_one_line(PQerrorMessage(pg->conn), line, sizeof line);
    rf_fail(error, RF_CONNECT, "the connection to the server is lost%s%s", *line ? ": " : "", line);
    rf_hint(error, "%s", rf_server_hint("08006"));
    return RF_CONNECT;
}

static enum rf_code fail_interrupted(struct rf_pg *pg, struct rf_error *error) {
    PGcancel *cancel = PQgetCancel(pg->conn);
    if (cancel) {
        char message[256];
        (void)PQcancel(cancel, message, sizeof message);
        PQfreeCancel(cancel);
    }
    pg->lost = true; /* what the server was at is unknown; closing rolls it back */
    return rf_fail(error, RF_INTERRUPTED, "stopped before the end");
}

/* A statement that another one runs (DO, EXECUTE) is the one that the error is about. */
static unsigned position_of(const PGresult *result) {
    const char *inner = PQresultErrorField(result, PG_DIAG_INTERNAL_POSITION);
    const char *outer = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    const char *text = inner ? inner : outer;
    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static enum rf_code fail_result(struct rf_pg *pg, const PGresult *result, struct rf_error *error) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state && PQstatus(pg->conn) != CONNECTION_OK) {
        return rf_pg_fail_lost(pg, error);
    }
    pg->error_position = position_of(result);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char line[400];
    rf_pg_one_line(message ? message : PQresultErrorMessage(result), line, sizeof line);
    enum rf_code code = rf_server_code(state);
    rf_fail(error, code, "the server says: %s", line);
    if (state) {
        snprintf(error->sqlstate, sizeof error->sqlstate, "%s", state);
    }
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    char details[900];
    rf_pg_one_line(detail ? detail : context, details, sizeof details);
    rf_detail(error, "%s", details);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *ours = rf_server_hint(state);
    if (ours || hint) {
        rf_hint(error, "%s", ours ? ours : hint);
    }
    return code;
}

enum rf_code rf_pg_wait(struct rf_pg *pg, short events, struct rf_error *error) {
    struct pollfd poller = {.fd = PQsocket(pg->conn), .events = events};
    for (;;) {
        if (rf_run_ends(pg->run)) {
            return fail_interrupted(pg, error);
        }
        if (poller.fd < 0) {
            return rf_pg_fail_lost(pg, error);
        }
        int ready = poll(&poller, 1, RF_PG_WAIT_MS);
        if (ready > 0) {
            return RF_OK;
        }
        if (ready < 0 && errno != EINTR) {
            return rf_fail_errno(error, errno, "waiting for the server");
        }
    }
}

enum rf_code rf_pg_flush(struct rf_pg *pg, struct rf_error *error) {
    for (;;) {
        int left = PQflush(pg->conn);
        if (left == 0) {
            return RF_OK;
        }
        if (left < 0) {
            return rf_pg_fail_lost(pg, error);
        }
        enum rf_code code = rf_pg_wait(pg, POLLIN | POLLOUT, error);
        if (code != RF_OK) {
            return code;
        }
        if (!PQconsumeInput(pg->conn)) {
            return rf_pg_fail_lost(pg, error);
        }
    }
}

static enum rf_code next_result(struct rf_pg *pg, PGresult **result, struct rf_error *error) {
    enum rf_code code = rf_pg_flush(pg, error);
    while (code == RF_OK && PQisBusy(pg->conn)) {
        code = rf_pg_wait(pg, POLLIN, error);
        if (code == RF_OK && !PQconsumeInput(pg->conn)) {
            code = rf_pg_fail_lost(pg, error);
        }
    }
    *result = code == RF_OK ? PQgetResult(pg->conn) : NULL;
    return code;
}

static bool is_copy(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
}

static bool is_good(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
           is_copy(result);
}

enum rf_code rf_pg_gather(struct rf_pg *pg, PGresult **last, struct rf_error *error) {
    enum rf_code failure = RF_OK;
    PGresult *kept = NULL;
    for (;;) {
        PGresult *result;
        struct rf_error late;
        enum rf_code code = next_result(pg, &result, failure == RF_OK ? error : &late);
        if (code != RF_OK) {
            failure = failure == RF_OK ? code : failure;
            break;
        }
        if (!result) {
            break;
        }
        if (!is_good(result) && failure == RF_OK) {
            failure = fail_result(pg, result, error);
        }
        PQclear(kept);
        kept = result;
        if (is_copy(result)) {
            break;
        }
    }
    if (failure != RF_OK || !last) {
        PQclear(kept);
        kept = NULL;
    }
    if (last) {
        *last = kept;
    }
    return failure;
}
