/* What a SQLSTATE means to somebody who runs rowferry. */
#ifndef RF_REPLAY_SERVER_ERROR_H
#define RF_REPLAY_SERVER_ERROR_H

#include "format/error.h"

/* The kind of failure that a SQLSTATE (five characters; NULL or "" for none) stands for. */
enum rf_code rf_server_code(const char *sqlstate);
/* A hint of ours where the server gave none; NULL when there is nothing to add. */
const char *rf_server_hint(const char *sqlstate);

/* An index or constraint that the rows do not allow, while the rows are fine: an entry longer than
 * a third of a page. */
#define RF_SQLSTATE_LIMIT "54000"
#define RF_SQLSTATE_UNIQUE "23505"
#define RF_SQLSTATE_CHECK "23514"
#define RF_SQLSTATE_FOREIGN_KEY "23503"
#define RF_SQLSTATE_SERIALIZATION "40001" /* changed by somebody else meanwhile */
#define RF_SQLSTATE_DEPENDENT "2BP01"     /* something else rests on it */
#define RF_SQLSTATE_PRIVILEGE "42501"

#endif
