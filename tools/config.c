/* The keys of the configuration file, but for those of rules (config_rules.c,
 * config_server.c), and the file. */
#include "tools/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "tools/config_reader.h"
#include "tools/config_rules.h"
#include "tools/config_server.h"
#include "tools/profile.h"

/* ---- the keys ---- */

static enum rf_code read_jobs(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    const char *text;
    enum rf_code code = rf_config_number(reader, key, RF_VALUE_JOBS, &text);
    if (code == RF_OK && !rf_value_jobs(text, rf_config_member(key, into))) {
        return rf_config_refuse(reader, key, RF_VALUE_JOBS);
    }
    return code;
}

static enum rf_code read_timeout(struct rf_config_reader *reader, const struct rf_config_key *key,
                                 void *into) {
    const char *text;
    enum rf_code code = rf_config_number(reader, key, RF_VALUE_TIMEOUT, &text);
    if (code == RF_OK && !rf_value_timeout(text, rf_config_member(key, into))) {
        return rf_config_refuse(reader, key, RF_VALUE_TIMEOUT);
    }
    return code;
}

static enum rf_code read_progress(struct rf_config_reader *reader, const struct rf_config_key *key,
                                  void *into) {
    struct rf_config *config = into;
    const char *text;
    enum rf_code code = rf_config_word(reader, key, RF_VALUE_PROGRESS, &text);
    if (code == RF_OK && !rf_value_progress(text, &config->progress)) {
        return rf_config_refuse(reader, key, RF_VALUE_PROGRESS);
    }
    config->has_progress = code == RF_OK;
    return code;
}

static enum rf_code read_foreign_keys(struct rf_config_reader *reader,
                                      const struct rf_config_key *key, void *into) {
    bool *without = rf_config_member(key, into);
    enum rf_code code = rf_config_truth(reader, key, into);
    *without = !*without;
    return code;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBER(member) offsetof(struct rf_config, member)

static const struct rf_config_key table_keys[] = {
    {.name = "include",
     .title = "tables.include",
     .read = rf_config_strings,
     .offset = MEMBER(include)},
    {.name = "exclude",
     .title = "tables.exclude",
     .read = rf_config_strings,
     .offset = MEMBER(exclude)},
    {.name = "shadow",
     .title = "tables.shadow",
     .read = rf_config_more_strings,
     .offset = MEMBER(shadow)},
    {.name = "rules",
     .title = "tables.rules",
     .read = rf_config_table_rules,
     .offset = MEMBER(rules),
     .mapping = &rf_config_table_rule},
};
static const struct rf_config_mapping tables = {.keys = table_keys, .count = COUNT(table_keys)};

/* Of these, a configuration file has the first two parts, a profile the last two. */
static const struct rf_config_key keys[] = {
    /* where and how */
    {.name = "repo", .read = rf_config_string, .offset = MEMBER(repo)},
    {.name = "target", .read = rf_config_string_or_empty, .offset = MEMBER(target)},
    {.name = "schema", .read = rf_config_string, .offset = MEMBER(schema)},
    {.name = "profile", .read = rf_config_string, .offset = MEMBER(profile)},
    {.name = "jobs", .read = read_jobs, .offset = MEMBER(jobs)},
    {.name = "busy_timeout", .read = read_timeout, .offset = MEMBER(busy_timeout_ms)},
    {.name = "progress", .read = read_progress},
    {.name = "sign_key", .read = rf_config_string, .offset = MEMBER(sign_key)},
    {.name = "trusted_keys", .read = rf_config_strings, .offset = MEMBER(trusted)},
    {.name = "any_locale", .read = rf_config_truth, .offset = MEMBER(rules.any_locale)},
    /* what becomes of everything */
    {.name = "fold_names", .read = rf_config_truth, .offset = MEMBER(rules.fold_names)},
    {.name = "existing", .read = rf_config_truth, .offset = MEMBER(rules.existing)},
    {.name = "atomic", .read = rf_config_truth, .offset = MEMBER(rules.atomic)},
    {.name = "foreign_keys", .read = read_foreign_keys, .offset = MEMBER(rules.no_foreign_keys)},
    {.name = "on_mismatch", .read = rf_config_mismatch, .offset = MEMBER(rules.on_mismatch)},
    {.name = "bad_text", .read = rf_config_bad_text, .offset = MEMBER(rules.bad_text)},
    {.name = "tables", .read = rf_config_nested, .mapping = &tables},
    {.name = "objects",
     .read = rf_config_objects,
     .offset = MEMBER(rules),
     .mapping = &rf_config_object},
    {.name = "sequences",
     .read = rf_config_sequences,
     .offset = MEMBER(rules),
     .mapping = &rf_config_sequence},
    {.name = "after",
     .read = rf_config_after,
     .offset = MEMBER(rules),
     .mapping = &rf_config_after_sql},
    {.name = "analyze", .read = rf_config_truth, .offset = MEMBER(rules.analyze)},
    {.name = "requirements",
     .read = rf_config_requirements,
     .offset = MEMBER(rules),
     .mapping = &rf_config_requirement},
    {.name = "locale", .read = rf_config_string, .offset = MEMBER(rules.locale)},
    {.name = "stores", .read = rf_config_stores, .mapping = &rf_config_store},
    {.name = "next", .read = rf_config_string, .offset = MEMBER(next)},
    /* what a profile is for */
    {.name = "title", .read = rf_config_string, .offset = MEMBER(title), .required = true},
    {.name = "about", .read = rf_config_string, .offset = MEMBER(about)},
};
#define WHERE_AND_HOW 10u
#define FOR_A_PROFILE 2u

static const char *refuse_in_profile(const char *name) {
    for (unsigned i = 0; i < WHERE_AND_HOW; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return "a profile says what becomes of everything, for whoever uses it; where and how "
                   "is said by options, or by a configuration file (-c FILE).";
        }
    }
    return NULL;
}

static const char *refuse_in_file(const char *name) {
    for (unsigned i = COUNT(keys) - FOR_A_PROFILE; i < COUNT(keys); i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return "it belongs in a profile, which profile: or --profile names.";
        }
    }
    return NULL;
}

const struct rf_config_mapping rf_config_root = {
    .keys = keys, .count = COUNT(keys) - FOR_A_PROFILE, .refusal = refuse_in_file};
const struct rf_config_mapping rf_config_profile = {.keys = keys + WHERE_AND_HOW,
                                                    .count = COUNT(keys) - WHERE_AND_HOW,
                                                    .refusal = refuse_in_profile};

/* ---- the file ---- */

/* What is relative is so to the folder of the file. */
static const char *anchored(struct rf_config *config, const char *file, const char *path) {
    const char *slash = strrchr(file, '/');
    if (!path || path[0] == '/' || !slash) {
        return path;
    }
    return rf_arena_printf(&config->arena, "%.*s/%s", (int)(slash - file), file, path);
}

static enum rf_code parse(const char *path, const void *text, size_t size,
                          const struct rf_config_mapping *mapping, struct rf_config *config,
                          struct rf_error *error) {
    enum rf_code code =
        rf_config_read_text(path, text, size, mapping, config, &config->arena, error);
    if (code != RF_OK) {
        rf_config_release(config);
    }
    return code;
}

/* The same for a list; NULL without memory, which the arena keeps in mind. */
static const char *const *anchored_all(struct rf_config *config, const char *file,
                                       const char *const *paths) {
    size_t count = 0;
    while (paths && paths[count]) {
        count++;
    }
    const char **all = paths ? rf_arena_take(&config->arena, count + 1, sizeof *all) : NULL;
    for (size_t i = 0; all && i < count; i++) {
        all[i] = anchored(config, file, paths[i]);
    }
    return all;
}

enum rf_code rf_config_parse_over(const char *path, const void *text, size_t size,
                                  struct rf_config *config, struct rf_error *error) {
    enum rf_code code = parse(path, text, size, &rf_config_root, config, error);
    if (code != RF_OK) {
        return code;
    }
    config->repo = anchored(config, path, config->repo);
    config->sign_key = anchored(config, path, config->sign_key);
    config->trusted = anchored_all(config, path, config->trusted);
    if (config->profile && rf_profile_is_path(config->profile)) {
        config->profile = anchored(config, path, config->profile);
    }
    code = rf_arena_check(&config->arena, error);
    if (code != RF_OK) {
        rf_config_release(config);
    }
    return code;
}

enum rf_code rf_config_parse(const char *path, const void *text, size_t size,
                             struct rf_config *config, struct rf_error *error) {
    *config = (struct rf_config){.busy_timeout_ms = -1};
    return rf_config_parse_over(path, text, size, config, error);
}

enum rf_code rf_config_parse_profile(const char *path, const void *text, size_t size,
                                     struct rf_config *config, struct rf_error *error) {
    *config = (struct rf_config){.busy_timeout_ms = -1};
    enum rf_code code = parse(path, text, size, &rf_config_profile, config, error);
    config->general = config->exclude;
    config->exclude = NULL;
    config->rules.general_table_count = config->rules.table_count;
    return code;
}

static enum rf_code fail_file(const char *kind, const char *path, struct rf_error *error) {
    int number = errno;
    return rf_fail(error, RF_USAGE, "cannot read the %s %s: %s", kind, path, strerror(number));
}

/* At most a byte more than is allowed; whatever the file is (a pipe, a device), not more is
 * read. */
static enum rf_code read_bytes(const char *kind, const char *path, int fd, struct rf_buffer *text,
                               struct rf_error *error) {
    while (text->size <= RF_CONFIG_BYTES_MAX) {
        if (!rf_buffer_reserve(text, 65536)) {
            return rf_fail_memory(error);
        }
        ssize_t got = read(fd, text->bytes + text->size, 65536);
        if (got == 0) {
            return RF_OK;
        }
        if (got < 0 && errno != EINTR) {
            return fail_file(kind, path, error);
        }
        text->size += got > 0 ? (size_t)got : 0;
    }
    rf_fail(error, RF_USAGE, "the %s %s is larger than 1 MiB", kind, path);
    rf_hint(error, "is that the right file?");
    return RF_USAGE;
}

enum rf_code rf_config_load(const char *kind, const char *path, struct rf_buffer *text,
                            struct rf_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_file(kind, path, error);
    }
    enum rf_code code = read_bytes(kind, path, fd, text, error);
    close(fd);
    return code;
}

enum rf_code rf_config_read(const char *path, struct rf_config *config, struct rf_error *error) {
    *config = (struct rf_config){.busy_timeout_ms = -1};
    struct rf_buffer text = {0};
    enum rf_code code = rf_config_load("configuration file", path, &text, error);
    if (code == RF_OK) {
        code = rf_config_parse(path, text.bytes, text.size, config, error);
    }
    rf_buffer_release(&text);
    return code;
}

void rf_config_release(struct rf_config *config) {
    rf_arena_release(&config->arena);
    *config = (struct rf_config){.busy_timeout_ms = -1};
}
