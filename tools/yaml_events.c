/* libyaml below; the words and numbers of YAML 1.1 above it. */
#include "tools/yaml_events.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- failures ---- */

static enum rf_code fail_at(struct rf_yaml *yaml, yaml_mark_t mark, const char *message) {
    return rf_fail(yaml->error, RF_USAGE, "%s:%zu:%zu: %s", yaml->path, mark.line + 1,
                   mark.column + 1, message);
}

enum rf_code rf_yaml_fail(struct rf_yaml *yaml, const char *format, ...) {
    char message[400];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return fail_at(yaml, yaml->event.start_mark, message);
}

/* The reader of libyaml tells an offset in bytes, not a line, of what is not Unicode text. */
static yaml_mark_t mark_of_offset(const struct rf_yaml *yaml, size_t offset) {
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset; i++) {
        mark.column += (yaml->text[i] & 0xc0) != 0x80;
        if (yaml->text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return mark;
}

static enum rf_code fail_as_yaml(struct rf_yaml *yaml) {
    const yaml_parser_t *parser = &yaml->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return rf_fail_memory(yaml->error);
    }
    yaml_mark_t mark = parser->error == YAML_READER_ERROR
                           ? mark_of_offset(yaml, parser->problem_offset)
                           : parser->problem_mark;
    char message[300];
    snprintf(message, sizeof message, "not YAML: %s",
             parser->problem ? parser->problem : "unknown error");
    fail_at(yaml, mark, message);
    if (parser->context) {
        rf_detail(yaml->error, "%s at line %zu.", parser->context, parser->context_mark.line + 1);
    }
    rf_hint(yaml->error, "is that the application's configuration file?");
    return RF_USAGE;
}

/* ---- events ---- */

enum rf_code rf_yaml_open(struct rf_yaml *yaml, const char *path, const void *text, size_t size,
                          unsigned depth_max, struct rf_error *error) {
    *yaml = (struct rf_yaml){.path = path, .text = text, .depth_max = depth_max, .error = error};
    if (!yaml_parser_initialize(&yaml->parser)) {
        return rf_fail_memory(error);
    }
    yaml_parser_set_input_string(&yaml->parser, text, size);
    return RF_OK;
}

void rf_yaml_close(struct rf_yaml *yaml) {
    yaml_event_delete(&yaml->event);
    yaml_parser_delete(&yaml->parser);
}

static bool opens(const struct rf_yaml *yaml) {
    return yaml->event.type == YAML_SEQUENCE_START_EVENT ||
           yaml->event.type == YAML_MAPPING_START_EVENT;
}

static bool closes(const struct rf_yaml *yaml) {
    return yaml->event.type == YAML_SEQUENCE_END_EVENT ||
           yaml->event.type == YAML_MAPPING_END_EVENT;
}

enum rf_code rf_yaml_next(struct rf_yaml *yaml) {
    yaml_event_delete(&yaml->event);
    if (!yaml_parser_parse(&yaml->parser, &yaml->event)) {
        return fail_as_yaml(yaml);
    }
    yaml->depth += opens(yaml);
    yaml->depth -= closes(yaml);
    return yaml->depth <= yaml->depth_max
               ? RF_OK
               : rf_yaml_fail(yaml, "more than %u levels are nested here", yaml->depth_max);
}

enum rf_code rf_yaml_skip(struct rf_yaml *yaml) {
    unsigned outside = yaml->depth - opens(yaml);
    enum rf_code code = RF_OK;
    while (code == RF_OK && yaml->depth > outside) {
        code = rf_yaml_next(yaml);
    }
    return code;
}

enum rf_code rf_yaml_begin(struct rf_yaml *yaml, bool *empty) {
    enum rf_code code = rf_yaml_next(yaml); /* stream start */
    if (code == RF_OK) {
        code = rf_yaml_next(yaml);
    }
    *empty = code == RF_OK && yaml->event.type == YAML_STREAM_END_EVENT;
    if (code != RF_OK || *empty) {
        return code;
    }
    code = rf_yaml_next(yaml);
    *empty = code == RF_OK && rf_yaml_kind(yaml) == RF_YAML_NULL;
    return code;
}

enum rf_code rf_yaml_end(struct rf_yaml *yaml) {
    enum rf_code code = RF_OK;
    while (code == RF_OK && yaml->event.type != YAML_STREAM_END_EVENT) {
        code = rf_yaml_next(yaml);
        if (code == RF_OK && yaml->event.type == YAML_DOCUMENT_START_EVENT) {
            return rf_yaml_fail(yaml, "a second document begins here");
        }
    }
    return code;
}

/* ---- kinds ---- */

static bool is_one_of(const char *text, const char *const *words) {
    while (*words && strcmp(text, *words) != 0) {
        words++;
    }
    return *words;
}

static bool is_null(const char *text) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_one_of(text, words);
}

static bool is_yes(const char *text) {
    static const char *const words[] = {"true", "True", "TRUE", "yes", "Yes",
                                        "YES",  "on",   "On",   "ON",  NULL};
    return is_one_of(text, words);
}

static bool is_no(const char *text) {
    static const char *const words[] = {"false", "False", "FALSE", "no",  "No",
                                        "NO",    "off",   "Off",   "OFF", NULL};
    return is_one_of(text, words);
}

static size_t digits_of(const char *text, const char *digits) {
    return strspn(text, digits);
}

#define DECIMAL "0123456789"
#define SPACED "0123456789_"

/* Digits without a zero before them, as a number is written everywhere. */
static bool is_whole(const char *text) {
    text += *text == '-';
    size_t digits = digits_of(text, DECIMAL);
    return digits > 0 && text[digits] == 0 && (text[0] != '0' || digits == 1);
}

/* 1_000, +5, 0x1f, 0b11, 017 */
static bool is_odd_whole(const char *text) {
    text += *text == '-' || *text == '+';
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'b') && text[2]) {
        const char *digits = text[1] == 'x' ? "0123456789abcdefABCDEF_" : "01_";
        return text[2 + digits_of(text + 2, digits)] == 0;
    }
    const char *digits = text[0] == '0' ? "01234567_" : SPACED;
    return isdigit((unsigned char)text[0]) && text[digits_of(text, digits)] == 0;
}

/* 12:30 and 12:30.5, which count in sixties. */
static bool is_sexagesimal(const char *text) {
    text += *text == '-' || *text == '+';
    size_t digits = isdigit((unsigned char)text[0]) ? digits_of(text, SPACED) : 0;
    if (digits == 0 || text[digits] != ':') {
        return false;
    }
    text += digits;
    while (*text == ':') {
        text++;
        size_t part = digits_of(text, DECIMAL);
        if (part == 0 || part > 2 || (part == 2 && text[0] > '5')) {
            return false;
        }
        text += part;
    }
    return *text == 0 || (*text == '.' && text[1 + digits_of(text + 1, SPACED)] == 0);
}

/* 1.5, .5, 1.e+5, .inf, .nan; not 1e5 and not 127.0.0.1 */
static bool is_fraction(const char *text) {
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    text += *text == '-' || *text == '+';
    if (is_one_of(text, words)) {
        return true;
    }
    size_t before = isdigit((unsigned char)text[0]) ? digits_of(text, SPACED) : 0;
    if (text[before] != '.' || (before == 0 && !isdigit((unsigned char)text[1]))) {
        return false;
    }
    text += before + 1;
    text += digits_of(text, SPACED);
    if (*text != 'e' && *text != 'E') {
        return *text == 0;
    }
    return (text[1] == '+' || text[1] == '-') && isdigit((unsigned char)text[2]) &&
           text[2 + digits_of(text + 2, DECIMAL)] == 0;
}

static enum rf_yaml_kind kind_of_plain(const char *text) {
    return is_null(text)                 ? RF_YAML_NULL
           : is_yes(text) || is_no(text) ? RF_YAML_TRUTH
           : is_whole(text)              ? RF_YAML_WHOLE
           : is_odd_whole(text)          ? RF_YAML_OTHER_NUMBER
           : is_sexagesimal(text)        ? RF_YAML_OTHER_NUMBER
           : is_fraction(text)           ? RF_YAML_OTHER_NUMBER
                                         : RF_YAML_TEXT;
}

/* !!str makes text of anything; !!int and the like say what is seen anyway. */
static enum rf_yaml_kind kind_of_scalar(const struct rf_yaml *yaml) {
    static const char prefix[] = "tag:yaml.org,2002:";
    const char *text = (const char *)yaml->event.data.scalar.value;
    const char *tag = (const char *)yaml->event.data.scalar.tag;
    bool plain = yaml->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!tag) {
        return plain ? kind_of_plain(text) : RF_YAML_TEXT;
    }
    if (strcmp(tag, "!") == 0 || strcmp(tag, "tag:yaml.org,2002:str") == 0) {
        return RF_YAML_TEXT;
    }
    static const char *const plains[] = {"null", "bool", "int", "float", NULL};
    bool known =
        strncmp(tag, prefix, sizeof prefix - 1) == 0 && is_one_of(tag + sizeof prefix - 1, plains);
    return known ? kind_of_plain(text) : RF_YAML_TAGGED;
}

static enum rf_yaml_kind kind_of_collection(const yaml_char_t *tag, const char *usual,
                                            enum rf_yaml_kind kind) {
    return !tag || strcmp((const char *)tag, usual) == 0 ? kind : RF_YAML_TAGGED;
}

enum rf_yaml_kind rf_yaml_kind(const struct rf_yaml *yaml) {
    const yaml_event_t *event = &yaml->event;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return kind_of_scalar(yaml);
    case YAML_SEQUENCE_START_EVENT:
        return kind_of_collection(event->data.sequence_start.tag, "tag:yaml.org,2002:seq",
                                  RF_YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        return kind_of_collection(event->data.mapping_start.tag, "tag:yaml.org,2002:map",
                                  RF_YAML_MAPPING);
    default:
        return RF_YAML_ALIAS;
    }
}

const char *rf_yaml_kind_name(enum rf_yaml_kind kind) {
    static const char *const names[] = {
        [RF_YAML_NULL] = "nothing",
        [RF_YAML_TRUTH] = "true or false",
        [RF_YAML_WHOLE] = "a number",
        [RF_YAML_OTHER_NUMBER] = "a number",
        [RF_YAML_TEXT] = "a string",
        [RF_YAML_LIST] = "a list",
        [RF_YAML_MAPPING] = "a mapping",
        [RF_YAML_ALIAS] = "an alias",
        [RF_YAML_TAGGED] = "something with a tag",
    };
    return names[kind];
}

bool rf_yaml_is_true(const struct rf_yaml *yaml) {
    return is_yes((const char *)yaml->event.data.scalar.value);
}

const char *rf_yaml_text(const struct rf_yaml *yaml) {
    const char *text = (const char *)yaml->event.data.scalar.value;
    return strlen(text) == yaml->event.data.scalar.length ? text : NULL;
}
