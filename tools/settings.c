/* Merging options, environment, configuration and defaults. */
#include "tools/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"

#define DEFAULT_JOBS_MAX 8u
#define DEFAULT_BUSY_TIMEOUT_MS 10000

static unsigned default_jobs(void) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > (long)DEFAULT_JOBS_MAX ? DEFAULT_JOBS_MAX : (unsigned)online;
}

static enum rf_code fail_value(enum rf_option_id id, const char *wanted, const char *value,
                               struct rf_error *error) {
    return rf_fail(error, RF_USAGE, "--%s must be %s, not \"%s\"", rf_options[id].name, wanted,
                   value);
}

/* The first of option, environment and file that has the string. An empty variable counts as
 * none. */
static const char *string_of(const struct rf_arguments *arguments, enum rf_option_id id,
                             const char *configured, const char *otherwise) {
    const char *variable = rf_options[id].environment ? getenv(rf_options[id].environment) : NULL;
    if (arguments->given[id]) {
        return arguments->value[id];
    }
    if (variable && *variable) {
        return variable;
    }
    return configured ? configured : otherwise;
}

static enum rf_code resolve_numbers(const struct rf_arguments *arguments,
                                    struct rf_settings *settings, struct rf_error *error) {
    const struct rf_config *config = &settings->config;
    settings->jobs = config->jobs ? config->jobs : default_jobs();
    settings->busy_timeout_ms =
        config->busy_timeout_ms >= 0 ? config->busy_timeout_ms : DEFAULT_BUSY_TIMEOUT_MS;
    settings->progress = config->has_progress ? config->progress : RF_PROGRESS_AUTO;

    const char *jobs = arguments->value[RF_OPTION_JOBS];
    if (jobs && !rf_value_jobs(jobs, &settings->jobs)) {
        return fail_value(RF_OPTION_JOBS, RF_VALUE_JOBS, jobs, error);
    }
    const char *timeout = arguments->value[RF_OPTION_BUSY_TIMEOUT];
    if (timeout && !rf_value_timeout(timeout, &settings->busy_timeout_ms)) {
        return fail_value(RF_OPTION_BUSY_TIMEOUT, RF_VALUE_TIMEOUT, timeout, error);
    }
    const char *progress = arguments->value[RF_OPTION_PROGRESS];
    if (progress && !rf_value_progress(progress, &settings->progress)) {
        return fail_value(RF_OPTION_PROGRESS, RF_VALUE_PROGRESS, progress, error);
    }
    return RF_OK;
}

/* Freed through char **, read through const char *const *: the same strings. */
static const char *const *globs_of(const char *const *typed, char *const *configured) {
    return typed ? typed : (const char *const *)configured;
}

static enum rf_code refuse_empty(const struct rf_arguments *arguments, struct rf_error *error) {
    static const enum rf_option_id ids[] = {RF_OPTION_REPO, RF_OPTION_SCHEMA, RF_OPTION_SNAPSHOT,
                                            RF_OPTION_CONFIG};
    for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const char *value = arguments->value[ids[i]];
        if (value && !*value) {
            return rf_fail(error, RF_USAGE, "--%s is empty", rf_options[ids[i]].name);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        enum rf_option_id id = i == 0 ? RF_OPTION_TABLE : RF_OPTION_EXCLUDE;
        const char **list = i == 0 ? arguments->tables : arguments->excluded;
        for (; list && *list; list++) {
            if (!**list) {
                return rf_fail(error, RF_USAGE, "--%s is empty", rf_options[id].name);
            }
        }
    }
    if (arguments->operand && !*arguments->operand) {
        return rf_fail(error, RF_USAGE, "%s is empty", arguments->command->operand);
    }
    return RF_OK;
}

static enum rf_code check(const struct rf_arguments *arguments, const struct rf_settings *settings,
                          struct rf_error *error) {
    if (settings->quiet && settings->verbose) {
        return rf_fail(error, RF_USAGE, "--quiet and --verbose exclude each other");
    }
    if (arguments->given[RF_OPTION_SNAPSHOT] && arguments->operand) {
        return rf_fail(error, RF_USAGE, "the snapshot is named twice: \"%s\" and \"%s\"",
                       arguments->value[RF_OPTION_SNAPSHOT], arguments->operand);
    }
    if (!settings->repo) {
        rf_fail(error, RF_USAGE, "no repository named");
        rf_hint(error, "use --repo DIR, the variable ROWFERRY_REPO, or repo: in a configuration "
                       "file.");
        return RF_USAGE;
    }
    return RF_OK;
}

enum rf_code rf_settings_resolve(const struct rf_arguments *arguments, struct rf_settings *settings,
                                 struct rf_error *error) {
    *settings = (struct rf_settings){.config.busy_timeout_ms = -1};
    struct rf_config *config = &settings->config;
    enum rf_code code = refuse_empty(arguments, error);
    if (code == RF_OK && arguments->given[RF_OPTION_CONFIG]) {
        code = rf_config_read(arguments->value[RF_OPTION_CONFIG], config, error);
    }
    settings->repo = string_of(arguments, RF_OPTION_REPO, config->repo, NULL);
    settings->target = string_of(arguments, RF_OPTION_TARGET, config->target, NULL);
    settings->schema = string_of(arguments, RF_OPTION_SCHEMA, config->schema, "public");
    settings->snapshot = string_of(arguments, RF_OPTION_SNAPSHOT, NULL, NULL);
    settings->include = globs_of(arguments->tables, config->include);
    settings->exclude = globs_of(arguments->excluded, config->exclude);
    settings->dry_run = arguments->given[RF_OPTION_DRY_RUN];
    settings->same_source = arguments->given[RF_OPTION_SAME_SOURCE];
    settings->json = arguments->given[RF_OPTION_JSON];
    settings->quiet = arguments->given[RF_OPTION_QUIET];
    settings->verbose = arguments->given[RF_OPTION_VERBOSE];
    if (code == RF_OK) {
        code = resolve_numbers(arguments, settings, error);
    }
    return code == RF_OK ? check(arguments, settings, error) : code;
}

void rf_settings_release(struct rf_settings *settings) {
    rf_config_release(&settings->config);
}
