/* Sums over a manifest's tables. */
#include "tools/history.h"

#include "tools/units.h"

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
        const struct rf_manifest_table *table = &manifest->tables[i];
        facts->rows += table->digest.rows;
        facts->inserted += table->inserted;
        facts->updated += table->updated;
        facts->deleted += table->deleted;
        facts->moved += table->moved;
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
