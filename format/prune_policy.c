/* The calendar behind a prune, and the words for it. */
#include "format/prune_policy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define HOUR INT64_C(3600)
#define DAY INT64_C(86400)

static int64_t floor_by(int64_t number, int64_t by) {
    return number / by - (number % by < 0);
}

static int64_t seconds_of(const struct rf_prune_mark *mark) {
    return floor_by(mark->time_us, SECOND_US);
}

static struct tm calendar(int64_t seconds) {
    struct tm parts = {0};
    time_t at = (time_t)seconds;
    gmtime_r(&at, &parts);
    return parts;
}

/* A number for the period that the snapshot falls into; `place` for `last`, where each is its own. */
static int64_t period_of(const struct rf_prune_mark *mark, enum rf_keep rule, uint32_t place) {
    int64_t seconds = seconds_of(mark);
    struct tm parts = calendar(seconds);
    switch (rule) {
    case RF_KEEP_HOURLY:
        return floor_by(seconds, HOUR);
    case RF_KEEP_DAILY:
        return floor_by(seconds, DAY);
    case RF_KEEP_WEEKLY: /* 1970-01-01 was a Thursday */
        return floor_by(floor_by(seconds, DAY) + 3, 7);
    case RF_KEEP_MONTHLY:
        return (int64_t)parts.tm_year * 12 + parts.tm_mon;
    case RF_KEEP_YEARLY:
        return parts.tm_year;
    default:
        return place;
    }
}

static bool is_given(const struct rf_keep_span *span) {
    return span->years || span->months || span->days || span->hours;
}

bool rf_prune_policy_says(const struct rf_prune_policy *policy) {
    bool says = is_given(&policy->within);
    for (unsigned rule = 0; rule < RF_KEEP_COUNTED; rule++) {
        says |= policy->count[rule] > 0;
    }
    return says;
}

static void keep(struct rf_prune_mark *mark, enum rf_keep reason) {
    mark->reasons |= UINT32_C(1) << reason;
}

static void apply_count(enum rf_keep rule, uint32_t left, struct rf_prune_mark *marks,
                        uint32_t count) {
    int64_t last = 0;
    bool any = false;
    for (uint32_t i = count; i > 0 && left > 0; i--) {
        struct rf_prune_mark *mark = &marks[i - 1];
        int64_t period = period_of(mark, rule, i);
        bool first = !any || period != last;
        if (!first && i > 1) {
            continue;
        }
        keep(mark, rule);
        mark->oldest |= first ? 0 : UINT32_C(1) << rule;
        last = period;
        any = true;
        left -= left == RF_KEEP_UNLIMITED ? 0 : 1;
    }
}

/* A month less from the 31st may be a day that is not there: then it is as many days into the next month, as
 * it is with restic. */
static int64_t back(int64_t from_us, const struct rf_keep_span *span) {
    struct tm parts = calendar(floor_by(from_us, SECOND_US));
    parts.tm_year -= (int)span->years;
    parts.tm_mon -= (int)span->months;
    parts.tm_mday -= (int)span->days;
    parts.tm_hour -= (int)span->hours;
    int64_t fraction = (from_us % SECOND_US + SECOND_US) % SECOND_US;
    int64_t seconds = (int64_t)timegm(&parts);
    return seconds < INT64_MIN / SECOND_US ? INT64_MIN : seconds * SECOND_US + fraction;
}

static void apply_within(const struct rf_keep_span *span, struct rf_prune_mark *marks,
                         uint32_t count) {
    int64_t since = back(marks[count - 1].time_us, span);
    for (uint32_t i = 0; i < count; i++) {
        if (marks[i].time_us > since) {
            keep(&marks[i], RF_KEEP_WITHIN);
        }
    }
}

void rf_prune_policy_apply(const struct rf_prune_policy *policy, struct rf_prune_mark *marks,
                           uint32_t count) {
    if (count == 0) {
        return;
    }
    for (unsigned rule = 0; rule < RF_KEEP_COUNTED; rule++) {
        apply_count((enum rf_keep)rule, policy->count[rule], marks, count);
    }
    if (is_given(&policy->within)) {
        apply_within(&policy->within, marks, count);
    }
    keep(&marks[count - 1], RF_KEEP_NEWEST);
}

/* ---- words ---- */

/* A number in decimal digits alone; *end is behind it. */
static bool parse_number(const char *text, uint32_t most, uint32_t *number, const char **end) {
    char *stop;
    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    unsigned long value = strtoul(text, &stop, 10);
    *number = (uint32_t)value;
    *end = stop;
    return errno == 0 && value <= most;
}

bool rf_keep_parse_count(const char *text, uint32_t *count) {
    const char *end;
    if (strcmp(text, "unlimited") == 0) {
        *count = RF_KEEP_UNLIMITED;
        return true;
    }
    return parse_number(text, RF_KEEP_UNLIMITED - 1, count, &end) && *end == 0 && *count > 0;
}

/* So many of a unit are more than any calendar has. */
#define UNITS_MOST 1000000u

bool rf_keep_parse_span(const char *text, struct rf_keep_span *span) {
    static const char units[] = "ymdh";
    bool given[4] = {false};
    struct rf_keep_span found = {0};
    uint32_t *parts[] = {&found.years, &found.months, &found.days, &found.hours};
    while (*text) {
        uint32_t number;
        if (!parse_number(text, UNITS_MOST, &number, &text)) {
            return false;
        }
        const char *unit = *text ? strchr(units, *text) : NULL;
        if (!unit || given[unit - units]) {
            return false;
        }
        given[unit - units] = true;
        *parts[unit - units] = number;
        text++;
    }
    *span = found;
    return is_given(&found);
}

/* The period by name, with a blank before it; nothing where the rule has none. */
static size_t put_period(const struct tm *parts, enum rf_keep reason, char *text, size_t room) {
    switch (reason) {
    case RF_KEEP_HOURLY:
        return strftime(text, room, " %Y-%m-%d %Hh", parts);
    case RF_KEEP_DAILY:
        return strftime(text, room, " %Y-%m-%d", parts);
    case RF_KEEP_WEEKLY:
        return strftime(text, room, " %G-W%V", parts);
    case RF_KEEP_MONTHLY:
        return strftime(text, room, " %Y-%m", parts);
    case RF_KEEP_YEARLY:
        return strftime(text, room, " %Y", parts);
    default:
        return 0;
    }
}

const char *rf_keep_text(const struct rf_prune_mark *mark, enum rf_keep reason,
                         char text[RF_KEEP_TEXT]) {
    static const char *const names[RF_KEEPS] = {
        [RF_KEEP_LAST] = "last",     [RF_KEEP_HOURLY] = "hourly",   [RF_KEEP_DAILY] = "daily",
        [RF_KEEP_WEEKLY] = "weekly", [RF_KEEP_MONTHLY] = "monthly", [RF_KEEP_YEARLY] = "yearly",
        [RF_KEEP_WITHIN] = "within", [RF_KEEP_NEWEST] = "newest",   [RF_KEEP_TARGET] = "target",
    };
    struct tm parts = calendar(seconds_of(mark));
    int used = snprintf(text, RF_KEEP_TEXT, "%s%s", mark->oldest >> reason & 1 ? "oldest " : "",
                        names[reason]);
    if (put_period(&parts, reason, text + used, RF_KEEP_TEXT - (size_t)used) == 0) {
        text[used] = 0;
    }
    return text;
}
