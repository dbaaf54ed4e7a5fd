#include "capture/restore_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/others.h"
#include "capture/sqlite_error.h"

#define SUFFIX ".rowferry-restore"
#define VFS_NAME_SIZE 48
#define HEADER_VERSIONS 18 /* offset of the two bytes that are 2 in a WAL database */
#define SECTOR_SIZE 4096

struct rf_restore_file {
    struct rf_io *io;
    char *path;      /* that it is to have */
    char *temporary; /* that it has */
    char *folder;
    bool replace;
    bool published;
    int fd;
    sqlite3_vfs vfs;
    char vfs_name[VFS_NAME_SIZE];
    bool registered;
    int failed_errno; /* of the last operation that failed below SQLite */
};

/* ---- the VFS ---- */

struct opened {
    sqlite3_file base;
    struct rf_restore_file *file;
    int fd;
    bool own; /* a temporary file: nobody else closes it */
};

static int close_opened(sqlite3_file *base) {
    struct opened *opened = (struct opened *)base;
    if (opened->own) {
        rf_io_discard(opened->file->io, &opened->fd);
    }
    return SQLITE_OK;
}

static int read_opened(sqlite3_file *base, void *bytes, int size, sqlite3_int64 offset) {
    struct opened *opened = (struct opened *)base;
    struct rf_io *io = opened->file->io;
    int done = 0;
    while (done < size) {
        ssize_t got = io->pread(io, opened->fd, (char *)bytes + done, (size_t)(size - done),
                                (off_t)offset + done);
        if (got < 0 && errno != EINTR) {
            opened->file->failed_errno = errno;
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
    struct rf_io *io = opened->file->io;
    int done = 0;
    while (done < size) {
        ssize_t put = io->pwrite(io, opened->fd, (const char *)bytes + done, (size_t)(size - done),
                                 (off_t)offset + done);
        if (put == 0 || (put < 0 && errno != EINTR)) {
            opened->file->failed_errno = put == 0 ? ENOSPC : errno;
            return opened->file->failed_errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        }
        done += put > 0 ? (int)put : 0;
    }
    return SQLITE_OK;
}

/* Gives room back and takes none, so that there is nothing to go wrong on a disk. */
static int truncate_opened(sqlite3_file *base, sqlite3_int64 size) {
    struct opened *opened = (struct opened *)base;
    if (ftruncate(opened->fd, (off_t)size) != 0) {
        opened->file->failed_errno = errno;
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
    off_t length = opened->file->io->size(opened->file->io, opened->fd);
    *size = length;
    if (length < 0) {
        opened->file->failed_errno = errno;
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

/* A file without a name, for what SQLite sorts. Its name is there for an instant, and fixed: what a
 * killed run left of it is taken away. */
static int make_temporary(struct rf_restore_file *file, int *fd) {
    char path[PATH_MAX];
    struct rf_error error;
    if (snprintf(path, sizeof path, "%s-sort", file->temporary) >= (int)sizeof path) {
        return SQLITE_CANTOPEN;
    }
    if (rf_io_unlink(file->io, path, &error) != RF_OK ||
        rf_io_create(file->io, path, fd, &error) != RF_OK) {
        file->failed_errno = error.sys_errno;
        return SQLITE_CANTOPEN;
    }
    if (rf_io_unlink(file->io, path, &error) != RF_OK) {
        file->failed_errno = error.sys_errno;
        rf_io_discard(file->io, fd);
        return SQLITE_CANTOPEN;
    }
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                    int *out_flags) {
    struct opened *opened = (struct opened *)base;
    *opened = (struct opened){.file = vfs->pAppData, .fd = -1};
    int result = SQLITE_OK;
    if (flags & SQLITE_OPEN_MAIN_DB) {
        opened->fd = opened->file->fd;
    } else if (name) {
        return SQLITE_CANTOPEN; /* journals and the like are not written */
    } else {
        opened->own = true;
        result = make_temporary(opened->file, &opened->fd);
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
    (void)size;
    (void)text;
    return ((struct rf_restore_file *)vfs->pAppData)->failed_errno;
}

static enum rf_code register_vfs(struct rf_restore_file *file, struct rf_error *error) {
    snprintf(file->vfs_name, sizeof file->vfs_name, "rowferry-restore-%p", (void *)file);
    file->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct opened),
        .mxPathname = PATH_MAX,
        .zName = file->vfs_name,
        .pAppData = file,
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
        result = sqlite3_vfs_register(&file->vfs, 0);
    }
    file->registered = result == SQLITE_OK;
    return file->registered ? RF_OK : rf_fail_sqlite(error, NULL, result, "cannot use SQLite");
}

/* ---- the name ---- */

static bool beside(const char *path, const char *suffix, char out[PATH_MAX]) {
    return snprintf(out, PATH_MAX, "%s%s", path, suffix) < PATH_MAX;
}

static enum rf_code refuse_existing(const char *path, struct rf_error *error) {
    rf_fail(error, RF_USAGE, "%s is there already", path);
    rf_hint(error, "name another file, or say --force to have it replaced.");
    return RF_USAGE;
}

/* What SQLite keeps beside a database; a file of that name belongs to another one. */
static const char *const companions[] = {"-journal", "-wal", "-shm"};

static enum rf_code check_companions(const char *path, struct rf_error *error) {
    char name[PATH_MAX];
    struct stat found;
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++) {
        if (beside(path, companions[i], name) && lstat(name, &found) == 0) {
            return refuse_existing(name, error);
        }
    }
    return RF_OK;
}

static enum rf_code check_not_used(const char *path, struct rf_error *error) {
    struct rf_others others;
    rf_others_find(path, &others);
    if (others.count == 0) {
        return RF_OK;
    }
    char text[512];
    rf_others_say(&others, text, sizeof text);
    rf_fail(error, RF_LOCKED, "%s is in use", path);
    rf_detail(error, "by %s", text);
    rf_hint(error, "stop what uses it, or name another file.");
    return RF_LOCKED;
}

/* The file behind links, where it is there; and whether it may be replaced. */
static enum rf_code check_name(struct rf_restore_file *file, const char *path,
                               struct rf_error *error) {
    struct stat found;
    bool there = lstat(path, &found) == 0;
    if (!there && errno != ENOENT) {
        return rf_fail_errno(error, errno, "cannot write %s", path);
    }
    if (there && stat(path, &found) == 0 && !S_ISREG(found.st_mode)) {
        rf_fail(error, RF_USAGE, "%s is not a file", path);
        rf_hint(error, "-o names the database file that is made.");
        return RF_USAGE;
    }
    if (there && !file->replace) {
        return refuse_existing(path, error);
    }
    file->path = there ? realpath(path, NULL) : strdup(path);
    if (!file->path) {
        return rf_fail_errno(error, errno, "cannot write %s", path);
    }
    if (!file->replace) {
        return check_companions(file->path, error);
    }
    return there ? check_not_used(file->path, error) : RF_OK;
}

static enum rf_code make_names(struct rf_restore_file *file, struct rf_error *error) {
    char temporary[PATH_MAX], folder[PATH_MAX];
    const char *slash = strrchr(file->path, '/');
    int size = slash ? (int)(slash - file->path) : 0;
    if (!beside(file->path, SUFFIX "-sort", temporary) || !beside(file->path, SUFFIX, temporary)) {
        return rf_fail_errno(error, ENAMETOOLONG, "cannot write %s", file->path);
    }
    snprintf(folder, sizeof folder, "%.*s", slash ? size : 1, slash ? file->path : ".");
    file->temporary = strdup(temporary);
    file->folder = strdup(folder[0] ? folder : "/");
    return file->temporary && file->folder ? RF_OK : rf_fail_memory(error);
}

/* ---- the file ---- */

static enum rf_code fail_locked(const struct rf_restore_file *file, struct rf_error *error) {
    rf_fail(error, RF_LOCKED, "another restore is writing %s", file->path);
    rf_detail(error, "it has %s locked", file->temporary);
    rf_hint(error, "wait for it, or name another file.");
    return RF_LOCKED;
}

static enum rf_code lock(struct rf_restore_file *file, int fd, struct rf_error *error) {
    if (file->io->flock(file->io, fd, LOCK_EX | LOCK_NB) == 0) {
        return RF_OK;
    }
    return errno == EWOULDBLOCK ? fail_locked(file, error)
                                : rf_fail_errno(error, errno, "cannot lock %s", file->temporary);
}

/* What a killed run left, if nobody has it locked. */
static enum rf_code remove_left(struct rf_restore_file *file, struct rf_error *error) {
    struct rf_io *io = file->io;
    int fd = io->open(io, file->temporary, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT) {
        return RF_OK;
    }
    if (fd < 0) {
        return rf_fail_errno(error, errno, "cannot open %s", file->temporary);
    }
    enum rf_code code = lock(file, fd, error);
    if (code == RF_OK) {
        code = rf_io_unlink(io, file->temporary, error);
    }
    rf_io_discard(io, &fd);
    return code;
}

/* Whether the name still leads to the file that was locked. */
static bool is_still_named(const struct rf_restore_file *file) {
    struct stat named, opened;
    return stat(file->temporary, &named) == 0 && fstat(file->fd, &opened) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

static enum rf_code make(struct rf_restore_file *file, struct rf_error *error) {
    enum rf_code code = remove_left(file, error);
    if (code == RF_OK) {
        code = rf_io_create(file->io, file->temporary, &file->fd, error);
    }
    if (code == RF_OK) {
        code = lock(file, file->fd, error);
    }
    if (code == RF_OK && !is_still_named(file)) {
        code = fail_locked(file, error);
    }
    if (code == RF_LOCKED) {
        rf_io_discard(file->io, &file->fd); /* the name is another's */
    }
    return code;
}

enum rf_code rf_restore_file_open(struct rf_io *io, const char *path, bool replace,
                                  struct rf_restore_file **made, struct rf_error *error) {
    *made = NULL;
    struct rf_restore_file *file = calloc(1, sizeof *file);
    if (!file) {
        return rf_fail_memory(error);
    }
    file->io = io;
    file->replace = replace;
    file->fd = -1;
    enum rf_code code = check_name(file, path, error);
    if (code == RF_OK) {
        code = make_names(file, error);
    }
    if (code == RF_OK) {
        code = make(file, error);
    }
    if (code == RF_OK) {
        code = register_vfs(file, error);
    }
    if (code != RF_OK) {
        rf_restore_file_close(file);
        return code;
    }
    *made = file;
    return RF_OK;
}

void rf_restore_file_close(struct rf_restore_file *file) {
    struct rf_error ignored;
    if (!file) {
        return;
    }
    if (file->fd >= 0 && !file->published &&
        rf_io_unlink(file->io, file->temporary, &ignored) != RF_OK) {
        /* it stays until the next restore of that name */
    }
    rf_io_discard(file->io, &file->fd);
    if (file->registered) {
        sqlite3_vfs_unregister(&file->vfs);
    }
    free(file->path);
    free(file->temporary);
    free(file->folder);
    free(file);
}

const char *rf_restore_file_path(const struct rf_restore_file *file) {
    return file->temporary;
}

enum rf_code rf_restore_file_connect(struct rf_restore_file *file, sqlite3 **db,
                                     struct rf_error *error) {
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int result = sqlite3_open_v2(file->temporary, db, flags, file->vfs_name);
    if (result == SQLITE_OK) {
        sqlite3_extended_result_codes(*db, 1);
        return RF_OK;
    }
    return rf_restore_file_fail(file, *db, result, error, "cannot write %s", file->temporary);
}

enum rf_code rf_restore_file_fail(const struct rf_restore_file *file, sqlite3 *db, int result,
                                  struct rf_error *error, const char *format, ...) {
    char what[sizeof error->what];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    int kind = result & 0xff;
    if (file->failed_errno != 0 &&
        (kind == SQLITE_FULL || kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN)) {
        rf_fail_errno(error, file->failed_errno, "%s", what);
    } else {
        rf_fail_sqlite(error, db, result, "%s", what);
    }
    if (error->code == RF_STORAGE) {
        rf_while(error, "while writing %s", file->path);
    }
    return error->code;
}

enum rf_code rf_restore_file_mark_wal(struct rf_restore_file *file, struct rf_error *error) {
    static const uint8_t versions[2] = {2, 2}; /* of writers, and of readers */
    return rf_io_write_at(file->io, file->fd, file->temporary, versions, sizeof versions,
                          HEADER_VERSIONS, error);
}

static enum rf_code remove_companions(struct rf_restore_file *file, struct rf_error *error) {
    char name[PATH_MAX];
    enum rf_code code = RF_OK;
    for (size_t i = 0; code == RF_OK && i < sizeof companions / sizeof companions[0]; i++) {
        if (beside(file->path, companions[i], name)) {
            code = rf_io_unlink(file->io, name, error);
        }
    }
    return code;
}

/* It may have come while we wrote. */
static enum rf_code check_again(const struct rf_restore_file *file, struct rf_error *error) {
    struct stat found;
    if (lstat(file->path, &found) == 0) {
        return refuse_existing(file->path, error);
    }
    return check_companions(file->path, error);
}

enum rf_code rf_restore_file_publish(struct rf_restore_file *file, uint64_t *size,
                                     struct rf_error *error) {
    struct rf_io *io = file->io;
    off_t length = io->size(io, file->fd);
    if (length < 0) {
        return rf_fail_errno(error, errno, "cannot tell the size of %s", file->temporary);
    }
    *size = (uint64_t)length;
    enum rf_code code = rf_io_sync(io, file->fd, file->temporary, error);
    if (code == RF_OK) {
        code = file->replace ? remove_companions(file, error) : check_again(file, error);
    }
    if (code == RF_OK) {
        code = rf_io_rename(io, file->temporary, file->path, error);
    }
    if (code == RF_OK) {
        file->published = true;
        code = rf_io_sync_directory(io, file->folder, error);
    }
    return code;
}
