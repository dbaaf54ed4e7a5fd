/* Looking at a target: each thing that a replay needs there becomes a finding, good or bad. What a
 * replay itself would ask is asked with its own functions, so that both answer alike. */
#include "replay/check_inner.h"

#include <inttypes.h>
#include <string.h>

#include "replay/connection.h"
#include "replay/preflight.h"
#include "replay/sql.h"

struct look {
    struct rf_check *check;
    struct rf_pg *pg;
    const char *source; /* id of the source; NULL: not known */
};

/* ---- the database ---- */

static void find_order(struct rf_check *check, const char *provider, const char *locale,
                       const char *ctype) {
    bool bytewise = strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0 ||
                    (*provider == 'b' && strncmp(locale, "C.", 2) == 0);
    struct rf_check_finding *finding =
        rf_check_add(check, bytewise ? RF_CHECK_OK : RF_CHECK_NOTE, "order of text",
                     "collation %s%s, ctype %s", locale, *provider == 'i' ? " of ICU" : "", ctype);
    if (!bytewise) {
        rf_check_advise(check, finding,
                        "SQLite orders text by its bytes, queries here by that collation: ask "
                        "with COLLATE \"C\" where the order matters.");
    }
}

static void find_writable(struct rf_check *check, bool standby, bool read_only) {
    if (standby) {
        struct rf_check_finding *finding = rf_check_add(
            check, RF_CHECK_ERROR, "server", "the server is a standby and takes no writes");
        rf_check_advise(check, finding, "name its primary.");
    } else if (read_only) {
        rf_check_add(check, RF_CHECK_NOTE, "server",
                     "transactions are read-only by default here; a replay says READ WRITE");
    }
}

static enum rf_code look_at_database(struct look *look, struct rf_error *error) {
    enum { VERSION, DATABASE, ROLE, PROVIDER, LOCALE, CTYPE, STANDBY, READ_ONLY, SUPERUSER };
    struct rf_check *check = look->check;
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(look->pg, rf_sql_check_facts, NULL, &rows, error);
    if (code != RF_OK) {
        return code;
    }
    rf_check_add(check, RF_CHECK_OK, "server", "PostgreSQL %s, database \"%s\"",
                 rf_pg_rows_text(rows, 0, VERSION), rf_pg_rows_text(rows, 0, DATABASE));
    find_writable(check, rf_pg_rows_truth(rows, 0, STANDBY), rf_pg_rows_truth(rows, 0, READ_ONLY));
    rf_check_add(check, RF_CHECK_OK, "encoding", "UTF8"); /* or there would be no connection */
    find_order(check, rf_pg_rows_text(rows, 0, PROVIDER), rf_pg_rows_text(rows, 0, LOCALE),
               rf_pg_rows_text(rows, 0, CTYPE));
    rf_check_add(check, RF_CHECK_OK, "role", "\"%s\"%s", rf_pg_rows_text(rows, 0, ROLE),
                 rf_pg_rows_truth(rows, 0, SUPERUSER) ? ", a superuser" : "");
    rf_pg_rows_free(rows);
    return RF_OK;
}

/* ---- the schema ---- */

/* What a replay would end with becomes a finding, unless it is this connection that was lost. */
static enum rf_code take_error(struct look *look, const char *subject, enum rf_code code,
                               struct rf_error *error) {
    return rf_pg_broken(look->pg) ? code : rf_check_take_error(look->check, subject, error);
}

static enum rf_code look_at_rights(struct look *look, struct rf_error *error) {
    struct rf_check *check = look->check;
    struct rf_preflight_facts facts = {.schema_stands = false};
    enum rf_code code = rf_preflight_rights(look->pg, &check->target, &facts, error);
    if (code != RF_OK) {
        return take_error(look, "rights", code, error);
    }
    rf_check_add(check, RF_CHECK_OK, "rights", "the role may create what a load needs");
    if (facts.schema_stands) {
        rf_check_add(check, RF_CHECK_OK, "schema", "\"%s\" stands", check->target.schema);
    } else {
        rf_check_add(check, RF_CHECK_OK, "schema", "\"%s\" is not there; the load makes it",
                     check->target.schema);
    }
    return RF_OK;
}

static enum rf_code look_at_schema(struct look *look, struct rf_error *error) {
    struct rf_check *check = look->check;
    enum rf_code code = rf_preflight_schema_name(check->target.schema, error);
    if (code != RF_OK) {
        return rf_check_take_error(check, "schema", error);
    }
    if (!check->options.rules->existing) {
        code = look_at_rights(look, error);
    }
    return code == RF_OK ? rf_preflight_taken(look->pg, check->target.schema, &check->taken, error)
                         : code;
}

/* ---- the ledger ---- */

static enum rf_code look_at_lock(struct look *look, struct rf_error *error) {
    struct rf_check *check = look->check;
    enum rf_code code = rf_ledger_locked(look->pg, &check->target, error);
    if (code == RF_LOCKED) {
        return take_error(look, "lock", code, error);
    }
    if (code == RF_OK) {
        rf_check_add(check, RF_CHECK_OK, "lock", "no other run is at it");
    }
    return code;
}

static void find_standing(struct look *look) {
    struct rf_check *check = look->check;
    const struct rf_ledger_source *standing = &check->standing;
    bool ready = standing->state == RF_TARGET_READY;
    if (standing->state == RF_TARGET_NONE) {
        rf_check_add(check, RF_CHECK_OK, "ledger", "version %d; nothing feeds this schema yet",
                     RF_LEDGER_VERSION);
    } else if (!look->source) {
        struct rf_check_finding *finding =
            rf_check_add(check, RF_CHECK_ERROR, "ledger",
                         "the schema is fed already: it %s snapshot %" PRIu64 " of source %s",
                         ready ? "stands at" : "is loading", standing->at.number, standing->source);
        rf_check_advise(check, finding,
                        "name the repository of that source with --repo if it is this database's; "
                        "else name another --schema.");
    } else {
        rf_check_add(check, RF_CHECK_OK, "ledger",
                     ready ? "the schema stands at snapshot %" PRIu64 " of this source"
                           : "a load of snapshot %" PRIu64 " of this source is not at its end",
                     standing->at.number);
    }
}

static enum rf_code read_ledger(struct look *look, struct rf_error *error) {
    struct rf_check *check = look->check;
    bool found = false;
    enum rf_code code = rf_ledger_find(look->pg, &found, error);
    if (code != RF_OK) {
        return code;
    }
    if (!found) {
        rf_check_add(check, RF_CHECK_OK, "ledger", "none yet; the first replay makes it");
        return RF_OK;
    }
    code = rf_ledger_source(look->pg, &check->target, false, &check->standing, error);
    if (code == RF_OK && look->source) {
        code = rf_ledger_check_owner(&check->target, &check->standing, error);
    }
    if (code == RF_OK) {
        find_standing(look);
    }
    return code == RF_OK && look->source
               ? rf_ledger_read(look->pg, &check->target, &check->tables, error)
               : code;
}

/* ---- tables of the application ---- */

static enum rf_code look_at_existing(struct look *look, struct rf_error *error) {
    struct rf_check *check = look->check;
    if (!rf_existing_concerns(&check->run, &check->tables)) {
        return RF_OK;
    }
    enum rf_code code = rf_existing_rights(look->pg, &check->target, error);
    if (code != RF_OK) {
        return take_error(look, "rights", code, error);
    }
    rf_check_add(check, RF_CHECK_OK, "rights", "schema \"%s\" stands, the ledger can be kept",
                 check->target.schema);
    check->existing = (struct rf_existing){
        .run = &check->run, .pg = look->pg, .target = &check->target, .arena = &check->arena};
    code = rf_existing_read(&check->existing, error);
    check->existing.pg = NULL;
    check->catalog_known = code == RF_OK;
    return code;
}

/* ---- all of it ---- */

/* The ledger last: where it cannot be read, the transaction is of no more use. */
static enum rf_code look_around(struct look *look, struct rf_error *error) {
    enum rf_code code =
        rf_pg_do(look->pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, error);
    if (code == RF_OK) {
        code = look_at_database(look, error);
    }
    if (code == RF_OK) {
        code = look_at_schema(look, error);
    }
    if (code == RF_OK) {
        code = look_at_lock(look, error);
    }
    if (code == RF_OK) {
        code = read_ledger(look, error);
        code =
            code == RF_OK ? look_at_existing(look, error) : take_error(look, "ledger", code, error);
    }
    rf_pg_rollback(look->pg);
    return code;
}

enum rf_code rf_check_look(struct rf_check *check, const uint8_t source[RF_SOURCE_ID_SIZE],
                           struct rf_error *error) {
    struct look look = {.check = check};
    check->looked = true;
    if (source) {
        look.source = rf_uuid_text(source, check->target.source);
    }
    enum rf_code code = rf_pg_open(&check->run, RF_PG_READER, &look.pg, error);
    if (code == RF_MISPLACED) {
        return rf_check_take_error(check, "server", error);
    }
    if (code == RF_OK) {
        code = look_around(&look, error);
    }
    rf_pg_close(look.pg);
    return code == RF_OK ? rf_arena_check(&check->arena, error) : code;
}
