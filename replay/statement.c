/* Statements, their parameters and the rows that come back. */
#include "replay/connection_inner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static uint64_t touched(PGresult *result) {
    return strtoull(PQcmdTuples(result), NULL, 10);
}

enum rf_code rf_pg_do(struct rf_pg *pg, const char *sql, uint64_t *rows, struct rf_error *error) {
    if (!PQsendQuery(pg->conn, sql)) {
        return rf_pg_fail_lost(pg, error);
    }
    PGresult *result;
    enum rf_code code = rf_pg_gather(pg, &result, error);
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
        return rf_pg_fail_lost(pg, error);
    }
    return rf_pg_gather(pg, result, error);
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

/* The place of a statement among those that are prepared, where there is one or room for one. */
static unsigned place_of(const struct rf_pg *pg, const char *sql) {
    unsigned place = 0;
    while (place < pg->prepared_count && pg->prepared[place] != sql) {
        place++;
    }
    return place;
}

static enum rf_code prepare(struct rf_pg *pg, const char *name, const char *sql,
                            struct rf_error *error) {
    if (!PQsendPrepare(pg->conn, name, sql, 0, NULL)) {
        return rf_pg_fail_lost(pg, error);
    }
    enum rf_code code = rf_pg_gather(pg, NULL, error);
    if (code == RF_OK) {
        pg->prepared[pg->prepared_count++] = sql;
    }
    return code;
}

static enum rf_code send_often(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                               PGresult **result, struct rf_error *error) {
    unsigned place = place_of(pg, sql);
    *result = NULL;
    if (place == RF_PG_PREPARED_MAX) {
        return send_args(pg, sql, args, result, error);
    }
    char name[16];
    snprintf(name, sizeof name, "rf_%u", place);
    enum rf_code code = place < pg->prepared_count ? RF_OK : prepare(pg, name, sql, error);
    if (code != RF_OK) {
        return code;
    }
    if (!PQsendQueryPrepared(pg->conn, name, args->count, args->values, args->sizes, args->formats,
                             0)) {
        return rf_pg_fail_lost(pg, error);
    }
    return rf_pg_gather(pg, result, error);
}

enum rf_code rf_pg_do_often(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                            uint64_t *rows, struct rf_error *error) {
    PGresult *result;
    enum rf_code code = send_often(pg, sql, args, &result, error);
    if (code == RF_OK && rows) {
        *rows = touched(result);
    }
    PQclear(result);
    return code;
}

enum rf_code rf_pg_ask_often(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                             struct rf_pg_rows **rows, struct rf_error *error) {
    PGresult *result;
    enum rf_code code = send_often(pg, sql, args, &result, error);
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

uint32_t rf_pg_rows_width(const struct rf_pg_rows *rows) {
    return (uint32_t)PQnfields(result_of(rows));
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

struct printing {
    Oid *types;
    const char **values;
    int *sizes;
    int *formats;
    struct rf_buffer sql;
};

static bool printing_init(struct printing *printing, const struct rf_pg_field *fields,
                          uint32_t count) {
    printing->types = calloc(count + 1u, sizeof *printing->types);
    printing->values = calloc(count + 1u, sizeof *printing->values);
    printing->sizes = calloc(count + 1u, sizeof *printing->sizes);
    printing->formats = calloc(count + 1u, sizeof *printing->formats);
    if (!printing->types || !printing->values || !printing->sizes || !printing->formats) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        printing->types[i] = fields[i].oid;
        printing->values[i] = fields[i].bytes;
        printing->sizes[i] = (int)fields[i].size;
        printing->formats[i] = 1;
        rf_buffer_printf(&printing->sql, "%s$%u", i == 0 ? "SELECT " : ", ", i + 1);
    }
    rf_buffer_u8(&printing->sql, 0);
    return !printing->sql.failed;
}

static void printing_release(struct printing *printing) {
    free(printing->types);
    free(printing->values);
    free(printing->sizes);
    free(printing->formats);
    rf_buffer_release(&printing->sql);
}

enum rf_code rf_pg_print(struct rf_pg *pg, const struct rf_pg_field *fields, uint32_t count,
                         struct rf_pg_rows **rows, struct rf_error *error) {
    struct printing printing = {.types = NULL};
    PGresult *result = NULL;
    enum rf_code code;
    if (!printing_init(&printing, fields, count)) {
        code = rf_fail_memory(error);
    } else if (!PQsendQueryParams(pg->conn, (const char *)printing.sql.bytes, (int)count,
                                  printing.types, printing.values, printing.sizes, printing.formats,
                                  0)) {
        code = rf_pg_fail_lost(pg, error);
    } else {
        code = rf_pg_gather(pg, &result, error);
    }
    *rows = (struct rf_pg_rows *)result;
    printing_release(&printing);
    return code;
}

enum rf_code rf_pg_begin(struct rf_pg *pg, struct rf_error *error) {
    return rf_pg_do(pg, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL, error);
}

enum rf_code rf_pg_begin_fixed(struct rf_pg *pg, bool read_only, struct rf_error *error) {
    return rf_pg_do(pg,
                    read_only ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                              : "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE",
                    NULL, error);
}

/* A transaction that failed before answers COMMIT with ROLLBACK, and no error. */
enum rf_code rf_pg_commit(struct rf_pg *pg, struct rf_error *error) {
    if (!PQsendQuery(pg->conn, "COMMIT")) {
        return rf_pg_fail_lost(pg, error);
    }
    PGresult *result;
    enum rf_code code = rf_pg_gather(pg, &result, error);
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
