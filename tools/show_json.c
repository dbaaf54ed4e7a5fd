/* A snapshot as JSON lines: snapshot, then its tables, objects, what changed in the
 * schema, and what was left out. */
#include <stddef.h>

#include "tools/show.h"

static void print_snapshot(struct rf_task *task, const struct rf_manifest *manifest,
                           const struct rf_snapshot_facts *facts) {
    char uuid[RF_UUID_TEXT];
    struct rf_json line = rf_json_begin("snapshot");
    rf_snapshot_facts_put(facts, &line);
    rf_json_text(&line, "source", rf_uuid_text(manifest->source, uuid));
    rf_trust_put(manifest, &line);
    rf_json_text(&line, "path", manifest->path);
    rf_json_text(&line, "writer", manifest->writer);
    rf_json_text(&line, "sqlite_version", manifest->sqlite_version);
    rf_json_count(&line, "page_size", manifest->page_size);
    rf_json_text(&line, "encoding", manifest->encoding);
    rf_json_integer(&line, "user_version", manifest->user_version);
    rf_json_integer(&line, "application_id", manifest->application_id);
    rf_json_count(&line, "auto_vacuum", manifest->auto_vacuum);
    rf_json_text(&line, "journal_mode", manifest->journal_mode);
    rf_json_print(&line, task->output);
}

static struct rf_json column_of(const struct rf_column *column, const struct rf_census *census) {
    struct rf_json json = rf_json_begin(NULL);
    rf_json_text(&json, "name", column->name);
    rf_json_text(&json, "type", column->declared);
    for (unsigned class = 0; class < RF_CLASSES; class ++) {
        rf_json_count(&json, rf_class_name((enum rf_class) class), census->count[class]);
    }
    if (census->count[RF_INTEGER] > 0) {
        rf_json_integer(&json, "min_integer", census->min_integer);
        rf_json_integer(&json, "max_integer", census->max_integer);
    }
    rf_json_count(&json, "longest", census->longest);
    rf_json_count(&json, "text_with_nul", census->text_with_nul);
    rf_json_count(&json, "text_not_utf8", census->text_not_utf8);
    return json;
}

static struct rf_json archive_of(const struct rf_archive_ref *ref) {
    struct rf_json json = rf_json_begin(NULL);
    rf_json_text(&json, "name", ref->name);
    rf_json_text(&json, "kind", ref->kind == RF_ARCHIVE_FULL ? "full" : "delta");
    rf_json_count(&json, "bytes", ref->size);
    return json;
}

static void print_table(struct rf_task *task, const struct rf_manifest_table *table) {
    struct rf_json line = rf_json_begin("table");
    rf_json_text(&line, "table", table->table.name);
    rf_json_count(&line, "rows", table->digest.rows);
    rf_json_hash(&line, "digest", table->digest.sum);
    rf_json_text(&line, "change", rf_show_change(table->change));
    rf_json_count(&line, "inserted", table->inserted);
    rf_json_count(&line, "updated", table->updated);
    rf_json_count(&line, "deleted", table->deleted);
    rf_json_count(&line, "moved", table->moved);
    struct rf_json columns = rf_json_array();
    for (uint32_t i = 0; i < table->table.column_count; i++) {
        struct rf_json column = column_of(&table->table.columns[i], &table->census[i]);
        rf_json_append(&columns, &column);
    }
    rf_json_put(&line, "columns", &columns);
    struct rf_json archives = rf_json_array();
    for (uint32_t i = 0; i < table->state_count; i++) {
        struct rf_json archive = archive_of(&table->state[i]);
        rf_json_append(&archives, &archive);
    }
    rf_json_put(&line, "archives", &archives);
    rf_json_text(&line, "sql", table->table.sql);
    rf_json_print(&line, task->output);
}

/* Tables that have rows in the snapshot have a line of their own already. */
static void print_objects(struct rf_task *task, const struct rf_manifest *manifest) {
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        const struct rf_object *object = &manifest->objects[i];
        if (rf_manifest_find(manifest, object->name) ||
            !rf_show_wanted(task->settings, object->table)) {
            continue;
        }
        struct rf_json line = rf_json_begin("object");
        rf_json_text(&line, "kind", rf_show_kind(object));
        rf_json_text(&line, "name", object->name);
        rf_json_text(&line, "table", object->table);
        rf_json_text(&line, "sql", object->sql);
        rf_json_print(&line, task->output);
    }
}

static void print_changes(struct rf_task *task, const struct rf_schema_changes *changes) {
    for (uint32_t i = 0; i < changes->count; i++) {
        if (rf_show_wanted(task->settings, rf_schema_change_of(&changes->list[i])->table)) {
            struct rf_json line = rf_schema_change_json(&changes->list[i]);
            rf_json_print(&line, task->output);
        }
    }
}

void rf_show_json(struct rf_task *task, const struct rf_shown *shown) {
    const struct rf_manifest *manifest = &shown->manifest;
    const struct rf_snapshot_facts *facts = &shown->facts;
    print_snapshot(task, manifest, facts);
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        if (rf_show_wanted(task->settings, manifest->tables[i].table.name)) {
            print_table(task, &manifest->tables[i]);
        }
    }
    print_objects(task, manifest);
    print_changes(task, &shown->changes);
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        struct rf_json line = rf_json_begin("left_out");
        rf_json_text(&line, "name", manifest->left_out[i].name);
        rf_json_text(&line, "reason", manifest->left_out[i].reason);
        rf_json_print(&line, task->output);
    }
    rf_json_count(&task->summary, "snapshot", facts->name.number);
    rf_json_count(&task->summary, "tables", manifest->table_count);
    rf_json_count(&task->summary, "rows", facts->rows);
}
