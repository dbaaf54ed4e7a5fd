#include "capture/restore_vfs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/sqlite_error.h"

#define SECTOR_SIZE 4096

struct opened {
    sqlite3_file base; /* first: SQLite knows the rest by this address */
    struct rf_restore_vfs *vfs;
    int fd;
    bool own; /* a temporary file: nobody else closes it */
};

static int close_opened(sqlite3_file *base) {
    struct opened *opened = (struct opened *)base;
    if (opened->own) {
        rf_io_discard(opened->vfs->io, &opened->fd);
    }
    return SQLITE_OK;
}

static int read_opened(sqlite3_file *base, void *bytes, int size, sqlite3_int64 offset) {
    struct opened *opened = (struct opened *)base;
    struct rf_io *io = opened->vfs->io;
    int done = 0;
    while (done < size) {
        ssize_t got = io->pread(io, opened->fd, (char *)bytes + done, (size_t)(size - done),
                                (off_t)offset + done);
        if (got < 0 && errno != EINTR) {
            opened->vfs->failed_errno = errno;
            return SQLITE_IOERR_READ;
        }
        if (got == 0) {
            memset((char *)bytes + done, 0, (size_t)(size - done));
            return SQLITE_IOERR_SHORT_READ;
        }
        done += got > 0 ? (int)got : 0;
    }
    return SQLITE_OK;
}

static int write_opened(sqlite3_file *base, const void *bytes, int size, sqlite3_int64 offset) {
    struct opened *opened = (struct opened *)base;
    struct rf_io *io = opened->vfs->io;
    int done = 0;
    while (done < size) {
        ssize_t put = io->pwrite(io, opened->fd, (const char *)bytes + done, (size_t)(size - done),
                                 (off_t)offset + done);
        if (put == 0 || (put < 0 && errno != EINTR)) {
            opened->vfs->failed_errno = put == 0 ? ENOSPC : errno;
            return opened->vfs->failed_errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        }
        done += put > 0 ? (int)put : 0;
    }
    return SQLITE_OK;
}

/* Gives room back and takes none, so that there is nothing to go wrong on a disk. */
static int truncate_opened(sqlite3_file *base, sqlite3_int64 size) {
    struct opened *opened = (struct opened *)base;
    if (ftruncate(opened->fd, (off_t)size) != 0) {
        opened->vfs->failed_errno = errno;
        return SQLITE_IOERR_TRUNCATE;
    }
    return SQLITE_OK;
}

static int sync_opened(sqlite3_file *base, int flags) {
    (void)base;
    (void)flags;
    return SQLITE_OK; /* once, in the end: rf_restore_file_publish */
}

static int size_opened(sqlite3_file *base, sqlite3_int64 *size) {
    struct opened *opened = (struct opened *)base;
    off_t length = opened->vfs->io->size(opened->vfs->io, opened->fd);
    *size = length;
    if (length < 0) {
        opened->vfs->failed_errno = errno;
        return SQLITE_IOERR_FSTAT;
    }
    return SQLITE_OK;
}

static int lock_opened(sqlite3_file *base, int level) {
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int check_lock(sqlite3_file *base, int *locked) {
    (void)base;
    *locked = 0;
    return SQLITE_OK;
}

static int control_opened(sqlite3_file *base, int operation, void *argument) {
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *base) {
    (void)base;
    return SECTOR_SIZE;
}

static int characteristics(sqlite3_file *base) {
    (void)base;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_opened,
    .xRead = read_opened,
    .xWrite = write_opened,
    .xTruncate = truncate_opened,
    .xSync = sync_opened,
    .xFileSize = size_opened,
    .xLock = lock_opened,
    .xUnlock = lock_opened,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_opened,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

bool rf_restore_vfs_sort_path(const char *path, char out[PATH_MAX]) {
    return snprintf(out, PATH_MAX, "%s-sort", path) < PATH_MAX;
}

/* A file without a name, for what SQLite sorts. It has one for an instant. */
static int make_temporary(struct rf_restore_vfs *vfs, int *fd) {
    char path[PATH_MAX];
    struct rf_error error;
    if (!rf_restore_vfs_sort_path(vfs->path, path)) {
        return SQLITE_CANTOPEN;
    }
    enum rf_code code = rf_io_create(vfs->io, path, fd, &error);
    if (code == RF_OK) {
        code = rf_io_unlink(vfs->io, path, &error);
    }
    if (code != RF_OK) {
        vfs->failed_errno = error.sys_errno;
        rf_io_discard(vfs->io, fd);
        return SQLITE_CANTOPEN;
    }
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *own, const char *name, sqlite3_file *base, int flags,
                    int *out_flags) {
    struct opened *opened = (struct opened *)base;
    *opened = (struct opened){.vfs = own->pAppData, .fd = -1};
    int result = SQLITE_OK;
    if (flags & SQLITE_OPEN_MAIN_DB) {
        opened->fd = opened->vfs->fd;
    } else if (name) {
        return SQLITE_CANTOPEN; /* journals and the like are not written */
    } else {
        opened->own = true;
        result = make_temporary(opened->vfs, &opened->fd);
    }
    if (result == SQLITE_OK) {
        opened->base.pMethods = &methods;
        if (out_flags) {
            *out_flags = flags;
        }
    }
    return result;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs;
    (void)name;
    (void)sync;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *answer) {
    (void)vfs;
    (void)name;
    (void)flags;
    *answer = 0; /* no journal, no WAL */
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static sqlite3_vfs *usual(void) {
    return sqlite3_vfs_find(NULL);
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *bytes) {
    (void)vfs;
    return usual()->xRandomness(usual(), size, bytes);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return usual()->xSleep(usual(), microseconds);
}

static int vfs_time(sqlite3_vfs *vfs, double *julian_day) {
    (void)vfs;
    return usual()->xCurrentTime(usual(), julian_day);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text) {
    if (size > 0) {
        text[0] = 0; /* the number says it all */
    }
    return ((struct rf_restore_vfs *)vfs->pAppData)->failed_errno;
}

enum rf_code rf_restore_vfs_register(struct rf_restore_vfs *vfs, struct rf_io *io, const char *path,
                                     int fd, struct rf_error *error) {
    *vfs = (struct rf_restore_vfs){.io = io, .path = path, .fd = fd};
    snprintf(vfs->name, sizeof vfs->name, "rowferry-restore-%p", (void *)vfs);
    vfs->base = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct opened),
        .mxPathname = PATH_MAX,
        .zName = vfs->name,
        .pAppData = vfs,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    int result = sqlite3_initialize();
    if (result == SQLITE_OK) {
        result = sqlite3_vfs_register(&vfs->base, 0);
    }
    vfs->registered = result == SQLITE_OK;
    return vfs->registered ? RF_OK : rf_fail_sqlite(error, NULL, result, "cannot use SQLite");
}

void rf_restore_vfs_unregister(struct rf_restore_vfs *vfs) {
    if (vfs->registered) {
        sqlite3_vfs_unregister(&vfs->base);
    }
    vfs->registered = false;
}
