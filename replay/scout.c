/* A struct rf_delta of its own serves the scout to make the same list as the delta will. */
#include "replay/scout.h"

#include <stdlib.h>

#include "replay/delta_table.h"
#include "replay/sql.h"

struct scouted {
    uint32_t place;
    const struct rf_manifest_table *source;
    struct rf_plan plan; /* shallow: the ledger's own moves and changes while tables are applied */
};

struct rf_scout {
    struct rf_run *main;
    struct rf_target_options options; /* the run's, but nobody is told */
    struct rf_run run;                /* ends with the main one, or before it */
    const struct rf_target *target;
    uint32_t count;
    struct scouted *tables;
    atomic_uint_fast32_t passed; /* tables at places before this one */
    bool sent;
    pthread_t thread;
};

/* With fewer rows, the connection and the list cost as much as they bring. */
#define WORTH_ROWS 2000u

struct rf_scout *rf_scout_new(struct rf_run *run, const struct rf_target *target,
                              uint32_t table_count) {
    struct rf_scout *scout = run->options->jobs > 1 ? calloc(1, sizeof *scout) : NULL;
    if (!scout) {
        return NULL;
    }
    scout->tables = calloc(table_count + 1u, sizeof *scout->tables);
    if (!scout->tables) {
        free(scout);
        return NULL;
    }
    scout->main = run;
    scout->target = target;
    scout->options = *run->options;
    scout->options.progress = NULL;
    scout->options.watch = NULL;
    scout->options.note = NULL;
    scout->options.warn = NULL;
    rf_run_init(&scout->run, &scout->options, run->repository);
    atomic_init(&scout->passed, 0);
    return scout;
}

void rf_scout_add(struct rf_scout *scout, uint32_t place, const struct rf_manifest_table *source,
                  const struct rf_plan *plan) {
    if (scout && plan->owned && plan->key_count > 0 &&
        source->updated + source->deleted >= WORTH_ROWS) {
        scout->tables[scout->count++] =
            (struct scouted){.place = place, .source = source, .plan = *plan};
    }
}

static enum rf_code look_for_rows(struct rf_scout *scout, const struct scouted *table,
                                  struct rf_pg *pg, struct rf_error *error) {
    struct rf_archive *archive = NULL;
    struct rf_delta delta = {.run = &scout->run, .pg = pg, .target = scout->target};
    struct rf_gone gone = {.delta = &delta, .plan = &table->plan, .form = RF_GONE_KEY};
    enum rf_code code =
        rf_repository_open_archive(scout->run.repository, &table->source->delta, &archive, error);
    if (code == RF_OK && rf_archive_head_of(archive)->gone == RF_GONE_KEY) {
        code = rf_gone_touch(&gone, archive, error);
    }
    rf_archive_close(archive);
    rf_arena_release(&delta.arena);
    return code;
}

static enum rf_code look_at(struct rf_scout *scout, const struct scouted *table, struct rf_pg *pg,
                            struct rf_error *error) {
    enum rf_code code = rf_pg_begin(pg, error);
    if (code == RF_OK) {
        code = rf_pg_do(pg, rf_sql_scout_begin, NULL, error);
    }
    if (code == RF_OK) {
        code = look_for_rows(scout, table, pg, error);
    }
    rf_pg_rollback(pg);
    return code;
}

/* A table that is locked, or that this role may not read, says nothing about the next one. */
static void *scout_main(void *context) {
    struct rf_scout *scout = context;
    struct rf_pg *pg = NULL;
    struct rf_error error;
    rf_error_clear(&error);
    enum rf_code code = rf_pg_open(&scout->run, RF_PG_READER, &pg, &error);
    if (code != RF_OK && !rf_run_ends(&scout->run)) {
        rf_run_note(scout->main, "no second connection reads ahead: %s", error.what);
    }
    for (uint32_t i = 0; code == RF_OK && i < scout->count; i++) {
        const struct scouted *table = &scout->tables[i];
        if (table->place < atomic_load(&scout->passed)) {
            continue;
        }
        rf_error_clear(&error);
        if (look_at(scout, table, pg, &error) != RF_OK && !rf_run_ends(&scout->run)) {
            rf_run_note(scout->main, "table %s is not read ahead: %s", table->plan.table,
                        error.what);
        }
        if (rf_run_ends(&scout->run) || rf_pg_broken(pg)) {
            break;
        }
    }
    rf_pg_close(pg);
    return NULL;
}

void rf_scout_send(struct rf_scout *scout) {
    if (scout && scout->count > 0) {
        scout->sent = pthread_create(&scout->thread, NULL, scout_main, scout) == 0;
    }
}

void rf_scout_pass(struct rf_scout *scout, uint32_t place) {
    if (scout) {
        atomic_store(&scout->passed, place + 1);
    }
}

void rf_scout_end(struct rf_scout *scout) {
    if (!scout) {
        return;
    }
    rf_run_give_up(&scout->run);
    if (scout->sent) {
        pthread_join(scout->thread, NULL);
    }
    rf_run_release(&scout->run);
    free(scout->tables);
    free(scout);
}
