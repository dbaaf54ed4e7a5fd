/* One connection to the server.
 *
 * Every wait looks at the run a few times a second: once it is to end, the statement under way is
 * cancelled and the call returns RF_INTERRUPTED. Errors carry the server's message, detail, hint
 * and SQLSTATE; no text here ever holds a password. A connection belongs to one thread at a time.
 *
 * Nothing else knows libpq's calls. Statements are not written here: those that are fixed stand in
 * sql/, those with names in them are put together by plan.h and others, and each has a function of
 * its own that says what it does. */
#ifndef RF_REPLAY_CONNECTION_H
#define RF_REPLAY_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"
#include "replay/run.h"

struct rf_pg;
/* What a connection is for decides its settings. */
enum rf_pg_role {
    RF_PG_CONTROL, /* the ledger, the lock, deltas */
    RF_PG_LOADER,  /* fills tables that nobody sees yet: its commits need not wait for the disk */
    RF_PG_READER,  /* reads only */
};

/* RF_CONNECT: no connection. RF_MISPLACED: a server that is too old or not UTF-8. */
RF_MUST_USE enum rf_code rf_pg_open(struct rf_run *run, enum rf_pg_role role, struct rf_pg **pg,
                                    struct rf_error *error);
void rf_pg_close(struct rf_pg *pg);        /* NULL is fine; what is not committed is rolled back */
bool rf_pg_broken(const struct rf_pg *pg); /* the connection is lost */
/* The server runs on this machine, as far as the connection tells: over a socket of the file system,
 * or from one of our addresses to the same one. */
bool rf_pg_is_near(const struct rf_pg *pg);
bool rf_pg_in_transaction(const struct rf_pg *pg); /* one that was begun, and did not fail */
/* Where the last error was in the SQL that it is about, in characters from 1; 0: it does not say. */
unsigned rf_pg_error_position(const struct rf_pg *pg);

/* Parameters of a statement, $1 and so on, in order. Strings and bytes are borrowed until it ran.
 */
#define RF_PG_ARGS_MAX 24
struct rf_pg_args {
    int count;
    const char *values[RF_PG_ARGS_MAX];
    int sizes[RF_PG_ARGS_MAX];
    int formats[RF_PG_ARGS_MAX];
    char room[RF_PG_ARGS_MAX][32];
};
void rf_pg_text(struct rf_pg_args *args, const char *text); /* NULL for NULL */
void rf_pg_number(struct rf_pg_args *args, uint64_t number);
void rf_pg_truth(struct rf_pg_args *args, bool truth);
void rf_pg_hash(struct rf_pg_args *args, struct rf_hash hash); /* bytea of 16 bytes */

/* Statements without parameters and without rows; several may stand in one text. `rows` (may be
 * NULL) gets the number of rows that the last one touched. */
RF_MUST_USE enum rf_code rf_pg_do(struct rf_pg *pg, const char *sql, uint64_t *rows,
                                  struct rf_error *error);
RF_MUST_USE enum rf_code rf_pg_do_buffer(struct rf_pg *pg, struct rf_buffer *sql, uint64_t *rows,
                                         struct rf_error *error);
/* One statement with parameters and without rows. */
RF_MUST_USE enum rf_code rf_pg_do_args(struct rf_pg *pg, const char *sql,
                                       const struct rf_pg_args *args, uint64_t *rows,
                                       struct rf_error *error);

/* Rows that came back. Text is as the server printed it, NUL-terminated. */
struct rf_pg_rows;
RF_MUST_USE enum rf_code rf_pg_ask(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                                   struct rf_pg_rows **rows, struct rf_error *error);
/* The same for statements that every table needs: parsed and planned once a connection, so not for
 * one whose plan has to change while a table of the ledger grows. They are known by their address. */
RF_MUST_USE enum rf_code rf_pg_do_often(struct rf_pg *pg, const char *sql,
                                        const struct rf_pg_args *args, uint64_t *rows,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_pg_ask_often(struct rf_pg *pg, const char *sql,
                                         const struct rf_pg_args *args, struct rf_pg_rows **rows,
                                         struct rf_error *error);
void rf_pg_rows_free(struct rf_pg_rows *rows); /* NULL is fine */
uint32_t rf_pg_rows_count(const struct rf_pg_rows *rows);
uint32_t rf_pg_rows_width(const struct rf_pg_rows *rows); /* columns */
const char *rf_pg_rows_text(const struct rf_pg_rows *rows, uint32_t row,
                            uint32_t column); /* or NULL */
uint64_t rf_pg_rows_number(const struct rf_pg_rows *rows, uint32_t row,
                           uint32_t column); /* 0: NULL */
bool rf_pg_rows_truth(const struct rf_pg_rows *rows, uint32_t row, uint32_t column);
/* A bytea of 16 bytes; false for anything else. */
bool rf_pg_rows_hash(const struct rf_pg_rows *rows, uint32_t row, uint32_t column,
                     struct rf_hash *hash);

/* One value in binary, of the type with that object id, printed by the server. */
struct rf_pg_field {
    uint32_t oid;
    const void *bytes; /* NULL for NULL */
    uint32_t size;
};
RF_MUST_USE enum rf_code rf_pg_print(struct rf_pg *pg, const struct rf_pg_field *fields,
                                     uint32_t count, struct rf_pg_rows **rows,
                                     struct rf_error *error);

/* COPY … FROM STDIN (FORMAT binary): begin, put tuples, end. */
RF_MUST_USE enum rf_code rf_pg_copy_in(struct rf_pg *pg, const char *sql, struct rf_error *error);
/* Sends what is in the buffer and empties it. */
RF_MUST_USE enum rf_code rf_pg_copy_put(struct rf_pg *pg, struct rf_buffer *tuples,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_pg_copy_end(struct rf_pg *pg, uint64_t *rows, struct rf_error *error);
#define RF_PG_COPY_PIECE (64u << 10) /* worth sending */

/* COPY … TO STDOUT: begin, then pieces until *bytes is NULL. A piece is valid until the next call.
 */
RF_MUST_USE enum rf_code rf_pg_copy_out(struct rf_pg *pg, const char *sql, struct rf_error *error);
RF_MUST_USE enum rf_code rf_pg_copy_next(struct rf_pg *pg, const uint8_t **bytes, size_t *size,
                                         struct rf_error *error);

/* Transactions. rf_pg_rollback is for the way out after an error and says nothing. */
RF_MUST_USE enum rf_code rf_pg_begin(struct rf_pg *pg, struct rf_error *error);
RF_MUST_USE enum rf_code rf_pg_commit(struct rf_pg *pg, struct rf_error *error);
/* One whose statements all see the same snapshot of the server: changing a row that somebody else
 * changed since fails (RF_SQLSTATE_SERIALIZATION). */
RF_MUST_USE enum rf_code rf_pg_begin_fixed(struct rf_pg *pg, bool read_only,
                                           struct rf_error *error);
void rf_pg_rollback(struct rf_pg *pg);

#endif
