/* Reading the configuration file with libyaml's events.
 *
 * The shape of the file is fixed and two mappings deep, so whatever does not fit stops the reading
 * at the event where it shows: no nesting to exhaust, no alias to expand, no tree to build. */
#include "tools/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "format/bytes.h"
#include "tools/option.h"

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; all zero before the first */
    const char *path;
    const uint8_t *text;
    struct rf_config *config;
    struct rf_error *error;
};

/* Fails at a place in the file; lines and columns are counted from 1. */
#define FAIL_AT(reader, mark, format, ...)                                                     \
    rf_fail((reader)->error, RF_USAGE, "%s:%zu:%zu: " format, (reader)->path, (mark).line + 1, \
            (mark).column + 1, __VA_ARGS__)

/* ---- events ---- */

/* The reader of libyaml tells an offset in bytes, not a line, of what is not Unicode text. */
static yaml_mark_t mark_of_offset(const struct reader *reader, size_t offset) {
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset; i++) {
        mark.column += (reader->text[i] & 0xc0) != 0x80;
        if (reader->text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return mark;
}

static enum rf_code fail_as_yaml(struct reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return rf_fail_memory(reader->error);
    }
    yaml_mark_t mark = parser->error == YAML_READER_ERROR
                           ? mark_of_offset(reader, parser->problem_offset)
                           : parser->problem_mark;
    FAIL_AT(reader, mark, "not YAML: %s", parser->problem ? parser->problem : "unknown error");
    if (parser->context) {
        rf_detail(reader->error, "%s at line %zu.", parser->context, parser->context_mark.line + 1);
    }
    rf_hint(reader->error, "rowferry.yaml(5) shows what the file looks like.");
    return RF_USAGE;
}

/* Aliases are refused with the anchors they need, so nothing can be made to expand. */
static enum rf_code refuse_extras(struct reader *reader) {
    const yaml_event_t *event = &reader->event;
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT) {
        anchor = event->data.alias.anchor;
    } else if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor) {
        return FAIL_AT(reader, event->start_mark, "anchors and aliases are not allowed (\"%s\")",
                       (const char *)anchor);
    }
    if (tag) {
        return FAIL_AT(reader, event->start_mark, "tags are not allowed (\"%s\")",
                       (const char *)tag);
    }
    return RF_OK;
}

static enum rf_code next(struct reader *reader) {
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        return fail_as_yaml(reader);
    }
    return refuse_extras(reader);
}

/* ---- scalars ---- */

static const char *scalar_text(const yaml_event_t *event) {
    return (const char *)event->data.scalar.value;
}

static bool is_one_of(const char *text, const char *const *words) {
    while (*words && strcmp(text, *words) != 0) {
        words++;
    }
    return *words;
}

/* What an event is, in words. Plain words that YAML 1.1 or 1.2 takes for something else than a
 * string are that here as well: whoever means the string puts it in quotes. */
static const char *kind_of(const yaml_event_t *event) {
    static const char *const nothing[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const truth[] = {"true", "True", "TRUE", "false", "False", "FALSE", "yes",
                                        "Yes",  "YES",  "no",   "No",    "NO",    "on",    "On",
                                        "ON",   "off",  "Off",  "OFF",   NULL};
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return "a list";
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        return "a mapping";
    }
    if (event->type != YAML_SCALAR_EVENT) {
        return "nothing";
    }
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return "a string";
    }
    const char *text = scalar_text(event);
    if (is_one_of(text, nothing)) {
        return "nothing";
    }
    if (is_one_of(text, truth)) {
        return "true or false";
    }
    char *end;
    strtod(text, &end);
    return *end ? "a string" : "a number";
}

static bool is_kind(const yaml_event_t *event, const char *kind) {
    return strcmp(kind_of(event), kind) == 0;
}

static enum rf_code fail_type(struct reader *reader, const char *name, const char *wanted) {
    const char *found = kind_of(&reader->event);
    FAIL_AT(reader, reader->event.start_mark, "%s must be %s, not %s", name, wanted, found);
    if (reader->event.type == YAML_SCALAR_EVENT && strcmp(wanted, "a string") == 0) {
        rf_hint(reader->error, "put it in quotes if it is meant to be a string.");
    }
    return RF_USAGE;
}

/* Copies the current event's string. */
static enum rf_code copy_string(struct reader *reader, const char *name, bool may_be_empty,
                                char **out) {
    const yaml_event_t *event = &reader->event;
    if (!is_kind(event, "a string")) {
        return fail_type(reader, name, "a string");
    }
    size_t size = event->data.scalar.length;
    if (strlen(scalar_text(event)) != size) {
        return FAIL_AT(reader, event->start_mark, "%s contains a NUL", name);
    }
    if (size == 0 && !may_be_empty) {
        return FAIL_AT(reader, event->start_mark, "%s is empty", name);
    }
    *out = strdup(scalar_text(event));
    return *out ? RF_OK : rf_fail_memory(reader->error);
}

static enum rf_code read_string(struct reader *reader, const char *name, bool may_be_empty,
                                char **out) {
    enum rf_code code = next(reader);
    return code == RF_OK ? copy_string(reader, name, may_be_empty, out) : code;
}

/* The next event as a scalar of a kind; the caller reads its text. */
static enum rf_code read_scalar(struct reader *reader, const char *name, const char *kind,
                                const char *wanted) {
    enum rf_code code = next(reader);
    if (code == RF_OK && !is_kind(&reader->event, kind)) {
        return fail_type(reader, name, wanted);
    }
    return code;
}

static enum rf_code fail_value(struct reader *reader, const char *name, const char *wanted) {
    return FAIL_AT(reader, reader->event.start_mark, "%s must be %s, not \"%s\"", name, wanted,
                   scalar_text(&reader->event));
}

/* ---- lists and mappings ---- */

static enum rf_code append(struct reader *reader, char ***list, size_t *count, char *text) {
    char **grown = realloc(*list, (*count + 2) * sizeof **list);
    if (!grown) {
        free(text);
        return rf_fail_memory(reader->error);
    }
    grown[(*count)++] = text;
    grown[*count] = NULL;
    *list = grown;
    return RF_OK;
}

static enum rf_code read_globs(struct reader *reader, const char *name, char ***list) {
    enum rf_code code = next(reader);
    if (code == RF_OK && reader->event.type != YAML_SEQUENCE_START_EVENT) {
        return fail_type(reader, name, "a list");
    }
    size_t count = 0;
    *list = calloc(1, sizeof **list);
    if (code == RF_OK && !*list) {
        return rf_fail_memory(reader->error);
    }
    while (code == RF_OK) {
        code = next(reader);
        if (code != RF_OK || reader->event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        char *glob = NULL;
        code = copy_string(reader, name, false, &glob);
        if (code == RF_OK) {
            code = append(reader, list, &count, glob);
        }
    }
    return code;
}

struct keys {
    const char *const *names;
    unsigned count;
    const char *listed; /* for the hint */
    enum rf_code (*read)(struct reader *reader, unsigned key);
};

static enum rf_code fail_key(struct reader *reader, const struct keys *keys) {
    const char *name = scalar_text(&reader->event);
    const char *nearest = rf_nearest(name, keys->names, keys->count);
    FAIL_AT(reader, reader->event.start_mark, "unknown key \"%s\"", name);
    if (nearest) {
        rf_hint(reader->error, "did you mean %s? The keys here are %s.", nearest, keys->listed);
    } else {
        rf_hint(reader->error, "the keys here are %s.", keys->listed);
    }
    return RF_USAGE;
}

/* The current event as a key not seen before. */
static enum rf_code find_key(struct reader *reader, const struct keys *keys, unsigned *seen,
                             unsigned *found) {
    if (reader->event.type != YAML_SCALAR_EVENT) {
        return FAIL_AT(reader, reader->event.start_mark, "a key must be a word, not %s",
                       kind_of(&reader->event));
    }
    unsigned key = 0;
    while (key < keys->count && strcmp(keys->names[key], scalar_text(&reader->event)) != 0) {
        key++;
    }
    if (key == keys->count) {
        return fail_key(reader, keys);
    }
    if (*seen >> key & 1) {
        return FAIL_AT(reader, reader->event.start_mark, "key \"%s\" is there twice",
                       keys->names[key]);
    }
    *seen |= 1u << key;
    *found = key;
    return RF_OK;
}

/* From behind the mapping's start to its end. */
static enum rf_code read_mapping(struct reader *reader, const struct keys *keys) {
    unsigned seen = 0;
    for (;;) {
        enum rf_code code = next(reader);
        if (code != RF_OK || reader->event.type == YAML_MAPPING_END_EVENT) {
            return code;
        }
        unsigned key = 0;
        code = find_key(reader, keys, &seen, &key);
        if (code == RF_OK) {
            code = keys->read(reader, key);
        }
        if (code != RF_OK) {
            return code;
        }
    }
}

/* ---- the keys ---- */

static enum rf_code read_tables_key(struct reader *reader, unsigned key) {
    return key == 0 ? read_globs(reader, "tables.include", &reader->config->include)
                    : read_globs(reader, "tables.exclude", &reader->config->exclude);
}

static enum rf_code read_tables(struct reader *reader) {
    static const char *const names[] = {"include", "exclude"};
    static const struct keys keys = {names, 2, "include and exclude", read_tables_key};
    enum rf_code code = next(reader);
    if (code == RF_OK && reader->event.type != YAML_MAPPING_START_EVENT) {
        return fail_type(reader, "tables", "a mapping of include and exclude");
    }
    return code == RF_OK ? read_mapping(reader, &keys) : code;
}

static enum rf_code read_jobs(struct reader *reader) {
    enum rf_code code = read_scalar(reader, "jobs", "a number", RF_VALUE_JOBS);
    if (code == RF_OK && !rf_value_jobs(scalar_text(&reader->event), &reader->config->jobs)) {
        return fail_value(reader, "jobs", RF_VALUE_JOBS);
    }
    return code;
}

static enum rf_code read_timeout(struct reader *reader) {
    enum rf_code code = read_scalar(reader, "busy_timeout", "a number", RF_VALUE_TIMEOUT);
    if (code == RF_OK &&
        !rf_value_timeout(scalar_text(&reader->event), &reader->config->busy_timeout_ms)) {
        return fail_value(reader, "busy_timeout", RF_VALUE_TIMEOUT);
    }
    return code;
}

static enum rf_code read_progress(struct reader *reader) {
    enum rf_code code = read_scalar(reader, "progress", "a string", RF_VALUE_PROGRESS);
    if (code == RF_OK &&
        !rf_value_progress(scalar_text(&reader->event), &reader->config->progress)) {
        return fail_value(reader, "progress", RF_VALUE_PROGRESS);
    }
    reader->config->has_progress = code == RF_OK;
    return code;
}

enum root_key { REPO, TARGET, SCHEMA, JOBS, TABLES, PROGRESS, BUSY_TIMEOUT };

static enum rf_code read_root_key(struct reader *reader, unsigned key) {
    struct rf_config *config = reader->config;
    switch ((enum root_key)key) {
    case REPO:
        return read_string(reader, "repo", false, &config->repo);
    case TARGET:
        return read_string(reader, "target", true, &config->target);
    case SCHEMA:
        return read_string(reader, "schema", false, &config->schema);
    case JOBS:
        return read_jobs(reader);
    case TABLES:
        return read_tables(reader);
    case PROGRESS:
        return read_progress(reader);
    case BUSY_TIMEOUT:
        return read_timeout(reader);
    }
    return RF_OK;
}

static enum rf_code read_root(struct reader *reader) {
    static const char *const names[] = {"repo",   "target",   "schema",      "jobs",
                                        "tables", "progress", "busy_timeout"};
    static const struct keys keys = {
        names, 7, "repo, target, schema, jobs, tables, progress and busy_timeout", read_root_key};
    enum rf_code code = next(reader);
    if (code != RF_OK) {
        return code;
    }
    if (is_kind(&reader->event, "nothing")) {
        return RF_OK; /* nothing but comments */
    }
    if (reader->event.type != YAML_MAPPING_START_EVENT) {
        return fail_type(reader, "the file", "a mapping of keys to values");
    }
    return read_mapping(reader, &keys);
}

/* stream start, [document start, root, document end,] stream end */
static enum rf_code read_stream(struct reader *reader) {
    enum rf_code code = next(reader);
    if (code == RF_OK) {
        code = next(reader);
    }
    if (code != RF_OK || reader->event.type == YAML_STREAM_END_EVENT) {
        return code;
    }
    code = read_root(reader);
    if (code == RF_OK) {
        code = next(reader); /* document end */
    }
    if (code == RF_OK) {
        code = next(reader);
    }
    if (code == RF_OK && reader->event.type != YAML_STREAM_END_EVENT) {
        return FAIL_AT(reader, reader->event.start_mark, "%s", "a second document begins here");
    }
    return code;
}

/* ---- the file ---- */

static enum rf_code anchor_repo(struct rf_config *config, const char *path,
                                struct rf_error *error) {
    const char *slash = strrchr(path, '/');
    if (!config->repo || config->repo[0] == '/' || !slash) {
        return RF_OK;
    }
    struct rf_buffer joined = {0};
    rf_buffer_append(&joined, path, (size_t)(slash - path) + 1);
    rf_buffer_append(&joined, config->repo, strlen(config->repo) + 1);
    if (joined.failed) {
        rf_buffer_release(&joined);
        return rf_fail_memory(error);
    }
    free(config->repo);
    config->repo = (char *)joined.bytes;
    return RF_OK;
}

enum rf_code rf_config_parse(const char *path, const void *text, size_t size,
                             struct rf_config *config, struct rf_error *error) {
    *config = (struct rf_config){.busy_timeout_ms = -1};
    struct reader reader = {.path = path, .text = text, .config = config, .error = error};
    if (!yaml_parser_initialize(&reader.parser)) {
        return rf_fail_memory(error);
    }
    yaml_parser_set_input_string(&reader.parser, text, size);
    enum rf_code code = read_stream(&reader);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
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

static void free_list(char **list) {
    for (char **at = list; at && *at; at++) {
        free(*at);
    }
    free(list);
}

void rf_config_release(struct rf_config *config) {
    free(config->repo);
    free(config->target);
    free(config->schema);
    free_list(config->include);
    free_list(config->exclude);
    *config = (struct rf_config){.busy_timeout_ms = -1};
}
