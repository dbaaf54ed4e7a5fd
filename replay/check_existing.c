/* Tables that the application made: how the source's fit them. What does not fit is told table by
 * table; a table that fits has a plan like any other. */
#include "replay/check_inner.h"

#include "replay/fit.h"

bool rf_check_is_existing(const struct rf_check *check, const struct rf_ledger_table *standing) {
    return standing ? !standing->plan.owned : check->options.rules->existing;
}

/* Everything in the way, of all tables together: triggers and foreign keys have to do with each
 * other. A line of it says what to do itself. */
static enum rf_code find_troubles(struct rf_check *check, struct rf_error *error) {
    bool first = check->standing.state != RF_TARGET_READY;
    struct rf_troubles troubles = {.arena = &check->arena};
    enum rf_code code = rf_existing_find_troubles(&check->existing, first ? NULL : &check->tables,
                                                  &troubles, error);
    for (const struct rf_trouble *trouble = troubles.first; code == RF_OK && trouble;
         trouble = trouble->next) {
        rf_check_add(check, RF_CHECK_ERROR, "tables", "%s", trouble->line);
    }
    return code;
}

enum rf_code rf_check_begin_existing(struct rf_check *check, struct rf_error *error) {
    if (check->catalog_known) {
        check->existing.manifest = &check->manifest;
        return find_troubles(check, error);
    }
    if (!check->options.rules->existing || check->looked) {
        return RF_OK;
    }
    rf_fail(error, RF_USAGE, "existing tables are those of a target, and none is named");
    rf_hint(error, "name it with --target, or leave out --existing (existing: in the configuration "
                   "file or profile).");
    return RF_USAGE;
}

enum rf_code rf_check_plan_existing(struct rf_check *check, const struct rf_ledger_table *standing,
                                    struct rf_check_table *table, bool *fits,
                                    struct rf_error *error) {
    *fits = check->catalog_known;
    if (!*fits) {
        return RF_OK;
    }
    bool anew = standing && rf_existing_remakes(&check->run, &standing->plan);
    const struct rf_plan *before = standing && !anew ? &standing->plan : NULL;
    if (before &&
        !rf_fit_outdated(before, table->source, &check->existing.catalog, &check->arena)) {
        table->plan = *before;
        table->step = RF_CHECK_KEEP;
        return RF_OK;
    }
    struct rf_troubles troubles = {.arena = &check->arena};
    enum rf_code code =
        rf_existing_fit(&check->existing, table->source, before, &table->plan, &troubles, error);
    *fits = troubles.count == 0;
    table->step = standing ? RF_CHECK_REFILL : RF_CHECK_FILL;
    if (code == RF_OK && table->plan.kept) {
        rf_run_warn(&check->run,
                    "table %s: rows whose key the table has already would be left out; which they "
                    "are, only a replay can tell",
                    table->plan.table);
    }
    return code;
}
