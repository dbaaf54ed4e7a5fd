/* Workers, one a connection, take tasks from the tables in turn: chunks of rows; once a table has
 * all its rows, its indexes, which may be built side by side; then its constraints and statistics.
 */
#include "replay/load_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/build.h"
#include "replay/fill.h"
#include "replay/guard.h"
#include "replay/sequence.h"
#include "replay/server_error.h"

enum task_kind { TASK_NONE, TASK_WHOLE, TASK_CHUNK, TASK_INDEX, TASK_FINISH };

struct task {
    enum task_kind kind;
    struct rf_load_table *table;
    uint32_t number; /* of the chunk or index */
};

struct worker {
    struct rf_load *load;
    unsigned number;
    struct rf_pg *pg;
    struct rf_error error;
    pthread_t thread;
};

/* ---- sharing out; all of this under the mutex ---- */

static bool take_chunk(struct rf_load_table *table, struct task *task) {
    while (table->next_chunk < table->chunk_count && table->chunk_done[table->next_chunk]) {
        table->next_chunk++;
    }
    if (table->next_chunk == table->chunk_count) {
        return false;
    }
    *task = (struct task){.kind = table->whole ? TASK_WHOLE : TASK_CHUNK,
                          .table = table,
                          .number = table->next_chunk++};
    return true;
}

static bool take_index(struct rf_load_table *table, struct task *task) {
    uint32_t count = rf_load_index_count(table);
    while (table->next_index < count && table->index_done[table->next_index]) {
        table->next_index++;
    }
    if (table->next_index == count) {
        return false;
    }
    *task = (struct task){.kind = TASK_INDEX, .table = table, .number = table->next_index++};
    return true;
}

/* Rows that look others up come when those stand; indexes, they can do without. */
static bool waits(const struct rf_load *load, const struct rf_load_table *table) {
    const struct rf_plan_computed *computed = table->plan.computed;
    for (uint32_t i = 0; computed && i < computed->join_count; i++) {
        for (uint32_t j = 0; j < load->count; j++) {
            const struct rf_load_table *other = &load->tables[j];
            if (other->chunks_left > 0 &&
                strcmp(other->plan.relation, computed->joins[i].relation) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool take_from(const struct rf_load *load, struct rf_load_table *table, struct task *task) {
    if (table->finished) {
        return false;
    }
    if (table->chunks_left > 0) {
        return !waits(load, table) && take_chunk(table, task);
    }
    if (table->indexes_left > 0) {
        return take_index(table, task);
    }
    if (table->finish_taken) {
        return false;
    }
    table->finish_taken = true;
    *task = (struct task){.kind = TASK_FINISH, .table = table};
    return true;
}

static bool take_any(struct rf_load *load, struct task *task) {
    while (load->first < load->ready_count && load->ready[load->first]->finished) {
        load->first++;
    }
    for (uint32_t i = load->first; i < load->ready_count; i++) {
        if (take_from(load, load->ready[i], task)) {
            return true;
        }
    }
    return false;
}

/* A table's archives stay open while chunks of it are under way. */
static enum rf_code hold_state(struct rf_load *load, struct task *task, struct rf_error *error) {
    struct rf_load_table *table = task->table;
    if (task->kind != TASK_WHOLE && task->kind != TASK_CHUNK) {
        return RF_OK;
    }
    enum rf_code code = RF_OK;
    if (!table->state) {
        code = rf_state_open(load->run->repository, table->source, &table->state, error);
    }
    table->state_users += code == RF_OK;
    return code;
}

static void let_go_of_state(struct task *task) {
    struct rf_load_table *table = task->table;
    bool held = task->kind == TASK_WHOLE || task->kind == TASK_CHUNK;
    if (held && --table->state_users == 0 && table->next_chunk == table->chunk_count) {
        rf_state_close(table->state);
        table->state = NULL;
    }
}

static void mark_done(struct rf_load *load, const struct task *task) {
    struct rf_load_table *table = task->table;
    switch (task->kind) {
    case TASK_NONE:
        break;
    case TASK_CHUNK:
        table->chunks_left--;
        break;
    case TASK_INDEX:
        table->indexes_left--;
        break;
    case TASK_WHOLE:
    case TASK_FINISH:
        table->finished = true;
        load->unfinished--;
        break;
    }
}

/* Waits for a task; TASK_NONE when all is done or somebody failed. */
static enum rf_code next_task(struct worker *worker, struct task *task) {
    struct rf_load *load = worker->load;
    enum rf_code code = RF_OK;
    *task = (struct task){.kind = TASK_NONE};
    pthread_mutex_lock(&load->mutex);
    while (!load->failed && load->unfinished > 0 && !take_any(load, task)) {
        pthread_cond_wait(&load->changed, &load->mutex);
    }
    if (load->failed) {
        *task = (struct task){.kind = TASK_NONE};
    } else if (task->kind != TASK_NONE) {
        code = hold_state(load, task, &worker->error);
    }
    pthread_mutex_unlock(&load->mutex);
    return code;
}

/* For whoever looks on. */
static void tell_reached(struct rf_load *load, const struct rf_load_table *table) {
    if (table->finished || table->chunks_left == 0) {
        rf_run_reach(load->run, table->source->table.name,
                     table->finished ? RF_WATCH_DONE : RF_WATCH_INDEXES);
    }
}

static void tell_task(struct worker *worker, const struct task *task) {
    static const char *const doing[] = {[TASK_WHOLE] = "loads",
                                        [TASK_CHUNK] = "loads",
                                        [TASK_INDEX] = "indexes",
                                        [TASK_FINISH] = "finishes"};
    rf_run_worker(worker->load->run, worker->number, doing[task->kind],
                  task->table ? task->table->source->table.name : NULL);
}

static void hand_back(struct worker *worker, struct task *task, enum rf_code code) {
    struct rf_load *load = worker->load;
    pthread_mutex_lock(&load->mutex);
    let_go_of_state(task);
    if (code == RF_OK) {
        mark_done(load, task);
        tell_reached(load, task->table);
    }
    pthread_cond_broadcast(&load->changed);
    pthread_mutex_unlock(&load->mutex);
}

/* The first error is the one to tell; the others are mostly its consequence. */
static void report_failure(struct rf_load *load, const struct rf_error *error) {
    pthread_mutex_lock(&load->mutex);
    if (!load->failed) {
        load->failed = true;
        load->error = *error;
        rf_run_give_up(load->run);
    }
    pthread_cond_broadcast(&load->changed);
    pthread_mutex_unlock(&load->mutex);
}

/* ---- tasks; each is a transaction ---- */

static struct rf_ledger_step step_of(const struct task *task, const char *step, const char *item) {
    return (struct rf_ledger_step){
        .table = task->table->plan.table,
        .step = step,
        .item = item,
        .parts = task->kind == TASK_CHUNK ? RF_LOAD_CHUNK_PARTS : 0,
    };
}

static enum rf_code fill_chunk(struct worker *worker, const struct task *task,
                               struct rf_ledger_step *step, struct rf_error *error) {
    struct rf_load *load = worker->load;
    struct rf_load_table *table = task->table;
    uint32_t first = task->number * RF_LOAD_CHUNK_PARTS, left = table->parts - first;
    const struct rf_fill_options options = {
        .run = load->run,
        .pg = worker->pg,
        .target = load->target,
        .schema = load->staging,
        .source = table->source,
        .plan = &table->plan,
        .snapshot = load->snapshot,
        .freeze = table->whole,
    };
    struct rf_fill fill;
    enum rf_code code = rf_fill_init(&fill, &options, error);
    if (code == RF_OK) {
        code = rf_fill_from_state(&fill, table->state, first,
                                  left < RF_LOAD_CHUNK_PARTS ? left : RF_LOAD_CHUNK_PARTS, error);
    }
    step->digest = fill.digest;
    step->set_aside = fill.aside.rows;
    step->altered = fill.aside.altered;
    step->left_out = fill.left_out;
    rf_fill_release(&fill);
    return code == RF_OK ? rf_ledger_complete_step(worker->pg, load->target, step, error) : code;
}

/* The step's line is written first: where it is there already, the work is done. */
static enum rf_code run_chunk(struct worker *worker, const struct task *task,
                              struct rf_error *error) {
    char item[16];
    snprintf(item, sizeof item, "%u", task->number * RF_LOAD_CHUNK_PARTS);
    struct rf_ledger_step step = step_of(task, "rows", item);
    bool claimed = false;
    enum rf_code code =
        rf_ledger_claim_step(worker->pg, worker->load->target, &step, &claimed, error);
    return code == RF_OK && claimed ? fill_chunk(worker, task, &step, error) : code;
}

static enum rf_code run_whole(struct worker *worker, const struct task *task,
                              struct rf_error *error) {
    struct rf_load *load = worker->load;
    struct rf_plan *plan = &task->table->plan;
    bool added = false;
    enum rf_code code = rf_ledger_add_table(worker->pg, load->target, plan,
                                            &task->table->source->digest, &added, error);
    if (code != RF_OK || !added) {
        return code;
    }
    code = rf_build_create_table(load->run, worker->pg, load->target, plan, load->staging,
                                 rf_sequences_are_few(load->manifest), error);
    if (code == RF_OK) {
        code = run_chunk(worker, task, error);
    }
    if (code == RF_OK) {
        code = rf_build_all(load->run, worker->pg, load->target, plan, load->staging, error);
    }
    return code == RF_OK ? rf_build_analyze(worker->pg, plan, load->staging, error) : code;
}

static enum rf_code run_index(struct worker *worker, const struct task *task,
                              struct rf_error *error) {
    struct rf_load *load = worker->load;
    if (load->existing) {
        return rf_put_aside_restore(load->run, worker->pg, load->target,
                                    &task->table->asides[task->number], error);
    }
    struct rf_plan_index *index = &task->table->plan.indexes[task->number];
    struct rf_ledger_step step = step_of(task, "index", index->name);
    bool claimed = false;
    enum rf_code code = rf_ledger_claim_step(worker->pg, load->target, &step, &claimed, error);
    if (code != RF_OK || !claimed) {
        return code;
    }
    return rf_build_index(load->run, worker->pg, load->target, &task->table->plan, index,
                          load->staging, false, error);
}

/* Making constraints locks the table alone, so it waits until all of its indexes stand. */
static enum rf_code run_finish(struct worker *worker, const struct task *task,
                               struct rf_error *error) {
    struct rf_load *load = worker->load;
    struct rf_ledger_step step = step_of(task, "finish", "");
    bool claimed = false;
    enum rf_code code = rf_ledger_claim_step(worker->pg, load->target, &step, &claimed, error);
    if (code != RF_OK || !claimed) {
        return code;
    }
    code = rf_build_attach(worker->pg, &task->table->plan, load->staging, error);
    if (code == RF_OK) {
        code = rf_build_checks(load->run, worker->pg, load->target, &task->table->plan,
                               load->staging, error);
    }
    if (code == RF_OK) {
        code = rf_build_analyze(worker->pg, &task->table->plan, load->staging, error);
    }
    return code;
}

static enum rf_code run_task(struct worker *worker, const struct task *task,
                             struct rf_error *error) {
    switch (task->kind) {
    case TASK_WHOLE:
        return run_whole(worker, task, error);
    case TASK_CHUNK:
        return run_chunk(worker, task, error);
    case TASK_INDEX:
        return run_index(worker, task, error);
    case TASK_FINISH:
        return run_finish(worker, task, error);
    case TASK_NONE:
        break;
    }
    return RF_OK;
}

static enum rf_code in_transaction(struct worker *worker, const struct task *task) {
    struct rf_error *error = &worker->error;
    enum rf_code code = rf_guard_begin(worker->pg, worker->load->target, error);
    if (code == RF_OK) {
        code = run_task(worker, task, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(worker->pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(worker->pg);
    }
    return code;
}

static enum rf_code work(struct worker *worker) {
    struct rf_load *load = worker->load;
    enum rf_code code = rf_pg_open(load->run, RF_PG_LOADER, &worker->pg, &worker->error);
    if (code == RF_OK && load->existing) {
        code = rf_hold_session(worker->pg, load->replica, false, &worker->error);
    }
    while (code == RF_OK) {
        struct task task;
        rf_run_worker(load->run, worker->number, NULL, NULL);
        code = next_task(worker, &task);
        tell_task(worker, &task);
        if (task.kind == TASK_NONE) {
            break;
        }
        if (code == RF_OK) {
            code = in_transaction(worker, &task);
            hand_back(worker, &task, code);
        }
    }
    return code;
}

static void *worker_main(void *argument) {
    struct worker *worker = argument;
    if (work(worker) != RF_OK) {
        report_failure(worker->load, &worker->error);
    }
    rf_pg_close(worker->pg);
    return NULL;
}

static uint32_t count_unfinished(const struct rf_load *load) {
    uint32_t unfinished = 0;
    for (uint32_t i = 0; i < load->count; i++) {
        const struct rf_load_table *table = &load->tables[i];
        unfinished += !table->finished;
        if (!table->finished && !table->coming) {
            rf_run_expect_of(load->run, table->source->table.name,
                             table->source->digest.rows - table->rows_done);
        }
    }
    return unfinished;
}

static void close_states(struct rf_load *load) {
    for (uint32_t i = 0; i < load->count; i++) {
        rf_state_close(load->tables[i].state);
        load->tables[i].state = NULL;
    }
}

static void grow(struct rf_load *load) {
    struct rf_error error;
    rf_error_clear(&error);
    if (load->growth && rf_load_grow(load, &error) != RF_OK) {
        report_failure(load, &error);
    }
}

static void start_and_join(struct worker *workers, unsigned jobs) {
    struct rf_load *load = workers[0].load;
    unsigned started = 0;
    for (; started < jobs; started++) {
        if (pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]) != 0) {
            break;
        }
    }
    grow(load);
    if (started == 0) {
        worker_main(&workers[0]); /* without threads it takes longer, and that is all */
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
}

enum rf_code rf_load_work(struct rf_load *load, unsigned jobs, struct rf_error *error) {
    load->unfinished = count_unfinished(load);
    if (load->unfinished == 0 && !load->growth) {
        return RF_OK;
    }
    jobs = jobs < 1 ? 1 : jobs;
    struct worker *workers = rf_arena_take(&load->arena, jobs, sizeof *workers);
    if (!workers) {
        return rf_fail_memory(error);
    }
    for (unsigned i = 0; i < jobs; i++) {
        workers[i].load = load;
        workers[i].number = i;
    }
    pthread_mutex_init(&load->mutex, NULL);
    pthread_cond_init(&load->changed, NULL);
    start_and_join(workers, jobs);
    pthread_cond_destroy(&load->changed);
    pthread_mutex_destroy(&load->mutex);
    close_states(load);
    if (load->failed) {
        *error = load->error;
        return error->code;
    }
    return RF_OK;
}
