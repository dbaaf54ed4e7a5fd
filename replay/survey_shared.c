#include "replay/survey_shared.h"

#include <pthread.h>
#include <stdatomic.h>

#define PARTS_WORTH 8u /* a thread is made for so many parts at the least */

struct share {
    struct rf_run *run;
    struct rf_state *state;
    uint32_t first_part, part_count;
    struct rf_survey survey;
    atomic_bool *ended; /* one share failed, or knows enough for all */
    uint64_t done;
    enum rf_code code;
    struct rf_error error;
    pthread_t thread;
    bool started;
};

unsigned rf_survey_shares(const struct rf_survey *survey, const struct rf_run *run,
                          const struct rf_state *state) {
    for (const struct rf_survey_question *at = survey->first; at; at = at->next) {
        if (at->kind == RF_SURVEY_FIT) {
            return 1;
        }
    }
    uint32_t most = rf_state_parts(state) / PARTS_WORTH;
    uint32_t shares = run->options->jobs < most ? run->options->jobs : most;
    return shares > 1 ? shares : 1;
}

static enum rf_code read_part(struct share *share, struct rf_scan *scan, struct rf_error *error) {
    const struct rf_manifest_table *source = share->survey.source;
    enum rf_code code = RF_OK;
    while (code == RF_OK && !atomic_load(share->ended)) {
        struct rf_span span;
        code = rf_run_check(share->run, error);
        if (code == RF_OK) {
            code = rf_scan_next(scan, &span, error);
        }
        if (code != RF_OK || span.count == 0) {
            break;
        }
        rf_survey_rows(&share->survey, span.rows, span.first, span.count, span.shift);
        share->done += span.count;
        rf_run_advance(share->run, source->table.name, span.count);
        if (rf_survey_settled(&share->survey)) {
            atomic_store(share->ended, true);
        }
    }
    return code;
}

static void *share_main(void *argument) {
    struct share *share = argument;
    struct rf_scan *scan = NULL;
    share->code =
        rf_scan_new(share->state, share->first_part, share->part_count, &scan, &share->error);
    if (share->code == RF_OK) {
        share->code = read_part(share, scan, &share->error);
    }
    if (share->code != RF_OK) {
        atomic_store(share->ended, true);
    }
    rf_scan_free(scan);
    return NULL;
}

/* The same questions once more, in the same order. The arena is shared: to answer them takes none of
 * it, as only examples would. */
static void copy_questions(const struct rf_survey *survey, struct rf_survey *copy) {
    rf_survey_init(copy, survey->source, survey->arena);
    struct rf_survey_question **link = &copy->first;
    for (const struct rf_survey_question *at = survey->first; at; at = at->next) {
        struct rf_survey_question *question = rf_arena_take(survey->arena, 1, sizeof *question);
        if (!question) {
            return;
        }
        *question = *at;
        question->next = NULL;
        *link = question;
        link = &question->next;
    }
}

static void join_answers(struct rf_survey *survey, const struct rf_survey *share) {
    const struct rf_survey_question *from = share->first;
    for (struct rf_survey_question *to = survey->first; to; to = to->next, from = from->next) {
        rf_instant_evidence_join(&to->instants, &from->instants);
        rf_decimal_evidence_join(&to->decimals, &from->decimals);
    }
}

static void start_and_join(struct share *shares, unsigned count) {
    for (unsigned i = 1; i < count; i++) {
        shares[i].started = pthread_create(&shares[i].thread, NULL, share_main, &shares[i]) == 0;
    }
    share_main(&shares[0]);
    for (unsigned i = 1; i < count; i++) {
        if (shares[i].started) {
            pthread_join(shares[i].thread, NULL);
        } else {
            share_main(&shares[i]); /* without a thread it takes longer, and that is all */
        }
    }
}

enum rf_code rf_survey_run_shared(struct rf_survey *survey, struct rf_run *run,
                                  struct rf_state *state, unsigned count, uint64_t *done,
                                  struct rf_error *error) {
    struct share *shares = rf_arena_take(survey->arena, count, sizeof *shares);
    atomic_bool ended = false;
    uint64_t parts = rf_state_parts(state);
    for (unsigned i = 0; shares && i < count; i++) {
        uint32_t first = (uint32_t)(parts * i / count);
        shares[i] = (struct share){
            .run = run,
            .state = state,
            .first_part = first,
            .part_count = (uint32_t)(parts * (i + 1) / count) - first,
            .ended = &ended,
        };
        copy_questions(survey, &shares[i].survey);
    }
    enum rf_code code = rf_arena_check(survey->arena, error);
    if (code != RF_OK) {
        return code;
    }
    start_and_join(shares, count);
    for (unsigned i = 0; i < count; i++) {
        *done += shares[i].done;
        if (code == RF_OK && shares[i].code != RF_OK) {
            code = shares[i].code;
            *error = shares[i].error;
        }
        join_answers(survey, &shares[i].survey);
    }
    return code;
}
