/* Rows into one table, by COPY, in the caller's transaction: what fits goes in, what does not is
 * set aside, and everything that was read is summed up.
 *
 *     rf_fill_init, rf_fill_rows again and again, rf_fill_end; rf_fill_release in any case
 *
 * One thread, one connection; no other statement on it between the first rows and the end. */
#ifndef RF_REPLAY_FILL_H
#define RF_REPLAY_FILL_H

#include <stdbool.h>
#include <stdint.h>

#include "format/archive.h"
#include "format/manifest.h"
#include "format/state.h"
#include "replay/aside.h"
#include "replay/connection.h"
#include "replay/encode.h"
#include "replay/keep.h"
#include "replay/ledger.h"
#include "replay/plan.h"
#include "replay/result.h"
#include "replay/run.h"

struct rf_fill_options {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const char *schema; /* of the table: the target's, or the staging one */
    const struct rf_manifest_table *source;
    const struct rf_plan *plan;
    uint64_t snapshot;
    bool freeze;          /* the table was made in this transaction */
    struct rf_keep *keep; /* rows that are left out; NULL: none */
};

struct rf_fill {
    struct rf_fill_options options;
    struct rf_arena arena;
    struct rf_encoder encoder;
    struct rf_aside aside;
    struct rf_buffer tuples;
    struct rf_buffer scratch;
    bool copying;
    struct rf_digest digest; /* of all rows read */
    uint64_t applied;        /* rows in the table; the others are aside.rows and */
    uint64_t left_out;       /* rows of a computed table that do not go in */
    uint64_t place;          /* of the next row */
};

RF_MUST_USE enum rf_code rf_fill_init(struct rf_fill *fill, const struct rf_fill_options *options,
                                      struct rf_error *error);
/* Rows [first, first + count) of a block with all columns; their rowids are `shift` off. */
RF_MUST_USE enum rf_code rf_fill_rows(struct rf_fill *fill, const struct rf_rows *rows,
                                      uint32_t first, uint32_t count, int64_t shift,
                                      struct rf_error *error);
RF_MUST_USE enum rf_code rf_fill_end(struct rf_fill *fill, struct rf_error *error);
void rf_fill_release(struct rf_fill *fill);

/* Rows of a table that is computed (plan->computed) go to the stage, and at the end from there into
 * the table; the stage is gone then. */

/* All of the above for parts of a state, and for the ROWS of a delta. */
RF_MUST_USE enum rf_code rf_fill_from_state(struct rf_fill *fill, struct rf_state *state,
                                            uint32_t first_part, uint32_t part_count,
                                            struct rf_error *error);
RF_MUST_USE enum rf_code rf_fill_from_delta(struct rf_fill *fill, struct rf_archive *delta,
                                            struct rf_error *error);
/* All rows of the table that the options name, which must be those of its manifest: else
 * RF_CORRUPT. What went in is added to the counts. */
RF_MUST_USE enum rf_code rf_fill_whole(const struct rf_fill_options *options,
                                       struct rf_counts *counts, struct rf_error *error);
/* The rows read have not the digest that the manifest says. */
enum rf_code rf_fill_fail_digest(const struct rf_manifest_table *source,
                                 const struct rf_digest *reached, struct rf_error *error);

#endif
