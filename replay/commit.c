#include "replay/commit.h"

#include <inttypes.h>

/* *moved: the ledger stands at `to`. */
static enum rf_code look(struct rf_run *run, const struct rf_target *target,
                         const struct rf_snapshot_name *to, struct rf_pg **pg, bool *moved,
                         struct rf_error *error) {
    enum rf_code code = rf_pg_open(run, RF_PG_CONTROL, pg, error);
    if (code == RF_OK) {
        code = rf_ledger_lock(run, *pg, target, error);
    }
    struct rf_ledger_source source = {.state = RF_TARGET_NONE};
    if (code == RF_OK) {
        code = rf_ledger_source(*pg, target, false, &source, error);
    }
    *moved = source.state == RF_TARGET_READY && source.at.number == to->number &&
             rf_hash_equal(source.at.digest, to->digest);
    return code;
}

enum rf_code rf_commit_move(struct rf_run *run, struct rf_pg **pg, const struct rf_target *target,
                            const struct rf_snapshot_name *to, struct rf_error *error) {
    enum rf_code code = rf_pg_commit(*pg, error);
    if (code != RF_CONNECT || !rf_pg_broken(*pg)) {
        return code;
    }
    struct rf_pg *again = NULL;
    struct rf_error late;
    bool moved = false;
    rf_error_clear(&late);
    if (look(run, target, to, &again, &moved, &late) != RF_OK) {
        rf_detail(error, "whether snapshot %" PRIu64 " was committed is not known: %s", to->number,
                  late.what);
        rf_hint(error,
                "run the same command again: it looks at the ledger and goes on from there.");
    } else if (!moved) {
        rf_detail(error, "snapshot %" PRIu64 " was not committed; nothing of it was applied",
                  to->number);
    } else {
        rf_run_note(run,
                    "the connection broke during the commit of snapshot %" PRIu64
                    "; the ledger shows that it was committed",
                    to->number);
        rf_error_clear(error);
        rf_pg_close(*pg);
        *pg = again;
        return RF_OK;
    }
    rf_pg_close(again);
    return code;
}
