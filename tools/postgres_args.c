#include "tools/postgres_args.h"

#include <stdlib.h>
#include <string.h>

#include "replay/conninfo.h"
#include "tools/option.h"

struct using {
    const struct rf_postgres_arg *args;
    const char *title;
    struct rf_postgres_entry *entry;
    struct rf_buffer conninfo;
    struct rf_arena *arena;
    struct rf_error *error;
    bool service;
};

static const struct rf_postgres_arg *find(const struct using *using, const char *name) {
    const struct rf_postgres_arg *arg = using->args;
    while (arg && strcmp(arg->name, name) != 0) {
        arg = arg->next;
    }
    return arg;
}

static bool is_of_pool(const char *name) {
    return strncmp(name, "cp_", 3) == 0;
}

/* ---- values ---- */

static enum rf_code refuse_value(const struct using *using, const struct rf_postgres_arg *arg,
                                 const char *why, const char *hint) {
    rf_fail(using->error, RF_USAGE, "%s: %s.%s %s", arg->place, using->title, arg->name, why);
    rf_hint(using->error, "%s", hint);
    return RF_USAGE;
}

/* A switch of libpq's is 0 or 1, and whoever writes true means 1. */
static enum rf_code value_of(const struct using *using, const struct rf_postgres_arg *arg,
                             const char **value) {
    *value = arg->value;
    if (arg->kind == RF_YAML_TRUTH) {
        *value = strchr("tTyY", arg->value[0]) || strcasecmp(arg->value, "on") == 0 ? "1" : "0";
        return rf_conninfo_kind(arg->name) == RF_CONNINFO_SWITCH
                   ? RF_OK
                   : refuse_value(using, arg, "is true or false to YAML, not a word",
                                  "put the value in quotes.");
    }
    if (arg->kind == RF_YAML_OTHER_NUMBER) {
        return refuse_value(using, arg,
                            "is a number that YAML reads otherwise than it is written here",
                            "put the value in quotes, if it is meant as it stands.");
    }
    return RF_OK;
}

/* ---- the pool ---- */

static enum rf_code pool_size(const struct using *using, const char *name, unsigned least,
                              unsigned *size) {
    const struct rf_postgres_arg *arg = find(using, name);
    if (!arg) {
        return RF_OK;
    }
    unsigned long number =
        arg->kind == RF_YAML_WHOLE || arg->kind == RF_YAML_TEXT ? strtoul(arg->value, NULL, 10) : 0;
    bool whole = arg->value[0] && arg->value[strspn(arg->value, "0123456789")] == 0 &&
                 strlen(arg->value) <= 6;
    if (!whole || number < least) {
        return refuse_value(
            using, arg, least > 0 ? "must be a whole number from 1 on" : "must be a whole number",
            "it is the number of connections that the application opens.");
    }
    *size = (unsigned)number;
    return RF_OK;
}

static enum rf_code use_pool(const struct using *using) {
    struct rf_postgres_entry *entry = using->entry;
    enum rf_code code = pool_size(using, "cp_min", 0, &entry->cp_min);
    if (code == RF_OK) {
        code = pool_size(using, "cp_max", 1, &entry->cp_max);
    }
    if (code == RF_OK && entry->cp_max > 0 && entry->cp_min > entry->cp_max) {
        rf_fail(using->error, RF_USAGE, "%s: %s.cp_min is more than cp_max, %u and %u",
                entry->place, using->title, entry->cp_min, entry->cp_max);
        return RF_USAGE;
    }
    return code;
}

/* ---- keywords ---- */

static enum rf_code fail_keyword(const struct using *using, const struct rf_postgres_arg *arg) {
    static const char *const words[] = {"host",
                                        "hostaddr",
                                        "port",
                                        "user",
                                        "password",
                                        "dbname",
                                        "passfile",
                                        "service",
                                        "options",
                                        "sslmode",
                                        "sslcert",
                                        "sslkey",
                                        "sslrootcert",
                                        "sslpassword",
                                        "keepalives",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "connect_timeout",
                                        "application_name",
                                        "target_session_attrs",
                                        "cp_min",
                                        "cp_max"};
    char version[16];
    const char *nearest = rf_nearest(arg->name, words, sizeof words / sizeof words[0]);
    rf_conninfo_version(version);
    rf_fail(using->error, RF_USAGE, "%s: %s.%s is no keyword of libpq %s", arg->place, using->title,
            arg->name, version);
    if (nearest) {
        rf_hint(using->error, "did you mean %s?", nearest);
    } else {
        rf_hint(using->error, "args holds what psycopg2 takes: host, port, user, password, dbname, "
                              "sslmode and the like, and cp_min and cp_max for the pool.");
    }
    return RF_USAGE;
}

static void take_setting(void *context, const char *keyword, const char *value) {
    struct using *using = context;
    const char *older = strcmp(keyword, "dbname") == 0 ? "database" : keyword;
    if (find(using, keyword) || find(using, older)) {
        return;
    }
    rf_conninfo_append(&using->conninfo, keyword, value);
    if (strcmp(keyword, "dbname") == 0) {
        using->entry->dbname = rf_arena_copy(using->arena, value);
    }
    using->service |= strcmp(keyword, "service") == 0;
}

static enum rf_code use_dsn(struct using *using) {
    const struct rf_postgres_arg *dsn = find(using, "dsn");
    if (!dsn) {
        return RF_OK;
    }
    enum rf_code code = rf_conninfo_each(dsn->value, take_setting, using, using->error);
    if (code != RF_OK) {
        return refuse_value(using, dsn, "cannot be read as a connection string",
                            "write its parts as keywords: host, port, user, password, dbname.");
    }
    return RF_OK;
}

static enum rf_code use_keyword(struct using *using, const struct rf_postgres_arg *arg) {
    const char *keyword = strcmp(arg->name, "database") == 0 ? "dbname" : arg->name;
    if (rf_conninfo_kind(keyword) == RF_CONNINFO_UNKNOWN) {
        return fail_keyword(using, arg);
    }
    const char *value;
    enum rf_code code = value_of(using, arg, &value);
    if (code != RF_OK) {
        return code;
    }
    if (strcmp(keyword, "dbname") == 0) {
        if (using->entry->dbname && find(using, "database") && find(using, "dbname")) {
            return RF_OK; /* said twice, and alike */
        }
        using->entry->dbname = rf_arena_copy(using->arena, value);
    }
    using->service |= strcmp(keyword, "service") == 0;
    rf_conninfo_append(&using->conninfo, keyword, value);
    return RF_OK;
}

static enum rf_code use_keywords(struct using *using) {
    enum rf_code code = use_dsn(using);
    for (const struct rf_postgres_arg *arg = using->args; code == RF_OK && arg; arg = arg->next) {
        if (!is_of_pool(arg->name) && strcmp(arg->name, "dsn") != 0) {
            code = use_keyword(using, arg);
        }
    }
    return code;
}

/* ---- the database's name ---- */

static enum rf_code check_names(const struct using *using) {
    const struct rf_postgres_arg *older = find(using, "database");
    const struct rf_postgres_arg *name = find(using, "dbname");
    if (older && name && strcmp(older->value, name->value) != 0) {
        rf_fail(using->error, RF_USAGE, "%s: %s names two databases, as database and as dbname",
                name->place, using->title);
        rf_hint(using->error, "they mean the same: leave one of them.");
        return RF_USAGE;
    }
    return RF_OK;
}

static enum rf_code check_dbname(const struct using *using) {
    const char *dbname = using->entry->dbname;
    if ((dbname && *dbname) || (!dbname && using->service)) {
        return RF_OK;
    }
    rf_fail(using->error, RF_USAGE, "%s: %s names no database", using->entry->place, using->title);
    rf_hint(using->error, "add dbname: and the database's name.");
    return RF_USAGE;
}

enum rf_code rf_postgres_args_use(const struct rf_postgres_arg *args, const char *title,
                                  struct rf_postgres_entry *entry, struct rf_arena *arena,
                                  struct rf_error *error) {
    struct using using = {
        .args = args, .title = title, .entry = entry, .arena = arena, .error = error};
    enum rf_code code = check_names(&using);
    if (code == RF_OK) {
        code = use_keywords(&using);
    }
    if (code == RF_OK) {
        code = use_pool(&using);
    }
    if (code == RF_OK) {
        code = check_dbname(&using);
    }
    rf_buffer_u8(&using.conninfo, 0);
    if (code == RF_OK) {
        code = rf_buffer_check(&using.conninfo, error);
    }
    if (code == RF_OK) {
        entry->conninfo = rf_arena_copy(arena, (const char *)using.conninfo.bytes);
        code = rf_arena_check(arena, error);
    }
    rf_buffer_release(&using.conninfo);
    return code;
}
