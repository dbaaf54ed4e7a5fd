/* The options of all commands, in one table: the parser, the help text, the settings and the test
 * that reads man pages and completions all look here, so none can disagree with the others.
 *
 * A command says which of them it takes (command.h). Options may stand before or after the operand,
 * `--` ends them, long names are never abbreviated, and of an option given twice the last one
 * counts, but for those that gather a list. Where an argument may be left out, the next word is
 * taken for it only if it can be one. */
#ifndef RF_TOOLS_OPTION_H
#define RF_TOOLS_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"

struct rf_command;

enum rf_option_id {
    RF_OPTION_REPO,
    RF_OPTION_TARGET,
    RF_OPTION_POSTGRES_CONFIG,
    RF_OPTION_SCHEMA,
    RF_OPTION_SNAPSHOT,
    RF_OPTION_TO,
    RF_OPTION_TABLE,
    RF_OPTION_EXCLUDE,
    RF_OPTION_INCLUDE_SHADOW,
    RF_OPTION_JOBS,
    RF_OPTION_OUTPUT,
    RF_OPTION_FORCE,
    RF_OPTION_SINCE,
    RF_OPTION_SINCE_TARGET,
    RF_OPTION_FOLD_NAMES,
    RF_OPTION_EXISTING,
    RF_OPTION_ATOMIC,
    RF_OPTION_NO_FOREIGN_KEYS,
    RF_OPTION_ON_MISMATCH,
    RF_OPTION_BAD_TEXT,
    RF_OPTION_ANY_LOCALE,
    RF_OPTION_REMAKE,
    RF_OPTION_OVERWRITE_TARGET,
    RF_OPTION_KEEP_LAST,
    RF_OPTION_KEEP_HOURLY,
    RF_OPTION_KEEP_DAILY,
    RF_OPTION_KEEP_WEEKLY,
    RF_OPTION_KEEP_MONTHLY,
    RF_OPTION_KEEP_YEARLY,
    RF_OPTION_KEEP_WITHIN,
    RF_OPTION_DRY_RUN,
    RF_OPTION_FINAL,
    RF_OPTION_VERIFY,
    RF_OPTION_SAME_SOURCE,
    RF_OPTION_THROUGH_SQLITE,
    RF_OPTION_BUSY_TIMEOUT,
    RF_OPTION_SIGN_KEY,
    RF_OPTION_TRUSTED_KEY,
    RF_OPTION_PROFILE,
    RF_OPTION_CONFIG,
    RF_OPTION_EXAMPLE_CONFIG,
    RF_OPTION_JSON,
    RF_OPTION_SQL,
    RF_OPTION_SQLITE,
    RF_OPTION_ROWS,
    RF_OPTION_PROGRESS,
    RF_OPTION_QUIET,
    RF_OPTION_VERBOSE,
    RF_OPTION_HELP,
};
#define RF_OPTIONS 49u

struct rf_option {
    enum rf_option_id id;    /* its place in the table */
    char letter;             /* 0 for none */
    const char *name;        /* without the dashes */
    const char *argument;    /* NULL for none; in brackets if it may be left out */
    const char *environment; /* the variable that stands in for it; NULL for none */
    const char *config;      /* the key in the configuration file; NULL for none */
    const char *help;
};
extern const struct rf_option rf_options[RF_OPTIONS];

/* What was typed. All strings are those of argv. */
struct rf_arguments {
    const struct rf_command *command;
    bool given[RF_OPTIONS];
    const char *value[RF_OPTIONS]; /* of options with an argument; NULL where not given */
    const char **targets;          /* -d, NULL-terminated; NULL where not given */
    const char **tables;           /* -t, NULL-terminated; NULL where not given */
    const char **excluded;         /* -T, likewise */
    const char **remake;           /* --remake, likewise */
    const char **postgres;         /* --postgres-config, likewise */
    const char **trusted;          /* --trusted-key, likewise */
    const char *operand;           /* NULL where there is none */
    const char *second_operand;    /* likewise */
};

/* `argv[0]` is the command's name. RF_USAGE, with the command's name in the hint, for anything that
 * is not in its list. Where --help or --example-config is among the options the
 * operand may be missing. */
RF_MUST_USE enum rf_code rf_arguments_parse(const struct rf_command *command, int argc, char **argv,
                                            struct rf_arguments *arguments, struct rf_error *error);
void rf_arguments_release(struct rf_arguments *arguments);

/* "--jobs", or "-j, --jobs N" with letter and argument. */
const char *rf_option_title(const struct rf_option *option, char text[48]);

/* A word of ours that somebody may have meant: closest of `count` words, NULL where none is
 * close. */
const char *rf_nearest(const char *word, const char *const *words, unsigned count);

#endif
