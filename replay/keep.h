/* Tables of an application that keep the rows they had before the first load, and take the source's
 * rows beside them (rows: keep).
 *
 * A row of the source whose key is in the table already is left out, and stands in
 * rowferry.set_aside with the outcome "kept". What was there before is remembered in
 * rowferry.kept_row, as a hash of each row's image, so that verify tells the application's rows
 * from the source's: a remembered row that has been changed since shows as one too many. */
#ifndef RF_REPLAY_KEEP_H
#define RF_REPLAY_KEEP_H

#include "format/archive.h"
#include "format/state.h"
#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/plan.h"
#include "replay/run.h"

/* Remembers the rows that the table has now. */
RF_MUST_USE enum rf_code rf_keep_remember(struct rf_pg *pg, const struct rf_target *target,
                                          const struct rf_plan *plan, uint64_t *rows,
                                          struct rf_error *error);

/* Deletes all rows but those. */
RF_MUST_USE enum rf_code rf_keep_restore(struct rf_pg *pg, const struct rf_target *target,
                                         const struct rf_plan *plan, uint64_t *rows,
                                         struct rf_error *error);

/* The places, from 0, of rows in a stream whose keys are in the table: 8 bytes for each. */
struct rf_keep {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_plan *plan;
    uint32_t count;
    uint64_t *places; /* ascending */
    uint32_t next;
};
/* `run`, `pg`, `target` and `plan` are set before, all else is zero. Reads the keys of all rows, and
 * asks the server which of them it has. */
RF_MUST_USE enum rf_code rf_keep_find_in_state(struct rf_keep *keep, struct rf_state *state,
                                               struct rf_error *error);
RF_MUST_USE enum rf_code rf_keep_find_in_delta(struct rf_keep *keep, struct rf_archive *delta,
                                               struct rf_error *error);
void rf_keep_release(struct rf_keep *keep);
/* Whether the row at that place is left out. Places are asked in ascending order. */
bool rf_keep_leaves_out(struct rf_keep *keep, uint64_t place);

/* ---- verify ---- */

/* COPY … TO STDOUT of the rows that are not the application's. */
void rf_keep_copy_out(const struct rf_target *target, const struct rf_plan *plan,
                      struct rf_buffer *sql);

/* Hashes of the source's rows that were left out, in order: 16 bytes for each. */
struct rf_kept_hashes {
    uint32_t count;
    struct rf_hash *hashes;
};
RF_MUST_USE enum rf_code rf_kept_hashes_read(struct rf_pg *pg, const struct rf_target *target,
                                             const char *table, struct rf_kept_hashes *hashes,
                                             struct rf_error *error);
void rf_kept_hashes_release(struct rf_kept_hashes *hashes);
bool rf_kept_hashes_have(const struct rf_kept_hashes *hashes, struct rf_hash hash);

#endif
