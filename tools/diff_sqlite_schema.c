/* What stands around the rows in a script for sqlite3: everything that has SQL, and the numbers
 * that a database keeps beside its tables.
 *
 * Virtual tables come without their content, unless the tables that hold it were captured too:
 * then those are made and filled like any other, and the virtual table is only entered into the
 * schema. */
#include <string.h>
#include <strings.h>

#include "tools/diff_sqlite.h"
#include "tools/show.h"

static bool is(const struct rf_object *object, const char *kind) {
    return strcmp(rf_show_kind(object), kind) == 0;
}

static bool is_wanted(const struct rf_diff_script *script, const char *table) {
    return rf_show_wanted(script->diff->task->settings, table);
}

/* ---- which objects ---- */

static const struct rf_diff_table *table_of(const struct rf_diff_script *script, const char *name) {
    for (uint32_t i = 0; i < script->diff->table_count; i++) {
        if (strcasecmp(script->diff->tables[i].name, name) == 0) {
            return &script->diff->tables[i];
        }
    }
    return NULL;
}

static bool is_view(const struct rf_manifest *manifest, const char *name) {
    bool found = false;
    for (uint32_t i = 0; !found && i < manifest->object_count; i++) {
        const struct rf_object *object = &manifest->objects[i];
        found = is(object, "view") && strcasecmp(object->name, name) == 0;
    }
    return found;
}

static bool is_changed(const struct rf_diff_script *script, const struct rf_object *object) {
    const struct rf_schema_changes *schema = &script->diff->schema;
    bool found = false;
    for (uint32_t i = 0; !found && i < schema->count; i++) {
        found = schema->list[i].before == object || schema->list[i].after == object;
    }
    return found;
}

/* What stands on a table that is remade goes and comes with it, and triggers are always away. What
 * stands on a table that was not captured is left alone. */
static bool is_touched(const struct rf_diff_script *script, const struct rf_manifest *manifest,
                       const struct rf_object *object) {
    if (!object->sql || !is_wanted(script, object->table)) {
        return false;
    }
    const struct rf_diff_table *table = table_of(script, object->table);
    if (is(object, "index")) {
        return table && (rf_diff_is_remade(table) || is_changed(script, object));
    }
    if (is(object, "trigger")) {
        return table || is_view(manifest, object->table);
    }
    return is_changed(script, object);
}

/* ---- virtual tables ---- */

/* Is `name` the virtual table's, an underscore, and more? */
static bool is_part_of(const struct rf_object *owner, const char *name) {
    size_t size = strlen(owner->name);
    return strncasecmp(owner->name, name, size) == 0 && name[size] == '_';
}

void rf_diff_with_virtual_tables(struct rf_diff *diff) {
    for (uint32_t i = 0; i < diff->schema.count; i++) {
        const struct rf_schema_change *change = &diff->schema.list[i];
        for (uint32_t j = 0; change->before && j < diff->table_count; j++) {
            struct rf_diff_table *table = &diff->tables[j];
            table->remade |=
                is(change->before, "virtual") && is_part_of(change->before, table->name);
        }
    }
}

/* Whether the tables that hold its content are in the archives. */
static bool has_content(const struct rf_diff_script *script, const struct rf_object *object) {
    const struct rf_manifest *to = &script->diff->to.manifest;
    bool found = false;
    for (uint32_t i = 0; !found && i < to->table_count; i++) {
        found = is_part_of(object, to->tables[i].table.name) &&
                is_wanted(script, to->tables[i].table.name);
    }
    return found;
}

/* ---- SQL that is text ---- */

static void put_text(const struct rf_diff_script *script, const char *text) {
    const struct rf_value value = {
        .class = RF_TEXT, .size = (uint32_t)strlen(text), .bytes = (const uint8_t *)text};
    rf_literal_sqlite(script->out, &value, script->form);
}

/* The last line may be a comment, which must not swallow the semicolon. */
static bool may_end_in_comment(const char *sql) {
    const char *line = strrchr(sql, '\n');
    return strstr(line ? line : sql, "--");
}

static void create(const struct rf_diff_script *script, const char *sql) {
    rf_output_printf(script->out, "%s%s;\n", sql, may_end_in_comment(sql) ? "\n" : "");
}

/* What the line feed above and the shell, which drops carriage returns at the ends of lines, made
 * of the SQL is set right afterwards. */
static bool is_altered(const char *sql) {
    return strchr(sql, '\r') || may_end_in_comment(sql);
}

static void mend(const struct rf_diff_script *script, const struct rf_object *object) {
    rf_output_printf(script->out, "UPDATE sqlite_schema SET sql = ");
    put_text(script, object->sql);
    rf_output_printf(script->out, " WHERE type = '%s' AND name = ", object->type);
    put_text(script, object->name);
    rf_output_printf(script->out, ";\n");
}

static void enter(const struct rf_diff_script *script, const struct rf_object *object) {
    rf_output_printf(script->out, "INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) "
                                  "VALUES('table', ");
    put_text(script, object->name);
    rf_output_printf(script->out, ", ");
    put_text(script, object->name);
    rf_output_printf(script->out, ", 0, ");
    put_text(script, object->sql);
    rf_output_printf(script->out, ");\n");
}

/* ---- the beginning ---- */

static void drop_kind(const struct rf_diff_script *script, const char *kind, const char *word) {
    const struct rf_manifest *from = &script->diff->from.manifest;
    for (uint32_t i = 0; i < from->object_count; i++) {
        const struct rf_object *object = &from->objects[i];
        if (is(object, kind) && is_touched(script, from, object)) {
            rf_diff_put_name(script, word, object->name, ";\n");
        }
    }
}

static void drop_tables(const struct rf_diff_script *script) {
    for (uint32_t i = 0; i < script->diff->table_count; i++) {
        const struct rf_diff_table *table = &script->diff->tables[i];
        if (table->before && rf_diff_is_remade(table)) {
            rf_diff_put_name(script, "DROP TABLE IF EXISTS ", table->name, ";\n");
        }
    }
}

static void create_kind(const struct rf_diff_script *script, const char *kind) {
    const struct rf_manifest *to = &script->diff->to.manifest;
    for (uint32_t i = 0; i < to->object_count; i++) {
        const struct rf_object *object = &to->objects[i];
        bool later = is(object, "virtual") && has_content(script, object);
        if (is(object, kind) && !later && is_touched(script, to, object)) {
            create(script, object->sql);
        }
    }
}

static void create_tables(const struct rf_diff_script *script) {
    for (uint32_t i = 0; i < script->diff->table_count; i++) {
        const struct rf_diff_table *table = &script->diff->tables[i];
        if (table->after && rf_diff_is_remade(table) && table->after->table.sql) {
            create(script, table->after->table.sql);
        }
    }
}

static void tell_left_out(const struct rf_diff_script *script) {
    const struct rf_manifest *to = &script->diff->to.manifest;
    for (uint32_t i = 0; i < to->left_out_count; i++) {
        if (is_wanted(script, to->left_out[i].name)) {
            rf_diff_comment(script->out, "not captured: %s (%s)", to->left_out[i].name,
                            to->left_out[i].reason);
        }
    }
}

/* A new file takes what an old one has already. */
static void put_file_settings(const struct rf_diff_script *script) {
    const struct rf_manifest *from = &script->diff->from.manifest;
    const struct rf_manifest *to = &script->diff->to.manifest;
    if (to->table_count + to->object_count == 0) {
        return;
    }
    if (script->diff->from.name.number == 0) {
        rf_output_printf(script->out,
                         "PRAGMA page_size = %u;\nPRAGMA auto_vacuum = %u;\n"
                         "PRAGMA encoding = '%s';\n",
                         to->page_size, to->auto_vacuum, to->encoding);
    } else if (script->diff->to.name.number > 0 && strcmp(from->encoding, to->encoding) != 0) {
        rf_diff_comment(script->out, "the text became %s, which a script cannot make it",
                        to->encoding);
    }
}

void rf_diff_sqlite_begin(const struct rf_diff_script *script) {
    rf_output_printf(script->out, ".bail on\n");
    rf_diff_title(script->diff);
    tell_left_out(script);
    rf_output_printf(script->out, "PRAGMA foreign_keys = OFF;\n"
                                  "PRAGMA ignore_check_constraints = ON;\n");
    put_file_settings(script);
    rf_output_printf(script->out, "BEGIN IMMEDIATE;\n");
    drop_kind(script, "trigger", "DROP TRIGGER ");
    drop_kind(script, "view", "DROP VIEW ");
    drop_kind(script, "index", "DROP INDEX ");
    drop_kind(script, "virtual", "DROP TABLE ");
    drop_tables(script);
    create_kind(script, "virtual");
    create_tables(script);
}

/* ---- sequences ---- */

static bool has_sequences(const struct rf_manifest *manifest) {
    bool found = manifest->sequence_count > 0;
    for (uint32_t i = 0; !found && i < manifest->table_count; i++) {
        found = manifest->tables[i].table.autoincrement;
    }
    return found;
}

/* The table comes with the first table that needs it, and stays. */
static void make_sequences(const struct rf_diff_script *script) {
    const struct rf_manifest *to = &script->diff->to.manifest;
    bool there = has_sequences(&script->diff->from.manifest);
    for (uint32_t i = 0; !there && i < to->table_count; i++) {
        there = to->tables[i].table.autoincrement && is_wanted(script, to->tables[i].table.name);
    }
    if (!there) {
        rf_output_printf(
            script->out,
            "CREATE TABLE \"rowferry sequence\"(id INTEGER PRIMARY KEY AUTOINCREMENT);\n"
            "DROP TABLE \"rowferry sequence\";\n");
    }
}

static bool is_wanted_sequence(const struct rf_diff_script *script, const struct rf_value *name) {
    char text[256];
    if (name->class != RF_TEXT || name->size >= sizeof text) {
        return !script->diff->task->settings->include;
    }
    memcpy(text, name->bytes, name->size);
    text[name->size] = 0;
    return is_wanted(script, text);
}

static void put_sequence(const struct rf_diff_script *script, const struct rf_sequence *sequence,
                         bool gone) {
    struct rf_cursor cursor = rf_cursor_of(sequence->cells.bytes, sequence->cells.size);
    struct rf_value name, number;
    if (!rf_row_next(&cursor, &name) || !rf_row_next(&cursor, &number) ||
        !is_wanted_sequence(script, &name)) {
        return;
    }
    rf_output_printf(script->out, gone ? "DELETE FROM sqlite_sequence WHERE name IS "
                                       : "INSERT INTO sqlite_sequence VALUES(");
    rf_literal_sqlite(script->out, &name, script->form);
    if (!gone) {
        rf_output_printf(script->out, ", ");
        rf_literal_sqlite(script->out, &number, script->form);
    }
    rf_output_printf(script->out, gone ? ";\n" : ");\n");
}

/* Rows that came have moved sequences on, and those of tables that went are gone with them. */
static void put_sequences(const struct rf_diff_script *script) {
    const struct rf_manifest *from = &script->diff->from.manifest;
    const struct rf_manifest *to = &script->diff->to.manifest;
    if (!has_sequences(from) && !has_sequences(to)) {
        return;
    }
    make_sequences(script);
    for (uint32_t i = 0; i < script->diff->table_count; i++) {
        const struct rf_diff_table *table = &script->diff->tables[i];
        if (table->after && table->after->table.autoincrement) {
            rf_output_printf(script->out, "DELETE FROM sqlite_sequence WHERE name = ");
            put_text(script, table->name);
            rf_output_printf(script->out, ";\n");
        }
    }
    for (uint32_t i = 0; i < from->sequence_count; i++) {
        put_sequence(script, &from->sequences[i], true);
    }
    for (uint32_t i = 0; i < to->sequence_count; i++) {
        put_sequence(script, &to->sequences[i], false);
    }
}

/* ---- the end ---- */

/* What the shell would have altered, and virtual tables whose content is there now. */
static void put_into_schema(const struct rf_diff_script *script) {
    const struct rf_manifest *to = &script->diff->to.manifest;
    bool on = false;
    for (uint32_t i = 0; i < to->object_count; i++) {
        const struct rf_object *object = &to->objects[i];
        const struct rf_diff_table *table = table_of(script, object->name);
        bool made = is(object, "table") ? table && table->after && rf_diff_is_remade(table)
                                        : is_touched(script, to, object);
        bool virtual = made && is(object, "virtual") && has_content(script, object);
        bool bad = made && object->sql && is_altered(object->sql);
        if ((virtual || bad) && !on) {
            rf_output_printf(script->out, "PRAGMA writable_schema = ON;\n");
            on = true;
        }
        if (virtual) {
            enter(script, object);
        } else if (bad) {
            mend(script, object);
        }
    }
}

static void put_numbers(const struct rf_diff_script *script) {
    const struct rf_settings *settings = script->diff->task->settings;
    const struct rf_manifest *from = &script->diff->from.manifest;
    const struct rf_manifest *to = &script->diff->to.manifest;
    bool whole = !settings->include && !settings->exclude;
    if (whole && from->user_version != to->user_version) {
        rf_output_printf(script->out, "PRAGMA user_version = %d;\n", to->user_version);
    }
    if (whole && from->application_id != to->application_id) {
        rf_output_printf(script->out, "PRAGMA application_id = %d;\n", to->application_id);
    }
}

void rf_diff_sqlite_end(const struct rf_diff_script *script) {
    create_kind(script, "index");
    create_kind(script, "view");
    create_kind(script, "trigger");
    put_sequences(script);
    put_into_schema(script);
    put_numbers(script);
    rf_output_printf(script->out, "COMMIT;\nPRAGMA writable_schema = RESET;\n"
                                  "PRAGMA ignore_check_constraints = OFF;\n");
}
