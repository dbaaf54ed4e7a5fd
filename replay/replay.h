/* Brings a PostgreSQL database to a snapshot of a repository, and compares the two.
 *
 * A target is a database and a schema in it, fed by one source. Its ledger (schema rowferry) says at
 * which snapshot it stands and moves in the same transaction as the rows. Everything here may be
 * killed at any instant; the same call again goes on. */
#ifndef RF_REPLAY_REPLAY_H
#define RF_REPLAY_REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"
#include "format/watch.h"
#include "replay/rules.h"

/* What others did to a table since the last trip: rows deleted, inserted and changed. */
struct rf_written {
    const char *table;
    uint64_t missing, extra, different;
};

struct rf_target_options {
    const char *conninfo; /* libpq conninfo or URI; NULL or "": libpq's environment alone */
    const char *schema;   /* where the tables go */
    unsigned jobs;        /* connections that load, >= 1; of 2, one may read ahead of a delta */
    bool dry_run;
    const char *const *include; /* globs over table names (fnmatch), NULL-terminated; NULL: all */
    const char *const *exclude;
    /* Where tables are split over several databases, of which this is one. Tables that match `own`
     * are in this one; those that match `others`, and not `own`, are not; both NULL: all are. */
    const char *store; /* its name for messages; NULL where it is the only one */
    bool one_of_several;
    const char *const *own;
    const char *const *others;
    const struct rf_rules *rules; /* what is asked of tables and columns; not NULL */
    bool leaps;                   /* to an earlier snapshot, too, or over a gap */
    bool overwrite;               /* tables that others have written to become the source's again */
    bool final_trip; /* the source is not written to any more: what is to be done last is done */
    const char *const *remake; /* globs: tables to be made anew by today's rules; NULL: none */
    const atomic_int *stop;    /* not NULL; a signal number once the run should end */
    /* May be NULL. Called from any thread, one at a time, a few times a second at most. */
    void (*progress)(void *context, const char *table, uint64_t rows_done, uint64_t rows_expected);
    const struct rf_watch *watch; /* who is told of single tables and of workers; may be NULL */
    void (*note)(void *context, const char *message); /* things worth a line with -v; may be NULL */
    /* Things of the source that the target does not get, such as an index; may be NULL. */
    void (*warn)(void *context, const char *message);
    /* A table that others have written to, whether that ends the run or not; may be NULL. */
    void (*written)(void *context, const struct rf_written *written);
    void *context;
};

enum rf_replay_mode { RF_REPLAY_NONE, RF_REPLAY_LOAD, RF_REPLAY_DELTA };

struct rf_replay_table {
    char *name;
    uint64_t inserted, updated, deleted; /* rows in the target */
    uint64_t set_aside;                  /* rows newly set aside by this run */
    uint64_t altered;                    /* rows with a value that was altered to fit, likewise */
    uint64_t left_out;                   /* rows that a rule leaves out (where), likewise */
    uint64_t widened; /* columns whose rows forced another type on them, likewise */
};

/* A sequence that was moved on. */
struct rf_replay_sequence {
    char *name; /* with its schema where that is not the target's */
    int64_t value;
};

/* Rows newly set aside or altered by a run, for one reason. */
struct rf_replay_aside {
    char *table, *column, *reason;
    bool altered;  /* the row is in its table, with another value in this column */
    uint64_t rows; /* values, where one row has several */
};

struct rf_replay_result {
    enum rf_replay_mode mode;
    uint64_t from; /* snapshot the target stood at, 0 for none */
    uint64_t to;
    uint32_t table_count;
    struct rf_replay_table *tables;
    struct rf_replay_table total;
    uint64_t set_aside_total; /* rows of this source and target standing set aside afterwards */
    uint32_t sequence_count;  /* those that were moved on, in the order in which they were */
    struct rf_replay_sequence *sequences;
    uint32_t after_count; /* runs of SQL that the user wants to be run with the rows */
    uint32_t aside_count; /* why rows were set aside or altered, what is most frequent first, */
    struct rf_replay_aside *asides;
    uint64_t aside_reasons; /* … and how many reasons there are: only so many are told */
};
void rf_replay_result_release(struct rf_replay_result *result);

/* `to` is a snapshot of the repository. A target at an earlier one gets the snapshots in between, each in
 * a transaction of its own; a target at none gets `to` at once. Where the target is ahead, or the
 * chain has a gap, one that may leap gets there in one transaction, if the repository has the snapshot at
 * which it stands; otherwise RF_MISPLACED (RF_CORRUPT for a gap within the repository), as for one
 * that was fed by another source. */
RF_MUST_USE enum rf_code rf_replay(struct rf_repository *repository,
                                   const struct rf_target_options *options,
                                   const struct rf_snapshot_name *to,
                                   struct rf_replay_result *result, struct rf_error *error);

/* The same beside the capture of the snapshot, in a thread of its own, for a target that stands at
 * nothing or at the snapshot before. *applied is false, and nothing changed in the target, where it is
 * not that simple: the target stands elsewhere, tables are the application's, the capture failed or
 * found nothing new. Then rf_replay is to be called once the capture is over. */
struct rf_growth;
RF_MUST_USE enum rf_code rf_replay_growing(struct rf_repository *repository,
                                           const struct rf_target_options *options,
                                           struct rf_growth *growth, bool *applied,
                                           struct rf_replay_result *result, struct rf_error *error);

enum rf_difference_kind { RF_ROW_MISSING, RF_ROW_EXTRA, RF_ROW_DIFFERENT };

struct rf_difference {
    const char *table;
    enum rf_difference_kind kind;
    bool whole;         /* the table has no key, */
    uint32_t key_count; /* and these are all of its columns; else those of the key */
    const char *const *columns;
    const char *const *values; /* as Postgres prints them; NULL for NULL */
};

struct rf_compared_table {
    char *name;
    uint64_t rows; /* in the snapshot */
    uint64_t target_rows;
    uint64_t set_aside;
    uint64_t left_out; /* by a rule (where) */
    uint64_t missing, extra, different;
};

struct rf_compare_options {
    struct rf_target_options target;
    uint32_t name_at_most; /* differences reported a table; all are counted */
    void (*difference)(void *context, const struct rf_difference *difference);
    /* For a repository that is being proven meanwhile (format/check.h): whether it is sound as far
     * as is known; with `wait`, once it is known to the end. Asked from any thread, and with `wait`
     * before a difference is reported. After a no, rf_compare ends with RF_CORRUPT. NULL: it is. */
    bool (*sound)(void *sound_context, bool wait);
    void *sound_context;
    const char *const *only;     /* names of the tables, NULL-terminated; NULL: all selected ones */
    const char *server_snapshot; /* exported by the server, to compare that; NULL: one of now */
};

struct rf_compare_result {
    uint64_t snapshot; /* the one the target stands at, which is the one compared */
    uint32_t table_count;
    struct rf_compared_table *tables;
    struct rf_compared_table total;
};
void rf_compare_result_release(struct rf_compare_result *result);

/* Compares the target with the snapshot it stands at. RF_OK when it ran to the end, whatever it found. A table
 * that is missing in the target, or has other columns, counts as RF_DIFFERENT with a message. */
RF_MUST_USE enum rf_code rf_compare(const struct rf_repository *repository,
                                    const struct rf_compare_options *options,
                                    struct rf_compare_result *result, struct rf_error *error);

enum rf_target_state { RF_TARGET_NONE, RF_TARGET_LOADING, RF_TARGET_READY };

struct rf_target_status {
    enum rf_target_state state;
    uint64_t snapshot; /* 0 for none; while loading: the one being loaded */
    struct rf_hash digest;
    uint8_t source[RF_SOURCE_ID_SIZE];
    uint64_t set_aside; /* rows */
    char updated[40];   /* ISO 8601 in UTC, "" for none */
};

/* Reads the ledger; does not make one. */
RF_MUST_USE enum rf_code rf_target_status(const struct rf_target_options *options,
                                          struct rf_target_status *status, struct rf_error *error);

#endif
