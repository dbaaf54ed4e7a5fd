/* Every effect that rowferry has on local files goes through this table of operations, so that a
 * test can fail the Nth call, tear a write, or forget what was not synced.
 *
 * The operations mirror the system calls: -1 and errno on failure. Use the rf_io_* functions below,
 * which loop over short reads and writes and EINTR, and fill a struct rf_error. A struct rf_io is
 * shared by threads; the operations given to it must allow that. */
#ifndef RF_FORMAT_IO_H
#define RF_FORMAT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/error.h"

struct rf_io {
    int (*open)(struct rf_io *io, const char *path, int flags, mode_t mode);
    int (*close)(struct rf_io *io, int fd);
    ssize_t (*pread)(struct rf_io *io, int fd, void *bytes, size_t size, off_t offset);
    ssize_t (*write)(struct rf_io *io, int fd, const void *bytes, size_t size);
    ssize_t (*pwrite)(struct rf_io *io, int fd, const void *bytes, size_t size, off_t offset);
    int (*fsync)(struct rf_io *io, int fd);
    int (*syncfs)(struct rf_io *io, int fd); /* may be NULL */
    int (*rename)(struct rf_io *io, const char *from, const char *to);
    int (*unlink)(struct rf_io *io, const char *path);
    int (*mkdir)(struct rf_io *io, const char *path, mode_t mode);
    int (*flock)(struct rf_io *io, int fd, int operation);
    off_t (*size)(struct rf_io *io, int fd);
};

/* The real thing. One static object; never freed. */
struct rf_io *rf_io_posix(void);

#define RF_IO_FILE_MODE 0600
#define RF_IO_DIRECTORY_MODE 0700

RF_MUST_USE enum rf_code rf_io_open_read(struct rf_io *io, const char *path, int *fd,
                                         uint64_t *size, struct rf_error *error);
/* Creates a new file, mode 0600; fails when it exists. */
RF_MUST_USE enum rf_code rf_io_create(struct rf_io *io, const char *path, int *fd,
                                      struct rf_error *error);
/* All `size` bytes or an error; a file that ends early is RF_CORRUPT ("cut short"). `path` is for
 * the message only. */
RF_MUST_USE enum rf_code rf_io_read_at(struct rf_io *io, int fd, const char *path, void *bytes,
                                       size_t size, uint64_t offset, struct rf_error *error);
RF_MUST_USE enum rf_code rf_io_write_all(struct rf_io *io, int fd, const char *path,
                                         const void *bytes, size_t size, struct rf_error *error);
RF_MUST_USE enum rf_code rf_io_write_at(struct rf_io *io, int fd, const char *path,
                                        const void *bytes, size_t size, uint64_t offset,
                                        struct rf_error *error);
RF_MUST_USE enum rf_code rf_io_sync(struct rf_io *io, int fd, const char *path,
                                    struct rf_error *error);
/* Whether the file lies on a disk of this machine, or in its memory, under a file system that is
 * known: not one that hands on to others what it is told, as network file systems, FUSE and overlays
 * do. */
bool rf_io_is_local(const char *path);
/* Whether one rf_io_sync_all is as good as an rf_io_sync of every file that was written on the file
 * system of `fd` since that was opened: it waits for the disk, and fails if anything could not be
 * written. */
bool rf_io_can_sync_all(const struct rf_io *io, int fd);
RF_MUST_USE enum rf_code rf_io_sync_all(struct rf_io *io, int fd, const char *path,
                                        struct rf_error *error);
/* Closes *fd if it is not -1 and sets it to -1. */
RF_MUST_USE enum rf_code rf_io_close(struct rf_io *io, int *fd, const char *path,
                                     struct rf_error *error);
/* The same where an error is known already and the close cannot matter. */
void rf_io_discard(struct rf_io *io, int *fd);
RF_MUST_USE enum rf_code rf_io_rename(struct rf_io *io, const char *from, const char *to,
                                      struct rf_error *error);
/* A file that is not there is not an error. */
RF_MUST_USE enum rf_code rf_io_unlink(struct rf_io *io, const char *path, struct rf_error *error);
/* A directory that is there already is not an error. */
RF_MUST_USE enum rf_code rf_io_mkdir(struct rf_io *io, const char *path, struct rf_error *error);
RF_MUST_USE enum rf_code rf_io_sync_directory(struct rf_io *io, const char *path,
                                              struct rf_error *error);
/* Calls visit for each name in the folder, in byte order, without "." and "..". */
RF_MUST_USE enum rf_code rf_io_list(const char *path,
                                    enum rf_code (*visit)(void *context, const char *name,
                                                          struct rf_error *error),
                                    void *context, struct rf_error *error);

#endif
