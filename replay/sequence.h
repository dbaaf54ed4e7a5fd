/* The sequences of a target, after every replay: the next number is past
 *
 *   the greatest in every column that takes its numbers from the sequence: as an identity or serial
 *   column, by a default that names it, or by its name alone (TABLE_COLUMN_seq), where the source
 *   feeds the table;
 *   what SQLite remembers for AUTOINCREMENT (sqlite_sequence);
 *   what the queries of a rule answer (rules->sequences);
 *   what the application took from the sequence in the target.
 *
 * One that counts down has to be past the least of these. None is ever set back, and nothing is moved
 * that stands right.
 *
 * A sequence does not take part in transactions: once moved on it stays there. So it is moved before
 * the commit, with the rows in sight: where the commit fails, some numbers are skipped, and no number
 * is ever given twice. What a session of the application has reserved for itself (CACHE) cannot be
 * taken from it.
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
/* Within a transaction only where they are few. `tells`: warns of those that cannot be moved on. What
 * was moved is added to the result. RF_MISPLACED: a sequence that a rule names is not there;
 * RF_CONNECT: it may not be set; RF_FAILED: a query of a rule does not answer with a number.
 * (sequence_advance.c) */
RF_MUST_USE enum rf_code rf_sequences_advance(struct rf_run *run, struct rf_pg *pg,
                                              const struct rf_target *target,
                                              const struct rf_manifest *manifest, bool tells,
                                              struct rf_replay_result *result,
                                              struct rf_error *error);
/* The same errors, before anything is loaded into tables that stand. Changes nothing. */
RF_MUST_USE enum rf_code rf_sequences_check(struct rf_run *run, struct rf_pg *pg,
                                            const struct rf_target *target, struct rf_error *error);

#endif
