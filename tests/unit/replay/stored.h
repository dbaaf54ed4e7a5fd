/* A table whose rows stand in a repository, and a run that leads there. */
#ifndef RF_TESTS_REPLAY_STORED_H
#define RF_TESTS_REPLAY_STORED_H

#include <limits.h>
#include <stdatomic.h>

#include "format/manifest.h"
#include "format/repository.h"
#include "replay/run.h"

struct stored {
    char path[PATH_MAX];
    struct rf_repository *repository;
    struct rf_target_options options;
    struct rf_rules rules;
    atomic_int stop;
    struct rf_run run;
};

/* Writes the rows, of all the table's columns each, in blocks of two; rowids from 1 on. The table
 * gets their census and its state. Once for a table. */
void stored_make(struct stored *stored, struct rf_manifest_table *table,
                 const struct rf_value *values, uint32_t count);
void stored_free(struct stored *stored);

#endif
