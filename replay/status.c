/* What a target's ledger says, without touching anything. */
#include <stdio.h>
#include <string.h>

#include "replay/aside.h"
#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/replay.h"
#include "replay/run.h"

static int hex_digit(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* A uuid as the server prints it: 32 lower-case hexadecimal digits with dashes between them. */
static void parse_uuid(const char *text, uint8_t id[RF_SOURCE_ID_SIZE]) {
    size_t digits = 0;
    for (const char *at = text; *at && digits < (size_t)2 * RF_SOURCE_ID_SIZE; at++) {
        if (*at != '-') {
            uint8_t digit = (uint8_t)hex_digit(*at);
            id[digits / 2] = (uint8_t)(digits % 2 ? id[digits / 2] | digit : digit << 4);
            digits++;
        }
    }
}

static enum rf_code read_status(struct rf_run *run, struct rf_pg *pg,
                                struct rf_target_status *status, struct rf_error *error) {
    struct rf_target target = {.schema = run->options->schema};
    struct rf_ledger_source source;
    bool found = false;
    enum rf_code code = rf_ledger_find(pg, &found, error);
    if (code == RF_OK && found) {
        code = rf_ledger_source(pg, &target, false, &source, error);
    }
    if (code != RF_OK || !found || source.state == RF_TARGET_NONE) {
        return code;
    }
    status->state = source.state;
    status->snapshot = source.at.number;
    status->digest = source.at.digest;
    memcpy(status->updated, source.updated, sizeof status->updated);
    memcpy(target.source, source.source, sizeof target.source);
    parse_uuid(source.source, status->source);
    return rf_aside_count(pg, &target, NULL, &status->set_aside, error);
}

enum rf_code rf_target_status(const struct rf_target_options *options,
                              struct rf_target_status *status, struct rf_error *error) {
    *status = (struct rf_target_status){.state = RF_TARGET_NONE};
    struct rf_run run;
    struct rf_pg *pg = NULL;
    rf_run_init(&run, options, NULL);
    enum rf_code code = rf_pg_open(&run, RF_PG_READER, &pg, error);
    if (code == RF_OK) {
        code = read_status(&run, pg, status, error);
    }
    rf_pg_close(pg);
    rf_run_release(&run);
    return code;
}
