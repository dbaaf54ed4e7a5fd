/* The sequences behind identity columns, after every replay: the next number is greater than the
 * greatest in the column, than what SQLite remembers for AUTOINCREMENT (sqlite_sequence), and than
 * what the application took from the sequence in the target.
 *
 * A sequence does not take part in transactions: once moved on it stays there. So this comes before
 * the commit, with the rows in sight: where the commit fails, some numbers are skipped, and no
 * number is ever given twice. Nothing is moved that stands right. */
#ifndef RF_REPLAY_SEQUENCE_H
#define RF_REPLAY_SEQUENCE_H

#include "format/manifest.h"
#include "replay/ledger.h"

RF_MUST_USE enum rf_code rf_sequences_advance(struct rf_pg *pg, const struct rf_target *target,
                                              const struct rf_manifest *manifest,
                                              struct rf_error *error);

#endif
