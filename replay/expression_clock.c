/* What a default may ask of the clock: CURRENT_TIMESTAMP and the date functions of 'now'. SQLite
 * answers with the moment of the statement, in UTC, as text. The local time zone of some
 * application is not known here, and modifiers are its own arithmetic of dates: both are
 * refused. */
#include "replay/expression_operation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/bytes.h"

#define EPOCH_MOST 253402300799 /* 9999-12-31 23:59:59 */

static bool is_default(struct rf_translation *t, const char *what) {
    if (t->table) {
        rf_refuse(t, "%s outside of a default", what);
    }
    t->mutable = true;
    return !t->table;
}

static const char *shaped(struct rf_translation *t, const char *pattern) {
    return rf_sql(t, "to_char(statement_timestamp() AT TIME ZONE 'UTC', '%s')", pattern);
}

static struct rf_sql_value now(struct rf_translation *t, enum rf_shape shape) {
    static const char *const patterns[] = {
        [RF_SHAPE_NONE] = "",
        [RF_SHAPE_DATE] = "YYYY-MM-DD",
        [RF_SHAPE_TIME] = "HH24:MI:SS",
        [RF_SHAPE_TIMESTAMP] = "YYYY-MM-DD HH24:MI:SS",
    };
    struct rf_sql_value text = rf_value_text(shaped(t, patterns[shape]), false);
    text.clock = shape;
    text.wordy = true;
    return text;
}

struct rf_sql_value rf_clock_current(struct rf_translation *t, const char *keyword) {
    if (!is_default(t, keyword)) {
        return rf_value_null();
    }
    if (strcasecmp(keyword, "CURRENT_DATE") == 0) {
        return now(t, RF_SHAPE_DATE);
    }
    return now(t, strcasecmp(keyword, "CURRENT_TIME") == 0 ? RF_SHAPE_TIME : RF_SHAPE_TIMESTAMP);
}

static struct rf_sql_value epoch(struct rf_translation *t) {
    return rf_value_integer(t, "floor(extract(epoch FROM statement_timestamp()))::bigint", false, 0,
                            EPOCH_MOST);
}

struct directive {
    char letter;
    const char *pattern;
    const char *digits; /* stands for what comes out */
};

static const struct directive *directive_of(char letter) {
    static const struct directive directives[] = {
        {'Y', "YYYY", "0"}, {'m', "MM", "0"}, {'d', "DD", "0"},      {'H', "HH24", "0"},
        {'M', "MI", "0"},   {'S', "SS", "0"}, {'f', "SS.MS", "0.0"}, {'j', "DDD", "0"},
    };
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (directives[i].letter == letter) {
            return &directives[i];
        }
    }
    return NULL;
}

/* The pattern of to_char, and beside it a text of the same make, to see whether it is a number. */
static bool rewrite(const char *format, struct rf_buffer *pattern, struct rf_buffer *sample) {
    for (const char *at = format; *at; at++) {
        const struct directive *directive = *at == '%' ? directive_of(at[1]) : NULL;
        bool plain = (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') ||
                     (*at >= '0' && *at <= '9') || strchr(" -/:.,_+", *at);
        if (directive) {
            rf_buffer_printf(pattern, "%s", directive->pattern);
            rf_buffer_printf(sample, "%s", directive->digits);
            at++;
        } else if (plain) {
            rf_buffer_printf(pattern, "\"%c\"", *at);
            rf_buffer_u8(sample, (uint8_t)*at);
        } else {
            return false;
        }
    }
    rf_buffer_u8(pattern, 0);
    rf_buffer_u8(sample, 0);
    return true;
}

static struct rf_sql_value formatted(struct rf_translation *t, const char *format) {
    if (strcmp(format, "%s") == 0) {
        struct rf_sql_value seconds = epoch(t);
        return rf_value_to_text(t, &seconds);
    }
    struct rf_buffer pattern = {0};
    struct rf_buffer sample = {0};
    struct rf_sql_value text = rf_value_null();
    if (!rewrite(format, &pattern, &sample)) {
        rf_refuse(t, "strftime() with a format of other than %%Y %%m %%d %%H %%M %%S %%f %%j");
    } else if (pattern.failed || sample.failed) {
        t->arena->failed = true;
    } else {
        text = rf_value_text(shaped(t, (const char *)pattern.bytes), false);
        text.wordy = rf_number_of_text((const char *)sample.bytes).reading == RF_READ_NOTHING;
    }
    rf_buffer_release(&pattern);
    rf_buffer_release(&sample);
    return text;
}

static bool is_function(const char *name, const char *which) {
    return strcasecmp(name, which) == 0;
}

bool rf_clock_is_function(const char *name) {
    static const char *const names[] = {"date", "time", "datetime", "strftime", "unixepoch"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (is_function(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Nothing, or the text 'now' and nothing after it. */
static bool asks_now(const struct rf_sql_value *arguments, uint32_t count) {
    return count == 0 || (count == 1 && arguments[0].kind == RF_SQL_TEXT && arguments[0].literal &&
                          strcasecmp(arguments[0].literal_text, "now") == 0);
}

struct rf_sql_value rf_clock_function(struct rf_translation *t, const char *name,
                                      const struct rf_sql_value *arguments, uint32_t count) {
    bool formats = is_function(name, "strftime");
    uint32_t skipped = formats ? 1 : 0;
    if (count < skipped || !asks_now(arguments + skipped, count - skipped) ||
        (formats && !(arguments[0].kind == RF_SQL_TEXT && arguments[0].literal))) {
        return rf_refuse(t, "function %s() of anything but 'now'", name);
    }
    char called[16];
    snprintf(called, sizeof called, "%s()", name);
    if (!is_default(t, called)) {
        return rf_value_null();
    }
    if (formats) {
        return formatted(t, arguments[0].literal_text);
    }
    if (is_function(name, "unixepoch")) {
        return epoch(t);
    }
    if (is_function(name, "date")) {
        return now(t, RF_SHAPE_DATE);
    }
    return now(t, is_function(name, "time") ? RF_SHAPE_TIME : RF_SHAPE_TIMESTAMP);
}

const char *rf_clock_moment(struct rf_translation *t, enum rf_expression_type type) {
    switch (type) {
    case RF_EXPRESSION_DATE:
        return rf_sql(t, "(statement_timestamp() AT TIME ZONE 'UTC')::date");
    case RF_EXPRESSION_TIMESTAMPTZ:
        return rf_sql(t, "date_trunc('second', statement_timestamp())");
    default:
        return rf_sql(t, "date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC')");
    }
}
