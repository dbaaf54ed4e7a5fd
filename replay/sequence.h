/* The sequences behind identity columns, after every replay: the next number is greater than the
 * greatest in the column, than what SQLite remembers for AUTOINCREMENT (sqlite_sequence), and than
 * what the application took from the sequence in the target.
 *
 * A sequence does not take part in transactions: once moved on it stays there. So it is moved before
 * the commit, with the rows in sight: where the commit fails, some numbers are skipped, and no number
 * is ever given twice. Nothing is moved that stands right.
 *
 * But a server has room for some thousands of locks in one transaction, and every table and sequence
 * takes one. Where the source has more tables than that bears, sequences are seen to afterwards, a few
 * hundred at a time: a first load makes tables without them (the ledger notes that), and they come
 * once the tables stand. Every replay does what an earlier one did not come to. */
#ifndef RF_REPLAY_SEQUENCE_H
#define RF_REPLAY_SEQUENCE_H

#include "format/manifest.h"
#include "replay/ledger.h"

#define RF_SEQUENCES_AT_ONCE 1000u
/* Whether the transaction that shows the rows sees to the sequences as well. */
static inline bool rf_sequences_are_few(const struct rf_manifest *manifest) {
    return manifest->table_count <= RF_SEQUENCES_AT_ONCE;
}

/* In the transaction that shows a first load: its identity columns are still to come. */
RF_MUST_USE enum rf_code rf_sequences_note(struct rf_pg *pg, const struct rf_target *target,
                                           struct rf_error *error);
/* Makes columns identity columns that were noted and are none yet. Transactions of its own. */
RF_MUST_USE enum rf_code rf_sequences_make(struct rf_pg *pg, const struct rf_target *target,
                                           struct rf_error *error);
/* Within a transaction only where they are few. */
RF_MUST_USE enum rf_code rf_sequences_advance(struct rf_pg *pg, const struct rf_target *target,
                                              const struct rf_manifest *manifest,
                                              struct rf_error *error);

#endif
