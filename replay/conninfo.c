/* libpq's own description of its keywords, by way of an empty connection string. */
#include "replay/conninfo.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

enum rf_conninfo_kind rf_conninfo_kind(const char *keyword) {
    enum rf_conninfo_kind kind = RF_CONNINFO_UNKNOWN;
    PQconninfoOption *options = PQconninfoParse("", NULL);
    for (PQconninfoOption *option = options; option && option->keyword; option++) {
        if (strcmp(option->keyword, keyword) == 0) {
            kind = option->dispsize == 1 ? RF_CONNINFO_SWITCH : RF_CONNINFO_TEXT;
        }
    }
    PQconninfoFree(options);
    return kind;
}

void rf_conninfo_append(struct rf_buffer *conninfo, const char *keyword, const char *value) {
    rf_buffer_printf(conninfo, "%s%s='", conninfo->size > 0 ? " " : "", keyword);
    for (const char *at = value; *at; at++) {
        if (*at == '\'' || *at == '\\') {
            rf_buffer_u8(conninfo, '\\');
        }
        rf_buffer_u8(conninfo, (uint8_t)*at);
    }
    rf_buffer_u8(conninfo, '\'');
}

enum rf_code rf_conninfo_each(const char *conninfo,
                              void (*each)(void *context, const char *keyword, const char *value),
                              void *context, struct rf_error *error) {
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    if (!options) {
        rf_fail(error, RF_USAGE, "the connection string cannot be read");
        rf_hint(error, "write it as host=… dbname=… user=… or postgresql://user@host/dbname");
        return RF_USAGE;
    }
    for (PQconninfoOption *option = options; option->keyword; option++) {
        if (option->val) {
            each(context, option->keyword, option->val);
        }
    }
    PQconninfoFree(options);
    return RF_OK;
}

void rf_conninfo_version(char text[16]) {
    int version = PQlibVersion();
    snprintf(text, 16, "%d.%d", version / 10000, version % 10000);
}
