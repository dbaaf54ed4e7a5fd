/* A look at a source from outside: is it here, and was it written to since a snapshot of it? No row
 * is read. The answer is only as good as what can be seen without that: "unknown" where it lies on a
 * file system whose times say nothing, where it cannot be opened just now, or where it was captured
 * elsewhere and its file bears an older time than the snapshot. */
#ifndef RF_CAPTURE_LOOK_H
#define RF_CAPTURE_LOOK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"

enum rf_source_since {
    RF_SINCE_UNKNOWN,
    RF_SINCE_STANDS,  /* where it stood when the snapshot was found to be all there is */
    RF_SINCE_WRITTEN, /* written to, which need not have changed anything that is captured */
};

struct rf_source_look_options {
    const char *database;
    int busy_timeout_ms;
    const char *const *include; /* as for a capture: tables that are asked for */
    const char *const *exclude;
    const char *const *shadow;
    const atomic_int *stop; /* not NULL */
};

struct rf_source_look {
    bool here;
    int64_t written_us; /* when the file, or its -wal, was last written to, since 1970-01-01 UTC */
    enum rf_source_since since;
};

/* `newest` is the snapshot to compare with, of the moment `time_us`; NULL: there is none. Not being
 * here, or not to be opened, is an answer. RF_NO_MEMORY, RF_INTERRUPTED. */
RF_MUST_USE enum rf_code rf_source_look(const struct rf_repository *repository,
                                        const struct rf_source_look_options *options,
                                        const struct rf_snapshot_name *newest, int64_t time_us,
                                        struct rf_source_look *look, struct rf_error *error);

#endif
