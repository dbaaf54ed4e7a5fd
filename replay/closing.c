#include "replay/closing.h"

#include <inttypes.h>
#include <string.h>

#include "replay/after.h"
#include "replay/build.h"
#include "replay/guard.h"
#include "replay/object.h"
#include "replay/sequence.h"

static struct rf_after after_of(const struct rf_closing *closing) {
    const struct rf_replay_result *result = closing->result;
    bool last = closing->manifest->snapshot == result->to;
    return (struct rf_after){
        .run = closing->run,
        .pg = closing->pg,
        .target = closing->target,
        .snapshot = closing->manifest->snapshot,
        .first = closing->first,
        .wrote = closing->wrote,
        .final = last && closing->run->options->final_trip,
        .result = closing->result,
    };
}

static enum rf_code move_sequences(const struct rf_closing *closing, struct rf_error *error) {
    bool tells = closing->first || closing->wrote;
    if (rf_sequences_are_few(closing->manifest)) {
        return rf_sequences_advance(closing->run, closing->pg, closing->target, closing->manifest,
                                    tells, closing->result, error);
    }
    return closing->first ? rf_sequences_note(closing->pg, closing->target, error) : RF_OK;
}

enum rf_code rf_closing_run(const struct rf_closing *closing, struct rf_error *error) {
    const struct rf_after after = after_of(closing);
    enum rf_code code = move_sequences(closing, error);
    if (code == RF_OK) {
        code =
            rf_objects_make(closing->run, closing->pg, closing->target, closing->manifest, error);
    }
    return code == RF_OK ? rf_after_run(&after, error) : code;
}

/* ---- nothing new, but the last trip ---- */

static enum rf_code hold_ledger(const struct rf_closing *closing, const struct rf_snapshot_name *at,
                                struct rf_error *error) {
    struct rf_ledger_source source;
    enum rf_code code = rf_ledger_source(closing->pg, closing->target, true, &source, error);
    if (code == RF_OK &&
        (source.state != RF_TARGET_READY || !rf_hash_equal(source.at.digest, at->digest))) {
        code = rf_fail(error, RF_MISPLACED,
                       "the target has moved to snapshot %" PRIu64 " meanwhile", source.at.number);
    }
    return code;
}

enum rf_code rf_closing_finally(const struct rf_closing *closing, const struct rf_snapshot_name *at,
                                struct rf_error *error) {
    const struct rf_after after = after_of(closing);
    bool due = false;
    enum rf_code code = rf_after_due(&after, &due, error);
    if (code != RF_OK || !due) {
        return code;
    }
    code = rf_guard_begin(closing->pg, closing->target, error);
    if (code == RF_OK) {
        code = hold_ledger(closing, at, error);
    }
    if (code == RF_OK) {
        code = rf_after_run(&after, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(closing->pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(closing->pg);
        rf_while(error, "while ending the last trip, to snapshot %" PRIu64, at->number);
    }
    return code;
}

/* ---- statistics ---- */

static const struct rf_replay_table *result_of(const struct rf_replay_result *result,
                                               const char *table) {
    for (uint32_t i = 0; i < result->table_count; i++) {
        if (strcmp(result->tables[i].name, table) == 0) {
            return &result->tables[i];
        }
    }
    return NULL;
}

/* A load looks at its tables when they are full, but for those that keep rows of the application. */
static bool wants(const struct rf_closing *closing, const struct rf_plan *plan) {
    const struct rf_replay_table *table = result_of(closing->result, plan->table);
    bool written = table && table->inserted + table->updated + table->deleted > 0;
    return written && (!closing->first || plan->kept);
}

/* By itself, so that one that fails keeps none of the others from it. */
static enum rf_code analyze(const struct rf_closing *closing, const struct rf_plan *plan,
                            struct rf_error *error) {
    enum rf_code code = rf_guard_begin(closing->pg, closing->target, error);
    if (code == RF_OK) {
        code = rf_build_analyze(closing->pg, plan, closing->target->schema, error);
    }
    if (code == RF_OK) {
        code = rf_pg_commit(closing->pg, error);
    }
    if (code != RF_OK) {
        rf_pg_rollback(closing->pg);
    }
    return code;
}

void rf_closing_analyze(const struct rf_closing *closing, const struct rf_ledger_tables *tables) {
    struct rf_error error;
    enum rf_code code = RF_OK;
    bool asked = closing->run->options->rules->analyze;
    for (uint32_t i = 0; asked && i < tables->count && !rf_pg_broken(closing->pg); i++) {
        const struct rf_plan *plan = &tables->tables[i].plan;
        if (!wants(closing, plan)) {
            continue;
        }
        rf_error_clear(&error);
        code = analyze(closing, plan, &error);
        if (code != RF_OK) {
            rf_run_note(closing->run, "table %s was not analyzed: %s", plan->relation, error.what);
        }
    }
}
