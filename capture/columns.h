/* One table as SQLite describes it: columns, key, rowid, indexes, foreign keys.
 *
 * Nothing is parsed here: SQLite's own pragmas answer, through statements that are prepared once
 * and serve all tables of a source. */
#ifndef RF_CAPTURE_COLUMNS_H
#define RF_CAPTURE_COLUMNS_H

#include <stdbool.h>

#include "capture/source.h"
#include "format/error.h"
#include "format/manifest.h"
#include "format/table.h"

struct rf_describer;
/* `manifest` holds the source's objects (rf_objects_read); borrowed. */
RF_MUST_USE enum rf_code rf_describer_new(struct rf_source *source,
                                          const struct rf_manifest *manifest,
                                          struct rf_describer **describer, struct rf_error *error);
void rf_describer_free(struct rf_describer *describer); /* NULL is fine */

/* Fills the table; on failure it is released. `rowids`: not WITHOUT ROWID. */
RF_MUST_USE enum rf_code rf_describe(struct rf_describer *describer, const char *name, bool rowids,
                                     bool strict, struct rf_table *table, struct rf_error *error);

/* By which of rowid, _rowid_ and oid the rowid of the table is reached; NULL: columns have them
 * all. */
const char *rf_rowid_name(const struct rf_table *table);

#endif
