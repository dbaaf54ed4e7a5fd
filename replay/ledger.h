/* The ledger: small tables in the target (schema rowferry) that say which source feeds which
 * schema, at which snapshot it stands, what each column became, and what a first load has done so
 * far.
 *
 * Its layout stands in sql/ledger_create.sql with a comment for every table. Each function is one
 * statement (or a few that belong together) on the caller's connection, in the caller's transaction
 * where one is open. */
#ifndef RF_REPLAY_LEDGER_H
#define RF_REPLAY_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/hash.h"
#include "format/repository.h"
#include "replay/arena.h"
#include "replay/connection.h"
#include "replay/plan.h"
#include "replay/replay.h"
#include "replay/result.h"

#define RF_LEDGER_VERSION 2

/* Whom the lines of the ledger are about. */
struct rf_target {
    char source[RF_UUID_TEXT];
    const char *schema;
};

/* Whether there is a ledger at all. RF_MISPLACED: one of another version, or a schema that is something
 * else. */
RF_MUST_USE enum rf_code rf_ledger_find(struct rf_pg *pg, bool *found, struct rf_error *error);
/* Makes it where it is not there; several runs may do so at once. A transaction of its own. */
RF_MUST_USE enum rf_code rf_ledger_create(struct rf_pg *pg, struct rf_error *error);
/* A lock of the session, one a target schema. RF_LOCKED when another run holds it; one that may be
 * dead already is given a few seconds to be noticed. */
RF_MUST_USE enum rf_code rf_ledger_lock(struct rf_run *run, struct rf_pg *pg,
                                        const struct rf_target *target, struct rf_error *error);
/* Lets go of it before the connection is closed, which the server notices some time later: a run that
 * begins at once is not to find it held. NULL is fine. */
void rf_ledger_unlock(struct rf_pg *pg);
/* RF_LOCKED when another session holds it, RF_OK otherwise. Only looks. */
RF_MUST_USE enum rf_code rf_ledger_locked(struct rf_pg *pg, const struct rf_target *target,
                                          struct rf_error *error);

struct rf_ledger_source {
    enum rf_target_state state; /* NONE: nothing came to this schema yet */
    char source[RF_UUID_TEXT];  /* which may be another than the one asked for */
    struct rf_snapshot_name at; /* READY: where it stands. LOADING: what is being loaded */
    char staging[64];           /* LOADING: the schema of the tables so far */
    char updated[40];
};
/* `lock`: keeps others from moving the line until the transaction ends. */
RF_MUST_USE enum rf_code rf_ledger_source(struct rf_pg *pg, const struct rf_target *target,
                                          bool lock, struct rf_ledger_source *source,
                                          struct rf_error *error);
/* RF_MISPLACED: the schema is fed by another source than the target's. */
RF_MUST_USE enum rf_code rf_ledger_check_owner(const struct rf_target *target,
                                               const struct rf_ledger_source *standing,
                                               struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_begin_load(struct rf_pg *pg, const struct rf_target *target,
                                              const struct rf_snapshot_name *snapshot,
                                              const char *staging, struct rf_error *error);
/* The load that was begun without a digest is that of this snapshot. */
RF_MUST_USE enum rf_code rf_ledger_name_load(struct rf_pg *pg, const struct rf_target *target,
                                             const struct rf_snapshot_name *snapshot,
                                             struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_ready(struct rf_pg *pg, const struct rf_target *target,
                                         const struct rf_snapshot_name *snapshot,
                                         struct rf_error *error);
/* Everything about this target but its trips. */
RF_MUST_USE enum rf_code rf_ledger_forget(struct rf_pg *pg, const struct rf_target *target,
                                          struct rf_error *error);

struct rf_ledger_table {
    struct rf_plan plan;     /* as it was made; without remarks */
    struct rf_digest digest; /* of the snapshot, rows set aside included */
};
struct rf_ledger_tables {
    struct rf_arena arena;
    uint32_t count;
    struct rf_ledger_table *tables; /* in byte order of their names */
    bool unordered;                 /* one of them got another name since */
};
RF_MUST_USE enum rf_code rf_ledger_read(struct rf_pg *pg, const struct rf_target *target,
                                        struct rf_ledger_tables *tables, struct rf_error *error);
void rf_ledger_tables_release(struct rf_ledger_tables *tables);
struct rf_ledger_table *rf_ledger_find_table(const struct rf_ledger_tables *tables,
                                             const char *name); /* NULL: none */

/* The table with its columns and indexes. *added is false when it is there already. */
RF_MUST_USE enum rf_code rf_ledger_add_table(struct rf_pg *pg, const struct rf_target *target,
                                             const struct rf_plan *plan,
                                             const struct rf_digest *digest, bool *added,
                                             struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_move_table(struct rf_pg *pg, const struct rf_target *target,
                                              const char *table, const struct rf_digest *digest,
                                              struct rf_error *error);
/* The lines of a table whose rows stay become those of this plan, maybe under another name. */
RF_MUST_USE enum rf_code rf_ledger_replace_table(struct rf_pg *pg, const struct rf_target *target,
                                                 const char *table, const struct rf_plan *plan,
                                                 const struct rf_digest *digest,
                                                 struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_remove_table(struct rf_pg *pg, const struct rf_target *target,
                                                const char *table, struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_add_index(struct rf_pg *pg, const struct rf_target *target,
                                             const struct rf_plan *plan,
                                             const struct rf_plan_index *index,
                                             struct rf_error *error);
/* The index does not stand, and why. */
RF_MUST_USE enum rf_code rf_ledger_refuse_index(struct rf_pg *pg, const struct rf_target *target,
                                                const struct rf_plan_index *index,
                                                const char *reason, struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_remove_index(struct rf_pg *pg, const struct rf_target *target,
                                                const struct rf_plan_index *index,
                                                struct rf_error *error);

/* The expressions of the table's columns do not stand after all. */
RF_MUST_USE enum rf_code rf_ledger_plain_columns(struct rf_pg *pg, const struct rf_target *target,
                                                 const char *table, struct rf_error *error);
/* A constraint without a name of its own yet cannot be added. */
RF_MUST_USE enum rf_code rf_ledger_add_constraint(struct rf_pg *pg, const struct rf_target *target,
                                                  const char *table,
                                                  const struct rf_plan_constraint *constraint,
                                                  struct rf_error *error);
/* Whether it stands and is valid now, and why not (NULL: it is). */
RF_MUST_USE enum rf_code rf_ledger_judge_constraint(struct rf_pg *pg,
                                                    const struct rf_target *target,
                                                    const char *table,
                                                    const struct rf_plan_constraint *constraint,
                                                    const char *reason, struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_remove_constraint(struct rf_pg *pg,
                                                     const struct rf_target *target,
                                                     const char *table,
                                                     const struct rf_plan_constraint *constraint,
                                                     struct rf_error *error);

/* Steps of a first load: "rows" (item: the first part), "index" (item: its name), "finish". */
struct rf_ledger_step {
    const char *table;
    const char *step;
    const char *item;
    uint64_t parts;
    uint64_t set_aside;      /* rows */
    uint64_t altered;        /* rows */
    uint64_t left_out;       /* rows */
    struct rf_digest digest; /* of the rows read */
};
struct rf_ledger_steps {
    struct rf_arena arena;
    uint32_t count;
    struct rf_ledger_step *steps;
};
RF_MUST_USE enum rf_code rf_ledger_steps(struct rf_pg *pg, const struct rf_target *target,
                                         struct rf_ledger_steps *steps, struct rf_error *error);
void rf_ledger_steps_release(struct rf_ledger_steps *steps);
/* First thing in the step's transaction. *claimed is false when the step is done already; when
 * another transaction is at it, this waits to see how that ends. */
RF_MUST_USE enum rf_code rf_ledger_claim_step(struct rf_pg *pg, const struct rf_target *target,
                                              const struct rf_ledger_step *step, bool *claimed,
                                              struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_complete_step(struct rf_pg *pg, const struct rf_target *target,
                                                 const struct rf_ledger_step *step,
                                                 struct rf_error *error);
RF_MUST_USE enum rf_code rf_ledger_clear_steps(struct rf_pg *pg, const struct rf_target *target,
                                               struct rf_error *error);

/* What a trip did to one table. */
RF_MUST_USE enum rf_code rf_ledger_add_trip(struct rf_pg *pg, const struct rf_target *target,
                                            uint64_t from, uint64_t to, const char *mode,
                                            const struct rf_counts *table, struct rf_error *error);

/* A number for advisory locks, made of a few words. */
uint64_t rf_ledger_lock_number(const char *what, const char *schema, const char *table);

#endif
