/* Merging options, environment, configuration and defaults. */
#include "tools/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/profile.h"

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

/* ---- what a prune keeps ---- */

static enum rf_code resolve_keep(const struct rf_arguments *arguments, struct rf_settings *settings,
                                 struct rf_error *error) {
    static const enum rf_option_id ids[RF_KEEP_COUNTED] = {
        [RF_KEEP_LAST] = RF_OPTION_KEEP_LAST,       [RF_KEEP_HOURLY] = RF_OPTION_KEEP_HOURLY,
        [RF_KEEP_DAILY] = RF_OPTION_KEEP_DAILY,     [RF_KEEP_WEEKLY] = RF_OPTION_KEEP_WEEKLY,
        [RF_KEEP_MONTHLY] = RF_OPTION_KEEP_MONTHLY, [RF_KEEP_YEARLY] = RF_OPTION_KEEP_YEARLY,
    };
    settings->keep = (struct rf_prune_policy){0};
    for (unsigned rule = 0; rule < RF_KEEP_COUNTED; rule++) {
        const char *count = arguments->value[ids[rule]];
        if (count && !rf_keep_parse_count(count, &settings->keep.count[rule])) {
            return fail_value(ids[rule], RF_VALUE_KEEP, count, error);
        }
    }
    const char *within = arguments->value[RF_OPTION_KEEP_WITHIN];
    if (within && !rf_keep_parse_span(within, &settings->keep.within)) {
        return fail_value(RF_OPTION_KEEP_WITHIN, RF_VALUE_WITHIN, within, error);
    }
    return RF_OK;
}

/* ---- tables ---- */

static const char *const *globs_of(const char *const *typed, const char *const *configured) {
    return typed ? typed : configured;
}

static size_t count_of(const char *const *globs) {
    size_t count = 0;
    while (globs && globs[count]) {
        count++;
    }
    return count;
}

/* Both lists, one behind the other. */
static const char *const *join_globs(struct rf_arena *arena, const char *const *first,
                                     const char *const *second) {
    size_t before = count_of(first);
    size_t behind = count_of(second);
    if (before == 0 || behind == 0) {
        return before > 0 ? first : second;
    }
    const char **both = rf_arena_take(arena, before + behind + 1, sizeof *both);
    if (both) {
        memcpy(both, first, before * sizeof *both);
        memcpy(both + before, second, behind * sizeof *both);
    }
    return both;
}

static enum rf_code resolve_tables(const struct rf_arguments *arguments,
                                   struct rf_settings *settings, struct rf_error *error) {
    static const char *const every[] = {"*", NULL};
    struct rf_config *config = &settings->config;
    settings->include = globs_of(arguments->tables, config->include);
    settings->exclude =
        join_globs(&config->arena, config->general, globs_of(arguments->excluded, config->exclude));
    settings->shadow = arguments->given[RF_OPTION_INCLUDE_SHADOW] ? every : config->shadow;
    settings->remake = arguments->remake;
    settings->store_count = config->store_count;
    settings->stores = config->stores;
    return rf_arena_check(&config->arena, error);
}

/* ---- rules ---- */

static enum rf_code resolve_rules(const struct rf_arguments *arguments,
                                  struct rf_settings *settings, struct rf_error *error) {
    struct rf_rules *rules = &settings->rules;
    *rules = settings->config.rules;
    rules->fold_names |= arguments->given[RF_OPTION_FOLD_NAMES];
    rules->existing |= arguments->given[RF_OPTION_EXISTING];
    rules->atomic |= arguments->given[RF_OPTION_ATOMIC];
    rules->any_locale |= arguments->given[RF_OPTION_ANY_LOCALE];
    rules->no_foreign_keys |= arguments->given[RF_OPTION_NO_FOREIGN_KEYS];

    const char *mismatch = arguments->value[RF_OPTION_ON_MISMATCH];
    if (mismatch && !rf_mismatch_find(mismatch, &rules->on_mismatch)) {
        return fail_value(RF_OPTION_ON_MISMATCH, RF_VALUE_MISMATCH, mismatch, error);
    }
    const char *bad_text = arguments->value[RF_OPTION_BAD_TEXT];
    if (bad_text && !rf_bad_text_find(bad_text, &rules->bad_text)) {
        return fail_value(RF_OPTION_BAD_TEXT, RF_VALUE_BAD_TEXT, bad_text, error);
    }
    return RF_OK;
}

static enum rf_code refuse_empty(const struct rf_arguments *arguments, struct rf_error *error) {
    static const enum rf_option_id ids[] = {RF_OPTION_REPO,     RF_OPTION_SCHEMA,  RF_OPTION_CONFIG,
                                            RF_OPTION_SNAPSHOT, RF_OPTION_TO,      RF_OPTION_OUTPUT,
                                            RF_OPTION_SIGN_KEY, RF_OPTION_PROFILE, RF_OPTION_SINCE};
    for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const char *value = arguments->value[ids[i]];
        if (value && !*value) {
            return rf_fail(error, RF_USAGE, "--%s is empty", rf_options[ids[i]].name);
        }
    }
    const struct {
        enum rf_option_id id;
        const char **list;
    } lists[] = {{RF_OPTION_TABLE, arguments->tables},
                 {RF_OPTION_EXCLUDE, arguments->excluded},
                 {RF_OPTION_REMAKE, arguments->remake},
                 {RF_OPTION_POSTGRES_CONFIG, arguments->postgres},
                 {RF_OPTION_TRUSTED_KEY, arguments->trusted}};
    for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const char **glob = lists[i].list; glob && *glob; glob++) {
            if (!**glob) {
                return rf_fail(error, RF_USAGE, "--%s is empty", rf_options[lists[i].id].name);
            }
        }
    }
    if (arguments->operand && !*arguments->operand) {
        return rf_fail(error, RF_USAGE, "%s is empty", arguments->command->operand);
    }
    if (arguments->second_operand && !*arguments->second_operand) {
        return rf_fail(error, RF_USAGE, "%s is empty", arguments->command->second_operand);
    }
    return RF_OK;
}

/* Tables of the application are filled, not altered: whoever wants both is told before a value
 * comes that would need it. */
static enum rf_code refuse_to_alter(const char *place, const char *setting,
                                    struct rf_error *error) {
    rf_fail(error, RF_USAGE, "%s alters tables, and existing ones are the application's", setting);
    if (place) {
        rf_detail(error, "in the rule at %s", place);
    }
    rf_hint(error, "choose another one, or leave out --existing (existing: in the configuration "
                   "file or profile).");
    return RF_USAGE;
}

static enum rf_code check_policies(const char *place, enum rf_mismatch on_mismatch,
                                   enum rf_bad_text bad_text, struct rf_error *error) {
    if (on_mismatch == RF_MISMATCH_WIDEN) {
        return refuse_to_alter(place, "on_mismatch widen", error);
    }
    if (bad_text == RF_BAD_TEXT_BYTEA) {
        return refuse_to_alter(place, "bad_text bytea", error);
    }
    return RF_OK;
}

static enum rf_code check_existing(const struct rf_settings *settings, struct rf_error *error) {
    const struct rf_rules *rules = &settings->rules;
    if (!rules->existing) {
        return RF_OK;
    }
    enum rf_code code = check_policies(NULL, rules->on_mismatch, rules->bad_text, error);
    for (uint32_t i = 0; code == RF_OK && i < rules->table_count; i++) {
        const struct rf_table_rule *table = &rules->tables[i];
        code = check_policies(table->place, table->on_mismatch, table->bad_text, error);
        for (uint32_t j = 0; code == RF_OK && j < table->column_count; j++) {
            const struct rf_column_rule *column = &table->columns[j];
            code = check_policies(column->place, column->on_mismatch, column->bad_text, error);
        }
    }
    return code;
}

static enum rf_code check(const struct rf_arguments *arguments, const struct rf_settings *settings,
                          struct rf_error *error) {
    if (settings->quiet && settings->verbose) {
        return rf_fail(error, RF_USAGE, "--quiet and --verbose exclude each other");
    }
    if (arguments->given[RF_OPTION_SNAPSHOT] && arguments->given[RF_OPTION_TO]) {
        return rf_fail(error, RF_USAGE, "--snapshot and --to are the same; one of them is enough");
    }
    if (arguments->given[RF_OPTION_SNAPSHOT] && arguments->operand) {
        return rf_fail(error, RF_USAGE, "the snapshot is named twice: \"%s\" and \"%s\"",
                       arguments->value[RF_OPTION_SNAPSHOT], arguments->operand);
    }
    if (settings->json && (settings->sql || settings->sqlite)) {
        return rf_fail(error, RF_USAGE, "--%s and --json exclude each other",
                       settings->sql ? "sql" : "sqlite");
    }
    if (settings->sql + settings->sqlite + settings->rows > 1) {
        return rf_fail(error, RF_USAGE, "--rows, --sql and --sqlite exclude each other");
    }
    if (!settings->repo && !arguments->command->repo_optional) {
        rf_fail(error, RF_USAGE, "no repository named");
        rf_hint(error, "use --repo DIR, the variable ROWFERRY_REPO, or repo: in a configuration "
                       "file. A capture that names none keeps it beside the database, in "
                       "DATABASE.rowferry.");
        return RF_USAGE;
    }
    return check_existing(settings, error);
}

/* ---- keys ---- */

/* A configuration file is there for all commands, and names keys that some have no use for. */
static enum rf_code resolve_keys(const struct rf_arguments *arguments, struct rf_settings *settings,
                                 struct rf_error *error) {
    const struct rf_command *command = arguments->command;
    const struct rf_config *config = &settings->config;
    if (rf_command_takes(command, RF_OPTION_SIGN_KEY)) {
        settings->sign_key = string_of(arguments, RF_OPTION_SIGN_KEY, config->sign_key, NULL);
    }
    if (rf_command_takes(command, RF_OPTION_TRUSTED_KEY)) {
        settings->trusted = globs_of(arguments->trusted, config->trusted);
    }
    if (settings->trusted && !settings->trusted[0]) {
        rf_fail(error, RF_USAGE, "trusted_keys is an empty list, so nobody would be trusted");
        rf_hint(error, "name the files of the keys, or take the setting out.");
        return RF_USAGE;
    }
    return RF_OK;
}

/* ---- databases ---- */

static bool any_locale_everywhere(const struct rf_postgres_config *postgres) {
    bool all = true;
    for (uint32_t i = 0; i < postgres->count; i++) {
        all = all && postgres->entries[i].any_locale;
    }
    return all;
}

/* The application's own file goes before rowferry's, and --target before both. */
static enum rf_code resolve_databases(const struct rf_arguments *arguments,
                                      struct rf_settings *settings, struct rf_error *error) {
    struct rf_postgres_config *postgres = &settings->postgres;
    enum rf_code code =
        rf_databases_check_rules(&settings->rules, settings->stores, settings->store_count, error);
    if (code == RF_OK && arguments->postgres) {
        code = rf_postgres_config_read((const char *const *)arguments->postgres, postgres, error);
    }
    if (code != RF_OK || !arguments->postgres) {
        return code;
    }
    settings->rules.any_locale |= any_locale_everywhere(postgres);
    if (arguments->given[RF_OPTION_TARGET]) {
        return RF_OK;
    }
    const struct rf_databases_options options = {
        .store_count = settings->store_count,
        .stores = settings->stores,
        .jobs = settings->jobs,
        .jobs_said = arguments->given[RF_OPTION_JOBS] || settings->config.jobs,
        .rules = &settings->rules,
    };
    code = rf_databases_make(postgres, &options, &postgres->arena, &settings->databases, error);
    if (code == RF_OK) {
        settings->database_count = postgres->count;
        settings->target = settings->databases[0].conninfo;
    }
    return code;
}

static enum rf_code read_config(const struct rf_arguments *arguments, struct rf_config *config,
                                struct rf_error *error) {
    bool takes = rf_command_takes(arguments->command, RF_OPTION_PROFILE);
    const char *profile = takes ? string_of(arguments, RF_OPTION_PROFILE, NULL, NULL) : NULL;
    return rf_profile_under(profile, arguments->value[RF_OPTION_CONFIG], config, error);
}

/* What captures a database keeps the repository beside it, where none is named. */
static enum rf_code resolve_repo(const struct rf_arguments *arguments, struct rf_settings *settings,
                                 struct rf_error *error) {
    struct rf_arena *arena = &settings->config.arena;
    const struct rf_command *command = arguments->command;
    settings->repo = string_of(arguments, RF_OPTION_REPO, settings->config.repo, NULL);
    bool captures = command->operand_required && strcmp(command->operand, "DATABASE") == 0;
    if (!settings->repo && captures && !command->repo_optional && arguments->operand) {
        settings->repo = rf_arena_printf(arena, "%s.rowferry", arguments->operand);
    }
    return rf_arena_check(arena, error);
}

enum rf_code rf_settings_resolve(const struct rf_arguments *arguments, struct rf_settings *settings,
                                 struct rf_error *error) {
    *settings = (struct rf_settings){.config.busy_timeout_ms = -1};
    struct rf_config *config = &settings->config;
    enum rf_code code = refuse_empty(arguments, error);
    if (code == RF_OK) {
        code = read_config(arguments, config, error);
    }
    if (code == RF_OK) {
        code = resolve_repo(arguments, settings, error);
    }
    settings->target = string_of(arguments, RF_OPTION_TARGET, config->target, NULL);
    settings->targets = arguments->targets;
    settings->schema = string_of(arguments, RF_OPTION_SCHEMA, config->schema, "public");
    settings->snapshot =
        string_of(arguments, RF_OPTION_SNAPSHOT, arguments->value[RF_OPTION_TO], NULL);
    settings->output = string_of(arguments, RF_OPTION_OUTPUT, NULL, NULL);
    settings->force = arguments->given[RF_OPTION_FORCE];
    settings->since = arguments->value[RF_OPTION_SINCE];
    settings->since_target = arguments->value[RF_OPTION_SINCE_TARGET];
    settings->next = config->next;
    settings->overwrite = arguments->given[RF_OPTION_OVERWRITE_TARGET];
    settings->dry_run = arguments->given[RF_OPTION_DRY_RUN];
    settings->final_trip = arguments->given[RF_OPTION_FINAL];
    settings->verify = arguments->given[RF_OPTION_VERIFY];
    settings->force = arguments->given[RF_OPTION_FORCE];
    settings->same_source = arguments->given[RF_OPTION_SAME_SOURCE];
    settings->through_sqlite = arguments->given[RF_OPTION_THROUGH_SQLITE];
    settings->example_config = arguments->given[RF_OPTION_EXAMPLE_CONFIG];
    settings->json = arguments->given[RF_OPTION_JSON];
    settings->sql = arguments->given[RF_OPTION_SQL];
    settings->sqlite = arguments->given[RF_OPTION_SQLITE];
    settings->rows = arguments->given[RF_OPTION_ROWS];
    settings->quiet = arguments->given[RF_OPTION_QUIET];
    settings->verbose = arguments->given[RF_OPTION_VERBOSE];
    if (code == RF_OK) {
        code = resolve_keys(arguments, settings, error);
    }
    if (code == RF_OK) {
        code = resolve_tables(arguments, settings, error);
    }
    if (code == RF_OK) {
        code = resolve_numbers(arguments, settings, error);
    }
    if (code == RF_OK) {
        code = resolve_keep(arguments, settings, error);
    }
    if (code == RF_OK) {
        code = resolve_rules(arguments, settings, error);
    }
    if (code == RF_OK) {
        code = resolve_databases(arguments, settings, error);
    }
    return code == RF_OK ? check(arguments, settings, error) : code;
}

void rf_settings_release(struct rf_settings *settings) {
    rf_config_release(&settings->config);
    rf_postgres_config_release(&settings->postgres);
}
