/* rowferry check: what would become of a database, from a snapshot that is thrown away again. */
#include "tools/check.h"

#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "tools/config.h"
#include "tools/message.h"
#include "tools/place.h"
#include "tools/profile.h"
#include "tools/ready.h"
#include "tools/show.h"
#include "tools/stores.h"
#include "tools/units.h"

/* ---- the snapshot ---- */

/* The repository that will feed the target, where it is there already: it names the source. */
static enum rf_code read_source(const struct rf_settings *settings, bool *known,
                                uint8_t source[RF_SOURCE_ID_SIZE], struct rf_error *error) {
    *known = settings->repo && access(settings->repo, F_OK) == 0;
    if (!*known) {
        return RF_OK;
    }
    struct rf_repository *repository = NULL;
    enum rf_code code =
        rf_repository_open(rf_io_posix(), settings->repo, RF_REPOSITORY_READ, &repository, error);
    if (code == RF_OK) {
        memcpy(source, rf_repository_source(repository), RF_SOURCE_ID_SIZE);
    }
    rf_repository_close(repository);
    return code;
}

static enum rf_code capture(struct rf_task *task, const struct rf_place *place,
                            struct rf_snapshot_name *snapshot, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    struct rf_capture_options options = {
        .database = task->operand,
        .jobs = settings->jobs,
        .busy_timeout_ms = settings->busy_timeout_ms,
        .include = settings->include,
        .exclude = settings->exclude,
        .shadow = settings->shadow,
        .stop = task->stop,
        .progress = task->progress ? rf_task_on_progress : NULL,
        .watch = rf_progress_watch(task->progress),
        .note = settings->verbose ? rf_task_on_note : NULL,
        .context = task,
    };
    struct rf_capture_result result = {0};
    rf_progress_phase(task->progress, "capture");
    enum rf_code code = rf_capture(place->repository, &options, &result, error);
    rf_progress_phase(task->progress, NULL);
    *snapshot = result.snapshot;
    rf_capture_result_release(&result);
    return code;
}

/* ---- telling ---- */

static void on_value(void *context, const struct rf_survey_finding *value) {
    struct rf_checking *checking = context;
    if (rf_check_outcome(checking->table, value) == RF_CHECK_FAILS && checking->failing++ == 0) {
        struct rf_error *error = &checking->first;
        rf_fail(error, RF_MISPLACED,
                "a value of column %s of table %s does not fit, and is to fail then", value->column,
                checking->table->plan.table);
        rf_detail(error, "row %s: %s", value->key, value->reason);
        rf_hint(error, "give the column another type, or another on_mismatch than fail.");
    }
    checking->face->value(checking, value);
    checking->values++;
}

static enum rf_code tell_table(struct rf_checking *checking, const struct rf_check_table *table,
                               struct rf_error *error) {
    struct rf_survey_counts counts = {0};
    checking->table = table;
    checking->values = 0;
    checking->face->table_begins(checking);
    enum rf_code code = rf_check_rows(checking->check, table, on_value, checking, &counts, error);
    if (code == RF_OK) {
        checking->face->table_ends(checking, &counts);
        checking->columns += table->plan.column_count;
        checking->widened += rf_plan_widened(&table->plan);
        checking->total.rows += counts.rows;
        checking->total.set_aside += counts.set_aside;
        checking->total.altered += counts.altered;
    }
    return code;
}

static const char *reason_of(const struct rf_check *check, const struct rf_object *object) {
    const struct rf_manifest *manifest = rf_check_manifest(check);
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        if (strcmp(manifest->left_out[i].name, object->name) == 0) {
            return manifest->left_out[i].reason;
        }
    }
    return rf_check_object_sql(check, object) ? NULL
                                              : "in the archives, but not made in the target";
}

/* Tables that are carried, and their indexes, have been told of. */
static void tell_objects(struct rf_checking *checking) {
    const struct rf_manifest *manifest = rf_check_manifest(checking->check);
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        const struct rf_object *object = &manifest->objects[i];
        bool table = strcmp(object->type, "table") == 0;
        bool told = strcmp(object->type, "index") == 0 ||
                    (table && rf_manifest_find(manifest, object->name));
        if (!told && rf_show_wanted(checking->task->settings, object->table)) {
            checking->face->object(checking, object, reason_of(checking->check, object));
            checking->objects++;
        }
    }
}

/* With the statements alone on standard output, what is to be minded goes to standard error. */
static void warn(const struct rf_checking *checking) {
    const struct rf_check *check = checking->check;
    for (uint32_t i = 0; i < rf_check_finding_count(check); i++) {
        const struct rf_check_finding *finding = rf_check_finding(check, i);
        if (finding->level == RF_CHECK_WARNING) {
            rf_message_warning(finding->what);
        }
    }
    for (uint32_t i = 0; i < rf_check_table_count(check); i++) {
        const struct rf_check_table *table = rf_check_table(check, i);
        for (uint32_t j = 0; j < table->note_count; j++) {
            rf_message_warning(table->notes[j]);
        }
    }
}

static enum rf_code tell_sql(struct rf_checking *checking, struct rf_error *error) {
    struct rf_buffer sql = {0};
    rf_check_ddl(checking->check, &sql);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        rf_output_bytes(checking->task->output, sql.bytes, sql.size);
    }
    rf_buffer_release(&sql);
    if (!checking->task->settings->quiet) {
        warn(checking);
    }
    return code;
}

static enum rf_code tell(struct rf_checking *checking, struct rf_error *error) {
    struct rf_check *check = checking->check;
    enum rf_code code = checking->task->settings->sql ? tell_sql(checking, error) : RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < rf_check_finding_count(check); i++) {
        checking->face->finding(checking, rf_check_finding(check, i));
    }
    for (uint32_t i = 0; code == RF_OK && i < checking->ready.count; i++) {
        checking->face->ready(checking, &checking->ready.list[i]);
    }
    rf_progress_phase(checking->task->progress, "check");
    for (uint32_t i = 0; code == RF_OK && i < rf_check_table_count(check); i++) {
        code = tell_table(checking, rf_check_table(check, i), error);
    }
    rf_progress_phase(checking->task->progress, NULL);
    if (code == RF_OK) {
        tell_objects(checking);
        checking->face->end(checking);
    }
    return code;
}

/* ---- the verdict ---- */

static uint32_t count_findings(const struct rf_check *check, enum rf_check_level level) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < rf_check_finding_count(check); i++) {
        count += rf_check_finding(check, i)->level == level;
    }
    return count;
}

/* The first of what stands in the way decides the exit code, as it would in a replay. */
static enum rf_code judge(const struct rf_checking *checking, struct rf_error *error) {
    const struct rf_check *check = checking->check;
    uint32_t errors = count_findings(check, RF_CHECK_ERROR);
    for (uint32_t i = 0; errors > 0 && i < rf_check_finding_count(check); i++) {
        const struct rf_check_finding *finding = rf_check_finding(check, i);
        if (finding->level != RF_CHECK_ERROR) {
            continue;
        }
        rf_fail(error, finding->code, "%s", finding->what);
        rf_detail(error, "%s", finding->detail);
        rf_hint(error, "%s", finding->hint);
        if (errors > 1) {
            rf_while(error, "the first of %u things that stand in the way of a replay", errors);
        }
        return finding->code;
    }
    enum rf_code code = rf_ready_judge(&checking->ready, error);
    if (code != RF_OK || checking->failing == 0) {
        return code;
    }
    *error = checking->first;
    return RF_MISPLACED;
}

/* What was found of the target by way of the plan, and what else. */
static void put_preflight(const struct rf_checking *checking, struct rf_json *summary) {
    struct rf_json array = rf_json_array();
    for (uint32_t i = 0; i < rf_check_finding_count(checking->check); i++) {
        const struct rf_check_finding *finding = rf_check_finding(checking->check, i);
        bool stops = finding->level == RF_CHECK_ERROR;
        struct rf_json json = rf_json_begin(NULL);
        rf_json_text(&json, "name", finding->subject);
        rf_json_text(&json, "state", stops ? "stop" : rf_check_level_name(finding->level));
        rf_json_text(&json, "found", finding->what);
        rf_json_text(&json, "wanted", finding->detail);
        rf_json_text(&json, "hint", finding->hint);
        rf_json_append(&array, &json);
    }
    for (uint32_t i = 0; i < checking->ready.count; i++) {
        struct rf_json json = rf_ready_json(&checking->ready.list[i]);
        rf_json_append(&array, &json);
    }
    rf_json_put(summary, "preflight", &array);
}

static void fill_summary(const struct rf_checking *checking, struct rf_json *summary) {
    const struct rf_check *check = checking->check;
    rf_json_count(summary, "tables", rf_check_table_count(check));
    rf_json_count(summary, "columns", checking->columns);
    rf_json_count(summary, "widened", checking->widened);
    rf_json_count(summary, "rows", checking->total.rows);
    rf_json_count(summary, "set_aside", checking->total.set_aside);
    rf_json_count(summary, "altered", checking->total.altered);
    rf_json_count(summary, "failing", checking->failing);
    const struct rf_findings *ready = &checking->ready;
    rf_json_count(summary, "warnings",
                  count_findings(check, RF_CHECK_WARNING) +
                      rf_ready_count(ready, RF_FINDING_WARNING));
    rf_json_count(summary, "errors",
                  count_findings(check, RF_CHECK_ERROR) + rf_ready_count(ready, RF_FINDING_STOP));
    put_preflight(checking, summary);
}

/* ---- the run ---- */

static const struct rf_check_face *face_of(const struct rf_settings *settings) {
    if (settings->json) {
        return &rf_check_json;
    }
    return settings->quiet || settings->sql ? &rf_check_silent : &rf_check_text;
}

static enum rf_code look(struct rf_checking *checking, struct rf_error *error) {
    const struct rf_settings *settings = checking->task->settings;
    uint8_t source[RF_SOURCE_ID_SIZE];
    bool known = false;
    enum rf_code code = read_source(settings, &known, source, error);
    if (code == RF_OK && settings->target) {
        code = rf_check_look(checking->check, known ? source : NULL, error);
    }
    if (code == RF_OK && settings->target) {
        const struct rf_ready_place place = {
            .database = checking->task->operand, .repository = settings->repo, .empty = !known};
        code = rf_ready_rehearse(checking->task, &place, &checking->ready, error);
    }
    return code;
}

/* The snapshot that is planned from, captured once for all targets. */
struct sample {
    struct rf_place place;
    struct rf_snapshot_name snapshot;
    bool taken;
};

static enum rf_code take_sample(struct rf_task *task, struct sample *sample,
                                struct rf_error *error) {
    if (sample->taken) {
        return RF_OK;
    }
    enum rf_code code = rf_place_temporary(&sample->place, error);
    if (code == RF_OK) {
        code = capture(task, &sample->place, &sample->snapshot, error);
    }
    if (code != RF_OK) {
        rf_place_close(&sample->place);
    }
    sample->taken = code == RF_OK;
    return code;
}

static enum rf_code plan_and_tell(struct rf_checking *checking, struct sample *sample,
                                  struct rf_json *summary, struct rf_error *error) {
    enum rf_code code = take_sample(checking->task, sample, error);
    if (code == RF_OK) {
        rf_progress_phase(checking->task->progress, "plan");
        code = rf_check_plan(checking->check, sample->place.repository, &sample->snapshot, error);
        rf_progress_phase(checking->task->progress, NULL);
    }
    if (code == RF_OK) {
        code = tell(checking, error);
    }
    if (code == RF_OK) {
        fill_summary(checking, summary);
        checking->task->set_aside |= checking->total.set_aside > 0;
        code = judge(checking, error);
    }
    return code;
}

/* The target first: whoever mistyped its name need not wait for the whole database to be read. */
static enum rf_code check_one(struct rf_task *task, struct rf_json *summary, void *context,
                              struct rf_error *error) {
    struct rf_target_options options;
    rf_task_target_options(task, &options);
    struct rf_checking checking = {.task = task, .face = face_of(task->settings)};
    rf_store_head(task);
    enum rf_code code = rf_check_new(&options, &checking.check, error);
    if (code == RF_OK) {
        code = look(&checking, error);
    }
    if (code == RF_OK) {
        code = plan_and_tell(&checking, context, summary, error);
    }
    rf_findings_release(&checking.ready);
    rf_check_free(checking.check);
    return code;
}

static enum rf_code run(struct rf_task *task, struct rf_error *error) {
    struct sample sample = {.taken = false};
    enum rf_code code =
        rf_stores_each(task, RF_STORES_TO_THE_END, &task->summary, check_one, &sample, error);
    rf_place_close(&sample.place);
    return code;
}

enum rf_code rf_command_check(struct rf_task *task, struct rf_error *error) {
    if (task->settings->example_config) {
        rf_output_printf(task->output, "%s", rf_example_config);
        return RF_OK;
    }
    rf_profile_tell(task);
    return run(task, error);
}

/* ---- no face ---- */

static void skip_finding(struct rf_checking *checking, const struct rf_check_finding *finding) {
    (void)checking;
    (void)finding;
}
static void skip_ready(struct rf_checking *checking, const struct rf_finding *finding) {
    (void)checking;
    (void)finding;
}
static void skip_table(struct rf_checking *checking) {
    (void)checking;
}
static void skip_value(struct rf_checking *checking, const struct rf_survey_finding *value) {
    (void)checking;
    (void)value;
}
static void skip_end(struct rf_checking *checking, const struct rf_survey_counts *counts) {
    (void)checking;
    (void)counts;
}
static void skip_object(struct rf_checking *checking, const struct rf_object *object,
                        const char *reason) {
    (void)checking;
    (void)object;
    (void)reason;
}

const struct rf_check_face rf_check_silent = {
    .finding = skip_finding,
    .ready = skip_ready,
    .table_begins = skip_table,
    .value = skip_value,
    .table_ends = skip_end,
    .object = skip_object,
    .end = skip_table,
};
