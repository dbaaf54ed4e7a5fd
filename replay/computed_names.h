/* Which names SQL for PostgreSQL mentions, without understanding the rest of it: what an expression
 * may look at can only be among them. Where the text is not what it seems (U&"…" names, names that
 * the server would cut), every name counts as mentioned. Pure; any thread. */
#ifndef RF_REPLAY_COMPUTED_NAMES_H
#define RF_REPLAY_COMPUTED_NAMES_H

#include <stdbool.h>

/* Whether the name stands in it as an identifier: quoted just so, or unquoted in any case where the
 * name is in lower case. */
bool rf_sql_mentions(const char *sql, const char *name);
/* Whether the name stands in it other than before a dot and another name: as a row, whole. */
bool rf_sql_mentions_row(const char *sql, const char *name);

#endif
