/* SQLite's locks are those of fcntl() on bytes that its file format and its WAL format name; who
 * holds one, F_GETLK tells. */
#include "capture/others.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* https://www.sqlite.org/fileformat2.html (the lock-byte page) and walformat.html (section 2.3). */
#define PENDING_BYTE 0x40000000
#define WRITER_BYTES 2     /* PENDING and RESERVED */
#define DATABASE_BYTES 512 /* and those that readers share */
#define SHM_WRITER_BYTE 120
#define SHM_LOCK_BYTES \
    9 /* writer, checkpoint, recovery, five readers, and "somebody has it open" */

static bool is_known(const struct rf_others *others, long process) {
    for (uint32_t i = 0; i < others->count; i++) {
        if (others->list[i].process == process) {
            return true;
        }
    }
    return false;
}

static void read_name(long process, char name[32]) {
    char path[64];
    name[0] = 0;
    snprintf(path, sizeof path, "/proc/%ld/comm", process);
    FILE *file = process > 0 ? fopen(path, "re") : NULL;
    if (file) {
        if (!fgets(name, 32, file)) {
            name[0] = 0;
        }
        name[strcspn(name, "\n")] = 0;
        fclose(file);
    }
}

static void add(struct rf_others *others, long process) {
    if (process == getpid() || is_known(others, process) || others->count == RF_OTHERS_NAMED) {
        return;
    }
    struct rf_other *other = &others->list[others->count++];
    other->process = process;
    read_name(process, other->name);
}

/* ---- locks ---- */

static void look_at_locks(const char *path, const char *suffix, off_t first, off_t count,
                          struct rf_others *others) {
    char name[PATH_MAX];
    if (snprintf(name, sizeof name, "%s%s", path, suffix) >= (int)sizeof name) {
        return;
    }
    int file = open(name, O_RDONLY | O_CLOEXEC);
    for (off_t i = 0; file >= 0 && i < count; i++) {
        struct flock lock = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = first + i, .l_len = 1};
        if (fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
            add(others, lock.l_pid > 0 ? lock.l_pid : 0);
            off_t end = lock.l_len == 0 ? first + count : lock.l_start + lock.l_len;
            i = end - first - 1 > i ? end - first - 1 : i;
        }
    }
    if (file >= 0) {
        close(file);
    }
}

/* ---- open files ---- */

static bool has_open(const char *process, const struct stat *wanted) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        struct stat file;
        found = isdigit((unsigned char)entry->d_name[0]) &&
                fstatat(dirfd(folder), entry->d_name, &file, 0) == 0 &&
                file.st_dev == wanted->st_dev && file.st_ino == wanted->st_ino;
    }
    if (folder) {
        closedir(folder);
    }
    return found;
}

static void look_at_files(const char *path, struct rf_others *others) {
    struct stat wanted;
    DIR *folder = stat(path, &wanted) == 0 ? opendir("/proc") : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (isdigit((unsigned char)entry->d_name[0]) && has_open(entry->d_name, &wanted)) {
            add(others, strtol(entry->d_name, NULL, 10));
        }
    }
    if (folder) {
        closedir(folder);
    }
}

/* ---- both ---- */

void rf_others_find(const char *path, struct rf_others *others) {
    others->count = 0;
    look_at_locks(path, "-shm", SHM_WRITER_BYTE, SHM_LOCK_BYTES, others);
    look_at_locks(path, "", PENDING_BYTE, DATABASE_BYTES, others);
    look_at_files(path, others);
}

void rf_others_find_writers(const char *path, struct rf_others *others) {
    others->count = 0;
    look_at_locks(path, "-shm", SHM_WRITER_BYTE, 1, others);
    look_at_locks(path, "", PENDING_BYTE, WRITER_BYTES, others);
}

void rf_others_say(const struct rf_others *others, char *text, size_t size) {
    size_t used = 0;
    snprintf(text, size, "no process that can be seen from here");
    for (uint32_t i = 0; i < others->count && used < size; i++) {
        const struct rf_other *other = &others->list[i];
        const char *comma = i > 0 ? ", " : "";
        if (other->process == 0) {
            used += (size_t)snprintf(text + used, size - used,
                                     "%sa process that cannot be seen from here", comma);
        } else {
            used += (size_t)snprintf(text + used, size - used,
                                     other->name[0] ? "%sprocess %ld (%s)" : "%sprocess %ld", comma,
                                     other->process, other->name);
        }
    }
}
