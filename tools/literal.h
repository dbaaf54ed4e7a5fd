/* Values of SQLite written out: for JSON lines, for people, for sqlite3 and for psql.
 *
 * Each form but the one for people says storage class and value exactly:
 *
 *             INTEGER  REAL                      TEXT                         BLOB
 *   JSON      5        0.1, 1.0, 1e+300;         "…"; {"text":"hex"} where    {"blob":"hex"}
 *                      {"real":"inf"}, "-inf"    it is not UTF-8
 *   sqlite3   5        0.5; a fraction where no  '…'; CAST(x'…' AS TEXT)      x'…'
 *                      short decimal is exact    where a script cannot
 *                                                carry it
 *   psql      '5'      '0.1', 'Inf'              '…'                          '\x…'
 *
 * PostgreSQL takes a literal in quotes for whatever the column is, so that the class decides
 * nothing there. Large values go out piece by piece. */
#ifndef RF_TOOLS_LITERAL_H
#define RF_TOOLS_LITERAL_H

#include <stdbool.h>

#include "format/manifest.h"
#include "format/value.h"
#include "tools/output.h"

/* A string in double quotes. Bytes that are no UTF-8 are written as \xHH and backslashes doubled,
 * as names are in JSON lines. */
void rf_literal_json_name(struct rf_output *output, const char *name);
void rf_literal_json(struct rf_output *output, const struct rf_value *value);

/* One line; `most` is how many bytes of a text or blob are shown, 0 for all. */
void rf_literal_people(struct rf_output *output, const struct rf_value *value, uint32_t most);

/* How a database keeps its text: what CAST(x'…' AS TEXT) means there. */
enum rf_text_form { RF_TEXT_UTF8, RF_TEXT_UTF16LE, RF_TEXT_UTF16BE };
enum rf_text_form rf_text_form_of(const struct rf_manifest *manifest);

/* Why an INSERT through SQLite would store another value than this; NULL if it does not. */
const char *rf_literal_sqlite_refusal(const struct rf_value *value, const struct rf_table *table,
                                      uint32_t column, enum rf_text_form form);
/* For a value that was not refused. */
void rf_literal_sqlite(struct rf_output *output, const struct rf_value *value,
                       enum rf_text_form form);
/* "name", for both. */
void rf_literal_sql_name(struct rf_output *output, const char *name);

/* PostgreSQL has no text with NUL, nor any that is not UTF-8. */
bool rf_literal_postgres_can(const struct rf_value *value);
void rf_literal_postgres(struct rf_output *output, const struct rf_value *value);

#endif
