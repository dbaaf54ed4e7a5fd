#include "replay/computed_fill.h"

#include <inttypes.h>
#include <string.h>

#include "replay/quote.h"
#include "replay/server_error.h"

/* ---- what goes wrong ---- */

static void take_blame(struct rf_error *error, enum rf_code code, const char *hint) {
    error->code = code;
    rf_hint(error, "%s", hint);
}

enum rf_code rf_computed_explain(const struct rf_plan *plan, struct rf_error *error) {
    if (strcmp(error->sqlstate, RF_SQLSTATE_UNIQUE) == 0) {
        take_blame(error, RF_MISPLACED,
                   "several rows of the source become alike where the table has a unique index: "
                   "leave rows out with where, or drop the index.");
    } else if (strncmp(error->sqlstate, "23", 2) == 0) {
        take_blame(
            error, RF_MISPLACED,
            "the table does not take what is computed: change the value's SQL, or leave such "
            "rows out with where.");
    } else if (strncmp(error->sqlstate, "22", 2) == 0 || strncmp(error->sqlstate, "21", 2) == 0 ||
               strcmp(error->sqlstate, RF_SQLSTATE_LIMIT) == 0) {
        take_blame(
            error, RF_MISPLACED,
            "SQL of a rule (values, joins, where) fails for a row: change it so that it does "
            "not, or leave such rows out with where.");
    } else if (strncmp(error->sqlstate, "42", 2) == 0 && error->code == RF_FAILED) {
        take_blame(error, RF_MISPLACED,
                   "look at the SQL of the table's rule (values, joins, where); rowferry check "
                   "tells which of it the server does not take.");
    }
    if (*error->sqlstate) {
        rf_while(error, "while computing rows of table %s", plan->relation);
    }
    return error->code;
}

static enum rf_code fail_several(const struct rf_plan *plan, uint64_t wanted, uint64_t made,
                                 struct rf_error *error) {
    rf_fail(error, RF_MISPLACED, "of %" PRIu64 " rows, %" PRIu64 " were computed for table \"%s\"",
            wanted, made, plan->relation);
    rf_hint(error, "each row of the source is to become one: a join must find at most one row "
                   "(DISTINCT, a unique column), and a value must be one value, no set.");
    return RF_MISPLACED;
}

/* ---- the stage ---- */

static enum rf_code do_sql(struct rf_pg *pg, struct rf_buffer *sql, uint64_t *rows,
                           struct rf_error *error) {
    enum rf_code code = rf_pg_do_buffer(pg, sql, rows, error);
    rf_buffer_release(sql);
    return code;
}

enum rf_code rf_computed_open(struct rf_pg *pg, const struct rf_plan *plan,
                              struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_computed_stage(plan, &sql);
    enum rf_code code = do_sql(pg, &sql, NULL, error);
    if (code != RF_OK) {
        rf_while(error, "while making the stage of table %s", plan->relation);
    }
    return code;
}

enum rf_code rf_computed_close(struct rf_pg *pg, const struct rf_plan *plan,
                               struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_computed_drop(plan, &sql);
    return do_sql(pg, &sql, NULL, error);
}

enum rf_code rf_computed_passing(struct rf_pg *pg, const struct rf_plan *plan, uint64_t staged,
                                 uint64_t *rows, struct rf_error *error) {
    *rows = staged;
    if (!plan->computed->where) {
        return RF_OK;
    }
    struct rf_buffer sql = {0};
    struct rf_pg_rows *answer = NULL;
    rf_computed_count(plan, &sql);
    rf_buffer_u8(&sql, 0);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(pg, (const char *)sql.bytes, NULL, &answer, error);
    }
    *rows = code == RF_OK ? rf_pg_rows_number(answer, 0, 0) : 0;
    rf_pg_rows_free(answer);
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code insert(struct rf_pg *pg, const struct rf_plan *plan, const char *schema,
                           uint64_t staged, uint64_t *rows, struct rf_error *error) {
    uint64_t made = 0;
    struct rf_buffer sql = {0};
    enum rf_code code = rf_computed_passing(pg, plan, staged, rows, error);
    if (code == RF_OK) {
        rf_computed_insert(plan, schema, &sql);
        code = do_sql(pg, &sql, &made, error);
    }
    if (code != RF_OK) {
        return rf_computed_explain(plan, error);
    }
    return made == *rows ? RF_OK : fail_several(plan, *rows, made, error);
}

/* Below this many rows the planner's guess does no harm. */
#define ANALYZE_ROWS 1000u

static enum rf_code analyze(struct rf_pg *pg, const struct rf_plan *plan, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_buffer_printf(&sql, "ANALYZE ");
    rf_computed_stage_name(plan, &sql);
    return do_sql(pg, &sql, NULL, error);
}

enum rf_code rf_computed_put(struct rf_pg *pg, const struct rf_plan *plan, const char *schema,
                             uint64_t staged, uint64_t *rows, struct rf_error *error) {
    enum rf_code code = RF_OK;
    *rows = 0;
    if (staged >= ANALYZE_ROWS && plan->computed->join_count > 0) {
        code = analyze(pg, plan, error);
    }
    if (code == RF_OK && staged > 0) {
        code = rf_computed_begin(pg, schema, error);
    }
    if (code == RF_OK && staged > 0) {
        code = insert(pg, plan, schema, staged, rows, error);
    }
    if (code == RF_OK && staged > 0) {
        code = rf_computed_end(pg, error);
    }
    return code == RF_OK ? rf_computed_close(pg, plan, error) : code;
}
