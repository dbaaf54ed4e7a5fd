/* The database section of an application's own configuration: YAML in the manner of a Python
 * program that hands `args` to psycopg2, such as a homeserver.yaml.
 *
 *     database:                            databases:
 *       name: psycopg2                       master: {name: psycopg2, data_stores: [main], args: …}
 *       args: {user: …, dbname: …}           other: {name: psycopg2, data_stores: [state], args: …}
 *
 * The file is read as it stands. It is not ours: all of it has to be YAML, in one document, and what
 * is not that section is passed over unseen, whatever it holds. In the section nothing is guessed: a keyword that libpq
 * does not have, an alias, a tag, a value that Python would read as another number than it looks
 * like are errors with file, line and column. Values are never repeated in an error: any of them may
 * be a password.
 *
 * libyaml's events are taken one at a time, so neither nesting nor aliases make anything grow. */
#ifndef RF_TOOLS_POSTGRES_CONFIG_H
#define RF_TOOLS_POSTGRES_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/error.h"
#include "replay/arena.h"

#define RF_POSTGRES_CONFIG_BYTES_MAX (16u << 20)
#define RF_POSTGRES_CONFIG_DEPTH_MAX 256u
#define RF_POSTGRES_DATABASES_MAX 16u

/* One database that the section names. */
struct rf_postgres_entry {
    const char *label;    /* the key in `databases`; "database" for the one of `database` */
    const char *place;    /* "homeserver.yaml:12:3" */
    const char *conninfo; /* the whole of it, password included */
    const char *dbname;   /* NULL where a service file names it */
    const char *const *data_stores; /* NULL-terminated; NULL where not said: all of them */
    unsigned cp_min, cp_max;        /* connections; 0 where not said */
    bool any_locale;                /* allow_unsafe_locale */
};

struct rf_postgres_config {
    uint32_t count; /* at least 1 once read */
    struct rf_postgres_entry *entries;
    struct rf_arena arena; /* of all of the above */
};

/* Files are read in order, and the section of a later one replaces that of an earlier one, as the
 * application does. RF_USAGE for what is wrong in a file, or a file that is none; RF_STORAGE where
 * it may not be read; then the config is empty. `paths` is NULL-terminated. */
RF_MUST_USE enum rf_code rf_postgres_config_read(const char *const *paths,
                                                 struct rf_postgres_config *config,
                                                 struct rf_error *error);
/* The same for text in memory; `path` is for messages. */
RF_MUST_USE enum rf_code rf_postgres_config_parse(const char *path, const void *text, size_t size,
                                                  struct rf_postgres_config *config,
                                                  struct rf_error *error);
void rf_postgres_config_release(struct rf_postgres_config *config); /* twice is fine */

#endif
