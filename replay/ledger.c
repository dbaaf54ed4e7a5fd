/* Writing the ledger. Reading whole tables of it is in ledger_read.c. */
#include "replay/ledger_inner.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "replay/guard.h"
#include "replay/sql.h"

/* Every statement of the ledger begins with the same two parameters. */
struct rf_pg_args rf_ledger_args(const struct rf_target *target) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, target->source);
    rf_pg_text(&args, target->schema);
    return args;
}

uint64_t rf_ledger_lock_number(const char *what, const char *schema, const char *table) {
    struct rf_hash parts[3] = {
        rf_hash_bytes(what, strlen(what)),
        rf_hash_bytes(schema, strlen(schema)),
        rf_hash_bytes(table, strlen(table)),
    };
    return rf_checksum(parts, sizeof parts) >> 1; /* as a bigint it is not negative */
}

enum rf_code rf_ledger_find(struct rf_pg *pg, bool *found, struct rf_error *error) {
    struct rf_pg_rows *rows;
    *found = false;
    enum rf_code code = rf_pg_ask(pg, rf_sql_ledger_find, NULL, &rows, error);
    if (code != RF_OK) {
        return code;
    }
    bool schema = rf_pg_rows_truth(rows, 0, 0), version = rf_pg_rows_truth(rows, 0, 1);
    rf_pg_rows_free(rows);
    if (!schema) {
        return RF_OK;
    }
    if (!version) {
        rf_fail(error, RF_MISPLACED, "the target has a schema \"rowferry\" that is no ledger");
        rf_hint(error, "rename that schema, or use another database.");
        return RF_MISPLACED;
    }
    code = rf_pg_ask(pg, rf_sql_ledger_version, NULL, &rows, error);
    uint64_t written = code == RF_OK ? rf_pg_rows_number(rows, 0, 0) : RF_LEDGER_VERSION;
    if (written != RF_LEDGER_VERSION) {
        code = rf_fail(error, RF_MISPLACED,
                       "the target's ledger has version %s, this program knows %d",
                       rf_pg_rows_text(rows, 0, 0), RF_LEDGER_VERSION);
        rf_hint(error, written > RF_LEDGER_VERSION
                           ? "use the rowferry that wrote it, or a newer one."
                           : "drop the schema rowferry and the tables it made, and replay anew.");
    }
    rf_pg_rows_free(rows);
    *found = code == RF_OK;
    return code;
}

static enum rf_code lock_name(struct rf_pg *pg, uint64_t number, struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_number(&args, number);
    return rf_pg_do_args(pg, rf_sql_lock_name, &args, NULL, error);
}

enum rf_code rf_ledger_create(struct rf_pg *pg, struct rf_error *error) {
    enum rf_code code = rf_pg_begin(pg, error);
    if (code == RF_OK) {
        code = lock_name(pg, rf_ledger_lock_number("ledger", "", ""), error);
    }
    bool found = false;
    if (code == RF_OK) {
        code = rf_ledger_find(pg, &found, error);
    }
    if (code == RF_OK && !found) {
        code = rf_pg_do(pg, rf_sql_ledger_create, NULL, error);
    }
    if (code == RF_OK) {
        return rf_pg_commit(pg, error);
    }
    rf_pg_rollback(pg);
    rf_while(error, "while creating the ledger (schema rowferry)");
    return code;
}

static enum rf_code try_lock(struct rf_pg *pg, uint64_t number, bool *held,
                             struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_number(&args, number);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_try_lock, &args, &rows, error);
    *held = code == RF_OK && rf_pg_rows_truth(rows, 0, 0);
    rf_pg_rows_free(rows);
    return code;
}

#define LOCKED_HINT "wait until it has ended, then run the same command again."

/* Who holds the lock, as RF_LOCKED; RF_OK where nobody does, or it cannot be seen who. *alive: that
 * session surely has a client. */
static enum rf_code find_holder(struct rf_pg *pg, uint64_t number, const char *schema, bool *alive,
                                struct rf_error *error) {
    enum { PID, STATE, SINCE };
    struct rf_pg_args args = {.count = 0};
    rf_pg_number(&args, number);
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(pg, rf_sql_lock_holder, &args, &rows, error);
    *alive = false;
    if (code == RF_OK && rf_pg_rows_count(rows) > 0) {
        const char *state = rf_pg_rows_text(rows, 0, STATE);
        *alive = state && strncmp(state, "idle", 4) == 0;
        code = rf_fail(error, RF_LOCKED, "another run is replaying into schema \"%s\"", schema);
        rf_detail(error, "it is the server's process %s, connected since %s",
                  rf_pg_rows_text(rows, 0, PID), rf_pg_rows_text(rows, 0, SINCE));
        rf_hint(error, LOCKED_HINT);
    }
    rf_pg_rows_free(rows);
    return code;
}

static enum rf_code fail_locked(struct rf_pg *pg, uint64_t number, const char *schema, bool *alive,
                                struct rf_error *error) {
    enum rf_code code = find_holder(pg, number, schema, alive, error);
    if (code == RF_OK) {
        code = rf_fail(error, RF_LOCKED, "another run is replaying into schema \"%s\"", schema);
        rf_hint(error, LOCKED_HINT);
    }
    return code;
}

enum rf_code rf_ledger_locked(struct rf_pg *pg, const struct rf_target *target,
                              struct rf_error *error) {
    bool alive;
    return find_holder(pg, rf_ledger_lock_number("target", target->schema, ""), target->schema,
                       &alive, error);
}

/* The server lets go of the lock of a session whose client was killed when it notices, which takes
 * as long as the statement it is at, or two seconds where it looks (see session_notice_client.sql).
 */
#define LOCK_ATTEMPTS 20
#define LOCK_ATTEMPTS_ALIVE 2 /* one that seems to wait for its client may be about to miss it */
#define LOCK_PAUSE_MS 250

enum rf_code rf_ledger_lock(struct rf_run *run, struct rf_pg *pg, const struct rf_target *target,
                            struct rf_error *error) {
    uint64_t number = rf_ledger_lock_number("target", target->schema, "");
    for (int attempt = 0;; attempt++) {
        bool held = false, alive = false;
        enum rf_code code = try_lock(pg, number, &held, error);
        if (code != RF_OK || held) {
            return code;
        }
        code = fail_locked(pg, number, target->schema, &alive, error);
        int attempts = alive ? LOCK_ATTEMPTS_ALIVE : LOCK_ATTEMPTS;
        if (code != RF_LOCKED || attempt >= attempts || rf_run_ends(run)) {
            return code;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_MS * 1000000L}, NULL);
    }
}

void rf_ledger_unlock(struct rf_pg *pg) {
    if (pg && !rf_pg_broken(pg)) {
        struct rf_error ignored;
        (void)!rf_pg_do(pg, rf_sql_unlock, NULL, &ignored);
    }
}

enum rf_code rf_ledger_begin_load(struct rf_pg *pg, const struct rf_target *target,
                                  const struct rf_snapshot_name *snapshot, const char *staging,
                                  struct rf_error *error) {
    char digest[RF_HASH_HEX];
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_number(&args, snapshot->number);
    rf_pg_text(&args, rf_hash_text(snapshot->digest, digest));
    rf_pg_text(&args, staging);
    enum rf_code code = rf_pg_do_args(pg, rf_sql_source_begin_load, &args, NULL, error);
    return code == RF_OK ? rf_guard_start(pg, target, error) : code;
}

enum rf_code rf_ledger_name_load(struct rf_pg *pg, const struct rf_target *target,
                                 const struct rf_snapshot_name *snapshot, struct rf_error *error) {
    char digest[RF_HASH_HEX];
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_number(&args, snapshot->number);
    rf_pg_text(&args, rf_hash_text(snapshot->digest, digest));
    return rf_pg_do_args(pg, rf_sql_source_name_load, &args, NULL, error);
}

enum rf_code rf_ledger_ready(struct rf_pg *pg, const struct rf_target *target,
                             const struct rf_snapshot_name *snapshot, struct rf_error *error) {
    char digest[RF_HASH_HEX];
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_number(&args, snapshot->number);
    rf_pg_text(&args, rf_hash_text(snapshot->digest, digest));
    return rf_pg_do_args(pg, rf_sql_source_ready, &args, NULL, error);
}

/* A statement that takes lines of other tables along, by foreign keys of the ledger. */
static enum rf_code do_cascading(struct rf_pg *pg, const char *sql, const struct rf_pg_args *args,
                                 struct rf_error *error) {
    struct rf_pg_rows *held = NULL;
    enum rf_code code = rf_pg_ask(pg, rf_sql_ledger_keys_on, NULL, &held, error);
    if (code == RF_OK) {
        code = rf_pg_do_args(pg, sql, args, NULL, error);
    }
    if (code == RF_OK && rf_pg_rows_count(held) > 0) {
        code = rf_pg_do(pg, rf_sql_replica_local, NULL, error);
    }
    rf_pg_rows_free(held);
    return code;
}

enum rf_code rf_ledger_forget(struct rf_pg *pg, const struct rf_target *target,
                              struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    return do_cascading(pg, rf_sql_source_forget, &args, error);
}

/* ---- tables ---- */

/* The next element of an array's text form, {"one","two"}. */
static void array_text(struct rf_buffer *array, const char *text) {
    rf_buffer_u8(array, array->size == 0 ? '{' : ',');
    rf_buffer_u8(array, '"');
    for (const char *at = text; *at; at++) {
        if (*at == '"' || *at == '\\') {
            rf_buffer_u8(array, '\\');
        }
        rf_buffer_u8(array, (uint8_t)*at);
    }
    rf_buffer_u8(array, '"');
}

static void array_number(struct rf_buffer *array, uint32_t number) {
    rf_buffer_printf(array, "%c%u", array->size == 0 ? '{' : ',', number);
}

static const char *array_end(struct rf_buffer *array) {
    rf_buffer_append(array, array->size == 0 ? "{}" : "}", array->size == 0 ? 3 : 2);
    return (const char *)array->bytes;
}

static void array_optional(struct rf_buffer *array, const char *text) {
    if (text) {
        array_text(array, text);
    } else {
        rf_buffer_printf(array, "%cNULL", array->size == 0 ? '{' : ',');
    }
}

enum { COLUMN_ARRAYS = 16 };

/* A column that is not carried has a line without a name in the target. */
static void array_excluded(struct rf_buffer arrays[COLUMN_ARRAYS], const char *source) {
    array_text(&arrays[0], source);
    array_text(&arrays[1], "");
    array_number(&arrays[2], 0);
    array_text(&arrays[3], "");
    array_text(&arrays[4], "");
    array_text(&arrays[5], "");
    array_text(&arrays[6], rf_mismatch_name(RF_MISMATCH_SET_ASIDE));
    array_text(&arrays[7], rf_bad_text_name(RF_BAD_TEXT_SET_ASIDE));
    array_text(&arrays[8], "");
    array_text(&arrays[9], "f");
    array_number(&arrays[10], 0);
    array_text(&arrays[11], "excluded");
    for (unsigned i = 12; i < 15; i++) {
        array_optional(&arrays[i], NULL);
    }
    array_text(&arrays[15], "f");
}

static enum rf_code add_columns(struct rf_pg *pg, const struct rf_target *target,
                                const struct rf_plan *plan, struct rf_error *error) {
    struct rf_buffer arrays[COLUMN_ARRAYS] = {{0}};
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const struct rf_plan_column *column = &plan->columns[i];
        array_text(&arrays[0], column->source);
        array_text(&arrays[1], column->name);
        array_number(&arrays[2], column->cell);
        array_text(&arrays[3], column->declared);
        array_text(&arrays[4], column->conversion->type);
        array_text(&arrays[5], column->conversion->name);
        array_text(&arrays[6], rf_mismatch_name(column->on_mismatch));
        array_text(&arrays[7], rf_bad_text_name(column->bad_text));
        array_text(&arrays[8], column->asked ? column->asked : "");
        array_text(&arrays[9], column->not_null ? "t" : "f");
        array_number(&arrays[10], column->key_part);
        array_text(&arrays[11], column->reason);
        array_optional(&arrays[12], column->default_sql);
        array_optional(&arrays[13], column->generated_sql);
        array_optional(&arrays[14], column->identity);
        array_text(&arrays[15], column->widened ? "t" : "f");
    }
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        array_excluded(arrays, plan->excluded[i]);
    }
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, plan->table);
    enum rf_code code = RF_OK;
    for (unsigned i = 0; i < COLUMN_ARRAYS; i++) {
        rf_pg_text(&args, array_end(&arrays[i]));
        code = code == RF_OK ? rf_buffer_check(&arrays[i], error) : code;
    }
    if (code == RF_OK) {
        code = rf_pg_do_often(pg, rf_sql_column_add, &args, NULL, error);
    }
    for (unsigned i = 0; i < COLUMN_ARRAYS; i++) {
        rf_buffer_release(&arrays[i]);
    }
    return code;
}

enum rf_code rf_ledger_add_table(struct rf_pg *pg, const struct rf_target *target,
                                 const struct rf_plan *plan, const struct rf_digest *digest,
                                 bool *added, struct rf_error *error) {
    char sum[RF_HASH_HEX];
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, plan->table);
    rf_pg_text(&args, plan->relation);
    rf_pg_truth(&args, plan->key_given);
    rf_pg_truth(&args, plan->owned);
    rf_pg_truth(&args, plan->kept);
    rf_pg_number(&args, digest->rows);
    rf_pg_text(&args, rf_hash_text(digest->sum, sum));
    uint64_t lines = 0;
    enum rf_code code = rf_pg_do_often(pg, rf_sql_relation_add, &args, &lines, error);
    *added = lines > 0;
    if (code != RF_OK || !*added) {
        return code;
    }
    code = add_columns(pg, target, plan, error);
    if (code == RF_OK && plan->computed) {
        code = rf_ledger_add_computed(pg, target, plan, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->index_count; i++) {
        code = rf_ledger_add_index(pg, target, plan, &plan->indexes[i], error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->constraint_count; i++) {
        code = rf_ledger_add_constraint(pg, target, plan->table, &plan->constraints[i], error);
    }
    return code;
}

enum rf_code rf_ledger_move_table(struct rf_pg *pg, const struct rf_target *target,
                                  const char *table, const struct rf_digest *digest,
                                  struct rf_error *error) {
    char sum[RF_HASH_HEX];
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    rf_pg_number(&args, digest->rows);
    rf_pg_text(&args, rf_hash_text(digest->sum, sum));
    return rf_pg_do_args(pg, rf_sql_relation_move, &args, NULL, error);
}

enum rf_code rf_ledger_remove_table(struct rf_pg *pg, const struct rf_target *target,
                                    const char *table, struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    enum rf_code code = rf_pg_do_args(pg, rf_sql_aside_clear, &args, NULL, error);
    return code == RF_OK ? do_cascading(pg, rf_sql_relation_remove, &args, error) : code;
}

enum rf_code rf_ledger_replace_table(struct rf_pg *pg, const struct rf_target *target,
                                     const char *table, const struct rf_plan *plan,
                                     const struct rf_digest *digest, struct rf_error *error) {
    bool added = false;
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, table);
    enum rf_code code = do_cascading(pg, rf_sql_relation_remove, &args, error);
    if (code == RF_OK) {
        rf_pg_text(&args, plan->table);
        code = rf_pg_do_args(pg, rf_sql_aside_rename, &args, NULL, error);
    }
    return code == RF_OK ? rf_ledger_add_table(pg, target, plan, digest, &added, error) : code;
}

/* ---- steps and trips ---- */

enum rf_code rf_ledger_claim_step(struct rf_pg *pg, const struct rf_target *target,
                                  const struct rf_ledger_step *step, bool *claimed,
                                  struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, step->table);
    rf_pg_text(&args, step->step);
    rf_pg_text(&args, step->item);
    rf_pg_number(&args, step->parts);
    uint64_t lines = 0;
    enum rf_code code = rf_pg_do_often(pg, rf_sql_step_claim, &args, &lines, error);
    *claimed = lines > 0;
    return code;
}

enum rf_code rf_ledger_complete_step(struct rf_pg *pg, const struct rf_target *target,
                                     const struct rf_ledger_step *step, struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_text(&args, step->table);
    rf_pg_text(&args, step->step);
    rf_pg_text(&args, step->item);
    rf_pg_number(&args, step->digest.rows);
    rf_pg_number(&args, step->set_aside);
    rf_pg_number(&args, step->altered);
    rf_pg_number(&args, step->left_out);
    rf_pg_hash(&args, step->digest.sum);
    return rf_pg_do_args(pg, rf_sql_step_complete, &args, NULL, error);
}

enum rf_code rf_ledger_clear_steps(struct rf_pg *pg, const struct rf_target *target,
                                   struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    return rf_pg_do_args(pg, rf_sql_step_clear, &args, NULL, error);
}

enum rf_code rf_ledger_add_trip(struct rf_pg *pg, const struct rf_target *target, uint64_t from,
                                uint64_t to, const char *mode, const struct rf_counts *table,
                                struct rf_error *error) {
    struct rf_pg_args args = rf_ledger_args(target);
    rf_pg_number(&args, from);
    rf_pg_number(&args, to);
    rf_pg_text(&args, mode);
    rf_pg_text(&args, table->name);
    rf_pg_number(&args, table->inserted);
    rf_pg_number(&args, table->updated);
    rf_pg_number(&args, table->deleted);
    rf_pg_number(&args, table->set_aside);
    rf_pg_number(&args, table->altered);
    rf_pg_number(&args, table->widened);
    rf_pg_number(&args, table->left_out);
    return rf_pg_do_often(pg, rf_sql_trip_add, &args, NULL, error);
}
