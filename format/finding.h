/* What was found of source and target before a run: one finding a thing that was looked at, good or
 * bad, with what mends it. Gathered by whoever looks, told by whoever prints.
 *
 * Sticky like rf_buffer: want of memory shows once, in rf_findings_check. Texts that are longer
 * than their place are cut. One thread at a time. */
#ifndef RF_FORMAT_FINDING_H
#define RF_FORMAT_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"

enum rf_finding_state {
    RF_FINDING_OK,
    RF_FINDING_NOTE,    /* worth knowing, nothing need be done */
    RF_FINDING_WARNING, /* a run goes, but perhaps not as wished */
    RF_FINDING_STOP,    /* a run ends before it writes anything */
};
const char *rf_finding_state_name(enum rf_finding_state state); /* "ok", "note", … */

struct rf_finding {
    enum rf_finding_state state;
    enum rf_code code; /* of a stop: what the run ends with */
    char name[96];     /* "locale", "shared_buffers", … */
    char found[480];
    char wanted[240]; /* "" where there is nothing else to wish for */
    char hint[480];   /* what mends it; "" where nothing need be */
};

struct rf_findings {
    uint32_t count, room;
    struct rf_finding *list;
    bool failed;
};

/* A stop begins with code RF_MISPLACED. The answer is valid until the next call, and NULL without
 * memory, which the functions below take. */
struct rf_finding *rf_find(struct rf_findings *findings, enum rf_finding_state state,
                           const char *name, const char *found, ...) RF_PRINTF(4, 5);
void rf_finding_want(struct rf_finding *finding, const char *format, ...) RF_PRINTF(2, 3);
void rf_finding_hint(struct rf_finding *finding, const char *format, ...) RF_PRINTF(2, 3);

/* Says in its name that it is about the one of several databases that is called so. */
void rf_finding_of(struct rf_finding *finding, const char *store);

RF_MUST_USE enum rf_code rf_findings_check(const struct rf_findings *findings,
                                           struct rf_error *error);
void rf_findings_release(struct rf_findings *findings); /* twice is fine */

#endif
