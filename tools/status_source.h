/* What status says of the source: whether it is on this host, whether it was written to since the
 * newest snapshot, and, where DATABASE was given, what a capture would find. */
#ifndef RF_TOOLS_STATUS_SOURCE_H
#define RF_TOOLS_STATUS_SOURCE_H

#include "capture/capture.h"
#include "capture/look.h"
#include "tools/history.h"
#include "tools/task.h"

struct rf_source_standing {
    char *path; /* NULL where it is not known */
    struct rf_source_look look;
    bool rehearsed; /* and `found` is what the capture would find, in `tables` of them */
    struct rf_capture_table found;
    uint32_t tables;
};
void rf_source_standing_release(struct rf_source_standing *standing);

/* `newest` is the newest whole snapshot, whose number is 0 where there is none. Without DATABASE the
 * source is looked for where that one was captured from. */
RF_MUST_USE enum rf_code rf_source_standing_find(struct rf_task *task,
                                                 struct rf_repository *repository,
                                                 const struct rf_snapshot_facts *newest,
                                                 struct rf_source_standing *standing,
                                                 struct rf_error *error);
void rf_source_standing_print(struct rf_task *task, const struct rf_source_standing *standing,
                              const struct rf_snapshot_facts *newest);

#endif
