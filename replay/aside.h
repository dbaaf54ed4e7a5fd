/* Rows that do not fit their table, and values that were altered so that their row does, on their
 * way into rowferry.set_aside.
 *
 * One struct rf_aside serves one table in one transaction: rf_aside_add row by row, rf_aside_flush
 * whenever rf_aside_full and no other COPY is under way on the connection, rf_aside_finish before
 * the commit. Lines are buffered up to a limit and then sent to a temporary table, so memory does
 * not grow with their number. */
#ifndef RF_REPLAY_ASIDE_H
#define RF_REPLAY_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/manifest.h"
#include "replay/connection.h"
#include "replay/encode.h"
#include "replay/ledger.h"

struct rf_aside {
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_table *table;
    const struct rf_plan *plan;
    const struct rf_encoder *encoder;
    uint64_t snapshot;
    struct rf_buffer lines; /* tuples of COPY BINARY */
    uint64_t rows;          /* set aside so far */
    uint64_t altered;       /* rows in the table, but with another value somewhere */
    uint64_t lines_added;   /* rows of either kind: tells those that are alike apart */
    bool temporary;         /* the temporary table stands */
};

/* The row did not fit: `misfit` and `column` are what rf_encode_row said. */
void rf_aside_add(struct rf_aside *aside, const struct rf_rows *rows, uint32_t row, int64_t rowid,
                  struct rf_hash hash, enum rf_misfit misfit, uint32_t column);
/* The row fits, but the application has one with its key: it is left out. */
void rf_aside_keep_out(struct rf_aside *aside, const struct rf_rows *rows, uint32_t row,
                       int64_t rowid, struct rf_hash hash);
/* The row fits, because values of it were altered: those stay known. Nothing is added for a row as
 * it is. */
void rf_aside_note_altered(struct rf_aside *aside, const struct rf_rows *rows, uint32_t row,
                           int64_t rowid, struct rf_hash hash);
#define RF_ASIDE_BYTES (256u << 10)
static inline bool rf_aside_full(const struct rf_aside *aside) {
    return aside->lines.size >= RF_ASIDE_BYTES || aside->lines.failed;
}
RF_MUST_USE enum rf_code rf_aside_flush(struct rf_aside *aside, struct rf_error *error);
/* Moves the lines to the ledger. From here to the end of the transaction, no other one adds rows of
 * the same table. */
RF_MUST_USE enum rf_code rf_aside_finish(struct rf_aside *aside, struct rf_error *error);
void rf_aside_release(struct rf_aside *aside);

/* Rows that stand aside: of one table, or of all with `table` NULL. */
RF_MUST_USE enum rf_code rf_aside_count(struct rf_pg *pg, const struct rf_target *target,
                                        const char *table, uint64_t *rows, struct rf_error *error);
/* Why values were set aside or altered since a snapshot: what is most frequent, at most so many, into
 * the result. */
RF_MUST_USE enum rf_code rf_aside_reasons(struct rf_pg *pg, const struct rf_target *target,
                                          uint64_t since, uint32_t at_most,
                                          struct rf_replay_result *result, struct rf_error *error);
/* Whether there are any, or altered ones. */
RF_MUST_USE enum rf_code rf_aside_any(struct rf_pg *pg, const struct rf_target *target,
                                      const char *table, bool *any, struct rf_error *error);
/* Those of one table, for COPY TO: tuples of (row hash, copy). */
void rf_aside_hashes_sql(const struct rf_target *target, const char *table, struct rf_buffer *sql);

#endif
