/* Which snapshots a prune keeps. If these fail, it drops what somebody counted on, or keeps what he did
 * not want. What is expected was worked out by hand, from restic's manual and a calendar. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/prune_policy.h"

#define MOST 400u
#define SECOND INT64_C(1000000)

struct history {
    struct rf_prune_mark marks[MOST];
    uint32_t count;
};

static void add(struct history *history, const char *time) {
    struct tm parts = {0};
    cr_assert_not_null(strptime(time, "%Y-%m-%d %H:%M", &parts), "%s", time);
    history->marks[history->count] = (struct rf_prune_mark){
        .snapshot = history->count + 1, .time_us = (int64_t)timegm(&parts) * SECOND};
    history->count++;
}

static void apply(struct history *history, const struct rf_prune_policy *policy) {
    for (uint32_t i = 0; i < history->count; i++) {
        history->marks[i].reasons = history->marks[i].oldest = 0;
    }
    rf_prune_policy_apply(policy, history->marks, history->count);
}

/* Numbers of the snapshots that stay, for their reasons or for any: "1 3". */
static const char *kept(const struct history *history) {
    static char text[4096];
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < history->count; i++) {
        if (history->marks[i].reasons) {
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%s%u", used ? " " : "", i + 1);
        }
    }
    return text;
}

static void expect(struct history *history, const struct rf_prune_policy *policy,
                   const char *numbers, const char *what) {
    apply(history, policy);
    cr_expect_str_eq(kept(history), numbers, "%s: %s", what, kept(history));
}

#define COUNTS(...)              \
    (struct rf_prune_policy) {   \
        .count = { __VA_ARGS__ } \
    }

/* restic's manual: one snapshot every Sunday for twelve weeks. --keep-daily 4 keeps the last four. */
Test(prune_policy, sundays_of_the_manual) {
    static const char *const sundays[] = {
        "2019-09-01 11:00", "2019-09-08 11:00", "2019-09-15 11:00", "2019-09-22 11:00",
        "2019-09-29 11:00", "2019-10-06 11:00", "2019-10-13 11:00", "2019-10-20 11:00",
        "2019-10-27 11:00", "2019-11-03 11:00", "2019-11-10 11:00", "2019-11-17 11:00"};
    struct history history = {.count = 0};
    for (size_t i = 0; i < sizeof sundays / sizeof sundays[0]; i++) {
        add(&history, sundays[i]);
    }
    expect(&history, &COUNTS([RF_KEEP_DAILY] = 4), "9 10 11 12", "daily 4");
    expect(&history, &COUNTS([RF_KEEP_LAST] = 3), "10 11 12", "last 3");
    expect(&history, &COUNTS([RF_KEEP_WEEKLY] = 2), "11 12", "weekly 2");
    /* September 29, October 27, November 17. */
    expect(&history, &COUNTS([RF_KEEP_MONTHLY] = 3), "5 9 12", "monthly 3");
    /* There are only three months: the oldest is kept for the fourth. */
    expect(&history, &COUNTS([RF_KEEP_MONTHLY] = 4), "1 5 9 12", "monthly 4");
    expect(&history, &COUNTS([RF_KEEP_YEARLY] = 1), "12", "yearly 1");
    expect(&history, &COUNTS([RF_KEEP_YEARLY] = 75), "1 12", "yearly 75");
    expect(&history, &COUNTS([RF_KEEP_DAILY] = RF_KEEP_UNLIMITED), "1 2 3 4 5 6 7 8 9 10 11 12",
           "daily unlimited");
    struct rf_prune_policy within = {.within = {.days = 14}};
    expect(&history, &within, "11 12", "within 14d: exactly fourteen days are not within");
    within.within.hours = 1;
    expect(&history, &within, "10 11 12", "within 14d1h");
    within = (struct rf_prune_policy){.within = {.months = 1}};
    expect(&history, &within, "8 9 10 11 12", "within 1m: after October 17");
}

/* Of restic's forum: May 1st 8:00, 2nd 8:00 and 11:00, 4th, 5th. --keep-daily 4 keeps 1, 3, 4 and 5. */
Test(prune_policy, several_a_day) {
    struct history history = {.count = 0};
    add(&history, "2023-05-01 08:00");
    add(&history, "2023-05-02 08:00");
    add(&history, "2023-05-02 11:00");
    add(&history, "2023-05-04 09:00");
    add(&history, "2023-05-05 10:00");
    expect(&history, &COUNTS([RF_KEEP_DAILY] = 4), "1 3 4 5", "daily 4");
    expect(&history, &COUNTS([RF_KEEP_DAILY] = 3), "3 4 5", "daily 3");
    expect(&history, &COUNTS([RF_KEEP_DAILY] = 2, [RF_KEEP_HOURLY] = 4), "2 3 4 5", "and hourly 4");
    expect(&history, &COUNTS([RF_KEEP_DAILY] = 6), "1 3 4 5", "daily 6");
}

/* The manual: one a day for long, --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --keep-yearly 75. */
Test(prune_policy, one_a_day_for_a_year) {
    struct history history = {.count = 0};
    for (int day = 0; day < 400; day++) { /* 2022-11-27 to 2023-12-31, a Sunday */
        struct rf_prune_mark mark = {.snapshot = (uint64_t)day + 1,
                                     .time_us =
                                         (INT64_C(1669507200) + day * 86400 + 3600) * SECOND};
        history.marks[history.count++] = mark;
    }
    apply(&history, &COUNTS([RF_KEEP_DAILY] = 7, [RF_KEEP_WEEKLY] = 5));
    /* December 25 to 31; the Sundays of December 3, 10, 17 and 24 (the 31st is a daily one as well). */
    cr_expect_str_eq(kept(&history), "372 379 386 393 394 395 396 397 398 399 400");
    apply(&history, &COUNTS([RF_KEEP_MONTHLY] = 12));
    /* The last days of 2023's months. */
    cr_expect_str_eq(kept(&history), "66 94 125 155 186 216 247 278 308 339 369 400");
    apply(&history, &COUNTS([RF_KEEP_YEARLY] = 75));
    cr_expect_str_eq(kept(&history), "1 35 400", "2022-12-31, and the oldest");
    cr_expect_eq(history.marks[0].oldest, 1u << RF_KEEP_YEARLY);
}

/* ISO 8601: 2021-01-03 is the Sunday of 2020-W53, 2024-12-30 the Monday of 2025-W01. */
Test(prune_policy, weeks_at_the_turn_of_the_year) {
    struct history history = {.count = 0};
    char text[RF_KEEP_TEXT];
    add(&history, "2020-12-31 12:00");
    add(&history, "2021-01-03 23:59");
    add(&history, "2021-01-04 00:00");
    add(&history, "2024-12-29 12:00");
    add(&history, "2024-12-30 12:00");
    add(&history, "2025-01-05 12:00");
    expect(&history, &COUNTS([RF_KEEP_WEEKLY] = 4), "2 3 4 6", "weekly 4");
    cr_expect_str_eq(rf_keep_text(&history.marks[1], RF_KEEP_WEEKLY, text), "weekly 2020-W53");
    cr_expect_str_eq(rf_keep_text(&history.marks[5], RF_KEEP_WEEKLY, text), "weekly 2025-W01");
}

Test(prune_policy, before_1970_and_far_off) {
    struct history history = {.count = 0};
    char text[RF_KEEP_TEXT];
    add(&history, "1969-12-28 23:59"); /* a Sunday */
    add(&history, "1969-12-29 00:00");
    add(&history, "1969-12-31 23:59");
    add(&history, "1970-01-01 00:00");
    expect(&history, &COUNTS([RF_KEEP_HOURLY] = 3), "2 3 4", "hourly");
    expect(&history, &COUNTS([RF_KEEP_DAILY] = 2), "3 4", "daily");
    expect(&history, &COUNTS([RF_KEEP_WEEKLY] = 2), "1 4", "weekly");
    expect(&history, &COUNTS([RF_KEEP_YEARLY] = 1), "4", "yearly");
    /* Clocks of any kind are no reason to fall over. */
    history.marks[0].time_us = INT64_MIN;
    history.marks[1].time_us = INT64_MAX;
    history.marks[3].time_us = INT64_MIN;
    struct rf_prune_policy policy = {.count = {1, 1, 1, 1, 1, 1}, .within = {.years = 1000000}};
    apply(&history, &policy);
    cr_expect(history.marks[3].reasons & 1u << RF_KEEP_NEWEST);
    for (unsigned reason = 0; reason < RF_KEEPS; reason++) {
        cr_expect(strlen(rf_keep_text(&history.marks[0], (enum rf_keep)reason, text)) > 0);
    }
}

/* A prune that was cut off, and the next one with the same rules, drop nothing more. */
Test(prune_policy, what_it_keeps_it_keeps_again) {
    struct rf_prune_policy policy = {.count = {2, 3, 4, 3, 2, 2}, .within = {.hours = 7}};
    for (uint32_t seed = 1; seed < 60; seed++) {
        struct history all = {.count = 0}, left = {.count = 0};
        uint64_t chance = seed;
        int64_t now = INT64_C(1700000000) * SECOND;
        for (uint32_t i = 0; i < 3 * seed; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            now += (int64_t)(chance >> 44) * SECOND;
            all.marks[all.count++] = (struct rf_prune_mark){.snapshot = i + 1, .time_us = now};
        }
        apply(&all, &policy);
        for (uint32_t i = 0; i < all.count; i++) {
            /* Some of those that are to go are gone. */
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            if (all.marks[i].reasons || chance >> 63) {
                left.marks[left.count++] = all.marks[i];
            }
        }
        struct history before = left;
        apply(&left, &policy);
        for (uint32_t i = 0; i < left.count; i++) {
            cr_expect_eq(left.marks[i].reasons != 0, before.marks[i].reasons != 0, "seed %u, %u",
                         seed, i);
        }
    }
}

Test(prune_policy, the_newest_stays_and_nothing_is_nothing) {
    struct history history = {.count = 0};
    struct rf_prune_policy none = {0};
    cr_expect_not(rf_prune_policy_says(&none));
    cr_expect(rf_prune_policy_says(&COUNTS([RF_KEEP_YEARLY] = 1)));
    cr_expect(rf_prune_policy_says(&(struct rf_prune_policy){.within = {.hours = 1}}));
    rf_prune_policy_apply(&none, history.marks, 0);
    add(&history, "2024-01-01 00:00");
    add(&history, "2023-01-01 00:00"); /* the clock was set back */
    expect(&history, &none, "2", "no rule");
    history.marks[0].reasons = 1u << RF_KEEP_TARGET;
    history.marks[1].reasons = 0;
    rf_prune_policy_apply(&none, history.marks, history.count);
    cr_expect_str_eq(kept(&history), "1 2", "what a target stands at");
}

Test(prune_policy, words) {
    struct rf_prune_mark mark = {.snapshot = 1, .time_us = INT64_C(1763650800) * SECOND};
    static const char *const words[RF_KEEPS] = {"last",
                                                "hourly 2025-11-20 15h",
                                                "daily 2025-11-20",
                                                "weekly 2025-W47",
                                                "monthly 2025-11",
                                                "yearly 2025",
                                                "within",
                                                "newest",
                                                "target"};
    char text[RF_KEEP_TEXT];
    for (unsigned reason = 0; reason < RF_KEEPS; reason++) {
        cr_expect_str_eq(rf_keep_text(&mark, (enum rf_keep)reason, text), words[reason]);
    }
    mark.oldest = 1u << RF_KEEP_DAILY;
    cr_expect_str_eq(rf_keep_text(&mark, RF_KEEP_DAILY, text), "oldest daily 2025-11-20");
}

Test(prune_policy, numbers_and_durations) {
    uint32_t count;
    cr_expect(rf_keep_parse_count("14", &count) && count == 14);
    cr_expect(rf_keep_parse_count("unlimited", &count) && count == RF_KEEP_UNLIMITED);
    static const char *const no_counts[] = {
        "", "0", "-1", "+1", "1x", " 1", "1 ", "1.5", "ten", "4294967295", "99999999999999999999"};
    for (size_t i = 0; i < sizeof no_counts / sizeof no_counts[0]; i++) {
        cr_expect_not(rf_keep_parse_count(no_counts[i], &count), "%s", no_counts[i]);
    }
    struct rf_keep_span span;
    cr_expect(rf_keep_parse_span("1y5m7d2h", &span));
    cr_expect(span.years == 1 && span.months == 5 && span.days == 7 && span.hours == 2);
    cr_expect(rf_keep_parse_span("2h7d", &span) && span.hours == 2 && span.days == 7 &&
              span.years == 0 && span.months == 0);
    cr_expect(rf_keep_parse_span("0y30d", &span) && span.days == 30);
    static const char *const no_spans[] = {"",    "30",  "d",   "0d", "1w",  "1d1d",
                                           "1d ", "-1d", "1 d", "1D", "1y2", "99999999d"};
    for (size_t i = 0; i < sizeof no_spans / sizeof no_spans[0]; i++) {
        cr_expect_not(rf_keep_parse_span(no_spans[i], &span), "%s", no_spans[i]);
    }
}
