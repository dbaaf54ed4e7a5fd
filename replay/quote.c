#include "replay/quote.h"

#include <string.h>

#include "format/value.h"

static void append_doubled(struct rf_buffer *sql, const char *text, char quote) {
    rf_buffer_u8(sql, (uint8_t)quote);
    for (const char *at = text; *at; at++) {
        if (*at == quote) {
            rf_buffer_u8(sql, (uint8_t)quote);
        }
        rf_buffer_u8(sql, (uint8_t)*at);
    }
    rf_buffer_u8(sql, (uint8_t)quote);
}

void rf_quote_name(struct rf_buffer *sql, const char *name) {
    append_doubled(sql, name, '"');
}

void rf_quote_qualified(struct rf_buffer *sql, const char *schema, const char *name) {
    rf_quote_name(sql, schema);
    rf_buffer_u8(sql, '.');
    rf_quote_name(sql, name);
}

/* A backslash means itself only in a standard string; in E'' it is doubled and means itself always.
 */
void rf_quote_literal(struct rf_buffer *sql, const char *text) {
    if (!strchr(text, '\\')) {
        append_doubled(sql, text, '\'');
        return;
    }
    rf_buffer_append(sql, " E'", 3);
    for (const char *at = text; *at; at++) {
        if (*at == '\'' || *at == '\\') {
            rf_buffer_u8(sql, (uint8_t)*at);
        }
        rf_buffer_u8(sql, (uint8_t)*at);
    }
    rf_buffer_u8(sql, '\'');
}

const char *rf_name_refusal(const char *name) {
    size_t size = strlen(name);
    if (size == 0) {
        return "the name is empty";
    }
    if (size > RF_NAME_BYTES) {
        return "the name is longer than 63 bytes";
    }
    if (!rf_text_inspect((const uint8_t *)name, size).valid_utf8) {
        return "the name is not valid UTF-8";
    }
    return NULL;
}

const char *rf_column_refusal(const char *name) {
    static const char *const taken[] = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strcmp(name, taken[i]) == 0) {
            return "every PostgreSQL table has a system column of that name";
        }
    }
    return rf_name_refusal(name);
}

const char *rf_schema_refusal(const char *name) {
    if (strcmp(name, "rowferry") == 0) {
        return "rowferry keeps its own ledger there";
    }
    if (strncmp(name, "pg_", 3) == 0 || strcmp(name, "information_schema") == 0) {
        return "it belongs to PostgreSQL itself";
    }
    return rf_name_refusal(name);
}

size_t rf_name_cut(const char *name, size_t room) {
    size_t size = strlen(name);
    if (size <= room) {
        return size;
    }
    size = room;
    while (size > 0 && ((uint8_t)name[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}

void rf_make_sayable(char *text) {
    if (rf_text_inspect((const uint8_t *)text, strlen(text)).valid_utf8) {
        return;
    }
    for (char *at = text; *at; at++) {
        if ((uint8_t)*at >= 0x80) {
            *at = '?';
        }
    }
}

char *rf_sayable(struct rf_arena *arena, const char *text) {
    char *copy = rf_arena_copy(arena, text);
    if (copy) {
        rf_make_sayable(copy);
    }
    return copy;
}
