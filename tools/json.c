/* Building JSON with jansson, and what it cannot express: names that are not UTF-8. */
#include "tools/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "tools/message.h"
#include "tools/text.h"

struct rf_json rf_json_begin(const char *type) {
    struct rf_json json = {.object = json_object()};
    json.failed = !json.object;
    if (type) {
        rf_json_text(&json, "type", type);
    }
    return json;
}

struct rf_json rf_json_array(void) {
    struct rf_json array = {.object = json_array()};
    array.failed = !array.object;
    return array;
}

void rf_json_release(struct rf_json *json) {
    json_decref(json->object);
    *json = (struct rf_json){0};
}

/* Takes the value; the member's name must be valid UTF-8. */
static void set(struct rf_json *json, const char *member, json_t *value) {
    if (json_object_set_new(json->object, member, value) != 0) {
        json->failed = true;
    }
}

/* The stated form of text that is not UTF-8. */
static void put_escaped(struct rf_buffer *out, const char *text) {
    const uint8_t *at = (const uint8_t *)text;
    const uint8_t *end = at + strlen(text);
    while (at < end) {
        uint32_t code;
        size_t size = rf_utf8_next(at, (size_t)(end - at), &code);
        if (size == 0) {
            rf_buffer_printf(out, "\\x%02x", *at++);
        } else if (*at == '\\') {
            rf_buffer_append(out, "\\\\", 2);
            at++;
        } else {
            rf_buffer_append(out, at, size);
            at += size;
        }
    }
}

static void set_buffer(struct rf_json *json, const char *member, struct rf_buffer *text) {
    if (text->failed) {
        json->failed = true;
    } else {
        set(json, member, json_stringn((const char *)text->bytes, text->size));
    }
    rf_buffer_release(text);
}

static void set_bad_text(struct rf_json *json, const char *member, const char *text) {
    struct rf_buffer escaped = {0};
    put_escaped(&escaped, text);
    set_buffer(json, member, &escaped);

    struct rf_buffer hex = {0};
    for (const char *at = text; *at; at++) {
        rf_buffer_printf(&hex, "%02x", (unsigned char)*at);
    }
    struct rf_buffer beside = {0};
    rf_buffer_printf(&beside, "%s_hex", member);
    rf_buffer_u8(&beside, 0);
    set_buffer(json, beside.failed ? "" : (const char *)beside.bytes, &hex);
    json->failed = json->failed || beside.failed;
    rf_buffer_release(&beside);
}

/* Members are words of ours, but in a row's key they are the names of columns. */
void rf_json_text(struct rf_json *json, const char *member, const char *text) {
    struct rf_buffer name = {0};
    if (!rf_utf8_valid(member)) {
        put_escaped(&name, member);
        rf_buffer_u8(&name, 0);
        member = name.failed ? "" : (const char *)name.bytes;
        json->failed = json->failed || name.failed;
    }
    if (!text) {
        set(json, member, json_null());
    } else if (rf_utf8_valid(text)) {
        set(json, member, json_string(text));
    } else {
        set_bad_text(json, member, text);
    }
    rf_buffer_release(&name);
}

void rf_json_count(struct rf_json *json, const char *member, uint64_t count) {
    set(json, member, json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count));
}

void rf_json_snapshot(struct rf_json *json, const char *member, uint64_t count) {
    if (count == 0) {
        rf_json_text(json, member, NULL);
    } else {
        rf_json_count(json, member, count);
    }
}

void rf_json_integer(struct rf_json *json, const char *member, int64_t integer) {
    set(json, member, json_integer(integer));
}

void rf_json_bool(struct rf_json *json, const char *member, bool answer) {
    set(json, member, json_boolean(answer));
}

void rf_json_seconds(struct rf_json *json, const char *member, double seconds) {
    set(json, member, json_real(round(seconds * 1e4) / 1e4));
}

void rf_json_hash(struct rf_json *json, const char *member, struct rf_hash hash) {
    char text[RF_HASH_HEX];
    rf_json_text(json, member, rf_hash_text(hash, text));
}

void rf_json_put(struct rf_json *json, const char *member, struct rf_json *child) {
    json->failed = json->failed || child->failed;
    set(json, member, child->object);
    *child = (struct rf_json){0};
}

void rf_json_append(struct rf_json *array, struct rf_json *child) {
    array->failed = array->failed || child->failed;
    if (json_array_append_new(array->object, child->object) != 0) {
        array->failed = true;
    }
    *child = (struct rf_json){0};
}

void rf_json_append_text(struct rf_json *array, const char *text) {
    struct rf_buffer escaped = {0};
    json_t *value = NULL;
    if (rf_utf8_valid(text)) {
        value = json_string(text);
    } else {
        put_escaped(&escaped, text);
        value = escaped.failed ? NULL : json_stringn((const char *)escaped.bytes, escaped.size);
    }
    if (json_array_append_new(array->object, value) != 0) {
        array->failed = true;
    }
    rf_buffer_release(&escaped);
}

void rf_json_join(struct rf_json *json, struct rf_json *other) {
    json->failed = json->failed || other->failed;
    if (other->object && json_object_update(json->object, other->object) != 0) {
        json->failed = true;
    }
    rf_json_release(other);
}

/* A message may quote bytes that are no text, or be cut in the middle of a character. */
static void set_part(struct rf_json *json, const char *member, const struct rf_error *error,
                     void (*get)(const struct rf_error *, struct rf_buffer *)) {
    struct rf_buffer text = {0};
    struct rf_buffer clean = {0};
    get(error, &text);
    rf_buffer_u8(&text, 0);
    if (text.failed) {
        json->failed = true;
    } else if (rf_utf8_valid((const char *)text.bytes)) {
        rf_json_text(json, member, (const char *)text.bytes);
    } else {
        put_escaped(&clean, (const char *)text.bytes);
        set_buffer(json, member, &clean);
    }
    rf_buffer_release(&text);
}

struct rf_json rf_json_error(const struct rf_error *error) {
    struct rf_json json = rf_json_begin(NULL);
    set_part(&json, "what", error, rf_message_what);
    set_part(&json, "detail", error, rf_message_detail);
    set_part(&json, "hint", error, rf_message_hint);
    if (error->sqlstate[0]) {
        rf_json_text(&json, "sqlstate", error->sqlstate);
    }
    return json;
}

/* Few digits are enough for seconds and spare readers 0.23100000000000001. */
void rf_json_print(struct rf_json *json, struct rf_output *output) {
    char *line =
        json->failed ? NULL : json_dumps(json->object, JSON_COMPACT | JSON_REAL_PRECISION(10));
    if (line) {
        rf_output_bytes(output, line, strlen(line));
        rf_output_bytes(output, "\n", 1);
        rf_output_flush(output);
        free(line);
    } else {
        output->failed = output->failed ? output->failed : ENOMEM;
    }
    rf_json_release(json);
}
