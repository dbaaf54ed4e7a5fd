/* The option table and the parser over it. */
#include "tools/option.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/values.h"

const struct rf_option rf_options[RF_OPTIONS] = {
    {RF_OPTION_REPO, 'r', "repo", "DIR", "ROWFERRY_REPO", "repo",
     "the repository's folder (of a capture, by default: DATABASE.rowferry)"},
    {RF_OPTION_TARGET, 'd', "target", "CONNINFO", NULL, "target",
     "the PostgreSQL database, as a libpq connection string or URI"},
    {RF_OPTION_POSTGRES_CONFIG, 0, "postgres-config", "FILE", NULL, NULL,
     "the database section of the application's own configuration, such as a homeserver.yaml, "
     "names the target; may be given several times"},
    {RF_OPTION_SCHEMA, 0, "schema", "NAME", NULL, "schema",
     "the schema in the target that the tables go to (default: public)"},
    {RF_OPTION_SNAPSHOT, 's', "snapshot", "SNAPSHOT", NULL, NULL,
     "a snapshot's number, the first 4 or more digits of its digest, or latest"},
    {RF_OPTION_TO, 0, "to", "SNAPSHOT", NULL, NULL,
     "the snapshot to go to, forward or back; the same as --snapshot"},
    {RF_OPTION_TABLE, 't', "table", "GLOB", NULL, "tables.include",
     "only tables whose name matches; may be given several times"},
    {RF_OPTION_EXCLUDE, 'T', "exclude-table", "GLOB", NULL, "tables.exclude",
     "no tables whose name matches; may be given several times"},
    {RF_OPTION_INCLUDE_SHADOW, 0, "include-shadow", NULL, NULL, "tables.shadow",
     "capture the tables in which virtual tables keep their content too"},
    {RF_OPTION_JOBS, 'j', "jobs", "N", NULL, "jobs",
     "workers, 1 to 64 (default: one a processor, at most 8)"},
    {RF_OPTION_OUTPUT, 'o', "output", "FILE", NULL, NULL, "write there; - is standard output"},
    {RF_OPTION_FORCE, 0, "force", NULL, NULL, NULL, "replace a file that is there"},
    {RF_OPTION_SINCE, 0, "since", "SNAPSHOT", NULL, NULL,
     "only the snapshots after this one, which the reader has"},
    {RF_OPTION_SINCE_TARGET, 0, "since-target", "CONNINFO", NULL, NULL,
     "only the snapshots after the one at which this PostgreSQL database stands"},
    {RF_OPTION_FOLD_NAMES, 0, "fold-names", NULL, NULL, "fold_names",
     "names of tables and columns in lower case in the target"},
    {RF_OPTION_EXISTING, 0, "existing", NULL, NULL, "existing",
     "fill tables that the application has made in the target"},
    {RF_OPTION_ATOMIC, 0, "atomic", NULL, NULL, "atomic",
     "with --existing: the first load in one transaction, by one connection"},
    {RF_OPTION_NO_FOREIGN_KEYS, 0, "no-foreign-keys", NULL, NULL, "foreign_keys",
     "make tables without foreign keys"},
    {RF_OPTION_ON_MISMATCH, 0, "on-mismatch", "POLICY", NULL, "on_mismatch",
     "what becomes of a value that its column cannot hold: widen (default), set-aside (default "
     "with --existing), null or fail"},
    {RF_OPTION_BAD_TEXT, 0, "bad-text", "RULE", NULL, "bad_text",
     "what becomes of text with NUL or that is not UTF-8: set-aside (default), bytea, strip, "
     "replace or escape"},
    {RF_OPTION_ANY_LOCALE, 0, "any-locale", NULL, NULL, "any_locale",
     "take a database whose locale is not the one that the profile asks for"},
    {RF_OPTION_REMAKE, 0, "remake", "GLOB", NULL, NULL,
     "make tables whose name matches anew, by the settings of now; may be given several times"},
    {RF_OPTION_OVERWRITE_TARGET, 0, "overwrite-target", NULL, NULL, NULL,
     "make tables that others have written to the source's again; what was written is lost"},
    {RF_OPTION_KEEP_LAST, 0, "keep-last", "N", NULL, NULL, "keep the N newest snapshots"},
    {RF_OPTION_KEEP_HOURLY, 0, "keep-hourly", "N", NULL, NULL,
     "keep the newest snapshot of each of the last N hours that have one"},
    {RF_OPTION_KEEP_DAILY, 0, "keep-daily", "N", NULL, NULL, "the same for days, in UTC"},
    {RF_OPTION_KEEP_WEEKLY, 0, "keep-weekly", "N", NULL, NULL,
     "the same for weeks, from Monday to Sunday"},
    {RF_OPTION_KEEP_MONTHLY, 0, "keep-monthly", "N", NULL, NULL, "the same for months"},
    {RF_OPTION_KEEP_YEARLY, 0, "keep-yearly", "N", NULL, NULL, "the same for years"},
    {RF_OPTION_KEEP_WITHIN, 0, "keep-within", "DURATION", NULL, NULL,
     "keep what is younger than that, seen from the newest snapshot: 30d, or years, months, days "
     "and hours as in 1y5m7d2h"},
    {RF_OPTION_DRY_RUN, 'n', "dry-run", NULL, NULL, NULL,
     "print what would be done, and do nothing"},
    {RF_OPTION_FINAL, 0, "final", NULL, NULL, NULL,
     "the last trip: make sure that nobody writes to the database any more, and prove the target "
     "equal to it"},
    {RF_OPTION_VERIFY, 0, "verify", NULL, NULL, NULL,
     "prove repository and target in the end, as verify does"},
    {RF_OPTION_SAME_SOURCE, 0, "same-source", NULL, NULL, NULL,
     "capture even what looks like another database than the one before"},
    {RF_OPTION_THROUGH_SQLITE, 0, "through-sqlite", NULL, NULL, NULL,
     "read every table through SQLite instead of the file's pages"},
    {RF_OPTION_BUSY_TIMEOUT, 0, "busy-timeout", "SECONDS", NULL, "busy_timeout",
     "how long to wait for a writer that locks the database (default: 10)"},
    {RF_OPTION_SIGN_KEY, 0, "sign-key", "FILE", "ROWFERRY_SIGN_KEY", "sign_key",
     "sign what is written with the secret key in this file, which keygen makes"},
    {RF_OPTION_TRUSTED_KEY, 0, "trusted-key", "FILE", NULL, "trusted_keys",
     "take only what the holder of this public key signed; may be given several times"},
    {RF_OPTION_PROFILE, 0, "profile", "NAME|PATH", "ROWFERRY_PROFILE", "profile",
     "what an application's tables need: a profile of rowferry's by name, or one in a file"},
    {RF_OPTION_CONFIG, 'c', "config", "FILE", NULL, NULL, "read settings from this YAML file"},
    {RF_OPTION_EXAMPLE_CONFIG, 0, "example-config", NULL, NULL, NULL,
     "print a configuration file that explains every setting"},
    {RF_OPTION_JSON, 0, "json", NULL, NULL, NULL,
     "print JSON lines, one object a line, the last one a summary"},
    {RF_OPTION_SQL, 0, "sql", NULL, NULL, NULL, "print statements for psql, and nothing else"},
    {RF_OPTION_SQLITE, 0, "sqlite", NULL, NULL, NULL,
     "print statements for sqlite3, and nothing else"},
    {RF_OPTION_ROWS, 0, "rows", NULL, NULL, NULL,
     "print every row that differs, with its key and old and new values"},
    {RF_OPTION_PROGRESS, 0, "progress", "[WHEN]", NULL, "progress",
     "show progress on standard error: auto (a line on a terminal, default), always (a view of the "
     "whole terminal; plain lines elsewhere), which is meant without WHEN, or never"},
    {RF_OPTION_QUIET, 'q', "quiet", NULL, NULL, NULL,
     "print nothing but errors, and JSON if asked for"},
    {RF_OPTION_VERBOSE, 'v', "verbose", NULL, NULL, NULL, "print more"},
    {RF_OPTION_HELP, 'h', "help", NULL, NULL, NULL, "print this help"},
};

/* What getopt_long answers for a long option; letters lie below. */
#define LONG_BASE 256

static bool can_do_without(const struct rf_option *option) {
    return option->argument && option->argument[0] == '[';
}

static int argument_of(const struct rf_option *option) {
    return !option->argument        ? no_argument
           : can_do_without(option) ? optional_argument
                                    : required_argument;
}

/* getopt_long's two descriptions of the same table. */
struct grammar {
    char letters[2 * RF_OPTIONS + 3];
    struct option names[RF_OPTIONS + 1];
};

static struct grammar make_grammar(void) {
    /* '-': operands are handed over where they stand, so that optind is always the word looked at;
     * ':': a missing argument is told apart from an unknown option. */
    struct grammar grammar = {.letters = "-:"};
    size_t used = 2;
    for (unsigned i = 0; i < RF_OPTIONS; i++) {
        const struct rf_option *option = &rf_options[i];
        grammar.names[i] =
            (struct option){option->name, argument_of(option), NULL, LONG_BASE + (int)i};
        if (option->letter) {
            grammar.letters[used++] = option->letter;
            if (option->argument) {
                grammar.letters[used++] = ':';
            }
        }
    }
    return grammar;
}

static const struct rf_option *option_of(int answer) {
    for (unsigned i = 0; i < RF_OPTIONS; i++) {
        if (answer == LONG_BASE + (int)i || (answer > 0 && answer == rf_options[i].letter)) {
            return &rf_options[i];
        }
    }
    return NULL;
}

const char *rf_option_title(const struct rf_option *option, char text[48]) {
    char letter[8] = "    ";
    if (option->letter) {
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    snprintf(text, 48, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    return text;
}

/* Levenshtein's distance of short words; anything long is far away. */
static unsigned distance(const char *a, const char *b) {
    size_t width = strlen(b);
    unsigned row[32];
    if (strlen(a) >= 32 || width >= 32) {
        return 32;
    }
    for (unsigned i = 0; i <= width; i++) {
        row[i] = i;
    }
    for (; *a; a++) {
        unsigned diagonal = row[0]++;
        for (size_t i = 1; i <= width; i++) {
            unsigned change = diagonal + (*a != b[i - 1]);
            unsigned add = row[i - 1] + 1;
            unsigned drop = row[i] + 1;
            diagonal = row[i];
            row[i] = change < add ? change : add;
            row[i] = drop < row[i] ? drop : row[i];
        }
    }
    return row[width];
}

const char *rf_nearest(const char *word, const char *const *words, unsigned count) {
    const char *nearest = NULL;
    size_t least = 3;
    for (unsigned i = 0; i < count; i++) {
        size_t far = distance(word, words[i]);
        if (far < least && 2 * far <= strlen(words[i])) {
            least = far;
            nearest = words[i];
        }
    }
    return nearest;
}

static void hint_at_help(const struct rf_command *command, struct rf_error *error) {
    rf_hint(error, "rowferry %s --help lists what it takes.", command->name);
}

static enum rf_code unknown(const struct rf_command *command, const char *name,
                            struct rf_error *error) {
    rf_fail(error, RF_USAGE, "unknown option \"%s\"", name);
    hint_at_help(command, error);
    const char *names[RF_OPTIONS];
    unsigned count = 0;
    for (unsigned i = 0; i < RF_OPTIONS; i++) {
        if (rf_command_takes(command, (enum rf_option_id)i)) {
            names[count++] = rf_options[i].name;
        }
    }
    const char *nearest = strncmp(name, "--", 2) == 0 ? rf_nearest(name + 2, names, count) : NULL;
    if (nearest) {
        rf_hint(error, "did you mean --%s? rowferry %s --help lists what it takes.", nearest,
                command->name);
    }
    return RF_USAGE;
}

/* The name in a word such as --jobs=4. */
static enum rf_code unknown_word(const struct rf_command *command, const char *word,
                                 struct rf_error *error) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    return unknown(command, name, error);
}

/* getopt answered '?': a letter or name it does not know, or an argument where none belongs. */
static enum rf_code refuse(const struct rf_command *command, const char *word,
                           struct rf_error *error) {
    const struct rf_option *option = optopt ? option_of(optopt) : NULL;
    if (option) {
        rf_fail(error, RF_USAGE, "option --%s takes no argument", option->name);
        hint_at_help(command, error);
        return RF_USAGE;
    }
    if (optopt) {
        char letter[] = {'-', (char)optopt, 0};
        return unknown(command, letter, error);
    }
    return unknown_word(command, word, error);
}

static enum rf_code take_operand(struct rf_arguments *arguments, const char *word,
                                 struct rf_error *error) {
    const struct rf_command *command = arguments->command;
    if (command->operand && !arguments->operand) {
        arguments->operand = word;
        return RF_OK;
    }
    if (command->second_operand && !arguments->second_operand) {
        arguments->second_operand = word;
        return RF_OK;
    }
    rf_fail(error, RF_USAGE, "extra argument \"%s\"", word);
    hint_at_help(command, error);
    return RF_USAGE;
}

/* Where the values of an option gather that may be given several times; NULL for any other. */
static const char ***list_of(struct rf_arguments *arguments, enum rf_option_id id) {
    return id == RF_OPTION_TARGET            ? &arguments->targets
           : id == RF_OPTION_TABLE           ? &arguments->tables
           : id == RF_OPTION_EXCLUDE         ? &arguments->excluded
           : id == RF_OPTION_REMAKE          ? &arguments->remake
           : id == RF_OPTION_POSTGRES_CONFIG ? &arguments->postgres
           : id == RF_OPTION_TRUSTED_KEY     ? &arguments->trusted
                                             : NULL;
}

static void append(const char **list, const char *value) {
    while (*list) {
        list++;
    }
    *list = value;
}

/* The argument as getopt_long found it. --progress can do without: then the next word is it, and is
 * taken, if it says when; else that is meant which nobody need ask for otherwise. */
static const char *argument_given(const struct rf_option *option, int argc, char **argv) {
    enum rf_progress_when when;
    if (optarg || !can_do_without(option)) {
        return optarg;
    }
    bool said = optind < argc && rf_value_progress(argv[optind], &when);
    return said ? argv[optind++] : "always";
}

static enum rf_code take_option(struct rf_arguments *arguments, const struct rf_option *option,
                                int room, const char *value, struct rf_error *error) {
    const struct rf_command *command = arguments->command;
    if (!rf_command_takes(command, option->id)) {
        rf_fail(error, RF_USAGE, "rowferry %s takes no option --%s", command->name, option->name);
        hint_at_help(command, error);
        return RF_USAGE;
    }
    arguments->given[option->id] = true;
    arguments->value[option->id] = value;
    const char ***list = list_of(arguments, option->id);
    if (list) {
        if (!*list) {
            *list = calloc((size_t)room, sizeof **list);
        }
        if (!*list) {
            return rf_fail_memory(error);
        }
        append(*list, value);
    }
    return RF_OK;
}

/* getopt_long takes --rep for --repo. We do not: --rep may mean something else one day. */
static bool is_abbreviated(const char *word, int answer) {
    const struct rf_option *option = option_of(answer == ':' ? optopt : answer);
    if (!option || strncmp(word, "--", 2) != 0) {
        return false;
    }
    size_t size = strcspn(word + 2, "=");
    return size != strlen(option->name) && strncmp(word + 2, option->name, size) == 0;
}

static enum rf_code take(struct rf_arguments *arguments, int answer, int argc, char **argv,
                         const char *word, struct rf_error *error) {
    const struct rf_command *command = arguments->command;
    if (answer == 1) {
        return take_operand(arguments, optarg, error);
    }
    if (answer == '?') {
        return refuse(command, word, error);
    }
    if (is_abbreviated(word, answer)) {
        return unknown_word(command, word, error);
    }
    if (answer == ':') {
        const struct rf_option *option = option_of(optopt);
        rf_fail(error, RF_USAGE, "option --%s needs an argument: %s", option ? option->name : "",
                option ? option->argument : "");
        hint_at_help(command, error);
        return RF_USAGE;
    }
    const struct rf_option *option = option_of(answer);
    return take_option(arguments, option, argc + 1, argument_given(option, argc, argv), error);
}

static enum rf_code check_operand(const struct rf_arguments *arguments, struct rf_error *error) {
    const struct rf_command *command = arguments->command;
    if (command->operand && command->operand_required && !arguments->operand &&
        !arguments->given[RF_OPTION_HELP] && !arguments->given[RF_OPTION_EXAMPLE_CONFIG]) {
        rf_fail(error, RF_USAGE, "rowferry %s needs an argument: %s", command->name,
                command->operand);
        hint_at_help(command, error);
        return RF_USAGE;
    }
    return RF_OK;
}

enum rf_code rf_arguments_parse(const struct rf_command *command, int argc, char **argv,
                                struct rf_arguments *arguments, struct rf_error *error) {
    *arguments = (struct rf_arguments){.command = command};
    struct grammar grammar = make_grammar();
    enum rf_code code = RF_OK;
    opterr = 0;
    optind = 0; /* GNU: begin anew */
    while (code == RF_OK) {
        int before = optind ? optind : 1;
        int answer = getopt_long(argc, argv, grammar.letters, grammar.names, NULL);
        if (answer == -1) {
            break;
        }
        const char *word = before < argc ? argv[before] : "";
        code = take(arguments, answer, argc, argv, word, error);
    }
    for (; code == RF_OK && optind < argc; optind++) {
        code = take_operand(arguments, argv[optind], error);
    }
    return code == RF_OK ? check_operand(arguments, error) : code;
}

void rf_arguments_release(struct rf_arguments *arguments) {
    free(arguments->targets);
    free(arguments->tables);
    free(arguments->excluded);
    free(arguments->remake);
    free(arguments->postgres);
    free(arguments->trusted);
    *arguments = (struct rf_arguments){0};
}
