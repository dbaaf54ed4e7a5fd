/* Takes a stream (stream.h) into a repository, which is made where there is none.
 *
 * A snapshot is taken in when it and all its archives have arrived and been checked; until then nothing of
 * it shows. Whatever ends an import, whole snapshots stay, and the next import goes on behind them; what is
 * there already is checked on its way and left as it is. Snapshots only ever come behind the newest one, so that
 * no history that was replayed from here changes. What a copy of the repository left in part is completed.
 *
 * The manifest comes first and says what the snapshot takes: signature, place in the history and room on the
 * disk are checked before an archive is written. Where the sender's archives of what came before are not those
 * that are here, because one of the two was pruned, the snapshot gets a fold (fold.h) that builds upon the
 * ones here. */
#ifndef RF_FORMAT_IMPORT_H
#define RF_FORMAT_IMPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/key.h"
#include "format/repository.h"
#include "format/stream.h"

enum rf_import_fate {
    RF_IMPORT_NEW,    /* taken in */
    RF_IMPORT_THERE,  /* was there already */
    RF_IMPORT_MENDED, /* was there in part (whole.h), and has what it lacked */
    RF_IMPORT_PASSED, /* not here, and older than the newest here: dropped by a prune */
};

struct rf_imported {
    struct rf_snapshot_name name;
    enum rf_import_fate fate;
    uint64_t archives, bytes; /* written to the repository */
};

struct rf_import_options {
    const char *path;             /* the repository's */
    const struct rf_trust *trust; /* whose signatures are demanded; NULL: none */
    const atomic_int *stop;       /* not NULL; a signal number once the run should end */
    rf_stream_get *get;           /* gives the stream */
    void *get_context;
    /* May be NULL. Bytes of files; and each snapshot, once that is said of it. */
    void (*progress)(void *context, uint64_t done, uint64_t expected);
    void (*snapshot)(void *context, const struct rf_imported *imported);
    void *context;
};

struct rf_import_result {
    bool head_known; /* the next two are */
    uint8_t source[RF_SOURCE_ID_SIZE];
    struct rf_snapshot_name since;
    struct rf_snapshot_name newest; /* in the repository; number 0: none, or unknown */
    uint32_t imported, there, mended, passed;
    uint64_t archives, bytes; /* written to the repository */
};

/* RF_CORRUPT: the stream is damaged or cut short, or what is in it is. RF_MISPLACED: it is of another source
 * or history, or needs a snapshot that is not here, which the hint names. The result tells what was done
 * whatever came of it. */
RF_MUST_USE enum rf_code rf_import(struct rf_io *io, const struct rf_import_options *options,
                                   struct rf_import_result *result, struct rf_error *error);

#endif
