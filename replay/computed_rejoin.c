/* Joined values of tables that stand, when what they join has changed. */
#include "replay/computed_join.h"
#include "replay/sql.h"

static enum rf_code forget_asides(const struct rf_existing *existing, const char *table,
                                  struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, existing->target->source);
    rf_pg_text(&args, existing->target->schema);
    rf_pg_text(&args, table);
    return rf_pg_do_args(existing->pg, rf_sql_aside_clear, &args, NULL, error);
}

/* What stood aside stands aside again, and is not counted as new. */
static enum rf_code fill_again(struct rf_existing *existing, const struct rf_manifest_table *source,
                               const struct rf_plan *plan, uint64_t snapshot,
                               struct rf_counts *counts, struct rf_error *error) {
    struct rf_counts again = {.name = counts->name};
    enum rf_code code = forget_asides(existing, plan->table, error);
    if (code == RF_OK) {
        code =
            rf_existing_empty(existing->pg, existing->target->schema, plan->relation, NULL, error);
    }
    if (code == RF_OK) {
        code = rf_existing_fill(existing, source, plan, snapshot, &again, error);
    }
    counts->updated +=
        again.inserted - (again.inserted < counts->inserted ? again.inserted : counts->inserted);
    return code;
}

enum rf_code rf_computed_rejoin(struct rf_existing *existing,
                                const struct rf_manifest_table *source, const struct rf_plan *plan,
                                uint64_t snapshot, struct rf_counts *counts,
                                struct rf_error *error) {
    uint64_t rows = 0;
    if (!rf_computed_refreshes(plan)) {
        return fill_again(existing, source, plan, snapshot, counts, error);
    }
    enum rf_code code = rf_computed_refresh(existing->pg, &existing->catalog, plan, &rows, error);
    counts->updated += rows;
    return code;
}
