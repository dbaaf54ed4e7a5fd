/* SQL that the user wrote, run as it stands.
 *
 * It finds names in pg_catalog, as always, and in the target's schema. Statements are run by the
 * server's own EXECUTE, within the caller's transaction and nowhere else: there it refuses whatever
 * would end the transaction, and COPY from or to the client. Settings that they make do not outlast
 * rf_user_sql_end. */
#ifndef RF_REPLAY_USER_SQL_H
#define RF_REPLAY_USER_SQL_H

#include "format/bytes.h"
#include "replay/connection.h"

/* From here to rf_user_sql_end names are found in the schema. */
RF_MUST_USE enum rf_code rf_user_sql_begin(struct rf_pg *pg, const char *schema,
                                           struct rf_error *error);
RF_MUST_USE enum rf_code rf_user_sql_end(struct rf_pg *pg, struct rf_error *error);

/* Appends a query in parentheses; a semicolon at its end, and a comment without one, do no harm. */
void rf_user_sql_put_query(const char *query, struct rf_buffer *sql);

/* One statement or several, in the caller's transaction. The error says where in them. */
RF_MUST_USE enum rf_code rf_user_sql_run(struct rf_pg *pg, const char *statements,
                                         struct rf_error *error);

#endif
