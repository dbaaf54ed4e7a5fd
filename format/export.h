/* Writes snapshots of a repository as a stream (stream.h), for another one to take in (import.h).
 *
 * A stream has what the reader does not have: for each snapshot its manifest, the fold that lies over it,
 * and those archives that the snapshot before it in the stream does not name, or, for the first one, that
 * which the reader is known to have. The repository may be captured into meanwhile; nothing that a stream is made
 * of changes. */
#ifndef RF_FORMAT_EXPORT_H
#define RF_FORMAT_EXPORT_H

#include <stdatomic.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"
#include "format/stream.h"

struct rf_export_options {
    /* Of the repository: the snapshots after that one (number 0: from the first on) up to this. */
    struct rf_snapshot_name since, last;
    const atomic_int *stop; /* not NULL; a signal number once the run should end */
    rf_stream_put *put;     /* takes the stream */
    void *put_context;
    /* May be NULL; bytes of files. */
    void (*progress)(void *context, uint64_t done, uint64_t expected);
    void *context;
};

struct rf_export_result {
    struct rf_snapshot_name last; /* the newest in the stream, or `since` */
    uint32_t snapshots;
    uint64_t archives;
    uint64_t bytes; /* of files */
};

/* RF_CORRUPT: a file that is missing, as after a prune beside this, or damaged. Then the stream has no end,
 * which its reader notices. */
RF_MUST_USE enum rf_code rf_export(const struct rf_repository *repository,
                                   const struct rf_export_options *options,
                                   struct rf_export_result *result, struct rf_error *error);

#endif
