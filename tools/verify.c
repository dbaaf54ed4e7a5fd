/* rowferry verify: the repository proven from its own bytes, and the target held against it.
 *
 * Both proofs run at once. A difference is told only once the repository is known to be sound, so
 * that damage is never taken for one; damage ends the comparison, whatever it has come to.
 *
 * Everything found is printed, and the run goes on; only what keeps it from going on is an error of
 * its own. At the end damage or differences make one error, so that a script sees exit 3. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/check.h"
#include "replay/replay.h"
#include "tools/grid.h"
#include "tools/message.h"
#include "tools/stores.h"
#include "tools/task.h"
#include "tools/units.h"

#define NAMED_AT_MOST 20u /* differences named a table; all are counted */

static const char *const kinds[] = {
    [RF_ROW_MISSING] = "missing", [RF_ROW_EXTRA] = "extra", [RF_ROW_DIFFERENT] = "different"};

/* ---- what is found ---- */

/* Findings are shown while the run goes on, above the line of progress. */
static void show_now(struct rf_task *task) {
    rf_message_status("", 0);
    rf_output_flush(task->output);
}

static void print_damage_line(struct rf_task *task, const struct rf_damage *damage) {
    struct rf_json line = rf_json_begin("damage");
    rf_json_text(&line, "file", damage->file);
    if (damage->block < 0) {
        rf_json_text(&line, "block", NULL);
    } else {
        rf_json_integer(&line, "block", damage->block);
    }
    rf_json_text(&line, "message", damage->error->what);
    rf_json_text(&line, "detail", damage->error->detail);
    rf_json_print(&line, task->output);
}

/* The proof of the repository, on a thread of its own while the target is compared. */
struct proof {
    struct rf_task *task;
    struct rf_repository *repository;
    bool comparing;          /* with the target */
    bool brief;              /* tables are listed where they differ */
    struct rf_json *summary; /* what comes of it goes there */
    struct timespec began;
    struct rf_snapshot_name wanted; /* by --snapshot, or a trip; number 0: any */
    uint32_t comparison_count;      /* 0: there is no target */
    struct comparison *comparisons;
    char first[256]; /* the first damage found, for the error at the end */
    struct rf_check_result result;
    enum rf_code code;
    struct rf_error error;
    atomic_bool unsound; /* damage was found, or it could not be looked for to the end */
    atomic_bool shown;   /* its progress is what is shown */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool ended; /* under the mutex */
};

static void keep_first(struct proof *proof, const struct rf_damage *damage) {
    atomic_store(&proof->unsound, true);
    if (!proof->first[0]) {
        snprintf(proof->first, sizeof proof->first, "%.100s: %.150s", damage->file,
                 damage->error->what);
    }
}

static void on_damage(void *context, const struct rf_damage *damage) {
    struct proof *proof = context;
    struct rf_task *task = proof->task;
    keep_first(proof, damage);
    if (task->settings->json) {
        print_damage_line(task, damage);
        return;
    }
    if (task->settings->quiet) {
        return;
    }
    rf_output_printf(task->output, "damage: ");
    rf_output_name(task->output, damage->file);
    if (damage->block >= 0) {
        rf_output_printf(task->output, ", block %" PRId64, damage->block);
    }
    rf_output_printf(task->output, ": ");
    rf_output_name(task->output, damage->error->what);
    if (damage->error->detail[0]) {
        rf_output_printf(task->output, " (");
        rf_output_name(task->output, damage->error->detail);
        rf_output_printf(task->output, ")");
    }
    rf_output_printf(task->output, "\n");
    show_now(task);
}

static void print_difference_line(struct rf_task *task, const struct rf_difference *difference) {
    struct rf_json line = rf_json_begin("difference");
    struct rf_json key = rf_json_begin(NULL);
    rf_store_name_line(task, &line);
    rf_json_text(&line, "table", difference->table);
    rf_json_text(&line, "kind", kinds[difference->kind]);
    for (uint32_t i = 0; i < difference->key_count; i++) {
        rf_json_text(&key, difference->columns[i], difference->values[i]);
    }
    rf_json_put(&line, "key", &key);
    rf_json_print(&line, task->output);
}

/* missing: Album (AlbumId = 3), and the store where there are several */
static void on_difference(void *context, const struct rf_difference *difference) {
    struct rf_task *task = context;
    if (task->settings->json) {
        print_difference_line(task, difference);
        return;
    }
    if (task->settings->quiet) {
        return;
    }
    rf_output_printf(task->output, "%s: ", kinds[difference->kind]);
    rf_output_name(task->output, difference->table);
    for (uint32_t i = 0; i < difference->key_count; i++) {
        rf_output_printf(task->output, i == 0 ? " (" : ", ");
        rf_output_name(task->output, difference->columns[i]);
        rf_output_printf(task->output, " = ");
        rf_output_name(task->output, difference->values[i] ? difference->values[i] : "NULL");
    }
    rf_output_printf(task->output, difference->key_count > 0 ? ")" : "");
    if (task->database && task->database->name) {
        rf_output_printf(task->output, " at store ");
        rf_output_name(task->output, task->database->name);
    }
    rf_output_printf(task->output, "\n");
    show_now(task);
}

static void on_bytes(void *context, uint64_t done, uint64_t total) {
    struct proof *proof = context;
    rf_progress_proof(proof->task->progress, done, total);
    if (atomic_load(&proof->shown)) {
        rf_progress_bytes(proof->task->progress, done, total);
    }
}

/* ---- the comparison's tables ---- */

static void print_compared_line(struct rf_task *task, const struct rf_compared_table *table) {
    struct rf_json line = rf_json_begin("table");
    rf_json_text(&line, "command", "verify");
    rf_store_name_line(task, &line);
    rf_json_text(&line, "table", table->name);
    rf_json_count(&line, "rows", table->rows);
    rf_json_count(&line, "target_rows", table->target_rows);
    rf_json_count(&line, "set_aside", table->set_aside);
    rf_json_count(&line, "left_out", table->left_out);
    rf_json_count(&line, "missing", table->missing);
    rf_json_count(&line, "extra", table->extra);
    rf_json_count(&line, "different", table->different);
    rf_json_print(&line, task->output);
}

static void add_row(struct rf_grid *grid, const char *name, const struct rf_compared_table *table) {
    rf_grid_name(grid, name);
    rf_grid_number(grid, table->rows);
    rf_grid_number(grid, table->target_rows);
    rf_grid_number(grid, table->set_aside);
    rf_grid_number(grid, table->missing);
    rf_grid_number(grid, table->extra);
    rf_grid_number(grid, table->different);
}

static void print_compared(struct rf_task *task, const struct rf_compare_result *result) {
    static const struct rf_grid_column columns[] = {
        {"table", false},  {"rows", true},  {"in target", true}, {"set aside", true},
        {"missing", true}, {"extra", true}, {"different", true}};
    struct rf_grid *grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < result->table_count; i++) {
        add_row(grid, result->tables[i].name, &result->tables[i]);
    }
    add_row(grid, "total", &result->total);
    rf_grid_print(grid, task->output);
    rf_grid_free(grid);
}

static uint64_t differences_of(const struct rf_compare_result *result) {
    return result->total.missing + result->total.extra + result->total.different;
}

/* ---- the two proofs ---- */

static void *prove_repository(void *argument) {
    struct proof *proof = argument;
    struct rf_task *task = proof->task;
    const struct rf_check_options options = {
        .stop = task->stop,
        .jobs = task->settings->jobs,
        .damage = on_damage,
        .progress = task->progress ? on_bytes : NULL,
        .context = proof,
    };
    proof->code = rf_check(proof->repository, &options, &proof->result, &proof->error);
    if (proof->code != RF_OK) {
        atomic_store(&proof->unsound, true);
    }
    pthread_mutex_lock(&proof->mutex);
    proof->ended = true;
    pthread_cond_broadcast(&proof->wake);
    pthread_mutex_unlock(&proof->mutex);
    return NULL;
}

/* For the comparison: see rf_compare_options. */
static bool is_sound(void *context, bool wait) {
    struct proof *proof = context;
    if (wait) {
        pthread_mutex_lock(&proof->mutex);
        while (!proof->ended) {
            pthread_cond_wait(&proof->wake, &proof->mutex);
        }
        pthread_mutex_unlock(&proof->mutex);
    }
    return !atomic_load(&proof->unsound);
}

static void show_proof(struct proof *proof) {
    rf_progress_phase(proof->task->progress, "verify the repository");
    atomic_store(&proof->shown, true);
}

/* The target must stand at the snapshot that is wanted, if one is. */
static enum rf_code check_place(const struct rf_snapshot_name *wanted, uint64_t stands_at,
                                struct rf_error *error) {
    if (wanted->number == 0 || wanted->number == stands_at) {
        return RF_OK;
    }
    rf_fail(error, RF_MISPLACED, "the target stands at snapshot %" PRIu64 ", not at %" PRIu64,
            stands_at, wanted->number);
    rf_hint(error, "rowferry replay -s %" PRIu64 " brings it there if it is behind.",
            wanted->number);
    return RF_MISPLACED;
}

/* ---- the comparisons, one a database of the target ---- */

struct comparison {
    const struct rf_database *database; /* NULL where the target is named by --target */
    enum rf_code code;
    struct rf_error error;
    struct rf_compare_result result;
};

static bool is_equal(const struct comparison *one) {
    return one->code == RF_OK && differences_of(&one->result) == 0;
}

static void compare_target(struct proof *proof, struct comparison *one) {
    struct rf_task *task = proof->task;
    struct rf_compare_options options = {
        .name_at_most = NAMED_AT_MOST,
        .difference = on_difference,
        .sound = is_sound,
        .sound_context = proof,
    };
    task->database = one->database;
    rf_task_target_options(task, &options.target);
    rf_progress_phase(task->progress, "verify the target");
    one->code = rf_compare(proof->repository, &options, &one->result, &one->error);
    rf_progress_phase(task->progress, NULL);
    if (one->code != RF_OK && options.target.store) {
        rf_while(&one->error, "at the database of store %s", options.target.store);
    }
}

/* All in turn; after a signal the others are not begun. */
static void compare_targets(struct proof *proof) {
    for (uint32_t i = 0; i < proof->comparison_count; i++) {
        struct comparison *one = &proof->comparisons[i];
        one->code = rf_task_check_stop(proof->task, &one->error);
        if (one->code == RF_OK) {
            compare_target(proof, one);
        }
    }
    proof->task->database = proof->task->settings->databases;
}

/* Both proofs, and waits for both. The comparisons' outcome is worth nothing in a repository that is
 * not sound. */
static void prove_both(struct proof *proof) {
    pthread_t thread;
    bool apart = pthread_create(&thread, NULL, prove_repository, proof) == 0;
    if (!apart) {
        show_proof(proof);
        prove_repository(proof);
    }
    compare_targets(proof);
    if (apart) {
        show_proof(proof);
        pthread_join(thread, NULL);
    }
    rf_progress_phase(proof->task->progress, NULL);
}

static void tell_compared(const struct proof *proof, const struct comparison *one) {
    struct rf_task *task = proof->task;
    const struct rf_compare_result *result = &one->result;
    bool listed = !proof->brief || task->settings->verbose || !is_equal(one);
    task->database = one->database;
    for (uint32_t i = 0; task->settings->json && i < result->table_count; i++) {
        print_compared_line(task, &result->tables[i]);
    }
    if (rf_task_for_people(task) && listed) {
        rf_store_head(task);
        print_compared(task, result);
    }
    task->set_aside |= result->total.set_aside > 0;
    task->database = task->settings->databases;
}

/* ---- the end ---- */

static void fill_checked(struct rf_json *summary, const struct rf_check_result *checked) {
    rf_json_count(summary, "snapshots", checked->snapshots);
    rf_json_count(summary, "archives", checked->archives);
    rf_json_count(summary, "blocks", checked->blocks);
    rf_json_count(summary, "rows", checked->rows);
    rf_json_count(summary, "bytes", checked->bytes);
    rf_json_count(summary, "damages", checked->damages);
}

static void fill_compared(struct rf_json *summary, const struct rf_compare_result *compared) {
    rf_json_count(summary, "target_rows", compared->total.target_rows);
    rf_json_count(summary, "set_aside", compared->total.set_aside);
    rf_json_count(summary, "left_out", compared->total.left_out);
    rf_json_count(summary, "missing", compared->total.missing);
    rf_json_count(summary, "extra", compared->total.extra);
    rf_json_count(summary, "different", compared->total.different);
}

static void fill_stores(const struct proof *proof, struct rf_json *summary) {
    struct rf_json stores = rf_json_array();
    for (uint32_t i = 0; i < proof->comparison_count; i++) {
        const struct comparison *one = &proof->comparisons[i];
        struct rf_json store = rf_json_begin(NULL);
        rf_json_text(&store, "name", one->database->name);
        if (one->code == RF_OK) {
            rf_json_snapshot(&store, "snapshot", one->result.snapshot);
            fill_compared(&store, &one->result);
        } else {
            struct rf_json parts = rf_json_error(&one->error);
            rf_json_put(&store, "error", &parts);
        }
        rf_json_append(&stores, &store);
    }
    rf_json_put(summary, "stores", &stores);
}

/* `compared` is the one target, where there is one and it was compared. */
static void fill_summary(const struct proof *proof, const struct rf_compare_result *compared) {
    struct rf_json *summary = proof->summary;
    const struct rf_snapshot_name *newest = rf_repository_newest(proof->repository);
    rf_json_snapshot(summary, "snapshot",
                     compared ? compared->snapshot
                     : newest ? newest->number
                              : 0);
    fill_checked(summary, &proof->result);
    rf_json_count(summary, "signed", proof->result.signed_snapshots);
    rf_trust_put_newest(proof->repository, summary);
    if (compared) {
        fill_compared(summary, compared);
    } else if (proof->comparison_count > 1 && proof->result.damages == 0) {
        fill_stores(proof, summary);
    }
}

static void print_checked(struct rf_output *out, const struct rf_check_result *checked) {
    char text[RF_UNITS_TEXT];
    rf_output_printf(out, "%s, ", rf_units_count(checked->snapshots, "snapshot", text));
    if (checked->signed_snapshots > 0) {
        rf_output_printf(out, "%" PRIu32 " of them signed, ", checked->signed_snapshots);
    }
    rf_output_printf(out, "%s, ", rf_units_count(checked->archives, "archive", text));
    rf_output_printf(out, "%s, ", rf_units_count(checked->blocks, "block", text));
    rf_output_printf(out, "%s, ", rf_units_count(checked->rows, "row", text));
    rf_output_printf(out, "%s: ", rf_units_bytes(checked->bytes, text));
    if (checked->damages > 0) {
        rf_output_printf(out, "damaged in %s", rf_units_count(checked->damages, "place", text));
    } else {
        rf_output_printf(out, "sound");
    }
}

static void print_verdict(struct rf_output *out, const struct comparison *one) {
    char text[RF_UNITS_TEXT];
    const struct rf_compare_result *compared = &one->result;
    if (one->database && one->database->name) {
        rf_output_printf(out, "; store ");
        rf_output_name(out, one->database->name);
    } else {
        rf_output_printf(out, "; the target");
    }
    if (is_equal(one)) {
        rf_output_printf(out, " equals snapshot %" PRIu64, compared->snapshot);
    } else {
        rf_output_printf(out, " differs from snapshot %" PRIu64 " in %s", compared->snapshot,
                         rf_units_count(differences_of(compared), "row", text));
    }
    if (compared->total.set_aside > 0) {
        rf_output_printf(out, ", but for %s set aside",
                         rf_units_count(compared->total.set_aside, "row", text));
    }
    if (compared->total.left_out > 0) {
        rf_output_printf(out, "; %s left out, as rules say",
                         rf_units_count(compared->total.left_out, "row", text));
    }
}

static void print_end(const struct proof *proof) {
    char text[RF_UNITS_TEXT];
    struct rf_output *out = proof->task->output;
    print_checked(out, &proof->result);
    for (uint32_t i = 0; proof->result.damages == 0 && i < proof->comparison_count; i++) {
        if (proof->comparisons[i].code == RF_OK) {
            print_verdict(out, &proof->comparisons[i]);
        }
    }
    rf_output_printf(out, "; %s\n", rf_units_seconds(rf_seconds_since(&proof->began), text));
}

static enum rf_code fail_damaged(const struct proof *proof, const struct rf_check_result *checked,
                                 struct rf_error *error) {
    char places[RF_UNITS_TEXT];
    rf_fail(error, RF_CORRUPT, "the repository is damaged in %s",
            rf_units_count(checked->damages, "place", places));
    rf_detail(error, "the first: %s%s", proof->first,
              proof->comparing ? "\nthe target was not compared with it." : "");
    rf_hint(error, "copy the files named from where this repository came from, or capture anew.");
    return RF_CORRUPT;
}

static enum rf_code fail_different(const struct comparison *one, struct rf_error *error) {
    const struct rf_compared_table *total = &one->result.total;
    char rows[RF_UNITS_TEXT];
    const char *store = one->database ? one->database->name : NULL;
    rf_fail(error, RF_DIFFERENT, "%s%s differs from snapshot %" PRIu64 " in %s",
            store ? "store " : "the target", store ? store : "", one->result.snapshot,
            rf_units_count(differences_of(&one->result), "row", rows));
    rf_detail(error, "%" PRIu64 " missing, %" PRIu64 " extra, %" PRIu64 " different",
              total->missing, total->extra, total->different);
    rf_hint(error,
            "find out who wrote to the target; replay into another --schema makes a fresh copy.");
    return RF_DIFFERENT;
}

/* What came of one comparison, as an error; RF_OK where nothing is wrong. */
static enum rf_code judge_one(const struct proof *proof, const struct comparison *one,
                              struct rf_error *error) {
    if (one->code != RF_OK) {
        *error = one->error;
        return one->code;
    }
    return is_equal(one) ? check_place(&proof->wanted, one->result.snapshot, error)
                         : fail_different(one, error);
}

/* The worst of all; of several failures the others are told here. */
static enum rf_code judge(const struct proof *proof, struct rf_error *error) {
    enum rf_code worst = RF_OK;
    if (proof->result.damages > 0) {
        return fail_damaged(proof, &proof->result, error);
    }
    for (uint32_t i = 0; i < proof->comparison_count; i++) {
        struct rf_error own;
        rf_error_clear(&own);
        enum rf_code code = judge_one(proof, &proof->comparisons[i], &own);
        rf_store_keep_worse(proof->task, code, &own, &worst, error);
    }
    return worst;
}

static enum rf_code tell(struct proof *proof, struct rf_error *error) {
    struct rf_task *task = proof->task;
    const struct rf_compare_result *only = NULL;
    bool complete = true;
    for (uint32_t i = 0; proof->result.damages == 0 && i < proof->comparison_count; i++) {
        const struct comparison *one = &proof->comparisons[i];
        complete = complete && one->code == RF_OK;
        if (one->code == RF_OK) {
            tell_compared(proof, one);
            only = proof->comparison_count == 1 ? &one->result : NULL;
        }
    }
    fill_summary(proof, only);
    if (rf_task_for_people(task) && (complete || proof->comparison_count > 1)) {
        print_end(proof);
    }
    return judge(proof, error);
}

/* ---- the run ---- */

static enum rf_code begin_comparisons(struct proof *proof, struct rf_error *error) {
    const struct rf_settings *settings = proof->task->settings;
    uint32_t count = settings->database_count > 0 ? settings->database_count : 1;
    if (!proof->comparing) {
        return RF_OK;
    }
    proof->comparisons = calloc(count, sizeof *proof->comparisons);
    if (!proof->comparisons) {
        return rf_fail_memory(error);
    }
    proof->comparison_count = count;
    for (uint32_t i = 0; i < settings->database_count; i++) {
        proof->comparisons[i].database = &settings->databases[i];
    }
    return RF_OK;
}

static void end_comparisons(struct proof *proof) {
    for (uint32_t i = 0; i < proof->comparison_count; i++) {
        rf_compare_result_release(&proof->comparisons[i].result);
    }
    free(proof->comparisons);
}

static enum rf_code verify(struct proof *proof, struct rf_error *error) {
    enum rf_code code = begin_comparisons(proof, error);
    if (code != RF_OK) {
        return code;
    }
    if (proof->comparison_count > 0) {
        prove_both(proof);
    } else {
        show_proof(proof);
        prove_repository(proof);
        rf_progress_phase(proof->task->progress, NULL);
    }
    if (proof->code != RF_OK) {
        *error = proof->error;
        code = proof->code;
    } else {
        code = tell(proof, error);
    }
    return code;
}

static void proof_init(struct proof *proof) {
    clock_gettime(CLOCK_MONOTONIC, &proof->began);
    pthread_mutex_init(&proof->mutex, NULL);
    pthread_cond_init(&proof->wake, NULL);
}

static void proof_release(struct proof *proof) {
    end_comparisons(proof);
    pthread_cond_destroy(&proof->wake);
    pthread_mutex_destroy(&proof->mutex);
}

enum rf_code rf_trip_verify(struct rf_task *task, struct rf_repository *repository,
                            const struct rf_snapshot_name *snapshot, struct rf_json *summary,
                            struct rf_trip_proof *proven, struct rf_error *error) {
    struct proof proof = {.task = task,
                          .repository = repository,
                          .comparing = true,
                          .brief = true,
                          .summary = summary,
                          .wanted = *snapshot};
    *proven = (struct rf_trip_proof){0};
    proof_init(&proof);
    enum rf_code code = verify(&proof, error);
    for (uint32_t i = 0; i < proof.comparison_count; i++) {
        const struct rf_compare_result *result = &proof.comparisons[i].result;
        proven->tables += result->table_count;
        proven->rows += result->total.target_rows;
        proven->set_aside += result->total.set_aside;
    }
    proof_release(&proof);
    return code;
}

enum rf_code rf_command_verify(struct rf_task *task, struct rf_error *error) {
    struct proof proof = {
        .task = task, .comparing = task->settings->target, .summary = &task->summary};
    proof_init(&proof);
    enum rf_code code = rf_trust_open(task, RF_REPOSITORY_READ, &proof.repository, error);
    if (code == RF_OK && task->settings->snapshot) {
        code = rf_repository_resolve_any(proof.repository, task->settings->snapshot, &proof.wanted,
                                         error);
    }
    if (code == RF_OK) {
        code = verify(&proof, error);
    }
    rf_repository_close(proof.repository);
    proof_release(&proof);
    return code;
}
