/* What a delta does with one table, in the transaction of the whole. Inner to delta*.c. */
#ifndef RF_REPLAY_DELTA_TABLE_H
#define RF_REPLAY_DELTA_TABLE_H

#include "format/archive.h"
#include "replay/delta.h"
#include "replay/existing.h"
#include "replay/names.h"
#include "replay/naming.h"
#include "replay/result.h"

struct rf_delta {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    uint64_t snapshot;
    const struct rf_snapshot_name *from; /* where the target stands before */
    bool utf16;                          /* the source's encoding */
    struct rf_arena arena;
    struct rf_existing *existing; /* NULL: no table is the application's */
    struct rf_names taken;        /* names in the target schema */
    bool taken_known;
    struct rf_naming naming;
};

/* Reads `taken`, once all that goes is dropped. */
RF_MUST_USE enum rf_code rf_delta_know_taken(struct rf_delta *delta, struct rf_error *error);
/* Puts all rows of the table into it, which is empty since this transaction began. */
RF_MUST_USE enum rf_code rf_delta_fill(struct rf_delta *delta,
                                       const struct rf_manifest_table *source,
                                       const struct rf_plan *plan, struct rf_counts *counts,
                                       struct rf_error *error);

/* Drops the table, with its lines in the ledger. `counts` gets the rows it had. */
RF_MUST_USE enum rf_code rf_delta_drop(struct rf_delta *delta,
                                       const struct rf_ledger_table *standing,
                                       struct rf_counts *counts, struct rf_error *error);
/* Makes the table as the manifest has it, rows and indexes included. */
RF_MUST_USE enum rf_code rf_delta_make(struct rf_delta *delta,
                                       const struct rf_manifest_table *source,
                                       struct rf_counts *counts, struct rf_error *error);
/* Applies the delta that leads to the manifest's table. */
RF_MUST_USE enum rf_code rf_delta_change(struct rf_delta *delta,
                                         const struct rf_manifest_table *source,
                                         struct rf_ledger_table *standing, struct rf_counts *counts,
                                         struct rf_error *error);
/* Opens that delta, which is checked to be the one. */
RF_MUST_USE enum rf_code rf_delta_open(struct rf_delta *delta,
                                       const struct rf_manifest_table *source,
                                       struct rf_archive **archive, struct rf_error *error);
/* What stood, without the rows that are gone and with those that came, is what the manifest says. */
RF_MUST_USE enum rf_code rf_delta_check_digest(const struct rf_manifest_table *source,
                                               const struct rf_ledger_table *standing,
                                               const struct rf_digest *gone,
                                               const struct rf_digest *came,
                                               struct rf_error *error);
/* Drops indexes that the source no longer has, before rows come in that they might not allow; then
 * makes those that it has come to have. Also for tables whose rows did not change. */
RF_MUST_USE enum rf_code rf_delta_drop_indexes(struct rf_delta *delta,
                                               const struct rf_manifest_table *source,
                                               struct rf_ledger_table *standing,
                                               struct rf_error *error);
RF_MUST_USE enum rf_code rf_delta_make_indexes(struct rf_delta *delta,
                                               const struct rf_manifest_table *source,
                                               struct rf_ledger_table *standing,
                                               struct rf_error *error);

/* ---- delta_evolve.c: tables that get another shape ---- */

struct rf_evolution {
    const struct rf_manifest_table *source;
    struct rf_ledger_table *standing; /* maybe under another name: the source renamed it */
    bool fresh;                       /* by today's rules, whatever was chosen before */
    struct rf_plan to;                /* without indexes and constraints */
    uint32_t *matches;                /* for its columns: those of the standing plan (evolve.h) */
    bool refill;                      /* else the rows stay as they are */
};
/* Whether a table that stands is to get wider types: by the census, or by the rows of its delta where
 * the census cannot tell. */
RF_MUST_USE enum rf_code rf_delta_is_too_narrow(struct rf_delta *delta,
                                                const struct rf_manifest_table *source,
                                                const struct rf_plan *plan, bool *narrow,
                                                struct rf_error *error);
/* Whether the rows that a delta deletes cannot be found, as a rule makes values alike that it tells
 * apart: such a table is filled again. */
RF_MUST_USE enum rf_code rf_delta_is_blurred(struct rf_delta *delta,
                                             const struct rf_manifest_table *source,
                                             const struct rf_plan *plan, bool *blurred,
                                             struct rf_error *error);
/* Fills in all behind `fresh`; touches nothing. */
RF_MUST_USE enum rf_code rf_delta_plan_evolution(struct rf_delta *delta,
                                                 struct rf_evolution *evolution,
                                                 struct rf_error *error);
/* In this order, other tables in between: rows, indexes and constraints go; the table is altered; the
 * ledger follows, and the rows come back. Then `standing` is what stands, and its indexes are made
 * like those that the source has come to have. */
RF_MUST_USE enum rf_code rf_delta_empty(struct rf_delta *delta,
                                        const struct rf_evolution *evolution,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_delta_alter(struct rf_delta *delta, struct rf_evolution *evolution,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_delta_evolve(struct rf_delta *delta, struct rf_evolution *evolution,
                                         struct rf_counts *counts, struct rf_error *error);
/* Whether an index of the table goes on the way, if only for a while: what depends on it does not
 * let it. */
bool rf_delta_disturbs_indexes(struct rf_delta *delta, const struct rf_manifest_table *source,
                               const struct rf_ledger_table *standing);

/* ---- delta_gone.c: rows that are gone ---- */

struct rf_gone {
    struct rf_delta *delta;
    const struct rf_plan *plan;
    enum rf_gone_form form;
    bool asides;             /* rows of the table stand aside */
    struct rf_digest digest; /* of the rows that are gone */
    uint64_t deleted;        /* from the table */
};
/* Deletes the rows that are GONE in the archive, from the table or from what stands aside. The list
 * of their keys stays, as pg_temp.rowferry_gone, until rf_gone_forget. RF_DIFFERENT when some are
 * not there. */
RF_MUST_USE enum rf_code rf_gone_delete(struct rf_gone *gone, struct rf_archive *archive,
                                        struct rf_error *error);
/* Of the rows deleted by key, those whose key is in the table again: they were updated. */
RF_MUST_USE enum rf_code rf_gone_count_back(struct rf_gone *gone, uint64_t *rows,
                                            struct rf_error *error);
RF_MUST_USE enum rf_code rf_gone_forget(struct rf_gone *gone, struct rf_error *error);
/* Makes the list of keys and looks for their rows, for scout.h: nothing is deleted. */
RF_MUST_USE enum rf_code rf_gone_touch(struct rf_gone *gone, struct rf_archive *archive,
                                       struct rf_error *error);

#endif
