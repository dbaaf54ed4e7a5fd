/* Comparing a target with the snapshot it stands at.
 *
 * All tables are read in one snapshot of the server, shared by the workers. Each worker takes one
 * table after the other; the two sides of a large one are read on two threads. While they agree,
 * each is read once and nothing is sorted or kept. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/compare_computed.h"
#include "replay/compare_find.h"
#include "replay/preflight.h"
#include "replay/quote.h"
#include "replay/sql.h"

struct job {
    const struct rf_manifest_table *source;
    const struct rf_ledger_table *standing;
    uint64_t work; /* bytes of its archives, and a row's worth for each row */
    struct rf_compared_table result;
};

struct compare {
    struct rf_run run;
    const struct rf_compare_options *options;
    struct rf_target target;
    struct rf_pg *control;
    struct rf_ledger_tables tables;
    struct rf_manifest manifest;
    const char *server_snapshot;
    struct rf_pg_rows *snapshot_rows;
    struct rf_arena arena;
    uint32_t count;
    struct job *jobs; /* the largest first */

    pthread_mutex_t mutex; /* of all below */
    uint32_t next;
    bool failed;
    struct rf_error error;
    struct rf_error
        misfit; /* tables that cannot be compared row by row: the first, then the others */
};

struct worker {
    struct compare *compare;
    unsigned number;
    struct rf_pg *pg;
    struct rf_error error;
    pthread_t thread;
};

/* ---- one table ---- */

/* What one side is made of. */
struct sums {
    struct rf_digest rows, asides;
};

static enum rf_code sum_row(void *context, const struct rf_tuple *tuple, struct rf_error *error) {
    (void)error;
    struct sums *sums = context;
    rf_digest_add(&sums->rows, tuple->row);
    return RF_OK;
}

static enum rf_code sum_aside(void *context, struct rf_hash hash, const struct rf_rows *rows,
                              uint32_t row, struct rf_error *error) {
    (void)rows;
    (void)row;
    (void)error;
    struct sums *sums = context;
    rf_digest_add(&sums->asides, hash);
    return RF_OK;
}

static struct rf_visitor summing(struct sums *sums) {
    *sums = (struct sums){.rows.rows = 0};
    return (struct rf_visitor){.row = sum_row, .aside = sum_aside, .context = sums};
}

struct source_side {
    const struct rf_compare_table *table;
    struct sums sums;
    enum rf_code code;
    struct rf_error error;
};

static void *read_source(void *argument) {
    struct source_side *side = argument;
    const struct rf_visitor visitor = summing(&side->sums);
    side->code = rf_compare_read_source(side->table, &visitor, &side->error);
    if (side->code != RF_OK) {
        rf_run_give_up(side->table->run);
    }
    return NULL;
}

/* A row costs the server, and us, about what so many bytes of an archive do (measured on rows of a few
 * numbers, and on blobs). */
#define ROW_WORK 128u
#define LARGE_WORK (1u << 20) /* worth a thread */

/* The error that was first: what follows from giving up is not told. */
static enum rf_code first_failure(const struct source_side *side, enum rf_code code,
                                  struct rf_error *error) {
    if (side->code != RF_OK && (code == RF_OK || code == RF_INTERRUPTED)) {
        *error = side->error;
        return side->code;
    }
    return code;
}

static enum rf_code sum_both(struct worker *worker, const struct rf_compare_table *table,
                             uint64_t work, struct sums *source, struct sums *target,
                             struct rf_error *error) {
    struct source_side side = {.table = table};
    const struct rf_visitor visitor = summing(target);
    pthread_t thread;
    bool apart = work > LARGE_WORK && pthread_create(&thread, NULL, read_source, &side) == 0;
    if (!apart) {
        read_source(&side);
    }
    enum rf_code code = RF_OK;
    if (apart || side.code == RF_OK) {
        code = rf_compare_read_target(table, worker->pg, &visitor, error);
    }
    if (apart) {
        if (code != RF_OK) {
            rf_run_give_up(table->run);
        }
        pthread_join(thread, NULL);
    }
    *source = side.sums;
    return first_failure(&side, code, error);
}

static bool same(const struct sums *a, const struct sums *b) {
    return rf_digest_equal(&a->rows, &b->rows) && rf_digest_equal(&a->asides, &b->asides);
}

static enum rf_code check_count(const struct sums *source, const struct job *job,
                                struct rf_error *error) {
    uint64_t read = source->rows.rows + source->asides.rows;
    if (read == job->source->digest.rows) {
        return RF_OK;
    }
    return rf_fail(error, RF_CORRUPT,
                   "table %s has %" PRIu64 " rows in the archives, the manifest says %" PRIu64,
                   job->source->table.name, read, job->source->digest.rows);
}

/* A table that cannot be compared row by row: all of its rows are missing. */
static void note_misfit(struct worker *worker, struct job *job, struct rf_error *error) {
    struct compare *compare = worker->compare;
    rf_run_note(&compare->run, "%s", error->what);
    job->result.missing = job->result.rows;
    pthread_mutex_lock(&compare->mutex);
    struct rf_error *told = &compare->misfit;
    if (told->code == RF_OK) {
        *told = *error;
        told->code = RF_DIFFERENT;
        told->detail[0] = 0;
    } else {
        size_t used = strlen(told->detail);
        snprintf(told->detail + used, sizeof told->detail - used, "%s%s", used > 0 ? "; " : "",
                 error->what);
    }
    pthread_mutex_unlock(&compare->mutex);
    rf_error_clear(error);
}

/* Nothing is told of a difference before it is known that the archives are not to blame. */
static enum rf_code find_differences(struct worker *worker, const struct rf_compare_table *table,
                                     struct rf_compared_table *result, struct rf_error *error) {
    return rf_compare_sound(table, true) ? rf_compare_find(table, worker->pg, result, error)
                                         : rf_compare_fail_unsound(error);
}

static enum rf_code compare_rows(struct worker *worker, const struct rf_compare_table *table,
                                 struct job *job, struct rf_error *error) {
    struct sums source, target;
    enum rf_code code = sum_both(worker, table, job->work, &source, &target, error);
    if (code == RF_OK) {
        code = check_count(&source, job, error);
    }
    if (code == RF_OK) {
        job->result.target_rows = target.rows.rows;
        job->result.set_aside = target.asides.rows;
        if (!same(&source, &target)) {
            code = find_differences(worker, table, &job->result, error);
        }
    }
    return code;
}

/* One snapshot of the server for all connections. */
static enum rf_code join_snapshot(struct rf_pg *pg, const char *snapshot, bool read_only,
                                  struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ %s; SET TRANSACTION SNAPSHOT ",
                     read_only ? "READ ONLY" : "READ WRITE");
    rf_quote_literal(&sql, snapshot);
    enum rf_code code = rf_pg_do_buffer(pg, &sql, NULL, error);
    rf_buffer_release(&sql);
    return code;
}

/* What stands aside is the same there as everywhere. */
static enum rf_code compare_asides(struct worker *worker, const struct rf_compare_table *table,
                                   const struct rf_digest *wanted, struct job *job,
                                   struct rf_error *error) {
    struct rf_compare_table asides = *table;
    struct sums found;
    const struct rf_visitor visitor = summing(&found);
    asides.asides_only = true;
    enum rf_code code = rf_compare_read_target(&asides, worker->pg, &visitor, error);
    if (code != RF_OK) {
        return code;
    }
    job->result.set_aside = found.asides.rows;
    return rf_digest_equal(&found.asides, wanted)
               ? RF_OK
               : find_differences(worker, &asides, &job->result, error);
}

/* Temporary tables need a transaction that may write; it is rolled back. */
static enum rf_code compare_computed(struct worker *worker, const struct rf_compare_table *table,
                                     struct job *job, struct rf_error *error) {
    struct rf_digest asides;
    struct rf_error late;
    const char *snapshot = worker->compare->server_snapshot;
    rf_pg_rollback(worker->pg);
    enum rf_code code = join_snapshot(worker->pg, snapshot, false, error);
    if (code == RF_OK) {
        code = rf_compare_computed(table, worker->pg, &job->result, &asides, error);
    }
    rf_pg_rollback(worker->pg);
    rf_error_clear(&late);
    enum rf_code again = join_snapshot(worker->pg, snapshot, true, &late);
    if (code == RF_OK && again != RF_OK) {
        *error = late;
        code = again;
    }
    return code == RF_OK ? compare_asides(worker, table, &asides, job, error) : code;
}

static enum rf_code compare_table(struct worker *worker, struct job *job) {
    struct compare *compare = worker->compare;
    struct rf_error *error = &worker->error;
    struct rf_kept_hashes kept = {.count = 0};
    const struct rf_compare_table table = {
        .run = &compare->run,
        .target = &compare->target,
        .source = job->source,
        .plan = &job->standing->plan,
        .kept = &kept,
        .options = compare->options,
    };
    job->result.rows = job->source->digest.rows;
    enum rf_code code =
        table.plan->computed
            ? compare_computed(worker, &table, job, error)
            : rf_preflight_columns(worker->pg, compare->target.schema, table.plan, error);
    if (code == RF_MISPLACED) {
        note_misfit(worker, job, error);
        return RF_OK;
    }
    if (code == RF_OK && table.plan->kept) {
        code = rf_kept_hashes_read(worker->pg, &compare->target, table.plan->table, &kept, error);
    }
    if (code == RF_OK && !table.plan->computed) {
        code = compare_rows(worker, &table, job, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while comparing table %s", table.plan->table);
    }
    rf_kept_hashes_release(&kept);
    return code;
}

/* ---- workers ---- */

static struct job *next_job(struct compare *compare) {
    pthread_mutex_lock(&compare->mutex);
    struct job *job =
        !compare->failed && compare->next < compare->count ? &compare->jobs[compare->next++] : NULL;
    pthread_mutex_unlock(&compare->mutex);
    return job;
}

static enum rf_code work(struct worker *worker) {
    struct compare *compare = worker->compare;
    enum rf_code code = rf_pg_open(&compare->run, RF_PG_READER, &worker->pg, &worker->error);
    if (code == RF_OK) {
        code = join_snapshot(worker->pg, worker->compare->server_snapshot, true, &worker->error);
    }
    for (struct job *job; code == RF_OK && (job = next_job(compare));) {
        rf_run_worker(&compare->run, worker->number, "compares", job->source->table.name);
        code = compare_table(worker, job);
        rf_run_reach(&compare->run, job->source->table.name, RF_WATCH_DONE);
    }
    rf_run_worker(&compare->run, worker->number, NULL, NULL);
    return code;
}

static void *worker_main(void *argument) {
    struct worker *worker = argument;
    struct compare *compare = worker->compare;
    if (work(worker) != RF_OK) {
        pthread_mutex_lock(&compare->mutex);
        if (!compare->failed) {
            compare->failed = true;
            compare->error = worker->error;
            rf_run_give_up(&compare->run);
        }
        pthread_mutex_unlock(&compare->mutex);
    }
    rf_pg_close(worker->pg);
    return NULL;
}

static enum rf_code run_workers(struct compare *compare, struct rf_error *error) {
    unsigned wanted = compare->options->target.jobs;
    uint32_t count = wanted < compare->count ? wanted : compare->count;
    count = count < 1 ? 1 : count;
    struct worker *workers = rf_arena_take(&compare->arena, count, sizeof *workers);
    if (!workers) {
        return rf_fail_memory(error);
    }
    uint32_t started = 0;
    for (uint32_t i = 0; i < count; i++) {
        workers[i].compare = compare;
        workers[i].number = i;
    }
    while (started < count &&
           pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]) == 0) {
        started++;
    }
    if (started == 0) {
        worker_main(&workers[0]);
    }
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    if (compare->failed) {
        *error = compare->error;
        return error->code;
    }
    return RF_OK;
}

/* ---- the whole ---- */

static enum rf_code check_standing(const struct compare *compare,
                                   const struct rf_ledger_source *standing,
                                   struct rf_error *error) {
    if (standing->state == RF_TARGET_NONE) {
        rf_fail(error, RF_MISPLACED, "nothing was replayed into schema \"%s\" yet",
                compare->target.schema);
    } else if (strcmp(standing->source, compare->target.source) != 0) {
        rf_fail(error, RF_MISPLACED, "schema \"%s\" is fed by another source, %s",
                compare->target.schema, standing->source);
    } else if (standing->state == RF_TARGET_LOADING) {
        rf_fail(error, RF_MISPLACED, "the first load of snapshot %" PRIu64 " is not complete",
                standing->at.number);
        rf_hint(error, "run replay again: it goes on where it ended.");
    } else {
        return RF_OK;
    }
    return RF_MISPLACED;
}

static enum rf_code load_manifest(struct compare *compare, const struct rf_snapshot_name *at,
                                  struct rf_error *error) {
    const struct rf_snapshot_name *found = rf_repository_find(compare->run.repository, at->number);
    if (!found || !rf_hash_equal(found->digest, at->digest)) {
        rf_fail(error, RF_MISPLACED,
                "the target stands at snapshot %" PRIu64 ", which this repository does not have",
                at->number);
        return RF_MISPLACED;
    }
    return rf_repository_load(compare->run.repository, found, &compare->manifest, error);
}

/* One snapshot of the server for all connections: the one that is given, or of now. */
static enum rf_code begin_snapshot(struct compare *compare, struct rf_error *error) {
    compare->server_snapshot = compare->options->server_snapshot;
    if (compare->server_snapshot) {
        return join_snapshot(compare->control, compare->server_snapshot, true, error);
    }
    enum rf_code code = rf_pg_begin_fixed(compare->control, true, error);
    if (code == RF_OK) {
        code = rf_pg_ask(compare->control, rf_sql_export_snapshot, NULL, &compare->snapshot_rows,
                         error);
    }
    if (code == RF_OK) {
        compare->server_snapshot = rf_pg_rows_text(compare->snapshot_rows, 0, 0);
    }
    return code;
}

/* The ledger is read in the same snapshot of the server as the rows. */
static enum rf_code open_target(struct compare *compare, struct rf_ledger_source *standing,
                                struct rf_error *error) {
    bool found = false;
    enum rf_code code = rf_pg_open(&compare->run, RF_PG_READER, &compare->control, error);
    if (code == RF_OK) {
        code = begin_snapshot(compare, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_find(compare->control, &found, error);
    }
    if (code == RF_OK && found) {
        code = rf_ledger_source(compare->control, &compare->target, false, standing, error);
    }
    if (code == RF_OK) {
        code = check_standing(compare, standing, error);
    }
    if (code == RF_OK) {
        code = rf_ledger_read(compare->control, &compare->target, &compare->tables, error);
    }
    return code;
}

static int larger_first(const void *a, const void *b) {
    const struct job *one = a, *other = b;
    if (one->work != other->work) {
        return one->work > other->work ? -1 : 1;
    }
    return strcmp(one->source->table.name, other->source->table.name);
}

static bool is_compared(const struct compare *compare, const char *table) {
    const char *const *only = compare->options->only;
    while (only && *only && strcmp(*only, table) != 0) {
        only++;
    }
    return only ? *only != NULL : rf_run_selects(&compare->run, table);
}

static enum rf_code list_jobs(struct compare *compare, struct rf_error *error) {
    compare->jobs =
        rf_arena_take(&compare->arena, compare->manifest.table_count, sizeof *compare->jobs);
    for (uint32_t i = 0; compare->jobs && i < compare->manifest.table_count; i++) {
        const struct rf_manifest_table *source = &compare->manifest.tables[i];
        const struct rf_ledger_table *standing =
            rf_ledger_find_table(&compare->tables, source->table.name);
        if (!standing || !is_compared(compare, source->table.name)) {
            continue;
        }
        struct job *job = &compare->jobs[compare->count++];
        *job = (struct job){
            .source = source,
            .standing = standing,
            .work = ROW_WORK * source->digest.rows,
        };
        rf_run_expect_of(&compare->run, source->table.name, source->digest.rows);
        for (uint32_t part = 0; part < source->state_count; part++) {
            job->work += source->state[part].size;
        }
    }
    if (compare->jobs && compare->count > 0) {
        qsort(compare->jobs, compare->count, sizeof *compare->jobs, larger_first);
    }
    return rf_arena_check(&compare->arena, error);
}

static int by_name(const void *a, const void *b) {
    const struct job *one = a, *other = b;
    return strcmp(one->source->table.name, other->source->table.name);
}

static enum rf_code fill_result(struct compare *compare, struct rf_compare_result *result,
                                struct rf_error *error) {
    if (!compare->jobs || compare->count == 0) {
        return RF_OK;
    }
    result->tables = calloc(compare->count, sizeof *result->tables);
    if (!result->tables) {
        return rf_fail_memory(error);
    }
    qsort(compare->jobs, compare->count, sizeof *compare->jobs, by_name);
    for (uint32_t i = 0; i < compare->count; i++) {
        struct rf_compared_table *table = &result->tables[i];
        *table = compare->jobs[i].result;
        table->name = strdup(compare->jobs[i].source->table.name);
        result->table_count++;
        if (!table->name) {
            return rf_fail_memory(error);
        }
        result->total.rows += table->rows;
        result->total.target_rows += table->target_rows;
        result->total.set_aside += table->set_aside;
        result->total.left_out += table->left_out;
        result->total.missing += table->missing;
        result->total.extra += table->extra;
        result->total.different += table->different;
    }
    return RF_OK;
}

/* Told last, so that everything else has been compared and stands in the result. */
static enum rf_code tell_misfit(const struct compare *compare, struct rf_error *error) {
    if (compare->misfit.code != RF_OK) {
        *error = compare->misfit;
    }
    return compare->misfit.code;
}

static enum rf_code run_compare(struct compare *compare, struct rf_compare_result *result,
                                struct rf_error *error) {
    struct rf_ledger_source standing = {.state = RF_TARGET_NONE};
    enum rf_code code = open_target(compare, &standing, error);
    if (code == RF_OK) {
        result->snapshot = standing.at.number;
        code = load_manifest(compare, &standing.at, error);
    }
    if (code == RF_OK) {
        code = list_jobs(compare, error);
    }
    if (code == RF_OK && compare->count > 0) {
        code = run_workers(compare, error);
    }
    if (code == RF_OK) {
        code = fill_result(compare, result, error);
    }
    return code == RF_OK ? tell_misfit(compare, error) : code;
}

enum rf_code rf_compare(const struct rf_repository *repository,
                        const struct rf_compare_options *options, struct rf_compare_result *result,
                        struct rf_error *error) {
    *result = (struct rf_compare_result){.snapshot = 0};
    struct compare compare = {.options = options, .target.schema = options->target.schema};
    rf_uuid_text(rf_repository_source(repository), compare.target.source);
    rf_run_init(&compare.run, &options->target, repository);
    compare.run.part = RF_WATCH_COMPARE;
    pthread_mutex_init(&compare.mutex, NULL);
    enum rf_code code = run_compare(&compare, result, error);
    rf_pg_rows_free(compare.snapshot_rows);
    rf_pg_close(compare.control);
    rf_ledger_tables_release(&compare.tables);
    rf_manifest_release(&compare.manifest);
    rf_arena_release(&compare.arena);
    pthread_mutex_destroy(&compare.mutex);
    rf_run_release(&compare.run);
    if (code != RF_OK && code != RF_DIFFERENT) {
        rf_compare_result_release(result);
    }
    return code;
}

void rf_compare_result_release(struct rf_compare_result *result) {
    for (uint32_t i = 0; i < result->table_count; i++) {
        free(result->tables[i].name);
    }
    free(result->tables);
    *result = (struct rf_compare_result){.snapshot = 0};
}
