/* A snapshot that is still being captured, as a first load sees it that has begun already.
 *
 * One thread captures and tells what it has; another loads and waits for it. The manifest is the
 * capturing thread's own: what all its tables are declared as stands from the beginning, a table's
 * rows (digest, census, state) from the moment it is told of. The manifest must outlive the load.
 *
 * Whatever becomes of the capture, rf_growth_end is called in the end: nobody waits for ever. */
#ifndef RF_REPLAY_GROWTH_H
#define RF_REPLAY_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"

struct rf_growth;
struct rf_growth *rf_growth_new(void); /* NULL: no memory */
void rf_growth_free(struct rf_growth *growth);

/* ---- the thread that captures ---- */

/* All tables are declared; none has rows yet. Want of memory ends the growth. */
void rf_growth_begin(struct rf_growth *growth, const struct rf_manifest *manifest);
/* The archives of the table's state can be opened. */
void rf_growth_table(struct rf_growth *growth, uint32_t table);
/* `name` is the snapshot that the manifest became, or the one before where nothing had changed;
 * NULL: it came to nothing. A second call is ignored. */
void rf_growth_end(struct rf_growth *growth, const struct rf_snapshot_name *name);

/* ---- the thread that loads ---- */

/* NULL: it ended before it began. */
const struct rf_manifest *rf_growth_manifest(struct rf_growth *growth);
/* The next table in the order in which they come; false: there will be no more. */
bool rf_growth_next(struct rf_growth *growth, uint32_t *table);
/* Waits for the end; false: it came to nothing. */
bool rf_growth_result(struct rf_growth *growth, struct rf_snapshot_name *name);

#endif
