/* Tables of the application's that no table of the source feeds, with their rows: they stay as they
 * are, which is right for some (what the application numbers its schema with), and for others a
 * sign that the source is of another version. */
#include "replay/check_inner.h"

#include <inttypes.h>
#include <string.h>

#include "replay/quote.h"

#define COUNTED_AT_MOST 10000u

struct unfed {
    struct rf_check *check;
    bool *fed; /* by place in the catalog */
    uint32_t count;
};

static void mark(struct unfed *unfed, const char *source) {
    struct rf_check *check = unfed->check;
    const struct rf_catalog *catalog = &check->existing.catalog;
    const struct rf_manifest_table *table = rf_manifest_find(&check->manifest, source);
    const struct rf_ledger_table *standing = rf_ledger_find_table(&check->tables, source);
    const struct rf_catalog_table *found =
        rf_existing_target(&check->existing, table, standing ? &standing->plan : NULL);
    if (found) {
        unfed->fed[found - catalog->tables] = true;
    }
}

/* A table that the rules say to skip is left alone on purpose. */
static void mark_all(struct unfed *unfed) {
    struct rf_check *check = unfed->check;
    const struct rf_rules *rules = check->options.rules;
    for (uint32_t i = 0; i < check->manifest.table_count; i++) {
        const char *name = check->manifest.tables[i].table.name;
        if (rf_run_selects(&check->run, name) ||
            rf_rules_table(rules, name).standing_rows == RF_STANDING_SKIP) {
            mark(unfed, name);
        }
    }
    for (uint32_t i = 0; i < check->existing.catalog.table_count; i++) {
        const struct rf_catalog_table *table = &check->existing.catalog.tables[i];
        unfed->fed[i] |= table->kind != 'r' || !table->may_select;
        unfed->count += !unfed->fed[i];
    }
}

/* One statement: a row for each, its place and its count. */
static enum rf_code ask(struct unfed *unfed, struct rf_pg *pg, struct rf_pg_rows **rows,
                        struct rf_error *error) {
    const struct rf_catalog *catalog = &unfed->check->existing.catalog;
    struct rf_buffer sql = {0};
    for (uint32_t i = 0; i < catalog->table_count; i++) {
        if (!unfed->fed[i]) {
            rf_buffer_printf(&sql, "%sSELECT %" PRIu32 ", count(*) FROM (SELECT FROM ",
                             sql.size > 0 ? " UNION ALL " : "", i);
            rf_quote_qualified(&sql, catalog->schema, catalog->tables[i].name);
            rf_buffer_printf(&sql, " LIMIT %u) AS rows", COUNTED_AT_MOST + 1);
        }
    }
    rf_buffer_printf(&sql, " ORDER BY 1");
    rf_buffer_u8(&sql, 0);
    enum rf_code code = rf_buffer_check(&sql, error);
    if (code == RF_OK) {
        code = rf_pg_do(pg,
                        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
                        "SET LOCAL statement_timeout = '10s'",
                        NULL, error);
    }
    if (code == RF_OK) {
        code = rf_pg_ask(pg, (const char *)sql.bytes, NULL, rows, error);
    }
    rf_pg_rollback(pg);
    rf_buffer_release(&sql);
    return code;
}

static void tell(struct unfed *unfed, const struct rf_pg_rows *rows) {
    struct rf_check *check = unfed->check;
    uint32_t empty = 0;
    for (uint32_t i = 0; i < rf_pg_rows_count(rows); i++) {
        const char *name = check->existing.catalog.tables[rf_pg_rows_number(rows, i, 0)].name;
        uint64_t count = rf_pg_rows_number(rows, i, 1);
        if (count == 0) {
            empty++;
        } else if (count > COUNTED_AT_MOST) {
            rf_check_add(check, RF_CHECK_NOTE, "tables",
                         "nothing of the source feeds table %s, which has more than %u rows", name,
                         COUNTED_AT_MOST);
        } else {
            rf_check_add(check, RF_CHECK_NOTE, "tables",
                         "nothing of the source feeds table %s, which has %" PRIu64 " row%s", name,
                         count, count == 1 ? "" : "s");
        }
    }
    if (empty > 0) {
        rf_check_add(check, RF_CHECK_NOTE, "tables",
                     "nothing of the source feeds %" PRIu32 " more table%s, which %s empty", empty,
                     empty == 1 ? "" : "s", empty == 1 ? "is" : "are");
    }
}

/* What could not be counted in time, or under somebody's lock, is no reason to fail. */
static enum rf_code count_rows(struct unfed *unfed, struct rf_error *error) {
    struct rf_pg *pg = NULL;
    struct rf_pg_rows *rows = NULL;
    enum rf_code code = rf_pg_open(&unfed->check->run, RF_PG_READER, &pg, error);
    if (code == RF_OK) {
        code = ask(unfed, pg, &rows, error);
    }
    if (code == RF_OK) {
        tell(unfed, rows);
    } else if (code == RF_FAILED && !rf_pg_broken(pg)) {
        rf_check_add(unfed->check, RF_CHECK_NOTE, "tables",
                     "nothing of the source feeds %" PRIu32
                     " tables; their rows were not counted: %s",
                     unfed->count, error->what);
        rf_error_clear(error);
        code = RF_OK;
    }
    rf_pg_rows_free(rows);
    rf_pg_close(pg);
    return code;
}

enum rf_code rf_check_find_unfed(struct rf_check *check, struct rf_error *error) {
    struct unfed unfed = {.check = check};
    if (!check->catalog_known || check->existing.catalog.table_count == 0) {
        return RF_OK;
    }
    unfed.fed =
        rf_arena_take(&check->arena, check->existing.catalog.table_count, sizeof *unfed.fed);
    if (!unfed.fed) {
        return rf_arena_check(&check->arena, error);
    }
    mark_all(&unfed);
    return unfed.count > 0 ? count_rows(&unfed, error) : RF_OK;
}
