/* The keys of the configuration file, but for those of rules (config_rules.c), and the file. */
#include "tools/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "format/bytes.h"
#include "tools/config_reader.h"
#include "tools/config_rules.h"

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
    {.name = "rules",
     .title = "tables.rules",
     .read = rf_config_table_rules,
     .offset = MEMBER(rules),
     .mapping = &rf_config_table_rule},
};
static const struct rf_config_mapping tables = {.keys = table_keys, .count = 3};

static const struct rf_config_key root_keys[] = {
    {.name = "repo", .read = rf_config_string, .offset = MEMBER(repo)},
    {.name = "target", .read = rf_config_string_or_empty, .offset = MEMBER(target)},
    {.name = "schema", .read = rf_config_string, .offset = MEMBER(schema)},
    {.name = "jobs", .read = read_jobs, .offset = MEMBER(jobs)},
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
    {.name = "progress", .read = read_progress},
    {.name = "busy_timeout", .read = read_timeout, .offset = MEMBER(busy_timeout_ms)},
};
const struct rf_config_mapping rf_config_root = {.keys = root_keys,
                                                 .count = sizeof root_keys / sizeof root_keys[0]};

/* ---- the file ---- */

static enum rf_code anchor_repo(struct rf_config *config, const char *path,
                                struct rf_error *error) {
    const char *slash = strrchr(path, '/');
    if (!config->repo || config->repo[0] == '/' || !slash) {
        return RF_OK;
    }
    config->repo =
        rf_arena_printf(&config->arena, "%.*s/%s", (int)(slash - path), path, config->repo);
    return rf_arena_check(&config->arena, error);
}

enum rf_code rf_config_parse(const char *path, const void *text, size_t size,
                             struct rf_config *config, struct rf_error *error) {
    *config = (struct rf_config){.busy_timeout_ms = -1};
    enum rf_code code =
        rf_config_read_text(path, text, size, &rf_config_root, config, &config->arena, error);
    if (code == RF_OK) {
        code = anchor_repo(config, path, error);
    }
    if (code != RF_OK) {
        rf_config_release(config);
    }
    return code;
}

static enum rf_code fail_file(const char *path, struct rf_error *error) {
    int number = errno;
    return rf_fail(error, RF_USAGE, "cannot read the configuration file %s: %s", path,
                   strerror(number));
}

/* At most a byte more than is allowed; whatever the file is (a pipe, a device), not more is
 * read. */
static enum rf_code read_bytes(const char *path, int fd, struct rf_buffer *text,
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
            return fail_file(path, error);
        }
        text->size += got > 0 ? (size_t)got : 0;
    }
    rf_fail(error, RF_USAGE, "the configuration file %s is larger than 1 MiB", path);
    rf_hint(error, "is that the right file?");
    return RF_USAGE;
}

enum rf_code rf_config_read(const char *path, struct rf_config *config, struct rf_error *error) {
    *config = (struct rf_config){.busy_timeout_ms = -1};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_file(path, error);
    }
    struct rf_buffer text = {0};
    enum rf_code code = read_bytes(path, fd, &text, error);
    close(fd);
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
