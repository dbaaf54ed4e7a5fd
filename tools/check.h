/* The faces of check: text for people (check_text.c), JSON lines (check_json.c), or none. A face is
 * called in the order of its members: findings first, then table after table, then other objects of
 * the source. */
#ifndef RF_TOOLS_CHECK_H
#define RF_TOOLS_CHECK_H

#include "format/finding.h"
#include "replay/check.h"
#include "tools/task.h"

struct rf_checking {
    struct rf_task *task;
    struct rf_check *check;
    const struct rf_check_face *face;
    const struct rf_check_table *table; /* at hand */
    uint64_t values;                    /* told of it so far */
    uint64_t columns;
    uint64_t widened; /* columns whose rows forced another type on them */
    uint64_t objects; /* told of so far */
    struct rf_survey_counts total;
    uint64_t failing;         /* values whose column is to fail then */
    struct rf_error first;    /* of these, as an error */
    struct rf_findings ready; /* what else is worth knowing before a run */
};

struct rf_check_face {
    void (*finding)(struct rf_checking *checking, const struct rf_check_finding *finding);
    void (*ready)(struct rf_checking *checking, const struct rf_finding *finding);
    void (*table_begins)(struct rf_checking *checking);
    void (*value)(struct rf_checking *checking, const struct rf_survey_finding *value);
    void (*table_ends)(struct rf_checking *checking, const struct rf_survey_counts *counts);
    /* `reason`: why it does not come along; NULL where it does, as the rules ask. */
    void (*object)(struct rf_checking *checking, const struct rf_object *object,
                   const char *reason);
    void (*end)(struct rf_checking *checking);
};
extern const struct rf_check_face rf_check_text, rf_check_json, rf_check_silent;

#endif
