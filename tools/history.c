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
        .pruned = manifest->fold > 0 ? manifest->snapshot - manifest->parent - 1 : 0,
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
        return code;
    }
    step->known = step->manifest.parent == last;
    if (!step->known) {
        rf_manifest_release(&step->before);
        step->before = (struct rf_manifest){0};
    }
    return RF_OK;
}

void rf_history_step_release(struct rf_history_step *step) {
    rf_manifest_release(&step->manifest);
    rf_manifest_release(&step->before);
    *step = (struct rf_history_step){0};
}

/* A delta, the table whole where its chain was folded, or nothing. */
static uint64_t bytes_written(const struct rf_manifest_table *table) {
    const struct rf_archive_ref *last = &table->state[table->state_count - 1];
    if (table->change != RF_CHANGE_DELTA) {
        return table->change == RF_CHANGE_NEW ? last->size : 0;
    }
    bool folded = strcmp(last->name, table->delta.name) != 0;
    return table->delta.size + (folded ? last->size : 0);
}

static void add_wanted(const struct rf_history_step *step, const struct rf_settings *settings,
                       struct rf_snapshot_facts *facts) {
    for (uint32_t i = 0; i < step->manifest.table_count; i++) {
        const struct rf_manifest_table *table = &step->manifest.tables[i];
        if (rf_show_wanted(settings, table->table.name)) {
            add_table(table, facts);
            facts->bytes += bytes_written(table);
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
    facts->pruned = whole.pruned;
    facts->time_us = whole.time_us;
    facts->seconds = whole.seconds;
    add_wanted(step, settings, facts);

    struct rf_schema_changes changes = {0};
    enum rf_code code =
        step->known ? rf_schema_changes_find(&step->before, &step->manifest, &changes, error)
                    : RF_OK;
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
    rf_json_count(json, "pruned", facts->pruned);
    rf_json_text(json, "time", rf_units_iso8601(facts->time_us, time));
    rf_json_count(json, "rows", facts->rows);
    rf_json_count(json, "inserted", facts->inserted);
    rf_json_count(json, "updated", facts->updated);
    rf_json_count(json, "deleted", facts->deleted);
    rf_json_count(json, "moved", facts->moved);
    rf_json_count(json, "bytes", facts->bytes);
    rf_json_seconds(json, "seconds", facts->seconds);
}
