/* What is worth knowing of a source before a run: findings about the file, how many bytes its
 * tables take, and answers to questions that the user wrote down.
 *
 * The source is opened as for a capture (source.h), and closed again; nothing is read of it but its
 * header, its schema and what the questions ask. One thread. */
#ifndef RF_CAPTURE_FACTS_H
#define RF_CAPTURE_FACTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "format/answer.h"
#include "format/error.h"
#include "format/finding.h"

struct rf_facts_options {
    const char *database;
    int busy_timeout_ms;
    const atomic_int *stop; /* not NULL */
    uint32_t question_count;
    const char *const *questions; /* SQL of SQLite, one statement each; NULL: not to be asked */
};

struct rf_facts {
    uint64_t bytes;            /* of all pages in use, those in the WAL included */
    struct rf_answer *answers; /* question_count of them */
    uint32_t answer_count;
};
void rf_facts_release(struct rf_facts *facts); /* twice is fine */

/* Fails where a capture would fail to open the source. Findings are about the file alone: what
 * became of the questions is the answers' to say. */
RF_MUST_USE enum rf_code rf_facts_read(const struct rf_facts_options *options,
                                       struct rf_findings *findings, struct rf_facts *facts,
                                       struct rf_error *error);

#endif
