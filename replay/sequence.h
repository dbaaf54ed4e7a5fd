/* The sequences behind identity columns, after every replay: the next number is greater than the
 * greatest in the column, than what SQLite remembers for AUTOINCREMENT (sqlite_sequence), and than
 * what the application took from the sequence in the target.
 *
 * A server has room for some thousands of locks in one transaction, and every table and sequence
 * takes one. So sequences are seen to outside of the transaction that shows the rows, a few hundred
 * at a time: a first load makes tables without them (the ledger notes that), and they come once the
 * tables stand. Every replay does what an earlier one did not come to. Nothing is moved that stands
 * right. */
#ifndef RF_REPLAY_SEQUENCE_H
#define RF_REPLAY_SEQUENCE_H

#include "format/manifest.h"
#include "replay/ledger.h"

/* In the transaction that shows a first load: its identity columns are still to come. */
RF_MUST_USE enum rf_code rf_sequences_note(struct rf_pg *pg, const struct rf_target *target,
                                           struct rf_error *error);
/* Makes columns identity columns that were noted and are none yet. Transactions of its own. */
RF_MUST_USE enum rf_code rf_sequences_make(struct rf_pg *pg, const struct rf_target *target,
                                           struct rf_error *error);
/* No transaction is open. */
RF_MUST_USE enum rf_code rf_sequences_advance(struct rf_pg *pg, const struct rf_target *target,
                                              const struct rf_manifest *manifest,
                                              struct rf_error *error);

#endif
