/* What stands against a replay and can be known before anything is written: tables that PostgreSQL
 * does not take, tables that are there already, rights that are wanting. */
#ifndef RF_REPLAY_PREFLIGHT_H
#define RF_REPLAY_PREFLIGHT_H

#include "format/error.h"
#include "format/manifest.h"
#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/names.h"
#include "replay/naming.h"
#include "replay/run.h"

/* RF_MISPLACED: the schema is none that rowferry fills. */
RF_MUST_USE enum rf_code rf_preflight_schema_name(const char *schema, struct rf_error *error);

/* Tables of the manifest that this run is to make (selected, and not in `standing`, which may be NULL)
 * and that PostgreSQL cannot have: too many columns, names that are no text. RF_MISPLACED names all
 * offenders, as far as they fit. */
RF_MUST_USE enum rf_code rf_preflight_shapes(const struct rf_run *run,
                                             const struct rf_manifest *manifest,
                                             const struct rf_ledger_tables *standing,
                                             struct rf_error *error);
/* The tables, but for those that `standing` (may be NULL) has, must not be in the target yet;
 * `taken` are the names there. RF_MISPLACED. */
RF_MUST_USE enum rf_code rf_preflight_free(const struct rf_naming *naming,
                                           const struct rf_ledger_tables *standing,
                                           const struct rf_names *taken, struct rf_error *error);
/* Tables that stand in the ledger and are not to be remade must be what the rules ask for: a mapping
 * once chosen does not change by the way. RF_MISPLACED names what differs. */
RF_MUST_USE enum rf_code rf_preflight_rules(const struct rf_run *run,
                                            const struct rf_manifest *manifest,
                                            const struct rf_ledger_tables *standing,
                                            struct rf_error *error);
/* Reads the names of relations and types in a schema. */
RF_MUST_USE enum rf_code rf_preflight_taken(struct rf_pg *pg, const char *schema,
                                            struct rf_names *taken, struct rf_error *error);

struct rf_preflight_facts {
    bool schema_stands;
};
/* RF_CONNECT: not allowed to make what a first load needs. */
RF_MUST_USE enum rf_code rf_preflight_rights(struct rf_pg *pg, const struct rf_target *target,
                                             struct rf_preflight_facts *facts,
                                             struct rf_error *error);

/* The table in the target still has the columns that the plan says. RF_MISPLACED. */
RF_MUST_USE enum rf_code rf_preflight_columns(struct rf_pg *pg, const char *schema,
                                              const struct rf_plan *plan, struct rf_error *error);

#endif
