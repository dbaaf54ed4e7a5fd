/* The work of a first load, and how it is shared out among connections. Inner to load*.c. */
#ifndef RF_REPLAY_LOAD_WORK_H
#define RF_REPLAY_LOAD_WORK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/state.h"
#include "replay/growth.h"
#include "replay/hold.h"
#include "replay/load.h"
#include "replay/naming.h"
#include "replay/plan.h"
#include "replay/result.h"

/* A chunk is one transaction: large enough that its fixed cost is nothing, small enough that little
 * is lost with it. A table of one chunk goes in whole: made, filled, indexed in one transaction. */
#define RF_LOAD_CHUNK_PARTS 16u

struct rf_load_table {
    const struct rf_manifest_table *source;
    struct rf_plan plan;
    uint64_t cost; /* to load it, roughly: what takes long goes first */
    bool coming;   /* its rows are still being captured, or it is not planned yet */
    bool whole;
    struct rf_state *state; /* open while chunks are under way */
    uint32_t state_users;
    uint32_t parts;
    uint32_t chunk_count;
    bool *chunk_done;
    uint32_t next_chunk;
    uint32_t chunks_left; /* not done */
    bool *index_done;
    uint32_t next_index;
    uint32_t indexes_left;
    bool finish_taken;
    bool finished;
    uint64_t rows_done;          /* by an earlier run */
    struct rf_counts kept;       /* what went into a table that keeps its rows, at the end */
    uint32_t aside_count;        /* of a table that the application made: what is put back */
    struct rf_put_aside *asides; /* in the place of the plan's indexes */
};

static inline uint32_t rf_load_index_count(const struct rf_load_table *table) {
    return table->plan.owned ? table->plan.index_count : table->aside_count;
}

/* An entry of the list of tables by name. */
struct rf_load_name {
    struct rf_load_table *table;
};

struct rf_load {
    struct rf_run *run;
    const struct rf_target *target;
    const struct rf_manifest *manifest;
    uint64_t snapshot;
    struct rf_naming naming;
    const char *staging; /* where the tables are until the end; those that the application made
                            are in the target's schema */
    bool existing;       /* the application made all of them */
    bool replica;        /* … and they are held by session_replication_role */
    struct rf_arena arena;
    struct rf_names names;    /* what relations are called */
    struct rf_growth *growth; /* NULL: the snapshot is there, whole */
    struct rf_pg *control;    /* of the thread that plans */
    bool keeps;     /* what failed is not for the rows to answer: what is loaded stays loaded */
    bool contended; /* with a growth: its tables come in an order that would show in names */
    uint32_t count;
    struct rf_load_table *tables; /* the costliest first */
    struct rf_load_name *by_name; /* the same in byte order of their names */
    struct rf_load_table *
        *ready; /* under the mutex: those that are not coming, the costliest first */
    uint32_t ready_count;

    /* From here on shared by the workers, under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t first; /* of those that are ready: all before are finished */
    uint32_t unfinished;
    bool failed;
    struct rf_error error; /* of the first to fail */
};

/* Does all that is left, on at most `jobs` connections. */
RF_MUST_USE enum rf_code rf_load_work(struct rf_load *load, unsigned jobs, struct rf_error *error);

/* load.c: plans a table, and makes it where it goes by chunks. `standing` is what an earlier run of
 * this load left. */
RF_MUST_USE enum rf_code rf_load_prepare_table(struct rf_load *load, struct rf_load_table *table,
                                               const struct rf_ledger_tables *standing,
                                               struct rf_error *error);
/* load_grow.c: hands tables to the workers as they come; returns when none will come any more. */
RF_MUST_USE enum rf_code rf_load_grow(struct rf_load *load, struct rf_error *error);

/* load.c: the table's cost, once its rows are known. */
uint64_t rf_load_cost(const struct rf_manifest_table *table);

struct rf_load_table *rf_load_find_table(const struct rf_load *load, const char *name);

/* load_show.c: compares what was read with the manifest (RF_CORRUPT), and shows it. */
RF_MUST_USE enum rf_code rf_load_show(struct rf_load *load, struct rf_pg **pg,
                                      const struct rf_snapshot_name *at,
                                      struct rf_replay_result *result, struct rf_error *error);

#endif
