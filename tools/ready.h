/* Preflight: what stands in the way of a run, or is worth knowing before it, found on both sides
 * before anything is written. check tells all of it; sync and replay end at what stops them, and
 * tell warnings before a first load. */
#ifndef RF_TOOLS_READY_H
#define RF_TOOLS_READY_H

#include "format/finding.h"
#include "tools/task.h"

/* Where a run leaves its bytes; both NULL or false where it does not. */
struct rf_ready_place {
    const char *database;   /* the source; NULL: not at hand */
    const char *repository; /* the folder; NULL: none is written */
    bool empty;             /* the repository, which gets a first snapshot */
};

/* For check, which has looked at task->database itself: everything, by way of trial. */
RF_MUST_USE enum rf_code rf_ready_rehearse(struct rf_task *task, const struct rf_ready_place *place,
                                           struct rf_findings *findings, struct rf_error *error);
/* For a run: puts `preflight` into the summary; what stops it is the error. A target that cannot be
 * reached stops a last trip; any other may capture all the same. */
RF_MUST_USE enum rf_code rf_ready_run(struct rf_task *task, const struct rf_ready_place *place,
                                      struct rf_error *error);

void rf_ready_print(struct rf_task *task, const struct rf_finding *finding);
/* {"name":…,"state":…,"found":…,"wanted":…,"hint":…} */
struct rf_json rf_ready_json(const struct rf_finding *finding);
uint32_t rf_ready_count(const struct rf_findings *findings, enum rf_finding_state state);
/* The first stop as an error; RF_OK without any. */
RF_MUST_USE enum rf_code rf_ready_judge(const struct rf_findings *findings, struct rf_error *error);

#endif
