/* Which PostgreSQL type a column gets, decided once, when its table is created: from the declared
 * type by SQLite's rules of affinity, and from the census where the declaration leaves it open. */
#ifndef RF_REPLAY_MAPPING_H
#define RF_REPLAY_MAPPING_H

#include <stdbool.h>

#include "format/manifest.h"
#include "format/table.h"
#include "replay/conversion.h"

#define RF_MAPPING_REASON 160 /* room for a reason with its NUL */

/* `distinct`: the column is part of the primary key or of a unique index, so that two values must
 * not become alike. `reason` is a phrase for the ledger: "declared REAL", "no declared type; holds
 * 12 integers, 3 texts". */
const struct rf_conversion *rf_mapping_choose(const struct rf_table *table, uint32_t column,
                                              const struct rf_census *census, bool distinct,
                                              char reason[RF_MAPPING_REASON]);

#endif
