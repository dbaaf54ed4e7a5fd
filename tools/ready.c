#include "tools/ready.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "capture/facts.h"
#include "replay/readiness.h"
#include "replay/replay.h"
#include "tools/message.h"
#include "tools/stores.h"
#include "tools/text.h"
#include "tools/units.h"

/* A first capture's archives and index took 0.2 (a chat server) to 1.8 (one small number a row) bytes
 * for each of the source's pages in use. */
#define REPOSITORY_RATIO 2u

/* ---- the source ---- */

/* One question for each requirement that has one, in their order; NULL where there is no memory. */
static const char **list_questions(const struct rf_rules *rules) {
    const char **questions = calloc((size_t)rules->requirement_count + 1, sizeof *questions);
    for (uint32_t i = 0; questions && i < rules->requirement_count; i++) {
        questions[i] = rules->requirements[i].source;
    }
    return questions;
}

static enum rf_code look_at_source(const struct rf_task *task, const char *database,
                                   struct rf_findings *findings, struct rf_facts *facts,
                                   struct rf_error *error) {
    const struct rf_rules *rules = &task->settings->rules;
    const char **questions = list_questions(rules);
    struct rf_facts_options options = {.database = database,
                                       .busy_timeout_ms = task->settings->busy_timeout_ms,
                                       .stop = task->stop,
                                       .question_count = rules->requirement_count,
                                       .questions = questions};
    enum rf_code code =
        questions ? rf_facts_read(&options, findings, facts, error) : rf_fail_memory(error);
    free(questions);
    return code;
}

/* ---- the repository's disk ---- */

/* The folder, or the nearest one above it that is there. */
static bool look_at_disk(const char *folder, uint64_t *open) {
    char path[4096];
    struct statvfs system;
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path) {
        return false;
    }
    while (statvfs(path, &system) != 0) {
        char *slash = strrchr(path, '/');
        if (slash == path || strcmp(path, ".") == 0) {
            return false;
        }
        snprintf(slash ? slash : path, 2, "%s", slash ? "" : ".");
    }
    *open = (uint64_t)system.f_bavail * system.f_frsize;
    return true;
}

static void find_room(const struct rf_ready_place *place, uint64_t source_bytes,
                      struct rf_findings *findings) {
    uint64_t open = 0, need = source_bytes * REPOSITORY_RATIO;
    char there[RF_UNITS_TEXT], wanted[RF_UNITS_TEXT];
    if (!place->repository || !place->empty || !look_at_disk(place->repository, &open)) {
        return;
    }
    bool enough = open >= need;
    struct rf_finding *finding =
        rf_find(findings, enough ? RF_FINDING_OK : RF_FINDING_WARNING, "repository's disk",
                "%s free, a first capture takes at most about %s", rf_units_bytes(open, there),
                rf_units_bytes(need, wanted));
    if (!enough) {
        rf_finding_want(finding, "%s free", wanted);
        rf_finding_hint(finding, "make room there, or name another folder with --repo.");
    }
}

/* ---- both sides ---- */

static enum rf_code look_at_target(struct rf_task *task, struct rf_readiness_question *question,
                                   struct rf_findings *findings, bool *first,
                                   struct rf_error *error) {
    struct rf_target_options options;
    rf_task_target_options(task, &options);
    question->options = &options;
    return rf_readiness_look(question, findings, first, error);
}

/* Of several databases each by its name; the first that fails ends it. */
static enum rf_code look_at_targets(struct rf_task *task, struct rf_readiness_question *question,
                                    struct rf_findings *findings, bool *first,
                                    struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    if (!rf_stores_are_several(task)) {
        return look_at_target(task, question, findings, first, error);
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < settings->database_count; i++) {
        uint32_t before = findings->count;
        bool one_first = false;
        task->database = &settings->databases[i];
        code = look_at_target(task, question, findings, &one_first, error);
        *first |= one_first;
        for (uint32_t j = before; j < findings->count; j++) {
            rf_finding_of(&findings->list[j], task->database->name);
        }
    }
    task->database = settings->databases;
    return code;
}

static enum rf_code look(struct rf_task *task, const struct rf_ready_place *place,
                         struct rf_readiness_question *question, struct rf_findings *findings,
                         bool *first, struct rf_error *error) {
    struct rf_facts facts = {0};
    enum rf_code code = RF_OK;
    if (place->database) {
        code = look_at_source(task, place->database, findings, &facts, error);
        find_room(place, facts.bytes, findings);
    }
    if (code == RF_OK) {
        question->source_bytes = facts.bytes;
        question->answers = facts.answers;
        code = question->rehearsal ? look_at_target(task, question, findings, first, error)
                                   : look_at_targets(task, question, findings, first, error);
    }
    rf_facts_release(&facts);
    return code;
}

enum rf_code rf_ready_rehearse(struct rf_task *task, const struct rf_ready_place *place,
                               struct rf_findings *findings, struct rf_error *error) {
    struct rf_readiness_question question = {.looked = true, .rehearsal = true};
    bool first = false;
    return look(task, place, &question, findings, &first, error);
}

/* ---- telling ---- */

struct rf_json rf_ready_json(const struct rf_finding *finding) {
    struct rf_json json = rf_json_begin(NULL);
    rf_json_text(&json, "name", finding->name);
    rf_json_text(&json, "state", rf_finding_state_name(finding->state));
    rf_json_text(&json, "found", finding->found);
    rf_json_text(&json, "wanted", finding->wanted);
    rf_json_text(&json, "hint", finding->hint);
    return json;
}

uint32_t rf_ready_count(const struct rf_findings *findings, enum rf_finding_state state) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < findings->count; i++) {
        count += findings->list[i].state == state;
    }
    return count;
}

static void print_part(struct rf_output *out, const char *text, unsigned indent) {
    struct rf_buffer part = {0};
    rf_text_message(&part, text, indent);
    rf_output_bytes(out, part.bytes, part.size);
    rf_buffer_release(&part);
}

void rf_ready_print(struct rf_task *task, const struct rf_finding *finding) {
    struct rf_output *out = task->output;
    enum { INDENT = 30, NAME = 20 };
    rf_output_printf(out, "%-8s ", rf_finding_state_name(finding->state));
    rf_output_name(out, finding->name);
    int room = NAME - (int)strlen(finding->name);
    if (room < 0) { /* a requirement's name may be a whole sentence */
        rf_output_printf(out, "\n%*s", INDENT, "");
    } else {
        rf_output_printf(out, "%*s", room + 1, "");
    }
    print_part(out, finding->found, INDENT);
    if (*finding->wanted) {
        rf_output_printf(out, "\n%*swanted: ", INDENT, "");
        print_part(out, finding->wanted, INDENT + 8);
    }
    if (*finding->hint) {
        rf_output_printf(out, "\n%*s-> ", INDENT, "");
        print_part(out, finding->hint, INDENT + 3);
    }
    rf_output_printf(out, "\n");
}

static void warn(const struct rf_finding *finding) {
    char text[1400];
    snprintf(text, sizeof text, "%s: %s%s%s%s%s", finding->name, finding->found,
             *finding->wanted ? "; wanted: " : "", finding->wanted, *finding->hint ? "; " : "",
             finding->hint);
    rf_message_warning(text);
}

enum rf_code rf_ready_judge(const struct rf_findings *findings, struct rf_error *error) {
    uint32_t stops = rf_ready_count(findings, RF_FINDING_STOP);
    for (uint32_t i = 0; i < findings->count; i++) {
        const struct rf_finding *finding = &findings->list[i];
        if (finding->state != RF_FINDING_STOP) {
            continue;
        }
        rf_fail(error, finding->code, "not ready, %s: %s", finding->name, finding->found);
        if (*finding->wanted) {
            rf_detail(error, "wanted: %s", finding->wanted);
        }
        rf_hint(error, "%s", finding->hint);
        if (stops > 1) {
            rf_while(error,
                     "the first of %" PRIu32 " things that stand in the way; rowferry check "
                     "tells all of them",
                     stops);
        }
        return finding->code;
    }
    return RF_OK;
}

static void put_summary(struct rf_task *task, const struct rf_findings *findings) {
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; i < findings->count; i++) {
        struct rf_json json = rf_ready_json(&findings->list[i]);
        rf_json_append(&array, &json);
    }
    rf_json_put(&task->summary, "preflight", &array);
}

enum rf_code rf_ready_run(struct rf_task *task, const struct rf_ready_place *place,
                          struct rf_error *error) {
    struct rf_readiness_question question = {.looked = false};
    struct rf_findings findings = {0};
    bool first = false;
    enum rf_code code = look(task, place, &question, &findings, &first, error);
    bool told = code == RF_OK && first && !task->settings->quiet && !task->settings->json;
    if (code == RF_CONNECT && place->database && !task->settings->final_trip) {
        rf_find(&findings, RF_FINDING_WARNING, "server", "%s", error->what);
        rf_error_clear(error);
        code = rf_findings_check(&findings, error);
    }
    put_summary(task, &findings);
    for (uint32_t i = 0; told && i < findings.count; i++) {
        if (findings.list[i].state == RF_FINDING_WARNING) {
            warn(&findings.list[i]);
        }
    }
    if (code == RF_OK) {
        code = rf_ready_judge(&findings, error);
    }
    rf_findings_release(&findings);
    return code;
}
