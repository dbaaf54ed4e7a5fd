/* A pass over a table's archived rows that answers what a census cannot: whether a column's values
 * prove an encoding of dates or a kind of decimals, which values do not fit a conversion, and in
 * which rows they are.
 *
 *     struct rf_survey survey;
 *     rf_survey_init(&survey, source, arena);
 *     question = rf_survey_ask(&survey, …) again and again;
 *     rf_survey_run(&survey, run, error);      nothing is read where nothing was asked
 *     the answers are in the questions
 *
 * All questions about a table are answered in one pass, which ends early once each of them is
 * settled. Memory: one decoded block an archive and thread, and the few examples kept. One thread a
 * survey; a large table is read by several within rf_survey_run, as the run's jobs say. */
#ifndef RF_REPLAY_SURVEY_H
#define RF_REPLAY_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "format/block.h"
#include "format/error.h"
#include "format/manifest.h"
#include "replay/arena.h"
#include "replay/conversion.h"
#include "replay/evidence.h"
#include "replay/plan.h"
#include "replay/run.h"

#define RF_SURVEY_EXAMPLES 3u

/* A value that does not fit; what people are shown of it. */
struct rf_survey_example {
    const char *key;   /* of the row, as rf_json_key, cut where it is long */
    const char *value; /* 12, 1.5, 'text', x'00ff', NULL; cut where it is long. Text that
                          is not UTF-8: text x'00ff' */
    enum rf_class class;
    const char *reason;
};

enum rf_survey_kind {
    RF_SURVEY_INSTANTS, /* question->instants */
    RF_SURVEY_DECIMALS, /* question->decimals */
    RF_SURVEY_FIT,      /* question->misfits and examples */
};

struct rf_survey_question {
    enum rf_survey_kind kind;
    uint32_t cell;                          /* the column's number in the source's table */
    const struct rf_conversion *conversion; /* of FIT */
    uint64_t enough; /* FIT: as many misfits need be found; more may be there */
    struct rf_instant_evidence instants;
    struct rf_decimal_evidence decimals;
    uint64_t misfits;
    uint32_t example_count;
    struct rf_survey_example examples[RF_SURVEY_EXAMPLES]; /* the first */
    struct rf_survey_question *next;
};

struct rf_survey {
    const struct rf_manifest_table *source;
    struct rf_arena *arena; /* questions and examples */
    struct rf_survey_question *first;
};

void rf_survey_init(struct rf_survey *survey, const struct rf_manifest_table *source,
                    struct rf_arena *arena);
/* NULL for want of memory, which shows in the arena. `enough` is UINT64_MAX where all misfits are to
 * be counted. Text with NUL or invalid UTF-8 and values beyond what a field holds are no misfits
 * here: what is done about them is no matter of the type. */
struct rf_survey_question *rf_survey_ask(struct rf_survey *survey, enum rf_survey_kind kind,
                                         uint32_t cell, const struct rf_conversion *conversion,
                                         uint64_t enough);
RF_MUST_USE enum rf_code rf_survey_run(struct rf_survey *survey, struct rf_run *run,
                                       struct rf_error *error);

/* The same a block at a time, for who has the rows at hand: rows [first, first + count), whose
 * rowids are `shift` off. */
void rf_survey_rows(struct rf_survey *survey, const struct rf_rows *rows, uint32_t first,
                    uint32_t count, int64_t shift);
bool rf_survey_settled(const struct rf_survey *survey);

/* A value that a plan would set its row aside for, or alter. */
struct rf_survey_finding {
    const char *key;    /* as rf_json_key, whole */
    const char *column; /* in the source */
    const char *value;  /* as in the examples */
    enum rf_class class;
    const char *reason;
    bool altered; /* the row goes in, with another value */
};

struct rf_survey_counts {
    uint64_t rows;
    uint64_t set_aside; /* rows */
    uint64_t altered;   /* rows */
};

/* Every row of the table goes through the plan's encoder as replay would put it. `found` (may be
 * NULL) is called for every value in the order of the rows; what it is shown is valid until it
 * returns. */
RF_MUST_USE enum rf_code rf_survey_plan(
    struct rf_run *run, const struct rf_manifest_table *source, const struct rf_plan *plan,
    void (*found)(void *context, const struct rf_survey_finding *finding), void *context,
    struct rf_survey_counts *counts, struct rf_error *error);

#endif
