/* Virtual tables, told from their CREATE statement alone: neither their module nor their content is
 * needed to know that they, and the tables they keep their content in, are not ordinary tables. */
#ifndef RF_CAPTURE_VIRTUAL_TABLE_H
#define RF_CAPTURE_VIRTUAL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define RF_MODULE_NAME_SIZE 64

/* The module's name, as in CREATE VIRTUAL TABLE x USING module(…); "" where the SQL has none. */
void rf_virtual_module(const char *sql, char module[RF_MODULE_NAME_SIZE]);

/* Whether `table` is where the virtual table `name` keeps its content, judged by what is known of
 * the module (full-text search, r-trees and other widespread ones). */
bool rf_virtual_owns(const char *name, const char *sql, const char *table);

/* Whether the virtual table indexes the rows of `table`, which is the application's own: the option
 * content='table' of full-text search. SQLite goes by names, and may take it for a shadow table. */
bool rf_virtual_borrows(const char *sql, const char *table);

#endif
