/* The difference as a script for psql, for tables as rowferry makes them from SQLite's.
 *
 * A plain reading: every value is a literal in quotes, of which PostgreSQL makes what its column
 * is. Rows are found by the declared key; where there is none, or it holds a NULL, by all their
 * columns, and then one of those that are alike is taken. First rows are deleted, of all tables,
 * those that others refer to last; then table by table, those first, rows are updated in place and
 * inserted.
 *
 * A row whose key changed, or in whose table other values must be unique, is deleted and inserted:
 * updates one by one would collide where values change places. So is one that refers to another
 * row than before, which may not be there yet, unless rows of other tables refer to it in turn.
 *
 * A row with a text that PostgreSQL cannot hold is not put in; a comment says so, and the exit
 * code is the one of rows that are set aside. */
#include "tools/diff_postgres.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "replay/quote.h"
#include "tools/literal.h"
#include "tools/message.h"
#include "tools/show.h"

enum phase { DELETING, UPDATING, INSERTING };

struct script {
    struct rf_diff *diff;
    struct rf_output *out;
    struct rf_diff_plan *plan;
    const struct rf_diff_table *table; /* of the walk */
    enum phase phase;                  /* likewise */
    bool referred;                     /* other tables refer to that one */
    uint64_t left_out;
};

/* ---- what can be said ---- */

static bool is_computed(const struct script *script, uint32_t column) {
    return rf_diff_plan_computes(script->plan, script->table, column);
}

static bool can_say(const struct script *script, const struct rf_diff_side *side) {
    bool can = true;
    for (uint32_t i = 0; can && i < side->table->table.column_count; i++) {
        struct rf_value value = rf_diff_value(side, i);
        can = is_computed(script, i) || rf_literal_postgres_can(&value);
    }
    return can;
}

static bool has_key(const struct rf_diff_side *side) {
    const struct rf_table *table = &side->table->table;
    bool has = table->key_count > 0;
    for (uint32_t i = 0; has && i < table->key_count; i++) {
        struct rf_value value = rf_diff_value(side, table->key[i]);
        has = value.class != RF_NULL && rf_literal_postgres_can(&value);
    }
    return has;
}

static bool same_key(const struct rf_diff_row *row) {
    const struct rf_table *table = &row->after.table->table;
    bool same = has_key(&row->before) && has_key(&row->after);
    for (uint32_t i = 0; same && i < table->key_count; i++) {
        same = rf_diff_same_value(row, table->key[i]);
    }
    return same;
}

/* Whether columns beside the key must be unique. */
static bool is_unique(const struct rf_table *table) {
    bool unique = false;
    for (uint32_t i = 0; !unique && i < table->index_count; i++) {
        unique = table->indexes[i].unique && table->indexes[i].origin != 'p';
    }
    return unique;
}

/* ---- what refers to what ---- */

static bool refers(const struct rf_manifest_table *table, const char *parent) {
    bool found = false;
    for (uint32_t i = 0; table && !found && i < table->table.foreign_key_count; i++) {
        found = strcasecmp(table->table.foreign_keys[i].parent, parent) == 0;
    }
    return found;
}

static bool is_referred(const struct rf_diff *diff, const struct rf_diff_table *table) {
    bool found = false;
    for (uint32_t i = 0; !found && i < diff->table_count; i++) {
        const struct rf_diff_table *other = &diff->tables[i];
        found = refers(other->before, table->name) || refers(other->after, table->name);
    }
    return found;
}

static bool is_foreign(const struct rf_table *table, const char *column) {
    bool found = false;
    for (uint32_t i = 0; !found && i < table->foreign_key_count; i++) {
        const struct rf_foreign_key *key = &table->foreign_keys[i];
        for (uint32_t j = 0; !found && j < key->part_count; j++) {
            found = strcasecmp(key->from[j], column) == 0;
        }
    }
    return found;
}

/* Whether a foreign key of the row is another: then what it referred to may go before, and what it
 * refers to come after. */
static bool is_reattached(const struct rf_diff_row *row) {
    const struct rf_table *table = &row->after.table->table;
    bool changed = false;
    for (uint32_t i = 0; !changed && i < table->column_count; i++) {
        changed = is_foreign(table, table->columns[i].name) && !rf_diff_same_value(row, i);
    }
    return changed;
}

static bool is_in_place(const struct script *script, const struct rf_diff_row *row) {
    return row->event == RF_DIFF_UPDATED && same_key(row) && !is_unique(&row->after.table->table) &&
           (script->referred || !is_reattached(row)) && can_say(script, &row->before) &&
           can_say(script, &row->after);
}

/* ---- statements ---- */

static void put_relation(const struct script *script, const char *before, const char *name) {
    rf_output_printf(script->out, "%s", before);
    rf_literal_sql_name(script->out, script->diff->task->settings->schema);
    rf_output_printf(script->out, ".");
    rf_literal_sql_name(script->out, name);
}

static void put_column(const struct script *script, const struct rf_diff_side *side,
                       const char *before, uint32_t column) {
    rf_output_printf(script->out, "%s", before);
    rf_literal_sql_name(script->out, side->table->table.columns[column].name);
}

static void put_assignment(const struct script *script, const struct rf_diff_side *side,
                           const char *before, uint32_t column) {
    struct rf_value value = rf_diff_value(side, column);
    put_column(script, side, before, column);
    rf_output_printf(script->out, " = ");
    rf_literal_postgres(script->out, &value);
}

static void put_condition(const struct script *script, const struct rf_diff_side *side,
                          const char *before, uint32_t column) {
    if (rf_diff_value(side, column).class == RF_NULL) {
        put_column(script, side, before, column);
        rf_output_printf(script->out, " IS NULL");
    } else {
        put_assignment(script, side, before, column);
    }
}

static void put_key(const struct script *script, const struct rf_diff_side *side) {
    const struct rf_table *table = &side->table->table;
    for (uint32_t i = 0; i < table->key_count; i++) {
        put_condition(script, side, i > 0 ? " AND " : " WHERE ", table->key[i]);
    }
}

/* Of rows that are alike in all columns, one. */
static void put_whole(const struct script *script, const struct rf_diff_side *side) {
    const char *before = " WHERE ";
    put_relation(script, " WHERE ctid = (SELECT ctid FROM ", side->table->table.name);
    for (uint32_t i = 0; i < side->table->table.column_count; i++) {
        if (!is_computed(script, i)) {
            put_condition(script, side, before, i);
            before = " AND ";
        }
    }
    rf_output_printf(script->out, " LIMIT 1)");
}

/* A row without a key that cannot be said is not in the target. */
static void delete_row(const struct script *script, const struct rf_diff_side *side) {
    bool keyed = has_key(side);
    if (keyed || can_say(script, side)) {
        put_relation(script, "DELETE FROM ", side->table->table.name);
        if (keyed) {
            put_key(script, side);
        } else {
            put_whole(script, side);
        }
        rf_output_printf(script->out, ";\n");
    }
}

static void update_row(const struct script *script, const struct rf_diff_row *row) {
    const char *before = " SET ";
    for (uint32_t i = 0; i < row->after.table->table.column_count; i++) {
        if (is_computed(script, i) || rf_diff_same_value(row, i)) {
            continue;
        }
        if (before[1] == 'S') {
            put_relation(script, "UPDATE ", row->after.table->table.name);
        }
        put_assignment(script, &row->after, before, i);
        before = ", ";
    }
    if (before[1] != 'S') {
        put_key(script, &row->after);
        rf_output_printf(script->out, ";\n");
    }
}

static void insert_row(const struct script *script, const struct rf_diff_side *side) {
    uint32_t count = side->table->table.column_count;
    const char *before = " (";
    put_relation(script, "INSERT INTO ", side->table->table.name);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_computed(script, i)) {
            put_column(script, side, before, i);
            before = ", ";
        }
    }
    before = ") VALUES (";
    for (uint32_t i = 0; i < count; i++) {
        struct rf_value value = rf_diff_value(side, i);
        if (!is_computed(script, i)) {
            rf_output_printf(script->out, "%s", before);
            rf_literal_postgres(script->out, &value);
            before = ", ";
        }
    }
    rf_output_printf(script->out, ");\n");
}

/* Line feeds are written out, so that the comment stays one. */
static void leave_out(struct script *script, const struct rf_diff_side *side) {
    const struct rf_table *table = &side->table->table;
    rf_output_printf(script->out, "-- left out, as PostgreSQL has no such text: ");
    rf_output_name(script->out, table->name);
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct rf_value value = rf_diff_value(side, i);
        rf_output_printf(script->out, i > 0 ? ", " : ": ");
        rf_output_name(script->out, table->columns[i].name);
        rf_output_printf(script->out, " ");
        rf_literal_people(script->out, &value, 120);
    }
    rf_output_printf(script->out, "\n");
    script->left_out++;
}

/* ---- rows ---- */

static enum rf_code on_row(void *context, const struct rf_diff_row *row, struct rf_error *error) {
    struct script *script = context;
    (void)error;
    if (row->event == RF_DIFF_MOVED) {
        return RF_OK; /* a rowid that is no column does not go along */
    }
    bool update = is_in_place(script, row);
    if (script->phase == DELETING && row->before.rows && !update) {
        delete_row(script, &row->before);
    } else if (script->phase == UPDATING && update) {
        update_row(script, row);
    } else if (script->phase == INSERTING && row->after.rows && !update) {
        if (can_say(script, &row->after)) {
            insert_row(script, &row->after);
        } else {
            leave_out(script, &row->after);
        }
    }
    return RF_OK;
}

static enum rf_code walk(struct script *script, const struct rf_diff_table *table, enum phase phase,
                         struct rf_error *error) {
    script->table = table;
    script->phase = phase;
    script->referred = is_referred(script->diff, table);
    if (table->change == RF_DIFF_ROWS) {
        return rf_diff_walk(script->diff, table, on_row, script, error);
    }
    bool comes = table->change == RF_DIFF_NEW || table->change == RF_DIFF_RESHAPED;
    return comes && phase == INSERTING
               ? rf_diff_walk_whole(script->diff, table->after, on_row, script, error)
               : RF_OK;
}

static enum rf_code put_rows(struct script *script, const uint32_t *order, struct rf_error *error) {
    struct rf_diff *diff = script->diff;
    enum rf_code code = RF_OK;
    for (uint32_t i = diff->table_count; code == RF_OK && i-- > 0;) {
        code = walk(script, &diff->tables[order[i]], DELETING, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < diff->table_count; i++) {
        code = walk(script, &diff->tables[order[i]], UPDATING, error);
        if (code == RF_OK) {
            code = walk(script, &diff->tables[order[i]], INSERTING, error);
        }
    }
    return code;
}

/* ---- the order of the tables ---- */

static bool depends(const struct rf_diff_table *child, const struct rf_diff_table *parent) {
    return child != parent &&
           (refers(child->before, parent->name) || refers(child->after, parent->name));
}

/* Whether a table that is not placed yet must come before this one. */
static bool waits(const struct rf_diff *diff, const bool *placed, uint32_t table) {
    bool found = false;
    for (uint32_t i = 0; !found && i < diff->table_count; i++) {
        found = !placed[i] && depends(&diff->tables[table], &diff->tables[i]);
    }
    return found;
}

/* Those that are referred to first; tables in a ring as they stand. */
static void sort(const struct rf_diff *diff, bool *placed, uint32_t *order) {
    uint32_t count = 0;
    bool ring = false;
    while (count < diff->table_count) {
        uint32_t before = count;
        for (uint32_t i = 0; i < diff->table_count; i++) {
            if (!placed[i] && (ring || !waits(diff, placed, i))) {
                placed[i] = true;
                order[count++] = i;
                ring = false;
            }
        }
        ring = count == before;
    }
}

static enum rf_code sort_tables(const struct rf_diff *diff, uint32_t **order,
                                struct rf_error *error) {
    bool *placed = calloc((size_t)diff->table_count + 1, sizeof *placed);
    *order = calloc((size_t)diff->table_count + 1, sizeof **order);
    enum rf_code code = RF_OK;
    if (placed && *order) {
        sort(diff, placed, *order);
    } else {
        code = rf_fail_memory(error);
    }
    free(placed);
    return code;
}

/* ---- around the rows ---- */

/* A role that may hold triggers and foreign keys off does: rows that are deleted and put back take
 * nothing along, and what refers to each other may come in any order. */
static void begin(const struct script *script) {
    rf_output_printf(script->out, "\\set ON_ERROR_STOP on\n"
                                  "BEGIN;\n"
                                  "SET LOCAL client_encoding = 'UTF8';\n"
                                  "SET LOCAL standard_conforming_strings = on;\n"
                                  "SET LOCAL client_min_messages = warning;\n"
                                  "DO $$ BEGIN SET LOCAL session_replication_role = replica;\n"
                                  "EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;\n"
                                  "SET CONSTRAINTS ALL DEFERRED;\n");
}

static bool is_carried(const struct rf_schema_change *change) {
    const struct rf_object *object = rf_schema_change_of(change);
    return strcmp(object->type, "table") == 0 && change->event != RF_SCHEMA_CHANGED;
}

/* What is not done is told. */
static void tell_schema(const struct script *script) {
    const struct rf_schema_changes *schema = &script->diff->schema;
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct rf_schema_change *change = &schema->list[i];
        const struct rf_object *object = rf_schema_change_of(change);
        if (!is_carried(change) && rf_show_wanted(script->diff->task->settings, object->table)) {
            rf_diff_comment(script->out, "%s %s: %s", rf_schema_event_name(change->event),
                            rf_show_kind(object), object->sql);
        }
    }
}

static void drop_tables(const struct script *script, const uint32_t *order) {
    for (uint32_t i = script->diff->table_count; i-- > 0;) {
        const struct rf_diff_table *table = &script->diff->tables[order[i]];
        if (table->change == RF_DIFF_DROPPED || table->change == RF_DIFF_RESHAPED) {
            put_relation(script, "DROP TABLE IF EXISTS ", table->name);
            rf_output_printf(script->out, ";\n");
        }
    }
}

static bool sequence_of(const struct rf_manifest *manifest, const char *table, int64_t *number) {
    for (uint32_t i = 0; i < manifest->sequence_count; i++) {
        const struct rf_buffer *cells = &manifest->sequences[i].cells;
        struct rf_cursor cursor = rf_cursor_of(cells->bytes, cells->size);
        struct rf_value name, value;
        if (rf_row_next(&cursor, &name) && rf_row_next(&cursor, &value) && name.class == RF_TEXT &&
            name.size == strlen(table) && memcmp(name.bytes, table, name.size) == 0 &&
            value.class == RF_INTEGER && value.integer > 0) {
            *number = value.integer;
            return true;
        }
    }
    return false;
}

/* Where the column has a sequence, it goes on behind the last number that SQLite gave. */
static void put_sequence(const struct script *script, const struct rf_diff_table *table) {
    int64_t number;
    if (!table->after || !table->after->table.autoincrement || table->after->table.alias < 0 ||
        !sequence_of(&script->diff->to.manifest, table->name, &number)) {
        return;
    }
    const char *column = table->after->table.columns[table->after->table.alias].name;
    struct rf_buffer relation = {0};
    rf_quote_qualified(&relation, script->diff->task->settings->schema, table->name);
    const struct rf_value values[] = {
        {.class = RF_TEXT, .size = (uint32_t)relation.size, .bytes = relation.bytes},
        {.class = RF_TEXT, .size = (uint32_t)strlen(column), .bytes = (const uint8_t *)column}};
    rf_output_printf(script->out, "SELECT setval(pg_get_serial_sequence(");
    rf_literal_postgres(script->out, &values[0]);
    rf_output_printf(script->out, ", ");
    rf_literal_postgres(script->out, &values[1]);
    rf_output_printf(script->out, "), %" PRId64 ") \\g /dev/null\n", number);
    script->out->pending.failed |= relation.failed;
    rf_buffer_release(&relation);
}

static void end(struct script *script) {
    for (uint32_t i = 0; i < script->diff->table_count; i++) {
        if (script->diff->tables[i].change != RF_DIFF_SAME) {
            put_sequence(script, &script->diff->tables[i]);
        }
    }
    rf_output_printf(script->out, "COMMIT;\n");
    if (script->left_out > 0) {
        char text[96];
        snprintf(text, sizeof text, "rows that are left out of the script: %" PRIu64,
                 script->left_out);
        rf_message_warning(text);
        script->diff->task->set_aside = true;
    }
}

enum rf_code rf_diff_postgres(struct rf_diff *diff, struct rf_error *error) {
    struct script script = {.diff = diff, .out = diff->task->output};
    struct rf_buffer ddl = {0};
    uint32_t *order = NULL;
    enum rf_code code = rf_diff_plan_make(diff, &script.plan, &ddl, error);
    if (code == RF_OK) {
        code = sort_tables(diff, &order, error);
    }
    if (code == RF_OK) {
        rf_diff_title(diff);
        tell_schema(&script);
        begin(&script);
        drop_tables(&script, order);
        rf_output_bytes(script.out, ddl.bytes, ddl.size);
        code = put_rows(&script, order, error);
        if (code == RF_OK) {
            end(&script);
        } else {
            rf_output_printf(script.out, "ROLLBACK;\n");
        }
    }
    free(order);
    rf_buffer_release(&ddl);
    rf_diff_plan_free(script.plan);
    return code;
}
