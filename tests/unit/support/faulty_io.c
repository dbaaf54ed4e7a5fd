#include "support/faulty_io.h"

#include <errno.h>
#include <unistd.h>

static struct faulty_io *faulty_of(struct rf_io *io) {
    return (struct faulty_io *)io; /* io is the first member */
}

/* Whether this operation fails; the process may end here. */
static bool fails(struct rf_io *io, bool writes, bool *tear) {
    struct faulty_io *faulty = faulty_of(io);
    unsigned place = atomic_fetch_add(&faulty->count, 1) + 1;
    bool here = place == faulty->at;
    *tear = false;
    if (faulty->kind == FAULTY_NOT || place < faulty->at) {
        return false;
    }
    atomic_store(&faulty->met, true);
    switch (faulty->kind) {
    case FAULTY_EXIT:
        _exit(FAULTY_EXIT_CODE);
    case FAULTY_TEAR:
        if (!writes || !here) {
            _exit(FAULTY_EXIT_CODE);
        }
        *tear = true;
        return false;
    case FAULTY_ONCE:
    case FAULTY_STAYS:
        errno = faulty->number;
        return here || (faulty->kind == FAULTY_STAYS && writes);
    case FAULTY_NOT:
        break;
    }
    return false;
}

static struct rf_io *real(void) {
    return rf_io_posix();
}

static int faulty_open(struct rf_io *io, const char *path, int flags, mode_t mode) {
    bool tear;
    bool writes = (flags & 3) != 0;
    return fails(io, writes, &tear) ? -1 : real()->open(real(), path, flags, mode);
}

/* A close that fails has closed all the same. */
static int faulty_close(struct rf_io *io, int fd) {
    bool tear;
    bool failed = fails(io, false, &tear);
    int number = errno;
    int result = real()->close(real(), fd);
    errno = failed ? number : errno;
    return failed ? -1 : result;
}

static ssize_t faulty_pread(struct rf_io *io, int fd, void *bytes, size_t size, off_t offset) {
    bool tear;
    return fails(io, false, &tear) ? -1 : real()->pread(real(), fd, bytes, size, offset);
}

static ssize_t faulty_write(struct rf_io *io, int fd, const void *bytes, size_t size) {
    bool tear;
    if (fails(io, true, &tear)) {
        return -1;
    }
    ssize_t written = real()->write(real(), fd, bytes, tear ? size / 2 : size);
    if (tear) {
        _exit(FAULTY_EXIT_CODE);
    }
    return written;
}

static ssize_t faulty_pwrite(struct rf_io *io, int fd, const void *bytes, size_t size,
                             off_t offset) {
    bool tear;
    if (fails(io, true, &tear)) {
        return -1;
    }
    ssize_t written = real()->pwrite(real(), fd, bytes, tear ? size / 2 : size, offset);
    if (tear) {
        _exit(FAULTY_EXIT_CODE);
    }
    return written;
}

static int faulty_fsync(struct rf_io *io, int fd) {
    bool tear;
    (void)fd;
    atomic_fetch_add(&faulty_of(io)->syncs, 1);
    return fails(io, true, &tear) ? -1 : 0;
}

static int faulty_syncfs(struct rf_io *io, int fd) {
    bool tear;
    (void)fd;
    atomic_fetch_add(&faulty_of(io)->whole_syncs, 1);
    return fails(io, true, &tear) ? -1 : 0;
}

static int faulty_rename(struct rf_io *io, const char *from, const char *to) {
    bool tear;
    return fails(io, true, &tear) ? -1 : real()->rename(real(), from, to);
}

static int faulty_unlink(struct rf_io *io, const char *path) {
    bool tear;
    return fails(io, false, &tear) ? -1 : real()->unlink(real(), path);
}

static int faulty_mkdir(struct rf_io *io, const char *path, mode_t mode) {
    bool tear;
    return fails(io, true, &tear) ? -1 : real()->mkdir(real(), path, mode);
}

static int faulty_flock(struct rf_io *io, int fd, int operation) {
    bool tear;
    return fails(io, false, &tear) ? -1 : real()->flock(real(), fd, operation);
}

static off_t faulty_size(struct rf_io *io, int fd) {
    bool tear;
    return fails(io, false, &tear) ? -1 : real()->size(real(), fd);
}

void faulty_io_init(struct faulty_io *faulty, enum faulty_kind kind, unsigned at, int number) {
    *faulty = (struct faulty_io){
        .io = {.open = faulty_open,
               .close = faulty_close,
               .pread = faulty_pread,
               .write = faulty_write,
               .pwrite = faulty_pwrite,
               .fsync = faulty_fsync,
               .syncfs = faulty_syncfs,
               .rename = faulty_rename,
               .unlink = faulty_unlink,
               .mkdir = faulty_mkdir,
               .flock = faulty_flock,
               .size = faulty_size},
        .kind = kind,
        .at = at,
        .number = number,
    };
}
