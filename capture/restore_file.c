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
#include "capture/restore_vfs.h"
#include "capture/sqlite_error.h"

#define SUFFIX ".rowferry-restore"
#define HEADER_VERSIONS 18 /* offset of the two bytes that are 2 in a WAL database */

struct rf_restore_file {
    struct rf_io *io;
    char *path;      /* that it is to have */
    char *temporary; /* that it has */
    char *folder;
    bool replace;
    bool published;
    int fd;
    struct rf_restore_vfs vfs;
};

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
    if (!beside(file->path, SUFFIX, temporary) || !rf_restore_vfs_sort_path(temporary, folder)) {
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

static enum rf_code remove_sorted(const struct rf_restore_file *file, struct rf_error *error) {
    char path[PATH_MAX];
    return rf_restore_vfs_sort_path(file->temporary, path) ? rf_io_unlink(file->io, path, error)
                                                           : RF_OK;
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
    if (code == RF_OK) {
        code = remove_sorted(file, error);
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
        code = rf_restore_vfs_register(&file->vfs, io, file->temporary, file->fd, error);
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
    rf_restore_vfs_unregister(&file->vfs);
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
    int result = sqlite3_open_v2(file->temporary, db, flags, file->vfs.name);
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
    if (file->vfs.failed_errno != 0 &&
        (kind == SQLITE_FULL || kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN)) {
        rf_fail_errno(error, file->vfs.failed_errno, "%s", what);
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
