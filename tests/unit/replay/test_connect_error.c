/* If these fail, an administrator who cannot connect is sent the wrong way. The messages are worded as
 * PostgreSQL 15 words them; tests/e2e/test_connect.py has a server say what one can be made to. */
#include "replay/connect_error.h"

#include <criterion/criterion.h>
#include <string.h>

#define SOCKET "connection to server on socket \"/run/postgresql/.s.PGSQL.5432\" failed: "
#define TCP "connection to server at \"db\" (192.0.2.1), port 5432 failed: "

static const struct {
    const char *message, *host;
    const char *user, *dbname;
    const char *what; /* the end of it */
    const char *sqlstate;
    const char *hint; /* part of it */
} cases[] = {
    {SOCKET "FATAL:  28000: Peer authentication failed for user \"app\"\n"
            "LOCATION:  auth_failed, auth.c:340\n",
     "/run/postgresql", "app", "data", "failed: FATAL: Peer authentication failed for user \"app\"",
     "28000", "pg_reload_conf():\nlocal data app scram-sha-256"},
    {TCP "FATAL:  28000: Ident authentication failed for user \"app\"\n"
         "LOCATION:  auth_failed, auth.c:340\n",
     "db", "app", "data", "Ident authentication failed for user \"app\"", "28000",
     "\nhost data app ADDRESS-OF-THIS-MACHINE/32 scram-sha-256"},
    {TCP "FATAL:  28000: no pg_hba.conf entry for host \"192.0.2.7\", user \"app\", database "
         "\"data\", SSL encryption\nLOCATION:  ClientAuthentication, auth.c:543\n" TCP
         "FATAL:  28000: no pg_hba.conf entry for host \"192.0.2.7\", user \"app\", database "
         "\"data\", no encryption\nLOCATION:  ClientAuthentication, auth.c:543\n",
     "db", "app", "data", "database \"data\", no encryption", "28000",
     "\nhost data app 192.0.2.7/32 scram-sha-256"},
    {TCP "FATAL:  28000: no pg_hba.conf entry for host \"2001:db8::7\", user \"App\", database "
         "\"all\", no encryption\nLOCATION:  ClientAuthentication, auth.c:543\n",
     "db", "App", "all", "no encryption", "28000",
     "\nhost \"all\" \"App\" 2001:db8::7/128 scram-sha-256"},
    {TCP "FATAL:  28000: Ident authentication failed for user \"app\"\n"
         "LOCATION:  auth_failed, auth.c:340\n",
     "localhost", "app", "data", "", "28000", "\nhost data app 127.0.0.1/32 scram-sha-256"},
    {TCP "FATAL:  28000: Ident authentication failed for user \"app\"\n"
         "LOCATION:  auth_failed, auth.c:340\n",
     "::1", "app", "data", "", "28000", "\nhost data app ::1/128 scram-sha-256"},
    {TCP "FATAL:  28000: Ident-Authentifizierung f\xc3\xbcr Benutzer \xc2\xbb"
         "app\xc2\xab "
         "fehlgeschlagen\nORT:  auth_failed, auth.c:340\n",
     "127.0.0.1", "app", "data", "fehlgeschlagen", "28000", "\nhost data app 127.0.0.1/32 "},
    {SOCKET "FATAL:  28000: role \"app\" does not exist\n"
            "LOCATION:  InitializeSessionUserId, miscinit.c:743\n",
     "/run/postgresql", "app", "data", "role \"app\" does not exist", "28000",
     "createuser --pwprompt app"},
    {SOCKET "FATAL:  28000: role \"it's\" does not exist\n"
            "LOCATION:  InitializeSessionUserId, miscinit.c:743\n",
     "/run/postgresql", "it's", "data", "does not exist", "28000",
     "createuser --pwprompt 'it'\\''s'"},
    {SOCKET "FATAL:  28000: role \"app\" is not permitted to log in\n"
            "LOCATION:  InitializeSessionUserId, miscinit.c:782\n",
     "/run/postgresql", "app", "data", "not permitted to log in", "28000",
     "ALTER ROLE \"app\" LOGIN"},
    {TCP "FATAL:  28P01: password authentication failed for user \"app\"\n"
         "LOCATION:  auth_failed, auth.c:340\n",
     "db", "app", "data", "password authentication failed for user \"app\"", "28P01",
     "\\password \"app\" in psql"},
    {SOCKET "FATAL:  3D000: database \"no such: 'one'\" does not exist\n"
            "LOCATION:  InitPostgres, postinit.c:885\n",
     "/run/postgresql", "app", "no such: 'one'", "does not exist", "3D000",
     "createdb --encoding=UTF8 --locale=C --template=template0 --owner=app 'no such: "
     "'\\''one'\\'''"},
    {SOCKET "FATAL:  42501: permission denied for database \"data\"\n"
            "DETAIL:  User does not have CONNECT privilege.\n"
            "LOCATION:  CheckMyDatabase, postinit.c:371\n",
     "/run/postgresql", "app", "data", "DETAIL: User does not have CONNECT privilege.", "42501",
     "GRANT CONNECT ON DATABASE \"data\" TO \"app\""},
    {SOCKET "FATAL:  53300: sorry, too many clients already\n"
            "LOCATION:  InitProcess, proc.c:357\n",
     "/run/postgresql", "app", "data", "sorry, too many clients already", "53300", "--jobs"},
    {SOCKET "FATAL:  57P03: the database system is starting up\n"
            "LOCATION:  ProcessStartupPacket, postmaster.c:2327\n",
     "/run/postgresql", "app", "data", "the database system is starting up", "57P03",
     "once the server is up"},
    {SOCKET "No such file or directory\n\tIs the server running locally and accepting connections "
            "on that socket?\n",
     "/run/postgresql", "app", "data",
     "No such file or directory Is the server running locally and accepting connections on that "
     "socket?",
     "", "systemctl status postgresql"},
    {TCP "Connection refused\n\tIs the server running on that host and accepting TCP/IP "
         "connections?\n",
     "db", "app", "data", "accepting TCP/IP connections?", "", "listen_addresses"},
    {TCP "server does not support SSL, but SSL was required\n", "db", "app", "data",
     "SSL was required", "", "ssl = on"},
    {TCP "SSL error: certificate verify failed\n", "db", "app", "data", "verify failed", "",
     "sslrootcert"},
    {TCP "root certificate file \"/root/.postgresql/root.crt\" does not exist\nEither provide the "
         "file or change sslmode to disable server certificate verification.\n",
     "db", "app", "data", "certificate verification.", "", "sslrootcert"},
    {"could not translate host name \"bd\" to address: Name or service not known\n", "bd", "app",
     "data", "Name or service not known", "", "check the host's name"},
    {"timeout expired", "db", "app", "data", "cannot connect to PostgreSQL: timeout expired", "",
     "firewall"},
    {"something new\n", "db", "app", "data", "something new", "", "--postgres-config"},
    {"", "", "", "", "cannot connect to PostgreSQL: ", "", "--target"},
};

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

Test(connect_error, what_mends_it) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct rf_connect_facts facts = {
            .message = cases[i].message,
            .user = cases[i].user,
            .dbname = cases[i].dbname,
            .host = cases[i].host,
            .port = "5432",
        };
        struct rf_error error = {0};
        cr_expect_eq(rf_connect_fail(&facts, &error), RF_CONNECT);
        cr_expect(ends_with(error.what, cases[i].what), "%s", error.what);
        cr_expect_str_eq(error.sqlstate, cases[i].sqlstate, "%s", cases[i].message);
        cr_expect_not_null(strstr(error.hint, cases[i].hint), "%s: %s", cases[i].message,
                           error.hint);
        cr_expect_null(strstr(error.what, "auth.c"), "%s", error.what);
    }
}

Test(connect_error, a_password_that_is_missing) {
    const struct rf_connect_facts facts = {.message = TCP "fe_sendauth: no password supplied\n",
                                           .host = "db",
                                           .user = "app",
                                           .dbname = "data",
                                           .needs_password = true};
    struct rf_error error = {0};
    cr_expect_eq(rf_connect_fail(&facts, &error), RF_CONNECT);
    cr_expect_not_null(strstr(error.hint, "PGPASSWORD"), "%s", error.hint);
}

/* A server that means harm fills no more than there is. */
Test(connect_error, long_messages_and_names) {
    static char message[20000], name[5000];
    memset(message, 'x', sizeof message - 1);
    memset(name, '\'', sizeof name - 1);
    static const char *const heads[] = {
        "", "FATAL:  3D000: ", "FATAL:  28000: ", "FATAL:  42501: ", "FATAL:  28P01: "};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        memcpy(message, heads[i], strlen(heads[i]));
        for (int quote = 0; quote < 2; quote++) {
            memset(name, quote ? '"' : '\'', sizeof name - 1);
            const struct rf_connect_facts facts = {
                .message = message, .user = name, .dbname = name, .host = name};
            struct rf_error error = {0};
            cr_expect_eq(rf_connect_fail(&facts, &error), RF_CONNECT);
            cr_expect_lt(strlen(error.hint), sizeof error.hint);
        }
    }
}
