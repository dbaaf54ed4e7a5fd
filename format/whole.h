/* Whether a snapshot came whole.
 *
 * A repository is carried from host to host by programs that know nothing of it, file after file in
 * any order, and cut off anywhere. A snapshot is *whole* when its manifest, and the fold that a
 * prune may have laid over it, is here with all its bytes, and every file that it names with the
 * size that it names: then it can be read, whatever became of the others. Files never change once
 * published, so a file of the right size that was copied is the file; what its bytes are worth is
 * checked when they are read.
 *
 * Readers who want the newest snapshot take the newest whole one; a writer builds on nothing less
 * than the newest. It costs one stat a file of the snapshots that are looked at. */
#ifndef RF_FORMAT_WHOLE_H
#define RF_FORMAT_WHOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/repository.h"

#define RF_WHOLE_NAMED 6u /* of the files that are missing */
#define RF_WHOLE_FILE 144

struct rf_whole {
    struct rf_snapshot_name name;
    bool has_manifest; /* its manifest, and its fold, is here with all its bytes */
    uint32_t files;    /* that it needs, as far as is known: the manifest, and what that names */
    uint32_t missing;  /* of these: not here, or in part; 0: the snapshot is whole */
    uint32_t named;    /* the first RF_WHOLE_NAMED of these, as paths below the repository */
    char names[RF_WHOLE_NAMED][RF_WHOLE_FILE];
};

/* RF_CORRUPT: the manifest came with all its bytes and is no good all the same. */
RF_MUST_USE enum rf_code rf_whole_look(const struct rf_repository *repository,
                                       const struct rf_snapshot_name *name, struct rf_whole *whole,
                                       struct rf_error *error);
/* The same for a manifest that was loaded already. */
RF_MUST_USE enum rf_code rf_whole_of(const struct rf_repository *repository,
                                     const struct rf_snapshot_name *name,
                                     const struct rf_manifest *manifest, struct rf_whole *whole,
                                     struct rf_error *error);

/* The newest whole snapshot; its number is 0 where there is none. *newest is what is known of the
 * newest of all, `in_part` is how many newer ones there are that are not whole. */
RF_MUST_USE enum rf_code rf_whole_newest(const struct rf_repository *repository,
                                         struct rf_snapshot_name *name, struct rf_whole *newest,
                                         uint32_t *in_part, struct rf_error *error);

/* "snapshot 9 came in part: 2 of its 5 files are missing" and "archives/events-….rfa, …". */
#define RF_WHOLE_TEXT 1000
void rf_whole_what(const struct rf_whole *whole, char text[RF_WHOLE_TEXT]);
void rf_whole_names(const struct rf_whole *whole, char text[RF_WHOLE_TEXT]);
/* RF_CORRUPT, with these two and what to do. */
enum rf_code rf_whole_refuse(const struct rf_repository *repository, const struct rf_whole *whole,
                             struct rf_error *error);
/* A repository without a manifest that has archives was copied in part too: RF_CORRUPT, RF_OK where
 * there are none. To be asked when there is no snapshot. */
RF_MUST_USE enum rf_code rf_whole_headless(const struct rf_repository *repository,
                                           struct rf_error *error);

/* A folder with archives or manifests that lacks the file that says what it is, likewise. */
RF_MUST_USE enum rf_code rf_whole_nameless(const struct rf_repository *repository,
                                           struct rf_error *error);

#endif
