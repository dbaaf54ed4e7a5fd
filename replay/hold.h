/* Keeping tables of an application from doing things of their own while rowferry writes them:
 * triggers and rules that would fire, foreign keys that would refuse a row whose parent comes
 * later, or delete the children of a row that is only put in anew; and, around a first load,
 * indexes and constraints that cost less to build at the end.
 *
 * What is held off how:
 *
 *   the role may set session_replication_role   it is set for the transaction (a first load: for
 *                                               each connection); no trigger, rule or foreign key
 *                                               acts, but for those enabled as ALWAYS or REPLICA.
 *                                               Foreign keys are checked by a query at the end.
 *   the role owns the table                     triggers and rules are disabled, foreign keys
 *                                               dropped and added again, which checks them.
 *   neither, one transaction                    deferrable foreign keys are deferred.
 *
 * A deferrable unique constraint is kept by triggers of the server, which are off as well then: it
 * is looked at in the end, and rows that are alike are an error.
 *
 * What else would act is refused before anything is written, with what to grant. Whatever is
 * dropped or disabled stands in rowferry.put_aside, written by the transaction that drops it, and
 * goes from there in the transaction that puts it back: whenever a run dies, the next one finds
 * what is still to be put back. A foreign key that rows do not keep to comes back NOT VALID, with a
 * warning: the rows are the source's. */
#ifndef RF_REPLAY_HOLD_H
#define RF_REPLAY_HOLD_H

#include "replay/catalog.h"
#include "replay/connection.h"
#include "replay/ledger.h"
#include "replay/run.h"
#include "replay/troubles.h"

struct rf_hold {
    struct rf_run *run;
    struct rf_pg *pg;
    const struct rf_target *target;
    const struct rf_catalog *catalog; /* of the target's schema, as it stands */
    uint32_t count;
    const char **tables; /* that are written, by their names in the target; rf_hold_sort */
    bool first_load;     /* foreign keys are rather dropped, as what they refer to is */
    bool across;         /* … transactions and connections */
};

/* Puts hold->tables in order. Before anything else. */
void rf_hold_sort(struct rf_hold *hold);

/* What cannot be held off. */
void rf_hold_check(const struct rf_hold *hold, struct rf_troubles *troubles);

/* Holds everything off, in the caller's transaction. */
RF_MUST_USE enum rf_code rf_hold_begin(const struct rf_hold *hold, struct rf_error *error);
/* Puts the indexes and constraints of one of the tables aside, so far as nothing depends on them.
 * After rf_hold_begin, in the same transaction. */
RF_MUST_USE enum rf_code rf_hold_indexes(const struct rf_hold *hold,
                                         const struct rf_catalog_table *table,
                                         struct rf_error *error);
/* Lets a connection of its own write the tables: for as long as it lasts, or (`local`) the
 * transaction. `replica` is catalog->may_be_replica. */
RF_MUST_USE enum rf_code rf_hold_session(struct rf_pg *pg, bool replica, bool local,
                                         struct rf_error *error);
/* Whether rf_hold_begin drops the foreign key. */
bool rf_hold_drops(const struct rf_hold *hold, const struct rf_catalog_foreign_key *key);

/* What stands in rowferry.put_aside. */
struct rf_put_aside {
    uint64_t number;
    const char *relation; /* indexes and constraints: its name; the others: quoted, with its schema
                           */
    const char *kind;     /* "index", "constraint", "foreign key", "trigger", "rule" */
    const char *name;
    const char *definition;
};
struct rf_put_asides {
    struct rf_arena arena;
    uint32_t count;
    struct rf_put_aside *lines;
};
RF_MUST_USE enum rf_code rf_put_asides_read(struct rf_pg *pg, const struct rf_target *target,
                                            struct rf_put_asides *asides, struct rf_error *error);
void rf_put_asides_release(struct rf_put_asides *asides);
bool rf_put_aside_is_index(const struct rf_put_aside *aside); /* or constraint */
/* Puts it back, in the caller's transaction, where no other has. */
RF_MUST_USE enum rf_code rf_put_aside_restore(struct rf_run *run, struct rf_pg *pg,
                                              const struct rf_target *target,
                                              const struct rf_put_aside *aside,
                                              struct rf_error *error);
/* All that is left, in the order in which it has to be. */
RF_MUST_USE enum rf_code rf_put_asides_restore(struct rf_run *run, struct rf_pg *pg,
                                               const struct rf_target *target,
                                               struct rf_error *error);

/* Puts everything back and looks at the foreign keys that nobody checked; the last thing in the
 * transaction that is about the tables. `hold->catalog` is as it was when the holding began, or
 * (`across`) as it is now. */
RF_MUST_USE enum rf_code rf_hold_end(const struct rf_hold *hold, struct rf_error *error);

#endif
