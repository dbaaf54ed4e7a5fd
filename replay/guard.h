/* Whether anybody but rowferry has written to the tables that it keeps.
 *
 * Once the application runs on the target, rows there are newer than those of the source, and a
 * further trip would take them away. So every trip looks first, in the snapshot of the server in
 * which it then writes:
 *
 *   horizon   a transaction; what all before it did was looked at by an earlier trip (or was there
 *             before the first). Every transaction of rowferry's since has a line in
 *             rowferry.writing. Where all that committed since the horizon have one, nobody else
 *             can have written anything, and nothing is read.
 *   scan      otherwise every table is read once: a row whose xmin is of a transaction since the
 *             horizon and not rowferry's was inserted or changed by somebody else, and where rows
 *             are fewer than they should be some were deleted. Both together leave nothing out.
 *   compare   a table that either tells of is compared with the snapshot that it stands at, and the
 *             rows are named. Where they are equal after all (an UPDATE to the same, a table that
 *             was written anew as a whole, a copy of the database, whose transactions are others),
 *             the trip goes on.
 *
 * The horizon moves on in the transaction of the trip, so a trip that is killed leaves the old one
 * and the lines since. Rows that somebody changes while that transaction is under way make it fail,
 * as it is one with a fixed snapshot; those of other tables are found by the next trip.
 *
 * Whatever writes rows into the target's tables for rowferry does so in a transaction, or behind a
 * savepoint, that rf_guard_begin, rf_guard_mark or rf_guard_savepoint has marked. One that is not
 * costs the next trip a scan and a comparison, no more. */
#ifndef RF_REPLAY_GUARD_H
#define RF_REPLAY_GUARD_H

#include "format/bytes.h"
#include "replay/connection.h"
#include "replay/ledger.h"

/* ---- marks ---- */

/* At the beginning of a first load, in its first transaction. */
RF_MUST_USE enum rf_code rf_guard_start(struct rf_pg *pg, const struct rf_target *target,
                                        struct rf_error *error);
/* Begins a transaction that is marked; marks the one that is open, or what comes since a savepoint
 * in it. */
RF_MUST_USE enum rf_code rf_guard_begin(struct rf_pg *pg, const struct rf_target *target,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_guard_mark(struct rf_pg *pg, const struct rf_target *target,
                                       struct rf_error *error);
/* "SAVEPOINT name; " with its mark, to be put before other statements. */
void rf_guard_savepoint(const struct rf_target *target, const char *name, struct rf_buffer *sql);
/* A statement with its semicolon that marks the transaction if it has written anything. */
void rf_guard_mark_if_written(const struct rf_target *target, struct rf_buffer *sql);

/* ---- looking ---- */

/* A table that others have written to. */
struct rf_guard_table {
    const char *table;      /* its name in the source, */
    const char *relation;   /* and in the target */
    uint64_t expected;      /* rows that it should have */
    uint64_t rows;          /* that it has; */
    uint64_t others;        /* of them, others' */
    uint64_t others_writes; /* the transactions that those are of */
    bool differs;
    uint64_t missing, extra, different;
    char keys[200]; /* of some of them, for people */
};

/* What a run knows. All zero at its beginning. */
struct rf_guard {
    struct rf_arena arena;
    bool looked;
    uint64_t horizon; /* where `looked` */
    uint32_t count;
    struct rf_guard_table *tables; /* that differ: they are overwritten, or the run has ended */
};
void rf_guard_release(struct rf_guard *guard);
/* The table of that name among those that are to be overwritten; NULL: it is not. */
const struct rf_guard_table *rf_guard_overwrites(const struct rf_run *run, const char *table);

/* For a target that stands at a snapshot, before anything else is done with it: in a transaction of
 * its own. Fills in run->guard, whose tables are then those that differ. */
RF_MUST_USE enum rf_code rf_guard_look(struct rf_run *run, struct rf_pg *pg,
                                       const struct rf_target *target, struct rf_error *error);
/* RF_MISPLACED where tables differ, unless the options say that they are to be overwritten: then
 * they are told of, and rf_delta_apply fills them anew. */
RF_MUST_USE enum rf_code rf_guard_judge(struct rf_run *run, struct rf_error *error);
/* In the transaction that brings the target on, which has a fixed snapshot, before it writes to any
 * table: looks again, marks it and moves the horizon. RF_MISPLACED where tables differ that
 * rf_guard_look did not tell of. */
RF_MUST_USE enum rf_code rf_guard_hold(struct rf_run *run, struct rf_pg *pg,
                                       const struct rf_target *target, struct rf_error *error);
/* That transaction is committed: the tables are the source's again. */
void rf_guard_committed(struct rf_run *run);

#endif
