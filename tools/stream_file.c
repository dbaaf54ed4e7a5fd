#include "tools/stream_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SUFFIX ".part"

static enum rf_code refuse_existing(const char *path, struct rf_error *error) {
    rf_fail(error, RF_USAGE, "%s is there already", path);
    rf_hint(error, "name another file, or give --force to replace it.");
    return RF_USAGE;
}

/* The file behind links, where it is there; and whether it may be replaced. */
static enum rf_code check_name(struct rf_stream_file *file, const char *path,
                               struct rf_error *error) {
    struct stat found;
    bool there = lstat(path, &found) == 0;
    if (there && stat(path, &found) == 0 && !S_ISREG(found.st_mode)) {
        rf_fail(error, RF_USAGE, "%s is not a file", path);
        rf_hint(error, "where it takes a stream, redirect standard output to it.");
        return RF_USAGE;
    }
    if (there && !file->replace) {
        return refuse_existing(path, error);
    }
    if (strlen(path) >= PATH_MAX - sizeof SUFFIX) {
        return rf_fail_errno(error, ENAMETOOLONG, "cannot write %.100s", path);
    }
    if (there && !realpath(path, file->path)) {
        return rf_fail_errno(error, errno, "cannot write %s", path);
    }
    if (!there) {
        memcpy(file->path, path, strlen(path) + 1);
    }
    return RF_OK;
}

static enum rf_code make_names(struct rf_stream_file *file, struct rf_error *error) {
    const char *slash = strrchr(file->path, '/');
    int size = slash ? (int)(slash - file->path) : 1;
    if (snprintf(file->part, PATH_MAX, "%s" SUFFIX, file->path) >= PATH_MAX) {
        return rf_fail_errno(error, ENAMETOOLONG, "cannot write %.100s", file->path);
    }
    snprintf(file->folder, PATH_MAX, "%.*s", size > 0 ? size : 1, slash ? file->path : ".");
    return RF_OK;
}

static enum rf_code take_lock(struct rf_stream_file *file, int fd, struct rf_error *error) {
    if (file->io->flock(file->io, fd, LOCK_EX | LOCK_NB) == 0) {
        return RF_OK;
    }
    if (errno != EWOULDBLOCK) {
        return rf_fail_errno(error, errno, "cannot lock %s", file->part);
    }
    rf_fail(error, RF_LOCKED, "another export is writing %s", file->path);
    rf_hint(error, "wait for it, or name another file.");
    return RF_LOCKED;
}

/* What a killed run left, if nobody has it locked. */
static enum rf_code remove_left(struct rf_stream_file *file, struct rf_error *error) {
    struct rf_io *io = file->io;
    int fd = io->open(io, file->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) {
        return errno == ENOENT ? RF_OK : rf_fail_errno(error, errno, "cannot open %s", file->part);
    }
    enum rf_code code = take_lock(file, fd, error);
    if (code == RF_OK) {
        code = rf_io_unlink(io, file->part, error);
    }
    rf_io_discard(io, &fd);
    return code;
}

enum rf_code rf_stream_file_open(struct rf_io *io, const char *path, bool replace,
                                 struct rf_stream_file *file, struct rf_error *error) {
    *file = (struct rf_stream_file){.io = io, .replace = replace, .fd = -1};
    enum rf_code code = check_name(file, path, error);
    if (code == RF_OK) {
        code = make_names(file, error);
    }
    if (code == RF_OK) {
        code = remove_left(file, error);
    }
    if (code == RF_OK) {
        code = rf_io_create(io, file->part, &file->fd, error);
    }
    /* Whoever came between the two has it locked, and the name is his. */
    if (code == RF_OK && (code = take_lock(file, file->fd, error)) != RF_OK) {
        rf_io_discard(io, &file->fd);
    }
    return code;
}

enum rf_code rf_stream_file_put(void *context, const void *bytes, size_t size,
                                struct rf_error *error) {
    struct rf_stream_file *file = context;
    return rf_io_write_all(file->io, file->fd, file->part, bytes, size, error);
}

static enum rf_code show(struct rf_stream_file *file, struct rf_error *error) {
    struct stat found;
    if (!file->replace && lstat(file->path, &found) == 0) {
        return refuse_existing(file->path, error); /* it came while we wrote */
    }
    return rf_io_rename(file->io, file->part, file->path, error);
}

enum rf_code rf_stream_file_finish(struct rf_stream_file *file, struct rf_error *error) {
    enum rf_code code = rf_io_sync(file->io, file->fd, file->part, error);
    if (code == RF_OK) {
        code = show(file, error);
    }
    if (code != RF_OK) {
        rf_stream_file_abort(file);
        return code;
    }
    code = rf_io_close(file->io, &file->fd, file->path, error);
    return code == RF_OK ? rf_io_sync_directory(file->io, file->folder, error) : code;
}

void rf_stream_file_abort(struct rf_stream_file *file) {
    struct rf_error ignored;
    if (file->fd >= 0) {
        (void)!rf_io_unlink(file->io, file->part, &ignored);
        rf_io_discard(file->io, &file->fd);
    }
}
