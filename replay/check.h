/* What a replay would do, told before anything is done: the plan of every table, the values that
 * would not go into it as they are, and whether the target is ready.
 *
 *     rf_check_new, rf_check_look (with a target), rf_check_plan, then what it found: findings,
 *     tables, rows; rf_check_free
 *
 * The plan is made by the code that a first load makes it by, from a snapshot in a repository and
 * from what stands in the target, so the two cannot disagree while source and target stay as they
 * are. The target is read in one read-only transaction that ends with rf_check_look; nothing is
 * written to it, not even a lock is taken. One thread. What the functions hand out is valid until
 * rf_check_free. */
#ifndef RF_REPLAY_CHECK_H
#define RF_REPLAY_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/manifest.h"
#include "format/repository.h"
#include "replay/plan.h"
#include "replay/replay.h"
#include "replay/survey.h"

enum rf_check_level {
    RF_CHECK_OK,
    RF_CHECK_NOTE,    /* worth knowing, nothing to be done */
    RF_CHECK_WARNING, /* a replay goes, but perhaps not as wished */
    RF_CHECK_ERROR,   /* a replay would refuse, or fail */
};

struct rf_check_finding {
    enum rf_check_level level;
    enum rf_code code;   /* of an error: what a replay would end with */
    const char *subject; /* "server", "encoding", "order of text", "role", "schema", … */
    const char *what;
    const char *detail; /* "" where there is none */
    const char *hint;   /* what to do; "" where there is nothing */
};

/* What a replay would do with a table, its rows aside. */
enum rf_check_step {
    RF_CHECK_MAKE,
    RF_CHECK_FILL,   /* the application made it */
    RF_CHECK_KEEP,   /* it stands, as the ledger says */
    RF_CHECK_ALTER,  /* it stands, and gets another shape around its rows */
    RF_CHECK_REFILL, /* it stands, and is emptied, altered and filled again */
};
const char *rf_check_step_name(enum rf_check_step step); /* "make", "fill", "keep", … */

struct rf_check_table {
    const struct rf_manifest_table *source;
    enum rf_check_step step;
    struct rf_plan plan;
    uint32_t note_count;
    const char **notes; /* what a replay would warn of: names, and the plan's remarks */
};

struct rf_check;
/* The options, and all that they point to, are borrowed. Of the callbacks only `progress` and
 * `note` are called: what would be a warning becomes a note of its table. */
RF_MUST_USE enum rf_code rf_check_new(const struct rf_target_options *options,
                                      struct rf_check **check, struct rf_error *error);
void rf_check_free(struct rf_check *check); /* NULL is fine */

/* Looks at the target. `source` is the id of the source that would feed it, or NULL for one that
 * no repository knows yet. What stands in the way becomes findings; RF_CONNECT, with nothing
 * found, when there is no connection. */
RF_MUST_USE enum rf_code rf_check_look(struct rf_check *check,
                                       const uint8_t source[RF_SOURCE_ID_SIZE],
                                       struct rf_error *error);
/* Plans the tables of a snapshot. The repository stays open as long as the check. */
RF_MUST_USE enum rf_code rf_check_plan(struct rf_check *check,
                                       const struct rf_repository *repository,
                                       const struct rf_snapshot_name *snapshot,
                                       struct rf_error *error);

uint32_t rf_check_finding_count(const struct rf_check *check);
const struct rf_check_finding *rf_check_finding(const struct rf_check *check, uint32_t place);
const char *rf_check_level_name(enum rf_check_level level); /* "ok", "note", "warning", "error" */

const struct rf_manifest *rf_check_manifest(const struct rf_check *check);
uint32_t rf_check_table_count(const struct rf_check *check);
/* In byte order of their names in the source. */
const struct rf_check_table *rf_check_table(const struct rf_check *check, uint32_t place);

/* Whether the index or constraint is in the target after a replay, as far as can be told. One that
 * the server refused when the table was made stays away. */
static inline bool rf_check_carries_index(const struct rf_check_table *table,
                                          const struct rf_plan_index *index) {
    return !index->refusal && (index->stands || table->step != RF_CHECK_KEEP);
}
static inline bool rf_check_carries(const struct rf_check_table *table,
                                    const struct rf_plan_constraint *constraint) {
    return !constraint->refusal && (constraint->stands || table->step != RF_CHECK_KEEP);
}

/* Reads all rows of a table and hands over what does not go in as it is, in the order of the rows;
 * `found` may be NULL. */
RF_MUST_USE enum rf_code rf_check_rows(struct rf_check *check, const struct rf_check_table *table,
                                       void (*found)(void *context,
                                                     const struct rf_survey_finding *finding),
                                       void *context, struct rf_survey_counts *counts,
                                       struct rf_error *error);

/* What would become of such a value. */
enum rf_check_outcome {
    RF_CHECK_SET_ASIDE, /* its whole row is set aside */
    RF_CHECK_ALTERED,   /* its row goes in, with another value in its place */
    RF_CHECK_FAILS,     /* nothing is applied, because its column is to fail then */
};
enum rf_check_outcome rf_check_outcome(const struct rf_check_table *table,
                                       const struct rf_survey_finding *value);
const char *rf_check_outcome_name(enum rf_check_outcome outcome); /* "set aside", … */

/* The statement that a replay would try for a view or trigger of the source, as the rules ask; NULL:
 * it is not made. */
const char *rf_check_object_sql(const struct rf_check *check, const struct rf_object *object);

/* The statements that make the tables which do not stand yet, each ended by ";\n": schema, tables,
 * indexes and constraints, views and triggers, in the order in which a first load makes them. */
void rf_check_ddl(const struct rf_check *check, struct rf_buffer *sql);

#endif
