/* One fit of a table under way. Inner to fit.c and computed_fit.c. */
#ifndef RF_REPLAY_FIT_INNER_H
#define RF_REPLAY_FIT_INNER_H

#include "replay/computed.h"
#include "replay/fit.h"

struct rf_fit {
    const struct rf_fit_question *question;
    const struct rf_catalog_table *to;
    struct rf_arena *arena;
    struct rf_plan *plan;
    struct rf_troubles *troubles;
    bool *written;   /* by number in to->columns */
    uint32_t *place; /* by number in the source: 1 + that in the plan, 0: not carried */
    struct rf_plan_computed *computed; /* NULL: rows go in as they are */
    bool *valued;                      /* … by number in to->columns: a value fills it */
    struct rf_plan_target *values;     /* … in the order of the rules */
    uint32_t value_count;
};

/* fit.c. Names for statements to copy. */
const char *rf_fit_qualified(struct rf_fit *fit);
const char *rf_fit_quoted(struct rf_fit *fit, const char *name);
const char *rf_fit_table_name(const struct rf_fit *fit);
void rf_fit_tell_missing(struct rf_fit *fit, const struct rf_column *from,
                         const struct rf_column_settings *settings);
/* The source's column has no place in the plan. */
void rf_fit_exclude(struct rf_fit *fit, const struct rf_column *from);
/* It goes into that column of the target. */
RF_MUST_USE enum rf_code rf_fit_carry(struct rf_fit *fit, uint32_t number,
                                      const struct rf_catalog_column *to,
                                      const struct rf_column_settings *settings,
                                      struct rf_error *error);
/* `place` as in fit->place. */
void rf_fit_add_key_part(struct rf_fit *fit, uint32_t place);
/* The key that a rule gives: rows are told apart by it. */
void rf_fit_take_key(struct rf_fit *fit, const char *const *key);

/* computed_fit.c, in this order: what fills the target beside the source's columns; each of these;
 * the whole; and a key. */
RF_MUST_USE enum rf_code rf_fit_begin_computed(struct rf_fit *fit, struct rf_error *error);
RF_MUST_USE enum rf_code rf_fit_match_computed(struct rf_fit *fit, uint32_t number,
                                               const struct rf_column_settings *settings,
                                               struct rf_error *error);
void rf_fit_end_computed(struct rf_fit *fit);
void rf_fit_find_computed_key(struct rf_fit *fit);
/* Whether what stands at that place goes into the target as it is. */
bool rf_fit_is_plain(const struct rf_fit *fit, uint32_t place);

/* Whether the rules have the server compute the table's rows. */
bool rf_computed_wanted(const struct rf_rules *rules, const char *table);
/* rf_fit_outdated, for a plan that is computed. */
bool rf_computed_outdated(const struct rf_plan *plan, const struct rf_manifest_table *source,
                          const struct rf_catalog_table *standing, struct rf_arena *arena);

#endif
