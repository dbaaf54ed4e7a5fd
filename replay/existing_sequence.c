#include <inttypes.h>
#include <string.h>

#include "format/value.h"
#include "replay/computed.h"
#include "replay/existing.h"
#include "replay/quote.h"
#include "replay/sql.h"
#include "replay/template.h"

/* What SQLite has given out for a table, were its rows deleted since: an AUTOINCREMENT never gives
 * it out again. 0 where it does not say. */
static int64_t given_out(const struct rf_manifest *manifest, const char *table) {
    for (uint32_t i = 0; i < manifest->sequence_count; i++) {
        const struct rf_buffer *cells = &manifest->sequences[i].cells;
        struct rf_cursor cursor = rf_cursor_of(cells->bytes, cells->size);
        struct rf_value name, number;
        bool both = rf_row_next(&cursor, &name) && rf_row_next(&cursor, &number);
        if (both && name.class == RF_TEXT && number.class == RF_INTEGER &&
            name.size == strlen(table) && memcmp(name.bytes, table, name.size) == 0) {
            return number.integer;
        }
    }
    return 0;
}

static const struct rf_plan_column *column_named(const struct rf_plan *plan, const char *name) {
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const char *to = rf_plan_goes_to(plan, i);
        if (to && strcmp(to, name) == 0) {
            return &plan->columns[i];
        }
    }
    return NULL;
}

static bool counts(const struct rf_catalog_column *column) {
    return column->kind == RF_KIND_INT2 || column->kind == RF_KIND_INT4 ||
           column->kind == RF_KIND_INT8;
}

static enum rf_code set_sequence(struct rf_existing *existing, const struct rf_plan *plan,
                                 const struct rf_catalog_sequence *sequence, int64_t least,
                                 struct rf_error *error) {
    struct rf_buffer name = {0}, literal = {0}, column = {0}, table = {0}, number = {0}, sql = {0};
    rf_quote_qualified(&name, sequence->schema, sequence->name);
    rf_buffer_u8(&name, 0);
    rf_quote_literal(&literal, name.failed ? "" : (const char *)name.bytes);
    name.size -= name.failed ? 0 : 1;
    rf_quote_name(&column, sequence->column);
    rf_quote_qualified(&table, existing->target->schema, plan->relation);
    rf_buffer_printf(&number, "%" PRId64, least);
    const struct rf_template_part parts[] = {{"sequence", &name},
                                             {"name", &literal},
                                             {"column", &column},
                                             {"table", &table},
                                             {"least", &number}};
    rf_template_fill(rf_sql_sequence_advance, parts, sizeof parts / sizeof parts[0], &sql);
    rf_buffer_u8(&sql, 0);
    enum rf_code code = name.failed ? rf_fail_memory(error) : rf_buffer_check(&sql, error);
    struct rf_pg_rows *rows = NULL;
    if (code == RF_OK) {
        code = rf_pg_ask(existing->pg, (const char *)sql.bytes, NULL, &rows, error);
    }
    if (code == RF_OK && rf_pg_rows_count(rows) > 0 && rf_pg_rows_truth(rows, 0, 0)) {
        rf_run_warn(existing->run,
                    "table %s: sequence %s ends before the highest value of column %s, and is left "
                    "as it is",
                    plan->relation, sequence->name, sequence->column);
    }
    rf_pg_rows_free(rows);
    struct rf_buffer *all[] = {&name, &literal, &column, &table, &number, &sql};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        rf_buffer_release(all[i]);
    }
    return code;
}

enum rf_code rf_existing_set_sequences(struct rf_existing *existing, const struct rf_plan *plan,
                                       struct rf_error *error) {
    const struct rf_catalog_table *table = rf_catalog_find(&existing->catalog, plan->relation);
    const struct rf_manifest_table *source = rf_manifest_find(existing->manifest, plan->table);
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && table && source && i < table->sequence_count; i++) {
        const struct rf_catalog_sequence *sequence = &table->sequences[i];
        const struct rf_catalog_column *column = rf_catalog_find_column(table, sequence->column);
        const struct rf_plan_column *planned = column_named(plan, sequence->column);
        if (!column || !counts(column) || !sequence->ascending) {
            continue;
        }
        if (!sequence->may_set) {
            rf_run_warn(existing->run,
                        "table %s: sequence %s is not set, role \"%s\" may not (GRANT UPDATE)",
                        plan->relation, sequence->name, existing->catalog.role);
            continue;
        }
        bool alias = planned && source->table.alias == (int32_t)planned->cell;
        code = set_sequence(existing, plan, sequence,
                            alias ? given_out(existing->manifest, plan->table) : 0, error);
    }
    if (code != RF_OK) {
        rf_while(error, "while setting the sequences of table %s", plan->relation);
    }
    return code;
}
