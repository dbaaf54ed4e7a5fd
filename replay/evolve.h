/* A table that rowferry made, brought into the shape that its source has now, where it stands.
 *
 * The table is emptied, altered and filled again in the transaction of the delta, never dropped: what
 * others gave it (privileges, comments, triggers of their own, views on columns that stay) survives,
 * and where something of theirs stands in the way, the server refuses and nothing changes. Values are
 * never cast from one type to the other: all rows come from the archives again, so the new column
 * holds exactly what it would hold had it been made so at first.
 *
 * Columns are matched by their names in the source. A column of another name at the same place, with
 * the same declared type and key part, while its old name is gone and its new one was not there, was
 * renamed. */
#ifndef RF_REPLAY_EVOLVE_H
#define RF_REPLAY_EVOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/manifest.h"
#include "replay/arena.h"
#include "replay/plan.h"

#define RF_EVOLVE_NEW UINT32_MAX

/* For each column of the source's table now, the column of the plan that it is; RF_EVOLVE_NEW for one
 * that came. Room for source->column_count numbers. */
void rf_evolve_match(const struct rf_plan *standing, const struct rf_table *source,
                     uint32_t *matches);

/* The statements, each with a semicolon, that turn the empty table of one plan into that of the
 * other; `matches` is for the columns of `to`. Indexes and constraints are neither dropped nor made
 * here. Nothing is appended where nothing differs. */
void rf_evolve_table(const struct rf_plan *from, const struct rf_plan *to, const uint32_t *matches,
                     const char *schema, struct rf_buffer *sql);

#endif
