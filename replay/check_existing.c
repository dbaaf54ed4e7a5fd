/* How tables that the application made would take the source's rows. */
#include "replay/check_inner.h"
#include "replay/existing_load.h"
#include "replay/fit.h"

enum rf_code rf_check_read_catalog(struct rf_check *check, struct rf_pg *pg,
                                   struct rf_error *error) {
    check->concerned = check->standing.state == RF_TARGET_LOADING
                           ? rf_existing_load_is(check->standing.staging)
                           : rf_existing_concerns(&check->run, &check->tables);
    if (!check->concerned) {
        return RF_OK;
    }
    check->existing = (struct rf_existing){.run = &check->run,
                                           .pg = pg,
                                           .target = &check->target,
                                           .manifest = &check->manifest,
                                           .arena = &check->arena};
    enum rf_code code = rf_existing_read(&check->existing, error);
    check->existing.pg = NULL; /* it ends with the look */
    return code;
}

bool rf_check_is_existing(const struct rf_check *check, const struct rf_ledger_table *standing) {
    return check->concerned && (standing ? !standing->plan.owned : check->options.rules->existing);
}

enum rf_code rf_check_find_troubles(struct rf_check *check, struct rf_error *error) {
    struct rf_troubles troubles = {.arena = &check->arena};
    bool ready = check->standing.state == RF_TARGET_READY;
    enum rf_code code = rf_existing_find_troubles(&check->existing, ready ? &check->tables : NULL,
                                                  &troubles, error);
    for (const struct rf_trouble *at = troubles.first; code == RF_OK && at; at = at->next) {
        rf_check_add(check, RF_CHECK_ERROR, "existing tables", "%s", at->line);
    }
    if (code == RF_OK && troubles.count == 0) {
        rf_check_add(check, RF_CHECK_OK, "existing tables",
                     "the source's rows fit, or go where they are meant to");
    }
    return code;
}

enum rf_code rf_check_plan_existing(struct rf_check *check, const struct rf_ledger_table *standing,
                                    struct rf_check_table *table, bool *fits,
                                    struct rf_error *error) {
    struct rf_existing *existing = &check->existing;
    const struct rf_plan *before = standing ? &standing->plan : NULL;
    *fits = true;
    table->step = RF_CHECK_KEEP;
    if (before && !rf_fit_outdated(before, table->source, &existing->catalog, existing->arena)) {
        table->plan = *before;
        return RF_OK;
    }
    struct rf_troubles troubles = {.arena = &check->arena};
    table->step = before ? RF_CHECK_REFILL : RF_CHECK_FILL;
    enum rf_code code =
        rf_existing_fit(existing, table->source, before, &table->plan, &troubles, error);
    *fits = troubles.count == 0;
    return code;
}
