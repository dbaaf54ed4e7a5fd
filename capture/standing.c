#include "capture/standing.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "format/io.h"
#include "format/layout.h"

#define MAGIC "RFSTANDS"
#define HEADER_SIZE 100 /* of a database: its change counter, its pages, its schema's cookie … */
#define STANDING_MAX (16u << 20)
/* A change that comes so much later bears another time, on file systems that keep fractions of a
 * second and on those that do not. */
#define APART_NS 200000000
#define APART_COARSE_NS 3000000000

void rf_standing_release(struct rf_standing *standing) {
    rf_buffer_release(&standing->bytes);
    *standing = (struct rf_standing){0};
}

/* ---- where it stands ---- */

static void put_file(struct rf_buffer *out, const struct stat *file) {
    rf_buffer_u64(out, file->st_dev);
    rf_buffer_u64(out, file->st_ino);
    rf_buffer_u64(out, (uint64_t)file->st_size);
    rf_buffer_u64(out, (uint64_t)file->st_mtim.tv_sec);
    rf_buffer_u64(out, (uint64_t)file->st_mtim.tv_nsec);
}

static void put_inode_time(struct rf_buffer *out, const struct stat *file) {
    rf_buffer_u64(out, (uint64_t)file->st_ctim.tv_sec);
    rf_buffer_u64(out, (uint64_t)file->st_ctim.tv_nsec);
}

static void put_pin(struct rf_buffer *out, const struct rf_page_pin *pin) {
    rf_buffer_u32(out, pin->frames);
    if (pin->frames > 0) {
        rf_buffer_u32(out, pin->page_size);
        rf_buffer_u32(out, pin->page_count);
        rf_buffer_u32(out, pin->checksum[0]);
        rf_buffer_u32(out, pin->checksum[1]);
        rf_buffer_append(out, pin->salt, sizeof pin->salt);
        rf_buffer_u8(out, pin->big_endian);
    }
}

/* The file's first bytes, read by way of SQLite's own handle; and whether that still is the file
 * that the path leads to. */
static bool put_header(struct rf_buffer *out, struct rf_source *source) {
    uint8_t header[HEADER_SIZE];
    sqlite3_file *file = NULL;
    int moved = 1;
    if (sqlite3_file_control(source->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        !file || !file->pMethods ||
        file->pMethods->xRead(file, header, sizeof header, 0) != SQLITE_OK ||
        sqlite3_file_control(source->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK) {
        return false;
    }
    rf_buffer_append(out, header, sizeof header);
    return !moved;
}

/* The -wal of the source; all zero where there is none. */
static bool look_at_wal(const struct rf_source *source, struct stat *wal) {
    char path[PATH_MAX];
    *wal = (struct stat){0};
    int length = snprintf(path, sizeof path, "%s-wal", source->path);
    if (length >= (int)sizeof path) {
        return false;
    }
    if (stat(path, wal) != 0) {
        *wal = (struct stat){0};
    }
    return true;
}

/* *file is what was looked at. The WAL is known by its frames; the time of the last change of its inode
 * says nothing, since SQLite sets the file's owner whenever root opens it. */
static bool describe(struct rf_source *source, struct rf_buffer *out, struct stat *file) {
    struct stat wal;
    if (source->unlocked || source->pin.unproven[0] || !rf_io_is_local(source->path) ||
        stat(source->path, file) != 0 || !look_at_wal(source, &wal)) {
        return false;
    }
    rf_buffer_string(out, source->path);
    put_file(out, file);
    put_inode_time(out, file);
    put_file(out, &wal);
    put_pin(out, &source->pin);
    return put_header(out, source) && !out->failed;
}

void rf_standing_take(struct rf_source *source, struct rf_standing *standing) {
    struct stat file;
    rf_buffer_clear(&standing->bytes);
    standing->known = describe(source, &standing->bytes, &file);
}

/* Whether every later change will show. */
static bool is_past(const struct stat *file, const struct timespec *now) {
    int64_t seconds = now->tv_sec - file->st_ctim.tv_sec;
    if (seconds < 0 || seconds > 60) {
        return seconds > 0;
    }
    int64_t apart = seconds * 1000000000 + now->tv_nsec - file->st_ctim.tv_nsec;
    return apart > (file->st_ctim.tv_nsec == 0 ? APART_COARSE_NS : APART_NS);
}

void rf_standing_settle(struct rf_source *source, struct rf_standing *standing) {
    struct rf_buffer again = {0};
    struct stat file;
    struct timespec now;
    if (!standing->known) {
        return;
    }
    standing->known = describe(source, &again, &file) && again.size == standing->bytes.size &&
                      memcmp(again.bytes, standing->bytes.bytes, again.size) == 0 &&
                      clock_gettime(CLOCK_REALTIME, &now) == 0 && is_past(&file, &now);
    rf_buffer_release(&again);
}

/* ---- what is remembered ---- */

static void put_globs(struct rf_buffer *out, const char *const *globs) {
    uint32_t count = 0;
    while (globs && globs[count]) {
        count++;
    }
    rf_buffer_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        rf_buffer_string(out, globs[i]);
    }
}

/* The whole content of the file: it is never taken apart, only compared. */
static bool render(const struct rf_standing *standing, const struct rf_repository *repository,
                   const struct rf_selection *selection, const struct rf_snapshot_name *name,
                   struct rf_buffer *out) {
    uint8_t digest[RF_HASH_SIZE];
    rf_hash_store(digest, name->digest);
    rf_buffer_append(out, MAGIC, sizeof MAGIC - 1);
    rf_buffer_u32(out, RF_FORMAT_VERSION);
    rf_buffer_string(out, "rowferry " RF_VERSION);
    rf_buffer_string(out, sqlite3_sourceid());
    rf_buffer_append(out, rf_repository_source(repository), RF_SOURCE_ID_SIZE);
    rf_buffer_u64(out, name->number);
    rf_buffer_append(out, digest, sizeof digest);
    put_globs(out, selection->include);
    put_globs(out, selection->exclude);
    put_globs(out, selection->shadow);
    rf_buffer_append(out, standing->bytes.bytes, standing->bytes.size);
    if (!out->failed) {
        rf_buffer_u64(out, rf_checksum(out->bytes, out->size));
    }
    return !out->failed && out->size <= STANDING_MAX;
}

static bool place(const struct rf_repository *repository, char path[PATH_MAX]) {
    return snprintf(path, PATH_MAX, "%s/index/source", rf_repository_path(repository)) < PATH_MAX;
}

/* Whether the file has exactly these bytes. */
static bool holds(struct rf_io *io, const char *path, const struct rf_buffer *expected) {
    struct rf_error ignored = {0};
    uint64_t size;
    int fd = -1;
    if (rf_io_open_read(io, path, &fd, &size, &ignored) != RF_OK) {
        return false;
    }
    uint8_t *found = size == expected->size ? malloc(expected->size) : NULL;
    bool same = found && rf_io_read_at(io, fd, path, found, expected->size, 0, &ignored) == RF_OK &&
                memcmp(found, expected->bytes, expected->size) == 0;
    free(found);
    rf_io_discard(io, &fd);
    return same;
}

bool rf_standing_is_of(const struct rf_standing *standing, const struct rf_repository *repository,
                       const struct rf_selection *selection, const struct rf_snapshot_name *name) {
    struct rf_buffer expected = {0};
    char path[PATH_MAX];
    bool same = standing->known && render(standing, repository, selection, name, &expected) &&
                place(repository, path) && holds(rf_repository_io(repository), path, &expected);
    rf_buffer_release(&expected);
    return same;
}

/* Not synced: a file that is torn is another one. */
static enum rf_code write_file(struct rf_io *io, const char *part, const char *path,
                               const struct rf_buffer *bytes, struct rf_error *error) {
    int fd = -1;
    enum rf_code code = rf_io_create(io, part, &fd, error);
    if (code == RF_OK) {
        code = rf_io_write_all(io, fd, part, bytes->bytes, bytes->size, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(io, &fd, part, error);
    }
    rf_io_discard(io, &fd);
    return code == RF_OK ? rf_io_rename(io, part, path, error) : code;
}

void rf_standing_remember(const struct rf_standing *standing,
                          const struct rf_repository *repository,
                          const struct rf_selection *selection,
                          const struct rf_snapshot_name *name) {
    struct rf_buffer bytes = {0};
    struct rf_error ignored = {0};
    char path[PATH_MAX], part[PATH_MAX];
    struct rf_io *io = rf_repository_io(repository);
    if (standing->known && place(repository, path) &&
        snprintf(part, sizeof part, "%s/source.part", rf_repository_tmp(repository)) < PATH_MAX &&
        render(standing, repository, selection, name, &bytes) &&
        write_file(io, part, path, &bytes, &ignored) != RF_OK) {
        (void)!rf_io_unlink(io, part, &ignored);
    }
    rf_buffer_release(&bytes);
}
