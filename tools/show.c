/* rowferry show: one snapshot, from its manifest alone, and what of its schema was another before. */
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "tools/grid.h"
#include "tools/history.h"
#include "tools/show.h"
#include "tools/snapshot.h"
#include "tools/task.h"
#include "tools/units.h"

/* ---- which tables ---- */

static bool matches(const char *const *globs, const char *name) {
    while (*globs && fnmatch(*globs, name, 0) != 0) {
        globs++;
    }
    return *globs;
}

bool rf_show_wanted(const struct rf_settings *settings, const char *name) {
    return (!settings->include || matches(settings->include, name)) &&
           !(settings->exclude && matches(settings->exclude, name));
}

/* sqlite_schema calls a virtual table a table; its SQL tells. */
const char *rf_show_kind(const struct rf_object *object) {
    static const char prefix[] = "CREATE VIRTUAL";
    bool is_virtual = strcmp(object->type, "table") == 0 && object->sql &&
                      strncasecmp(object->sql, prefix, sizeof prefix - 1) == 0;
    return is_virtual ? "virtual" : object->type;
}

/* ---- for people ---- */

/* "parent        5 (6 and 7 were pruned)" */
static void print_parent(struct rf_output *out, const struct rf_snapshot_facts *facts) {
    uint64_t first = facts->parent + 1;
    uint64_t last = facts->parent + facts->pruned;
    if (facts->parent > 0) {
        rf_output_printf(out, "parent        %" PRIu64, facts->parent);
    } else if (facts->pruned > 0) {
        rf_output_printf(out, "parent        none");
    }
    if (facts->pruned == 1) {
        rf_output_printf(out, " (%" PRIu64 " was pruned)", first);
    } else if (facts->pruned > 1) {
        rf_output_printf(out, " (%" PRIu64 " %s %" PRIu64 " were pruned)", first,
                         facts->pruned == 2 ? "and" : "to", last);
    }
    rf_output_printf(out, facts->parent + facts->pruned > 0 ? "\n" : "");
}

static void print_source(struct rf_output *out, const struct rf_manifest *manifest,
                         const struct rf_snapshot_facts *facts) {
    char text[RF_UNITS_TEXT], digest[RF_HASH_HEX], uuid[RF_UUID_TEXT];
    rf_output_printf(out, "snapshot      %" PRIu64 "  %s\n", facts->name.number,
                     rf_hash_text(facts->name.digest, digest));
    print_parent(out, facts);
    rf_output_printf(out, "time          %s\n", rf_units_time(facts->time_us, text));
    if (manifest->signature.is_signed) {
        char key[RF_KEY_FINGERPRINT];
        rf_output_printf(out, "signed by     %s\n",
                         rf_key_fingerprint(manifest->signature.key, key));
    }
    rf_output_printf(out, "source        %s\n", rf_uuid_text(manifest->source, uuid));
    rf_output_printf(out, "database      ");
    rf_output_name(out, manifest->path);
    rf_output_printf(out, "\nwritten by    %s, SQLite %s\n", manifest->writer,
                     manifest->sqlite_version);
    rf_output_printf(out,
                     "settings      %s, pages of %" PRIu32
                     " bytes, journal %s, auto_vacuum %" PRIu32 ", user_version %" PRId32
                     ", application_id %" PRId32 "\n",
                     manifest->encoding, manifest->page_size, manifest->journal_mode,
                     manifest->auto_vacuum, manifest->user_version, manifest->application_id);
    rf_output_printf(out, "captured      %s written, ", rf_units_bytes(facts->bytes, text));
    rf_output_printf(out, "%s\n", rf_units_seconds(facts->seconds, text));
}

const char *rf_show_change(enum rf_change change) {
    static const char *const names[] = {
        [RF_CHANGE_NONE] = "none", [RF_CHANGE_DELTA] = "delta", [RF_CHANGE_NEW] = "new"};
    return names[change];
}

static void add_table(struct rf_grid *grid, const struct rf_manifest_table *table) {
    char text[RF_UNITS_TEXT], digest[RF_SHORT_DIGEST];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < table->state_count; i++) {
        bytes += table->state[i].size;
    }
    rf_grid_name(grid, table->table.name);
    rf_grid_number(grid, table->digest.rows);
    rf_grid_number(grid, table->table.column_count);
    rf_grid_text(grid, "%s", rf_short_digest(table->digest.sum, digest));
    rf_grid_text(grid, "%s", rf_show_change(table->change));
    rf_grid_number(grid, table->state_count);
    rf_grid_text(grid, "%s", rf_units_bytes(bytes, text));
}

static void print_tables(struct rf_task *task, const struct rf_manifest *manifest) {
    static const struct rf_grid_column columns[] = {
        {"table", false},  {"rows", true},     {"columns", true}, {"digest", false},
        {"change", false}, {"archives", true}, {"bytes", true}};
    struct rf_grid *grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        if (rf_show_wanted(task->settings, manifest->tables[i].table.name)) {
            add_table(grid, &manifest->tables[i]);
        }
    }
    rf_output_printf(task->output, "\n");
    rf_grid_print(grid, task->output);
    rf_grid_free(grid);
}

static void add_column(struct rf_grid *grid, const struct rf_column *column,
                       const struct rf_census *census) {
    rf_grid_name(grid, column->name);
    rf_grid_name(grid, column->declared ? column->declared : "");
    for (unsigned class = 0; class < RF_CLASSES; class ++) {
        rf_grid_number(grid, census->count[class]);
    }
    if (census->count[RF_INTEGER] > 0) {
        rf_grid_text(grid, "%" PRId64, census->min_integer);
        rf_grid_text(grid, "%" PRId64, census->max_integer);
    } else {
        rf_grid_text(grid, "%s", "");
        rf_grid_text(grid, "%s", "");
    }
    rf_grid_number(grid, census->longest);
    rf_grid_number(grid, census->text_with_nul);
    rf_grid_number(grid, census->text_not_utf8);
}

static void print_census(struct rf_task *task, const struct rf_manifest_table *table) {
    static const struct rf_grid_column columns[] = {
        {"column", false},  {"type", false},   {"null", true},     {"integer", true},
        {"real", true},     {"text", true},    {"blob", true},     {"least", true},
        {"greatest", true}, {"longest", true}, {"with NUL", true}, {"not UTF-8", true}};
    struct rf_grid *grid = rf_grid_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < table->table.column_count; i++) {
        add_column(grid, &table->table.columns[i], &table->census[i]);
    }
    rf_output_printf(task->output, "\n");
    rf_output_name(task->output, table->table.name);
    rf_output_printf(task->output, ":\n");
    rf_grid_print(grid, task->output);
    for (uint32_t i = 0; i < table->state_count; i++) {
        char text[RF_UNITS_TEXT];
        rf_output_printf(task->output, "archive %s, %s\n", table->state[i].name,
                         rf_units_bytes(table->state[i].size, text));
    }
    rf_grid_free(grid);
}

static void print_objects(struct rf_task *task, const struct rf_manifest *manifest) {
    static const struct rf_grid_column columns[] = {
        {"kind", false}, {"name", false}, {"table", false}, {"SQL", false}};
    unsigned count = task->settings->verbose ? 4 : 3;
    struct rf_grid *grid = rf_grid_new(columns, count);
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        const struct rf_object *object = &manifest->objects[i];
        if (rf_manifest_find(manifest, object->name) ||
            !rf_show_wanted(task->settings, object->table)) {
            continue;
        }
        rf_grid_text(grid, "%s", rf_show_kind(object));
        rf_grid_name(grid, object->name);
        rf_grid_name(grid, object->table);
        if (count == 4) {
            rf_grid_name(grid, object->sql ? object->sql : "");
        }
    }
    rf_output_printf(task->output, "\n");
    rf_grid_print(grid, task->output);
    rf_grid_free(grid);
}

static void print_left_out(struct rf_output *out, const struct rf_manifest *manifest) {
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        rf_output_printf(out, i == 0 ? "\nleft out: " : "left out: ");
        rf_output_name(out, manifest->left_out[i].name);
        rf_output_printf(out, " (");
        rf_output_name(out, manifest->left_out[i].reason);
        rf_output_printf(out, ")\n");
    }
}

/* ---- what changed in the schema ---- */

static void print_sql(struct rf_output *out, const char *title, const struct rf_object *object) {
    if (object) {
        rf_output_printf(out, "    %s ", title);
        rf_output_name(out, object->sql);
        rf_output_printf(out, "\n");
    }
}

void rf_show_schema_changes(struct rf_task *task, const struct rf_schema_changes *changes) {
    struct rf_output *out = task->output;
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct rf_schema_change *change = &changes->list[i];
        const struct rf_object *object = rf_schema_change_of(change);
        if (!rf_show_wanted(task->settings, object->table)) {
            continue;
        }
        rf_output_printf(out, "%-8s%-8s", rf_schema_event_name(change->event),
                         rf_show_kind(object));
        rf_output_name(out, object->name);
        rf_output_printf(out, "\n");
        if (task->settings->verbose) {
            print_sql(out, "was", change->before);
            print_sql(out, "is", change->after);
        }
    }
}

static void print_changes(struct rf_task *task, const struct rf_shown *shown) {
    bool any = false;
    for (uint32_t i = 0; !any && i < shown->changes.count; i++) {
        const struct rf_object *object = rf_schema_change_of(&shown->changes.list[i]);
        any = rf_show_wanted(task->settings, object->table);
    }
    if (any) {
        rf_output_printf(task->output, "\nschema, against snapshot %" PRIu64 ":\n",
                         shown->parent.snapshot);
        rf_show_schema_changes(task, &shown->changes);
    }
}

/* ---- the command ---- */

static void print_for_people(struct rf_task *task, const struct rf_shown *shown) {
    const struct rf_manifest *manifest = &shown->manifest;
    print_source(task->output, manifest, &shown->facts);
    print_tables(task, manifest);
    for (uint32_t i = 0; task->settings->verbose && i < manifest->table_count; i++) {
        if (rf_show_wanted(task->settings, manifest->tables[i].table.name)) {
            print_census(task, &manifest->tables[i]);
        }
    }
    print_objects(task, manifest);
    print_changes(task, shown);
    print_left_out(task->output, manifest);
}

static enum rf_code load(struct rf_task *task, const struct rf_repository *repository,
                         const char *wanted, struct rf_shown *shown, struct rf_error *error) {
    struct rf_snapshot_name name;
    enum rf_code code = rf_snapshot_resolve(task, repository, wanted, &name, error);
    if (code == RF_OK) {
        code = rf_repository_load(repository, &name, &shown->manifest, error);
    }
    if (code != RF_OK) {
        return code;
    }
    rf_snapshot_facts_of(&shown->manifest, &name, &shown->facts);
    const struct rf_snapshot_name *parent =
        shown->facts.parent ? rf_repository_find(repository, shown->facts.parent) : NULL;
    if (!parent) {
        return RF_OK;
    }
    code = rf_repository_load(repository, parent, &shown->parent, error);
    if (code == RF_OK) {
        code = rf_schema_changes_find(&shown->parent, &shown->manifest, &shown->changes, error);
    }
    return code;
}

enum rf_code rf_command_show(struct rf_task *task, struct rf_error *error) {
    const char *wanted = task->operand ? task->operand : task->settings->snapshot;
    struct rf_repository *repository = NULL;
    struct rf_shown shown = {0};
    enum rf_code code = rf_trust_open(task, RF_REPOSITORY_READ, &repository, error);
    if (code == RF_OK) {
        code = load(task, repository, wanted, &shown, error);
    }
    if (code == RF_OK && task->settings->json) {
        rf_show_json(task, &shown);
    } else if (code == RF_OK && !task->settings->quiet) {
        print_for_people(task, &shown);
    }
    rf_schema_changes_release(&shown.changes);
    rf_manifest_release(&shown.parent);
    rf_manifest_release(&shown.manifest);
    rf_repository_close(repository);
    return code;
}
