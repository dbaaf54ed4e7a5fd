/* What SQLite returns for a column that a short record lacks: its default, as it has been evaluated
 * and given the column's affinity. SQLite itself is asked, in a database in memory, once for each
 * default that is met: ten thousand tables have few different ones. One thread. */
#ifndef RF_CAPTURE_PAGE_DEFAULTS_H
#define RF_CAPTURE_PAGE_DEFAULTS_H

#include "capture/page_layout.h"
#include "format/error.h"
#include "format/table.h"

struct rf_page_defaults;
RF_MUST_USE enum rf_code rf_page_defaults_new(enum rf_source_encoding encoding,
                                              struct rf_page_defaults **defaults,
                                              struct rf_error *error);
void rf_page_defaults_free(struct rf_page_defaults *defaults); /* NULL is fine */
/* Tells the layout, which was made of the table, the defaults of its columns. One that is not
 * constant stays unknown: no ALTER TABLE can have added such a column to rows that were there. */
RF_MUST_USE enum rf_code rf_page_defaults_learn(struct rf_page_defaults *defaults,
                                                struct rf_page_layout *layout,
                                                const struct rf_table *table,
                                                struct rf_error *error);

#endif
