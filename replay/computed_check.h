/* What the server has against the SQL of a computed table, before any of it runs: it parses the
 * statements against the tables as they are. Nothing is written. */
#ifndef RF_REPLAY_COMPUTED_CHECK_H
#define RF_REPLAY_COMPUTED_CHECK_H

#include "replay/existing.h"

/* `plan` is computed. On existing->pg, in no transaction; or, where that is NULL, on a connection of
 * its own. */
RF_MUST_USE enum rf_code rf_computed_find_troubles(const struct rf_existing *existing,
                                                   const struct rf_plan *plan,
                                                   struct rf_troubles *troubles,
                                                   struct rf_error *error);

#endif
