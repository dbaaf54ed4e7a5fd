/* The root pages of a database's tables, by name, as sqlite_schema has them. */
#ifndef RF_CAPTURE_PAGE_ROOTS_H
#define RF_CAPTURE_PAGE_ROOTS_H

#include <sqlite3.h>
#include <stdint.h>

#include "format/error.h"

struct rf_page_roots;
/* RF_UNUSUAL where SQLite does not tell them. */
RF_MUST_USE enum rf_code rf_page_roots_read(sqlite3 *db, struct rf_page_roots **roots,
                                            struct rf_error *error);
void rf_page_roots_free(struct rf_page_roots *roots); /* NULL is fine */
/* 0 for a table that has none, such as a virtual one, or is not there. */
uint32_t rf_page_roots_find(const struct rf_page_roots *roots, const char *table);

#endif
