/* The two faces of show: tables for people (show.c) and JSON lines (show_json.c). */
#ifndef RF_TOOLS_SHOW_H
#define RF_TOOLS_SHOW_H

#include <stdbool.h>

#include "format/manifest.h"
#include "tools/history.h"
#include "tools/schema_changes.h"
#include "tools/task.h"

/* Do --table and --exclude-table let this table through? */
bool rf_show_wanted(const struct rf_settings *settings, const char *name);

/* "table", "index", "view", "trigger", "virtual" */
const char *rf_show_kind(const struct rf_object *object);

/* "none", "delta", "new" */
const char *rf_show_change(enum rf_change change);

/* A snapshot, and what of its schema is another than in its parent. */
struct rf_shown {
    struct rf_manifest manifest;
    struct rf_manifest parent; /* empty where there is none, or it is not in the repository */
    struct rf_snapshot_facts facts;
    struct rf_schema_changes changes; /* empty without a parent */
};

void rf_show_json(struct rf_task *task, const struct rf_shown *shown);
/* For people, a line a change, of the tables that are wanted; with --verbose the SQL too. */
void rf_show_schema_changes(struct rf_task *task, const struct rf_schema_changes *changes);

#endif
