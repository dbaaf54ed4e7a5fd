/* A manifest beside its parent's: does it continue it, and does it differ from it? */
#ifndef RF_CAPTURE_LINEAGE_H
#define RF_CAPTURE_LINEAGE_H

#include <stdbool.h>

#include "format/error.h"
#include "format/manifest.h"

/* RF_MISPLACED where the database is, by all signs, another one than that of the parent: both have
 * tables and share no name, or both have an application_id and these differ. */
RF_MUST_USE enum rf_code rf_lineage_check(const struct rf_manifest *parent,
                                          const struct rf_manifest *child, struct rf_error *error);

/* Whether the child says anything of the database that the parent does not. Where the database
 * lies, its page size and journal mode are no part of what it holds. */
RF_MUST_USE enum rf_code rf_lineage_differs(const struct rf_manifest *parent,
                                            const struct rf_manifest *child, bool *differs,
                                            struct rf_error *error);

#endif
