/* The sequences of a target, and what each has to pass. Inner to sequence*.c. */
#ifndef RF_REPLAY_SEQUENCE_FIND_H
#define RF_REPLAY_SEQUENCE_FIND_H

#include "format/manifest.h"
#include "replay/arena.h"
#include "replay/ledger.h"
#include "replay/run.h"
#include "replay/sequence_reach.h"

struct rf_sequence_column {
    const char *schema, *table, *column;
};

struct rf_sequence_entry {
    uint64_t oid;
    const char *schema, *name;
    bool here;  /* in the target's schema, where rules name it */
    bool ruled; /* by one rule, or several */
    bool may_set;
    bool reached; /* there is something to pass: */
    int64_t passed;
    bool beyond; /* … a column has a number that no bigint can hold */
    struct rf_sequence_state state;
    bool measured;         /* state.last and state.called are known */
    uint32_t column_count; /* that take their numbers from it */
    struct rf_sequence_column *columns;
};

struct rf_sequence_list {
    struct rf_arena arena;
    uint32_t count;
    struct rf_sequence_entry *entries; /* by their oids; only those that have something to pass */
};

/* `manifest` NULL: before anything was loaded, when there is no ledger either. Then only the rules'
 * sequences are listed, and no columns. RF_MISPLACED, RF_CONNECT: one that a rule names is not there,
 * or may not be set. */
RF_MUST_USE enum rf_code rf_sequence_find(struct rf_run *run, struct rf_pg *pg,
                                          const struct rf_target *target,
                                          const struct rf_manifest *manifest,
                                          struct rf_sequence_list *list, struct rf_error *error);
void rf_sequence_list_release(struct rf_sequence_list *list);

/* One more number to pass. */
void rf_sequence_pass(struct rf_sequence_entry *entry, int64_t number);

#endif
