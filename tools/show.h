/* The two faces of show: tables for people (show.c) and JSON lines (show_json.c). */
#ifndef RF_TOOLS_SHOW_H
#define RF_TOOLS_SHOW_H

#include <stdbool.h>

#include "format/manifest.h"
#include "tools/history.h"
#include "tools/task.h"

/* Do --table and --exclude-table let this table through? */
bool rf_show_wanted(const struct rf_settings *settings, const char *name);

/* "table", "index", "view", "trigger", "virtual" */
const char *rf_show_kind(const struct rf_object *object);

void rf_show_json(struct rf_task *task, const struct rf_manifest *manifest,
                  const struct rf_snapshot_facts *facts);

#endif
