/* Which PostgreSQL type a column gets: decided once, when its table is made, and anew only where
 * the type no longer holds what the column holds.
 *
 * The choice rests on four things, in this order: what the rules ask for; the declared type, by
 * SQLite's rules of affinity; the census; and the rows themselves where these three leave it open
 * or where rows are to be named. So it has two halves with a survey between them:
 *
 *     for every column:  fill in the upper part of the struct, rf_mapping_begin
 *     for the table:     rf_survey_run
 *     for every column:  rf_mapping_end
 *
 * With the policy widen no value is lost to a type: where the type asked for or declared does not
 * hold all values, the narrowest that does is taken and the column counts as forced. With another
 * policy the type stands, and the values that do not fit go the policy's way. */
#ifndef RF_REPLAY_MAPPING_H
#define RF_REPLAY_MAPPING_H

#include <stdbool.h>

#include "format/error.h"
#include "format/manifest.h"
#include "format/table.h"
#include "replay/arena.h"
#include "replay/conversion.h"
#include "replay/rules.h"
#include "replay/survey.h"

struct rf_mapping {
    const struct rf_table *table;
    uint32_t column;
    const struct rf_census *census;
    const char *asked;            /* the spec that a rule asks for; NULL: none does */
    enum rf_mismatch on_mismatch; /* neither is DEFAULT */
    enum rf_bad_text bad_text;
    /* The column is part of a key or of a unique index: its values should stay distinct, and they
     * are never mended into each other. */
    bool distinct;
    const struct rf_conversion *standing; /* kept where it holds all values; NULL: there is none */

    /* The choice. */
    const struct rf_conversion *conversion;
    const char *reason; /* a phrase for people and the ledger: "declared REAL" */
    bool forced;        /* by rows that did not fit what was asked for or declared */

    /* From the first half to the second. */
    struct rf_census judged; /* without what is no matter of the type */
    const struct rf_conversion *wanted;
    enum rf_verdict verdict; /* whether wanted holds all */
    enum rf_mend mend;       /* of text */
    bool mend_refused;       /* one was asked for that would not keep values distinct */
    struct rf_instant_evidence instants;
    struct rf_decimal_evidence decimals;
    const struct rf_survey_question *instants_asked, *decimals_asked;
    const struct rf_survey_question *wanted_fit, *numeric_fit, *apart_fit, *standing_fit;
};

/* RF_USAGE: the rules ask for a type that there is not. */
RF_MUST_USE enum rf_code rf_mapping_begin(struct rf_mapping *mapping, struct rf_survey *survey,
                                          struct rf_error *error);
RF_MUST_USE enum rf_code rf_mapping_end(struct rf_mapping *mapping, struct rf_arena *arena,
                                        struct rf_error *error);

/* Whether the type holds all values that the census counts, but for text with NUL or invalid UTF-8,
 * which only counts where `bad_text` makes the column bytea, and for values of more than a field
 * holds. */
enum rf_verdict rf_mapping_holds(const struct rf_conversion *conversion,
                                 const struct rf_census *census, enum rf_bad_text bad_text);

#endif
