/* The parts of diff --sqlite: rows (diff_sqlite.c), and the schema around them
 * (diff_sqlite_schema.c). */
#ifndef RF_TOOLS_DIFF_SQLITE_H
#define RF_TOOLS_DIFF_SQLITE_H

#include "tools/diff.h"
#include "tools/literal.h"

struct rf_diff_script {
    struct rf_diff *diff;
    struct rf_output *out;
    enum rf_text_form form; /* of the database that it is for */
};

/* The table is made anew and filled, rather than altered. */
bool rf_diff_is_remade(const struct rf_diff_table *table);
void rf_diff_put_name(const struct rf_diff_script *script, const char *before, const char *name,
                      const char *after);

/* A virtual table that goes takes the tables of its content along: those are to be remade. */
void rf_diff_with_virtual_tables(struct rf_diff *diff);
/* Up to where rows go and come: settings, BEGIN, what is gone or changed dropped, tables made. */
void rf_diff_sqlite_begin(const struct rf_diff_script *script);
/* Indexes, views, triggers, sequences, numbers, COMMIT. */
void rf_diff_sqlite_end(const struct rf_diff_script *script);

#endif
