/* Rows in and out by COPY. What is handed over is flushed before more comes, so that libpq's own
 * buffer stays at the size of a piece. */
#include "replay/connection_inner.h"

#include <poll.h>
#include <stdlib.h>

#define PUT_BYTES (256u << 10)
#define KEPT_BYTES (4u << 20)

static uint64_t touched(PGresult *result) {
    return strtoull(PQcmdTuples(result), NULL, 10);
}

static enum rf_code start_copy(struct rf_pg *pg, const char *sql, ExecStatusType wanted,
                               struct rf_error *error) {
    if (!PQsendQuery(pg->conn, sql)) {
        return rf_pg_fail_lost(pg, error);
    }
    PGresult *result;
    enum rf_code code = rf_pg_gather(pg, &result, error);
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
    enum rf_code code = rf_pg_gather(pg, NULL, error);
    return code == RF_OK ? rf_pg_fail_lost(pg, error) : code;
}

static enum rf_code put_piece(struct rf_pg *pg, const uint8_t *bytes, size_t size,
                              struct rf_error *error) {
    for (;;) {
        int put = PQputCopyData(pg->conn, (const char *)bytes, (int)size);
        if (put < 0) {
            return fail_copy(pg, error);
        }
        enum rf_code code = rf_pg_flush(pg, error);
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
    if (tuples->capacity > KEPT_BYTES) {
        rf_buffer_release(tuples); /* a large value passed through; the next ones are small again */
    }
    rf_buffer_clear(tuples);
    return code;
}

enum rf_code rf_pg_copy_end(struct rf_pg *pg, uint64_t *rows, struct rf_error *error) {
    int put = PQputCopyEnd(pg->conn, NULL);
    while (put == 0) {
        enum rf_code code = rf_pg_flush(pg, error);
        if (code != RF_OK) {
            return code;
        }
        put = PQputCopyEnd(pg->conn, NULL);
    }
    if (put < 0) {
        return fail_copy(pg, error);
    }
    PGresult *result;
    enum rf_code code = rf_pg_gather(pg, &result, error);
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
            return rf_pg_gather(pg, NULL, error);
        }
        if (got < 0) {
            return fail_copy(pg, error);
        }
        enum rf_code code = rf_pg_wait(pg, POLLIN, error);
        if (code != RF_OK) {
            return code;
        }
        if (!PQconsumeInput(pg->conn)) {
            return rf_pg_fail_lost(pg, error);
        }
    }
}
