/* What the parts of a check share. Inner to check*.c. */
#ifndef RF_REPLAY_CHECK_INNER_H
#define RF_REPLAY_CHECK_INNER_H

#include "replay/arena.h"
#include "replay/check.h"
#include "replay/delta_table.h"
#include "replay/existing.h"
#include "replay/ledger.h"
#include "replay/names.h"
#include "replay/object.h"
#include "replay/run.h"

struct rf_check_heard {
    const char *text;
    struct rf_check_heard *next;
};

struct rf_check {
    const struct rf_target_options *caller;
    struct rf_target_options options; /* the same, but for the callbacks */
    struct rf_run run;
    struct rf_arena arena;
    uint32_t finding_count, finding_room;
    struct rf_check_finding *findings;

    /* The target, where it was looked at. */
    struct rf_target target;
    struct rf_ledger_source standing; /* state NONE where there is no ledger */
    struct rf_ledger_tables tables;   /* of a target that this source feeds */
    struct rf_names taken;            /* names in the schema */
    bool looked;
    bool catalog_known; /* tables are the application's, and were read */
    struct rf_existing existing;

    struct rf_manifest manifest;
    struct rf_delta delta; /* for what it plans of tables that stand; and its naming */
    uint32_t object_count;
    struct rf_foreseen_object *objects;
    uint32_t table_count;
    struct rf_check_table *planned; /* table_count of them */

    uint32_t heard_count; /* warnings about the table that is being planned */
    struct rf_check_heard *heard, **last_heard;
};

/* Appends a finding; texts are copied. Want of memory shows in the arena. */
struct rf_check_finding *rf_check_add(struct rf_check *check, enum rf_check_level level,
                                      const char *subject, const char *format, ...) RF_PRINTF(4, 5);
void rf_check_advise(struct rf_check *check, struct rf_check_finding *finding, const char *format,
                     ...) RF_PRINTF(3, 4);
/* What a replay would end with, as a finding; then the error is cleared. Errors that say nothing of
 * the target or the plan stay, and are returned. */
RF_MUST_USE enum rf_code rf_check_take_error(struct rf_check *check, const char *subject,
                                             struct rf_error *error);

/* check_existing.c: tables that the application made. First what stands against all of them; then,
 * one by one, a plan for each; *fits is false where there is none, and a finding says why. */
bool rf_check_is_existing(const struct rf_check *check, const struct rf_ledger_table *standing);
RF_MUST_USE enum rf_code rf_check_begin_existing(struct rf_check *check, struct rf_error *error);
RF_MUST_USE enum rf_code rf_check_plan_existing(struct rf_check *check,
                                                const struct rf_ledger_table *standing,
                                                struct rf_check_table *table, bool *fits,
                                                struct rf_error *error);

/* check_unfed.c: tables that the application made and nothing feeds. */
RF_MUST_USE enum rf_code rf_check_find_unfed(struct rf_check *check, struct rf_error *error);

/* check_standing.c: a table that stands in the target, by the ledger's plan or, where that no longer
 * holds it, by the plan that it would get. */
RF_MUST_USE enum rf_code rf_check_plan_standing(struct rf_check *check,
                                                struct rf_ledger_table *standing,
                                                struct rf_check_table *table,
                                                struct rf_error *error);

#endif
