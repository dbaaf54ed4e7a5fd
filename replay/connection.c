/* Opening a connection: libpq finds the server as psql would, and what it finds is checked before
 * anything is done there. */
#include "replay/connection_inner.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "replay/connect_error.h"
#include "replay/sql.h"

#define OLDEST_SERVER 130000

/* A connection string that cannot be parsed is not repeated: its password may be in it. */
static enum rf_code check_conninfo(const char *conninfo, struct rf_error *error) {
    bool is_string = strchr(conninfo, '=') || strncmp(conninfo, "postgres://", 11) == 0 ||
                     strncmp(conninfo, "postgresql://", 13) == 0;
    if (!is_string) {
        return RF_OK; /* a database's name */
    }
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    if (!options) {
        rf_fail(error, RF_USAGE, "the target's connection string cannot be read");
        rf_hint(error, "write it as host=… dbname=… user=… or postgresql://user@host/dbname");
        return RF_USAGE;
    }
    PQconninfoFree(options);
    return RF_OK;
}

static time_t connect_deadline(PGconn *conn) {
    long seconds = 0;
    PQconninfoOption *options = PQconninfo(conn);
    for (PQconninfoOption *option = options; option && option->keyword; option++) {
        if (strcmp(option->keyword, "connect_timeout") == 0 && option->val) {
            seconds = strtol(option->val, NULL, 10);
        }
    }
    PQconninfoFree(options);
    return seconds > 0 ? time(NULL) + (seconds < 2 ? 2 : seconds) : 0;
}

static const char *known(const char *text) {
    return text ? text : "";
}

static enum rf_code fail_connect(struct rf_pg *pg, const char *message, struct rf_error *error) {
    const struct rf_connect_facts facts = {
        .message = message,
        .user = known(PQuser(pg->conn)),
        .dbname = known(PQdb(pg->conn)),
        .host = known(PQhost(pg->conn)),
        .port = known(PQport(pg->conn)),
        .needs_password = PQconnectionNeedsPassword(pg->conn),
    };
    return rf_connect_fail(&facts, error);
}

static enum rf_code connect_to_end(struct rf_pg *pg, struct rf_error *error) {
    time_t deadline = connect_deadline(pg->conn);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED || PQstatus(pg->conn) == CONNECTION_BAD) {
            return fail_connect(pg, PQerrorMessage(pg->conn), error);
        }
        struct pollfd poller = {.fd = PQsocket(pg->conn),
                                .events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int ready = poll(&poller, 1, RF_PG_WAIT_MS);
        if (rf_run_ends(pg->run)) {
            return rf_fail(error, RF_INTERRUPTED, "stopped while connecting");
        }
        if (ready > 0) {
            next = PQconnectPoll(pg->conn);
        } else if (deadline && time(NULL) > deadline) {
            return fail_connect(pg, "timeout expired", error);
        }
    }
    return RF_OK;
}

static enum rf_code check_server(struct rf_pg *pg, struct rf_error *error) {
    int version = PQserverVersion(pg->conn);
    if (version < OLDEST_SERVER) {
        rf_fail(error, RF_MISPLACED, "the server is PostgreSQL %d.%d; rowferry needs 13 or later",
                version / 10000, version % 10000);
        return RF_MISPLACED;
    }
    const char *encoding = PQparameterStatus(pg->conn, "server_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        rf_fail(error, RF_MISPLACED, "the target database is encoded in %s, not in UTF8",
                encoding ? encoding : "something unknown");
        rf_hint(error,
                "createdb --encoding=UTF8 --locale=C --template=template0 NAME makes one that is.");
        return RF_MISPLACED;
    }
    return RF_OK;
}

static enum rf_code set_up(struct rf_pg *pg, enum rf_pg_role role, struct rf_error *error) {
    enum rf_code code = rf_pg_do(pg, rf_sql_session, NULL, error);
    if (code == RF_OK && role == RF_PG_LOADER) {
        code = rf_pg_do(pg, rf_sql_session_loader, NULL, error);
    }
    if (code == RF_OK && PQserverVersion(pg->conn) >= 140000) {
        code = rf_pg_do(pg, rf_sql_session_notice_client, NULL, error);
        if (code != RF_OK && !rf_pg_broken(pg)) {
            /* Not every platform can: then a killed client is noticed later, that is all. */
            rf_error_clear(error);
            code = RF_OK;
        }
    }
    return code;
}

static void on_notice(void *context, const char *message) {
    struct rf_pg *pg = context;
    char line[400];
    rf_pg_one_line(message, line, sizeof line);
    rf_run_note(pg->run, "server: %s", line);
}

static enum rf_code start(struct rf_pg *pg, const char *conninfo, struct rf_error *error) {
    const char *const keywords[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
    const char *const values[] = {conninfo, "rowferry", "UTF8", NULL};
    pg->conn = PQconnectStartParams(keywords, values, 1);
    if (!pg->conn) {
        return rf_fail_memory(error);
    }
    PQsetNoticeProcessor(pg->conn, on_notice, pg);
    PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE); /* a refusal tells its SQLSTATE */
    enum rf_code code = connect_to_end(pg, error);
    PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
    return code;
}

enum rf_code rf_pg_open(struct rf_run *run, enum rf_pg_role role, struct rf_pg **pg,
                        struct rf_error *error) {
    const char *conninfo = run->options->conninfo ? run->options->conninfo : "";
    *pg = NULL;
    enum rf_code code = check_conninfo(conninfo, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_pg *made = calloc(1, sizeof *made);
    if (!made) {
        return rf_fail_memory(error);
    }
    made->run = run;
    code = start(made, conninfo, error);
    if (code == RF_OK) {
        code = check_server(made, error);
    }
    if (code == RF_OK && PQsetnonblocking(made->conn, 1) != 0) {
        code = rf_pg_fail_lost(made, error);
    }
    if (code == RF_OK) {
        code = set_up(made, role, error);
    }
    if (code != RF_OK) {
        rf_pg_close(made);
        return code;
    }
    *pg = made;
    return RF_OK;
}

void rf_pg_close(struct rf_pg *pg) {
    if (pg) {
        PQfreemem(pg->piece);
        PQfinish(pg->conn);
        free(pg);
    }
}

bool rf_pg_in_transaction(const struct rf_pg *pg) {
    return PQtransactionStatus(pg->conn) == PQTRANS_INTRANS;
}

unsigned rf_pg_error_position(const struct rf_pg *pg) {
    return pg->error_position;
}

bool rf_pg_broken(const struct rf_pg *pg) {
    return pg->lost || PQstatus(pg->conn) != CONNECTION_OK;
}

bool rf_pg_is_near(const struct rf_pg *pg) {
    struct sockaddr_storage ours = {0}, theirs = {0};
    socklen_t our_size = sizeof ours, their_size = sizeof theirs;
    int socket = PQsocket(pg->conn);
    if (getsockname(socket, (struct sockaddr *)&ours, &our_size) != 0 ||
        getpeername(socket, (struct sockaddr *)&theirs, &their_size) != 0 ||
        ours.ss_family != theirs.ss_family) {
        return false;
    }
    if (ours.ss_family == AF_INET) {
        const struct sockaddr_in *a = (const void *)&ours, *b = (const void *)&theirs;
        return a->sin_addr.s_addr == b->sin_addr.s_addr;
    }
    if (ours.ss_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const void *)&ours, *b = (const void *)&theirs;
        return memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
    }
    return ours.ss_family == AF_UNIX;
}
