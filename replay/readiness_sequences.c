/* Whether the sequences that rules name are there, may be set, and have queries that answer: a replay
 * finds that out before its first load too, but somebody who only checks wants to know as well. */
#include "replay/readiness_inner.h"

#include "replay/sequence.h"

enum rf_code rf_readiness_sequences(struct rf_readying *readying, struct rf_error *error) {
    const struct rf_rules *rules = readying->run.options->rules;
    if (rules->sequence_count == 0 || !rules->existing || !readying->question->rehearsal) {
        return RF_OK;
    }
    enum rf_code code = rf_sequences_check(&readying->run, readying->pg, &readying->target, error);
    if (code == RF_OK) {
        rf_find(readying->findings, RF_FINDING_OK, "sequences", "%u that rules name can be set",
                rules->sequence_count);
        return RF_OK;
    }
    if (code == RF_INTERRUPTED || code == RF_NO_MEMORY || rf_pg_broken(readying->pg)) {
        return code;
    }
    struct rf_finding *finding =
        rf_find(readying->findings, RF_FINDING_STOP, "sequences", "%s%s%s", error->what,
                *error->detail       ? ": "
                : *error->context[0] ? ", "
                                     : "",
                *error->detail ? error->detail : error->context[0]);
    rf_finding_hint(finding, "%s", error->hint);
    if (finding) {
        finding->code = code;
    }
    rf_error_clear(error);
    return RF_OK;
}
