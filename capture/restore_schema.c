/* The SQL of an archive is executed only where there is no other way, and then under an authorizer
 * that lets it make that one thing: whoever wrote the archive may have written anything. */
#include "capture/restore_schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "capture/sqlite_error.h"

#define WHAT "cannot write the schema"
#define UNIQUE_START "CREATE UNIQUE INDEX "
#define SEQUENCES_SQL "CREATE TABLE sqlite_sequence(name,seq)"

/* ---- settings ---- */

enum rf_code rf_restore_settings(struct rf_restore_job *job, const struct rf_manifest *manifest,
                                 struct rf_error *error) {
    static const char *const encodings[] = {[RF_SOURCE_UTF8] = "UTF-8",
                                            [RF_SOURCE_UTF16LE] = "UTF-16le",
                                            [RF_SOURCE_UTF16BE] = "UTF-16be"};
    char sql[512];
    sqlite3_db_config(job->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    sqlite3_db_config(job->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
    sqlite3_db_config(job->db, SQLITE_DBCONFIG_DQS_DDL, 1, NULL);
    sqlite3_db_config(job->db, SQLITE_DBCONFIG_DQS_DML, 1, NULL);
    sqlite3_db_config(job->db, SQLITE_DBCONFIG_LEGACY_FILE_FORMAT, 0, NULL);
    /* The mode of auto_vacuum is written at once, so the journal has to be off before. */
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;"
             "PRAGMA foreign_keys = OFF; PRAGMA cache_size = -%d; PRAGMA page_size = %" PRIu32
             "; PRAGMA encoding = '%s'; PRAGMA auto_vacuum = %" PRIu32,
             job->limits->cache_kib, manifest->page_size, encodings[job->encoding],
             manifest->auto_vacuum);
    return rf_restore_run(job, sql, WHAT, error);
}

/* ---- entries ---- */

static enum rf_code insert_entry(struct rf_restore_job *job, sqlite3_stmt *insert,
                                 const struct rf_object *object, int64_t root,
                                 struct rf_error *error) {
    sqlite3_bind_text(insert, 1, object->type, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, object->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, object->table, -1, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 4, root);
    sqlite3_bind_text(insert, 5, object->sql, -1, SQLITE_STATIC);
    sqlite3_step(insert);
    int result = sqlite3_reset(insert);
    return result == SQLITE_OK ? RF_OK
                               : rf_restore_file_fail(job->file, job->db, result, error, WHAT);
}

static bool is_entered(const struct rf_restore_object *planned) {
    return planned->way == RF_RESTORE_ENTRY || planned->way == RF_RESTORE_ROWS ||
           planned->way == RF_RESTORE_EMPTY || planned->way == RF_RESTORE_COLUMNS ||
           planned->way == RF_RESTORE_AGAIN;
}

static enum rf_code insert_entries(struct rf_restore_job *job, const struct rf_restore_plan *plan,
                                   int64_t sequences_root, struct rf_error *error) {
    char table[] = "table", name[] = "sqlite_sequence", sql[] = SEQUENCES_SQL;
    const struct rf_object sequences = {table, name, name, sql};
    sqlite3_stmt *insert = NULL;
    enum rf_code code = RF_OK;
    int result = sqlite3_prepare_v2(job->db, "INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", -1,
                                    &insert, NULL);
    if (result != SQLITE_OK) {
        return rf_restore_file_fail(job->file, job->db, result, error, WHAT);
    }
    if (plan->sequences) {
        code = insert_entry(job, insert, &sequences, sequences_root, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->count; i++) {
        const struct rf_restore_object *planned = &plan->objects[i];
        if (is_entered(planned)) {
            code = insert_entry(job, insert, planned->object, planned->root, error);
        }
    }
    sqlite3_finalize(insert);
    return code;
}

/* Has SQLite read the schema, which it does whole. */
static enum rf_code load_schema(struct rf_restore_job *job, struct rf_error *error) {
    int result = sqlite3_exec(job->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    if (result == SQLITE_OK) {
        return RF_OK;
    }
    enum rf_code code = rf_restore_file_fail(job->file, job->db, result, error,
                                             "SQLite cannot read the schema of the snapshot");
    if (code == RF_FAILED || code == RF_CORRUPT) {
        code = error->code = RF_CORRUPT;
        rf_hint(error, "rowferry verify -r REPO tells whether the repository is damaged.");
    }
    return code;
}

enum rf_code rf_restore_entries(struct rf_restore_job *job, const struct rf_restore_plan *plan,
                                int64_t sequences_root, struct rf_error *error) {
    char sql[128];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %" PRId32 "; PRAGMA application_id = %" PRId32,
             plan->manifest->user_version, plan->manifest->application_id);
    enum rf_code code = rf_restore_run(job, "PRAGMA writable_schema = ON", WHAT, error);
    if (code == RF_OK) {
        code = insert_entries(job, plan, sequences_root, error);
    }
    if (code == RF_OK) {
        code = rf_restore_run(job, "PRAGMA writable_schema = RESET", WHAT, error);
    }
    if (code == RF_OK) {
        code = load_schema(job, error);
    }
    return code == RF_OK ? rf_restore_run(job, sql, WHAT, error) : code;
}

/* ---- what is made by SQL ---- */

struct permission {
    const char *name; /* of what may be made */
    bool module;      /* a virtual table, else an index */
    bool asked;       /* it is that which the statement makes */
    bool running;     /* the statement is translated: what comes now is the module's */
};

static bool is_schema(const char *table) {
    return strcmp(table, "sqlite_master") == 0 || strcmp(table, "sqlite_schema") == 0;
}

/* A module writes into the tables that it makes, and these are called after its own. */
static bool may_write(const struct permission *permission, const char *table) {
    size_t size = strlen(permission->name);
    return table && (is_schema(table) ||
                     (permission->module && permission->running &&
                      strncmp(table, permission->name, size) == 0 && table[size] == '_'));
}

static bool is_asked(struct permission *permission, const char *name) {
    permission->asked |= name && strcmp(name, permission->name) == 0;
    return permission->asked;
}

static bool is_permitted(struct permission *permission, int action, const char *first,
                         const char *second) {
    bool inner = permission->module && permission->running;
    switch (action) {
    case SQLITE_READ:
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return true;
    case SQLITE_FUNCTION:
        return second && strcasecmp(second, "load_extension") != 0;
    case SQLITE_CREATE_INDEX:
    case SQLITE_REINDEX:
        return inner || (!permission->module && is_asked(permission, first));
    case SQLITE_CREATE_VTABLE:
        return permission->module && is_asked(permission, first);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return may_write(permission, first);
    case SQLITE_CREATE_TABLE:
    case SQLITE_PRAGMA:
        return inner;
    default:
        return false;
    }
}

/* Called while SQLite translates a statement, and for those that a module runs as it is made. */
static int permit(void *context, int action, const char *first, const char *second,
                  const char *database, const char *trigger) {
    (void)trigger;
    bool here = !database || strcmp(database, "main") == 0;
    return here && is_permitted(context, action, first, second) ? SQLITE_OK : SQLITE_DENY;
}

/* One statement, and nothing behind it. */
static int execute(sqlite3 *db, const char *sql, struct permission *permission) {
    sqlite3_stmt *statement = NULL;
    const char *rest = "";
    int result = sqlite3_prepare_v2(db, sql, -1, &statement, &rest);
    if (result == SQLITE_OK &&
        (!statement || rest[strspn(rest, " \t\r\n;")] || !permission->asked)) {
        result = SQLITE_MISUSE;
    }
    permission->running = true;
    if (result == SQLITE_OK) {
        sqlite3_step(statement);
        result = sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return result;
}

static int execute_permitted(struct rf_restore_job *job, const struct rf_restore_object *planned,
                             const char *sql) {
    struct permission permission = {.name = planned->object->name,
                                    .module = planned->way == RF_RESTORE_MODULE};
    sqlite3_set_authorizer(job->db, permit, &permission);
    int result = execute(job->db, sql, &permission);
    sqlite3_set_authorizer(job->db, NULL, NULL);
    return result;
}

/* What is the statement's own fault is a lack; a full disk is not. */
static enum rf_code judge(struct rf_restore_job *job, const struct rf_restore_object *planned,
                          int result, enum rf_lack_kind kind, struct rf_error *error) {
    char reason[400];
    enum rf_code code = rf_restore_check_stop(job, error);
    if (result == SQLITE_OK || code != RF_OK) {
        return code;
    }
    enum rf_code told = rf_sqlite_kind(result);
    if (told != RF_FAILED) {
        return rf_restore_file_fail(job->file, job->db, result, error,
                                    "cannot make \"%.200s\" of the snapshot",
                                    planned->object->name);
    }
    snprintf(reason, sizeof reason, "SQLite: %.300s",
             result == SQLITE_MISUSE ? "it is not the statement that makes it"
                                     : sqlite3_errmsg(job->db));
    rf_restore_tell(job->options, job->result, kind, planned->object->name, reason);
    return RF_OK;
}

/* Without UNIQUE, which rows may violate that are there all the same. */
static enum rf_code make_index(struct rf_restore_job *job, const struct rf_restore_object *planned,
                               struct rf_error *error) {
    const char *sql = planned->object->sql;
    size_t start = sizeof UNIQUE_START - 1;
    struct rf_buffer plain = {0};
    if (strncmp(sql, UNIQUE_START, start) == 0) {
        rf_buffer_printf(&plain, "CREATE INDEX ");
        sql += start;
    }
    rf_buffer_append(&plain, sql, strlen(sql) + 1);
    enum rf_code code = rf_buffer_check(&plain, error);
    if (code == RF_OK) {
        int result = execute_permitted(job, planned, (const char *)plain.bytes);
        code = judge(job, planned, result, RF_LACK_INDEX, error);
    }
    rf_buffer_release(&plain);
    return code;
}

static enum rf_code make_virtual(struct rf_restore_job *job,
                                 const struct rf_restore_object *planned, struct rf_error *error) {
    const char *sql = planned->object->sql ? planned->object->sql : "";
    int result = execute_permitted(job, planned, sql);
    if (result == SQLITE_OK) {
        rf_restore_tell(job->options, job->result, RF_LACK_CONTENT, planned->object->name,
                        RF_RESTORE_NO_CONTENT);
    }
    return judge(job, planned, result, RF_LACK_CONTENT, error);
}

static enum rf_code make_again(struct rf_restore_job *job, const struct rf_restore_object *planned,
                               struct rf_error *error) {
    char *sql = sqlite3_mprintf("REINDEX main.\"%w\"", planned->object->name);
    if (!sql) {
        return rf_fail_memory(error);
    }
    int result = execute_permitted(job, planned, sql);
    sqlite3_free(sql);
    return judge(job, planned, result, RF_LACK_ORDER, error);
}

static enum rf_code make_one(struct rf_restore_job *job, const struct rf_restore_object *planned,
                             struct rf_error *error) {
    switch (planned->way) {
    case RF_RESTORE_SQL:
        return make_index(job, planned, error);
    case RF_RESTORE_AGAIN:
        return make_again(job, planned, error);
    case RF_RESTORE_MODULE:
        return make_virtual(job, planned, error);
    default:
        return RF_OK;
    }
}

/* The words of each index as they were. */
static enum rf_code set_sql(struct rf_restore_job *job, const struct rf_restore_plan *plan,
                            struct rf_error *error) {
    sqlite3_stmt *update = NULL;
    enum rf_code code = rf_restore_run(job, "BEGIN; PRAGMA writable_schema = ON", WHAT, error);
    if (code != RF_OK) {
        return code;
    }
    int result = sqlite3_prepare_v2(
        job->db, "UPDATE sqlite_schema SET sql = ?1 WHERE type = 'index' AND name = ?2", -1,
        &update, NULL);
    for (uint32_t i = 0; result == SQLITE_OK && i < plan->count; i++) {
        if (plan->objects[i].way == RF_RESTORE_SQL) {
            sqlite3_bind_text(update, 1, plan->objects[i].object->sql, -1, SQLITE_STATIC);
            sqlite3_bind_text(update, 2, plan->objects[i].object->name, -1, SQLITE_STATIC);
            sqlite3_step(update);
            result = sqlite3_reset(update);
        }
    }
    if (result != SQLITE_OK) {
        code = rf_restore_file_fail(job->file, job->db, result, error, WHAT);
    }
    sqlite3_finalize(update);
    if (code == RF_OK) {
        code = rf_restore_run(job, "COMMIT; PRAGMA writable_schema = RESET", WHAT, error);
    }
    return code == RF_OK ? load_schema(job, error) : code;
}

enum rf_code rf_restore_made(struct rf_restore_job *job, const struct rf_restore_plan *plan,
                             struct rf_error *error) {
    uint32_t indexes = 0;
    /* A statement that fails has to leave nothing behind. */
    enum rf_code code = rf_restore_run(job, "PRAGMA journal_mode = MEMORY", WHAT, error);
    for (uint32_t i = 0; code == RF_OK && i < plan->count; i++) {
        indexes += plan->objects[i].way == RF_RESTORE_SQL;
        code = make_one(job, &plan->objects[i], error);
        if (code == RF_OK) {
            code = rf_restore_check_stop(job, error);
        }
    }
    return code == RF_OK && indexes > 0 ? set_sql(job, plan, error) : code;
}
