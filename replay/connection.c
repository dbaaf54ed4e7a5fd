/* libpq is used without blocking throughout: whatever would block waits in wait_for(), which is where
 * the stop flag is looked at. Data that is sent is flushed before more is handed over, so that libpq's
 * own buffer stays at the size of a piece. */
#include "replay/connection.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/server_error.h"
#include "replay/sql.h"

#define OLDEST_SERVER 130000
#define WAIT_MS 200
#define PUT_BYTES (256u << 10)

struct rf_pg {
    PGconn *conn;
    struct rf_run *run;
    bool lost;
    char *piece; /* of a COPY TO, libpq's memory */
};

bool rf_pg_broken(const struct rf_pg *pg) {
    return pg->lost || PQstatus(pg->conn) != CONNECTION_OK;
}

/* ---- errors ---- */

/* libpq's messages end in newlines and may have several lines. */
static void one_line(const char *message, char *line, size_t size) {
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

static enum rf_code fail_lost(struct rf_pg *pg, struct rf_error *error) {
    char line[400];
    one_line(PQerrorMessage(pg->conn), line, sizeof line);
    pg->lost = true;
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

static enum rf_code fail_result(struct rf_pg *pg, const PGresult *result, struct rf_error *error) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state && PQstatus(pg->conn) != CONNECTION_OK) {
        return fail_lost(pg, error);
    }
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char line[400];
    one_line(message ? message : PQresultErrorMessage(result), line, sizeof line);
    enum rf_code code = rf_server_code(state);
    rf_fail(error, code, "the server says: %s", line);
    if (state) {
        snprintf(error->sqlstate, sizeof error->sqlstate, "%s", state);
    }
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    char details[900];
    one_line(detail ? detail : context, details, sizeof details);
    rf_detail(error, "%s", details);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    const char *ours = rf_server_hint(state);
    if (ours || hint) {
        rf_hint(error, "%s", ours ? ours : hint);
    }
    return code;
}

/* ---- waiting ---- */

static enum rf_code wait_for(struct rf_pg *pg, short events, struct rf_error *error) {
    struct pollfd poller = {.fd = PQsocket(pg->conn), .events = events};
    for (;;) {
        if (rf_run_ends(pg->run)) {
            return fail_interrupted(pg, error);
        }
        if (poller.fd < 0) {
            return fail_lost(pg, error);
        }
        int ready = poll(&poller, 1, WAIT_MS);
        if (ready > 0) {
            return RF_OK;
        }
        if (ready < 0 && errno != EINTR) {
            return rf_fail_errno(error, errno, "waiting for the server");
        }
    }
}

static enum rf_code flush(struct rf_pg *pg, struct rf_error *error) {
    for (;;) {
        int left = PQflush(pg->conn);
        if (left == 0) {
            return RF_OK;
        }
        if (left < 0) {
            return fail_lost(pg, error);
        }
        enum rf_code code = wait_for(pg, POLLIN | POLLOUT, error);
        if (code != RF_OK) {
            return code;
        }
        if (!PQconsumeInput(pg->conn)) {
            return fail_lost(pg, error);
        }
    }
}

static enum rf_code next_result(struct rf_pg *pg, PGresult **result, struct rf_error *error) {
    enum rf_code code = flush(pg, error);
    while (code == RF_OK && PQisBusy(pg->conn)) {
        code = wait_for(pg, POLLIN, error);
        if (code == RF_OK && !PQconsumeInput(pg->conn)) {
            code = fail_lost(pg, error);
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

/* Takes the results of what was sent, to the end or up to a COPY. The last good one is handed over,
 * NULL when `last` is; the first bad one is the error. */
static enum rf_code gather(struct rf_pg *pg, PGresult **last, struct rf_error *error) {
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

/* ---- opening ---- */

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

static enum rf_code fail_connect(struct rf_pg *pg, struct rf_error *error) {
    char line[400];
    one_line(PQerrorMessage(pg->conn), line, sizeof line);
    rf_fail(error, RF_CONNECT, "cannot connect to PostgreSQL: %s", line);
    if (PQconnectionNeedsPassword(pg->conn)) {
        rf_hint(error, "give a password by PGPASSWORD, ~/.pgpass or a service file.");
    } else {
        rf_hint(error, "name the target with --target, or by libpq's own environment (PGHOST, "
                       "PGDATABASE, PGSERVICE …).");
    }
    return RF_CONNECT;
}

static enum rf_code connect_to_end(struct rf_pg *pg, struct rf_error *error) {
    time_t deadline = connect_deadline(pg->conn);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED || PQstatus(pg->conn) == CONNECTION_BAD) {
            return fail_connect(pg, error);
        }
        struct pollfd poller = {.fd = PQsocket(pg->conn),
                                .events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int ready = poll(&poller, 1, WAIT_MS);
        if (rf_run_ends(pg->run)) {
            return rf_fail(error, RF_INTERRUPTED, "stopped while connecting");
        }
        if (ready > 0) {
            next = PQconnectPoll(pg->conn);
        } else if (deadline && time(NULL) > deadline) {
            return rf_fail(error, RF_CONNECT, "cannot connect to PostgreSQL: timeout expired");
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
        rf_hint(error, "make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.");
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
        /* Not every platform can: then a killed client is noticed later, and nothing else changes. */
        struct rf_error ignored;
        code = rf_pg_do(pg, rf_sql_session_notice_client, NULL, &ignored);
        code = rf_pg_broken(pg) ? fail_lost(pg, error) : RF_OK;
    }
    return code;
}

static void on_notice(void *context, const char *message) {
    struct rf_pg *pg = context;
    char line[400];
    one_line(message, line, sizeof line);
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
    return connect_to_end(pg, error);
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
        code = fail_lost(made, error);
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

/* ---- statements ---- */

static void next_arg(struct rf_pg_args *args, const char *value, int size, int format) {
    args->values[args->count] = value;
    args->sizes[args->count] = size;
    args->formats[args->count] = format;
    args->count++;
}

void rf_pg_text(struct rf_pg_args *args, const char *text) {
    next_arg(args, text, 0, 0);
}

void rf_pg_number(struct rf_pg_args *args, uint64_t number) {
    char *room = args->room[args->count];
    snprintf(room, sizeof args->room[0], "%" PRIu64, number);
    next_arg(args, room, 0, 0);
}

void rf_pg_truth(struct rf_pg_args *args, bool truth) {
    next_arg(args, truth ? "t" : "f", 0, 0);
}

void rf_pg_hash(struct rf_pg_args *args, struct rf_hash hash) {
    char *room = args->room[args->count];
    rf_hash_store((uint8_t *)room, hash);
    next_arg(args, room, RF_HASH_SIZE, 1);
}

void rf_pg_bytes(struct rf_pg_args *args, const void *bytes, size_t size) {
    next_arg(args, bytes, (int)size, 1);
}

static uint64_t touched(PGresult *result) {
    return strtoull(PQcmdTuples(result), NULL, 10);
}

enum rf_code rf_pg_do(struct rf_pg *pg, const char *sql, uint64_t *rows, struct rf_error *error) {
    if (!PQsendQuery(pg->conn, sql)) {
        return fail_lost(pg, error);
    }
    PGresult *result;
    enum rf_code code = gather(pg, &result, error);
    if (code == RF_OK && rows) {
        *rows = touched(result);
    }
    PQclear(result);
    return code;
}

enum rf_code rf_pg_do_buffer(struct rf_pg *pg, struct rf_buffer *sql, uint64_t *rows,
                             struct rf_error *error) {
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    if (code == RF_OK) {
        code = rf_pg_do(pg, (const char *)sql->bytes, rows, error);
    }
    rf_buffer_clear(sql);
    return code;
}

static enum rf_code send_args(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                              PGresult **result, struct rf_error *error) {
    static const struct rf_pg_args none;
    const struct rf_pg_args *given = args ? args : &none;
    *result = NULL;
    if (!PQsendQueryParams(pg->conn, sql, given->count, NULL, given->values, given->sizes,
                           given->formats, 0)) {
        return fail_lost(pg, error);
    }
    return gather(pg, result, error);
}

enum rf_code rf_pg_do_args(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                           uint64_t *rows, struct rf_error *error) {
    PGresult *result;
    enum rf_code code = send_args(pg, sql, args, &result, error);
    if (code == RF_OK && rows) {
        *rows = touched(result);
    }
    PQclear(result);
    return code;
}

/* A struct rf_pg_rows is libpq's PGresult under another name: it owns nothing else. */
enum rf_code rf_pg_ask(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                       struct rf_pg_rows **rows, struct rf_error *error) {
    PGresult *result;
    enum rf_code code = send_args(pg, sql, args, &result, error);
    *rows = (struct rf_pg_rows *)result;
    return code;
}

static const PGresult *result_of(const struct rf_pg_rows *rows) {
    return (const PGresult *)rows;
}

void rf_pg_rows_free(struct rf_pg_rows *rows) {
    PQclear((PGresult *)rows);
}

uint32_t rf_pg_rows_count(const struct rf_pg_rows *rows) {
    return (uint32_t)PQntuples(result_of(rows));
}

const char *rf_pg_rows_text(const struct rf_pg_rows *rows, uint32_t row, uint32_t column) {
    const PGresult *result = result_of(rows);
    bool null = PQgetisnull(result, (int)row, (int)column);
    return null ? NULL : PQgetvalue(result, (int)row, (int)column);
}

uint64_t rf_pg_rows_number(const struct rf_pg_rows *rows, uint32_t row, uint32_t column) {
    const char *text = rf_pg_rows_text(rows, row, column);
    return text ? strtoull(text, NULL, 10) : 0;
}

bool rf_pg_rows_truth(const struct rf_pg_rows *rows, uint32_t row, uint32_t column) {
    const char *text = rf_pg_rows_text(rows, row, column);
    return text && *text == 't';
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rf_pg_rows_hash(const struct rf_pg_rows *rows, uint32_t row, uint32_t column,
                     struct rf_hash *hash) {
    const char *text = rf_pg_rows_text(rows, row, column);
    if (!text || strlen(text) != 2 + 2 * RF_HASH_SIZE || strncmp(text, "\\x", 2) != 0) {
        return false;
    }
    uint8_t bytes[RF_HASH_SIZE];
    for (size_t i = 0; i < RF_HASH_SIZE; i++) {
        int high = hex_digit(text[2 + 2 * i]), low = hex_digit(text[3 + 2 * i]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    *hash = rf_hash_load(bytes);
    return true;
}

enum rf_code rf_pg_print(struct rf_pg *pg, const struct rf_pg_field *fields, uint32_t count,
                         struct rf_pg_rows **rows, struct rf_error *error) {
    *rows = NULL;
    struct rf_buffer sql = {0};
    Oid *types = calloc(count + 1u, sizeof *types);
    const char **values = calloc(count + 1u, sizeof *values);
    int *sizes = calloc(count + 1u, sizeof *sizes);
    int *formats = calloc(count + 1u, sizeof *formats);
    enum rf_code code = types && values && sizes && formats ? RF_OK : rf_fail_memory(error);
    for (uint32_t i = 0; code == RF_OK && i < count; i++) {
        types[i] = fields[i].oid;
        values[i] = fields[i].bytes;
        sizes[i] = (int)fields[i].size;
        formats[i] = 1;
        rf_buffer_printf(&sql, "%s$%u", i == 0 ? "SELECT " : ", ", i + 1);
    }
    rf_buffer_u8(&sql, 0);
    if (code == RF_OK) {
        code = rf_buffer_check(&sql, error);
    }
    if (code == RF_OK && !PQsendQueryParams(pg->conn, (const char *)sql.bytes, (int)count, types,
                                            values, sizes, formats, 0)) {
        code = fail_lost(pg, error);
    } else if (code == RF_OK) {
        PGresult *result;
        code = gather(pg, &result, error);
        *rows = (struct rf_pg_rows *)result;
    }
    rf_buffer_release(&sql);
    free(types);
    free(values);
    free(sizes);
    free(formats);
    return code;
}

/* ---- COPY ---- */

static enum rf_code start_copy(struct rf_pg *pg, const char *sql, ExecStatusType wanted,
                               struct rf_error *error) {
    if (!PQsendQuery(pg->conn, sql)) {
        return fail_lost(pg, error);
    }
    PGresult *result;
    enum rf_code code = gather(pg, &result, error);
    if (code == RF_OK && PQresultStatus(result) != wanted) {
        code = rf_fail(error, RF_FAILED, "the server answered COPY with something else");
    }
    PQclear(result);
    return code;
}

enum rf_code rf_pg_copy_in(struct rf_pg *pg, const char *sql, struct rf_error *error) {
    return start_copy(pg, sql, PGRES_COPY_IN, error);
}

/* A COPY that the server ended by itself has an error waiting, which tells more than ours would. */
static enum rf_code fail_copy(struct rf_pg *pg, struct rf_error *error) {
    enum rf_code code = gather(pg, NULL, error);
    return code == RF_OK ? fail_lost(pg, error) : code;
}

static enum rf_code put_piece(struct rf_pg *pg, const uint8_t *bytes, size_t size,
                              struct rf_error *error) {
    for (;;) {
        int put = PQputCopyData(pg->conn, (const char *)bytes, (int)size);
        if (put < 0) {
            return fail_copy(pg, error);
        }
        enum rf_code code = flush(pg, error);
        if (code != RF_OK || put > 0) {
            return code;
        }
    }
}

enum rf_code rf_pg_copy_put(struct rf_pg *pg, struct rf_buffer *tuples, struct rf_error *error) {
    enum rf_code code = rf_buffer_check(tuples, error);
    for (size_t at = 0; code == RF_OK && at < tuples->size; at += PUT_BYTES) {
        size_t left = tuples->size - at;
        code = put_piece(pg, tuples->bytes + at, left < PUT_BYTES ? left : PUT_BYTES, error);
    }
    if (tuples->capacity > 16 * PUT_BYTES) {
        rf_buffer_release(tuples); /* a large value passed through; the next ones are small again */
    }
    rf_buffer_clear(tuples);
    return code;
}

enum rf_code rf_pg_copy_end(struct rf_pg *pg, uint64_t *rows, struct rf_error *error) {
    int put = PQputCopyEnd(pg->conn, NULL);
    while (put == 0) {
        enum rf_code code = flush(pg, error);
        if (code != RF_OK) {
            return code;
        }
        put = PQputCopyEnd(pg->conn, NULL);
    }
    if (put < 0) {
        return fail_copy(pg, error);
    }
    PGresult *result;
    enum rf_code code = gather(pg, &result, error);
    if (code == RF_OK && rows) {
        *rows = touched(result);
    }
    PQclear(result);
    return code;
}

enum rf_code rf_pg_copy_out(struct rf_pg *pg, const char *sql, struct rf_error *error) {
    return start_copy(pg, sql, PGRES_COPY_OUT, error);
}

enum rf_code rf_pg_copy_next(struct rf_pg *pg, const uint8_t **bytes, size_t *size,
                             struct rf_error *error) {
    PQfreemem(pg->piece);
    pg->piece = NULL;
    *bytes = NULL;
    *size = 0;
    for (;;) {
        int got = PQgetCopyData(pg->conn, &pg->piece, 1);
        if (got > 0) {
            *bytes = (const uint8_t *)pg->piece;
            *size = (size_t)got;
            return RF_OK;
        }
        if (got == -1) {
            return gather(pg, NULL, error);
        }
        if (got < 0) {
            return fail_copy(pg, error);
        }
        enum rf_code code = wait_for(pg, POLLIN, error);
        if (code != RF_OK) {
            return code;
        }
        if (!PQconsumeInput(pg->conn)) {
            return fail_lost(pg, error);
        }
    }
}

/* ---- transactions ---- */

enum rf_code rf_pg_begin(struct rf_pg *pg, struct rf_error *error) {
    return rf_pg_do(pg, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL, error);
}

/* A transaction that failed before answers COMMIT with ROLLBACK, and no error. */
enum rf_code rf_pg_commit(struct rf_pg *pg, struct rf_error *error) {
    if (!PQsendQuery(pg->conn, "COMMIT")) {
        return fail_lost(pg, error);
    }
    PGresult *result;
    enum rf_code code = gather(pg, &result, error);
    if (code == RF_OK && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
        code = rf_fail(error, RF_FAILED, "the server rolled the transaction back");
    }
    PQclear(result);
    return code;
}

void rf_pg_rollback(struct rf_pg *pg) {
    if (pg && !rf_pg_broken(pg)) {
        struct rf_error ignored;
        enum rf_code code = rf_pg_do(pg, "ROLLBACK", NULL, &ignored);
        pg->lost = pg->lost || code != RF_OK;
    }
}
