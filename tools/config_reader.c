/* libyaml's events, taken one at a time. */
#include "tools/config_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "replay/names.h"
#include "tools/option.h"

struct rf_config_reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; all zero before the first */
    const char *path;
    const uint8_t *text;
    struct rf_arena *arena;
    struct rf_error *error;
};

/* Fails at a place in the file; lines and columns are counted from 1. */
#define FAIL_AT(reader, mark, format, ...)                                                     \
    rf_fail((reader)->error, RF_USAGE, "%s:%zu:%zu: " format, (reader)->path, (mark).line + 1, \
            (mark).column + 1, __VA_ARGS__)

/* ---- events ---- */

/* The reader of libyaml tells an offset in bytes, not a line, of what is not Unicode text. */
static yaml_mark_t mark_of_offset(const struct rf_config_reader *reader, size_t offset) {
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

static enum rf_code fail_as_yaml(struct rf_config_reader *reader) {
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
static enum rf_code refuse_extras(struct rf_config_reader *reader) {
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

static enum rf_code next(struct rf_config_reader *reader) {
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        return fail_as_yaml(reader);
    }
    return refuse_extras(reader);
}

/* ---- kinds of values ---- */

static const char a_string[] = "a string", a_number[] = "a number", a_list[] = "a list",
                  a_mapping[] = "a mapping", a_truth[] = "true or false", nothing[] = "nothing";

static const char *scalar_text(const struct rf_config_reader *reader) {
    return (const char *)reader->event.data.scalar.value;
}

static bool is_one_of(const char *text, const char *const *words) {
    while (*words && strcmp(text, *words) != 0) {
        words++;
    }
    return *words;
}

/* What an event is, in words. Plain words that YAML 1.1 or 1.2 takes for something else than a
 * string are that here as well: whoever means the string puts it in quotes. */
static const char *kind_of(const struct rf_config_reader *reader) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const truth[] = {"true", "True", "TRUE", "false", "False", "FALSE", "yes",
                                        "Yes",  "YES",  "no",   "No",    "NO",    "on",    "On",
                                        "ON",   "off",  "Off",  "OFF",   NULL};
    const yaml_event_t *event = &reader->event;
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return a_list;
    }
    if (event->type == YAML_MAPPING_START_EVENT) {
        return a_mapping;
    }
    if (event->type != YAML_SCALAR_EVENT) {
        return nothing;
    }
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return a_string;
    }
    const char *text = scalar_text(reader);
    if (is_one_of(text, nulls)) {
        return nothing;
    }
    if (is_one_of(text, truth)) {
        return a_truth;
    }
    char *end;
    strtod(text, &end);
    return *end ? a_string : a_number;
}

static enum rf_code fail_kind(struct rf_config_reader *reader, const char *title,
                              const char *wanted) {
    FAIL_AT(reader, reader->event.start_mark, "%s must be %s, not %s", title, wanted,
            kind_of(reader));
    if (reader->event.type == YAML_SCALAR_EVENT && wanted == a_string) {
        rf_hint(reader->error, "put it in quotes if it is meant to be a string.");
    }
    return RF_USAGE;
}

/* The next event, which must be of a kind. */
static enum rf_code next_of(struct rf_config_reader *reader, const struct rf_config_key *key,
                            const char *kind, const char *wanted) {
    enum rf_code code = next(reader);
    if (code == RF_OK && kind_of(reader) != kind) {
        return fail_kind(reader, rf_config_title(key), wanted);
    }
    return code;
}

/* ---- scalars ---- */

/* Copies the current event's string. */
static enum rf_code copy_string(struct rf_config_reader *reader, const char *title,
                                bool may_be_empty, const char **out) {
    const yaml_event_t *event = &reader->event;
    if (kind_of(reader) != a_string) {
        return fail_kind(reader, title, a_string);
    }
    size_t size = event->data.scalar.length;
    if (strlen(scalar_text(reader)) != size) {
        return FAIL_AT(reader, event->start_mark, "%s contains a NUL", title);
    }
    if (size == 0 && !may_be_empty) {
        return FAIL_AT(reader, event->start_mark, "%s is empty", title);
    }
    *out = rf_arena_copy(reader->arena, scalar_text(reader));
    return rf_arena_check(reader->arena, reader->error);
}

static enum rf_code read_string(struct rf_config_reader *reader, const struct rf_config_key *key,
                                bool may_be_empty, void *into) {
    enum rf_code code = next(reader);
    if (code == RF_OK) {
        code = copy_string(reader, rf_config_title(key), may_be_empty, rf_config_member(key, into));
    }
    if (code == RF_OK && key->place > 0) {
        const char **place = (void *)((char *)into + key->place);
        *place = rf_config_place(reader);
    }
    return code;
}

enum rf_code rf_config_string(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    return read_string(reader, key, false, into);
}

enum rf_code rf_config_string_or_empty(struct rf_config_reader *reader,
                                       const struct rf_config_key *key, void *into) {
    return read_string(reader, key, true, into);
}

enum rf_code rf_config_sql(struct rf_config_reader *reader, const struct rf_config_key *key,
                           void *into) {
    const char **sql = rf_config_member(key, into);
    enum rf_code code = read_string(reader, key, false, into);
    if (code == RF_OK && (*sql)[strspn(*sql, " \t\r\n;")] == 0) {
        return FAIL_AT(reader, reader->event.start_mark, "%s is empty", rf_config_title(key));
    }
    return code;
}

/* yes, no, on and off are true or false in one YAML and words in the other: they are neither here.
 */
enum rf_code rf_config_truth(struct rf_config_reader *reader, const struct rf_config_key *key,
                             void *into) {
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    enum rf_code code = next_of(reader, key, a_truth, a_truth);
    if (code != RF_OK) {
        return code;
    }
    bool *out = rf_config_member(key, into);
    *out = is_one_of(scalar_text(reader), yes);
    return *out || is_one_of(scalar_text(reader), no) ? RF_OK
                                                      : rf_config_refuse(reader, key, a_truth);
}

enum rf_code rf_config_word(struct rf_config_reader *reader, const struct rf_config_key *key,
                            const char *wanted, const char **text) {
    enum rf_code code = next(reader);
    if (code != RF_OK) {
        return code;
    }
    const char *kind = kind_of(reader);
    bool null = kind == nothing && reader->event.type == YAML_SCALAR_EVENT &&
                strcmp(scalar_text(reader), "null") == 0;
    if (kind != a_string && !null) {
        return fail_kind(reader, rf_config_title(key), wanted);
    }
    if (strlen(scalar_text(reader)) != reader->event.data.scalar.length) {
        return FAIL_AT(reader, reader->event.start_mark, "%s contains a NUL", rf_config_title(key));
    }
    *text = scalar_text(reader);
    return RF_OK;
}

enum rf_code rf_config_number(struct rf_config_reader *reader, const struct rf_config_key *key,
                              const char *wanted, const char **text) {
    enum rf_code code = next_of(reader, key, a_number, wanted);
    if (code == RF_OK) {
        *text = scalar_text(reader);
    }
    return code;
}

/* ---- places and failures ---- */

enum rf_code rf_config_refuse(struct rf_config_reader *reader, const struct rf_config_key *key,
                              const char *wanted) {
    return FAIL_AT(reader, reader->event.start_mark, "%s must be %s, not \"%s\"",
                   rf_config_title(key), wanted, scalar_text(reader));
}

enum rf_code rf_config_fail(struct rf_config_reader *reader, const char *format, ...) {
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return FAIL_AT(reader, reader->event.start_mark, "%s", message);
}

const char *rf_config_place(struct rf_config_reader *reader) {
    yaml_mark_t mark = reader->event.start_mark;
    return rf_arena_printf(reader->arena, "%s:%zu:%zu", reader->path, mark.line + 1,
                           mark.column + 1);
}

struct rf_arena *rf_config_arena(struct rf_config_reader *reader) {
    return reader->arena;
}

struct rf_error *rf_config_error(struct rf_config_reader *reader) {
    return reader->error;
}

/* ---- lists ---- */

/* An array of the arena that grows; what it grew out of stays in the arena unused. */
struct items {
    void *at;
    uint32_t count, room;
};

/* Another item, all zero, with one more such behind it; NULL without memory. */
static void *append(struct rf_config_reader *reader, struct items *items, size_t size) {
    if (items->count + 1 >= items->room) {
        uint32_t room = items->room ? items->room * 2 : 4;
        void *grown = rf_arena_take(reader->arena, room, size);
        if (!grown) {
            return NULL;
        }
        if (items->count > 0) {
            memcpy(grown, items->at, items->count * size);
        }
        items->at = grown;
        items->room = room;
    }
    return (char *)items->at + size * items->count++;
}

enum rf_code rf_config_strings(struct rf_config_reader *reader, const struct rf_config_key *key,
                               void *into) {
    static const char *const none[] = {NULL};
    const char *const **list = rf_config_member(key, into);
    struct items items = {.count = 0};
    enum rf_code code = next_of(reader, key, a_list, a_list);
    while (code == RF_OK) {
        code = next(reader);
        if (code != RF_OK || reader->event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        const char **string = append(reader, &items, sizeof *string);
        code = string ? copy_string(reader, rf_config_title(key), false, string)
                      : rf_fail_memory(reader->error);
    }
    *list = items.at ? items.at : none;
    return code;
}

enum rf_code rf_config_more_strings(struct rf_config_reader *reader,
                                    const struct rf_config_key *key, void *into) {
    const char *const **list = rf_config_member(key, into);
    const char *const *before = *list;
    enum rf_code code = rf_config_strings(reader, key, into);
    const char *const *after = *list;
    size_t first = 0, second = 0;
    while (before && before[first]) {
        first++;
    }
    while (after[second]) {
        second++;
    }
    if (code != RF_OK || first == 0) {
        return code;
    }
    const char **both = rf_arena_take(reader->arena, first + second + 1, sizeof *both);
    if (!both) {
        return rf_fail_memory(reader->error);
    }
    memcpy(both, before, first * sizeof *both);
    memcpy(both + first, after, second * sizeof *both);
    *list = both;
    return RF_OK;
}

static enum rf_code read_mapping(struct rf_config_reader *reader,
                                 const struct rf_config_mapping *mapping, void *into);

enum rf_code rf_config_list(struct rf_config_reader *reader, const struct rf_config_key *key,
                            void **list, uint32_t *count) {
    struct items items = {.count = 0};
    enum rf_code code = next_of(reader, key, a_list, "a list of mappings");
    while (code == RF_OK) {
        code = next(reader);
        if (code != RF_OK || reader->event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        if (reader->event.type != YAML_MAPPING_START_EVENT) {
            return fail_kind(reader, rf_config_title(key), "a list of mappings");
        }
        void *item = append(reader, &items, key->mapping->size);
        code = item ? read_mapping(reader, key->mapping, item) : rf_fail_memory(reader->error);
    }
    *list = items.at;
    *count = items.count;
    return code;
}

static const char *string_at(const void *item, size_t offset) {
    const char *const *member = (const void *)((const char *)item + offset);
    return *member;
}

static enum rf_code refuse_repeated(struct rf_config_reader *reader,
                                    const struct rf_config_named *named, const char *items,
                                    uint32_t count, size_t size, struct rf_names *seen) {
    for (uint32_t i = 0; i < count; i++) {
        const void *item = items + i * size;
        const char *name = string_at(item, named->name);
        if (rf_names_have(seen, name)) {
            return rf_fail(reader->error, RF_USAGE, "%s: %s \"%s\" is there twice",
                           string_at(item, named->place), named->what, name);
        }
        rf_names_add(seen, name);
    }
    return rf_arena_check(reader->arena, reader->error);
}

enum rf_code rf_config_longer_list(struct rf_config_reader *reader, const struct rf_config_key *key,
                                   const struct rf_config_named *named, const void *before,
                                   void **items, uint32_t *count) {
    const size_t size = key->mapping->size;
    void *read = NULL;
    uint32_t read_count = 0;
    struct rf_names names;
    rf_names_init(&names, reader->arena);
    enum rf_code code = rf_config_list(reader, key, &read, &read_count);
    if (code == RF_OK && named) {
        code = refuse_repeated(reader, named, read, read_count, size, &names);
    }
    if (code != RF_OK) {
        return code;
    }
    char *all = rf_arena_take(reader->arena, (size_t)*count + read_count + 1, size);
    if (!all) {
        return rf_fail_memory(reader->error);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        const char *item = (const char *)before + i * size;
        if (!named || !rf_names_have(&names, string_at(item, named->name))) {
            memcpy(all + kept++ * size, item, size);
        }
    }
    if (read_count > 0) {
        memcpy(all + kept * size, read, read_count * size);
    }
    *items = all;
    *count = kept + read_count;
    return RF_OK;
}

/* ---- mappings ---- */

/* "a, b and c" */
static const char *list_keys(const struct rf_config_mapping *mapping, char text[400]) {
    size_t used = 0;
    for (unsigned i = 0; i < mapping->count && used < 400; i++) {
        const char *link = i == 0 ? "" : i + 1 < mapping->count ? ", " : " and ";
        used += (size_t)snprintf(text + used, 400 - used, "%s%s", link, mapping->keys[i].name);
    }
    return text;
}

static enum rf_code fail_key(struct rf_config_reader *reader,
                             const struct rf_config_mapping *mapping) {
    const char *names[32];
    char keys[400];
    for (unsigned i = 0; i < mapping->count; i++) {
        names[i] = mapping->keys[i].name;
    }
    const char *name = scalar_text(reader);
    const char *nearest = rf_nearest(name, names, mapping->count);
    const char *refusal = mapping->refusal ? mapping->refusal(name) : NULL;
    FAIL_AT(reader, reader->event.start_mark, "%s \"%s\"",
            refusal ? "this is no place for the key" : "unknown key", name);
    if (refusal) {
        rf_hint(reader->error, "%s", refusal);
    } else if (nearest) {
        rf_hint(reader->error, "did you mean %s? The keys here are %s.", nearest,
                list_keys(mapping, keys));
    } else {
        rf_hint(reader->error, "the keys here are %s.", list_keys(mapping, keys));
    }
    return RF_USAGE;
}

/* The current event as a key not seen before. */
static enum rf_code find_key(struct rf_config_reader *reader,
                             const struct rf_config_mapping *mapping, uint32_t *seen,
                             const struct rf_config_key **found) {
    if (reader->event.type != YAML_SCALAR_EVENT) {
        return FAIL_AT(reader, reader->event.start_mark, "a key must be a word, not %s",
                       kind_of(reader));
    }
    if (strlen(scalar_text(reader)) != reader->event.data.scalar.length) {
        return FAIL_AT(reader, reader->event.start_mark, "key \"%s\" goes on after a NUL",
                       scalar_text(reader));
    }
    unsigned key = 0;
    while (key < mapping->count && strcmp(mapping->keys[key].name, scalar_text(reader)) != 0) {
        key++;
    }
    if (key == mapping->count) {
        return fail_key(reader, mapping);
    }
    if (*seen >> key & 1) {
        return FAIL_AT(reader, reader->event.start_mark, "key \"%s\" is there twice",
                       mapping->keys[key].name);
    }
    *seen |= UINT32_C(1) << key;
    *found = &mapping->keys[key];
    return RF_OK;
}

static enum rf_code check_required(struct rf_config_reader *reader,
                                   const struct rf_config_mapping *mapping, uint32_t seen,
                                   yaml_mark_t start) {
    for (unsigned i = 0; i < mapping->count; i++) {
        if (mapping->keys[i].required && !(seen >> i & 1)) {
            char keys[400];
            FAIL_AT(reader, start, "key \"%s\" is missing", mapping->keys[i].name);
            rf_hint(reader->error, "the keys here are %s.", list_keys(mapping, keys));
            return RF_USAGE;
        }
    }
    return RF_OK;
}

/* From the mapping's start, which is the current event, to its end. */
static enum rf_code read_mapping(struct rf_config_reader *reader,
                                 const struct rf_config_mapping *mapping, void *into) {
    yaml_mark_t start = reader->event.start_mark;
    uint32_t seen = 0;
    for (;;) {
        enum rf_code code = next(reader);
        if (code != RF_OK) {
            return code;
        }
        if (reader->event.type == YAML_MAPPING_END_EVENT) {
            return check_required(reader, mapping, seen, start);
        }
        const struct rf_config_key *key = mapping->keys;
        code = find_key(reader, mapping, &seen, &key);
        if (code == RF_OK) {
            code = key->read(reader, key, into);
        }
        if (code != RF_OK) {
            return code;
        }
    }
}

enum rf_code rf_config_nested(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    char keys[400], wanted[432];
    enum rf_code code = next(reader);
    if (code == RF_OK && reader->event.type != YAML_MAPPING_START_EVENT) {
        snprintf(wanted, sizeof wanted, "a mapping of %s", list_keys(key->mapping, keys));
        return fail_kind(reader, rf_config_title(key), wanted);
    }
    return code == RF_OK ? read_mapping(reader, key->mapping, into) : code;
}

/* ---- the file ---- */

static enum rf_code read_root(struct rf_config_reader *reader,
                              const struct rf_config_mapping *mapping, void *into) {
    enum rf_code code = next(reader);
    if (code != RF_OK) {
        return code;
    }
    if (kind_of(reader) == nothing) { /* but comments */
        return check_required(reader, mapping, 0, reader->event.start_mark);
    }
    if (reader->event.type != YAML_MAPPING_START_EVENT) {
        return fail_kind(reader, "the file", "a mapping of keys to values");
    }
    return read_mapping(reader, mapping, into);
}

/* stream start, [document start, root, document end,] stream end */
static enum rf_code read_stream(struct rf_config_reader *reader,
                                const struct rf_config_mapping *mapping, void *into) {
    enum rf_code code = next(reader);
    if (code == RF_OK) {
        code = next(reader);
    }
    if (code == RF_OK && reader->event.type == YAML_STREAM_END_EVENT) {
        return check_required(reader, mapping, 0, reader->event.start_mark);
    }
    if (code == RF_OK) {
        code = read_root(reader, mapping, into);
    }
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

enum rf_code rf_config_read_text(const char *path, const void *text, size_t size,
                                 const struct rf_config_mapping *mapping, void *into,
                                 struct rf_arena *arena, struct rf_error *error) {
    struct rf_config_reader reader = {.path = path, .text = text, .arena = arena, .error = error};
    if (!yaml_parser_initialize(&reader.parser)) {
        return rf_fail_memory(error);
    }
    yaml_parser_set_input_string(&reader.parser, text, size);
    enum rf_code code = read_stream(&reader, mapping, into);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return code == RF_OK ? rf_arena_check(arena, error) : code;
}
