/* What an application hands to psycopg2, made into a connection string of libpq.
 *
 * Keywords are libpq's; `database` is psycopg2's older word for dbname, `dsn` a connection string
 * that the others go over, and those that begin with cp_ are for the application's pool. Whatever
 * else stands there psycopg2 would refuse, and so does this. */
#ifndef RF_TOOLS_POSTGRES_ARGS_H
#define RF_TOOLS_POSTGRES_ARGS_H

#include "tools/postgres_config.h"
#include "tools/yaml_events.h"

struct rf_postgres_arg {
    const char *name;
    const char *value;
    const char *place;
    enum rf_yaml_kind kind;
    struct rf_postgres_arg *next;
};

/* Fills conninfo, dbname, cp_min and cp_max of the entry. `title` is "database.args", for
 * messages. */
RF_MUST_USE enum rf_code rf_postgres_args_use(const struct rf_postgres_arg *args, const char *title,
                                              struct rf_postgres_entry *entry,
                                              struct rf_arena *arena, struct rf_error *error);

#endif
