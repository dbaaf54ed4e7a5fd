#include "memory_io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ONLY_FD 1000

static struct memory_io *memory_of(struct rf_io *io) {
    return (struct memory_io *)(void *)io;
}

static int memory_open(struct rf_io *io, const char *path, int flags, mode_t mode) {
    (void)path;
    (void)mode;
    if (flags != O_RDONLY) {
        errno = EROFS;
        return -1;
    }
    memory_of(io)->open++;
    return ONLY_FD;
}

static int memory_close(struct rf_io *io, int fd) {
    (void)fd;
    memory_of(io)->open--;
    return 0;
}

static ssize_t memory_pread(struct rf_io *io, int fd, void *bytes, size_t size, off_t offset) {
    (void)fd;
    struct memory_io *memory = memory_of(io);
    size_t at = (size_t)offset < memory->size ? (size_t)offset : memory->size;
    size_t take = size < memory->size - at ? size : memory->size - at;
    memcpy(bytes, (const char *)memory->bytes + at, take);
    return (ssize_t)take;
}

static off_t memory_size(struct rf_io *io, int fd) {
    (void)fd;
    return (off_t)memory_of(io)->size;
}

struct memory_io memory_io_of(const void *bytes, size_t size) {
    return (struct memory_io){.io = {.open = memory_open,
                                     .close = memory_close,
                                     .pread = memory_pread,
                                     .size = memory_size},
                              .bytes = bytes,
                              .size = size};
}

/* True where this call is the one, or one after it. */
static bool fails(struct rf_io *io) {
    struct failing_io *failing = (struct failing_io *)(void *)io;
    int call = atomic_fetch_add(&failing->calls, 1) + 1;
    bool now = failing->fail_at > 0 &&
               (call == failing->fail_at || (failing->forever && call > failing->fail_at));
    if (now) {
        failing->failed = true;
        errno = failing->error;
    }
    return now;
}

static int failing_open(struct rf_io *io, const char *path, int flags, mode_t mode) {
    return fails(io) ? -1 : rf_io_posix()->open(rf_io_posix(), path, flags, mode);
}

/* A close that fails has closed all the same, as the kernel does. */
static int failing_close(struct rf_io *io, int fd) {
    bool now = fails(io);
    int number = errno;
    int answer = rf_io_posix()->close(rf_io_posix(), fd);
    errno = now ? number : errno;
    return now ? -1 : answer;
}

static ssize_t failing_pread(struct rf_io *io, int fd, void *bytes, size_t size, off_t offset) {
    return fails(io) ? -1 : rf_io_posix()->pread(rf_io_posix(), fd, bytes, size, offset);
}

/* A full disk takes half of the bytes before it says so; a signal comes before any. */
static ssize_t failing_write(struct rf_io *io, int fd, const void *bytes, size_t size) {
    if (!fails(io)) {
        return rf_io_posix()->write(rf_io_posix(), fd, bytes, size);
    }
    int number = errno;
    ssize_t put = number == EINTR ? 0 : rf_io_posix()->write(rf_io_posix(), fd, bytes, size / 2);
    errno = number;
    (void)put;
    return -1;
}

static ssize_t failing_pwrite(struct rf_io *io, int fd, const void *bytes, size_t size,
                              off_t offset) {
    return fails(io) ? -1 : rf_io_posix()->pwrite(rf_io_posix(), fd, bytes, size, offset);
}

static int failing_fsync(struct rf_io *io, int fd) {
    return fails(io) ? -1 : rf_io_posix()->fsync(rf_io_posix(), fd);
}

static int failing_syncfs(struct rf_io *io, int fd) {
    return fails(io) ? -1 : rf_io_posix()->syncfs(rf_io_posix(), fd);
}

static int failing_rename(struct rf_io *io, const char *from, const char *to) {
    return fails(io) ? -1 : rf_io_posix()->rename(rf_io_posix(), from, to);
}

static int failing_unlink(struct rf_io *io, const char *path) {
    return fails(io) ? -1 : rf_io_posix()->unlink(rf_io_posix(), path);
}

static int failing_mkdir(struct rf_io *io, const char *path, mode_t mode) {
    return fails(io) ? -1 : rf_io_posix()->mkdir(rf_io_posix(), path, mode);
}

static int failing_flock(struct rf_io *io, int fd, int operation) {
    return fails(io) ? -1 : rf_io_posix()->flock(rf_io_posix(), fd, operation);
}

static off_t failing_size(struct rf_io *io, int fd) {
    return fails(io) ? -1 : rf_io_posix()->size(rf_io_posix(), fd);
}

void failing_io_init(struct failing_io *failing, int fail_at, int error, bool forever) {
    failing->io = (struct rf_io){.open = failing_open,
                                 .close = failing_close,
                                 .pread = failing_pread,
                                 .write = failing_write,
                                 .pwrite = failing_pwrite,
                                 .fsync = failing_fsync,
                                 .syncfs = failing_syncfs,
                                 .rename = failing_rename,
                                 .unlink = failing_unlink,
                                 .mkdir = failing_mkdir,
                                 .flock = failing_flock,
                                 .size = failing_size};
    failing->fail_at = fail_at;
    failing->error = error;
    failing->forever = forever;
    atomic_init(&failing->calls, 0);
    atomic_init(&failing->failed, false);
}
