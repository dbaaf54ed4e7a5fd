/* What log, show and status have in common: a snapshot's manifest summed up. */
#ifndef RF_TOOLS_HISTORY_H
#define RF_TOOLS_HISTORY_H

#include "format/repository.h"
#include "tools/json.h"

struct rf_snapshot_facts {
    struct rf_snapshot_name name;
    uint64_t parent; /* 0 for the first */
    int64_t time_us;
    uint64_t rows;
    uint64_t inserted, updated, deleted, moved; /* over the tables that are still there */
    uint64_t bytes;
    double seconds;
};

void rf_snapshot_facts_of(const struct rf_manifest *manifest, const struct rf_snapshot_name *name,
                          struct rf_snapshot_facts *facts);
/* Loads the manifest of the `place`th snapshot for that. */
RF_MUST_USE enum rf_code rf_snapshot_facts_load(const struct rf_repository *repository,
                                                uint32_t place, struct rf_snapshot_facts *facts,
                                                struct rf_error *error);
/* The members that log and show print of a snapshot. */
void rf_snapshot_facts_put(const struct rf_snapshot_facts *facts, struct rf_json *json);

#endif
