/* Everything that sqlite_schema lists: tables, indexes, views, triggers, with their SQL.
 *
 * Kept in an order that a VACUUM, which rewrites sqlite_schema, does not change: tables, indexes,
 * views, triggers, by name each. SQLite's own statistics and sequences, which are made by what
 * they serve, are not among them. */
#ifndef RF_CAPTURE_OBJECTS_H
#define RF_CAPTURE_OBJECTS_H

#include <stdbool.h>

#include "capture/source.h"
#include "format/error.h"
#include "format/manifest.h"

/* Into manifest->objects, which is empty before. What was read so far stays there on failure. */
RF_MUST_USE enum rf_code rf_objects_read(struct rf_source *source, struct rf_manifest *manifest,
                                         struct rf_error *error);
/* The object of that type and exact name; NULL where there is none. */
const struct rf_object *rf_object_find(const struct rf_manifest *manifest, const char *type,
                                       const char *name);
/* Whether the name is one that only SQLite gives ("sqlite_…"). */
bool rf_name_is_internal(const char *name);

#endif
