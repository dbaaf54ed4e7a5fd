#include "replay/json_key.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "format/hash.h"
#include "format/value.h"
#include "replay/render.h"

#define KEPT_BYTES (64u << 10)

static void put_string(struct rf_buffer *out, const uint8_t *bytes, size_t size) {
    rf_buffer_u8(out, '"');
    for (size_t i = 0; i < size; i++) {
        uint8_t c = bytes[i];
        if (c == '"' || c == '\\') {
            rf_buffer_u8(out, '\\');
            rf_buffer_u8(out, c);
        } else if (c < 0x20 || c == 0x7f) {
            rf_buffer_printf(out, "\\u%04x", c);
        } else {
            rf_buffer_u8(out, c);
        }
    }
    rf_buffer_u8(out, '"');
}

static void put_hex(struct rf_buffer *out, const uint8_t *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    rf_buffer_printf(out, "\"\\\\x");
    for (size_t i = 0; i < size; i++) {
        rf_buffer_u8(out, (uint8_t)digits[bytes[i] >> 4]);
        rf_buffer_u8(out, (uint8_t)digits[bytes[i] & 15]);
    }
    rf_buffer_u8(out, '"');
}

static void put_bytes(struct rf_buffer *out, const struct rf_value *value) {
    if (value->size > KEPT_BYTES) {
        char hash[RF_HASH_HEX];
        rf_buffer_printf(out, "{\"bytes\": %" PRIu32 ", \"hash\": \"%s\"}", value->size,
                         rf_hash_text(rf_hash_bytes(value->bytes, value->size), hash));
    } else if (value->class == RF_TEXT && rf_text_inspect(value->bytes, value->size).valid_utf8) {
        put_string(out, value->bytes, value->size);
    } else {
        put_hex(out, value->bytes, value->size);
    }
}

static void put_value(struct rf_buffer *out, const struct rf_value *value) {
    char text[RF_NUMBER_TEXT];
    switch (value->class) {
    case RF_NULL:
        rf_buffer_printf(out, "null");
        break;
    case RF_INTEGER:
        rf_buffer_append(out, text, rf_render_integer(value->integer, text));
        break;
    case RF_REAL:
        rf_render_real(value->real, text);
        rf_buffer_printf(out, isfinite(value->real) ? "%s" : "\"%s\"", text);
        break;
    case RF_TEXT:
    case RF_BLOB:
        put_bytes(out, value);
        break;
    }
}

void rf_json_key(const struct rf_table *table, const struct rf_rows *rows, uint32_t row,
                 int64_t rowid, struct rf_buffer *out) {
    if (table->key_count == 0) {
        const char *name = table->key_kind == RF_KEY_ORDINAL ? "place" : "rowid";
        rf_buffer_printf(out, "{\"%s\": %" PRId64 "}", name, rowid);
        return;
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        const char *name = table->columns[table->key[i]].name;
        struct rf_value value = rf_rows_value(rows, table->key[i], row);
        rf_buffer_printf(out, i == 0 ? "{" : ", ");
        put_string(out, (const uint8_t *)name, strlen(name));
        rf_buffer_printf(out, ": ");
        put_value(out, &value);
    }
    rf_buffer_u8(out, '}');
}
