#include "capture/spill.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t records_in(size_t bytes, size_t record) {
    size_t records = bytes / record;
    return records > 0 ? records : 1;
}

void rf_spill_init(struct rf_spill *spill, const struct rf_scratch *scratch, size_t record) {
    *spill = (struct rf_spill){
        .scratch = scratch,
        .record = record,
        .capacity = records_in(scratch->spill_bytes, record),
        .fd = -1,
    };
}

void rf_spill_release(struct rf_spill *spill) {
    if (spill->scratch && spill->fd != -1) {
        rf_io_discard(spill->scratch->io, &spill->fd);
    }
    free(spill->memory);
    *spill = (struct rf_spill){.fd = -1};
}

static enum rf_code make_file(struct rf_spill *spill, struct rf_error *error) {
    static atomic_uint counter;
    const struct rf_scratch *scratch = spill->scratch;
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/spill-%ld-%u", scratch->folder, (long)getpid(),
                          atomic_fetch_add(&counter, 1));
    if (length >= (int)sizeof path) {
        return rf_fail(error, RF_STORAGE, "the path of the folder %.200s… is too long",
                       scratch->folder);
    }
    snprintf(spill->path, sizeof spill->path, "%.250s", path);
    enum rf_code code = rf_io_create(scratch->io, path, &spill->fd, error);
    if (code == RF_OK) {
        code = rf_io_unlink(scratch->io, path, error);
    }
    return code;
}

static enum rf_code flush(struct rf_spill *spill, struct rf_error *error) {
    if (spill->fd == -1) {
        enum rf_code code = make_file(spill, error);
        if (code != RF_OK) {
            return code;
        }
    }
    size_t records = (size_t)(spill->count - spill->in_file);
    enum rf_code code =
        rf_io_write_at(spill->scratch->io, spill->fd, spill->path, spill->memory,
                       records * spill->record, spill->in_file * spill->record, error);
    if (code == RF_OK) {
        spill->in_file = spill->count;
    }
    return code;
}

enum rf_code rf_spill_add(struct rf_spill *spill, const void *record, struct rf_error *error) {
    if (!spill->memory) {
        spill->memory = malloc(spill->capacity * spill->record);
        if (!spill->memory) {
            return rf_fail_memory(error);
        }
    }
    if (spill->count - spill->in_file == spill->capacity) {
        enum rf_code code = flush(spill, error);
        if (code != RF_OK) {
            return code;
        }
    }
    size_t place = (size_t)(spill->count - spill->in_file);
    memcpy(spill->memory + place * spill->record, record, spill->record);
    spill->count++;
    return RF_OK;
}

void rf_spill_reader_init(struct rf_spill_reader *reader, const struct rf_spill *spill,
                          uint64_t first, uint64_t count) {
    *reader = (struct rf_spill_reader){
        .spill = spill,
        .next = first,
        .end = first + count,
        .capacity = spill->capacity,
    };
}

void rf_spill_reader_release(struct rf_spill_reader *reader) {
    free(reader->memory);
    *reader = (struct rf_spill_reader){0};
}

static enum rf_code load(struct rf_spill_reader *reader, struct rf_error *error) {
    const struct rf_spill *spill = reader->spill;
    if (!reader->memory) {
        reader->memory = malloc(reader->capacity * spill->record);
        if (!reader->memory) {
            return rf_fail_memory(error);
        }
    }
    uint64_t end = reader->end < spill->in_file ? reader->end : spill->in_file;
    uint64_t left = end - reader->next;
    size_t records = left < reader->capacity ? (size_t)left : reader->capacity;
    reader->loaded_first = reader->next;
    reader->loaded = records;
    return rf_io_read_at(spill->scratch->io, spill->fd, spill->path, reader->memory,
                         records * spill->record, reader->next * spill->record, error);
}

enum rf_code rf_spill_next(struct rf_spill_reader *reader, const void **record,
                           struct rf_error *error) {
    const struct rf_spill *spill = reader->spill;
    *record = NULL;
    if (reader->next >= reader->end) {
        return RF_OK;
    }
    if (reader->next >= spill->in_file) {
        *record = spill->memory + (size_t)(reader->next - spill->in_file) * spill->record;
        reader->next++;
        return RF_OK;
    }
    if (reader->next - reader->loaded_first >= reader->loaded) {
        enum rf_code code = load(reader, error);
        if (code != RF_OK) {
            return code;
        }
    }
    *record = reader->memory + (size_t)(reader->next - reader->loaded_first) * spill->record;
    reader->next++;
    return RF_OK;
}
