/* Inner to guard*.c. */
#ifndef RF_REPLAY_GUARD_INNER_H
#define RF_REPLAY_GUARD_INNER_H

#include "replay/guard.h"

/* One look, in a transaction with a fixed snapshot. */
struct rf_guard_look {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    struct rf_arena arena;
    uint64_t horizon;     /* the one that is known, */
    uint64_t oldest;      /* the one that this look leads to, */
    uint64_t next;        /* and the first transaction that it cannot have seen */
    bool sound;           /* the horizon means something here */
    bool quiet;           /* only rowferry has written since */
    struct rf_buffer own; /* rowferry's transactions since, as a list of SQL's */
    uint32_t count;
    struct rf_guard_table *tables;
    uint32_t suspect_count;
    struct rf_guard_table **suspects; /* after the scan: those to be compared */
};

/* SQL: whether the xmin that `column` names is of a transaction since the horizon that is not
 * rowferry's. */
void rf_guard_others(const struct rf_guard_look *look, const char *column, struct rf_buffer *sql);
/* Fills in all about the suspects behind `differs`, which is false for those that are equal after
 * all. */
RF_MUST_USE enum rf_code rf_guard_compare(struct rf_guard_look *look, struct rf_error *error);

#endif
