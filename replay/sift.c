#include "replay/sift.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PARTITIONS_MAX 4096u
#define BUFFER_ENTRIES_MIN 16u

struct partition {
    struct rf_sift_entry *buffer;
    uint32_t used;
    uint32_t extent_count;
    uint64_t *extents; /* offsets in the file; each holds a full buffer */
};

struct rf_sift {
    struct rf_io *io;
    int fd; /* -1: nothing had to be written yet */
    char path[256];
    uint64_t file_size;
    uint32_t count; /* of partitions */
    uint32_t room;  /* entries a buffer */
    struct partition *partitions;
    struct rf_sift_entry *memory;
};

enum rf_code rf_sift_new(struct rf_io *io, uint64_t expected, size_t memory, struct rf_sift **sift,
                         struct rf_error *error) {
    uint64_t total = memory / sizeof(struct rf_sift_entry);
    uint64_t count = expected / (total ? total : 1) + 1;
    count = count > PARTITIONS_MAX ? PARTITIONS_MAX : count;
    uint64_t room = total / count > BUFFER_ENTRIES_MIN ? total / count : BUFFER_ENTRIES_MIN;
    if (room > expected + BUFFER_ENTRIES_MIN) {
        room = expected + BUFFER_ENTRIES_MIN;
    }
    struct rf_sift *made = calloc(1, sizeof *made);
    if (made) {
        made->io = io;
        made->fd = -1;
        made->count = (uint32_t)count;
        made->room = (uint32_t)room;
        made->partitions = calloc(count, sizeof *made->partitions);
        made->memory = calloc(count * room, sizeof *made->memory);
    }
    if (!made || !made->partitions || !made->memory) {
        rf_sift_free(made);
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < made->count; i++) {
        made->partitions[i].buffer = made->memory + (size_t)i * made->room;
    }
    *sift = made;
    return RF_OK;
}

void rf_sift_free(struct rf_sift *sift) {
    if (!sift) {
        return;
    }
    for (uint32_t i = 0; sift->partitions && i < sift->count; i++) {
        free(sift->partitions[i].extents);
    }
    rf_io_discard(sift->io, &sift->fd);
    free(sift->partitions);
    free(sift->memory);
    free(sift);
}

static enum rf_code add_extent(struct rf_sift *sift, struct partition *partition,
                               struct rf_error *error) {
    uint32_t count = partition->extent_count;
    if ((count & (count - 1)) == 0) {
        size_t room = count ? 2 * (size_t)count : 1;
        uint64_t *grown = realloc(partition->extents, room * sizeof *grown);
        if (!grown) {
            return rf_fail_memory(error);
        }
        partition->extents = grown;
    }
    partition->extents[partition->extent_count++] = sift->file_size;
    return RF_OK;
}

/* Without a name as soon as it is open, so that nothing is left behind by whatever end. */
static enum rf_code make_file(struct rf_sift *sift, struct rf_error *error) {
    const char *folder = getenv("TMPDIR");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(sift->path, sizeof sift->path, "%.200s/rowferry-%ld-%09ld-%p",
             folder && *folder ? folder : "/tmp", (long)getpid(), now.tv_nsec, (void *)sift);
    sift->fd = sift->io->open(sift->io, sift->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                              RF_IO_FILE_MODE);
    if (sift->fd < 0) {
        return rf_fail_errno(error, errno, "cannot make the temporary file %s", sift->path);
    }
    return rf_io_unlink(sift->io, sift->path, error);
}

static enum rf_code write_out(struct rf_sift *sift, struct partition *partition,
                              struct rf_error *error) {
    size_t size = partition->used * sizeof *partition->buffer;
    enum rf_code code = sift->fd < 0 ? make_file(sift, error) : RF_OK;
    if (code == RF_OK) {
        code = add_extent(sift, partition, error);
    }
    if (code == RF_OK) {
        code = rf_io_write_at(sift->io, sift->fd, sift->path, partition->buffer, size,
                              sift->file_size, error);
    }
    if (code != RF_OK) {
        return code;
    }
    sift->file_size += size;
    partition->used = 0;
    return RF_OK;
}

enum rf_code rf_sift_add(struct rf_sift *sift, const struct rf_sift_entry *entry,
                         struct rf_error *error) {
    /* The low bits chose the bucket of the comparison; these are independent of them. */
    struct partition *partition = &sift->partitions[entry->key.high % sift->count];
    partition->buffer[partition->used++] = *entry;
    return partition->used == sift->room ? write_out(sift, partition, error) : RF_OK;
}

static int compare_hashes(const struct rf_hash *a, const struct rf_hash *b) {
    if (a->high != b->high) {
        return a->high < b->high ? -1 : 1;
    }
    return a->low == b->low ? 0 : a->low < b->low ? -1 : 1;
}

static int compare_entries(const void *one, const void *other) {
    const struct rf_sift_entry *a = one, *b = other;
    if (a->aside != b->aside) {
        return a->aside < b->aside ? -1 : 1;
    }
    int order = compare_hashes(&a->key, &b->key);
    return order ? order : compare_hashes(&a->row, &b->row);
}

/* Sorts, adds up what is equal, drops what cancels out. Returns how many are left. */
static size_t condense(struct rf_sift_entry *entries, size_t count) {
    if (entries && count > 0) {
        qsort(entries, count, sizeof *entries, compare_entries);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count;) {
        struct rf_sift_entry sum = entries[i++];
        while (i < count && compare_entries(&sum, &entries[i]) == 0) {
            sum.count += entries[i++].count;
        }
        if (sum.count != 0) {
            entries[kept++] = sum;
        }
    }
    return kept;
}

struct gathering {
    struct rf_sift_entry *entries;
    size_t count, room;
};

/* Room for one more buffer. What is gathered is condensed first: it grows only by real differences.
 */
static bool make_room(struct gathering *gathering, size_t more) {
    if (gathering->room - gathering->count >= more) {
        return true;
    }
    gathering->count = condense(gathering->entries, gathering->count);
    if (gathering->room - gathering->count >= more && gathering->count < gathering->room / 2) {
        return true;
    }
    size_t room = 2 * gathering->room + more;
    struct rf_sift_entry *grown = realloc(gathering->entries, room * sizeof *grown);
    if (!grown) {
        return false;
    }
    gathering->entries = grown;
    gathering->room = room;
    return true;
}

static enum rf_code read_extents(struct rf_sift *sift, const struct partition *partition,
                                 struct gathering *gathering, struct rf_error *error) {
    for (uint32_t i = 0; i < partition->extent_count; i++) {
        if (!make_room(gathering, sift->room)) {
            return rf_fail_memory(error);
        }
        enum rf_code code =
            rf_io_read_at(sift->io, sift->fd, sift->path, gathering->entries + gathering->count,
                          sift->room * sizeof *gathering->entries, partition->extents[i], error);
        if (code != RF_OK) {
            return code;
        }
        gathering->count += sift->room;
    }
    if (!make_room(gathering, partition->used)) {
        return rf_fail_memory(error);
    }
    memcpy(gathering->entries + gathering->count, partition->buffer,
           partition->used * sizeof *partition->buffer);
    gathering->count += partition->used;
    return RF_OK;
}

enum rf_code rf_sift_visit(struct rf_sift *sift,
                           enum rf_code (*visit)(void *context, const struct rf_sift_entry *entries,
                                                 size_t count, struct rf_error *error),
                           void *context, struct rf_error *error) {
    struct gathering gathering = {.room = sift->room};
    gathering.entries = calloc(gathering.room, sizeof *gathering.entries);
    if (!gathering.entries) {
        return rf_fail_memory(error);
    }
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < sift->count; i++) {
        gathering.count = 0;
        code = read_extents(sift, &sift->partitions[i], &gathering, error);
        if (code == RF_OK) {
            gathering.count = condense(gathering.entries, gathering.count);
            code = visit(context, gathering.entries, gathering.count, error);
        }
    }
    free(gathering.entries);
    return code;
}
