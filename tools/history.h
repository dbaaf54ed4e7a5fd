/* What log, show and status have in common: a snapshot's manifest summed up, over all of its tables
 * or over those asked for. */
#ifndef RF_TOOLS_HISTORY_H
#define RF_TOOLS_HISTORY_H

#include "format/repository.h"
#include "tools/json.h"
#include "tools/settings.h"

struct rf_snapshot_facts {
    struct rf_snapshot_name name;
    uint64_t parent; /* 0 for the first */
    uint64_t pruned; /* snapshots between the two that were pruned */
    int64_t time_us;
    uint64_t rows;
    uint64_t inserted, updated, deleted, moved; /* over the tables that are still there */
    uint64_t bytes;                             /* of the archives written for it */
    double seconds;
    uint32_t touched; /* rf_history_facts_of: tables whose rows and objects whose SQL changed */
};

/* A snapshot and the one before it, loaded. */
struct rf_history_step {
    struct rf_snapshot_name name;
    struct rf_manifest manifest;
    struct rf_manifest before; /* empty where there is none before it */
    bool known;                /* that; else the one before it is not there, or cannot be read */
};

void rf_snapshot_facts_of(const struct rf_manifest *manifest, const struct rf_snapshot_name *name,
                          struct rf_snapshot_facts *facts);
/* Loads the manifest of the `place`th snapshot for that. */
RF_MUST_USE enum rf_code rf_snapshot_facts_load(const struct rf_repository *repository,
                                                uint32_t place, struct rf_snapshot_facts *facts,
                                                struct rf_error *error);

/* Loads the `place`th snapshot; what the step held becomes the one before it, where it is that. A
 * walk begins with a step that is all zero. */
RF_MUST_USE enum rf_code rf_history_step_to(const struct rf_repository *repository, uint32_t place,
                                            struct rf_history_step *step, struct rf_error *error);
void rf_history_step_release(struct rf_history_step *step); /* twice is fine */
/* The same sums over the tables that --table and --exclude-table let through, and what of them and,
 * as far as that is known, of their schema is another since the snapshot before. */
RF_MUST_USE enum rf_code rf_history_facts_of(const struct rf_history_step *step,
                                             const struct rf_settings *settings,
                                             struct rf_snapshot_facts *facts,
                                             struct rf_error *error);

/* The members that log and show print of a snapshot. */
void rf_snapshot_facts_put(const struct rf_snapshot_facts *facts, struct rf_json *json);

#endif
