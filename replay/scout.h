/* Reading ahead of a delta.
 *
 * One connection applies a delta, for it is one transaction. Where the pages it will touch are not in
 * the server's memory, most of its time is waiting for them. A scout is a second connection in a
 * thread of its own: it looks for the rows that later tables are about to lose, by the same keys, and
 * so brings their pages in. It writes nothing but a temporary list that it rolls back, and nothing
 * waits for its answers: whatever goes wrong with it costs time at most.
 *
 *     rf_scout_new, rf_scout_add table by table in the order they are applied, rf_scout_send,
 *     rf_scout_pass as they are, rf_scout_end
 *
 * All by one thread. What the tables point to stays until the end. */
#ifndef RF_REPLAY_SCOUT_H
#define RF_REPLAY_SCOUT_H

#include <stdint.h>

#include "format/manifest.h"
#include "replay/ledger.h"
#include "replay/plan.h"
#include "replay/run.h"

struct rf_scout;
/* NULL where it is not worth a connection (or the run is to have one only); all else takes NULL. */
struct rf_scout *rf_scout_new(struct rf_run *run, const struct rf_target *target,
                              uint32_t table_count);
/* `place`: ascending; the scout leaves out what does not pay. */
void rf_scout_add(struct rf_scout *scout, uint32_t place, const struct rf_manifest_table *source,
                  const struct rf_plan *plan);
void rf_scout_send(struct rf_scout *scout);
/* The table at `place`, and those before it, need no scout any more. */
void rf_scout_pass(struct rf_scout *scout, uint32_t place);
void rf_scout_end(struct rf_scout *scout);

#endif
