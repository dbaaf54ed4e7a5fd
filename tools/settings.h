/* What a run goes by: option over environment over configuration file over profile over default, each
 * setting by itself (a -t replaces tables.include of the file and leaves tables.exclude as it is).
 * What a profile excludes stays excluded. */
#ifndef RF_TOOLS_SETTINGS_H
#define RF_TOOLS_SETTINGS_H

#include <stdbool.h>

#include "format/error.h"
#include "format/prune_policy.h"
#include "tools/config.h"
#include "tools/databases.h"
#include "tools/option.h"
#include "tools/values.h"

struct rf_settings {
    const char *repo;   /* never NULL once resolved, but for commands that can do without */
    const char *target; /* NULL where none was given: libpq's environment for those that need one */
    uint32_t database_count; /* 0: `target` is all that is known */
    struct rf_database
        *databases; /* where --postgres-config names the target, which is the first */
    const char *schema;
    const char *const *targets; /* all that were given to --target, NULL-terminated; NULL: none */
    const char *snapshot;       /* NULL where not given */
    const char *output;         /* likewise */
    const char *since;          /* likewise */
    const char *since_target;   /* likewise */
    const char *sign_key;       /* likewise, and for a command that signs nothing */
    const char *const
        *trusted; /* NULL-terminated; NULL: whoever wrote it, and for a command that reads none */
    const char *const *include; /* NULL-terminated; NULL: all */
    const char *const *exclude; /* NULL-terminated; NULL: none */
    const char *const *shadow;  /* likewise: shadow tables of virtual tables that are captured */
    const char *const *remake;  /* likewise */
    uint32_t store_count;       /* 0: all tables go to one database */
    const struct rf_store *stores;
    const char *next; /* what is to be done after the last trip; NULL where nothing is said */
    struct rf_rules rules;
    struct rf_prune_policy keep;
    unsigned jobs;
    int busy_timeout_ms;
    enum rf_progress_when progress;
    bool final_trip, verify, force;
    bool overwrite, dry_run, same_source, through_sqlite, example_config, json, quiet, verbose;
    bool sql, sqlite, rows;
    struct rf_config config;            /* holds the strings that came from there */
    struct rf_postgres_config postgres; /* likewise */
};

/* The arguments must outlive the settings. RF_USAGE for a value that is not one, options that
 * exclude each other, a configuration file that is wrong, and where no repository is named. */
RF_MUST_USE enum rf_code rf_settings_resolve(const struct rf_arguments *arguments,
                                             struct rf_settings *settings, struct rf_error *error);
void rf_settings_release(struct rf_settings *settings);

#endif
