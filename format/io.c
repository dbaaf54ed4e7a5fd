/* The system calls behind struct rf_io, and the loops that make whole reads and writes of them. */
#include "format/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

static int posix_open(struct rf_io *io, const char *path, int flags, mode_t mode) {
    (void)io;
    return open(path, flags | O_CLOEXEC, mode);
}

static int posix_close(struct rf_io *io, int fd) {
    (void)io;
    return close(fd);
}

static ssize_t posix_pread(struct rf_io *io, int fd, void *bytes, size_t size, off_t offset) {
    (void)io;
    return pread(fd, bytes, size, offset);
}

static ssize_t posix_write(struct rf_io *io, int fd, const void *bytes, size_t size) {
    (void)io;
    return write(fd, bytes, size);
}

static ssize_t posix_pwrite(struct rf_io *io, int fd, const void *bytes, size_t size,
                            off_t offset) {
    (void)io;
    return pwrite(fd, bytes, size, offset);
}

static int posix_fsync(struct rf_io *io, int fd) {
    (void)io;
    return fsync(fd);
}

static int posix_syncfs(struct rf_io *io, int fd) {
    (void)io;
    return syncfs(fd);
}

static int posix_rename(struct rf_io *io, const char *from, const char *to) {
    (void)io;
    return rename(from, to);
}

static int posix_unlink(struct rf_io *io, const char *path) {
    (void)io;
    return unlink(path);
}

static int posix_mkdir(struct rf_io *io, const char *path, mode_t mode) {
    (void)io;
    return mkdir(path, mode);
}

static int posix_flock(struct rf_io *io, int fd, int operation) {
    (void)io;
    return flock(fd, operation);
}

static off_t posix_size(struct rf_io *io, int fd) {
    (void)io;
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return -1;
    }
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        return -1;
    }
    return status.st_size;
}

struct rf_io *rf_io_posix(void) {
    static struct rf_io io = {
        .open = posix_open,
        .close = posix_close,
        .pread = posix_pread,
        .write = posix_write,
        .pwrite = posix_pwrite,
        .fsync = posix_fsync,
        .syncfs = posix_syncfs,
        .rename = posix_rename,
        .unlink = posix_unlink,
        .mkdir = posix_mkdir,
        .flock = posix_flock,
        .size = posix_size,
    };
    return &io;
}

enum rf_code rf_io_open_read(struct rf_io *io, const char *path, int *fd, uint64_t *size,
                             struct rf_error *error) {
    *fd = io->open(io, path, O_RDONLY, 0);
    if (*fd < 0) {
        return rf_fail_errno(error, errno, "cannot open %s", path);
    }
    off_t length = io->size(io, *fd);
    if (length < 0) {
        int number = errno;
        rf_io_discard(io, fd);
        return rf_fail_errno(error, number, "cannot tell the size of %s", path);
    }
    *size = (uint64_t)length;
    return RF_OK;
}

enum rf_code rf_io_create(struct rf_io *io, const char *path, int *fd, struct rf_error *error) {
    *fd = io->open(io, path, O_RDWR | O_CREAT | O_EXCL, RF_IO_FILE_MODE);
    if (*fd < 0) {
        return rf_fail_errno(error, errno, "cannot create %s", path);
    }
    return RF_OK;
}

enum rf_code rf_io_read_at(struct rf_io *io, int fd, const char *path, void *bytes, size_t size,
                           uint64_t offset, struct rf_error *error) {
    uint8_t *to = bytes;
    size_t done = 0;
    while (done < size) {
        ssize_t got = io->pread(io, fd, to + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return rf_fail_errno(error, errno, "cannot read %s", path);
        }
        if (got == 0) {
            rf_fail(error, RF_CORRUPT, "%s is cut short", path);
            rf_detail(error, "%zu bytes were to be read at offset %llu, %zu are there", size,
                      (unsigned long long)offset, done);
            return RF_CORRUPT;
        }
        done += (size_t)got;
    }
    return RF_OK;
}

/* Writes at `offset`, or where the file stands when it is negative. */
static enum rf_code write_loop(struct rf_io *io, int fd, const char *path, const void *bytes,
                               size_t size, off_t offset, struct rf_error *error) {
    const uint8_t *from = bytes;
    size_t done = 0;
    while (done < size) {
        ssize_t put = offset < 0
                          ? io->write(io, fd, from + done, size - done)
                          : io->pwrite(io, fd, from + done, size - done, offset + (off_t)done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return rf_fail_errno(error, put < 0 ? errno : EIO, "cannot write %s", path);
        }
        done += (size_t)put;
    }
    return RF_OK;
}

enum rf_code rf_io_write_all(struct rf_io *io, int fd, const char *path, const void *bytes,
                             size_t size, struct rf_error *error) {
    return write_loop(io, fd, path, bytes, size, -1, error);
}

enum rf_code rf_io_write_at(struct rf_io *io, int fd, const char *path, const void *bytes,
                            size_t size, uint64_t offset, struct rf_error *error) {
    return write_loop(io, fd, path, bytes, size, (off_t)offset, error);
}

enum rf_code rf_io_sync(struct rf_io *io, int fd, const char *path, struct rf_error *error) {
    if (io->fsync(io, fd) != 0) {
        return rf_fail_errno(error, errno, "cannot sync %s to disk", path);
    }
    return RF_OK;
}

/* syncfs(2) tells of what could not be written since Linux 5.8. */
static bool syncfs_tells_errors(void) {
    struct utsname system;
    unsigned major = 0;
    unsigned minor = 0;
    return uname(&system) == 0 && sscanf(system.release, "%u.%u", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 8));
}

static bool is_known(const struct statfs *system) {
    switch ((unsigned long)system->f_type) {
    case EXT4_SUPER_MAGIC: /* ext2 and ext3 have the same */
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case TMPFS_MAGIC:
        return true;
    default:
        return false;
    }
}

bool rf_io_is_local(const char *path) {
    struct statfs system;
    return statfs(path, &system) == 0 && is_known(&system);
}

/* The known ones have one writeback for all their files, with one place for its errors. */
bool rf_io_can_sync_all(const struct rf_io *io, int fd) {
    struct statfs system;
    return io->syncfs && syncfs_tells_errors() && fstatfs(fd, &system) == 0 && is_known(&system);
}

enum rf_code rf_io_sync_all(struct rf_io *io, int fd, const char *path, struct rf_error *error) {
    if (io->syncfs(io, fd) != 0) {
        return rf_fail_errno(error, errno, "cannot sync the file system of %s to disk", path);
    }
    return RF_OK;
}

enum rf_code rf_io_close(struct rf_io *io, int *fd, const char *path, struct rf_error *error) {
    if (*fd < 0) {
        return RF_OK;
    }
    int closing = *fd;
    *fd = -1;
    if (io->close(io, closing) != 0 && errno != EINTR) {
        return rf_fail_errno(error, errno, "cannot close %s", path);
    }
    return RF_OK;
}

void rf_io_discard(struct rf_io *io, int *fd) {
    if (*fd >= 0) {
        (void)io->close(io, *fd);
        *fd = -1;
    }
}

enum rf_code rf_io_rename(struct rf_io *io, const char *from, const char *to,
                          struct rf_error *error) {
    if (io->rename(io, from, to) != 0) {
        return rf_fail_errno(error, errno, "cannot rename %s to %s", from, to);
    }
    return RF_OK;
}

enum rf_code rf_io_unlink(struct rf_io *io, const char *path, struct rf_error *error) {
    if (io->unlink(io, path) != 0 && errno != ENOENT) {
        return rf_fail_errno(error, errno, "cannot remove %s", path);
    }
    return RF_OK;
}

enum rf_code rf_io_mkdir(struct rf_io *io, const char *path, struct rf_error *error) {
    if (io->mkdir(io, path, RF_IO_DIRECTORY_MODE) != 0 && errno != EEXIST) {
        return rf_fail_errno(error, errno, "cannot make the folder %s", path);
    }
    return RF_OK;
}

enum rf_code rf_io_sync_directory(struct rf_io *io, const char *path, struct rf_error *error) {
    int fd = io->open(io, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        return rf_fail_errno(error, errno, "cannot open the folder %s", path);
    }
    enum rf_code code = rf_io_sync(io, fd, path, error);
    rf_io_discard(io, &fd);
    return code;
}

static int by_bytes(const void *a, const void *b) {
    char *const *left = a;
    char *const *right = b;
    return strcmp(*left, *right);
}

struct names {
    char **at;
    size_t count;
    size_t capacity;
};

static bool names_add(struct names *names, const char *name) {
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 64;
        char **grown = realloc(names->at, capacity * sizeof *grown);
        if (!grown) {
            return false;
        }
        names->at = grown;
        names->capacity = capacity;
    }
    names->at[names->count] = strdup(name);
    return names->at[names->count++] != NULL;
}

static enum rf_code names_read(const char *path, struct names *names, struct rf_error *error) {
    DIR *folder = opendir(path);
    if (!folder) {
        return rf_fail_errno(error, errno, "cannot open the folder %s", path);
    }
    enum rf_code code = RF_OK;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(folder);
        if (!entry) {
            if (errno != 0) {
                code = rf_fail_errno(error, errno, "cannot read the folder %s", path);
            }
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (!names_add(names, entry->d_name)) {
            code = rf_fail_memory(error);
            break;
        }
    }
    closedir(folder);
    return code;
}

enum rf_code rf_io_list(const char *path,
                        enum rf_code (*visit)(void *context, const char *name,
                                              struct rf_error *error),
                        void *context, struct rf_error *error) {
    struct names names = {0};
    enum rf_code code = names_read(path, &names, error);
    if (code == RF_OK && names.count > 0) {
        qsort(names.at, names.count, sizeof *names.at, by_bytes);
    }
    for (size_t i = 0; code == RF_OK && i < names.count; i++) {
        code = visit(context, names.at[i], error);
    }
    for (size_t i = 0; i < names.count; i++) {
        free(names.at[i]);
    }
    free(names.at);
    return code;
}
