/* The order of looking: what the server is, then where the target stands, then everything that
 * depends on either. */
#include "replay/readiness.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "replay/existing.h"
#include "replay/preflight.h"
#include "replay/readiness_inner.h"
#include "replay/sql.h"

const char *rf_readiness_size(uint64_t bytes, char text[RF_READINESS_SIZE]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    unsigned unit = 0;
    while (unit < 4 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, RF_READINESS_SIZE, "%" PRIu64 "%s", bytes, units[unit]);
    return text;
}

/* ---- the server ---- */

static void keep_name(char *to, size_t size, const char *name) {
    snprintf(to, size, "%s", name ? name : "");
}

static uint64_t memory_of_this_machine(void) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

static void find_standby(struct rf_readying *readying, bool standby) {
    if (standby) {
        struct rf_finding *finding = rf_find(readying->findings, RF_FINDING_STOP, "server",
                                             "the server is a standby and takes no writes");
        rf_finding_want(finding, "a primary");
        rf_finding_hint(finding, "name its primary with --target.");
    }
}

static bool is_plain_c(const char *locale) {
    return strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;
}

static bool same_locale(const char *found, const char *wanted) {
    return strcmp(found, wanted) == 0 || (is_plain_c(found) && is_plain_c(wanted));
}

/* What the rules ask of the database's order of text; a locale is chosen when a database is made. */
static void find_locale(struct rf_readying *readying, const char *provider, const char *collate,
                        const char *ctype) {
    const struct rf_rules *rules = readying->run.options->rules;
    if (!rules->locale) {
        return;
    }
    bool fits = *provider != 'i' && same_locale(collate, rules->locale) &&
                same_locale(ctype, rules->locale);
    enum rf_finding_state state = fits                ? RF_FINDING_OK
                                  : rules->any_locale ? RF_FINDING_WARNING
                                                      : RF_FINDING_STOP;
    struct rf_finding *finding =
        rf_find(readying->findings, state, "locale", "COLLATE %s%s, CTYPE %s", collate,
                *provider == 'i' ? " of ICU" : "", ctype);
    if (!fits) {
        rf_finding_want(finding, "%s for both", rules->locale);
        rf_finding_hint(finding,
                        "createdb --encoding=UTF8 --locale=%s --template=template0 --owner='%s' "
                        "NAME makes a database that has it%s",
                        rules->locale, readying->role,
                        rules->any_locale ? "; it was waived." : "; --any-locale waives it.");
    }
}

static enum rf_code look_at_server(struct rf_readying *readying, struct rf_error *error) {
    enum { VERSION, DATABASE, ROLE, PROVIDER, COLLATE, CTYPE, STANDBY, SIZE, FOLDER };
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(readying->pg, rf_sql_readiness_facts, NULL, &rows, error);
    if (code != RF_OK) {
        return code;
    }
    keep_name(readying->database, sizeof readying->database, rf_pg_rows_text(rows, 0, DATABASE));
    keep_name(readying->role, sizeof readying->role, rf_pg_rows_text(rows, 0, ROLE));
    keep_name(readying->folder, sizeof readying->folder, rf_pg_rows_text(rows, 0, FOLDER));
    readying->size = rf_pg_rows_number(rows, 0, SIZE);
    readying->near = rf_pg_is_near(readying->pg);
    readying->memory = readying->near ? memory_of_this_machine() : 0;
    if (!readying->question->looked) {
        rf_find(readying->findings, RF_FINDING_OK, "server", "PostgreSQL %s, database \"%s\"",
                rf_pg_rows_text(rows, 0, VERSION), readying->database);
        rf_find(readying->findings, RF_FINDING_OK, "encoding", "UTF8");
        find_standby(readying, rf_pg_rows_truth(rows, 0, STANDBY));
    }
    find_locale(readying, rf_pg_rows_text(rows, 0, PROVIDER), rf_pg_rows_text(rows, 0, COLLATE),
                rf_pg_rows_text(rows, 0, CTYPE));
    rf_pg_rows_free(rows);
    return RF_OK;
}

/* ---- where it stands ---- */

/* What a replay would end with becomes a stop, unless this connection was lost. */
static enum rf_code take_error(struct rf_readying *readying, const char *name, enum rf_code code,
                               struct rf_error *error) {
    if (rf_pg_broken(readying->pg) || (code != RF_MISPLACED && code != RF_CONNECT)) {
        return code;
    }
    if (!readying->question->looked) {
        struct rf_finding *finding =
            rf_find(readying->findings, RF_FINDING_STOP, name, "%s%s%s", error->what,
                    *error->detail ? ": " : "", error->detail);
        rf_finding_hint(finding, "%s", error->hint);
        if (finding) {
            finding->code = code;
        }
    }
    rf_error_clear(error);
    return RF_OK;
}

static enum rf_code read_ledger(struct rf_readying *readying, struct rf_error *error) {
    struct rf_ledger_source standing = {.state = RF_TARGET_NONE};
    bool found = false;
    enum rf_code code = rf_ledger_find(readying->pg, &found, error);
    if (code == RF_OK && found) {
        code = rf_ledger_source(readying->pg, &readying->target, false, &standing, error);
    }
    readying->first = standing.state != RF_TARGET_READY;
    readying->untouched = standing.state == RF_TARGET_NONE;
    return code == RF_OK ? RF_OK : take_error(readying, "ledger", code, error);
}

static enum rf_code look_at_rights(struct rf_readying *readying, struct rf_error *error) {
    struct rf_preflight_facts facts;
    if (readying->question->looked || !readying->first) {
        return RF_OK;
    }
    enum rf_code code = readying->run.options->rules->existing
                            ? rf_existing_rights(readying->pg, &readying->target, error)
                            : rf_preflight_rights(readying->pg, &readying->target, &facts, error);
    if (code != RF_OK) {
        return take_error(readying, "rights", code, error);
    }
    rf_find(readying->findings, RF_FINDING_OK, "rights", "role \"%s\" has what a load needs",
            readying->role);
    return RF_OK;
}

/* ---- all of it ---- */

typedef enum rf_code looking(struct rf_readying *readying, struct rf_error *error);

/* A transaction for each, so that one that fails leaves the next its own. */
static enum rf_code look_apart(struct rf_readying *readying, looking *look,
                               struct rf_error *error) {
    enum rf_code code =
        rf_pg_do(readying->pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, error);
    if (code == RF_OK) {
        code = look(readying, error);
    }
    rf_pg_rollback(readying->pg);
    return code;
}

static enum rf_code look_around(struct rf_readying *readying, struct rf_error *error) {
    static looking *const looks[] = {look_at_server, read_ledger, look_at_rights};
    enum rf_code code = RF_OK;
    for (unsigned i = 0; code == RF_OK && i < sizeof looks / sizeof looks[0]; i++) {
        code = look_apart(readying, looks[i], error);
    }
    uint64_t coming = rf_readiness_bytes(readying->question->source_bytes);
    readying->expected = coming > readying->size ? coming : readying->size;
    if (code == RF_OK && readying->first) {
        rf_readiness_room(readying);
    }
    if (code == RF_OK && (readying->first || readying->question->rehearsal)) {
        code = look_apart(readying, rf_readiness_settings, error);
    }
    if (code == RF_OK) {
        code = rf_readiness_sequences(readying, error);
    }
    return code == RF_OK ? rf_readiness_requirements(readying, error) : code;
}

enum rf_code rf_readiness_look(const struct rf_readiness_question *question,
                               struct rf_findings *findings, bool *first, struct rf_error *error) {
    struct rf_target_options options = *question->options;
    options.progress = NULL;
    options.note = NULL;
    options.warn = NULL;
    struct rf_readying readying = {.question = question,
                                   .findings = findings,
                                   .first = true,
                                   .target = {.schema = options.schema}};
    rf_run_init(&readying.run, &options, NULL);
    enum rf_code code = rf_pg_open(&readying.run, RF_PG_READER, &readying.pg, error);
    if (code == RF_OK) {
        code = look_around(&readying, error);
    } else if (code == RF_MISPLACED) {
        struct rf_finding *finding =
            question->looked ? NULL
                             : rf_find(findings, RF_FINDING_STOP, "server", "%s", error->what);
        rf_finding_hint(finding, "%s", error->hint);
        rf_error_clear(error);
        code = RF_OK;
    }
    *first = readying.first;
    rf_pg_close(readying.pg);
    rf_run_release(&readying.run);
    return code == RF_OK ? rf_findings_check(findings, error) : code;
}
