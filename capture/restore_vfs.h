/* SQLite's way to one file that is open already: through struct rf_io, without locks, journals and
 * syncs. What SQLite puts aside while it sorts goes into files without a name in the same folder.
 * Inner header of capture/restore*. One thread. */
#ifndef RF_CAPTURE_RESTORE_VFS_H
#define RF_CAPTURE_RESTORE_VFS_H

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "format/error.h"
#include "format/io.h"

struct rf_restore_vfs {
    struct rf_io *io;
    const char *path;
    int fd;
    int failed_errno; /* of the last operation that failed */
    char name[48];    /* for sqlite3_open_v2 */
    sqlite3_vfs base;
    bool registered;
};

/* Path and descriptor are borrowed, and the struct must not move until it is unregistered. */
RF_MUST_USE enum rf_code rf_restore_vfs_register(struct rf_restore_vfs *vfs, struct rf_io *io,
                                                 const char *path, int fd, struct rf_error *error);
void rf_restore_vfs_unregister(struct rf_restore_vfs *vfs); /* twice is fine */
/* The name that such a file has before it loses it: a killed run may leave one. False: too long. */
bool rf_restore_vfs_sort_path(const char *path, char out[PATH_MAX]);

#endif
