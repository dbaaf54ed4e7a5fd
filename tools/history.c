/* Sums over a manifest's tables, and walking from one manifest to the next. */
#include "tools/history.h"

#include <string.h>

#include "tools/schema_changes.h"
#include "tools/show.h"
#include "tools/units.h"

static void add_table(const struct rf_manifest_table *table, struct rf_snapshot_facts *facts) {
    facts->rows += table->digest.rows;
    facts->inserted += table->inserted;
    facts->updated += table->updated;
    facts->deleted += table->deleted;
    facts->moved += table->moved;
}

void rf_snapshot_facts_of(const struct rf_manifest *manifest, const struct rf_snapshot_name *name,
                          struct rf_snapshot_facts *facts) {
    *facts = (struct rf_snapshot_facts){
        .name = *name,
        .parent = manifest->parent,
        .time_us = manifest->time_us,
        .bytes = manifest->bytes,
        .seconds = (double)manifest->duration_us * 1e-6,
    };
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        add_table(&manifest->tables[i], facts);
    }
}

enum rf_code rf_snapshot_facts_load(const struct rf_repository *repository, uint32_t place,
                                    struct rf_snapshot_facts *facts, struct rf_error *error) {
    const struct rf_snapshot_name *name = rf_repository_snapshot(repository, place);
    struct rf_manifest manifest = {0};
    enum rf_code code = rf_repository_load(repository, name, &manifest, error);
    if (code == RF_OK) {
        rf_snapshot_facts_of(&manifest, name, facts);
    }
    rf_manifest_release(&manifest);
    return code;
}

/* ---- from snapshot to snapshot ---- */

enum rf_code rf_history_step_to(const struct rf_repository *repository, uint32_t place,
                                struct rf_history_step *step, struct rf_error *error) {
    uint64_t last = step->name.number;
    rf_manifest_release(&step->before);
    step->before = step->manifest;
    step->manifest = (struct rf_manifest){0};
    step->name = *rf_repository_snapshot(repository, place);
    enum rf_code code = rf_repository_load(repository, &step->name, &step->manifest, error);
    if (code != RF_OK) {
        step->name = (struct rf_snapshot_name){0};
    } else if (step->manifest.parent != last) {
        rf_manifest_release(&step->before);
        step->before = (struct rf_manifest){0};
    }
    return code;
}

void rf_history_step_release(struct rf_history_step *step) {
    rf_manifest_release(&step->manifest);
    rf_manifest_release(&step->before);
    *step = (struct rf_history_step){0};
}

static bool names(const struct rf_manifest_table *table, const struct rf_archive_ref *ref) {
    bool found = table->change == RF_CHANGE_DELTA && strcmp(table->delta.name, ref->name) == 0;
    for (uint32_t i = 0; !found && i < table->state_count; i++) {
        found = strcmp(table->state[i].name, ref->name) == 0;
    }
    return found;
}

/* What the table names and did not name before was written for this snapshot. */
static uint64_t bytes_written(const struct rf_manifest_table *before,
                              const struct rf_manifest_table *table) {
    uint64_t bytes = 0;
    bool in_state = false;
    for (uint32_t i = 0; i < table->state_count; i++) {
        const struct rf_archive_ref *ref = &table->state[i];
        in_state |= table->change == RF_CHANGE_DELTA && strcmp(ref->name, table->delta.name) == 0;
        bytes += before && names(before, ref) ? 0 : ref->size;
    }
    if (table->change == RF_CHANGE_DELTA && !in_state) {
        bytes += before && names(before, &table->delta) ? 0 : table->delta.size;
    }
    return bytes;
}

static void add_wanted(const struct rf_history_step *step, const struct rf_settings *settings,
                       struct rf_snapshot_facts *facts) {
    for (uint32_t i = 0; i < step->manifest.table_count; i++) {
        const struct rf_manifest_table *table = &step->manifest.tables[i];
        const char *name = table->table.name;
        if (rf_show_wanted(settings, name)) {
            add_table(table, facts);
            facts->bytes += bytes_written(rf_manifest_find(&step->before, name), table);
            facts->touched += table->change != RF_CHANGE_NONE;
        }
    }
}

enum rf_code rf_history_facts_of(const struct rf_history_step *step,
                                 const struct rf_settings *settings,
                                 struct rf_snapshot_facts *facts, struct rf_error *error) {
    const struct rf_manifest none = {0};
    struct rf_snapshot_facts whole;
    rf_snapshot_facts_of(&step->manifest, &step->name, &whole);
    rf_snapshot_facts_of(&none, &step->name, facts);
    facts->parent = whole.parent;
    facts->time_us = whole.time_us;
    facts->seconds = whole.seconds;
    add_wanted(step, settings, facts);

    struct rf_schema_changes changes;
    enum rf_code code = rf_schema_changes_find(&step->before, &step->manifest, &changes, error);
    for (uint32_t i = 0; code == RF_OK && i < changes.count; i++) {
        facts->touched += rf_show_wanted(settings, rf_schema_change_of(&changes.list[i])->table);
    }
    rf_schema_changes_release(&changes);
    return code;
}

/* ---- telling ---- */

void rf_snapshot_facts_put(const struct rf_snapshot_facts *facts, struct rf_json *json) {
    char time[RF_UNITS_TEXT];
    rf_json_count(json, "snapshot", facts->name.number);
    rf_json_hash(json, "digest", facts->name.digest);
    rf_json_snapshot(json, "parent", facts->parent);
    rf_json_text(json, "time", rf_units_iso8601(facts->time_us, time));
    rf_json_count(json, "rows", facts->rows);
    rf_json_count(json, "inserted", facts->inserted);
    rf_json_count(json, "updated", facts->updated);
    rf_json_count(json, "deleted", facts->deleted);
    rf_json_count(json, "moved", facts->moved);
    rf_json_count(json, "bytes", facts->bytes);
    rf_json_seconds(json, "seconds", facts->seconds);
}
