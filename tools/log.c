/* rowferry log: one line a snapshot, the newest last; of some tables alone, where they are named. */
#include "tools/grid.h"
#include "tools/history.h"
#include "tools/snapshot.h"
#include "tools/task.h"
#include "tools/units.h"

static void add_row(struct rf_grid *grid, const struct rf_snapshot_facts *facts) {
    char text[RF_UNITS_TEXT], digest[RF_SHORT_DIGEST];
    rf_grid_number(grid, facts->name.number);
    rf_grid_text(grid, "%s", rf_short_digest(facts->name.digest, digest));
    rf_grid_text(grid, "%s", rf_units_time(facts->time_us, text));
    rf_grid_number(grid, facts->rows);
    rf_grid_number(grid, facts->inserted);
    rf_grid_number(grid, facts->updated);
    rf_grid_number(grid, facts->deleted);
    rf_grid_number(grid, facts->moved);
    rf_grid_text(grid, "%s", rf_units_bytes(facts->bytes, text));
    rf_grid_text(grid, "%s", rf_units_seconds(facts->seconds, text));
}

static void print_line(struct rf_task *task, const struct rf_snapshot_facts *facts) {
    struct rf_json line = rf_json_begin("snapshot");
    rf_snapshot_facts_put(facts, &line);
    rf_json_print(&line, task->output);
}

static bool some_tables(const struct rf_settings *settings) {
    return settings->include || settings->exclude;
}

/* Who asks for some tables wants to know when they changed. */
static bool is_wanted(const struct rf_settings *settings, const struct rf_snapshot_facts *facts) {
    return !some_tables(settings) || settings->verbose || facts->touched > 0;
}

static enum rf_code facts_of(struct rf_task *task, const struct rf_repository *repository,
                             uint32_t place, struct rf_history_step *step,
                             struct rf_snapshot_facts *facts, struct rf_error *error) {
    if (!some_tables(task->settings)) {
        return rf_snapshot_facts_load(repository, place, facts, error);
    }
    enum rf_code code = rf_history_step_to(repository, place, step, error);
    return code == RF_OK ? rf_history_facts_of(step, task->settings, facts, error) : code;
}

/* One snapshot that cannot be read does not hide the others: the first such is the error in the end.
 * Of `count`. */
static enum rf_code list(struct rf_task *task, const struct rf_repository *repository,
                         uint32_t count, struct rf_grid *grid, uint64_t *listed,
                         struct rf_error *error) {
    struct rf_history_step step = {0};
    enum rf_code first = RF_OK;
    for (uint32_t place = 0; place < count && !task->output->failed; place++) {
        struct rf_snapshot_facts facts;
        struct rf_error found;
        enum rf_code code = rf_task_check_stop(task, &found);
        bool stopped = code != RF_OK;
        if (!stopped) {
            code = facts_of(task, repository, place, &step, &facts, &found);
        }
        if (code != RF_OK && (stopped || first == RF_OK)) {
            *error = found;
            first = code;
        }
        if (stopped) {
            break;
        }
        if (code != RF_OK || !is_wanted(task->settings, &facts)) {
            continue;
        }
        ++*listed;
        if (task->settings->json) {
            print_line(task, &facts);
        } else {
            add_row(grid, &facts);
        }
    }
    rf_history_step_release(&step);
    return first;
}

enum rf_code rf_command_log(struct rf_task *task, struct rf_error *error) {
    static const struct rf_grid_column columns[] = {
        {"snapshot", true}, {"digest", false}, {"time", false}, {"rows", true},  {"inserted", true},
        {"updated", true},  {"deleted", true}, {"moved", true}, {"bytes", true}, {"took", true}};
    struct rf_repository *repository = NULL;
    enum rf_code code = rf_trust_open(task, RF_REPOSITORY_READ, &repository, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_grid *grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    uint32_t count = 0;
    uint64_t listed = 0;
    code = rf_snapshot_arrived(task, repository, &count, error);
    if (code == RF_OK) {
        code = list(task, repository, count, grid, &listed, error);
    }
    if (rf_task_for_people(task)) {
        rf_grid_print(grid, task->output);
    }
    rf_json_count(&task->summary, "snapshots", listed);
    rf_grid_free(grid);
    rf_repository_close(repository);
    return code;
}
