/* The repository that a capture goes into, rehearsals included.
 *
 * A dry run must leave nothing behind: it reads the repository without its lock. Where there is
 * none yet, it works on an empty one in the folder for temporary files (TMPDIR), which is removed
 * with it. */
#ifndef RF_TOOLS_PLACE_H
#define RF_TOOLS_PLACE_H

#include <stdbool.h>

#include "format/error.h"
#include "format/repository.h"

struct rf_place {
    struct rf_repository *repository;
    char *temporary; /* the folder that goes away again; NULL for none */
};

/* With `dry_run` an existing repository is opened to be read, otherwise it is opened to be written,
 * and made where there is none. */
RF_MUST_USE enum rf_code rf_place_open(const char *path, bool dry_run, struct rf_place *place,
                                       struct rf_error *error);
/* An empty one in the folder for temporary files, for the caller alone. */
RF_MUST_USE enum rf_code rf_place_temporary(struct rf_place *place, struct rf_error *error);
void rf_place_close(struct rf_place *place); /* twice is fine */

#endif
