/* What the user's rules require of source and target before a run.
 *
 * The target's query runs through a cursor of a read-only transaction of its own, one statement with
 * so many seconds; rows behind those that an answer keeps are never fetched. The source's answer
 * was asked for by somebody who knows SQLite. A query that fails is a requirement that is not met,
 * and says so: it was written for other tables than are there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replay/readiness_inner.h"
#include "replay/sql.h"

#define UNDEFINED_TABLE "42P01"
#define UNDEFINED_SCHEMA "3F000"
#define QUERY_CANCELED "57014"

struct requiring {
    struct rf_readying *readying;
    const struct rf_requirement_rule *rule;
    const struct rf_answer *source; /* asked is false where it was not */
    struct rf_answer target;
};

/* ---- asking ---- */

static void keep_trouble(struct rf_answer *answer, const struct rf_error *error) {
    if (strcmp(error->sqlstate, QUERY_CANCELED) == 0) {
        snprintf(answer->trouble, sizeof answer->trouble, "it took more than %d seconds",
                 RF_ANSWER_SECONDS);
    } else {
        snprintf(answer->trouble, sizeof answer->trouble, "%.399s", error->what);
    }
    answer->no_table = strcmp(error->sqlstate, UNDEFINED_TABLE) == 0 ||
                       strcmp(error->sqlstate, UNDEFINED_SCHEMA) == 0;
}

static enum rf_code prepare(struct rf_readying *readying, const char *query,
                            struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    struct rf_pg_rows *rows = NULL;
    struct rf_buffer sql = {0};
    rf_pg_text(&args, readying->target.schema);
    rf_pg_number(&args, RF_ANSWER_SECONDS * 1000);
    rf_buffer_printf(&sql, "DECLARE rf_requirement NO SCROLL CURSOR FOR %s", query);
    rf_buffer_u8(&sql, 0);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(readying->pg, rf_sql_requirement_begin, &args, &rows, error);
    }
    rf_pg_rows_free(rows);
    if (code == RF_OK) {
        code = rf_pg_do_args(readying->pg, (const char *)sql.bytes, NULL, NULL, error);
    }
    rf_buffer_release(&sql);
    return code;
}

static enum rf_code fetch(struct rf_readying *readying, struct rf_answer *answer,
                          struct rf_error *error) {
    struct rf_pg_rows *rows = NULL;
    char sql[80];
    snprintf(sql, sizeof sql, "FETCH FORWARD %u FROM rf_requirement", RF_ANSWER_ROWS + 1);
    enum rf_code code = rf_pg_ask(readying->pg, sql, NULL, &rows, error);
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows) && rf_answer_row(answer);
         i++) {
        for (uint32_t j = 0; j < rf_pg_rows_width(rows); j++) {
            rf_answer_value(answer, rf_pg_rows_text(rows, i, j));
        }
    }
    rf_pg_rows_free(rows);
    rf_answer_end(answer);
    return code == RF_OK && answer->failed ? rf_fail_memory(error) : code;
}

static enum rf_code ask_target(struct requiring *requiring, struct rf_error *error) {
    struct rf_readying *readying = requiring->readying;
    struct rf_answer *answer = &requiring->target;
    if (!requiring->rule->target) {
        return RF_OK;
    }
    answer->asked = true;
    enum rf_code code =
        rf_pg_do(readying->pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, error);
    if (code == RF_OK) {
        code = prepare(readying, requiring->rule->target, error);
    }
    if (code == RF_OK) {
        code = fetch(readying, answer, error);
    }
    rf_pg_rollback(readying->pg);
    if (code == RF_OK || code == RF_INTERRUPTED || code == RF_NO_MEMORY ||
        rf_pg_broken(readying->pg)) {
        return code;
    }
    keep_trouble(answer, error);
    rf_error_clear(error);
    return RF_OK;
}

/* ---- judging ---- */

static struct rf_finding *find(const struct requiring *requiring, const char *found) {
    const struct rf_readying *readying = requiring->readying;
    const struct rf_requirement_rule *rule = requiring->rule;
    bool later = rule->when == RF_WHEN_FINAL && !readying->run.options->final_trip;
    enum rf_finding_state state = rule->warns || later ? RF_FINDING_WARNING : RF_FINDING_STOP;
    return rf_find(readying->findings, state, rule->name, "%s%s", found,
                   later ? " (required of the last trip)" : "");
}

static void find_trouble(const struct requiring *requiring, const char *side,
                         const struct rf_answer *answer) {
    const char *place = requiring->rule->place;
    bool target = answer == &requiring->target;
    char text[480];
    snprintf(text, sizeof text, "the query of the %s%s%s fails: %s", side, place ? " at " : "",
             place ? place : "", answer->trouble);
    struct rf_finding *finding = find(requiring, text);
    rf_finding_want(finding, "an answer");
    if (answer->no_table) {
        rf_finding_hint(finding,
                        target ? "the application's tables are not in schema \"%s\" of database "
                                 "\"%s\": let the application make them there first, or name the "
                                 "database where they are."
                               : "this is not the database of that application, or of another "
                                 "version of it: check the path.",
                        requiring->readying->target.schema, requiring->readying->database);
    } else if (requiring->rule->hint) {
        rf_finding_hint(finding, "%s", requiring->rule->hint);
    }
}

/* What was asked, in one line: "source 92, target 91". */
static void say(const struct requiring *requiring, char *text, size_t size) {
    const struct rf_answer *source = requiring->source, *target = &requiring->target;
    char from[200] = "", to[200] = "";
    if (source->asked) {
        rf_answer_say(source, from, sizeof from);
    }
    if (target->asked) {
        rf_answer_say(target, to, sizeof to);
    }
    snprintf(text, size, "%s%s%s%s%s", source->asked ? "source: " : "", from,
             source->asked && target->asked ? ", target: "
             : target->asked                ? "target: "
                                            : "",
             to, "");
}

static bool is_too_much(const struct rf_answer *answer) {
    return answer->more || answer->cut;
}

static bool is_met(const struct requiring *requiring, const char **wanted) {
    const struct rf_answer *source = requiring->source, *target = &requiring->target;
    switch (requiring->rule->expect) {
    case RF_EXPECT_NOTHING:
        *wanted = "no row";
        return source->row_count == 0 && target->row_count == 0;
    case RF_EXPECT_SOMETHING:
        *wanted = "a row";
        return (!source->asked || source->row_count > 0) &&
               (!target->asked || target->row_count > 0);
    case RF_EXPECT_EQUAL:
        break;
    }
    bool too_much = is_too_much(source) || is_too_much(target);
    *wanted = too_much ? "answers that are short enough to be compared" : "the same on both sides";
    return !too_much && rf_answers_equal(source, target);
}

static void judge(const struct requiring *requiring) {
    const struct rf_requirement_rule *rule = requiring->rule;
    struct rf_findings *findings = requiring->readying->findings;
    char text[440];
    const char *wanted = "";
    say(requiring, text, sizeof text);
    if (is_met(requiring, &wanted)) {
        rf_find(findings, RF_FINDING_OK, rule->name, "%s", text);
        return;
    }
    struct rf_finding *finding = find(requiring, text);
    rf_finding_want(finding, "%s", wanted);
    if (rule->hint) {
        rf_finding_hint(finding, "%s", rule->hint);
    } else if (rule->place) {
        rf_finding_hint(finding, "it is required at %s.", rule->place);
    }
}

/* Without the source nothing can be held against its answer. */
static bool lacks_source(const struct requiring *requiring) {
    const struct rf_requirement_rule *rule = requiring->rule;
    return rule->source && !requiring->source->asked &&
           (rule->expect == RF_EXPECT_EQUAL || !rule->target);
}

static enum rf_code require(struct requiring *requiring, struct rf_error *error) {
    const struct rf_answer *source = requiring->source;
    if (lacks_source(requiring)) {
        rf_find(requiring->readying->findings, RF_FINDING_NOTE, requiring->rule->name,
                "not asked: the source is not at hand");
        return RF_OK;
    }
    enum rf_code code = ask_target(requiring, error);
    if (code != RF_OK) {
        return code;
    }
    if (source->trouble[0]) {
        find_trouble(requiring, "source", source);
    }
    if (requiring->target.trouble[0]) {
        find_trouble(requiring, "target", &requiring->target);
    }
    if (!source->trouble[0] && !requiring->target.trouble[0]) {
        judge(requiring);
    }
    return RF_OK;
}

static bool is_due(const struct rf_readying *readying, const struct rf_requirement_rule *rule) {
    if (rule->elsewhere) {
        return false;
    }
    switch (rule->when) {
    case RF_WHEN_ALWAYS:
        return true;
    case RF_WHEN_FIRST:
        return readying->untouched;
    case RF_WHEN_FINAL:
        return readying->question->rehearsal || readying->run.options->final_trip;
    }
    return true;
}

enum rf_code rf_readiness_requirements(struct rf_readying *readying, struct rf_error *error) {
    static const struct rf_answer not_asked;
    const struct rf_rules *rules = readying->run.options->rules;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < rules->requirement_count; i++) {
        struct requiring requiring = {
            .readying = readying,
            .rule = &rules->requirements[i],
            .source = readying->question->answers ? &readying->question->answers[i] : &not_asked,
        };
        if (is_due(readying, requiring.rule)) {
            code = require(&requiring, error);
        }
        rf_answer_release(&requiring.target);
    }
    return code;
}
