/* What others have done to tables that the scan tells of, row by row. */
#include "replay/guard_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/computed.h"
#include "replay/preflight.h"
#include "replay/quote.h"
#include "replay/sql.h"

#define NAMED_AT_MOST 3u   /* rows a table */
#define VALUE_BYTES 40u    /* of each value shown */
#define COLUMNS_AT_MOST 3u /* of a table without a key */

/* ---- keys for people ---- */

static const char *const done[] = {
    [RF_ROW_MISSING] = "deleted", [RF_ROW_EXTRA] = "inserted", [RF_ROW_DIFFERENT] = "changed"};

static void put_value(struct rf_buffer *out, const char *column, const char *value) {
    size_t shown = value ? rf_name_cut(value, VALUE_BYTES) : 0;
    rf_buffer_printf(out, "%s = %.*s%s", column, value ? (int)shown : 4, value ? value : "NULL",
                     value && value[shown] ? "…" : "");
}

/* A row that there is no room for is not named: all are counted. */
static void add_key(struct rf_guard_table *table, const char *word, uint32_t count,
                    const char *const *columns, const char *const *values) {
    struct rf_buffer text = {0};
    rf_buffer_printf(&text, "%s%s: ", table->keys[0] ? "; " : "", word);
    for (uint32_t i = 0; i < count && i < COLUMNS_AT_MOST; i++) {
        rf_buffer_printf(&text, "%s", i > 0 ? ", " : "");
        put_value(&text, columns[i], values[i]);
    }
    size_t used = strlen(table->keys);
    if (!text.failed && used + text.size < sizeof table->keys) {
        memcpy(table->keys + used, text.bytes, text.size);
        table->keys[used + text.size] = 0;
    }
    rf_buffer_release(&text);
}

static struct rf_guard_table *suspect_named(const struct rf_guard_look *look, const char *name) {
    for (uint32_t i = 0; i < look->suspect_count; i++) {
        if (strcmp(look->suspects[i]->table, name) == 0) {
            return look->suspects[i];
        }
    }
    return NULL;
}

/* Of a row without a key only the first column is told: any other may be a secret. */
static void on_difference(void *context, const struct rf_difference *difference) {
    struct rf_guard_table *table = suspect_named(context, difference->table);
    if (table) {
        add_key(table, done[difference->kind], difference->whole ? 1 : difference->key_count,
                difference->columns, difference->values);
    }
}

/* ---- without the archives ---- */

/* Rows that others wrote took the place of rows that are gone, as far as there are both. */
static void count_by_xmin(struct rf_guard_table *table) {
    uint64_t left = table->rows - table->others;
    uint64_t gone = table->expected > left ? table->expected - left : 0;
    table->different = gone < table->others ? gone : table->others;
    table->missing = gone - table->different;
    table->extra = table->others - table->different;
    table->differs = gone > 0 || table->others > 0;
}

static uint32_t list_columns(const struct rf_plan *plan, bool key,
                             const char *columns[COLUMNS_AT_MOST]) {
    uint32_t among = key ? plan->key_count : plan->column_count;
    uint32_t count = 0;
    for (uint32_t i = 0; i < among && count < COLUMNS_AT_MOST; i++) {
        const char *name = rf_plan_goes_to(plan, key ? plan->key[i] : i);
        if (name) {
            columns[count++] = name;
        }
    }
    return count;
}

/* The columns that rows are named by: those of the key that the target has, else the first one. */
static uint32_t list_key(const struct rf_plan *plan, const char *columns[COLUMNS_AT_MOST]) {
    uint32_t count = list_columns(plan, true, columns);
    return count > 0 ? count : list_columns(plan, false, columns) > 0;
}

static void put_others(const struct rf_guard_look *look, const struct rf_plan *plan,
                       const char *const *columns, uint32_t count, struct rf_buffer *sql) {
    rf_buffer_printf(sql, "SELECT ");
    for (uint32_t i = 0; i < count; i++) {
        rf_buffer_printf(sql, "%st.", i > 0 ? ", " : "");
        rf_quote_name(sql, columns[i]);
        rf_buffer_printf(sql, "::text");
    }
    rf_buffer_printf(sql, " FROM ONLY ");
    rf_quote_qualified(sql, look->target->schema, plan->relation);
    rf_buffer_printf(sql, " AS t WHERE ");
    rf_guard_others(look, "t.xmin", sql);
    rf_buffer_printf(sql, " LIMIT %u", NAMED_AT_MOST);
    rf_buffer_u8(sql, 0);
}

static enum rf_code name_by_xmin(const struct rf_guard_look *look, const struct rf_plan *plan,
                                 struct rf_guard_table *table, struct rf_error *error) {
    struct rf_buffer sql = {0};
    struct rf_pg_rows *rows = NULL;
    const char *columns[COLUMNS_AT_MOST];
    uint32_t count = list_key(plan, columns);
    put_others(look, plan, columns, count, &sql);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_ask(look->pg, (const char *)sql.bytes, NULL, &rows, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        const char *values[COLUMNS_AT_MOST];
        for (uint32_t k = 0; k < count; k++) {
            values[k] = rf_pg_rows_text(rows, i, k);
        }
        add_key(table, "written", count, columns, values);
    }
    rf_pg_rows_free(rows);
    rf_buffer_release(&sql);
    return code;
}

/* Where the archives cannot be read, what the scan says has to do. */
static enum rf_code judge_by_xmin(struct rf_guard_look *look, const struct rf_ledger_tables *tables,
                                  const char *const *names, struct rf_error *error) {
    if (!look->sound) {
        return error->code;
    }
    rf_run_warn(look->run, "what others wrote cannot be compared with the snapshot: %s",
                error->what);
    rf_error_clear(error);
    enum rf_code code = RF_OK;
    for (; code == RF_OK && *names; names++) {
        struct rf_guard_table *table = suspect_named(look, *names);
        count_by_xmin(table);
        code = name_by_xmin(look, &rf_ledger_find_table(tables, *names)->plan, table, error);
    }
    return code;
}

/* ---- with them ---- */

static enum rf_code export_snapshot(const struct rf_guard_look *look, struct rf_pg_rows **rows,
                                    struct rf_error *error) {
    return rf_pg_ask(look->pg, rf_sql_export_snapshot, NULL, rows, error);
}

static void take_result(struct rf_guard_look *look, const struct rf_compare_result *result) {
    for (uint32_t i = 0; i < result->table_count; i++) {
        const struct rf_compared_table *compared = &result->tables[i];
        struct rf_guard_table *table = suspect_named(look, compared->name);
        table->missing = compared->missing;
        table->extra = compared->extra;
        table->different = compared->different;
        table->differs = compared->missing + compared->extra + compared->different > 0;
    }
}

static enum rf_code compare(struct rf_guard_look *look, const char *const *names,
                            struct rf_error *error) {
    struct rf_pg_rows *snapshot = NULL;
    enum rf_code code = export_snapshot(look, &snapshot, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_compare_options options = {
        .target = *look->run->options,
        .name_at_most = NAMED_AT_MOST,
        .difference = on_difference,
        .only = names,
        .server_snapshot = rf_pg_rows_text(snapshot, 0, 0),
    };
    options.target.context = look;
    options.target.progress = NULL;
    options.target.note = NULL;
    options.target.warn = NULL;
    struct rf_compare_result result = {.snapshot = 0};
    code = rf_compare(look->run->repository, &options, &result, error);
    if (code == RF_OK) {
        take_result(look, &result);
    }
    rf_compare_result_release(&result);
    rf_pg_rows_free(snapshot);
    return code;
}

/* ---- which of them ---- */

/* A table that was altered since is for the checks of its shape, unless there is more to it: what
 * alters a table may write all of its rows anew, but no others. */
static void judge_altered(const struct rf_guard_look *look, struct rf_guard_table *table) {
    if (look->sound && (table->rows != table->expected || table->others_writes > 1)) {
        count_by_xmin(table);
    }
}

/* *names: those whose columns are as the ledger has them, NULL-terminated. */
static enum rf_code list_comparable(struct rf_guard_look *look,
                                    const struct rf_ledger_tables *tables, const char ***names,
                                    struct rf_error *error) {
    uint32_t count = 0;
    *names = rf_arena_take(&look->arena, look->suspect_count + 1u, sizeof **names);
    enum rf_code code = rf_arena_check(&look->arena, error);
    for (uint32_t i = 0; code == RF_OK && i < look->suspect_count; i++) {
        struct rf_guard_table *table = look->suspects[i];
        const struct rf_ledger_table *standing = rf_ledger_find_table(tables, table->table);
        code = rf_preflight_columns(look->pg, look->target->schema, &standing->plan, error);
        if (code == RF_OK) {
            (*names)[count++] = table->table;
        } else if (code == RF_MISPLACED) {
            rf_error_clear(error);
            judge_altered(look, table);
            code = RF_OK;
        }
    }
    return code;
}

static bool ends_the_run(enum rf_code code) {
    return code == RF_INTERRUPTED || code == RF_NO_MEMORY || code == RF_CONNECT;
}

static enum rf_code compare_suspects(struct rf_guard_look *look,
                                     const struct rf_ledger_tables *tables,
                                     struct rf_error *error) {
    const char **names = NULL;
    enum rf_code code = list_comparable(look, tables, &names, error);
    if (code != RF_OK || !names[0]) {
        return code;
    }
    code = compare(look, names, error);
    return code == RF_OK || ends_the_run(code) ? code : judge_by_xmin(look, tables, names, error);
}

enum rf_code rf_guard_compare(struct rf_guard_look *look, struct rf_error *error) {
    struct rf_ledger_tables tables;
    rf_run_note(look->run,
                "others may have written to %u of the tables: they are compared with the snapshot",
                look->suspect_count);
    enum rf_code code = rf_ledger_read(look->pg, look->target, &tables, error);
    if (code == RF_OK) {
        code = compare_suspects(look, &tables, error);
    }
    rf_ledger_tables_release(&tables);
    return code;
}
