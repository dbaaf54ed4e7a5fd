/* What the parts of rf_readiness_look share. Inner to readiness*.c. */
#ifndef RF_REPLAY_READINESS_INNER_H
#define RF_REPLAY_READINESS_INNER_H

#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/readiness.h"
#include "replay/run.h"

struct rf_readying {
    const struct rf_readiness_question *question;
    struct rf_findings *findings;
    struct rf_run run;
    struct rf_target target;
    struct rf_pg *pg;
    bool first;
    bool untouched;    /* … and it did not even begin */
    bool near;         /* the server runs on this machine */
    uint64_t memory;   /* of that machine; 0: not known */
    uint64_t size;     /* of the database now */
    uint64_t expected; /* of the database after the run, as far as known */
    char folder[1024]; /* where its files lie; "": the server does not say */
    char database[200], role[200];
};

/* Each in a read-only transaction of its own. */
RF_MUST_USE enum rf_code rf_readiness_requirements(struct rf_readying *readying,
                                                   struct rf_error *error);
RF_MUST_USE enum rf_code rf_readiness_sequences(struct rf_readying *readying,
                                                struct rf_error *error);
RF_MUST_USE enum rf_code rf_readiness_settings(struct rf_readying *readying,
                                               struct rf_error *error);
void rf_readiness_room(struct rf_readying *readying);

/* "128MB", as the server's settings are written: the largest unit that loses nothing. */
#define RF_READINESS_SIZE 32
const char *rf_readiness_size(uint64_t bytes, char text[RF_READINESS_SIZE]);

#endif
