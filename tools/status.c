/* rowferry status: how far source, repository and target are apart, in snapshots, rows and time. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "replay/replay.h"
#include "tools/history.h"
#include "tools/redact.h"
#include "tools/snapshot.h"
#include "tools/status_source.h"
#include "tools/stores.h"
#include "tools/task.h"
#include "tools/units.h"

/* What is known of the repository, and how far the target is behind. */
struct standing {
    uint32_t snapshots; /* but for the newest ones that came in part: */
    uint32_t in_part;
    struct rf_whole part;            /* the newest of these */
    struct rf_snapshot_facts newest; /* of the newest; its name alone where it cannot be read */
    bool newest_read;
    uint32_t behind;
    bool rows_known;        /* all snapshots after the target's can be read */
    uint64_t rows_behind;   /* rows to be written to the target, changes of changes counted twice */
    int64_t target_time_us; /* of the snapshot that the target stands at; 0: it cannot be read */
};

static void add_snapshot(struct standing *standing, const struct rf_snapshot_facts *facts,
                         bool read, uint64_t stands_at) {
    standing->newest = *facts;
    standing->newest_read = read;
    if (facts->name.number == stands_at && read) {
        standing->target_time_us = facts->time_us;
    }
    if (facts->name.number > stands_at) {
        standing->behind++;
        standing->rows_known = standing->rows_known && read;
        standing->rows_behind += facts->inserted + facts->updated + facts->deleted;
    }
}

/* A copy that is under way, or was cut off, is told of; where nothing can be read it is an error. */
static enum rf_code set_apart(const struct rf_repository *repository, struct standing *standing,
                              struct rf_error *error) {
    struct rf_snapshot_name whole;
    struct rf_error ignored;
    if (rf_whole_newest(repository, &whole, &standing->part, &standing->in_part, &ignored) !=
        RF_OK) {
        standing->in_part = 0; /* the survey says what it is */
        return RF_OK;
    }
    standing->snapshots -= standing->in_part;
    return standing->in_part > 0 && whole.number == 0
               ? rf_whole_refuse(repository, &standing->part, error)
               : RF_OK;
}

/* Sums up the snapshots, and those after `stands_at` by themselves. A manifest that cannot be read
 * is told, the first of them as the error, after the others have been looked at. */
static enum rf_code survey(struct rf_task *task, const struct rf_repository *repository,
                           uint64_t stands_at, struct standing *standing, struct rf_error *error) {
    *standing = (struct standing){.snapshots = rf_repository_count(repository), .rows_known = true};
    enum rf_code first = set_apart(repository, standing, error);
    for (uint32_t place = 0; place < standing->snapshots; place++) {
        struct rf_snapshot_facts facts = {0};
        struct rf_error ignored;
        enum rf_code code = rf_task_check_stop(task, error);
        if (code != RF_OK) {
            return code;
        }
        code = rf_snapshot_facts_load(repository, place, &facts, first == RF_OK ? error : &ignored);
        if (code != RF_OK) {
            facts = (struct rf_snapshot_facts){.name = *rf_repository_snapshot(repository, place)};
            first = first == RF_OK ? code : first;
        }
        add_snapshot(standing, &facts, code == RF_OK, stands_at);
    }
    if (stands_at == 0) {
        standing->rows_behind = standing->newest.rows; /* a first load takes the newest at once */
        standing->rows_known = standing->newest_read || standing->snapshots == 0;
    }
    return first;
}

static uint64_t age_of(const struct rf_snapshot_facts *facts) {
    int64_t now = (int64_t)time(NULL);
    int64_t then = facts->time_us / 1000000;
    return now > then ? (uint64_t)(now - then) : 0;
}

static const char *state_name(enum rf_target_state state) {
    static const char *const names[] = {
        [RF_TARGET_NONE] = "none", [RF_TARGET_LOADING] = "loading", [RF_TARGET_READY] = "ready"};
    return names[state];
}

/* ---- the repository ---- */

static void print_repository_line(struct rf_task *task, const struct rf_repository *repository,
                                  const struct standing *standing) {
    char text[RF_UNITS_TEXT], uuid[RF_UUID_TEXT];
    const struct rf_snapshot_facts *newest = &standing->newest;
    struct rf_json line = rf_json_begin("repository");
    rf_json_text(&line, "path", rf_repository_path(repository));
    rf_json_text(&line, "source", rf_uuid_text(rf_repository_source(repository), uuid));
    rf_json_count(&line, "snapshots", standing->snapshots);
    rf_json_count(&line, "bytes", rf_repository_bytes(repository));
    rf_json_snapshot(&line, "newest", newest->name.number);
    if (standing->snapshots > 0) {
        rf_json_hash(&line, "digest", newest->name.digest);
    }
    if (standing->newest_read) {
        rf_json_text(&line, "time", rf_units_iso8601(newest->time_us, text));
        rf_json_count(&line, "age_seconds", age_of(newest));
        rf_json_count(&line, "rows", newest->rows);
    }
    if (standing->in_part > 0) {
        struct rf_json part = rf_snapshot_part(&standing->part, standing->in_part);
        rf_json_put(&line, "in_part", &part);
    }
    rf_json_print(&line, task->output);
}

static void print_part(struct rf_output *out, const struct standing *standing) {
    char what[RF_WHOLE_TEXT], names[RF_WHOLE_TEXT];
    rf_whole_what(&standing->part, what);
    rf_whole_names(&standing->part, names);
    rf_output_printf(out, "in part     %s: %s\n", what, names);
}

static void print_repository(struct rf_task *task, const struct rf_repository *repository,
                             const struct standing *standing) {
    char text[RF_UNITS_TEXT], uuid[RF_UUID_TEXT], digest[RF_SHORT_DIGEST];
    const struct rf_snapshot_facts *newest = &standing->newest;
    struct rf_output *out = task->output;
    rf_output_printf(out, "repository  ");
    rf_output_name(out, rf_repository_path(repository));
    rf_output_printf(out, "\nsource      %s\n",
                     rf_uuid_text(rf_repository_source(repository), uuid));
    rf_output_printf(out, "snapshots   %" PRIu32 ", %s of archives\n", standing->snapshots,
                     rf_units_bytes(rf_repository_bytes(repository), text));
    if (standing->in_part > 0) {
        print_part(out, standing);
    }
    if (standing->snapshots == 0) {
        return;
    }
    rf_output_printf(out, "newest      %" PRIu64 "  %s  ", newest->name.number,
                     rf_short_digest(newest->name.digest, digest));
    if (!standing->newest_read) {
        rf_output_printf(out, "cannot be read\n");
        return;
    }
    rf_output_printf(out, "%s, ", rf_units_time(newest->time_us, text));
    rf_output_printf(out, "%s ago, ", rf_units_duration(age_of(newest), text));
    rf_output_printf(out, "%s\n", rf_units_count(newest->rows, "row", text));
}

/* ---- the target ---- */

/* From the moment that the target shows to the one that the repository has. */
static uint64_t seconds_behind(const struct standing *standing) {
    int64_t apart = standing->newest.time_us - standing->target_time_us;
    return apart > 0 ? (uint64_t)apart / 1000000 : 0;
}

static void print_target_line(struct rf_task *task, const struct rf_target_status *target,
                              const struct standing *standing) {
    char uuid[RF_UUID_TEXT];
    struct rf_json line = rf_json_begin("target");
    rf_store_name_line(task, &line);
    rf_json_text(&line, "schema", task->settings->schema);
    rf_json_text(&line, "state", state_name(target->state));
    rf_json_snapshot(&line, "snapshot", target->snapshot);
    rf_json_count(&line, "behind", standing->behind);
    if (standing->rows_known) {
        rf_json_count(&line, "rows_behind", standing->rows_behind);
    } else {
        rf_json_text(&line, "rows_behind", NULL);
    }
    if (standing->target_time_us != 0 && standing->newest_read) {
        rf_json_count(&line, "behind_seconds", seconds_behind(standing));
    } else {
        rf_json_text(&line, "behind_seconds", NULL);
    }
    if (target->state != RF_TARGET_NONE) {
        rf_json_text(&line, "source", rf_uuid_text(target->source, uuid));
        rf_json_count(&line, "set_aside", target->set_aside);
        rf_json_text(&line, "updated", target->updated);
    }
    rf_json_print(&line, task->output);
}

static void print_conninfo(struct rf_output *out, const char *conninfo) {
    struct rf_buffer text = {0};
    rf_redact(&text, *conninfo ? conninfo : "as libpq's environment says");
    rf_buffer_u8(&text, 0);
    rf_output_name(out, text.failed ? "?" : (const char *)text.bytes);
    rf_buffer_release(&text);
}

static void print_target(struct rf_task *task, const struct rf_target_status *target,
                         const struct standing *standing) {
    struct rf_output *out = task->output;
    const struct rf_database *database = task->database;
    if (database && database->name) {
        rf_output_printf(out, "store       ");
        rf_output_name(out, database->name);
        rf_output_printf(out, "\n");
    }
    rf_output_printf(out, "target      ");
    print_conninfo(out, database ? database->conninfo : task->settings->target);
    rf_output_printf(out, ", schema ");
    rf_output_name(out, task->settings->schema);
    rf_output_printf(out, "\nstate       %s", state_name(target->state));
    if (target->state == RF_TARGET_READY) {
        rf_output_printf(out, ", snapshot %" PRIu64 " since ", target->snapshot);
        rf_output_name(out, target->updated);
    } else if (target->state == RF_TARGET_LOADING) {
        rf_output_printf(out, ", snapshot %" PRIu64 " is not loaded to its end", target->snapshot);
    }
    char snapshots[RF_UNITS_TEXT], rows[RF_UNITS_TEXT], time[RF_UNITS_TEXT];
    bool timed = standing->target_time_us != 0 && standing->newest_read && standing->behind > 0;
    rf_units_count(standing->rows_behind, "row", rows);
    rf_units_duration(timed ? seconds_behind(standing) : 0, time);
    rf_output_printf(out, "\nbehind      %s%s%s%s%s\n",
                     rf_units_count(standing->behind, "snapshot", snapshots),
                     standing->rows_known ? ", " : "", standing->rows_known ? rows : "",
                     timed ? ", " : "", timed ? time : "");
    if (target->set_aside > 0) {
        rf_output_printf(out, "set aside   %s\n", rf_units_count(target->set_aside, "row", rows));
    }
}

/* ---- do they belong together? ---- */

static enum rf_code check_source(const struct rf_repository *repository,
                                 const struct rf_target_status *target, struct rf_error *error) {
    char theirs[RF_UUID_TEXT], ours[RF_UUID_TEXT];
    const uint8_t *source = rf_repository_source(repository);
    if (memcmp(source, target->source, RF_SOURCE_ID_SIZE) == 0) {
        return RF_OK;
    }
    rf_fail(error, RF_MISPLACED, "the target is fed by another source");
    rf_detail(error, "the target's: %s, this repository's: %s",
              rf_uuid_text(target->source, theirs), rf_uuid_text(source, ours));
    rf_hint(error, "name the repository that feeds it, or another database or --schema.");
    return RF_MISPLACED;
}

static enum rf_code check_snapshot(const struct rf_repository *repository,
                                   const struct rf_target_status *target, struct rf_error *error) {
    const struct rf_snapshot_name *name = rf_repository_find(repository, target->snapshot);
    const struct rf_snapshot_name *newest = rf_repository_newest(repository);
    if (target->state != RF_TARGET_READY || (name && rf_hash_equal(name->digest, target->digest))) {
        return RF_OK;
    }
    if (name) {
        rf_fail(error, RF_MISPLACED, "the target's snapshot %" PRIu64 " is not the repository's",
                target->snapshot);
        rf_hint(error, "the two histories parted; name the repository that feeds the target.");
    } else if (newest && target->snapshot < newest->number) {
        rf_fail(error, RF_MISPLACED,
                "the repository has no snapshot %" PRIu64 ", at which the target stands",
                target->snapshot);
        rf_hint(error, "copy the missing snapshots from the host that captured them.");
    } else {
        rf_fail(error, RF_MISPLACED, "the target is ahead of the repository, at snapshot %" PRIu64,
                target->snapshot);
        rf_hint(error, "copy the newer snapshots here from the host that captured them.");
    }
    return RF_MISPLACED;
}

static enum rf_code check_match(const struct rf_repository *repository,
                                const struct rf_target_status *target, struct rf_error *error) {
    if (target->state == RF_TARGET_NONE) {
        return RF_OK;
    }
    enum rf_code code = check_source(repository, target, error);
    return code == RF_OK ? check_snapshot(repository, target, error) : code;
}

/* ---- the run ---- */

static void tell_repository(struct rf_task *task, const struct rf_repository *repository,
                            const struct standing *standing) {
    if (task->settings->json) {
        print_repository_line(task, repository, standing);
    } else if (rf_task_for_people(task)) {
        print_repository(task, repository, standing);
    }
    rf_json_count(&task->summary, "snapshots", standing->snapshots);
}

static void tell_target(struct rf_task *task, const struct rf_target_status *target,
                        const struct standing *standing) {
    if (task->settings->json) {
        print_target_line(task, target, standing);
    } else if (rf_task_for_people(task)) {
        print_target(task, target, standing);
    }
}

static enum rf_code ask_target(struct rf_task *task, struct rf_target_status *target,
                               struct rf_error *error) {
    struct rf_target_options options;
    rf_task_target_options(task, &options);
    return rf_target_status(&options, target, error);
}

/* Several targets: the repository is told of with the first. */
struct asking {
    struct rf_repository *repository;
    bool told;
};

/* The source, then the repository. Where the source cannot be looked at, the repository is told all
 * the same. */
static enum rf_code tell_here(struct rf_task *task, struct asking *asking,
                              const struct standing *standing, struct rf_error *error) {
    struct rf_source_standing source = {0};
    struct rf_snapshot_facts newest =
        standing->newest_read ? standing->newest : (struct rf_snapshot_facts){0};
    enum rf_code code = rf_source_standing_find(task, asking->repository, &newest, &source, error);
    rf_source_standing_print(task, &source, &newest);
    rf_source_standing_release(&source);
    tell_repository(task, asking->repository, standing);
    asking->told = true;
    return code;
}

/* What is known is told before what is not: a repository whose target does not answer, a target
 * whose repository is damaged. */
static enum rf_code status(struct rf_task *task, struct rf_json *summary, void *context,
                           struct rf_error *error) {
    (void)summary;
    struct asking *asking = context;
    struct rf_target_status target = {0};
    struct standing standing;
    struct rf_error unasked = {0};
    bool has_target = task->settings->target;
    enum rf_code asked = has_target ? ask_target(task, &target, &unasked) : RF_OK;
    uint64_t stands_at = target.state == RF_TARGET_READY ? target.snapshot : 0;
    enum rf_code code = survey(task, asking->repository, stands_at, &standing, error);
    if (code == RF_INTERRUPTED) {
        return code;
    }
    if (!asking->told) {
        struct rf_error looking = {0};
        enum rf_code looked = tell_here(task, asking, &standing, &looking);
        if (code == RF_OK && looked != RF_OK) {
            *error = looking;
            code = looked;
        }
    }
    if (has_target && asked == RF_OK) {
        tell_target(task, &target, &standing);
    }
    if (asked != RF_OK) {
        *error = unasked;
        return asked;
    }
    return code == RF_OK ? check_match(asking->repository, &target, error) : code;
}

enum rf_code rf_command_status(struct rf_task *task, struct rf_error *error) {
    struct rf_repository *repository = NULL;
    enum rf_code code = rf_trust_open(task, RF_REPOSITORY_READ, &repository, error);
    struct asking asking = {.repository = repository};
    if (code == RF_OK) {
        code = rf_stores_each(task, RF_STORES_TO_THE_END, &task->summary, status, &asking, error);
    }
    rf_repository_close(repository);
    return code;
}
