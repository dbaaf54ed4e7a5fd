/* The file, the section in it, and what makes one database of it; postgres_args.c knows what the
 * arguments mean. */
#include "tools/postgres_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/bytes.h"
#include "tools/postgres_args.h"
#include "tools/yaml_events.h"

struct reader {
    struct rf_yaml yaml;
    struct rf_postgres_config *config;
    bool several; /* `databases` was read, of this file or one before */
    bool single;  /* `database` */
};

static enum rf_code check_memory(const struct reader *reader) {
    return rf_arena_check(&reader->config->arena, reader->yaml.error);
}

static const char *place_of(struct reader *reader) {
    yaml_mark_t mark = reader->yaml.event.start_mark;
    return rf_arena_printf(&reader->config->arena, "%s:%zu:%zu", reader->yaml.path, mark.line + 1,
                           mark.column + 1);
}

/* ---- nodes ---- */

/* The next event, which begins a node of one of the kinds. */
static enum rf_code next_of(struct reader *reader, const char *title, enum rf_yaml_kind wanted) {
    enum rf_code code = rf_yaml_next(&reader->yaml);
    if (code != RF_OK) {
        return code;
    }
    enum rf_yaml_kind kind = rf_yaml_kind(&reader->yaml);
    if (kind == wanted) {
        return RF_OK;
    }
    rf_yaml_fail(&reader->yaml, "%s must be %s, not %s", title, rf_yaml_kind_name(wanted),
                 rf_yaml_kind_name(kind));
    if (kind == RF_YAML_ALIAS) {
        rf_hint(reader->yaml.error, "aliases are not followed: write here what it stands for.");
    }
    return RF_USAGE;
}

/* The next key of a mapping into the arena; NULL at the mapping's end. */
static enum rf_code next_key(struct reader *reader, const char *title, const char **key) {
    struct rf_yaml *yaml = &reader->yaml;
    *key = NULL;
    enum rf_code code = rf_yaml_next(yaml);
    if (code != RF_OK || yaml->event.type == YAML_MAPPING_END_EVENT) {
        return code;
    }
    const char *text = yaml->event.type == YAML_SCALAR_EVENT ? rf_yaml_text(yaml) : NULL;
    if (!text || !*text) {
        return rf_yaml_fail(yaml, "a key of %s must be a word", title);
    }
    if (strcmp(text, "<<") == 0) {
        rf_yaml_fail(yaml, "%s takes over keys from elsewhere (<<)", title);
        rf_hint(yaml->error, "aliases are not followed: write here what it stands for.");
        return RF_USAGE;
    }
    *key = rf_arena_copy(&reader->config->arena, text);
    return check_memory(reader);
}

static enum rf_code copy_text(struct reader *reader, const char *title, const char **out) {
    const char *text = rf_yaml_text(&reader->yaml);
    if (!text) {
        return rf_yaml_fail(&reader->yaml, "%s has a NUL in it", title);
    }
    *out = rf_arena_copy(&reader->config->arena, text);
    return check_memory(reader);
}

static enum rf_code fail_twice(struct reader *reader, const char *title, const char *key) {
    return rf_yaml_fail(&reader->yaml, "%s.%s is there twice", title, key);
}

/* ---- args ---- */

static enum rf_code read_arg(struct reader *reader, const char *title, const char *name,
                             struct rf_postgres_arg **first, struct rf_postgres_arg ***end) {
    struct rf_yaml *yaml = &reader->yaml;
    char whole[200];
    snprintf(whole, sizeof whole, "%.90s.%.90s", title, name);
    for (const struct rf_postgres_arg *arg = *first; arg; arg = arg->next) {
        if (strcmp(arg->name, name) == 0) {
            return fail_twice(reader, title, name);
        }
    }
    enum rf_code code = rf_yaml_next(yaml);
    if (code != RF_OK) {
        return code;
    }
    enum rf_yaml_kind kind = rf_yaml_kind(yaml);
    bool pool =
        strncmp(name, "cp_", 3) == 0 && strcmp(name, "cp_min") != 0 && strcmp(name, "cp_max") != 0;
    if (kind == RF_YAML_NULL || pool) {
        return rf_yaml_skip(yaml); /* None is handed to nobody; the pool minds what is its own */
    }
    if (kind >= RF_YAML_LIST) {
        return rf_yaml_fail(yaml, "%s must be a string or a number, not %s", whole,
                            rf_yaml_kind_name(kind));
    }
    struct rf_postgres_arg *arg = rf_arena_take(&reader->config->arena, 1, sizeof *arg);
    if (!arg) {
        return rf_fail_memory(yaml->error);
    }
    *arg = (struct rf_postgres_arg){.name = name, .place = place_of(reader), .kind = kind};
    **end = arg;
    *end = &arg->next;
    return copy_text(reader, whole, &arg->value);
}

static enum rf_code read_args(struct reader *reader, const char *title,
                              struct rf_postgres_arg **args) {
    struct rf_postgres_arg **end = args;
    *args = NULL;
    enum rf_code code = next_of(reader, title, RF_YAML_MAPPING);
    while (code == RF_OK) {
        const char *name;
        code = next_key(reader, title, &name);
        if (code != RF_OK || !name) {
            break;
        }
        code = read_arg(reader, title, name, args, &end);
    }
    return code;
}

/* ---- one database ---- */

enum part { PART_NAME, PART_ARGS, PART_LOCALE, PART_STORES, PARTS };
static const char *const parts[PARTS] = {"name", "args", "allow_unsafe_locale", "data_stores"};

/* What an entry holds, gathered before any of it is judged: keys come in any order. */
struct parts {
    const char *title; /* "database", "databases.state" */
    bool seen[PARTS];
    const char *name, *name_place;
    struct rf_postgres_arg *args;
};

static enum rf_code read_stores(struct reader *reader, const char *title,
                                struct rf_postgres_entry *entry) {
    struct rf_arena *arena = &reader->config->arena;
    const char **stores = rf_arena_take(arena, RF_POSTGRES_DATABASES_MAX + 1u, sizeof *stores);
    enum rf_code code =
        stores ? next_of(reader, title, RF_YAML_LIST) : rf_fail_memory(reader->yaml.error);
    uint32_t count = 0;
    while (code == RF_OK) {
        code = rf_yaml_next(&reader->yaml);
        if (code != RF_OK || reader->yaml.event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        if (rf_yaml_kind(&reader->yaml) != RF_YAML_TEXT) {
            return rf_yaml_fail(&reader->yaml, "%s must be a list of names", title);
        }
        if (count == RF_POSTGRES_DATABASES_MAX) {
            return rf_yaml_fail(&reader->yaml, "%s has more than %u names", title,
                                RF_POSTGRES_DATABASES_MAX);
        }
        code = copy_text(reader, title, &stores[count++]);
    }
    if (code == RF_OK && count == 0) {
        return rf_yaml_fail(&reader->yaml, "%s is empty: nothing would go there", title);
    }
    entry->data_stores = stores;
    return code;
}

static enum rf_code read_truth(struct reader *reader, const char *title, bool *answer) {
    enum rf_code code = next_of(reader, title, RF_YAML_TRUTH);
    if (code == RF_OK) {
        *answer = rf_yaml_is_true(&reader->yaml);
    }
    return code;
}

static enum rf_code read_name(struct reader *reader, const char *title, struct parts *found) {
    enum rf_code code = next_of(reader, title, RF_YAML_TEXT);
    if (code == RF_OK) {
        found->name_place = place_of(reader);
        code = copy_text(reader, title, &found->name);
    }
    return code;
}

static enum part part_of(const char *key) {
    unsigned part = 0;
    while (part < PARTS && strcmp(parts[part], key) != 0) {
        part++;
    }
    return (enum part)part;
}

static enum rf_code read_part(struct reader *reader, const char *key, struct parts *found,
                              struct rf_postgres_entry *entry) {
    char title[200];
    enum part part = part_of(key);
    snprintf(title, sizeof title, "%.100s.%.90s", found->title, key);
    if (part < PARTS && found->seen[part]) {
        return fail_twice(reader, found->title, key);
    }
    if (part < PARTS) {
        found->seen[part] = true;
    }
    switch (part) {
    case PART_NAME:
        return read_name(reader, title, found);
    case PART_ARGS:
        return read_args(reader, title, &found->args);
    case PART_LOCALE:
        return read_truth(reader, title, &entry->any_locale);
    case PART_STORES:
        return read_stores(reader, title, entry);
    case PARTS:
        break;
    }
    enum rf_code code = rf_yaml_next(&reader->yaml);
    return code == RF_OK ? rf_yaml_skip(&reader->yaml) : code;
}

static enum rf_code judge_name(const struct parts *found, const struct rf_postgres_entry *entry,
                               struct rf_error *error) {
    if (found->name && strcmp(found->name, "psycopg2") == 0) {
        return RF_OK;
    }
    if (!found->name || strcmp(found->name, "sqlite3") == 0) {
        rf_fail(error, RF_USAGE, "%s: %s is SQLite: %s",
                found->name ? found->name_place : entry->place, found->title,
                found->name ? "its name is sqlite3" : "it has no name, which means sqlite3");
        rf_hint(error, "name a copy of the file with the section as it is to be on PostgreSQL: "
                       "name: psycopg2, and args: with user, password, dbname and host.");
    } else {
        rf_fail(error, RF_USAGE, "%s: %s.name must be psycopg2, not \"%s\"", found->name_place,
                found->title, found->name);
    }
    return RF_USAGE;
}

static enum rf_code judge(struct reader *reader, const struct parts *found,
                          struct rf_postgres_entry *entry) {
    struct rf_error *error = reader->yaml.error;
    enum rf_code code = judge_name(found, entry, error);
    if (code != RF_OK) {
        return code;
    }
    char title[120];
    snprintf(title, sizeof title, "%.100s.args", found->title);
    return rf_postgres_args_use(found->args, title, entry, &reader->config->arena, error);
}

/* From the mapping's start, which is the current event, to its end. */
static enum rf_code read_entry(struct reader *reader, const char *title,
                               struct rf_postgres_entry *entry) {
    struct parts found = {.title = title};
    enum rf_code code = RF_OK;
    entry->place = place_of(reader);
    while (code == RF_OK) {
        const char *key;
        code = next_key(reader, title, &key);
        if (code != RF_OK || !key) {
            break;
        }
        code = read_part(reader, key, &found, entry);
    }
    return code == RF_OK ? judge(reader, &found, entry) : code;
}

/* ---- the section ---- */

static enum rf_code make_room(struct reader *reader) {
    struct rf_postgres_config *config = reader->config;
    config->count = 0;
    config->entries =
        rf_arena_take(&config->arena, RF_POSTGRES_DATABASES_MAX, sizeof *config->entries);
    return check_memory(reader);
}

/* A section that is empty counts as none, as it does to the application. */
static enum rf_code begin_section(struct reader *reader, const char *key, bool *empty) {
    enum rf_code code = rf_yaml_next(&reader->yaml);
    *empty = code == RF_OK && rf_yaml_kind(&reader->yaml) == RF_YAML_NULL;
    if (code != RF_OK || *empty) {
        return code;
    }
    enum rf_yaml_kind kind = rf_yaml_kind(&reader->yaml);
    if (kind != RF_YAML_MAPPING) {
        rf_yaml_fail(&reader->yaml, "%s must be a mapping, not %s", key, rf_yaml_kind_name(kind));
        if (kind == RF_YAML_ALIAS) {
            rf_hint(reader->yaml.error, "aliases are not followed: write here what it stands for.");
        }
        return RF_USAGE;
    }
    return make_room(reader);
}

static enum rf_code read_single(struct reader *reader) {
    bool empty;
    enum rf_code code = begin_section(reader, "database", &empty);
    if (code != RF_OK || empty) {
        return code;
    }
    struct rf_postgres_entry *entry = &reader->config->entries[reader->config->count++];
    entry->label = "database";
    reader->single = true;
    return read_entry(reader, "database", entry);
}

static enum rf_code read_labelled(struct reader *reader, const char *label) {
    struct rf_postgres_config *config = reader->config;
    char title[120];
    snprintf(title, sizeof title, "databases.%.100s", label);
    for (uint32_t i = 0; i < config->count; i++) {
        if (strcmp(config->entries[i].label, label) == 0) {
            return fail_twice(reader, "databases", label);
        }
    }
    if (config->count == RF_POSTGRES_DATABASES_MAX) {
        return rf_yaml_fail(&reader->yaml, "more than %u databases", RF_POSTGRES_DATABASES_MAX);
    }
    enum rf_code code = next_of(reader, title, RF_YAML_MAPPING);
    if (code != RF_OK) {
        return code;
    }
    struct rf_postgres_entry *entry = &config->entries[config->count++];
    entry->label = label;
    return read_entry(reader, rf_arena_copy(&config->arena, title), entry);
}

static enum rf_code read_several(struct reader *reader) {
    bool empty;
    enum rf_code code = begin_section(reader, "databases", &empty);
    while (code == RF_OK && !empty) {
        const char *label;
        code = next_key(reader, "databases", &label);
        if (code != RF_OK || !label) {
            break;
        }
        reader->several = true;
        code = read_labelled(reader, label);
    }
    return code;
}

/* ---- the file's own level ---- */

static enum rf_code fail_both(struct reader *reader) {
    rf_yaml_fail(&reader->yaml, "both database and databases are there");
    rf_hint(reader->yaml.error,
            "the application takes one of them: leave the one that it is to use.");
    return RF_USAGE;
}

/* Of a key that is no word nothing is wanted. */
static enum rf_code read_key(struct reader *reader, bool seen[2]) {
    struct rf_yaml *yaml = &reader->yaml;
    const char *text = yaml->event.type == YAML_SCALAR_EVENT ? rf_yaml_text(yaml) : NULL;
    bool single = text && strcmp(text, "database") == 0;
    bool several = text && strcmp(text, "databases") == 0;
    if (single || several) {
        if (seen[several]) {
            return rf_yaml_fail(yaml, "%s is there twice", several ? "databases" : "database");
        }
        seen[several] = true;
        enum rf_code code = single ? read_single(reader) : read_several(reader);
        return code == RF_OK && reader->single && reader->several ? fail_both(reader) : code;
    }
    enum rf_code code = rf_yaml_skip(yaml);
    if (code == RF_OK) {
        code = rf_yaml_next(yaml);
    }
    return code == RF_OK ? rf_yaml_skip(yaml) : code;
}

static enum rf_code read_root(struct reader *reader) {
    struct rf_yaml *yaml = &reader->yaml;
    enum rf_yaml_kind kind = rf_yaml_kind(yaml);
    if (yaml->event.type != YAML_MAPPING_START_EVENT) {
        rf_yaml_fail(yaml, "the file must be a mapping of keys to values, not %s",
                     rf_yaml_kind_name(kind));
        rf_hint(yaml->error, "is that the application's configuration file?");
        return RF_USAGE;
    }
    bool seen[2] = {false, false};
    for (;;) {
        enum rf_code code = rf_yaml_next(yaml);
        if (code != RF_OK || yaml->event.type == YAML_MAPPING_END_EVENT) {
            return code;
        }
        code = read_key(reader, seen);
        if (code != RF_OK) {
            return code;
        }
    }
}

/* Adds to what was read of files before. */
static enum rf_code read_text(struct reader *reader, const char *path, const void *text,
                              size_t size, struct rf_error *error) {
    bool empty = false;
    enum rf_code code =
        rf_yaml_open(&reader->yaml, path, text, size, RF_POSTGRES_CONFIG_DEPTH_MAX, error);
    if (code == RF_OK) {
        code = rf_yaml_begin(&reader->yaml, &empty);
    }
    if (code == RF_OK && !empty) {
        code = read_root(reader);
    }
    if (code == RF_OK) {
        code = rf_yaml_end(&reader->yaml);
    }
    rf_yaml_close(&reader->yaml);
    return code;
}

static enum rf_code finish(struct reader *reader, enum rf_code code, const char *path,
                           struct rf_error *error) {
    if (code == RF_OK && reader->config->count == 0) {
        code = rf_fail(error, RF_USAGE, "%s: there is no database section", path);
        rf_hint(error, "the file must have database: with name: psycopg2 and args:, as the "
                       "application will use it.");
    }
    if (code != RF_OK) {
        rf_postgres_config_release(reader->config);
    }
    return code;
}

enum rf_code rf_postgres_config_parse(const char *path, const void *text, size_t size,
                                      struct rf_postgres_config *config, struct rf_error *error) {
    *config = (struct rf_postgres_config){.count = 0};
    struct reader reader = {.config = config};
    enum rf_code code = read_text(&reader, path, text, size, error);
    return finish(&reader, code, path, error);
}

/* ---- files ---- */

static enum rf_code fail_file(const char *path, struct rf_error *error) {
    int number = errno;
    bool storage = number == EACCES || number == EPERM || number == EIO;
    rf_fail(error, storage ? RF_STORAGE : RF_USAGE, "cannot read the configuration file %s: %s",
            path, strerror(number));
    if (number == EISDIR) {
        rf_hint(error, "name the file in it that has the database section; several may be named.");
    }
    return error->code;
}

/* At most a piece more than is allowed, whatever the file is. */
static enum rf_code read_bytes(const char *path, int fd, struct rf_buffer *text,
                               struct rf_error *error) {
    while (text->size <= RF_POSTGRES_CONFIG_BYTES_MAX) {
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
    rf_fail(error, RF_USAGE, "the configuration file %s is larger than 16 MiB", path);
    rf_hint(error, "is that the right file?");
    return RF_USAGE;
}

static enum rf_code read_file(struct reader *reader, const char *path, struct rf_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_file(path, error);
    }
    struct rf_buffer text = {0};
    enum rf_code code = read_bytes(path, fd, &text, error);
    close(fd);
    if (code == RF_OK) {
        code = read_text(reader, path, text.bytes, text.size, error);
    }
    if (text.bytes) {
        explicit_bzero(text.bytes, text.size);
    }
    rf_buffer_release(&text);
    return code;
}

enum rf_code rf_postgres_config_read(const char *const *paths, struct rf_postgres_config *config,
                                     struct rf_error *error) {
    *config = (struct rf_postgres_config){.count = 0};
    struct reader reader = {.config = config};
    enum rf_code code = RF_OK;
    const char *last = "";
    for (; code == RF_OK && *paths; paths++) {
        last = *paths;
        code = read_file(&reader, last, error);
    }
    return finish(&reader, code, last, error);
}

void rf_postgres_config_release(struct rf_postgres_config *config) {
    rf_arena_release(&config->arena);
    *config = (struct rf_postgres_config){.count = 0};
}
