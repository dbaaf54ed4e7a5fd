#include "replay/server_error.h"

#include <stddef.h>
#include <string.h>

/* The longest prefix that fits decides, so the more exact one stands first. */
static const struct {
    const char *prefix;
    enum rf_code code;
    const char *hint;
} meanings[] = {
    {"08", RF_CONNECT, "run the same command again: it goes on where this one ended."},
    {"28", RF_CONNECT,
     "check user, password (PGPASSWORD, ~/.pgpass) and the server's pg_hba.conf."},
    {"2BP01", RF_MISPLACED,
     "something else in the database needs this table, such as a view: drop it, run the same "
     "command again, and make it anew."},
    {"3D000", RF_CONNECT, "create the database first, or name another one."},
    {"42501", RF_CONNECT,
     "the role needs CREATE on the database and on the schema, and must own the tables."},
    {"42P06", RF_MISPLACED, NULL},
    {"42P07", RF_MISPLACED, NULL},
    {"42710", RF_MISPLACED, NULL},
    {"53200", RF_FAILED,
     "many tables change in one transaction: raise max_locks_per_transaction on the server."},
    {"53300", RF_CONNECT, "the server has no connection left: use fewer --jobs."},
    {"55P03", RF_LOCKED, NULL},
    {"57P", RF_CONNECT, "run the same command again once the server is up."},
    {"25006", RF_MISPLACED, "this server takes no writes: name the primary."},
};

static size_t find(const char *sqlstate) {
    size_t count = sizeof meanings / sizeof meanings[0];
    size_t i = 0;
    while (i < count && strncmp(sqlstate, meanings[i].prefix, strlen(meanings[i].prefix)) != 0) {
        i++;
    }
    return i;
}

enum rf_code rf_server_code(const char *sqlstate) {
    if (!sqlstate || !*sqlstate) {
        return RF_FAILED;
    }
    size_t place = find(sqlstate);
    return place < sizeof meanings / sizeof meanings[0] ? meanings[place].code : RF_FAILED;
}

const char *rf_server_hint(const char *sqlstate) {
    if (!sqlstate || !*sqlstate) {
        return NULL;
    }
    size_t place = find(sqlstate);
    return place < sizeof meanings / sizeof meanings[0] ? meanings[place].hint : NULL;
}
