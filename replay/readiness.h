/* Whether a target is ready for a run, found out before anything is written: what kind of server and
 * database it is, whether there is room, what the rules require of it, and which of its settings
 * are worth a thought.
 *
 * It is only read, on a connection of its own that is closed again. What is found becomes findings;
 * a stop among them is what the run ends with. One thread. */
#ifndef RF_REPLAY_READINESS_H
#define RF_REPLAY_READINESS_H

#include <stdbool.h>
#include <stdint.h>

#include "format/answer.h"
#include "format/error.h"
#include "format/finding.h"
#include "replay/replay.h"

struct rf_readiness_question {
    const struct rf_target_options *options; /* of its callbacks none is called */
    bool looked;           /* rf_check_look told of server, encoding and rights already */
    bool rehearsal;        /* what holds for a last trip only is told as well, as a warning */
    uint64_t source_bytes; /* of the source's tables; 0: not known */
    const struct rf_answer
        *answers; /* of the source, one for each of the rules' requirements; NULL:
                                        the source is not at hand */
};

/* *first: nothing was carried to this target to the end yet. RF_CONNECT where there is no
 * connection; a server that cannot be a target is a finding. */
RF_MUST_USE enum rf_code rf_readiness_look(const struct rf_readiness_question *question,
                                           struct rf_findings *findings, bool *first,
                                           struct rf_error *error);

/* What a database is expected to take on the server's disk for so many bytes of a source. */
uint64_t rf_readiness_bytes(uint64_t source_bytes);

#endif
