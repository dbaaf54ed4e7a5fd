/* One function a reason, each with the command or line that mends it. */
#include "replay/connect_error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "replay/server_error.h"

struct refusal {
    const struct rf_connect_facts *facts;
    char line[400];   /* the message, cleaned */
    char sqlstate[6]; /* "" where no server answered */
    char routine[64]; /* of the server, such as auth_failed; "" likewise */
    char address[64]; /* ours as the server sees it, with a mask; "" where it does not say */
    struct rf_error *error;
};

/* ---- the message ---- */

static bool is_sqlstate(const char *text) {
    for (int i = 0; i < 5; i++) {
        if (!isdigit((unsigned char)text[i]) && !isupper((unsigned char)text[i])) {
            return false;
        }
    }
    return text[5] == ':' && text[6] == ' ';
}

/* "FATAL:  28000: no entry …": where the five characters begin; NULL where there are none. */
static const char *find_sqlstate(const char *text) {
    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 3, ":  ")) {
        if (is_sqlstate(at + 3)) {
            return at + 3;
        }
    }
    return NULL;
}

/* "LOCATION:  auth_failed, auth.c:341", the first word of which may be translated. */
static bool is_location(const char *line, char routine[64]) {
    size_t word = strcspn(line, ": \n");
    if (word == 0 || strncmp(line + word, ":  ", 3) != 0) {
        return false;
    }
    const char *name = line + word + 3;
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    const char *rest = name + size;
    size_t file = rest[0] == ',' && rest[1] == ' ' ? strcspn(rest + 2, ":\n") : 0;
    if (size == 0 || size >= 64 || file < 3 || strncmp(rest + file, ".c:", 3) != 0) {
        return false;
    }
    memcpy(routine, name, size);
    routine[size] = 0;
    return true;
}

static void append(struct refusal *refusal, const char *text, size_t size) {
    size_t used = strlen(refusal->line);
    bool gap = true;
    while (used > 0 && refusal->line[used - 1] == ' ') {
        used--;
    }
    if (used > 0) {
        refusal->line[used++] = ' ';
    }
    for (size_t i = 0; i < size && used + 1 < sizeof refusal->line; i++) {
        bool blank = text[i] == '\t' || text[i] == ' ';
        if (!blank) {
            refusal->line[used++] = text[i];
        } else if (!gap) {
            refusal->line[used++] = ' ';
        }
        gap = blank;
    }
    refusal->line[used] = 0;
}

static void take_line(struct refusal *refusal, const char *line, size_t size) {
    const char *state = find_sqlstate(line);
    if (is_location(line, refusal->routine)) {
        return;
    }
    if (!state || state >= line + size) {
        append(refusal, line, size);
        return;
    }
    memcpy(refusal->sqlstate, state, 5);
    append(refusal, line, (size_t)(state - line));
    append(refusal, state + 7, size - (size_t)(state + 7 - line));
}

static void take_message(struct refusal *refusal) {
    for (const char *line = refusal->facts->message; *line;) {
        size_t size = strcspn(line, "\n");
        take_line(refusal, line, size);
        line += size + (line[size] == '\n');
    }
}

/* no pg_hba.conf entry for host "192.0.2.7", user … */
static void take_address(struct refusal *refusal) {
    const char *host = refusal->facts->host;
    const char *at = strstr(refusal->line, "host \"");
    size_t size = at ? strcspn(at + 6, "\"") : 0;
    if (size > 0 && size < 46) {
        snprintf(refusal->address, sizeof refusal->address, "%.*s%s", (int)size, at + 6,
                 memchr(at + 6, ':', size) ? "/128" : "/32");
    } else if (strcmp(host, "::1") == 0) {
        snprintf(refusal->address, sizeof refusal->address, "::1/128");
    } else if (strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0) {
        snprintf(refusal->address, sizeof refusal->address, "127.0.0.1/32");
    }
}

/* ---- names in commands ---- */

/* A word for a shell. */
static const char *shell_word(const char *word, char text[160]) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t used = 0;
    if (*word && word[strspn(word, plain)] == 0) {
        snprintf(text, 160, "%s", word);
        return text;
    }
    text[used++] = '\'';
    for (; *word && used < 150; word++) {
        if (*word == '\'') {
            memcpy(text + used, "'\\''", 4);
            used += 4;
        } else {
            text[used++] = *word;
        }
    }
    text[used++] = '\'';
    text[used] = 0;
    return text;
}

/* A name for SQL, or for pg_hba.conf where one that is a word of that file's has to be in quotes. */
static const char *quoted(const char *name, char text[160]) {
    size_t used = 0;
    text[used++] = '"';
    for (; *name && used < 156; name++) {
        if (*name == '"') {
            text[used++] = '"';
        }
        text[used++] = *name;
    }
    text[used++] = '"';
    text[used] = 0;
    return text;
}

static const char *hba_name(const char *name, char text[160]) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    static const char *const words[] = {"all", "sameuser", "samerole", "samegroup", "replication"};
    bool safe = *name && name[strspn(name, plain)] == 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        safe = safe && strcmp(name, words[i]) != 0;
    }
    if (!safe) {
        return quoted(name, text);
    }
    snprintf(text, 160, "%s", name);
    return text;
}

/* ---- reasons ---- */

static void hint_at_rules(struct refusal *refusal) {
    const struct rf_connect_facts *facts = refusal->facts;
    char user[160], dbname[160];
    hba_name(facts->user, user);
    hba_name(facts->dbname, dbname);
    if (facts->host[0] == '/' || facts->host[0] == '@') {
        rf_hint(refusal->error,
                "add this line to the server's pg_hba.conf, above those that match as well, then "
                "SELECT pg_reload_conf():\nlocal %.120s %.120s scram-sha-256",
                dbname, user);
    } else {
        rf_hint(refusal->error,
                "add this line to the server's pg_hba.conf, above those that match as well, then "
                "SELECT pg_reload_conf():\nhost %.100s %.100s %s scram-sha-256",
                dbname, user,
                refusal->address[0] ? refusal->address : "ADDRESS-OF-THIS-MACHINE/32");
    }
}

static void hint_at_role(struct refusal *refusal) {
    char user[160];
    rf_hint(refusal->error, "make it, as the server's administrator: createuser --pwprompt %s",
            shell_word(refusal->facts->user, user));
}

static void hint_at_login(struct refusal *refusal) {
    char user[160];
    rf_hint(refusal->error, "as the server's administrator: ALTER ROLE %s LOGIN",
            quoted(refusal->facts->user, user));
}

static void hint_at_password(struct refusal *refusal) {
    char user[160];
    rf_hint(refusal->error,
            "the password is not the role's, or there is no such role; as the server's "
            "administrator, \\password %s in psql sets a new one.",
            quoted(refusal->facts->user, user));
}

static void hint_at_database(struct refusal *refusal) {
    char user[160], dbname[160];
    rf_hint(refusal->error,
            "make it, as the server's administrator: createdb --encoding=UTF8 --locale=C "
            "--template=template0 --owner=%s %s",
            shell_word(refusal->facts->user, user), shell_word(refusal->facts->dbname, dbname));
}

static void hint_at_privilege(struct refusal *refusal) {
    char user[160], dbname[160];
    rf_hint(refusal->error, "as the database's owner: GRANT CONNECT ON DATABASE %s TO %s",
            quoted(refusal->facts->dbname, dbname), quoted(refusal->facts->user, user));
}

static bool says(const struct refusal *refusal, const char *words) {
    return strstr(refusal->line, words) != NULL;
}

/* 28000 is many things. */
static void hint_at_authorization(struct refusal *refusal) {
    if (strcmp(refusal->routine, "InitializeSessionUserId") == 0) {
        if (says(refusal, "not permitted to log in")) {
            hint_at_login(refusal);
        } else {
            hint_at_role(refusal);
        }
    } else {
        hint_at_rules(refusal);
    }
}

static void hint_by_server(struct refusal *refusal) {
    const char *state = refusal->sqlstate;
    if (strcmp(state, "28P01") == 0) {
        hint_at_password(refusal);
    } else if (strcmp(state, "28000") == 0) {
        hint_at_authorization(refusal);
    } else if (strcmp(state, "3D000") == 0) {
        hint_at_database(refusal);
    } else if (strcmp(state, "42501") == 0) {
        hint_at_privilege(refusal);
    } else if (rf_server_hint(state)) {
        rf_hint(refusal->error, "%s", rf_server_hint(state));
    }
}

/* libpq's words, the more exact first. */
static const struct {
    const char *words;
    const char *hint;
} reasons[] = {
    {"does not support SSL",
     "the server has no SSL: turn it on there (ssl = on), or use another sslmode than require "
     "and verify-…"},
    {"root certificate file",
     "put the certificate of the authority that signed the server's there, or name it by "
     "sslrootcert."},
    {"certificate verify failed",
     "the server's certificate is not signed by an authority of sslrootcert."},
    {"server certificate for", "connect by the name that is in the server's certificate."},
    {"SSL", "check sslmode, sslrootcert, sslcert and sslkey against the server's settings."},
    {"could not translate host name", "check the host's name."},
    {"invalid port number", "check the port."},
    {"Connection refused",
     "no server listens there: is it running (systemctl status postgresql), and on that port? "
     "Over the network, listen_addresses must take in that address."},
    {"No such file or directory",
     "no server has its socket there: is it running (systemctl status postgresql)? Name another "
     "folder, or a host name, as host, and check the port."},
    {"Permission denied", "this user may not reach the server's socket: run as one who may, or "
                          "connect by host=localhost."},
    {"timeout", "does the server run, and does a firewall let this machine reach it?"},
    {"timed out", "does the server run, and does a firewall let this machine reach it?"},
    {"No route to host", "does the server run, and does a firewall let this machine reach it?"},
};

static void hint_by_libpq(struct refusal *refusal) {
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (says(refusal, reasons[i].words)) {
            rf_hint(refusal->error, "%s", reasons[i].hint);
            return;
        }
    }
    rf_hint(refusal->error, "name the target with --target or --postgres-config, or by libpq's "
                            "own environment (PGHOST, PGDATABASE, PGSERVICE …).");
}

enum rf_code rf_connect_fail(const struct rf_connect_facts *facts, struct rf_error *error) {
    struct refusal refusal = {.facts = facts, .error = error};
    take_message(&refusal);
    take_address(&refusal);
    rf_fail(error, RF_CONNECT, "cannot connect to PostgreSQL: %s", refusal.line);
    snprintf(error->sqlstate, sizeof error->sqlstate, "%s", refusal.sqlstate);
    if (facts->needs_password) {
        rf_hint(error, "give a password by PGPASSWORD, ~/.pgpass or a service file, or as password "
                       "in the file of --postgres-config.");
    } else if (refusal.sqlstate[0]) {
        hint_by_server(&refusal);
    } else {
        hint_by_libpq(&refusal);
    }
    return RF_CONNECT;
}
