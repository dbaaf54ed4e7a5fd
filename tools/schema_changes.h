/* What changed in a schema between two snapshots: tables, indexes, views and triggers that are new,
 * gone, or have other SQL. Both manifests are borrowed and must outlive the list.
 *
 * An index that a constraint made has no SQL; what becomes of it, its table's SQL says. */
#ifndef RF_TOOLS_SCHEMA_CHANGES_H
#define RF_TOOLS_SCHEMA_CHANGES_H

#include <stdint.h>

#include "format/error.h"
#include "format/manifest.h"
#include "tools/json.h"

enum rf_schema_event { RF_SCHEMA_NEW, RF_SCHEMA_DROPPED, RF_SCHEMA_CHANGED };
const char *rf_schema_event_name(enum rf_schema_event event); /* "new", "dropped", "changed" */

struct rf_schema_change {
    enum rf_schema_event event;
    const struct rf_object *before; /* NULL: new */
    const struct rf_object *after;  /* NULL: dropped */
};

struct rf_schema_changes {
    uint32_t count;
    struct rf_schema_change *list; /* tables, indexes, views, triggers, each by name */
};

RF_MUST_USE enum rf_code rf_schema_changes_find(const struct rf_manifest *before,
                                                const struct rf_manifest *after,
                                                struct rf_schema_changes *changes,
                                                struct rf_error *error);
void rf_schema_changes_release(struct rf_schema_changes *changes);

/* The object as it is now, or as it was where it is gone. */
static inline const struct rf_object *rf_schema_change_of(const struct rf_schema_change *change) {
    return change->after ? change->after : change->before;
}

/* A line of type "schema": event, kind, name, table, from_sql, sql. */
struct rf_json rf_schema_change_json(const struct rf_schema_change *change);

#endif
