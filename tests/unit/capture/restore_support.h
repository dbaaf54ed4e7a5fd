/* Restores of a fixture's repository, and what they leave. */
#ifndef RF_TESTS_CAPTURE_RESTORE_SUPPORT_H
#define RF_TESTS_CAPTURE_RESTORE_SUPPORT_H

#include <criterion/criterion.h>

#include "capture/restore_run.h"
#include "fixture.h"

struct restoring {
    struct fixture *fixture;
    char output[96];
    struct rf_restore_options options;
    struct rf_restore_limits limits;
    struct rf_restore_result result; /* of the last restore */
    struct rf_error error;
    unsigned lacks[4]; /* by kind */
    char reason[400];  /* of the last lack */
};

/* Proves what it writes, unless options.verify is taken back. */
void restoring_begin(struct restoring *restoring, struct fixture *fixture);
/* The newest snapshot, through these file operations; over a file that is there. */
enum rf_code restoring_try(struct restoring *restoring, struct rf_io *io);
/* Must succeed; SQLite finds nothing wrong with the file. */
void restoring_expect(struct restoring *restoring);
/* A number that the restored file answers. */
int64_t restoring_number(const struct restoring *restoring, const char *sql);
/* Files in the fixture's folder whose name begins with that of the output. */
unsigned restoring_files(const struct restoring *restoring);

#endif
