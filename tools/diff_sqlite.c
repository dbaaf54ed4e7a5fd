/* The difference as a script for sqlite3 that makes of a database at FROM one at TO.
 *
 * Exact: rowids, storage classes, text that is none, sequences, schema. So that no order of rows
 * and no constraint stands in the way, of all tables first every row goes that is not at TO as it
 * is, and then every row comes that was not at FROM: what is there in between is a part of FROM or
 * of TO, and neither breaks a constraint. Triggers are away meanwhile; tables whose SQL is another
 * are made anew and filled whole, as are those whose rowid no name reaches.
 *
 * What SQLite would store as another value (a text of digits in a column of integers, which only a
 * hand-made schema allows) is refused: the script ends in ROLLBACK. */
#include "tools/diff_sqlite.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "tools/literal.h"

bool rf_diff_is_remade(const struct rf_diff_table *table) {
    return table->remade || table->change == RF_DIFF_RESHAPED;
}

/* ---- names ---- */

static bool has_column(const struct rf_table *table, const char *name) {
    bool found = false;
    for (uint32_t i = 0; !found && i < table->column_count; i++) {
        found = strcasecmp(table->columns[i].name, name) == 0;
    }
    return found;
}

/* A name that reaches the rowid, its column's where it has one; NULL: none does. */
static const char *rowid_name(const struct rf_table *table) {
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    if (table->key_kind != RF_KEY_ROWID) {
        return NULL;
    }
    if (table->alias >= 0) {
        return table->columns[table->alias].name;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (!has_column(table, names[i])) {
            return names[i];
        }
    }
    return NULL;
}

/* Rows that cannot be named are taken out all at once. */
static bool is_refilled(const struct rf_table *table) {
    return table->key_kind != RF_KEY_COLUMNS && !rowid_name(table);
}

void rf_diff_put_name(const struct rf_diff_script *script, const char *before, const char *name,
                      const char *after) {
    rf_output_printf(script->out, "%s", before);
    rf_literal_sql_name(script->out, name);
    rf_output_printf(script->out, "%s", after);
}

/* ---- rows ---- */

static enum rf_code refuse(const struct rf_diff_side *side, uint32_t column, const char *why,
                           struct rf_error *error) {
    const struct rf_table *table = &side->table->table;
    struct rf_value value = rf_diff_value(side, column);
    rf_fail(error, RF_FAILED, "a value of column %s of table %s cannot be put into a script",
            table->columns[column].name, table->name);
    rf_detail(error, "the %s in the row with the rowid %" PRId64 ": %s", rf_class_name(value.class),
              side->rowid, why);
    rf_hint(error,
            "rowferry restore makes the whole database; --rows shows the value; -T %s leaves "
            "the table out.",
            table->name);
    return RF_FAILED;
}

static enum rf_code check_row(const struct rf_diff_script *script, const struct rf_diff_side *side,
                              struct rf_error *error) {
    const struct rf_table *table = &side->table->table;
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct rf_value value = rf_diff_value(side, i);
        const char *why = table->columns[i].generated
                              ? NULL
                              : rf_literal_sqlite_refusal(&value, table, i, script->form);
        if (why) {
            return refuse(side, i, why, error);
        }
    }
    return RF_OK;
}

static void put_value(const struct rf_diff_script *script, const struct rf_diff_side *side,
                      uint32_t column) {
    struct rf_value value = rf_diff_value(side, column);
    rf_literal_sqlite(script->out, &value, script->form);
}

static enum rf_code delete_row(void *context, const struct rf_diff_row *row,
                               struct rf_error *error) {
    const struct rf_diff_script *script = context;
    const struct rf_diff_side *side = &row->before;
    (void)error;
    if (!side->rows) {
        return RF_OK;
    }
    const struct rf_table *table = &side->table->table;
    rf_diff_put_name(script, "DELETE FROM ", table->name, " WHERE ");
    if (table->key_kind == RF_KEY_ROWID) {
        rf_literal_sql_name(script->out, rowid_name(table));
        rf_output_printf(script->out, " = %" PRId64, side->rowid);
    }
    for (uint32_t i = 0; table->key_kind == RF_KEY_COLUMNS && i < table->key_count; i++) {
        rf_diff_put_name(script, i > 0 ? " AND " : "", table->columns[table->key[i]].name, " = ");
        put_value(script, side, table->key[i]);
    }
    rf_output_printf(script->out, ";\n");
    return RF_OK;
}

/* The rowid where it is no column, and then the columns that hold what is given. */
static void put_columns(const struct rf_diff_script *script, const struct rf_table *table,
                        const char *rowid) {
    const char *before = "";
    if (rowid) {
        rf_diff_put_name(script, before, rowid, "");
        before = ", ";
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!table->columns[i].generated) {
            rf_diff_put_name(script, before, table->columns[i].name, "");
            before = ", ";
        }
    }
}

static void put_values(const struct rf_diff_script *script, const struct rf_diff_side *side,
                       const char *rowid) {
    const struct rf_table *table = &side->table->table;
    const char *before = "";
    if (rowid) {
        rf_output_printf(script->out, "%" PRId64, side->rowid);
        before = ", ";
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!table->columns[i].generated) {
            rf_output_printf(script->out, "%s", before);
            put_value(script, side, i);
            before = ", ";
        }
    }
}

static enum rf_code insert_row(void *context, const struct rf_diff_row *row,
                               struct rf_error *error) {
    const struct rf_diff_script *script = context;
    const struct rf_diff_side *side = &row->after;
    enum rf_code code = side->rows ? check_row(script, side, error) : RF_OK;
    if (code != RF_OK || !side->rows) {
        return code;
    }
    const struct rf_table *table = &side->table->table;
    const char *rowid = table->alias < 0 ? rowid_name(table) : NULL;
    rf_diff_put_name(script, "INSERT INTO ", table->name, "(");
    put_columns(script, table, rowid);
    rf_output_printf(script->out, ") VALUES(");
    put_values(script, side, rowid);
    rf_output_printf(script->out, ");\n");
    return RF_OK;
}

static enum rf_code delete_rows(struct rf_diff_script *script, const struct rf_diff_table *table,
                                struct rf_error *error) {
    if (rf_diff_is_remade(table) || table->change == RF_DIFF_SAME) {
        return RF_OK;
    }
    if (is_refilled(&table->before->table)) {
        rf_diff_put_name(script, "DELETE FROM ", table->name, ";\n");
        return RF_OK;
    }
    return rf_diff_walk(script->diff, table, delete_row, script, error);
}

static enum rf_code insert_rows(struct rf_diff_script *script, const struct rf_diff_table *table,
                                struct rf_error *error) {
    if (!table->after || (table->change == RF_DIFF_SAME && !rf_diff_is_remade(table))) {
        return RF_OK;
    }
    if (rf_diff_is_remade(table) || is_refilled(&table->after->table)) {
        return rf_diff_walk_whole(script->diff, table->after, insert_row, script, error);
    }
    return rf_diff_walk(script->diff, table, insert_row, script, error);
}

/* ---- the script ---- */

/* A table is taken for changed here where only its SQL is. */
static enum rf_code fill(struct rf_diff_script *script, struct rf_error *error) {
    const struct rf_diff *diff = script->diff;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < diff->table_count; i++) {
        code = delete_rows(script, &diff->tables[i], error);
    }
    for (uint32_t i = 0; code == RF_OK && i < diff->table_count; i++) {
        code = insert_rows(script, &diff->tables[i], error);
    }
    return code;
}

static bool can_be_said(const char *name) {
    return !strstr(name, "\r\n");
}

/* The shell takes a carriage return away before a line feed, within names too. */
static enum rf_code check_names(const struct rf_diff *diff, struct rf_error *error) {
    for (uint32_t i = 0; i < diff->table_count; i++) {
        const struct rf_diff_table *table = &diff->tables[i];
        const struct rf_table *shape = &(table->after ? table->after : table->before)->table;
        bool good = can_be_said(shape->name);
        for (uint32_t j = 0; good && j < shape->column_count; j++) {
            good = can_be_said(shape->columns[j].name);
        }
        if (!good) {
            rf_fail(error, RF_FAILED, "table %s has a name that cannot be put into a script",
                    shape->name);
            rf_detail(error, "sqlite3 takes CR LF in a script for LF, in the names of tables and "
                             "columns too.");
            rf_hint(error, "rowferry restore makes the whole database.");
            return RF_FAILED;
        }
    }
    return RF_OK;
}

enum rf_code rf_diff_sqlite(struct rf_diff *diff, struct rf_error *error) {
    bool empty = diff->from.name.number == 0;
    bool nothing = empty && diff->to.name.number == 0;
    const struct rf_manifest *existing = empty ? &diff->to.manifest : &diff->from.manifest;
    struct rf_diff_script script = {
        .diff = diff,
        .out = diff->task->output,
        .form = nothing ? RF_TEXT_UTF8 : rf_text_form_of(existing),
    };
    rf_diff_with_virtual_tables(diff);
    enum rf_code code = check_names(diff, error);
    if (code != RF_OK) {
        return code;
    }
    rf_diff_sqlite_begin(&script);
    code = fill(&script, error);
    if (code == RF_OK) {
        rf_diff_sqlite_end(&script);
    } else {
        rf_output_printf(script.out, "ROLLBACK;\n");
    }
    return code;
}
