/* Names on their way into SQL: always quoted, never folded, never cut by the server. */
#ifndef RF_REPLAY_QUOTE_H
#define RF_REPLAY_QUOTE_H

#include <stdbool.h>

#include "format/bytes.h"
#include "replay/arena.h"

#define RF_NAME_BYTES 63 /* NAMEDATALEN - 1: longer ones the server would cut without asking */

/* Appends "name", with its double quotes doubled. */
void rf_quote_name(struct rf_buffer *sql, const char *name);
/* Appends "schema"."name". */
void rf_quote_qualified(struct rf_buffer *sql, const char *schema, const char *name);
/* Appends 'text', safe whatever standard_conforming_strings says. */
void rf_quote_literal(struct rf_buffer *sql, const char *text);

/* NULL when Postgres takes the name as it is, else what stands against it. */
const char *rf_name_refusal(const char *name);
/* The same for a column, which must not be named like a system column either. */
const char *rf_column_refusal(const char *name);
/* The same for a schema that rowferry is to fill. */
const char *rf_schema_refusal(const char *name);

/* How many bytes of the name's beginning fit into `room`, not ending within a character. */
size_t rf_name_cut(const char *name, size_t room);

/* A copy that Postgres takes as text: bytes that are no UTF-8 become question marks. NULL stays
 * NULL. */
char *rf_sayable(struct rf_arena *arena, const char *text);
void rf_make_sayable(char *text); /* the same in place */

#endif
