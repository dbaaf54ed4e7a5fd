/* What a default may ask of the clock: CURRENT_TIMESTAMP and the date functions of 'now'. SQLite
 * answers with the moment of the statement, in UTC, as text or as a number. The local time zone of
 * some application is not known here, and modifiers are its own arithmetic of dates: both are
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

static struct rf_clock *clock_new(struct rf_translation *t) {
    return rf_arena_take(t->arena, 1, sizeof(struct rf_clock));
}

static struct rf_sql_value epoch(struct rf_translation *t) {
    struct rf_clock *clock = clock_new(t);
    struct rf_sql_value seconds = rf_value_integer(
        t, "floor(extract(epoch FROM statement_timestamp()))::bigint", false, 0, EPOCH_MOST);
    if (clock) {
        clock->per_second = 1;
        seconds.clock = clock;
    }
    return seconds;
}

/* In SQLite a number of milliseconds, divided as a double. */
static struct rf_sql_value julian_day(struct rf_translation *t) {
    struct rf_clock *clock = clock_new(t);
    struct rf_sql_value days =
        rf_value_real("((floor(extract(epoch FROM statement_timestamp()) * 1000) + 210866760000000)"
                      "::double precision / '86400000'::double precision)",
                      false, 1e7, 1);
    if (clock) {
        clock->julian = true;
        days.clock = clock;
    }
    return days;
}

struct directive {
    char letter;
    const char *pattern;
    const char *samples[RF_CLOCK_SAMPLES]; /* of the moments in expression_moment.c */
};

static const struct directive *directive_of(char letter) {
    static const struct directive directives[] = {
        {'Y', "YYYY", {"2001", "2012"}},
        {'m', "MM", {"02", "11"}},
        {'d', "DD", {"03", "23"}},
        {'H', "HH24", {"04", "16"}},
        {'M', "MI", {"05", "47"}},
        {'S', "SS", {"06", "58"}},
        {'f', "SS.MS", {"06.120", "58.000"}},
        {'j', "DDD", {"034", "328"}},
    };
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (directives[i].letter == letter) {
            return &directives[i];
        }
    }
    return NULL;
}

/* A character that stands for itself: in to_char() a letter only within quotes. */
static bool put_plain(struct rf_buffer *pattern, char c) {
    bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!word && !strchr(" -/:.,_+", c)) {
        return false;
    }
    rf_buffer_printf(pattern, word ? "\"%c\"" : "%c", c);
    return true;
}

/* The pattern for to_char(), and beside it what two moments look like. */
static bool rewrite(const char *format, struct rf_buffer *pattern,
                    struct rf_buffer samples[RF_CLOCK_SAMPLES]) {
    for (const char *at = format; *at; at++) {
        const struct directive *directive = *at == '%' ? directive_of(at[1]) : NULL;
        if (directive) {
            rf_buffer_printf(pattern, "%s", directive->pattern);
            at++;
        } else if (!put_plain(pattern, *at)) {
            return false;
        }
        for (int i = 0; i < RF_CLOCK_SAMPLES; i++) {
            char plain[2] = {*at, '\0'};
            rf_buffer_printf(&samples[i], "%s", directive ? directive->samples[i] : plain);
        }
    }
    return true;
}

static const char *taken(struct rf_translation *t, const struct rf_buffer *buffer) {
    t->arena->failed = t->arena->failed || buffer->failed;
    return rf_arena_printf(t->arena, "%.*s", (int)buffer->size, (const char *)buffer->bytes);
}

static struct rf_sql_value text_of(struct rf_translation *t, const struct rf_buffer *pattern,
                                   const struct rf_buffer samples[RF_CLOCK_SAMPLES]) {
    const char *shape = taken(t, pattern);
    struct rf_clock *clock = clock_new(t);
    for (int i = 0; clock && i < RF_CLOCK_SAMPLES; i++) {
        clock->samples[i] = taken(t, &samples[i]);
    }
    if (t->arena->failed) {
        return rf_value_null();
    }
    struct rf_sql_value text = rf_value_text(
        rf_sql(t, "to_char(statement_timestamp() AT TIME ZONE 'UTC', '%s')", shape), false);
    text.wordy = rf_number_of_text(clock->samples[0]).reading == RF_READ_NOTHING;
    text.clock = clock;
    return text;
}

/* strftime(format, 'now'). */
static struct rf_sql_value formatted(struct rf_translation *t, const char *format) {
    if (strcmp(format, "%s") == 0) {
        struct rf_sql_value seconds = epoch(t);
        return rf_value_to_text(t, &seconds);
    }
    struct rf_buffer pattern = {0};
    struct rf_buffer samples[RF_CLOCK_SAMPLES] = {0};
    struct rf_sql_value text =
        *format && rewrite(format, &pattern, samples)
            ? text_of(t, &pattern, samples)
            : rf_refuse(t, "strftime() with a format of other than %%Y %%m %%d %%H %%M %%S %%f %%j "
                           "and plain characters");
    rf_buffer_release(&pattern);
    for (int i = 0; i < RF_CLOCK_SAMPLES; i++) {
        rf_buffer_release(&samples[i]);
    }
    return text;
}

/* What strftime() would make the same of; NULL for a name of none. */
static const char *format_of(const char *name) {
    static const char *const names[][2] = {
        {"CURRENT_DATE", "%Y-%m-%d"},
        {"CURRENT_TIME", "%H:%M:%S"},
        {"date", "%Y-%m-%d"},
        {"time", "%H:%M:%S"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i][0]) == 0) {
            return names[i][1];
        }
    }
    return "%Y-%m-%d %H:%M:%S";
}

struct rf_sql_value rf_clock_current(struct rf_translation *t, const char *keyword) {
    return is_default(t, keyword) ? formatted(t, format_of(keyword)) : rf_value_null();
}

bool rf_clock_is_function(const char *name) {
    static const char *const names[] = {"date",     "time",      "datetime",
                                        "strftime", "unixepoch", "julianday"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_literal_text(const struct rf_sql_value *value) {
    return value->kind == RF_SQL_TEXT && value->literal;
}

/* Whether the moment is now, or not said, and nothing is done to it. */
static bool asks_now(struct rf_translation *t, const char *name,
                     const struct rf_sql_value *arguments, uint32_t count) {
    bool now = count == 0 ||
               (is_literal_text(arguments) && strcasecmp(arguments[0].literal_text, "now") == 0);
    if (!now) {
        rf_refuse(t, "function %s() of anything but 'now'", name);
    } else if (count > 1 && is_literal_text(&arguments[1])) {
        const char *modifier = arguments[1].literal_text;
        rf_refuse(t, "function %s() with the modifier '%s'", name,
                  rf_tree_excerpt(modifier, strlen(modifier), t->arena));
    } else if (count > 1) {
        rf_refuse(t, "function %s() with a modifier", name);
    }
    return !t->refusal;
}

struct rf_sql_value rf_clock_function(struct rf_translation *t, const char *name,
                                      const struct rf_sql_value *arguments, uint32_t count) {
    char called[16];
    snprintf(called, sizeof called, "%s()", name);
    bool formats = strcasecmp(name, "strftime") == 0;
    uint32_t skipped = formats ? 1 : 0;
    if (t->table || count < skipped || (formats && !is_literal_text(arguments))) {
        return rf_refuse(t, "function %s", called);
    }
    if (!is_default(t, called) || !asks_now(t, name, arguments + skipped, count - skipped)) {
        return rf_value_null();
    }
    if (formats) {
        return formatted(t, arguments[0].literal_text);
    }
    if (strcasecmp(name, "unixepoch") == 0) {
        return epoch(t);
    }
    return strcasecmp(name, "julianday") == 0 ? julian_day(t) : formatted(t, format_of(name));
}
