/* Which snapshots a prune keeps: restic's rules, as a function of nothing but the snapshots' times.
 *
 * The snapshots are looked at from the newest to the oldest. Each rule but `within` has so many to give away
 * and gives one to the first snapshot that it meets in each period: the newest of its hour, day, week, month or
 * year. (`last` takes every snapshot for a period of its own.) A rule that has some left when
 * it comes to the oldest snapshot gives that one too, so that the history reaches back as far as it can.
 * `within` keeps whatever is younger than that, seen from the newest snapshot, not from now. A snapshot that any
 * rule keeps stays, and the newest always does.
 *
 * The calendar is UTC's; weeks are ISO's, from Monday to Sunday. So the same policy applied to what it
 * left keeps all of it: a prune that was cut off can be run again. */
#ifndef RF_FORMAT_PRUNE_POLICY_H
#define RF_FORMAT_PRUNE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

enum rf_keep {
    RF_KEEP_LAST,
    RF_KEEP_HOURLY,
    RF_KEEP_DAILY,
    RF_KEEP_WEEKLY,
    RF_KEEP_MONTHLY,
    RF_KEEP_YEARLY,
    RF_KEEP_WITHIN,
    RF_KEEP_NEWEST, /* it is the newest of all */
    RF_KEEP_TARGET, /* a target stands at it */
};
#define RF_KEEP_COUNTED (RF_KEEP_YEARLY + 1) /* those that have a number */
#define RF_KEEPS (RF_KEEP_TARGET + 1)
#define RF_KEEP_UNLIMITED UINT32_MAX

/* As in restic's "1y5m7d2h": years, months, days and hours back. All zero: not given. */
struct rf_keep_span {
    uint32_t years, months, days, hours;
};

struct rf_prune_policy {
    uint32_t count[RF_KEEP_COUNTED]; /* RF_KEEP_UNLIMITED: no end */
    struct rf_keep_span within;
};

struct rf_prune_mark {
    uint64_t snapshot;
    int64_t time_us;  /* microseconds since 1970-01-01 UTC */
    uint32_t reasons; /* bits 1 << enum rf_keep; 0: it is to be dropped */
    uint32_t oldest;  /* those of them that had some left for the oldest snapshot */
};

/* Whether there is anything that this policy keeps by a rule. */
bool rf_prune_policy_says(const struct rf_prune_policy *policy);
/* The marks ascend by snapshot. Adds to their reasons, which the caller may have begun. */
void rf_prune_policy_apply(const struct rf_prune_policy *policy, struct rf_prune_mark *marks,
                           uint32_t count);

/* "14", or "unlimited"; whether the text is such a number, from 1 on. */
bool rf_keep_parse_count(const char *text, uint32_t *count);
/* "30d", "1y5m7d2h": numbers with a unit each, no unit twice, not all zero. */
bool rf_keep_parse_span(const char *text, struct rf_keep_span *span);

/* "last", "hourly 2026-11-20 14h", "daily 2026-11-20", "weekly 2026-W47", "monthly 2026-11", "yearly 2026",
 * "oldest daily 2026-11-20", "within", "newest", "target". */
#define RF_KEEP_TEXT 64
const char *rf_keep_text(const struct rf_prune_mark *mark, enum rf_keep reason,
                         char text[RF_KEEP_TEXT]);

#endif
