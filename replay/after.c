#include "replay/after.h"

#include <string.h>

#include "replay/result.h"
#include "replay/sql.h"
#include "replay/user_sql.h"

static const char *const occasions[] = {
    [RF_WHEN_ALWAYS] = "always", [RF_WHEN_FIRST] = "first", [RF_WHEN_FINAL] = "final"};

/* What ran for this snapshot as the last one. */
struct noted {
    struct rf_pg_rows *rows; /* NULL: nothing was asked */
};

static bool has_final(const struct rf_rules *rules) {
    for (uint32_t i = 0; i < rules->after_count; i++) {
        if (rules->after[i].when == RF_WHEN_FINAL) {
            return true;
        }
    }
    return false;
}

static enum rf_code read_noted(const struct rf_after *after, struct noted *noted,
                               struct rf_error *error) {
    noted->rows = NULL;
    if (!after->final || !has_final(after->run->options->rules)) {
        return RF_OK;
    }
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, after->target->source);
    rf_pg_text(&args, after->target->schema);
    rf_pg_number(&args, after->snapshot);
    return rf_pg_ask(after->pg, rf_sql_after_noted, &args, &noted->rows, error);
}

static bool is_noted(const struct noted *noted, const char *sql) {
    uint32_t count = noted->rows ? rf_pg_rows_count(noted->rows) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(rf_pg_rows_text(noted->rows, i, 0), sql) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_due(const struct rf_after *after, const struct rf_after_rule *rule,
                   const struct noted *noted) {
    switch (rule->when) {
    case RF_WHEN_ALWAYS:
        return after->first || after->wrote;
    case RF_WHEN_FIRST:
        return after->first;
    case RF_WHEN_FINAL:
        return after->final && (after->first || after->wrote || !is_noted(noted, rule->sql));
    }
    return false;
}

enum rf_code rf_after_due(const struct rf_after *after, bool *due, struct rf_error *error) {
    const struct rf_rules *rules = after->run->options->rules;
    struct noted noted;
    enum rf_code code = read_noted(after, &noted, error);
    *due = false;
    for (uint32_t i = 0; code == RF_OK && i < rules->after_count; i++) {
        *due = *due || is_due(after, &rules->after[i], &noted);
    }
    rf_pg_rows_free(noted.rows);
    return code;
}

static enum rf_code note(const struct rf_after *after, const struct rf_after_rule *rule,
                         struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, after->target->source);
    rf_pg_text(&args, after->target->schema);
    rf_pg_text(&args, occasions[rule->when]);
    rf_pg_number(&args, after->snapshot);
    rf_pg_text(&args, rule->sql);
    return rf_pg_do_args(after->pg, rf_sql_after_note, &args, NULL, error);
}

static enum rf_code run_rule(const struct rf_after *after, const struct rf_after_rule *rule,
                             struct rf_error *error) {
    const char *place = rule->place ? rule->place : "the configuration";
    enum rf_code code = rf_run_check(after->run, error);
    if (code == RF_OK) {
        code = rf_user_sql_begin(after->pg, after->target->schema, error);
    }
    if (code == RF_OK) {
        code = rf_user_sql_run(after->pg, rule->sql, error);
        if (code != RF_OK && code != RF_INTERRUPTED) {
            rf_while(error, "while running the SQL of \"after\" in %s", place);
        }
    }
    if (code == RF_OK) {
        code = rf_user_sql_end(after->pg, error);
    }
    if (code == RF_OK) {
        rf_run_note(after->run, "ran the SQL of \"after\" in %s", place);
        code = note(after, rule, error);
    }
    return code;
}

enum rf_code rf_after_run(const struct rf_after *after, struct rf_error *error) {
    const struct rf_rules *rules = after->run->options->rules;
    struct noted noted = {.rows = NULL};
    enum rf_code code = RF_OK;
    if (rules->after_count > 0) {
        code = rf_pg_do(after->pg, rf_sql_replica_end, NULL, error);
    }
    if (code == RF_OK) {
        code = read_noted(after, &noted, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < rules->after_count; i++) {
        if (is_due(after, &rules->after[i], &noted)) {
            code = run_rule(after, &rules->after[i], error);
            after->result->after_count += code == RF_OK;
        }
    }
    rf_pg_rows_free(noted.rows);
    return code;
}
