#include "replay/user_sql.h"

#include <ctype.h>
#include <string.h>

#include "replay/quote.h"
#include "replay/sql.h"

enum rf_code rf_user_sql_begin(struct rf_pg *pg, const char *schema, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "SET search_path = pg_catalog, ");
    rf_quote_name(&sql, schema);
    rf_buffer_printf(&sql, ", pg_temp");
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_user_sql_end(struct rf_pg *pg, struct rf_error *error) {
    enum rf_code code = rf_pg_do(pg, rf_sql_user_sql_end, NULL, error);
    return code == RF_OK ? rf_pg_do(pg, rf_sql_session, NULL, error) : code;
}

void rf_user_sql_put_query(const char *query, struct rf_buffer *sql) {
    size_t size = strlen(query);
    while (size > 0 && (query[size - 1] == ';' || isspace((unsigned char)query[size - 1]))) {
        size--;
    }
    rf_buffer_u8(sql, '(');
    rf_buffer_append(sql, query, size);
    rf_buffer_append(sql, "\n)", 2);
}

/* The server counts characters from 1; people count lines, and what stands before in the line. */
static void tell_position(const char *statements, unsigned position, struct rf_error *error) {
    unsigned line = 1, column = 1;
    const char *at = statements;
    for (unsigned left = position; left > 1 && *at; at++) {
        bool begins = ((unsigned char)at[1] & 0xc0) != 0x80;
        left -= begins;
        if (*at == '\n') {
            line++;
            column = 1;
        } else if (begins) {
            column++;
        }
    }
    rf_while(error, "in line %u of it, at character %u", line, column);
}

/* What the server adds says that the statement was run by EXECUTE, which is our affair. */
static void shorten(struct rf_error *error) {
    char *ours = strstr(error->detail, "PL/pgSQL function inline_code_block");
    if (ours) {
        while (ours > error->detail && ours[-1] == ' ') {
            ours--;
        }
        *ours = 0;
    }
}

static bool ends_transaction(const char *sqlstate) {
    static const char *const states[] = {"0A000", "2D000", "25001"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(sqlstate, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum rf_code execute(struct rf_pg *pg, const char *statements, struct rf_error *error) {
    struct rf_buffer literal = {0}, body = {0}, sql = {0};
    rf_quote_literal(&literal, statements);
    rf_buffer_printf(&body, "BEGIN EXECUTE ");
    rf_buffer_append(&body, literal.bytes, literal.size);
    rf_buffer_append(&body, "; END", sizeof "; END");
    body.failed = body.failed || literal.failed;
    enum rf_code code = rf_buffer_check(&body, error);
    if (code == RF_OK) {
        rf_buffer_printf(&sql, "DO LANGUAGE plpgsql ");
        rf_quote_literal(&sql, (const char *)body.bytes);
        code = rf_pg_do_buffer(pg, &sql, NULL, error);
    }
    rf_buffer_release(&literal);
    rf_buffer_release(&body);
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_user_sql_run(struct rf_pg *pg, const char *statements, struct rf_error *error) {
    enum rf_code code = execute(pg, statements, error);
    if (code == RF_OK) {
        return rf_pg_in_transaction(pg)
                   ? RF_OK
                   : rf_fail(error, RF_FAILED, "the SQL ended the transaction that it is part of");
    }
    shorten(error);
    if (ends_transaction(error->sqlstate)) {
        rf_hint(error,
                "the SQL is part of the transaction that brings the rows: it can neither end "
                "that nor COPY from or to a client.");
    }
    unsigned position = rf_pg_error_position(pg);
    if (position > 0) {
        tell_position(statements, position, error);
    }
    return code;
}
