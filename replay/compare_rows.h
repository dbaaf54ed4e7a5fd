/* Streams of rows from both sides of a comparison. Inner to compare*.c.
 *
 * The snapshot's rows are read from the archives and encoded as replay would; the target's come by
 * COPY TO. What is done with them is the visitor's affair. */
#ifndef RF_REPLAY_COMPARE_ROWS_H
#define RF_REPLAY_COMPARE_ROWS_H

#include "format/manifest.h"
#include "replay/connection.h"
#include "replay/keep.h"
#include "replay/ledger.h"
#include "replay/plan.h"
#include "replay/run.h"
#include "replay/tuple.h"

struct rf_compare_table {
    struct rf_run *run;
    const struct rf_target *target;
    const struct rf_manifest_table *source;
    const struct rf_plan *plan;
    const struct rf_kept_hashes *kept; /* rows of the source that were left out; NULL: none */
    const struct rf_compare_options *options;
    bool asides_only; /* of both sides only what stands aside is visited */
};

/* Whether the repository is sound, as far as is known or, with `wait`, to the end. */
static inline bool rf_compare_sound(const struct rf_compare_table *table, bool wait) {
    const struct rf_compare_options *options = table->options;
    return !options->sound || options->sound(options->sound_context, wait);
}
RF_MUST_USE enum rf_code rf_compare_fail_unsound(struct rf_error *error);

struct rf_visitor {
    bool keys; /* the hashes of rows' keys are wanted */
    /* A row that is, or should be, in the table. */
    enum rf_code (*row)(void *context, const struct rf_tuple *tuple, struct rf_error *error);
    /* A row that stands aside, or should: the hash of its content. `rows` is NULL where it comes
     * from the ledger. */
    enum rf_code (*aside)(void *context, struct rf_hash hash, const struct rf_rows *rows,
                          uint32_t row, struct rf_error *error);
    void *context;
};

RF_MUST_USE enum rf_code rf_compare_read_source(const struct rf_compare_table *table,
                                                const struct rf_visitor *visitor,
                                                struct rf_error *error);
/* The table, then what stands aside. */
RF_MUST_USE enum rf_code rf_compare_read_target(const struct rf_compare_table *table,
                                                struct rf_pg *pg, const struct rf_visitor *visitor,
                                                struct rf_error *error);

#endif
