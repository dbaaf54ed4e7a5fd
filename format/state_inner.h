/* What a scan sees of a state. Inner header of format/. */
#ifndef RF_FORMAT_STATE_INNER_H
#define RF_FORMAT_STATE_INNER_H

#include "format/state.h"

struct rf_state {
    uint32_t count;
    struct rf_archive **archives; /* a full one, then deltas */
    const struct rf_table *table; /* of the first archive's header */
    bool moves;                   /* some delta renumbers rows */
};

#endif
