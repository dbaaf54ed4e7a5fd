/* The task of one run of a command: what it is given, where it prints, what it leaves for the end.
 *
 * A command returns RF_OK when it came to its end. It prints its data as it goes (tables for
 * people, or JSON lines) and adds members to `summary`; rf_task_end tells errors, prints the
 * summary line and chooses the exit code, in the same way for every command and every failure. */
#ifndef RF_TOOLS_TASK_H
#define RF_TOOLS_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "format/error.h"
#include "format/repository.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/place.h"
#include "tools/progress.h"
#include "tools/settings.h"
#include "tools/trust.h"

struct rf_task {
    const struct rf_command *command;
    const char *operand; /* NULL for none */
    const char *second_operand; /* likewise */
    const struct rf_settings *settings;
    const struct rf_database *database; /* of several, the one at hand (stores.h); may be NULL */
    struct rf_output *output;
    struct rf_progress *progress; /* may be NULL */
    const atomic_int *stop;
    struct rf_keys keys;      /* of settings, read before the command runs */
    struct rf_growth *growth; /* who loads what is being captured; NULL: nobody */
    struct rf_json written;   /* tables that others have written to; empty until there is one */
    struct rf_json summary;   /* members of the command, between "exit" and "seconds" */
    bool set_aside;           /* rows stand set aside */
    struct timespec began;
};

void rf_task_begin(struct rf_task *task);
/* `code` and `error` are what the command returned. Returns the exit code; frees what rf_task_begin
 * made. */
int rf_task_end(struct rf_task *task, enum rf_code code, const struct rf_error *error);

/* The last line of --json. `members` (NULL for none) is taken over, `error` is NULL in a
 * success. */
void rf_summary_print(struct rf_output *output, const char *command, int exit_code,
                      struct rf_json *members, const struct rf_error *error, double seconds);

double rf_seconds_since(const struct timespec *began);

/* Tables and sentences are wanted: neither JSON nor silence. */
static inline bool rf_task_for_people(const struct rf_task *task) {
    return !task->settings->json && !task->settings->quiet;
}
/* RF_INTERRUPTED once a signal came. */
RF_MUST_USE enum rf_code rf_task_check_stop(const struct rf_task *task, struct rf_error *error);

/* Callbacks for capture and replay; the context is the task. */
void rf_task_on_progress(void *context, const char *table, uint64_t done, uint64_t expected);
void rf_task_on_note(void *context, const char *message);
struct rf_written;
void rf_task_on_written(void *context, const struct rf_written *written);

/* "3f9c0a12be77": the first 12 digits of a digest, for people. */
#define RF_SHORT_DIGEST 13
const char *rf_short_digest(struct rf_hash digest, char text[RF_SHORT_DIGEST]);

/* The two halves of a trip, which sync has in common with capture and replay. They print their data
 * and put their members into `summary`. */
struct rf_capture_result;
struct rf_replay_result;
/* The result is the caller's, to be released whatever came of it. */
RF_MUST_USE enum rf_code rf_trip_capture(struct rf_task *task, const struct rf_place *place,
                                         struct rf_json *summary, struct rf_capture_result *result,
                                         struct rf_error *error);
RF_MUST_USE enum rf_code rf_trip_replay(struct rf_task *task, struct rf_repository *repository,
                                        const struct rf_snapshot_name *snapshot,
                                        struct rf_json *summary, struct rf_error *error);

/* The same for every database of the target. */
RF_MUST_USE enum rf_code rf_trip_replay_all(struct rf_task *task, struct rf_repository *repository,
                                            const struct rf_snapshot_name *snapshot,
                                            struct rf_json *summary, struct rf_error *error);

/* What that prints of a replay that was done already. */
void rf_trip_tell_replay(struct rf_task *task, const struct rf_repository *repository,
                         const struct rf_snapshot_name *snapshot,
                         const struct rf_replay_result *result, double seconds,
                         struct rf_json *summary);

/* The proof that verify gives, of the repository and of all databases of the target, which have to
 * stand at that snapshot. RF_CORRUPT, RF_DIFFERENT. */
struct rf_trip_proof {
    uint64_t tables;    /* compared */
    uint64_t rows;      /* in the target */
    uint64_t set_aside; /* not there, but in rowferry.set_aside */
};
RF_MUST_USE enum rf_code rf_trip_verify(struct rf_task *task, struct rf_repository *repository,
                                        const struct rf_snapshot_name *snapshot,
                                        struct rf_json *summary, struct rf_trip_proof *proven,
                                        struct rf_error *error);

struct rf_target_options;
/* Everything but the callbacks' use: settings, stop flag, progress and notes. */
void rf_task_target_options(struct rf_task *task, struct rf_target_options *options);

#endif
