/* What a replay did beside the rows, for its closing report: why rows were set aside or altered, which
 * sequences were moved on, which SQL was run. */
#ifndef RF_TOOLS_REPLAY_REPORT_H
#define RF_TOOLS_REPLAY_REPORT_H

#include "replay/replay.h"
#include "tools/task.h"

/* Members of the summary: "sequences", "after", "reasons". */
void rf_replay_report_json(const struct rf_replay_result *result, struct rf_json *summary);
/* Lines for people; none where there was nothing of the kind. */
void rf_replay_report_print(struct rf_task *task, const struct rf_replay_result *result);

#endif
