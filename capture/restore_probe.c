/* SQLite reads a schema as a whole, without making anything: so a database in memory is told that it
 * has these tables, all over one empty b-tree. */
#include "capture/restore_probe.h"

#include <sqlite3.h>
#include <string.h>

#include "capture/sqlite_error.h"

static bool is_probed(const struct rf_restore_object *planned) {
    return planned->way == RF_RESTORE_EMPTY && strcmp(planned->object->type, "table") == 0;
}

static bool any_probed(const struct rf_restore_plan *plan) {
    for (uint32_t i = 0; i < plan->count; i++) {
        if (is_probed(&plan->objects[i])) {
            return true;
        }
    }
    return false;
}

static int pretend(sqlite3 *db, const struct rf_restore_plan *plan) {
    sqlite3_stmt *insert = NULL;
    int result = sqlite3_exec(db,
                              "CREATE TABLE t(x);" /* on page 2 */
                              "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema",
                              NULL, NULL, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_prepare_v2(db, "INSERT INTO sqlite_schema VALUES ('table', ?1, ?1, 2, ?2)",
                                    -1, &insert, NULL);
    }
    for (uint32_t i = 0; result == SQLITE_OK && i < plan->count; i++) {
        const struct rf_object *object = plan->objects[i].object;
        if (is_probed(&plan->objects[i])) {
            sqlite3_bind_text(insert, 1, object->name, -1, SQLITE_STATIC);
            sqlite3_bind_text(insert, 2, object->sql, -1, SQLITE_STATIC);
            sqlite3_step(insert);
            result = sqlite3_reset(insert);
        }
    }
    sqlite3_finalize(insert);
    return result != SQLITE_OK
               ? result
               : sqlite3_exec(db, "PRAGMA writable_schema = RESET", NULL, NULL, NULL);
}

static int ask(sqlite3 *db, struct rf_restore_plan *plan) {
    sqlite3_stmt *query = NULL;
    int result = sqlite3_prepare_v2(
        db, "SELECT wr FROM pragma_table_list(?1) WHERE schema = 'main'", -1, &query, NULL);
    for (uint32_t i = 0; result == SQLITE_OK && i < plan->count; i++) {
        struct rf_restore_object *planned = &plan->objects[i];
        if (is_probed(planned)) {
            sqlite3_bind_text(query, 1, planned->object->name, -1, SQLITE_STATIC);
            planned->without_rowid =
                sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int(query, 0) != 0;
            result = sqlite3_reset(query);
        }
    }
    sqlite3_finalize(query);
    return result;
}

enum rf_code rf_restore_probe(struct rf_restore_plan *plan, struct rf_error *error) {
    sqlite3 *db = NULL;
    if (!any_probed(plan)) {
        return RF_OK;
    }
    int result = sqlite3_open_v2(
        ":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
        NULL);
    if (result == SQLITE_OK) {
        result = pretend(db, plan);
    }
    if (result == SQLITE_OK) {
        result = ask(db, plan);
    }
    enum rf_code code = RF_OK;
    if (result != SQLITE_OK) {
        code = rf_fail_sqlite(error, db, result, "cannot read the schema of the snapshot");
        if (code == RF_FAILED) {
            code = error->code = RF_CORRUPT;
        }
    }
    sqlite3_close(db);
    return code;
}
